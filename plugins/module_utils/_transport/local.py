# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""An engine on this host, and where this host sees its files."""

from __future__ import annotations

import os
import socket
import struct
from contextlib import closing, suppress

_CREDENTIALS = "3i"  # unix(7), struct ucred: process, user, group
_INIT, _ROOT = 1, 0


def root_of(path: str, timeout: int, hostname: str) -> str | None:
    """Return the root directory of the engine behind a socket, as this host sees it; None if that can't be known.

    hostname: the one that the engine reports. Something else may stand between: a relay, or the end of a tunnel. And a
    rootless engine has its files elsewhere.
    """
    listener = _listener(path, timeout)
    if listener is None:
        return None
    process, user = listener
    with suppress(OSError):
        with open(f"/proc/{process}/comm", encoding="utf-8") as file:
            is_engine = file.read() == "dockerd\n"
        # systemd opens the socket of the engine of its own host (docker.socket).
        is_engine = is_engine or (process == _INIT and hostname == os.uname().nodename)
        root = f"/proc/{process}/root"
        if is_engine and user == _ROOT and os.path.isdir(f"{root}/etc"):
            return root
    return None


def _listener(path: str, timeout: int) -> tuple[int, int] | None:
    """Return the process that opened a socket, and its user; None if the system doesn't report them."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    with suppress(OSError), closing(socket.socket(socket.AF_UNIX)) as stream:
        stream.settimeout(timeout)
        stream.connect(path)
        process, user, _group = struct.unpack(
            _CREDENTIALS, stream.getsockopt(socket.SOL_SOCKET, option, struct.calcsize(_CREDENTIALS))
        )
        return process, user
    return None
