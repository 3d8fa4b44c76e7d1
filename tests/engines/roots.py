# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Root file systems for engines, built from Debian's packages, one for each suite."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from ansible_collections.gantry.docker.tests.engines.places import STATE, locked

SUITES = ("bookworm", "trixie", "sid")

# docker.io and the programs that it recommends or calls (ps, for docker top); the registry; busybox-static for the
# image busybox; ssh, as a way to the engine.
_PACKAGES = (
    "docker.io",
    "iptables",
    "iproute2",
    "procps",
    "ca-certificates",
    "xz-utils",
    "docker-registry",
    "busybox-static",
    "openssh-client",
    "openssh-server",
)
SMALLEST = ("mmdebstrap", "--mode=root", "--variant=minbase", "--quiet")
NO_DOCUMENTATION = tuple(f"--dpkgopt=path-exclude=/usr/share/{directory}/*" for directory in ("doc", "man", "locale"))
# The Release files of sid or of a mirror can be expired.
OLD_LISTS = '--aptopt=Acquire::Check-Valid-Until "false"'


class CannotBuild(Exception):
    """A root file system or image can't be built today; the message has the reason."""


def root_of(suite: str) -> Path:
    """Return the directory with a suite's root file system; build it if it is missing.

    It is never changed: each engine lays a writable directory over it.
    Raise CannotBuild with the end of mmdebstrap's output.
    """
    command = [*SMALLEST, OLD_LISTS, *NO_DOCUMENTATION, f"--include={','.join(_packages(suite))}", suite]
    what = f"Building a root file system of Debian {suite} with its Docker engine"
    return built(command, STATE / "roots" / suite, what)


def unpacked(suite: str, package: str) -> Path:
    """Return the directory with a package of a suite and all that it needs, unpacked and not installed."""
    command = ["mmdebstrap", "--mode=root", "--variant=extract", "--quiet", OLD_LISTS, f"--include={package}", suite]
    return built(command, STATE / "roots" / package, f"Unpacking {package} of Debian {suite}")


def built(command: list[str], target: Path, what: str) -> Path:
    """Run mmdebstrap unless its result is there already; return the result.

    target: the path of the result; the name gets a digest of the command. what: the message for people who wait.
    """
    recipe = hashlib.sha256(" ".join(command).encode()).hexdigest()[:12]
    result = target.with_name(f"{target.stem}-{recipe}{target.suffix}")
    with locked(target.with_name(f"{target.stem}.lock")):
        if not result.exists():
            print(f"{what} (once) …", file=sys.stderr)
            build(command, result)
    return result


def build(command: list[str], target: Path) -> None:
    """Run mmdebstrap; its target appears only when it is complete."""
    part = target.with_name(f"part-{target.name}")  # mmdebstrap recognizes a tar by the end of the name
    _discard(part)
    done = subprocess.run([*command, str(part)], capture_output=True, text=True, check=False)
    if done.returncode:
        _discard(part)
        raise CannotBuild(f"{' '.join(command)} failed:\n" + "\n".join(done.stderr.splitlines()[-15:]))
    part.rename(target)


def _packages(suite: str) -> tuple[str, ...]:
    # In bookworm the client is a part of docker.io.
    return _PACKAGES if suite == "bookworm" else (*_PACKAGES, "docker-cli")


def _discard(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
