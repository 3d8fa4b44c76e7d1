# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""container_run against a real engine: no container is replaced for no reason, and none is lost."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration.conftest import Module

UP = ["tail", "-f", "/dev/null"]
WANTED: dict[str, Any] = {"name": "box", "image": "busybox", "command": UP, "stop_timeout": 0}


def names(client: docker.DockerClient) -> set[str]:
    return {str(container.name) for container in client.containers.list(all=True)}


def state(client: docker.DockerClient, name: str = "box") -> tuple[str, str]:
    """A container's Id and status: whether it is the same one, and runs."""
    container = client.containers.get(name)
    return str(container.id), container.status


def test_starts_one(module: Module, busybox: docker.DockerClient) -> None:
    done = module.converges(**WANTED)
    assert done["actions"] == ["Started container box from busybox:latest"]
    box = busybox.containers.get("box")
    assert box.status == "running"
    assert box.attrs["Config"]["Cmd"] == UP
    assert done["container"]["Id"] == box.id
    asked = {"image": busybox.images.get("busybox").id, "command": UP, "tty": False, "interactive": False}
    assert done["diff"] == {"before": {"box": None}, "after": {"box": {**asked, "status": "running"}}}


def test_second_run_keeps_the_container(module: Module, busybox: docker.DockerClient) -> None:
    module.ok(**WANTED)
    first = state(busybox)
    module.unchanged(**WANTED)
    module.unchanged(**{**WANTED, "command": "tail -f /dev/null"})
    module.unchanged(**{**WANTED, "command": None, "image": "docker.io/library/busybox:latest"})
    module.unchanged(**{**WANTED, "image": busybox.images.get("busybox").id})
    assert state(busybox) == first


def test_tty_and_standard_input(module: Module, busybox: docker.DockerClient) -> None:
    module.converges(name="shell", image="busybox", tty=True, interactive=True, env={"ONE": "1 =\n", "TWO": 2})
    config = busybox.containers.get("shell").attrs["Config"]
    assert (config["Tty"], config["OpenStdin"], config["Cmd"]) == (True, True, ["sh"])
    assert {"ONE=1 =\n", "TWO=2"} <= set(config["Env"])
    assert busybox.containers.get("shell").status == "running"


def test_starts_a_stopped_one_again(module: Module, busybox: docker.DockerClient) -> None:
    module.ok(**WANTED)
    busybox.containers.get("box").stop(timeout=0)
    stopped = state(busybox)
    done = module.converges(**WANTED)
    assert done["actions"] == ["Started container box, which was there"]
    assert state(busybox) == (stopped[0], "running")
    assert changes(done) == {"status": ("exited", "running")}


