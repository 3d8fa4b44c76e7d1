# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containerd stores with more than whole images: flawed images, artifacts, and names that can't be found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.scenes import (
    containerd,
    dated,
    id_of,
    layout,
    load,
    lose,
    pinned,
    state,
)

Modules = Callable[[str], Module]
LOST = ("manifest", "config", "layer")


@pytest.fixture
def any_store(engine: Engine, busybox: docker.DockerClient) -> Iterator[docker.DockerClient]:
    """A containerd store with busybox:latest and nothing else."""
    if engine.store == "classic":
        pytest.skip("a classic store loses nothing, and holds nothing but images")
    yield busybox
    for record in containerd(engine, "images", "ls", "--quiet").split():
        containerd(engine, "images", "rm", "--sync", record)


@pytest.fixture
def store(engine: Engine, any_store: docker.DockerClient) -> docker.DockerClient:
    """A containerd store whose engine reports the parts of an image, with busybox:latest and nothing else."""
    if engine.version < "28":
        pytest.skip("before 28 an engine hides what it has lost")
    return any_store


def names(client: docker.DockerClient) -> list[str]:
    """Return all tags of all images, as the engine lists them."""
    return sorted({tag for row in client.api.images(all=True) for tag in row["RepoTags"] or ()})


@pytest.mark.parametrize("what", LOST)
@pytest.mark.parametrize("called", ["tag", "id", "digest", "pattern", "two tags"])
def test_flawed_images_are_removed(
    modules: Modules, engine: Engine, store: docker.DockerClient, what: str, called: str
) -> None:
    name = pinned(store) if called == "digest" else "busybox"
    if called == "two tags":
        store.api.tag("busybox", "second", "1")
    lost = lose(engine, store, name, what)
    wanted = {"tag": [name], "digest": [name], "id": [lost], "pattern": ["busy*"], "two tags": [name, "second:1"]}[
        called
    ]
    done = modules("image_remove").converges(names=[*wanted, "none/such"])
    assert done["deleted"] == [lost] and done["diff"]["after"] == {lost: None}
    assert store.api.images(all=True) == []


def test_what_is_not_listed_is_removed(modules: Modules, engine: Engine, any_store: docker.DockerClient) -> None:
    """Before 28 an engine doesn't list an image with a lost layer; inspected, it seems whole."""
    lost = lose(engine, any_store, "busybox", "layer")
    done = modules("image_remove").converges(name="busybox")
    assert done["deleted"] == [lost]
    with pytest.raises(docker.errors.NotFound):
        any_store.images.get("busybox")


@pytest.mark.parametrize("what", LOST)
def test_flawed_images_are_removed_beside_whole_ones(
    modules: Modules, engine: Engine, store: docker.DockerClient, what: str
) -> None:
    dated(store, "debian:12", 1)
    lost, whole = lose(engine, store, "busybox", what), id_of(store, "debian:12")
    done = modules("image_remove").converges(names=["busybox", "debian:12"])
    assert done["deleted"] == sorted([lost, whole])
    assert store.api.images(all=True) == []


@pytest.mark.parametrize("what", LOST)
@pytest.mark.parametrize("called", ["tag", "digest", "nothing"])
def test_flawed_images_are_pruned(
    modules: Modules, engine: Engine, store: docker.DockerClient, what: str, called: str
) -> None:
    name = pinned(store) if called == "digest" else "busybox"
    dated(store, "debian:12", 1)
    lost = lose(engine, store, name, what)
    if called == "nothing":
        store.api.tag("debian:12", "busybox", "latest")
    prune = modules("image_prune")
    # An image whose age and labels are unknown is neither old nor without a label.
    for rule in ({"until": "0s"}, {"label_not": ["kept"]}, {"keep_last": 1}):
        told = prune.unchanged(dangling=False, keep=["debian"], explain=True, **rule)
        assert "unknown" in {image["Id"]: image["Reason"] for image in told["kept"]}[lost]
    done = prune.converges(dangling=called == "nothing", **({} if called == "nothing" else {"keep": ["debian"]}))
    assert [image["Id"] for image in done["images"]] == [lost]
    assert lost not in state(store) and "debian:12" in names(store)


