# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_push against a real engine and a real registry, which is asked for its content."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.registries import Registry
from ansible_collections.gantry.docker.tests.integration.scenes import child, id_of

ADDRESS = "127.0.0.1:5001"


@pytest.fixture
def registry(engine: Engine) -> Iterator[Registry]:
    """The registry that takes pushes, without any tag."""
    registry = Registry(engine, ADDRESS)
    registry.empty()
    yield registry
    registry.empty()


def tagged(client: docker.DockerClient, *names: str, source: str = "busybox") -> list[str]:
    """Give an image names in the registry, and return the names."""
    targets = [f"{ADDRESS}/{name}" for name in names]
    for target in targets:
        client.api.tag(source, target)
    return targets


def test_several_are_pushed_by_one_task(module: Module, busybox: docker.DockerClient, registry: Registry) -> None:
    names = tagged(busybox, "tools/busybox:1", "tools/busybox:latest", "other:1")
    done = module.converges(names=[names[0], names[1].removesuffix(":latest"), names[2]])
    assert done["actions"] == [f"Pushed image {name}" for name in names]
    assert done["digests"] == {
        names[0]: registry.digest("tools/busybox", "1"),
        names[1]: registry.digest("tools/busybox", "latest"),
        names[2]: registry.digest("other", "1"),
    }
    assert len(done["images"]) == 3
    assert done["diff"] == {"before": dict.fromkeys(names), "after": dict.fromkeys(names, id_of(busybox, "busybox"))}
    again = module.unchanged(names=names)
    assert again["digests"] == done["digests"]


def test_a_tag_that_means_another_image_by_now_is_pushed_again(
    module: Module, busybox: docker.DockerClient, registry: Registry
) -> None:
    (name,) = tagged(busybox, "tools:1")
    first = module.converges(name=name)["digests"][name]
    tagged(busybox, "tools:1", source=child(busybox, "busybox"))
    done = module.converges(name=name)
    second = registry.digest("tools", "1")
    assert done["diff"]["before"] == {name: first}
    assert done["digests"] == {name: second} and first != second
    assert done["image"]["Id"] == id_of(busybox, name)


def test_a_tag_that_somebody_else_moved_is_pushed_again(
    module: Module, busybox: docker.DockerClient, registry: Registry
) -> None:
    names = tagged(busybox, "tools:1", "tools:2")
    tagged(busybox, "tools:2", source=child(busybox, "busybox"))
    module.converges(names=names)
    registry.put("tools", "1", registry.manifest("tools", "2"))
    module.converges(names=names)
    assert registry.digest("tools", "1") != registry.digest("tools", "2")


def test_what_was_pulled_is_there(module: Module, busybox: docker.DockerClient, registry: Registry) -> None:
    (name,) = tagged(busybox, "tools:1")
    module.ok(name=name)
    busybox.api.remove_image(name)
    busybox.images.pull(name)
    module.unchanged(name=ADDRESS + "/tools", tag="1")


def test_an_index_of_which_a_part_is_here_is_pushed_as_far_as_it_is(
    module: Module, engine: Engine, busybox: docker.DockerClient, registry: Registry
) -> None:
    (source,) = tagged(busybox, "multi:source")
    module.ok(name=source)
    index = registry.put_index("multi", "1", "source", ["amd64", "arm64"])
    busybox.images.pull(f"{ADDRESS}/multi:1")
    module.unchanged(name=f"{ADDRESS}/multi:1")
    assert registry.digest("multi", "1") == index
    (copy,) = tagged(busybox, "multi:copy", source=f"{ADDRESS}/multi:1")
    if engine.name == "trixie-containerd":
        assert "only a part of that image" in module.fails(name=copy)
        return
    done = module.converges(name=copy)
    assert done["digests"] == {copy: registry.digest("multi", "copy")}


def test_what_fails_does_not_keep_the_others_from_being_pushed(
    module: Module, busybox: docker.DockerClient, registry: Registry
) -> None:
    names = [f"{ADDRESS}/none:1", *tagged(busybox, "tools:1"), "127.0.0.1:9/busybox:1"]
    busybox.api.tag("busybox", "127.0.0.1:9/busybox", "1")
    foreseen = module(check=True, names=names)
    assert registry.digest("tools", "1") is None
    done = module(names=names)
    assert done["failed"] and foreseen["failed"] and done["msg"] == foreseen["msg"]
    assert f"no image {names[0]}" in done["msg"] and f"registry 127.0.0.1:9 for {names[2]}" in done["msg"]
    assert names[1] not in done["msg"]
    assert done["actions"] == foreseen["actions"] == [f"Pushed image {names[1]}"]
    assert done["digests"] == {names[1]: registry.digest("tools", "1")}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        (f"{ADDRESS}/none:1", ["no image 127.0.0.1:5001/none:1", "Give an image this name"]),
        (f"{ADDRESS}/tools@sha256:{'0' * 64}", ["has a digest", "repository:tag"]),
        ("Busybox", ["'Busybox'", "lower case"]),
        ("0" * 64, ["is an image Id"]),
        ("", ["''"]),
    ],
)
def test_bad_names_are_refused(
    module: Module, busybox: docker.DockerClient, name: str, words: list[str], check: bool
) -> None:
    message = module.fails(check=check, name=name)
    assert all(word in message for word in words), message
