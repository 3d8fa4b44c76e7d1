# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two directories of the harness, and their cleanup."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Root file systems and images, which stay between runs, and the data of running engines.
STATE = Path(os.environ.get("GANTRY_STATE") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "gantry-docker"))
STATE = STATE.expanduser()

# A directory for each running engine, with its socket. It is short: a socket's path has 107 bytes at most.
RUN = Path("/run/gantry-docker")

HERE = Path(__file__).parent


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a lock file; wait for it if necessary."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def sweep(instance: str) -> None:
    """Remove the leftovers of an engine that has ended: control groups and directories."""
    for group in _control_groups(instance):
        _remove_group(group)
    shutil.rmtree(STATE / "engines" / instance, ignore_errors=True)
    shutil.rmtree(RUN / instance, ignore_errors=True)


def _control_groups(instance: str) -> list[Path]:
    """Return the engine's control groups, the inner ones first: one tree in version 2, one per controller in 1."""
    top = Path("/sys/fs/cgroup")
    trees = [*top.glob(f"gantry-docker-{instance}"), *top.glob(f"*/gantry-docker-{instance}")]
    return [Path(group) for tree in trees for group, _inner, _files in os.walk(tree, topdown=False)]


def _remove_group(group: Path) -> None:
    # A group is busy for a moment after the end of its last process.
    for _attempt in range(20):
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
