# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the harness keeps what it makes: all of it below two directories; and how it goes again."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# What is kept between runs: root file systems, images; and the engines' data while they run.
STATE = Path(os.environ.get("GANTRY_STATE") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "gantry-docker"))
STATE = STATE.expanduser()

# What runs: a directory for each engine, with its socket. Short, as a socket's path has 107 bytes at most.
RUN = Path("/run/gantry-docker")

HERE = Path(__file__).parent


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file's lock; waits for whoever holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def sweep(instance: str) -> None:
    """Remove what an engine that doesn't run any more has left: control groups and directories."""
    for group in _control_groups(instance):
        _remove_group(group)
    shutil.rmtree(STATE / "engines" / instance, ignore_errors=True)
    shutil.rmtree(RUN / instance, ignore_errors=True)


def _control_groups(instance: str) -> list[Path]:
    """The engine's control groups, the inner ones first: one tree in version 2, one for each controller in 1."""
    top = Path("/sys/fs/cgroup")
    trees = [*top.glob(f"gantry-docker-{instance}"), *top.glob(f"*/gantry-docker-{instance}")]
    return [Path(group) for tree in trees for group, _inner, _files in os.walk(tree, topdown=False)]


def _remove_group(group: Path) -> None:
    # The kernel calls a group busy for a moment after its last process has ended.
    for _attempt in range(20):
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
