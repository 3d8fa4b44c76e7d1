# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""A new file that replaces another one, or none, only when it is whole and on the disk."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from ansible_collections.gantry.docker.plugins.module_utils._archive.leftovers import prefix_of
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._ownership import inherit, may_be_inherited

_PRIVATE = 0o600


class Successor:
    """A new file in a directory, without a name until it is whole: if this process is killed, the file is gone.

    Only this user can read it, from the first byte on. It is locked while it is open, so that no other process takes it
    for a leftover (_archive/leftovers.py).
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._name: str | None = None
        self.file: BinaryIO = os.fdopen(self._locked(), "w+b")

    def _locked(self) -> int:
        """Return the new file, open and locked."""
        descriptor = self._created()
        with suppress(OSError):  # a file system without locks: there no process can remove leftovers either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if self._name is None or os.fstat(descriptor).st_nlink:
            return descriptor
        # It had a name before it was locked, and another process took it for a leftover.
        os.close(descriptor)
        return self._locked()

    def _created(self) -> int:
        try:
            return os.open(os.path.dirname(self._path), os.O_TMPFILE | os.O_RDWR, _PRIVATE)
        except OSError:
            # Not every file system has files without a name.
            self._name = self._new_name()
            return os.open(self._name, os.O_CREAT | os.O_EXCL | os.O_RDWR, _PRIVATE)

    def named(self) -> str:
        """Write the whole file to the disk, and return its name.

        It inherits the owner, group and permissions of the file that it replaces, as far as that is allowed.
        """
        self.file.flush()
        if may_be_inherited(self._path):
            inherit(self.file.fileno(), self._path)
        os.fsync(self.file.fileno())
        if self._name is None:
            name = self._new_name()
            # linkat follows the link only with a flag, and os.link sets that flag only if it is given a directory.
            os.link(f"/proc/self/fd/{self.file.fileno()}", name, src_dir_fd=self.file.fileno(), follow_symlinks=True)
            self._name = name
        return self._name

    def close(self) -> None:
        """Close the file, and remove its name if it still has one."""
        if self._name:
            with suppress(FileNotFoundError):
                os.unlink(self._name)
        self.file.close()

    def _new_name(self) -> str:
        return os.path.join(os.path.dirname(self._path), prefix_of(self._path) + os.urandom(6).hex())


@contextmanager
def successor(path: str) -> Iterator[Successor]:
    """Make a new file beside path; remove it at the end, unless it has replaced the file there. Raise GantryError."""
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
    """Write a directory to the disk, with its new names; the files have been written already."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot_write(path: str, error: OSError) -> GantryError:
    return GantryError(
        f"Can't write {path}: {error.strerror or error}. Nothing there was changed. "
        "Check the free space and the permissions there."
    )
