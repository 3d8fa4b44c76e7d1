# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The ownership of files: what a new file may inherit from the old one, and which files other users can have made."""

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
    """Return whether users other than root and this one can change the entries of a directory."""
    status = os.stat(directory)
    return status.st_uid not in (_ROOT, os.geteuid()) or bool(status.st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def may_be_inherited(path: str) -> bool:
    """Return whether a new file may inherit the owner, group and permissions of the file at a path.

    The file at the path must be a regular one. In a shared directory it must be this user's own and have no other hard
    link: another user may have linked a file of this user there.
    """
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return False
    own = status.st_uid == os.geteuid() and status.st_nlink == 1
    return stat.S_ISREG(status.st_mode) and (own or not shared(os.path.dirname(path)))


def inherit(descriptor: int, path: str) -> None:
    """Give an open file the owner, group, permissions and ACL of the file at a path, as far as this user can.

    It never gets setuid, setgid or sticky. If it can't get the group, it gets no permissions for the group and no ACL,
    because they would hold for another group.
    """
    former = os.lstat(path)
    permissions = former.st_mode & _PERMISSIONS
    kept = _give(descriptor, former)
    if not kept:
        permissions &= ~_GROUP
    with suppress(PermissionError):
        os.fchmod(descriptor, permissions)
    if kept:
        with suppress(OSError):  # the file has no ACL, or the file system has none
            os.setxattr(descriptor, _ACL, os.getxattr(path, _ACL, follow_symlinks=False))


def _give(descriptor: int, former: os.stat_result) -> bool:
    """Give an open file the owner and group of another, if possible; return whether it has that group then."""
    for owner in (former.st_uid, -1):
        with suppress(PermissionError):
            os.fchown(descriptor, owner, former.st_gid)
            break
    return os.fstat(descriptor).st_gid == former.st_gid


def is_foreign(path: str, owner: int | None) -> bool:
    """Return whether the file at a path is another user's, in a directory where that makes a difference.

    Only a shared sticky directory protects a file from users other than its owner. In other directories everybody who
    can write there can replace any file.
    owner: a user who may own the file too. A link belongs to the user who made it.
    """
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return False
    directory = os.path.dirname(path)
    sticky = bool(os.stat(directory).st_mode & stat.S_ISVTX)
    return sticky and shared(directory) and status.st_uid not in (_ROOT, os.geteuid(), owner)
