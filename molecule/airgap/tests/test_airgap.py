# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers of the delivered images, on the hosts inside."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from ansible_collections.gantry.docker.molecule.conftest import layers
from ansible_collections.gantry.docker.tests.support.waiting import wait_for

PLACE = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
HOSTS = json.loads((PLACE / "inside" / "hosts.json").read_text())["site"]["hosts"]


@pytest.fixture(scope="module", params=HOSTS)
def site(request: pytest.FixtureRequest) -> Iterator[docker.DockerClient]:
    """A client of the engine of a host."""
    client = docker.DockerClient(HOSTS[request.param]["docker_host"])
    yield client
    client.close()


@pytest.fixture(params=["1", "2"])
def served(request: pytest.FixtureRequest, site: docker.DockerClient) -> Iterator[tuple[str, Container]]:
    """A version of the application, and a container that serves it."""
    container = site.containers.run(f"team/app:{request.param}", "httpd -f -p 80 -h /www", name="app", detach=True)
    yield request.param, container
    container.remove(force=True)


def test_container_runs_and_answers(served: tuple[str, Container]) -> None:
    version, container = served
    asking = ["wget", "-q", "-O", "-", "http://127.0.0.1/index.html"]
    wait_for(lambda: container.exec_run(asking).exit_code == 0, 10)
    assert container.exec_run(asking).output == f"version {version}".encode()


def test_hosts_have_the_same_layers(engine: docker.DockerClient, site: docker.DockerClient) -> None:
    for name in ("busybox", "team/app:1", "team/app:2"):
        assert layers(site, name) == layers(engine, name)


def test_manifest_was_written_for_people() -> None:
    manifest = json.loads((PLACE / "media" / "manifest.json").read_text())
    assert manifest["made"]["names"] == ["team/app:2"]
    assert manifest["images"][0]["names"] == ["team/app:2"]
