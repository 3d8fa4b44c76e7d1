# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_prune against a real engine: exactly what was foreseen goes, and nothing that is needed."""

from __future__ import annotations

from typing import Any

import docker
import pytest

from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.scenes import change, child, pinned, state, used


def pruned(module: Module, client: docker.DockerClient, **params: Any) -> dict[str, Any]:
    """Prune, and compare what the check run foresaw with what went from the engine."""
    before = state(client)
    done = module.converges(**params)
    assert change(before, state(client)) == done["diff"]
    return done


def names(client: docker.DockerClient) -> list[str]:
    """All names of all images that are there."""
    return sorted(name for image in state(client).values() for name in image)


def test_dangling(module: Module, busybox: docker.DockerClient) -> None:
    dangling = {child(busybox, "busybox") for _index in range(2)}
    child(busybox, "busybox", "tools:1")
    done = pruned(module, busybox)
    assert set(done["diff"]["after"]) == dangling
    assert sorted(done["actions"]) == sorted(f"Pruned dangling image ({image})" for image in dangling)
    assert names(busybox) == ["busybox:latest", "tools:1"]


def test_dangling_after_its_tag_moved(module: Module, busybox: docker.DockerClient) -> None:
    former = child(busybox, "busybox", "tools:1")
    busybox.api.tag("busybox", "tools", "1", force=True)
    assert pruned(module, busybox)["diff"] == {"before": {former: []}, "after": {former: None}}


def test_nothing_to_prune(module: Module, busybox: docker.DockerClient) -> None:
    assert module.unchanged()["space_reclaimed"] == 0
    assert module.unchanged(dangling=False, keep=["busybox"])["space_reclaimed"] == 0


def test_empty_engine(module: Module, clean: docker.DockerClient) -> None:
    module.unchanged()
    module.unchanged(dangling=False)


def test_all(module: Module, busybox: docker.DockerClient) -> None:
    busybox.api.tag("busybox", "zz", "1")
    child(busybox, "busybox", "tools:1")
    child(busybox, "busybox")
    pruned(module, busybox, dangling=False)
    assert state(busybox) == {}


def test_space_reclaimed(module: Module, busybox: docker.DockerClient) -> None:
    assert module.ok(check=True, dangling=False)["space_reclaimed"] == 0
    before = busybox.api.df()["LayersSize"]
    done = pruned(module, busybox, dangling=False)
    assert done["space_reclaimed"] == before - (busybox.api.df()["LayersSize"] or 0) > 0


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("dangling", [True, False])
def test_used_dangling_stays(module: Module, busybox: docker.DockerClient, dangling: bool, running: bool) -> None:
    needed, other = child(busybox, "busybox"), child(busybox, "busybox")
    container = used(busybox, needed, running)
    done = pruned(module, busybox, dangling=dangling)
    assert done["diff"]["after"][other] is None
    assert needed in state(busybox)
    assert busybox.containers.get(container).status == ("running" if running else "created")


@pytest.mark.parametrize("running", [True, False])
def test_used_stays_with_all_names(module: Module, busybox: docker.DockerClient, running: bool) -> None:
    busybox.api.tag("busybox", "zz", "1")
    child(busybox, "busybox", "tools:1")
    used(busybox, "busybox", running)
    pruned(module, busybox, dangling=False)
    assert names(busybox) == ["busybox:latest", "zz:1"]


def test_used_after_its_tag_moved(module: Module, busybox: docker.DockerClient) -> None:
    former = child(busybox, "busybox", "tools:1")
    used(busybox, "tools:1")
    busybox.api.tag("busybox", "tools", "1", force=True)
    module.unchanged()
    pruned(module, busybox, dangling=False)
    assert former in state(busybox)


def test_used_and_pinned_stays(module: Module, clean: docker.DockerClient) -> None:
    digest = pinned(clean)
    used(clean, digest)
    module.unchanged(dangling=False)


def test_pinned_is_not_dangling(module: Module, clean: docker.DockerClient) -> None:
    digest = pinned(clean)
    module.unchanged()
    pruned(module, clean, dangling=False, keep=["other"])
    assert digest not in names(clean)


