# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Whose a file is: what its successor may inherit from it, and whether another user can have put it there."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

_ROOT = 0
_PERMISSIONS = 0o777
_GROUP = 0o070
# acl(5), as Linux stores it.
_ACL = "system.posix_acl_access"


def shared(directory: str) -> bool:
    """Return whether users other than root and this one can change what lies in a directory."""
    status = os.stat(directory)
    return status.st_uid not in (_ROOT, os.geteuid()) or bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def may_be_inherited(path: str) -> bool:
    """Return whether a new file may have the owner, group and permissions of the one at a path.

    Only of a regular file. In a shared directory only of this user's own, and not through a hard link: that shows a
    file of ours which another user put there.
    """
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return False
    own = status.st_uid == os.geteuid() and status.st_nlink == 1
    return stat.S_ISREG(status.st_mode) and (own or not shared(os.path.dirname(path)))


def inherit(descriptor: int, path: str) -> None:
    """Give an open file the owner, group and permissions of the file at a path, as far as this user can.

    Never setuid, setgid or sticky. Where the group can't be kept, its permissions would be another group's: they go.
    """
    former = os.lstat(path)
    permissions = former.st_mode & _PERMISSIONS
    kept = _give(descriptor, former)
    if not kept:
        permissions &= ~_GROUP
    with suppress(PermissionError):
        os.fchmod(descriptor, permissions)
    if kept:
        with suppress(OSError):  # no such list, or none on this file system
            os.setxattr(descriptor, _ACL, os.getxattr(path, _ACL, follow_symlinks=False))


def _give(descriptor: int, former: os.stat_result) -> bool:
    """Give an open file the owner and group of another; whether it has that group then."""
    for owner in (former.st_uid, -1):
        with suppress(PermissionError):
            os.fchown(descriptor, owner, former.st_gid)
            break
    return os.fstat(descriptor).st_gid == former.st_gid


def is_foreign(path: str, owner: int | None) -> bool:
    """Return whether what lies at a path is another user's, in a directory where that makes a difference.

    In a sticky directory a file is safe from all but its owner; in others, who can write there can exchange any file.
    owner: a user who is meant to have the file. A link is its maker's.
    """
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return False
    directory = os.path.dirname(path)
    sticky = bool(os.stat(directory).st_mode & stat.S_ISVTX)
    return sticky and shared(directory) and status.st_uid not in (_ROOT, os.geteuid(), owner)
