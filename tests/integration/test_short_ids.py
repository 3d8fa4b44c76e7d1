# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All operations with the beginning of an Id, and with names that look like one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify
from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.scenes import child, id_of
from ansible_collections.gantry.docker.tests.support import archives

Modules = Callable[[str], Module]
# A name that could be the beginning of an Id, and is none.
HEX = "deadbeefcafe"


def short(identifier: str) -> str:
    """Return the beginning of an Id, as docker images shows it."""
    return identifier.removeprefix("sha256:")[:12]


@pytest.fixture
def both(busybox: docker.DockerClient) -> docker.DockerClient:
    """The engine with busybox, and with another image whose tag looks like an Id."""
    child(busybox, "busybox", f"{HEX}:latest")
    return busybox


def test_a_save_takes_a_short_id(modules: Modules, both: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "images.tar"
    identifier = id_of(both, "busybox")
    done = modules("image_save").converges(name=short(identifier), path=str(path))
    assert done["actions"] == [f"Saved {identifier} to {path}"]
    assert [image.tags for image in verify(path).images] == [()]
    modules("image_save").unchanged(name=identifier, path=str(path))
    modules("image_save").converges(name=short(identifier), tags="all", path=str(path))
    assert [image.tags for image in verify(path).images] == [("busybox:latest",)]
    modules("image_save").converges(names=[short(identifier), HEX], path=str(path))
    assert {image.tags for image in verify(path).images} == {(), (f"{HEX}:latest",)}


def test_a_save_for_another_platform_takes_a_short_id(
    modules: Modules, engine: Engine, clean: docker.DockerClient, tmp_path: Path
) -> None:
    if (engine.suite, engine.store) != ("sid", "containerd"):
        pytest.skip("this engine has images for one platform only")
    host = archives.Image((archives.layer("host"),), tags=("both:1",))
    arm = archives.Image((archives.layer("arm"),), architecture="arm64")
    source = tmp_path / "both.tar"
    source.write_bytes(archives.tar(archives.multi_platform(archives.index_of(host, arm), ["both:1"], host, arm)))
    with source.open("rb") as file:
        clean.images.load(file)
    path, identifier = tmp_path / "arm.tar", id_of(clean, "both:1")
    done = modules("image_save").converges(name=short(identifier), platform="linux/arm64", path=str(path))
    assert done["actions"] == [f"Saved {identifier} to {path}"]
    assert [image.architecture for image in verify(path).images] == ["arm64"]
    modules("image_save").unchanged(name=identifier, platform="linux/arm64", path=str(path))


def test_layers_are_left_out_by_a_short_id(modules: Modules, both: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "thin.tar"
    base = short(id_of(both, "busybox"))
    modules("image_save").converges(name=HEX, exclude_layers_of=base, path=str(path))
    assert set(verify(path).left_out.values()) == set(both.images.get("busybox").attrs["RootFS"]["Layers"])
    modules("image_save").unchanged(name=HEX, exclude_layers_of="busybox", path=str(path))


def test_a_tag_takes_a_short_id(modules: Modules, both: docker.DockerClient) -> None:
    identifier = id_of(both, "busybox")
    done = modules("image_tag").converges(name=short(identifier), repository=["other:1"])
    assert id_of(both, "other:1") == done["image"]["Id"] == identifier
    done = modules("image_tag").converges(name=HEX, repository=["other:1"])
    assert id_of(both, "other:1") == done["image"]["Id"] == id_of(both, HEX)
    # A name that means the image by its Id until it is another's tag.
    done = modules("image_tag").ok(name=short(identifier), repository=[short(identifier)])
    assert done["image"]["Id"] == identifier and f"{short(identifier)}:latest" in done["image"]["RepoTags"]


def test_a_removal_takes_a_short_id(modules: Modules, both: docker.DockerClient) -> None:
    identifier = id_of(both, "busybox")
    modules("image_remove").converges(name=HEX)
    assert id_of(both, "busybox") == identifier
    both.api.tag("busybox", "other", "1")
    modules("image_remove").converges(name=short(identifier))
    assert both.images.list() == []


def test_image_info_takes_a_short_id(modules: Modules, both: docker.DockerClient) -> None:
    base, other = id_of(both, "busybox"), id_of(both, HEX)
    done = modules("image_info").ok(names=[short(base), HEX])
    assert [image["Id"] for image in done["images"]] == [base, other] and done["not_found"] == []
    newer = modules("image_info").ok(filters={"since": short(base)})["images"]
    assert newer == modules("image_info").ok(filters={"since": "busybox"})["images"]


@pytest.mark.parametrize("check", [True, False])
def test_a_push_takes_no_short_id(modules: Modules, both: docker.DockerClient, check: bool) -> None:
    """An Id is no name, and a push takes names."""
    name = short(id_of(both, "busybox"))
    assert f"no image {name}:latest" in modules("image_push").fails(check=check, name=name)


def test_a_commit_takes_a_containers_short_id(modules: Modules, both: docker.DockerClient) -> None:
    box = both.containers.create("busybox", ["sh"], name="box")
    for number, name in enumerate([str(box.id), short(str(box.id))]):
        done = modules("image_commit").converges(container=name, name=f"made:{number}")
        assert done["image"]["Id"] == id_of(both, f"made:{number}")
    # A container whose name looks like the other's Id is that one: a name goes first.
    misleading = both.containers.create(HEX, ["sh"], name=short(str(box.id)))
    done = modules("image_commit").converges(container=str(misleading.name), name="misleading:1")
    layers = [both.images.get(name).attrs["RootFS"]["Layers"] for name in (HEX, "misleading:1")]
    assert layers[0] == layers[1]


def test_container_modules_take_a_short_id(modules: Modules, both: docker.DockerClient) -> None:
    box = both.containers.run("busybox", ["tail", "-f", "/dev/null"], name="box", detach=True)
    name = short(str(box.id))
    done = modules("container_exec").ok(container=name, argv=["hostname"], creates="/none")
    assert done["stdout"] == name
    assert not modules("container_exec").ok(container=name, argv=["true"], creates="/bin")["changed"]
    assert modules("container_info").ok(names=[name])["container"]["Id"] == box.id
