# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real cosign, of Debian, which not every distribution has."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.engines.roots import unpacked
from ansible_collections.gantry.docker.tests.support.programs import write_program


def cosign(engine: Engine, place: Path) -> str:
    """Write a program that runs cosign in the engine's network, where the registries are; return its path.

    place: the directory of the program, and of all that cosign keeps. Without COSIGN_PASSWORD, keys have no password.
    """
    root = unpacked("sid", "cosign")
    loader = next(root.glob("usr/lib*/ld-linux*.so.*"))
    libraries = next(root.glob("usr/lib/*/libc.so.6")).parent
    program = f"{loader} --library-path {libraries} {root}/usr/bin/cosign"
    script = [
        f'export HOME={place} COSIGN_PASSWORD="$COSIGN_PASSWORD"',
        f'exec nsenter --target {engine.pid} --net -- {program} "$@"',
    ]
    write_program(place / "cosign", "\n".join(script))
    return str(place / "cosign")