def test_a_prune_to_a_size_leaves_flawed_images(modules: Modules, engine: Engine, store: docker.DockerClient) -> None:
    dated(store, "debian:12", 1)
    lost = lose(engine, store, "busybox", "config")
    done = modules("image_prune").converges(dangling=False, target_size="0")
    assert names(store) == ["busybox:latest"] and lost in state(store)
    assert len(done["images"]) == 1


@pytest.mark.parametrize("what", ["manifest", "config"])
@pytest.mark.parametrize("policy", ["missing", "newer"])
def test_a_pull_repairs_them(
    modules: Modules, engine: Engine, store: docker.DockerClient, what: str, policy: str
) -> None:
    lost = lose(engine, store, "busybox", what)
    done = modules("image_pull").converges(name="busybox", policy=policy)
    assert done["image"]["Id"] == lost and done["image"]["RootFS"]["Layers"]


@pytest.mark.parametrize("policy", ["missing", "newer"])
def test_a_pull_that_leaves_a_layer_out_fails(
    modules: Modules, engine: Engine, store: docker.DockerClient, policy: str
) -> None:
    """An engine doesn't fetch a layer that it has unpacked: it takes the image for whole."""
    lose(engine, store, "busybox", "layer")
    pull = modules("image_pull")
    assert pull.ok(check=True, name="busybox", policy=policy)["changed"]
    message = pull.fails(name="busybox", policy=policy)
    assert "lost a part of its content" in message and "Remove busybox:latest" in message
    modules("image_remove").ok(name="busybox")
    pull.converges(name="busybox", policy=policy)


@pytest.mark.parametrize("what", LOST)
def test_flawed_images_are_not_saved(
    modules: Modules, engine: Engine, store: docker.DockerClient, tmp_path: Path, what: str
) -> None:
    lose(engine, store, "busybox", what)
    for check in (True, False):
        message = modules("image_save").fails(check, name="busybox", path=str(tmp_path / "a.tar"))
        assert "busybox:latest isn't whole" in message and "Bring it back (image_pull, image_load)" in message


@pytest.mark.parametrize("what", LOST)
def test_flawed_images_are_tagged_if_the_engine_can(
    modules: Modules, engine: Engine, store: docker.DockerClient, what: str
) -> None:
    """Whether an engine can tag it depends on the lost part."""
    lose(engine, store, "busybox", what)
    tag = modules("image_tag")
    tag.unchanged(name="busybox", repository=["busybox:latest"])
    if what == "layer":
        tag.converges(name="busybox", repository=["second:1"])
        return
    messages = [tag.fails(check, name="busybox", repository=["second:1"]) for check in (True, False)]
    assert messages[0] == messages[1] and "can't be tagged" in messages[0]


@pytest.mark.parametrize("what", LOST)
def test_flawed_images_are_reported(modules: Modules, engine: Engine, store: docker.DockerClient, what: str) -> None:
    dated(store, "debian:12", 1)
    lost = lose(engine, store, "busybox", what)
    for names in ({}, {"names": ["busybox", "debian:12"]}):
        told = modules("image_info").unchanged(history=True, sizes=True, **names)
        assert [image["Id"] for image in told["flawed"]] == [lost]
        assert "lost a part" in told["flawed"][0]["Reason"]
        assert {image["Id"] for image in told["images"]} == {lost, id_of(store, "debian:12")}


@pytest.mark.parametrize("what", LOST)
def test_a_container_of_a_flawed_image_needs_a_pull(
    modules: Modules, engine: Engine, store: docker.DockerClient, what: str
) -> None:
    lost = lose(engine, store, "busybox", what)
    done = modules("container_run").converges(
        name="box", image="busybox", pull="missing", command="true", state="present"
    )
    assert done["container"]["Image"] == lost
    assert done["actions"][0] == "Pulled image busybox:latest"
    store.containers.get("box").remove()


@pytest.fixture
def chart(store: docker.DockerClient) -> str:
    """A chart in the store, beside busybox; its Id."""
    archive, identifier = layout(store, "docker.io/library/chart:1", "chart")
    load(store, archive)
    return identifier


