# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Files that a run of Ansible makes once, though each host has a process of its own."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError

_PRIVATE = 0o600


def path_in(directory: str, *told: object) -> str:
    """Return the path in a directory for a file that is determined by these values."""
    return os.path.join(directory, f"gantry-docker-{hashlib.sha256(repr(told).encode()).hexdigest()}.tar")


def made_once(path: str, make: Callable[[BinaryIO], None]) -> str:
    """Return the path of a file, which is made if it isn't there.

    make: writes the content. While a process makes the file, the others wait. What a process leaves that ends
    meanwhile is overwritten by the next. Raise GantryError if the file can't be written.
    """
    try:
        with open(f"{path}.lock", "wb", opener=_private) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.exists(path):
                _make(path, make)
    except OSError as error:
        raise GantryError(
            f"Can't write {path} on the controller: {error.strerror or error}. Check the space and the permissions "
            "there, or choose another directory with Ansible's setting local_tmp."
        ) from error
    return path


def _make(path: str, make: Callable[[BinaryIO], None]) -> None:
    part = f"{path}.part"
    try:
        with open(part, "w+b", opener=_private) as file:
            make(file)
        os.rename(part, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(part)
        raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, _PRIVATE)
