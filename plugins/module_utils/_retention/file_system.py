# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The free space on the file system that an engine's store is on.

The engine's API reports the directory of the store, but not that space. The directory is a path in the engine's own
mount namespace, maybe on another host. So it is only looked at through the engine's process, which is found by the
socket. Wherever that can't be done, the module refuses: a path of the same name may be another directory.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._transport.address import place

# The first version that counts blobs in a containerd store (see disk_usage.py).
_FIRST_WITH_BLOBS = (28, 2)
_DAEMON, _CONTAINERD = "dockerd", "containerd"
# The service manager may listen on the socket, and hand it over to the daemon.
_ACTIVATOR = "systemd"
# The metadata of a containerd store, which containerd keeps open (containerd, core/metadata/plugin).
_METADATA = "/io.containerd.metadata.v1.bolt/meta.db"
# The process, the user and the group (unix(7), SO_PEERCRED).
_CREDENTIALS = struct.Struct("3i")
# The most seconds to wait for a connection to a socket whose queue is full.
_PATIENCE = 10
# As many as Linux follows (path_resolution(7)).
_MOST_LINKS = 40
_AS_ROOT = "Run the task as root, on the engine's host and outside of containers"


class FileSystem(NamedTuple):
    """A file system: the bytes that are free for other users than root, as df shows them, and those of the whole."""

    free: int
    size: int


class _Unknown(Exception):
    """The reason why the file system isn't known: a sentence without its full stop, and advice."""

    def __init__(self, reason: str, advice: str = _AS_ROOT) -> None:
        super().__init__(reason)
        self.reason, self.advice = reason, advice


def observe_file_system(engine: Engine) -> FileSystem:
    """Return the file system that the engine's images are on; raise GantryError if it isn't known."""
    try:
        found = {os.stat(directory).st_dev: os.statvfs(directory) for directory in _directories(engine)}
        if len(found) != 1:
            raise _Unknown("the store's blobs and layers are on two file systems", "Use target_size")
    except _Unknown as unknown:
        reason, advice = unknown.reason, unknown.advice
    except OSError as error:
        reason = f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else "")
        advice = _AS_ROOT
    else:
        (space,) = found.values()
        return FileSystem(space.f_bavail * space.f_frsize, space.f_blocks * space.f_frsize)
    raise GantryError(
        f"Can't find out for target_free how much space is free for the images of the engine at "
        f"{place(engine.options)}: {reason}. {advice}. Nothing was removed."
    )


def _directories(engine: Engine) -> tuple[str, ...]:
    """Return the directories of the store, as paths that lead through the engine's process; raise _Unknown, OSError."""
    address = engine.options["address"]
    if sys.platform != "linux" or not address.by_socket:
        raise _Unknown("it isn't at a socket of this host", "Run the task on the engine's host, with unix://")
    if engine.containerd_store and engine.version < _FIRST_WITH_BLOBS:
        # Its bytes are too few. So more images than needed would go.
        raise _Unknown("this engine doesn't count the compressed layers in its containerd store", "Use target_size")
    daemon = _daemon(address.path)
    if not engine.containerd_store:
        return (inside(daemon, engine.data_root, engine.driver),)
    if not engine.containerd_address:
        raise _Unknown("it doesn't report where its containerd is", "Leave api_version out")
    containerd = _listener(inside(daemon, engine.containerd_address))
    _check_is(_CONTAINERD, containerd)
    # Containerd doesn't report its directory, but keeps a file there open.
    metadata = next((path for path in _open_files(containerd) if path.endswith(_METADATA)), None)
    if metadata is None:
        raise _Unknown("containerd has no file open that is its metadata", "Use target_size")
    top = metadata[: -len(_METADATA)]
    parts = ("io.containerd.content.v1.content", f"io.containerd.snapshotter.v1.{engine.driver}")
    return tuple(inside(containerd, top, part) for part in parts)


def _daemon(path: str) -> int:
    """Return the process of the engine whose socket is at a path; raise _Unknown and OSError."""
    listener = _listener(path)
    if _name(listener) != _ACTIVATOR:
        _check_is(_DAEMON, listener)
        return listener
    with open(f"/proc/{listener}/net/unix", encoding="utf-8", errors="replace") as file:
        fields = [line.rstrip("\n").split(maxsplit=7) for line in file]
    sockets = {f"socket:[{words[6]}]" for words in fields if words[-1] == os.path.realpath(path)}
    for process in filter(str.isdigit, os.listdir("/proc")):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            if _name(int(process)) == _DAEMON and not sockets.isdisjoint(_open_files(int(process))):
                return int(process)
    raise _Unknown(f"{_ACTIVATOR} listens there, and no process {_DAEMON} has the socket")


def _listener(path: str) -> int:
    """Return the process that listens on a socket, as this host numbers it; raise _Unknown and OSError."""
    with closing(socket.socket(socket.AF_UNIX)) as stream:
        stream.settimeout(_PATIENCE)
        stream.connect(path)
        told = stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    process = int(_CREDENTIALS.unpack(told)[0])
    if not process:
        raise _Unknown("the engine's process isn't visible from here")
    return process


def _check_is(name: str, process: int) -> None:
    """Raise _Unknown if a process isn't of this program."""
    found = _name(process)
    if found != name:
        raise _Unknown(f"the process {found} answers there, which isn't {name}", "Give the engine's own socket")


def _name(process: int) -> str:
    with open(f"/proc/{process}/comm", encoding="utf-8", errors="replace") as file:
        return file.read().rstrip("\n")


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


def _open_files(process: int) -> Iterator[str]:
    """Yield the open files of a process, as it names them; raise OSError."""
    directory = f"/proc/{process}/fd"
    for name in os.listdir(directory):
        with suppress(FileNotFoundError):
            yield os.readlink(os.path.join(directory, name))
