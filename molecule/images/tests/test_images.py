# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a host after its images were declared."""

from __future__ import annotations

import json
import os
from pathlib import Path

import docker

PRIVATE = "192.0.2.1:5002"


def tags(engine: docker.DockerClient) -> set[str]:
    """Return all tags."""
    return {tag for image in engine.images.list(all=True) for tag in image.tags if "@" not in tag}


def test_just_these_are_there(engine: docker.DockerClient) -> None:
    declared = {f"{PRIVATE}/team/{name}" for name in ("app:stable", "tools:3", "app:1")}
    declared |= {"busybox:latest", "example/shell:1", "example/one:latest", "archived/one:4", "archived/two:3"}
    came_though_others_failed = {f"{PRIVATE}/team/app:2", "127.0.0.1:5000/library/busybox:latest"}
    stay = {"legacy/app:10", "legacy/app:11", "legacy/app:15", "older/app:2"}
    assert tags(engine) == declared | came_though_others_failed | stay


def test_a_pinned_tag_means_its_digest(engine: docker.DockerClient) -> None:
    place = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
    name = f"{PRIVATE}/team/app:1"
    digest = json.loads((place / "digests.json").read_text())[name]
    assert engine.images.get(name).id == engine.images.get(f"{PRIVATE}/team/app@{digest}").id


def test_further_names_are_of_one_image(engine: docker.DockerClient) -> None:
    assert engine.images.get("example/shell:1").id == engine.images.get("busybox").id
    assert engine.images.get("example/one").id == engine.images.get("archived/one:4").id


def test_a_moved_tag_means_what_the_registry_says_now(engine: docker.DockerClient) -> None:
    created = engine.images.get(f"{PRIVATE}/team/tools:3").attrs["Created"]
    assert created == "2020-01-08T00:00:00Z"
