# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Engines of any release: Docker's own binaries over a Debian root file system."""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from ansible_collections.gantry.docker.tests.engines.places import STATE, locked
from ansible_collections.gantry.docker.tests.engines.roots import SUITES, root_of

# Static binaries need only its tools. A distribution's binaries may need the newest libraries.
BASE = "sid"

_ADDED = STATE / "added"
# The keeper's PATH finds these before the distribution's own.
_PLACE = Path("usr/local/bin")
_NEEDED = ("containerd", "containerd-shim-runc-v2", "dockerd", "runc")
_TAKEN = (*_NEEDED, "ctr", "docker", "docker-init", "docker-proxy")
# A hyphen parts a name from the store.
_NAME = re.compile(r"[a-z0-9][a-z0-9.]{0,19}")


class CannotAdd(Exception):
    """The binaries can't be used; the message has the reason."""


def added() -> tuple[str, ...]:
    """Return the names of the added engines, each with its store, as 29.1-containerd."""
    return tuple(
        sorted(f"{place.name}-{store}" for place in _ADDED.glob("*/") for store in _stores(place) if place.is_dir())
    )


def layers_of(suite: str) -> str:
    """Return the layers of an engine's root file system in overlayfs's form, the uppermost first.

    suite: a Debian suite, or the name of an added engine. Raise CannotBuild if its Debian root can't be built.
    """
    return str(root_of(suite)) if suite in SUITES else f"{_ADDED / suite}:{root_of(BASE)}"


def add(name: str, source: Path, stores_of: Callable[[str], list[str]]) -> tuple[str, ...]:
    """Make an engine from the binaries in a directory or a .tgz; return its names, one for each store.

    stores_of: a function that starts the engine with each store and returns the working stores.
    Binaries of the same name are replaced. Raise CannotAdd if a binary is missing.
    """
    if not _NAME.fullmatch(name) or name in SUITES:
        raise CannotAdd(
            f"'{name}' can't be the name of an engine. Use up to 20 lower-case letters, digits and dots, as 29.1.2, "
            f"and no name of a suite ({', '.join(SUITES)})."
        )
    place = _ADDED / name
    with locked(STATE / "added.lock"):
        shutil.rmtree(place, ignore_errors=True)
        try:
            _unpack(source, place / _PLACE)
            stores = stores_of(name)
            (place / "stores").write_text("\n".join(stores))
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
    return tuple(f"{name}-{store}" for store in stores)


def _stores(place: Path) -> list[str]:
    listed = place / "stores"
    return listed.read_text().split() if listed.is_file() else []


def _unpack(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    try:
        found = _from_directory(source, target) if source.is_dir() else _from_archive(source, target)
    except (OSError, tarfile.TarError) as error:
        raise CannotAdd(
            f"{source} can't be read: {error}. Name a .tgz of Docker's binaries, or a directory."
        ) from error
    missing = [program for program in _NEEDED if program not in found]
    if missing:
        raise CannotAdd(f"{source} has no {', '.join(missing)}. Docker's static releases have all of them.")


def _from_directory(source: Path, target: Path) -> set[str]:
    files = [file for file in (*source.glob("*"), *source.glob("docker/*")) if file.name in _TAKEN and file.is_file()]
    for file in files:
        shutil.copyfile(file, target / file.name)
        (target / file.name).chmod(0o755)
    return {file.name for file in files}


def _from_archive(source: Path, target: Path) -> set[str]:
    found = set()
    with tarfile.open(source) as tar:
        for member in tar:
            name = Path(member.name).name
            data = tar.extractfile(member) if name in _TAKEN and member.isfile() else None
            if data is None:
                continue
            with (target / name).open("wb") as file:
                shutil.copyfileobj(data, file)
            (target / name).chmod(0o755)
            found.add(name)
    return found
