# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_remove against a real engine: exactly what was named goes, and all of it or nothing."""

from __future__ import annotations

from typing import Any

import docker
import pytest

from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.scenes import change, child, id_of, pinned, state, used

MISSING_ID = "sha256:" + "0" * 64


def removed(module: Module, client: docker.DockerClient, *names: str) -> dict[str, Any]:
    """Remove, and compare what the check run foresaw with what changed on the engine."""
    before = state(client)
    done = module.converges(names=list(names))
    assert change(before, state(client)) == done["diff"]
    return done


def refused(module: Module, client: docker.DockerClient, *names: str) -> str:
    """Expect a refusal, the same in both modes, that leaves all as it was; the message."""
    before = state(client)
    foreseen = module.fails(check=True, names=list(names))
    assert module.fails(names=list(names)) == foreseen
    assert state(client) == before
    return foreseen


def test_last_name_takes_the_image(module: Module, busybox: docker.DockerClient) -> None:
    identifier = id_of(busybox, "busybox")
    done = removed(module, busybox, "busybox")
    assert done["diff"] == {"before": {identifier: ["busybox:latest"]}, "after": {identifier: None}}
    assert [image["Id"] for image in done["images"]] == [identifier]
    assert done["actions"][0].startswith("Removed image busybox:latest, busybox@sha256:")
    assert state(busybox) == {}


def test_one_name_of_several(module: Module, busybox: docker.DockerClient) -> None:
    busybox.api.tag("busybox", "busybox", "two")
    identifier = id_of(busybox, "busybox")
    done = removed(module, busybox, "busybox:two")
    assert done["actions"] == ["Untagged busybox:two"]
    assert state(busybox) == {identifier: ["busybox:latest"]}
    assert busybox.images.get("busybox").attrs["RepoDigests"]


@pytest.mark.parametrize("repository", ["aa", "zz"])
def test_one_repository_of_several(module: Module, busybox: docker.DockerClient, repository: str) -> None:
    busybox.api.tag("busybox", repository, "1")
    removed(module, busybox, "busybox")
    assert list(state(busybox).values()) == [[f"{repository}:1"]]


def test_several_images_and_missing_ones(module: Module, busybox: docker.DockerClient) -> None:
    child(busybox, "busybox", "tools:1")
    stays = child(busybox, "busybox", "tools:2")
    done = removed(module, busybox, "none/such", "tools:1", MISSING_ID, "tools:none")
    assert len(done["actions"]) == len(done["images"]) == 1
    assert stays in state(busybox)


def test_missing_ones_alone(module: Module, clean: docker.DockerClient) -> None:
    assert module.unchanged(names=["busybox", MISSING_ID, f"busybox@{MISSING_ID}", "0" * 12])["images"] == []
    module.unchanged(names=[])


def test_tag_that_is_missing_takes_no_other(module: Module, busybox: docker.DockerClient) -> None:
    module.unchanged(names=["busybox:two", "library/other", "127.0.0.1:5001/busybox"])


def test_name_that_begins_an_id_is_no_id(module: Module, busybox: docker.DockerClient) -> None:
    """A name of fewer than twelve digits is a repository's, whatever images there are."""
    digits = id_of(busybox, "busybox").removeprefix("sha256:")
    module.unchanged(names=[digits[:length] for length in (4, 11)])


@pytest.mark.parametrize("digits", [64, 12])
def test_by_id_with_all_names(module: Module, busybox: docker.DockerClient, digits: int) -> None:
    for repository in ("aa", "busybox", "zz"):
        busybox.api.tag("busybox", repository, "1")
    done = removed(module, busybox, id_of(busybox, "busybox").removeprefix("sha256:")[:digits])
    assert len(done["actions"]) == 4
    assert state(busybox) == {}


def test_one_image_by_several_names(module: Module, busybox: docker.DockerClient) -> None:
    busybox.api.tag("busybox", "zz", "1")
    identifier = id_of(busybox, "busybox")
    done = removed(module, busybox, "zz:1", identifier, identifier[7:19], "docker.io/library/zz:1", "busybox")
    assert len(done["actions"]) == 2
    assert len(done["images"]) == 1
    assert state(busybox) == {}


def test_dangling_by_id(module: Module, busybox: docker.DockerClient) -> None:
    dangling = child(busybox, "busybox")
    done = removed(module, busybox, dangling)
    assert done["actions"] == [f"Removed image ({dangling})"]


def test_pinned(module: Module, clean: docker.DockerClient) -> None:
    removed(module, clean, pinned(clean))
    assert state(clean) == {}


def test_pinned_by_id(module: Module, clean: docker.DockerClient) -> None:
    removed(module, clean, id_of(clean, pinned(clean)))
    assert state(clean) == {}


@pytest.mark.parametrize("repository", ["aa", "zz"])
@pytest.mark.parametrize("gone", ["tag", "digest", "both", "id"])
def test_pinned_and_tagged_elsewhere(module: Module, clean: docker.DockerClient, repository: str, gone: str) -> None:
    digest, tag = pinned(clean), f"{repository}:1"
    clean.api.tag(digest, repository, "1")
    names = {"tag": [tag], "digest": [digest], "both": [tag, digest], "id": [id_of(clean, tag)]}[gone]
    removed(module, clean, *names)
    assert list(state(clean).values()) == {"tag": [[digest]], "digest": [[tag]], "both": [], "id": []}[gone]


def test_digest_goes_with_its_repositorys_last_tag(module: Module, clean: docker.DockerClient) -> None:
    digest = pinned(clean)
    clean.api.tag(digest, "busybox", "1")
    clean.api.tag(digest, "busybox", "2")
    removed(module, clean, "busybox:1")
    removed(module, clean, "busybox:2")
    assert state(clean) == {}


