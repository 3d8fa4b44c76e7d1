# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Images that come from an archive in a file on the controller."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import BinaryIO

from ansible_collections.gantry.docker.plugins.module_utils._archive.compressed import Unpacker
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import (
    ArchiveIndex,
    opened,
    read_index_of,
    unusable,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.thin import thin_archive
from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify_of
from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import Part
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, Unreadable


class ArchiveFile:
    """The archive at a path.

    content: gives the path of its content, which is another one if Vault has encrypted it. verify: whether all of it is
    read and verified first. Raise GantryError if there is no file.
    """

    def __init__(self, path: str, content: Callable[[], AbstractContextManager[str]], verify: bool) -> None:
        self.archive = path
        self._content, self._verify = content, verify
        self._begun = _stamp(path)
        self.stamp: tuple[object, ...] = (path, self._begun, verify)

    @contextmanager
    def read(self) -> Iterator[ArchiveIndex]:
        """Give the index of the archive; raise GantryError."""
        with ExitStack() as opening:
            file, index = opening.enter_context(self._opened())
            if self._verify:
                verify_of(file, self.archive)
            yield index

    @contextmanager
    def thin(self, _documents: ArchiveIndex, names: Collection[str]) -> Iterator[Iterator[Part]]:
        """Give the parts of an archive with these layers; raise GantryError."""
        with ExitStack() as opening:
            file, index = opening.enter_context(self._opened())
            yield thin_archive(index, names, Unpacker(file, index).data)

    @contextmanager
    def _opened(self) -> Iterator[tuple[BinaryIO, ArchiveIndex]]:
        """Open the archive, and read its index; raise GantryError if the file was changed since the task began."""
        with self._content() as content, opened(content) as file:
            index = read_index_of(file, self.archive)
            try:
                yield file, index
            except Unreadable as error:
                raise unusable(self.archive, error) from error
            if _stamp(self.archive) != self._begun:
                raise GantryError(f"The archive {self.archive} was changed meanwhile. Try again when it is complete.")


def _stamp(path: str) -> tuple[int, ...]:
    """Return what is another for another file, or another content of it; raise GantryError if there is none."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise GantryError(f"The archive {path} can't be read: {error.strerror}. Check src.") from error
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
