# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that is to take the place of another, or of none, and only once it is whole and on the disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from ansible_collections.gantry.docker.plugins.module_utils.image.errors import GantryError


class Successor:
    """A new file in a directory, without a name until it is whole: whatever ends this process takes it along."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._name: str | None = None
        directory = os.path.dirname(path)
        try:
            self.file: BinaryIO = os.fdopen(os.open(directory, os.O_TMPFILE | os.O_RDWR, 0o600), "w+b")
        except OSError:
            # Not every file system knows files without a name.
            descriptor, self._name = tempfile.mkstemp(dir=directory, prefix=self._prefix())
            self.file = os.fdopen(descriptor, "w+b")

    def named(self) -> str:
        """The file's name, once all of it is on the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())
        if self._name is None:
            name = os.path.join(os.path.dirname(self._path), self._prefix() + os.urandom(6).hex())
            # linkat follows the link only if it is told so, and os.link tells it only with a directory.
            os.link(f"/proc/self/fd/{self.file.fileno()}", name, src_dir_fd=self.file.fileno(), follow_symlinks=True)
            self._name = name
        return self._name

    def close(self) -> None:
        """Let go of it; a name that it has still goes too."""
        self.file.close()
        if self._name:
            with suppress(FileNotFoundError):
                os.unlink(self._name)

    def _prefix(self) -> str:
        return f".{os.path.basename(self._path)[:200]}."


@contextmanager
def successor(path: str) -> Iterator[Successor]:
    """A new file beside path; it is gone afterwards, unless it was put in its place. Raises GantryError."""
    try:
        new = Successor(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        yield new
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            new.close()


def sync(directory: str) -> None:
    """Have a directory on the disk: a new name in it, and not only the file that has it."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot_write(path: str, error: OSError) -> GantryError:
    return GantryError(
        f"Can't write {path}: {error.strerror or error}. What was there before is as it was. "
        "Check the space and the permissions there."
    )