def test_an_artifact_is_reported_and_keeps_no_verb_from_the_images(
    modules: Modules, store: docker.DockerClient, chart: str, tmp_path: Path
) -> None:
    """An artifact is reported as one, and doesn't prevent work on images."""
    told = modules("image_info").unchanged(history=True, sizes=True)
    assert {image["Id"] for image in told["images"]} == {chart, id_of(store, "busybox")}
    assert [(image["Id"], image["Reason"]) for image in told["flawed"]] == [
        (chart, "It is no image, but an artifact (such as a chart or a signature).")
    ]
    save: dict[str, Any] = {"names": ["busybox", "chart:1"], "path": str(tmp_path / "a.tar")}
    assert "chart:1 is no image" in modules("image_save").fails(**save)
    modules("image_tag").converges(name="chart:1", repository=["chart:2"])
    done = modules("image_remove").converges(names=["chart:2", "busybox"])
    assert chart not in done["deleted"]
    modules("image_prune").unchanged(dangling=False, until="0s")
    done = modules("image_prune").converges(dangling=False)
    assert [image["Id"] for image in done["images"]] == [chart]


@pytest.fixture
def odd(any_store: docker.DockerClient, request: pytest.FixtureRequest) -> str:
    """The Id of an image, beside busybox, that another tool stored with a name in a form of its own."""
    archive, identifier = layout(any_store, request.param)
    load(any_store, archive)
    assert request.param in names(any_store)
    return identifier


each_odd_name = pytest.mark.parametrize("odd", ["app:1", "latest"], indirect=True)


@each_odd_name
@pytest.mark.parametrize("also", [[], ["good"], ["aa", "zz"]])
def test_an_image_without_a_usable_name_is_pruned(
    modules: Modules, any_store: docker.DockerClient, odd: str, also: list[str]
) -> None:
    for repository in also:
        any_store.api.tag(odd, repository, "1")
    done = modules("image_prune").converges(dangling=False, keep=["busybox"])
    assert [image["Id"] for image in done["images"]] == [odd]
    assert names(any_store) == ["busybox:latest"]


@each_odd_name
@pytest.mark.parametrize("also", [[], ["good"], ["aa", "zz"]])
@pytest.mark.parametrize("called", ["id", "patterns"])
def test_an_image_without_a_usable_name_is_removed(
    modules: Modules, any_store: docker.DockerClient, odd: str, also: list[str], called: str
) -> None:
    for repository in also:
        any_store.api.tag(odd, repository, "1")
    wanted = [odd] if called == "id" else ["app*", "latest*", "good*", "[az]*", "zz*", "l*"]
    if called == "patterns" and not any("app" in name for name in names(any_store)):
        pytest.skip("no pattern means a name that is none")
    done = modules("image_remove").converges(names=wanted)
    assert done["deleted"] == [odd] and done["diff"]["after"] == {odd: None}
    assert names(any_store) == ["busybox:latest"]


@pytest.mark.parametrize("odd", ["app:1"], indirect=True)
def test_a_name_that_cannot_be_found_goes_with_others(
    modules: Modules, any_store: docker.DockerClient, odd: str
) -> None:
    any_store.api.tag(odd, "good", "1")
    any_store.api.tag(odd, "good", "2")
    remove = modules("image_remove")
    message = remove.fails(names=["app*"])
    assert "can't be removed alone" in message and "good:1" in message and odd in message
    assert names(any_store) == ["app:1", "busybox:latest", "good:1", "good:2"]
    done = remove.converges(names=["good:1"])
    assert {"app:1", "good:1"} <= set(done["untagged"]) and done["deleted"] == []
    assert names(any_store) == ["busybox:latest", "good:2"]


@pytest.mark.parametrize("odd", ["UPPER:1"], indirect=True)
def test_a_name_that_no_engine_can_remove_keeps_no_others(
    modules: Modules, store: docker.DockerClient, odd: str
) -> None:
    """It doesn't prevent the removal of others."""
    dated(store, "debian:12", 1)
    done = modules("image_prune").converges(dangling=False, explain=True)
    assert {image["Id"]: image["Reason"] for image in done["kept"]} == {odd: "the engine can't remove the name UPPER:1"}
    assert names(store) == ["UPPER:1"]
