# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Names of trial images, by which a later run finds the trials that a killed process has left.

A label, author or comment would become a part of the image if it is kept. A name can be removed without a trace, and
as long as the image has it, no prune takes the image for dangling.
"""

from __future__ import annotations

import hashlib
import os
import re

from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    DEFAULT_REGISTRY,
    OFFICIAL,
    ListedName,
    Reference,
)

# A repository of one part belongs to no user of a registry.
REPOSITORY = "gantry.docker.trial"
# The age in seconds after which a trial counts as left if its process can't be looked up. A trial takes seconds or
# minutes.
_LONGEST = 24 * 60 * 60
_TAG = re.compile(r"[0-9a-f]{12}-(?P<machine>[0-9a-f]{12})-(?P<process>[0-9]+)-(?P<started>[0-9]+)-[0-9a-f]{6}")


def trial_name(container_id: str) -> Reference:
    """Return a new name for a trial of a container by this process."""
    process = os.getpid()
    tag = f"{container_id[:12]}-{_machine()}-{process}-{_started(process) or 0}-{os.urandom(3).hex()}"
    return Reference(DEFAULT_REGISTRY, OFFICIAL + REPOSITORY, tag)


def is_left(name: ListedName, age: float) -> bool:
    """Return whether an image with a name, as in RepoTags, is the trial of a process that has ended.

    age: the seconds since the image was made. The age decides if the process ran on another machine, or without /proc.
    """
    told = _TAG.fullmatch(name.tag)
    if name.repository != REPOSITORY or not told:
        return False
    if told["machine"] != _machine():
        return age > _LONGEST
    return _started(int(told["process"])) != int(told["started"])


def _machine() -> str:
    """Return an identifier of the processes that this one can see: those since this boot in this namespace."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read()
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        boot, namespace = "", os.urandom(6).hex()
    return hashlib.sha256(f"{boot}{namespace}".encode()).hexdigest()[:12]


def _started(process: int) -> int | None:
    """Return when a process was started, in ticks since the boot (proc(5), stat); None if it has ended."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    # State Z: the process has ended, but its parent hasn't waited for it yet.
    return None if fields[0] == "Z" else int(fields[19])
