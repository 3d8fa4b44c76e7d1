# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Managed hosts with the Python of a Debian release."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.gantry.docker.tests.engines.places import STATE
from ansible_collections.gantry.docker.tests.engines.roots import NO_DOCUMENTATION, OLD_LISTS, SMALLEST, built

_COMMAND = (*SMALLEST, OLD_LISTS, *NO_DOCUMENTATION)
_WITHOUT_ZSTANDARD = ("bullseye",)


def host_of(suite: str, *packages: str) -> Path:
    """Return the root file system of a host with a Debian release, as a tar; make it if it is missing.

    It has Python, with zstandard if the release has that. packages: further ones.
    Raise CannotBuild if Debian's packages aren't available.
    """
    target = STATE / "images" / f"host-{suite}.tar"
    python = "python3" if suite in _WITHOUT_ZSTANDARD else "python3-zstandard"
    include = f"--include={','.join((python, *packages))}"
    return built([*_COMMAND, include, suite], target, f"Making a host with Debian {suite} and its Python")
