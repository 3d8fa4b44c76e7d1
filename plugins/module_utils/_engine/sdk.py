# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The Docker SDK for Python, where it is installed.

Its import is tried once, here: a host without it gets a sentence, not a traceback, and the
documentation of a module can be read without it.
"""

from __future__ import annotations

import sys
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError

__all__ = ["docker", "requests", "require_sdk", "sdk_config", "speaks", "urllib3"]

# Debian 12 and Ubuntu 22.04 have 5.0.3.
OLDEST = (5, 0, 0)

try:
    import docker
    import docker.auth
    import docker.constants
    import docker.errors
    import docker.tls
    import requests
    import urllib3
    from docker.utils import config as sdk_config

    WHY_NOT = None
except ImportError as error:  # pragma: no cover
    docker = requests = urllib3 = sdk_config = None  # type: ignore[assignment]
    WHY_NOT = str(error)


def require_sdk() -> None:
    """Raise GantryError, saying how to install it, unless a Docker SDK that is new enough is there."""
    needed = ".".join(str(number) for number in OLDEST)
    remedy = (
        "Install the distribution's package python3-docker (Debian, Ubuntu, Fedora) or, for that Python, "
        f"'python3 -m pip install \"docker>={needed}\"'; or name another Python in ansible_python_interpreter."
    )
    if WHY_NOT is not None:
        raise GantryError(
            f"The Docker SDK for Python can't be used by {sys.executable} on this host: {WHY_NOT}. {remedy}"
        )
    found = docker.__version__
    if tuple(int(part) for part in found.split(".")[:3] if part.isdigit()) < OLDEST:
        raise GantryError(
            f"The Docker SDK for Python of {sys.executable} on this host is {found}; {needed} or newer is needed. "
            + remedy
        )


def speaks(api: Any, major: int, minor: int) -> bool:
    """Whether an engine, as a client agreed with it, speaks that version of the API."""
    return tuple(int(part) for part in str(api._version).split(".")) >= (major, minor)
