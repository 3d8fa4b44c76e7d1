# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of the registries and of the engine afterwards."""

from __future__ import annotations

import os
from pathlib import Path

import docker

from ansible_collections.gantry.docker.tests.engines import engine as engines
from ansible_collections.gantry.docker.tests.integration.registries import Registry

SECURE, OVERLOADED = "192.0.2.1:5002", "127.0.0.1:5120"


def names(engine: docker.DockerClient) -> set[str]:
    """Return all tags."""
    return {tag for image in engine.images.list() for tag in image.tags if "@" not in tag}


def test_the_registry_has_what_was_pushed() -> None:
    private = engines.find(Path(os.environ["DOCKER_HOST"]).parent.name)
    assert private is not None
    registry = Registry(private, "127.0.0.1:5001")  # has the same content as the one with users
    assert registry.tags("team/tools") == ["1", "2"]
    assert registry.digest("team/tools", "1") == registry.digest("team/tools", "2")


def test_only_what_could_be_pulled_is_there(engine: docker.DockerClient) -> None:
    tools = {f"{SECURE}/team/tools:{tag}" for tag in "12"}
    assert names(engine) == {"busybox:latest", f"{OVERLOADED}/library/busybox:latest", *tools}


def test_what_was_pulled_works(engine: docker.DockerClient) -> None:
    said = engine.containers.run(f"{OVERLOADED}/library/busybox:latest", ["echo", "well"], remove=True)
    assert said == b"well\n"