def changes(done: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What differs in the diff of the container box, by option."""
    before, after = done["diff"]["before"]["box"], done["diff"]["after"]["box"]
    assert set(before) == set(after)
    return {option: (before[option], after[option]) for option in before if before[option] != after[option]}


def test_starts_one_that_was_only_created(module: Module, busybox: docker.DockerClient) -> None:
    made = busybox.containers.create("busybox", UP, name="box")
    module.converges(**WANTED)
    assert state(busybox) == (made.id, "running")


@pytest.mark.parametrize(
    ("option", "value", "before", "after"),
    [
        ("command", ["sleep", "600"], UP, ["sleep", "600"]),
        ("tty", True, False, True),
        ("interactive", True, False, True),
        ("env", {"COLOUR": "red"}, {"COLOUR": "blue"}, {"COLOUR": "red"}),
        ("env", {"SHAPE": "round"}, {}, {"SHAPE": "round"}),
    ],
)
def test_replaces_one_that_differs(
    module: Module, busybox: docker.DockerClient, option: str, value: Any, before: Any, after: Any
) -> None:
    module.ok(**WANTED, env={"COLOUR": "blue"})
    old = state(busybox)
    done = module.converges(**{**WANTED, option: value})
    assert done["actions"] == [f"Replaced container box, as it differed in {option}"]
    assert changes(done) == {option: (before, after)}
    assert state(busybox)[0] != old[0] and state(busybox)[1] == "running"
    assert names(busybox) == {"box"}


def test_what_is_not_asked_for_is_not_compared(module: Module, busybox: docker.DockerClient) -> None:
    made = busybox.containers.run(
        "busybox", UP, name="box", detach=True, environment={"SECRET": "x"}, labels={"a": "b"}, user="0", hostname="h"
    )
    module.unchanged(name="box", image="busybox")
    assert state(busybox) == (made.id, "running")


def test_replaces_when_the_tag_has_moved(module: Module, busybox: docker.DockerClient) -> None:
    module.ok(**WANTED)
    old = busybox.images.get("busybox").id
    new = another_image(busybox)
    busybox.api.tag(new, "busybox", "latest", force=True)
    done = module.converges(**WANTED)
    assert done["actions"] == ["Replaced container box, as it differed in image"]
    assert changes(done) == {"image": (old, new)}
    assert busybox.containers.get("box").attrs["Image"] == new


def another_image(client: docker.DockerClient) -> str:
    container = client.containers.create("busybox", ["sh"])
    identifier = container.commit("another", "1", changes=["LABEL another=1"]).id
    container.remove()
    assert identifier
    return str(identifier)


def test_keeps_one_whose_image_was_removed(module: Module, busybox: docker.DockerClient) -> None:
    module.ok(**WANTED)
    old = state(busybox)
    busybox.api.remove_image("busybox", force=True)
    module.unchanged(**WANTED)
    for check in (True, False):
        message = module.fails(check=check, **{**WANTED, "tty": True})
        assert "busybox:latest" in message and "image_pull" in message
    assert state(busybox) == old


def test_keeps_one_whose_image_has_an_index(module: Module, busybox: docker.DockerClient, engine: Engine) -> None:
    if engine.store == "classic":
        pytest.skip("a classic store keeps no indexes")
    load_with_index(busybox, "indexed:1")
    done = module.converges(**{**WANTED, "image": "indexed:1"})
    assert done["diff"]["after"]["box"]["image"] == busybox.images.get("indexed:1").id
    module.unchanged(**{**WANTED, "image": busybox.images.get("indexed:1").id})


def load_with_index(client: docker.DockerClient, name: str) -> None:
    """Let the engine have busybox as public registries have it: an index that names the image for each platform."""
    image = client.images.get("busybox")
    with tarfile.open(fileobj=io.BytesIO(b"".join(image.save(named=True)))) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}  # type: ignore[union-attr]
    (manifest,) = json.loads(files["index.json"])["manifests"]
    entry = {key: manifest[key] for key in ("mediaType", "digest", "size")}
    platform = {"os": image.attrs["Os"], "architecture": image.attrs["Architecture"]}
    index = json.dumps(_index({**entry, "platform": platform})).encode()
    digest = hashlib.sha256(index).hexdigest()
    described = {"mediaType": _INDEX, "digest": f"sha256:{digest}", "size": len(index)}
    annotations = {"io.containerd.image.name": f"docker.io/library/{name}"}
    files["index.json"] = json.dumps(_index({**described, "annotations": annotations})).encode()
    files[f"blobs/sha256/{digest}"] = index
    del files["manifest.json"]
    client.images.load(_tar(files))
    assert client.images.get(name).id == f"sha256:{digest}"


_INDEX = "application/vnd.oci.image.index.v1+json"


def _index(*manifests: dict[str, Any]) -> dict[str, Any]:
    return {"schemaVersion": 2, "mediaType": _INDEX, "manifests": manifests}


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["/no/such/program"], ["start the container box", "/no/such/program"]),
        (["/etc"], ["start the container box", "/etc"]),
    ],
)
@pytest.mark.parametrize("running", [True, False])
def test_a_replacement_that_fails_leaves_the_old_one(
    module: Module, busybox: docker.DockerClient, command: list[str], words: list[str], running: bool
) -> None:
    module.ok(**WANTED)
    if not running:
        busybox.containers.get("box").stop(timeout=0)
    old = state(busybox)
    result = module(**{**WANTED, "command": command})
    assert result["failed"] and not result["changed"]
    assert all(word in result["msg"] for word in words), result["msg"]
    assert state(busybox) == old
    assert names(busybox) == {"box"}
    module.ok(**WANTED)
    assert state(busybox) == (old[0], "running")


def test_a_first_run_that_fails_leaves_nothing(module: Module, busybox: docker.DockerClient) -> None:
    assert "/no/such/program" in module.fails(**{**WANTED, "command": ["/no/such/program"]})
    assert names(busybox) == set()


def test_what_a_cut_off_replacement_left_is_not_trampled_on(module: Module, busybox: docker.DockerClient) -> None:
    busybox.containers.run("busybox", UP, name="box.gantry-former", detach=True)
    for check in (True, False):
        message = module.fails(check=check, **WANTED)
        assert "box.gantry-former" in message and "docker rm" in message
    busybox.containers.run("busybox", UP, name="box", detach=True)
    module.unchanged(**WANTED)
    old = state(busybox)
    assert "box.gantry-former" in module.fails(**{**WANTED, "tty": True})
    assert state(busybox) == old
    assert names(busybox) == {"box", "box.gantry-former"}


@pytest.mark.parametrize("status", ["running", "exited", "paused", "created"])
def test_absent(module: Module, busybox: docker.DockerClient, status: str) -> None:
    have(busybox, status)
    done = module.converges(name="box", state="absent", stop_timeout=0)
    assert done["actions"] == ["Removed container box"]
    assert done["diff"] == {"before": {"box": {"status": status}}, "after": {"box": None}}
    assert done["container"] is None
    assert names(busybox) == set()


def have(client: docker.DockerClient, status: str) -> None:
    box = client.containers.create("busybox", UP, name="box")
    if status != "created":
        box.start()
    if status == "paused":
        box.pause()
    if status == "exited":
        box.stop(timeout=0)


def test_absent_takes_anonymous_volumes_along_and_leaves_named_ones(
    module: Module, busybox: docker.DockerClient
) -> None:
    mounts = [docker.types.Mount("/a", None), docker.types.Mount("/b", "kept")]
    busybox.containers.run("busybox", UP, name="box", detach=True, mounts=mounts)
    assert len(busybox.volumes.list()) == 2
    module.ok(name="box", state="absent", stop_timeout=0)
    assert [volume.name for volume in busybox.volumes.list()] == ["kept"]
    busybox.volumes.get("kept").remove()


def test_a_paused_one_is_left_to_who_paused_it(module: Module, busybox: docker.DockerClient) -> None:
    have(busybox, "paused")
    old = state(busybox)
    for check in (True, False):
        for asked in (WANTED, {**WANTED, "tty": True}):
            message = module.fails(check=check, **asked)
            assert "box is paused" in message and "docker unpause box" in message
    assert state(busybox) == old


@pytest.mark.parametrize("length", [2, 5])
def test_a_name_that_begins_anothers_id(module: Module, busybox: docker.DockerClient, length: int) -> None:
    """The engine takes the beginning of an Id for a container: "db" may be anybody's."""
    other = busybox.containers.run("busybox", UP, name="other", detach=True)
    name = str(other.id)[:length]
    module.unchanged(name=name, state="absent")
    module.converges(**{**WANTED, "name": name})
    module.converges(name=name, state="absent", stop_timeout=0)
    assert state(busybox, "other") == (other.id, "running")


@pytest.mark.parametrize("length", [12, 64])
def test_an_id_is_no_name(module: Module, busybox: docker.DockerClient, length: int) -> None:
    other = busybox.containers.run("busybox", UP, name="other", detach=True)
    choices: list[dict[str, Any]] = [{"state": "absent"}, {"image": "busybox"}]
    for asked in choices:
        message = module.fails(name=str(other.id)[:length], **asked)
        assert "is the Id of the container other" in message
    assert names(busybox) == {"other"}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"name": "-box"}, ["'-box'", "no valid name"]),
        ({"name": "x"}, ["'x'", "two or more"]),
        ({"name": ""}, ["''", "no valid name"]),
        ({"image": "none/such:1"}, ["none/such:1", "image_pull"]),
        ({"image": "Busybox"}, ["'Busybox'", "lower case"]),
        ({"image": "busybox@sha256:12"}, ["digest"]),
        ({"image": None}, ["image"]),
        ({"command": "sh -c 'open"}, ["sh -c 'open", "split"]),
        ({"command": []}, ["empty"]),
        ({"command": ""}, ["empty"]),
        ({"command": True}, ["command", "bool", "quotes"]),
        ({"command": ["echo", 1.10]}, ["command", "float", "quotes"]),
        ({"command": {"sh": "-c"}}, ["command", "dict"]),
        ({"env": {"A=B": "c"}}, ["A=B"]),
        ({"env": {"DEBUG": True}}, ["DEBUG", "bool", "quotes"]),
        ({"env": {"VERSION": 1.10}}, ["VERSION", "float", "quotes"]),
        ({"env": {"NOTHING": None}}, ["NOTHING", "quotes"]),
        ({"stop_timeout": -1}, ["stop_timeout", "-1"]),
        ({"state": "gone"}, ["gone", "absent"]),
    ],
)
def test_bad_input_changes_nothing(
    module: Module, clean: docker.DockerClient, asked: dict[str, Any], words: list[str], check: bool
) -> None:
    message = module.fails(check=check, **{**WANTED, **asked})
    assert all(word in message for word in words), message
    assert names(clean) == set()


def test_results_name_the_container(modules: Callable[[str], Module], busybox: docker.DockerClient) -> None:
    done = modules("container_run").ok(**WANTED)
    assert done["container"]["Name"] == "/box"
    assert modules("container_run").ok(check=True, name="none", state="absent")["container"] is None
