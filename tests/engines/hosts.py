# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Managed hosts as people have them: a Debian release with the Python that it ships."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from ansible_collections.gantry.docker.tests.engines.places import STATE, locked
from ansible_collections.gantry.docker.tests.engines.roots import build

_COMMAND = (
    "mmdebstrap",
    "--mode=root",
    "--variant=minbase",
    "--quiet",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--include=python3-zstandard",
)


def host_of(suite: str) -> Path:
    """Return the root file system of a host with that Debian release, as a tar; make it if it isn't there yet.

    Raise CannotBuild if Debian's packages can't be had.
    """
    command = [*_COMMAND, suite]
    target = STATE / "images" / f"host-{suite}-{hashlib.sha256(' '.join(command).encode()).hexdigest()[:12]}.tar"
    with locked(STATE / "images" / f"host-{suite}.lock"):
        if not target.is_file():
            print(f"Making a host with Debian {suite} and its Python (once) …", file=sys.stderr)
            build(command, target)
    return target
