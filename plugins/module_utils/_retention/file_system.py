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

import os
import sys
from typing import NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._transport.address import place
from ansible_collections.gantry.docker.plugins.module_utils._transport.local import (
    NotHere,
    daemon_of,
    inside,
    listener_of,
    open_files,
)

# The first version that counts blobs in a containerd store (see disk_usage.py).
_FIRST_WITH_BLOBS = (28, 2)
# The metadata of a containerd store, which containerd keeps open (containerd, core/metadata/plugin).
_METADATA = "/io.containerd.metadata.v1.bolt/meta.db"
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
    except NotHere as absent:
        reason, advice = str(absent), _AS_ROOT
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
    """Return the directories of the store, as paths through the engine's process; raise _Unknown, NotHere, OSError."""
    address = engine.options["address"]
    if sys.platform != "linux" or not address.by_socket:
        raise _Unknown("it isn't at a socket of this host", "Run the task on the engine's host, with unix://")
    if engine.containerd_store and engine.version < _FIRST_WITH_BLOBS:
        # Its bytes are too few. So more images than needed would go.
        raise _Unknown("this engine doesn't count the compressed layers in its containerd store", "Use target_size")
    daemon = daemon_of(address.path)
    if not engine.containerd_store:
        return (inside(daemon, engine.data_root, engine.driver),)
    if not engine.containerd_address:
        raise _Unknown("it doesn't report where its containerd is", "Leave api_version out")
    containerd = listener_of(inside(daemon, engine.containerd_address), "containerd")
    # Containerd doesn't report its directory, but keeps a file there open.
    metadata = next((path for path in open_files(containerd) if path.endswith(_METADATA)), None)
    if metadata is None:
        raise _Unknown("containerd has no file open that is its metadata", "Use target_size")
    top = metadata[: -len(_METADATA)]
    parts = ("io.containerd.content.v1.content", f"io.containerd.snapshotter.v1.{engine.driver}")
    return tuple(inside(containerd, top, part) for part in parts)