@pytest.mark.parametrize("form", ["busybox@{}", "busybox:latest@{}"])
def test_digest_that_is_tagged(module: Module, busybox: docker.DockerClient, form: str) -> None:
    digest = busybox.images.get("busybox").attrs["RepoDigests"][0].partition("@")[2]
    message = refused(module, busybox, form.format(digest))
    assert f"busybox@{digest}" in message and "busybox:latest" in message and "Name them instead" in message


def test_digest_of_another_repository(module: Module, busybox: docker.DockerClient) -> None:
    digest = busybox.images.get("busybox").attrs["RepoDigests"][0].partition("@")[2]
    module.unchanged(name=f"other@{digest}")


def test_child_leaves_its_parent(module: Module, busybox: docker.DockerClient) -> None:
    child(busybox, "busybox", "tools:1")
    removed(module, busybox, "tools:1")
    assert list(state(busybox).values()) == [["busybox:latest"]]


def test_parent_loses_its_name_and_goes_with_the_last_child(module: Module, busybox: docker.DockerClient) -> None:
    parent = id_of(busybox, "busybox")
    children = [child(busybox, "busybox", name) for name in ("tools:1", "tools:2")]
    done = removed(module, busybox, "busybox")
    assert done["actions"][0].startswith("Untagged busybox:latest")
    assert state(busybox)[parent] == []
    removed(module, busybox, "tools:1")
    assert set(state(busybox)) == {parent, children[1]}
    done = removed(module, busybox, "tools:2")
    assert done["diff"]["after"] == {parent: None, children[1]: None}
    assert state(busybox) == {}


def test_parent_and_child_in_any_order(module: Module, busybox: docker.DockerClient) -> None:
    middle = child(busybox, "busybox")
    child(busybox, middle, "tools:1")
    removed(module, busybox, "busybox", middle, "tools:1")
    assert state(busybox) == {}


def test_parent_by_id(module: Module, busybox: docker.DockerClient) -> None:
    middle = child(busybox, "busybox")
    top = child(busybox, middle, "tools:1")
    assert "tools:1" in refused(module, busybox, middle)
    assert middle in refused(module, busybox, id_of(busybox, "busybox"))
    busybox.api.tag(top, "tools", "2")
    assert "tools:2" in refused(module, busybox, middle, "tools:1")


def test_nameless_parent_that_a_container_uses_stays(module: Module, busybox: docker.DockerClient) -> None:
    middle = child(busybox, "busybox")
    child(busybox, middle, "tools:1")
    used(busybox, middle)
    removed(module, busybox, "tools:1")
    assert middle in state(busybox)
    assert "user (created)" in refused(module, busybox, middle)


@pytest.mark.parametrize("running", [True, False])
def test_used(module: Module, busybox: docker.DockerClient, running: bool) -> None:
    """By name, by Id, by both: nothing goes, other images of the task neither, and the container is named."""
    child(busybox, "busybox", "tools:1")
    container = used(busybox, "busybox", running)
    identifier = id_of(busybox, "busybox")
    busybox.api.tag("busybox", "zz", "1")
    for names in ([identifier], ["busybox", "zz:1"], ["zz:1", identifier[7:19]]):
        message = refused(module, busybox, "tools:1", *names)
        assert "Nothing was removed" in message and "Remove these containers first" in message
        assert f"{container} ({'running' if running else 'created'})" in message
        assert "busybox:latest" in message and "tools:1" not in message
    assert busybox.containers.get(container).status == ("running" if running else "created")


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("name", ["busybox:latest", "zz:1"])
def test_used_keeps_another_name(module: Module, busybox: docker.DockerClient, name: str, running: bool) -> None:
    busybox.api.tag("busybox", "zz", "1")
    used(busybox, "busybox", running)
    removed(module, busybox, name)
    assert list(state(busybox).values()) == [sorted({"busybox:latest", "zz:1"} - {name})]


@pytest.mark.parametrize("running", [True, False])
def test_used_and_pinned(module: Module, clean: docker.DockerClient, running: bool) -> None:
    digest = pinned(clean)
    used(clean, digest, running)
    assert "user (" in refused(module, clean, digest)
    assert "user (" in refused(module, clean, id_of(clean, digest))


def test_used_and_dangling(module: Module, busybox: docker.DockerClient) -> None:
    dangling = child(busybox, "busybox")
    used(busybox, dangling)
    message = refused(module, busybox, "busybox", dangling)
    assert f"{dangling} is used by user (created)" in message


def test_used_by_its_childs_container_only(module: Module, busybox: docker.DockerClient) -> None:
    child(busybox, "busybox", "tools:1")
    used(busybox, "tools:1", running=True)
    removed(module, busybox, "busybox")
    assert "user (running)" in refused(module, busybox, "tools:1")


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Busybox", ["'Busybox'", "lower case"]),
        ("busybox:", ["'busybox:'", "tag"]),
        ("busybox:*", ["'busybox:*'", "the tag '*'"]),
        ("sha256:12", ["'sha256:12'", "64 hexadecimal"]),
        ("busybox@sha256:12", ["digest", "64 hexadecimal"]),
        (" ", ["' '"]),
        ("", ["''"]),
    ],
)
def test_bad_names(module: Module, busybox: docker.DockerClient, name: str, words: list[str], check: bool) -> None:
    before = state(busybox)
    message = module.fails(check=check, names=["busybox", name])
    assert all(word in message for word in words), message
    assert state(busybox) == before
