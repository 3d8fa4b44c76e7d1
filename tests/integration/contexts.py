# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker contexts, made by an engine's own CLI, and engines at Docker's own ports."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.support.certificates import Certificate
from ansible_collections.gantry.docker.tests.support.relay import relay


@contextmanager
def configuration(engine: Engine) -> Iterator[Path]:
    """Make a directory for the CLI's configuration, where the engine's CLI finds it."""
    engine.files.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=engine.files))
    yield place
    shutil.rmtree(place)


def create(engine: Engine, place: Path, name: str, **endpoint: str) -> None:
    """Create a context. endpoint: the keys of docker context create --docker; files are copied for the CLI."""
    for key in {"ca", "cert", "key"} & set(endpoint):
        endpoint[key] = str(shutil.copy(endpoint[key], str(place / f"given-{key}.pem")))
    described = ",".join(f"{key}={value}" for key, value in endpoint.items())
    cli(engine, place, "context", "create", name, "--docker", described)


def cli(engine: Engine, place: Path, *words: str) -> str:
    """Run the engine's CLI with this directory for its configuration and without DOCKER_HOST; return its output."""
    environment = {**os.environ, **engine.environment, "DOCKER_CONFIG": str(place)}
    del environment["DOCKER_HOST"]
    done = subprocess.run(["docker", *words], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def listening(engine: Engine, port: int, certificate: Certificate | None = None) -> Iterator[str]:
    """Relay a port of a loopback address that nobody else uses to the engine; yield the address, without the port.

    certificate: that of the port, if it is to speak TLS.
    """
    one, two = (secrets.randbelow(254) + 1 for _part in range(2))
    address = f"127.77.{one}.{two}"
    with relay(engine.socket, (address, port), certificate and certificate.context()):
        yield address
