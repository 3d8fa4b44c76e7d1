# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_info against a real engine."""

from __future__ import annotations

from typing import Any

import docker
import pytest

from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.scenes import child, id_of, pinned, state

MISSING_ID = "sha256:" + "0" * 64


def told(module: Module, **params: Any) -> dict[str, Any]:
    """What the module tells, the same in check mode; looking changes nothing."""
    result = module.unchanged(**params)
    assert module.ok(check=True, **params) == result
    return result


def test_all(module: Module, busybox: docker.DockerClient) -> None:
    tools = child(busybox, "busybox", "tools:1")
    before = state(busybox)
    result = told(module)
    assert {image["Id"] for image in result["images"]} == {busybox.images.get("busybox").id, tools}
    assert result["not_found"] == []
    assert "image" not in result
    assert state(busybox) == before


def test_all_are_those_that_docker_images_lists(module: Module, busybox: docker.DockerClient) -> None:
    dangling = child(busybox, "busybox")
    part = child(busybox, "busybox")
    top = child(busybox, part, "tools:1")
    listed = {image["Id"] for image in told(module)["images"]}
    assert listed == {row["Id"] for row in busybox.api.images()}
    assert {dangling, top} <= listed and part not in listed


def test_none_at_all(module: Module, clean: docker.DockerClient) -> None:
    assert told(module)["images"] == []


def test_as_inspected(module: Module, busybox: docker.DockerClient) -> None:
    result = told(module, name="busybox")
    assert result["image"] == busybox.images.get("busybox").attrs
    assert result["images"] == [result["image"]]


@pytest.mark.parametrize("digits", [64, 12])
def test_by_id(module: Module, busybox: docker.DockerClient, digits: int) -> None:
    identifier = id_of(busybox, "busybox")
    short = identifier.removeprefix("sha256:")[:digits]
    assert told(module, name=short)["image"]["Id"] == identifier
    assert told(module, name=short)["not_found"] == []


def test_by_digest(module: Module, clean: docker.DockerClient) -> None:
    digest = pinned(clean)
    image = told(module, name=digest)["image"]
    assert image["RepoDigests"] == [digest]
    assert told(module)["images"] == [image]


def test_missing_ones_are_told_and_no_error(module: Module, busybox: docker.DockerClient) -> None:
    result = told(module, names=["none/such", "busybox", "busybox:none", MISSING_ID])
    assert [image["RepoTags"] for image in result["images"]] == [["busybox:latest"]]
    assert result["not_found"] == ["none/such:latest", "busybox:none", MISSING_ID]
    assert "image" not in result


def test_single_missing_one(module: Module, clean: docker.DockerClient) -> None:
    result = told(module, name="busybox")
    assert result["images"] == []
    assert result["not_found"] == ["busybox:latest"]
    assert "image" not in result


def test_no_name_is_not_every_name(module: Module, busybox: docker.DockerClient) -> None:
    assert told(module, names=[])["images"] == []


def test_history_only_on_request(module: Module, busybox: docker.DockerClient) -> None:
    assert "History" not in told(module, name="busybox")["image"]


def test_history_tells_which_step_made_which_layer(module: Module, busybox: docker.DockerClient) -> None:
    container = busybox.containers.run("busybox", ["sh", "-c", "echo content > /file"], detach=True)
    container.wait()
    container.commit("tools", "1", message="a file more")
    container.remove()
    image = told(module, name="tools:1", history=True)["image"]
    newest, oldest = image["History"]
    assert newest["Comment"] == "a file more"
    assert newest["Tags"] == ["tools:1"]
    assert newest["Size"] > 0
    assert [oldest["DiffID"], newest["DiffID"]] == image["RootFS"]["Layers"]


def test_history_of_several(module: Module, busybox: docker.DockerClient) -> None:
    child(busybox, "busybox", "tools:1")
    images = told(module, names=["tools:1", "busybox"], history=True)["images"]
    assert [len(image["History"]) for image in images] == [2, 1]
    for image in images:
        layers = [row["DiffID"] for row in reversed(image["History"]) if row["DiffID"]]
        assert layers == image["RootFS"]["Layers"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Busybox", ["'Busybox'", "lower case"]),
        ("busybox:", ["'busybox:'", "tag"]),
        ("sha256:12", ["'sha256:12'", "64 hexadecimal"]),
        ("busybox@12", ["'busybox@12'", "digest"]),
        ("", ["''"]),
    ],
)
def test_bad_names(module: Module, clean: docker.DockerClient, name: str, words: list[str]) -> None:
    message = module.fails(names=["busybox", name])
    assert all(word in message for word in words), message
