# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_pull against a real engine and a real registry."""

from __future__ import annotations

import docker
import pytest

from ansible_collections.gantry.docker.tests.integration.conftest import Module

REGISTRY = "127.0.0.1:5001"


def test_several_without_and_with_a_tag(module: Module, clean: docker.DockerClient) -> None:
    done = module.converges(names=["busybox", "debian:12"])
    assert done["actions"] == ["Pulled image busybox:latest", "Pulled image debian:12"]
    assert {tag for image in clean.images.list() for tag in image.tags} == {"busybox:latest", "debian:12"}
    assert [image["RepoTags"] for image in done["images"]] == [["busybox:latest"], ["debian:12"]]
    assert "image" not in done


def test_diff_tells_the_digest_that_comes(module: Module, clean: docker.DockerClient) -> None:
    done = module.converges(name="busybox")
    digest = clean.images.get("busybox").attrs["RepoDigests"][0].partition("@")[2]
    assert done["diff"] == {"before": {"busybox:latest": None}, "after": {"busybox:latest": digest}}
    assert done["image"]["Id"] == clean.images.get("busybox").id


def test_by_digest(module: Module, busybox: docker.DockerClient) -> None:
    pinned = busybox.images.get("busybox").attrs["RepoDigests"][0]
    busybox.api.remove_image("busybox")
    done = module.converges(name=pinned, policy="newer")
    assert done["image"]["RepoDigests"] == [pinned]


def test_platform(module: Module, clean: docker.DockerClient) -> None:
    machine = clean.info()["Architecture"]
    done = module.converges(name="busybox", platform=f"linux/{machine}")
    assert done["actions"] == [f"Pulled image busybox:latest for {_platform(clean)}"]


def _platform(client: docker.DockerClient) -> str:
    attributes = client.images.get("busybox").attrs
    return f"{attributes['Os']}/{attributes['Architecture']}"


@pytest.mark.parametrize("check", [True, False])
def test_platform_that_the_registry_does_not_have(module: Module, clean: docker.DockerClient, check: bool) -> None:
    message = module.fails(check=check, name="busybox", platform="linux/s390x")
    assert "linux/s390x" in message and "busybox:latest" in message
    assert clean.images.list() == []


def test_newer_follows_the_registry(module: Module, busybox: docker.DockerClient) -> None:
    name = f"{REGISTRY}/moving:1"
    _push(busybox, "first", name)
    module.unchanged(name=name, policy="newer")
    former = busybox.images.get(name).id
    newest = _push(busybox, "second", name)
    busybox.api.tag(former, f"{REGISTRY}/moving", "1", force=True)
    module.unchanged(name=name)
    done = module.converges(name=name, policy="newer")
    assert done["diff"]["before"] != done["diff"]["after"]
    assert busybox.images.get(name).id == newest


def _push(client: docker.DockerClient, content: str, name: str) -> str:
    """Put a new image into the registry that takes pushes; its Id."""
    container = client.containers.run("busybox", ["sh", "-c", f"echo {content} > /content"], detach=True)
    container.wait()
    container.commit(*name.rsplit(":", 1))
    container.remove()
    assert "error" not in client.images.push(name)
    identifier = client.images.get(name).id
    assert identifier
    return str(identifier)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("busybox:none-such", ["busybox:none-such"]),
        ("127.0.0.1:9/busybox", ["127.0.0.1:9/busybox", "connection refused"]),
        ("Busybox", ["'Busybox'", "lower case"]),
        ("busybox:", ["'busybox:'", "tag"]),
        ("busybox@sha256:12", ["digest", "64 hexadecimal"]),
        ("", ["''"]),
    ],
)
def test_bad_names(module: Module, clean: docker.DockerClient, name: str, words: list[str], check: bool) -> None:
    message = module.fails(check=check, names=[name])
    assert all(word in message for word in words), message
    assert clean.images.list() == []


def test_bad_platform(module: Module, clean: docker.DockerClient) -> None:
    assert "'amd64' is no valid platform" in module.fails(name="busybox", platform="amd64")


def test_one_bad_name_changes_nothing(module: Module, clean: docker.DockerClient) -> None:
    assert "busybox:none-such" in module.fails(names=["debian:12", "busybox:none-such"])
    assert clean.images.list() == []
