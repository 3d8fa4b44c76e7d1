# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Leftovers of archives: the new files of processes that were killed before they replaced an archive."""

from __future__ import annotations

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ansible_collections.gantry.docker.plugins.module_utils._ownership import shared

_DIGITS = re.compile(r"[0-9a-f]{12}")
# A file's name has up to 255 bytes.
_LONGEST = 200


def prefix_of(path: str) -> str:
    """Return the beginning of the names of new files for the archive at a path; 12 digits follow it."""
    name = os.fsencode(os.path.basename(path))[:_LONGEST]
    return f".{os.fsdecode(name)}."


def left_beside(path: str) -> tuple[str, ...]:
    """Return the leftovers beside a path. Files of living processes are locked.

    In a directory that others can write to, only this user's own files count.
    """
    directory, prefix = os.path.dirname(path), prefix_of(path)
    named = (name for name in os.listdir(directory) if name.startswith(prefix))
    ours = (os.path.join(directory, name) for name in named if _DIGITS.fullmatch(name[len(prefix) :]))
    return tuple(sorted(file for file in ours if _is_ours(file, directory) and _is_left(file)))


def remove_left(files: tuple[str, ...]) -> None:
    """Remove leftovers, unless a process has locked one by now."""
    for file in files:
        with suppress(OSError), _held(file):
            os.unlink(file)


def _is_ours(file: str, directory: str) -> bool:
    try:
        status = os.lstat(file)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(status.st_mode) and (status.st_uid == os.geteuid() or not shared(directory))


def _is_left(file: str) -> bool:
    with suppress(OSError), _held(file):
        return True
    return False


@contextmanager
def _held(file: str) -> Iterator[None]:
    """Hold the lock of a file; raise OSError if another process holds it, or if the file system has no locks."""
    descriptor = os.open(file, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
