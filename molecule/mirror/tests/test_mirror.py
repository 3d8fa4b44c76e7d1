# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the hosts have in the end, and what the registries saw of their pulls."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from ansible_collections.gantry.docker.molecule.conftest import ask, container

RUN = Path(os.environ["DOCKER_HOST"].removeprefix("unix://")).parent
HOSTS = ("with-containerd", "with-classic", "older")
HUB, HUB_MIRROR, TEAM, TEAM_MIRROR = 5013, 5003, 5014, 5004
BLOB = re.compile(r'"GET /v2/(\S+)/blobs/(sha256:[0-9a-f]{64})[^"]*" 200')


def blobs(port: int) -> Counter[str]:
    """Return how often a registry was asked for each blob, from its log."""
    return Counter(found[2] for found in BLOB.finditer((RUN / f"registry-{port}.log").read_text()))


@pytest.mark.parametrize("host", HOSTS)
def test_hosts_have_their_images(host: str) -> None:
    told = [tag for image in ask(container(host), "/images/json") for tag in image["RepoTags"] or ()]
    team = ["team.example/team/app:1"] if host == "with-containerd" else []
    assert sorted(told) == sorted(["busybox:latest", "tools:1", *team])


@pytest.mark.parametrize("host", HOSTS)
def test_each_engine_has_the_mirrors_that_it_can_use(host: str) -> None:
    machine = container(host)
    config = json.loads(machine.file("/etc/docker/daemon.json").content_string)
    assert config["registry-mirrors"] == ["http://192.0.2.1:5003"]
    assert machine.file("/etc/docker/certs.d/team.example/hosts.toml").exists == (host == "with-containerd")


def test_each_blob_was_fetched_for_the_first_host_alone() -> None:
    """The mirror takes two requests for that: one to keep the blob, and one to serve it meanwhile."""
    fetched, served = blobs(HUB), blobs(HUB_MIRROR)
    assert set(fetched) == set(served) and len(served) >= 6, "config and layer of each image"
    assert max(fetched.values()) <= 2
    assert min(served.values()) >= len(HOSTS), "each host has asked the mirror"


def test_pulls_of_another_registry_went_by_its_mirror() -> None:
    fetched, served = blobs(TEAM), blobs(TEAM_MIRROR)
    assert set(fetched) == set(served) and len(served) >= 4
    assert max(fetched.values()) <= 2
