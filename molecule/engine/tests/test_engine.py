# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine that a host has in the end, and the way that its pulls took."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from testinfra.host import Host

from ansible_collections.gantry.docker.molecule.conftest import ask, container

NEWEST = os.environ["GANTRY_STORE"] == "containerd"
PLACE = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
RUN = Path(os.environ["DOCKER_HOST"].removeprefix("unix://")).parent
DECLARED = {
    "log-opts": {"max-size": "10m", "max-file": "3"},
    "mtu": 1400,
    "default-address-pools": [{"base": "172.30.0.0/16", "size": 24}],
    "live-restore": False,
    "features": {"containerd-snapshotter": NEWEST},
    "max-concurrent-downloads": 2,
    "insecure-registries": ["192.0.2.1:5003"],
    "registry-mirrors": ["http://192.0.2.1:5003"],
}
HOSTS = "/etc/docker/certs.d/team.example/hosts.toml"


@pytest.fixture(scope="module")
def machine() -> Host:
    return container("machine")


def test_configuration_has_what_was_declared_and_what_was_there(machine: Host) -> None:
    found = json.loads(machine.file("/etc/docker/daemon.json").content_string)
    assert found == {
        "shutdown-timeout": 5,
        "log-opts": {"max-size": "10m", "max-file": "3"},
        "mtu": 1300,
        "default-address-pools": [{"base": "172.30.0.0/16", "size": 24}],
        "live-restore": False,
        "features": {"containerd-snapshotter": NEWEST},
        "max-concurrent-downloads": 2,
        "insecure-registries": ["192.0.2.1:5003"],
        "labels": ["reloaded=yes"],
        "registry-mirrors": ["http://192.0.2.1:5003"],
    }
    assert machine.file("/etc/docker/daemon.json").mode == 0o644
    assert not machine.file("/etc/docker/daemon.json.before").exists


def test_engine_runs_with_it(machine: Host) -> None:
    assert machine.service("docker").is_running
    assert machine.service("docker").is_enabled
    info = ask(machine, "/info")
    assert info["Labels"] == ["reloaded=yes"]
    assert info["RegistryConfig"]["Mirrors"] == ["http://192.0.2.1:5003/"]
    assert (["driver-type", "io.containerd.snapshotter.v1"] in info["DriverStatus"]) == NEWEST
    bridge = ask(machine, "/networks/bridge")
    assert bridge["Options"]["com.docker.network.driver.mtu"] == "1300"


def test_user_is_in_the_group(machine: Host) -> None:
    assert "docker" in machine.user("deployer").groups


def test_debian_13_has_what_was_declared() -> None:
    trixie = container("trixie")
    assert ask(trixie, "/version")["Version"].startswith("26.1.")
    found = json.loads(trixie.file("/etc/docker/daemon.json").content_string)
    assert found == DECLARED
    info = ask(trixie, "/info")
    assert info["RegistryConfig"]["Mirrors"] == ["http://192.0.2.1:5003/"]
    assert (["driver-type", "io.containerd.snapshotter.v1"] in info["DriverStatus"]) == NEWEST
    assert not trixie.file(HOSTS).exists and trixie.service("docker").is_running
    assert "busybox:latest" in [tag for image in ask(trixie, "/images/json") for tag in image["RepoTags"]]


def test_check_mode_showed_the_file_that_came() -> None:
    said = (PLACE / "foreseen.txt").read_text()
    after = said.partition("+++ after: /etc/docker/daemon.json")[2].partition("\n\n")[0]
    shown = "\n".join(line[1:] for line in after.splitlines() if line.startswith("+"))
    assert json.loads(shown) == DECLARED
    assert base64.b64encode(b"one:first").decode() not in said, "a password was shown"


def test_pull_went_by_the_mirror_of_the_default_registry() -> None:
    assert "GET /v2/library/busybox/manifests/" in (RUN / "registry-5003.log").read_text()


def test_pull_went_by_the_mirror_of_another_registry(machine: Host) -> None:
    came = "GET /v2/team/app/manifests/" in (RUN / "registry-5002.log").read_text()
    tags = [tag for image in ask(machine, "/images/json") for tag in image["RepoTags"] or ()]
    assert came == ("team.example/team/app:1" in tags) == machine.file(HOSTS).exists == NEWEST
    if NEWEST:
        assert machine.file(HOSTS).mode == 0o600