@pytest.mark.parametrize("repository", ["aa", "zz"])
def test_pinned_and_tagged_elsewhere(module: Module, clean: docker.DockerClient, repository: str) -> None:
    clean.api.tag(pinned(clean), repository, "1")
    module.unchanged(dangling=False, keep=["busybox"])
    module.unchanged(dangling=False, keep=[repository])
    pruned(module, clean, dangling=False)
    assert state(clean) == {}


def test_keep_by_digest(module: Module, busybox: docker.DockerClient) -> None:
    digest = busybox.images.get("busybox").attrs["RepoDigests"][0]
    module.unchanged(dangling=False, keep=[digest])


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        (["busybox"], ["busybox:latest", "zz:1"]),
        (["docker.io/library/busybox"], ["busybox:latest", "zz:1"]),
        (["zz:1"], ["busybox:latest", "zz:1"]),
        (["tools:1"], ["tools:1"]),
        (["tools"], ["tools:1", "tools:2"]),
        (["tools:?", "busybox:none"], ["tools:1", "tools:2"]),
        (["tools:[!1]"], ["tools:2"]),
        (["example/*"], ["example/a/b:1"]),
        (["*:1"], ["busybox:latest", "example/a/b:1", "tools:1", "zz:1"]),
        (["tool", "usybox", "a/b"], []),
        (["*"], None),
    ],
)
def test_keep(module: Module, busybox: docker.DockerClient, keep: list[str], kept: list[str] | None) -> None:
    busybox.api.tag("busybox", "zz", "1")
    for name in ("tools:1", "tools:2", "example/a/b:1"):
        child(busybox, "busybox", name)
    if kept is None:
        module.unchanged(dangling=False, keep=keep)
    else:
        pruned(module, busybox, dangling=False, keep=keep)
        assert names(busybox) == kept


def test_parents_of_kept_ones_stay(module: Module, busybox: docker.DockerClient) -> None:
    bottom = busybox.images.get("busybox").id
    middle = child(busybox, "busybox")
    top = child(busybox, middle, "tools:1")
    module.unchanged()
    done = pruned(module, busybox, dangling=False, keep=["tools"])
    assert done["diff"] == {"before": {bottom: ["busybox:latest"]}, "after": {bottom: []}}
    assert done["actions"][0].endswith("(stays as a part of others)")
    assert set(state(busybox)) == {bottom, middle, top}


def test_parents_without_a_name_go_with_the_last_child(module: Module, busybox: docker.DockerClient) -> None:
    middle = child(busybox, "busybox")
    twins = [child(busybox, middle), child(busybox, middle, "tools:1")]
    pruned(module, busybox)
    assert set(state(busybox)) == {busybox.images.get("busybox").id, middle, twins[1]}
    busybox.api.tag("busybox", "tools", "1", force=True)
    done = pruned(module, busybox)
    assert done["diff"]["after"] == {middle: None, twins[1]: None}
    assert names(busybox) == ["busybox:latest", "tools:1"]


@pytest.mark.parametrize("dangling", [True, False])
def test_parent_that_a_container_uses_stays(module: Module, busybox: docker.DockerClient, dangling: bool) -> None:
    middle = child(busybox, "busybox")
    child(busybox, middle)
    used(busybox, middle)
    pruned(module, busybox, dangling=dangling)
    assert middle in state(busybox)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("keep", "words"),
    [
        ("", ["''", "debian:12"]),
        (" debian", ["' debian'", "can match no image's name"]),
        ("debian 12", ["'debian 12'"]),
        ("Debian", ["'Debian'", "lower case"]),
        ("sha256:" + "0" * 64, ["is an image's Id", "image_tag"]),
        ("0" * 12, ["is an image's Id"]),
    ],
)
def test_bad_patterns(module: Module, busybox: docker.DockerClient, keep: str, words: list[str], check: bool) -> None:
    message = module.fails(check=check, dangling=False, keep=["busybox", keep])
    assert all(word in message for word in words), message
    assert names(busybox) == ["busybox:latest"]


def test_bad_option(module: Module, busybox: docker.DockerClient) -> None:
    assert "dangling" in module.fails(dangling="perhaps")
    assert names(busybox) == ["busybox:latest"]
