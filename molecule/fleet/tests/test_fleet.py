# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts after all deliveries, each seen in the way that leads to it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest
import testinfra
from testinfra.host import Host

from ansible_collections.gantry.docker.molecule.conftest import container, layers
from ansible_collections.gantry.docker.tests.engines.engine import find
from ansible_collections.gantry.docker.tests.support import fleets

PLACE = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
VERSIONS = {"old": "20.10.", "boxed": "26.1.", "plain": "28.5.", "here": "28.5."}


@pytest.fixture(params=VERSIONS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def address(name: str) -> str:
    return str(json.loads((PLACE / "engines.json").read_text())[name])


@pytest.fixture
def theirs(address: str) -> Iterator[docker.DockerClient]:
    with closing(docker.DockerClient(base_url=address)) as client:
        yield client


@pytest.fixture
def host(name: str) -> Host:
    if name in ("old", "plain"):
        return testinfra.get_host(f"ssh://root@{name}", ssh_config=str(PLACE / "ssh.conf"))
    return container(name) if name == "boxed" else testinfra.get_host("local://")


def test_each_host_has_another_engine(name: str, theirs: docker.DockerClient) -> None:
    assert theirs.version()["Version"].startswith(VERSIONS[name])
    is_containerd = ["driver-type", "io.containerd.snapshotter.v1"] in (theirs.info()["DriverStatus"] or [])
    assert is_containerd == (name == "here")


def test_host_has_the_image_that_the_controller_has(theirs: docker.DockerClient) -> None:
    with closing(docker.DockerClient(base_url=(PLACE / "here").read_text())) as controller:
        assert layers(theirs, "app:4") == layers(controller, "app:4")


def test_container_of_the_image_runs_and_answers(
    name: str, address: str, host: Host, theirs: docker.DockerClient
) -> None:
    web = theirs.containers.get("web")
    assert web.status == "running" and web.attrs["Config"]["Image"] == "app:4"
    settings = web.attrs["NetworkSettings"]["Networks"]["bridge"]
    ask = f"import urllib.request as r; print(r.urlopen('http://{settings['IPAddress']}/', timeout=10).read().decode())"
    if name == "here":
        # The engine has a network of its own, and this host is in another one.
        engine = find(Path(address.removeprefix("unix://")).parent.name)
        assert engine
        assert host.check_output("nsenter --target %s --net python3 -c %s", str(engine.pid), ask) == "version 4"
    else:
        assert host.check_output("python3 -c %s", ask) == "version 4"


def test_nothing_of_a_delivery_is_left_but_on_the_host_that_was_switched_off(name: str, host: Host) -> None:
    if name == "here":
        assert not [path for path in (PLACE / "local").rglob("*") if path.is_file()]
    else:
        found = host.check_output("find /root /small /tmp -name 'gantry-docker-*'").split()
        assert len({Path(path).parent for path in found}) == (name == "old")


def test_deliveries_cost_what_the_model_says() -> None:
    results = [json.loads((PLACE / f"result-{name}.json").read_text()) for name in ("old", "plain", "boxed")]
    foreseen = fleets.thin(fleets.Fleet(len(results), new=4 * fleets.MIB))
    assert sum(result["bytes_transferred"] for result in results) == pytest.approx(foreseen.sent, rel=0.02)
