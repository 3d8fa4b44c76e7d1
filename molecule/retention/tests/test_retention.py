# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state after a prune of thirty images."""

from __future__ import annotations

import os
from pathlib import Path

import docker

from ansible_collections.gantry.docker.molecule.conftest import container


def test_half_of_them_is_left(engine: docker.DockerClient) -> None:
    images = engine.images.list(all=True)
    assert len(images) == 14
    assert {tag for image in images for tag in image.tags} == {
        "busybox:latest",
        *(f"example/app:{number}" for number in (1, 9, 10)),
        *(f"example/web:{number}" for number in (1, 5, 6)),
        *(f"example/tools:{number}" for number in (1, 2, 3, 4)),
        *("example/base:1", "example/derived:1", "example/sized:4"),
    }


def test_they_fit(engine: docker.DockerClient) -> None:
    target = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "target").read_text()
    assert 0 < engine.api.df()["LayersSize"] <= int(target)


def test_containers_are_none_the_worse(engine: docker.DockerClient) -> None:
    status = {container.name: container.status for container in engine.containers.list(all=True)}
    assert status == {"running": "running", "by-name": "created", "by-id": "created", "of-a-child": "created"}
    assert container("running").run("echo well").stdout == "well\n"
