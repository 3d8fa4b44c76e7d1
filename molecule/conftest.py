# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fixtures for the tests of the scenarios: the engine in DOCKER_HOST and its containers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import docker
import pytest
import testinfra
from testinfra.host import Host


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """A client of the engine."""
    client = docker.from_env()
    yield client
    client.close()


def container(name: str) -> Host:
    """Return a container as a host for testinfra."""
    return testinfra.get_host(f"docker://{name}")


def layers(engine: docker.DockerClient, name: str) -> list[str]:
    """Return the DiffIDs of an image's layers."""
    found: list[str] = engine.images.get(name).attrs["RootFS"]["Layers"]
    return found


def ask(machine: Host, path: str) -> Any:
    """Return what the host's engine answers."""
    program = (
        "import http.client, socket; c = http.client.HTTPConnection('localhost'); "
        "c.sock = socket.socket(socket.AF_UNIX); c.sock.connect('/run/docker.sock'); "
        f"c.request('GET', '{path}'); print(c.getresponse().read().decode())"
    )
    return json.loads(machine.check_output("python3 -c %s", program))
