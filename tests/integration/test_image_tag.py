# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_tag against a real engine."""

from __future__ import annotations

from typing import Any

import docker
import pytest

from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.scenes import child, id_of, pinned, state, used


def test_several_names_are_given_by_one_task(module: Module, busybox: docker.DockerClient) -> None:
    identifier = busybox.images.get("busybox").id
    names = ["example/tools:1", "127.0.0.1:5001/tools:Stable", "tools"]
    done = module.converges(name="busybox", repository=names)
    assert done["actions"] == [
        "Tagged image busybox:latest as example/tools:1",
        "Tagged image busybox:latest as 127.0.0.1:5001/tools:Stable",
        "Tagged image busybox:latest as tools:latest",
    ]
    tags = ["127.0.0.1:5001/tools:Stable", "busybox:latest", "example/tools:1", "tools:latest"]
    assert state(busybox) == {identifier: tags}
    assert sorted(done["image"]["RepoTags"]) == tags
    assert done["images"] == [done["image"]]


def test_diff_tells_what_each_name_means(module: Module, busybox: docker.DockerClient) -> None:
    identifier = busybox.images.get("busybox").id
    other = child(busybox, "busybox", "tools:1")
    done = module.converges(name="busybox:latest", repository=["tools:1", "tools:2", "busybox"])
    assert done["diff"] == {
        "before": {"tools:1": other, "tools:2": None},
        "after": {"tools:1": identifier, "tools:2": identifier},
    }
    assert done["actions"][0] == f"Tagged image busybox:latest as tools:1, which named {other}"
    assert done["moved"] == [{"name": "tools:1", "former": other, "image": identifier}]
    assert state(busybox) == {identifier: ["busybox:latest", "tools:1", "tools:2"], other: []}


def test_moved_tags_are_told(module: Module, busybox: docker.DockerClient) -> None:
    """Check mode reports the same, and nothing where no tag moves."""
    identifier = id_of(busybox, "busybox")
    one, two = child(busybox, "busybox", "one:1"), child(busybox, "busybox", "two:1")
    wanted: dict[str, Any] = {"name": "busybox", "repository": ["new:1", "two:1", "one:1", "busybox"]}
    foreseen = module.ok(check=True, **wanted)["moved"]
    assert foreseen == [
        {"name": "two:1", "former": two, "image": identifier},
        {"name": "one:1", "former": one, "image": identifier},
    ]
    assert module.ok(check=True, **wanted, existing="keep")["moved"] == []
    assert module.converges(**wanted)["moved"] == foreseen
    assert module.unchanged(**wanted)["moved"] == []
    assert [busybox.images.get(former).tags for former in (one, two)] == [[], []]


def test_moving_leaves_the_former_image_and_its_container(module: Module, busybox: docker.DockerClient) -> None:
    former = child(busybox, "busybox", "tools:1")
    container = used(busybox, "tools:1", running=True)
    module.converges(name="busybox", repository=["tools:1"])
    assert busybox.images.get(former).tags == []
    assert busybox.containers.get(container).status == "running"


def test_keep_leaves_names_of_other_images(module: Module, busybox: docker.DockerClient) -> None:
    identifier = busybox.images.get("busybox").id
    other = child(busybox, "busybox", "tools:1")
    module.unchanged(name="busybox", repository=["tools:1"], existing="keep")
    done = module.converges(name="busybox", repository=["tools:1", "tools:2"], existing="keep")
    assert done["actions"] == ["Tagged image busybox:latest as tools:2"]
    assert state(busybox) == {identifier: ["busybox:latest", "tools:2"], other: ["tools:1"]}


def test_one_name_in_several_spellings_is_one_name(module: Module, busybox: docker.DockerClient) -> None:
    done = module.converges(name="busybox", repository=["tools", "tools:latest", "docker.io/library/tools"])
    assert done["actions"] == ["Tagged image busybox:latest as tools:latest"]
    module.unchanged(name="docker.io/busybox", repository=["index.docker.io/library/busybox", "tools"])


@pytest.mark.parametrize("digits", [64, 12])
def test_an_image_is_tagged_by_its_id(module: Module, busybox: docker.DockerClient, digits: int) -> None:
    identifier = id_of(busybox, "busybox")
    source = identifier.removeprefix("sha256:")[:digits]
    module.converges(name=source, repository=["tools:1"])
    assert state(busybox) == {identifier: ["busybox:latest", "tools:1"]}


def test_an_image_without_a_name_is_tagged(module: Module, busybox: docker.DockerClient) -> None:
    nameless = child(busybox, "busybox")
    module.converges(name=nameless, repository=["tools:1"])
    assert state(busybox)[nameless] == ["tools:1"]


def test_an_image_is_tagged_by_its_digest(module: Module, clean: docker.DockerClient) -> None:
    digest = pinned(clean)
    identifier = clean.images.get(digest).id
    done = module.converges(name=digest, repository=["tools:1"])
    assert done["actions"] == [f"Tagged image {digest} as tools:1"]
    assert state(clean) == {identifier: ["tools:1", digest]}


def test_no_names_change_nothing(module: Module, busybox: docker.DockerClient) -> None:
    module.unchanged(name="busybox", repository=[])


MISSING_ID = "sha256:" + "0" * 64


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("name", "repository", "words"),
    [
        ("none/such", ["tools:1"], ["none/such:latest", "Pull, load or commit"]),
        ("busybox:none", ["tools:1"], ["busybox:none"]),
        (MISSING_ID, ["tools:1"], [MISSING_ID]),
        ("0" * 12, ["tools:1"], ["0" * 12]),
        ("Busybox", ["tools:1"], ["'Busybox'", "lower case"]),
        ("sha256:12", ["tools:1"], ["'sha256:12'", "64 hexadecimal"]),
        ("", ["tools:1"], ["''"]),
        ("busybox", ["tools:1", "Tools:2"], ["'Tools:2'", "lower case"]),
        ("busybox", ["tools:1", "tools:-2"], ["'tools:-2'", "'-2' is no valid tag"]),
        ("busybox", ["tools:1", f"tools@{MISSING_ID}"], ["has a digest", "repository:tag"]),
        ("busybox", ["tools:1", MISSING_ID.removeprefix("sha256:")], ["is an image Id"]),
        ("busybox", ["tools:1", ""], ["''"]),
    ],
)
def test_bad_input_changes_nothing(
    module: Module, busybox: docker.DockerClient, name: str, repository: list[str], words: list[str], check: bool
) -> None:
    before = state(busybox)
    message = module.fails(check=check, name=name, repository=repository)
    assert all(word in message for word in words), message
    assert state(busybox) == before


@pytest.mark.parametrize("missing", ["name", "repository"])
def test_name_and_repository_are_needed(module: Module, missing: str) -> None:
    params: dict[str, Any] = {"name": "busybox", "repository": ["tools:1"]}
    del params[missing]
    assert missing in module.fails(**params)
