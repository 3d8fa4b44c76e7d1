# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The processes of an engine on this host, and their files as this host sees them."""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import closing, suppress

_DAEMON = "dockerd"
# The service manager may listen on the socket, and hand it over to the daemon (docker.socket).
_ACTIVATOR = "systemd"
# The process, the user and the group (unix(7), SO_PEERCRED).
_CREDENTIALS = struct.Struct("3i")
# The most seconds to wait for a connection to a socket whose queue is full.
_PATIENCE = 10
# As many as Linux follows (path_resolution(7)).
_MOST_LINKS = 40


class NotHere(Exception):
    """A process can't be found here; the message is the reason, without a full stop."""


def root_of(path: str) -> str | None:
    """Return the root directory of the engine at a socket, as this host sees it; None if that can't be known.

    A rootless engine has its files elsewhere.
    """
    with suppress(NotHere, OSError):
        root = inside(daemon_of(path))
        # What lies in /proc belongs to the user of the process.
        if os.stat(os.path.dirname(root)).st_uid == 0 and os.path.isdir(f"{root}/etc"):
            return root
    return None


def daemon_of(path: str) -> int:
    """Return the process of the engine whose socket is at a path; raise NotHere and OSError.

    Something else may stand between: a relay, or the end of a tunnel.
    """
    process = _listener(path)
    if _name(process) != _ACTIVATOR:
        return _of_program(process, _DAEMON)
    with open(f"/proc/{process}/net/unix", encoding="utf-8", errors="replace") as file:
        fields = [line.rstrip("\n").split(maxsplit=7) for line in file]
    sockets = {f"socket:[{words[6]}]" for words in fields if words[-1] == os.path.realpath(path)}
    for other in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            if _name(other) == _DAEMON and not sockets.isdisjoint(open_files(other)):
                return other
    raise NotHere(f"{_ACTIVATOR} listens there, and no process {_DAEMON} has the socket")


def listener_of(path: str, program: str) -> int:
    """Return the process of a program that listens on a socket; raise NotHere and OSError."""
    return _of_program(_listener(path), program)


def open_files(process: int) -> Iterator[str]:
    """Yield the open files of a process, as it names them; raise OSError."""
    directory = f"/proc/{process}/fd"
    for name in os.listdir(directory):
        with suppress(FileNotFoundError):
            yield os.readlink(os.path.join(directory, name))


def inside(process: int, *parts: str) -> str:
    """Return the path from here of a file that a process sees at the joined parts; raise OSError for a circle of links.

    Links are followed as the process would: from here, one to /run would lead to this process's own /run.
    """
    root, path = f"/proc/{process}/root", ""
    waiting = os.path.join("/", *parts).split("/")[::-1]
    links = 0
    while waiting:
        name = waiting.pop()
        try:
            link = os.readlink(f"{root}{path}/{name}") if name not in ("", ".", "..") else ""
        except OSError:  # it is no link, or what asks for the path learns why it can't be used
            link = ""
        links += bool(link)
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        if link:
            path = "" if os.path.isabs(link) else path
            waiting += link.split("/")[::-1]
        elif name == "..":
            path = os.path.dirname(path)
        elif name not in ("", "."):
            path = f"{path}/{name}"
    return root + path


def _listener(path: str) -> int:
    """Return the process that listens on a socket, as this host numbers it; raise NotHere and OSError."""
    if sys.platform != "linux":
        raise NotHere("this system doesn't report whose a socket is")
    with closing(socket.socket(socket.AF_UNIX)) as stream:
        stream.settimeout(_PATIENCE)
        stream.connect(path)
        told = stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    process = int(_CREDENTIALS.unpack(told)[0])
    if not process:
        raise NotHere("the engine's process isn't visible from here")
    return process


def _of_program(process: int, program: str) -> int:
    """Return the process; raise NotHere if it isn't of this program, and OSError."""
    found = _name(process)
    if found != program:
        raise NotHere(f"the process {found} answers there, which isn't {program}")
    return process


def _name(process: int) -> str:
    with open(f"/proc/{process}/comm", encoding="utf-8", errors="replace") as file:
        return file.read().rstrip("\n")
