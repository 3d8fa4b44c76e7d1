# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""container_info against a real engine."""

from __future__ import annotations

from typing import Any

import docker
import pytest

from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.support.waiting import wait_for


@pytest.fixture
def three(busybox: docker.DockerClient) -> docker.DockerClient:
    """The engine with a running, a paused and a created container."""
    for name in ("running", "paused"):
        busybox.containers.run("busybox", ["tail", "-f", "/dev/null"], name=name, detach=True)
    busybox.containers.get("paused").pause()
    busybox.containers.create("busybox", ["sh"], name="created")
    return busybox


def told(result: dict[str, Any]) -> dict[str, str]:
    """Return the status of each returned container."""
    return {container["Name"][1:]: container["State"]["Status"] for container in result["containers"]}


def test_without_names_all_are_returned(module: Module, three: docker.DockerClient) -> None:
    done = module.unchanged()
    assert told(done) == {"running": "running", "paused": "paused", "created": "created"}
    assert done["not_found"] == [] and "container" not in done


def test_an_engine_without_containers_has_none(module: Module, clean: docker.DockerClient) -> None:
    assert module.unchanged()["containers"] == []


def test_a_container_is_returned_as_inspected(module: Module, three: docker.DockerClient) -> None:
    done = module.unchanged(name="running")
    assert done["containers"] == [done["container"]]
    beside = {"ImageName": "busybox:latest", "ImageIsCurrent": True}
    assert done["container"] == {**three.api.inspect_container("running"), **beside}


def test_the_image_has_a_name_that_is_current_or_not(module: Module, busybox: docker.DockerClient) -> None:
    image = busybox.images.get("busybox")
    identifier = str(image.id)
    image.tag("moving", "1")
    image.tag("going", "1")
    made = {"named": "moving:1", "gone": "going:1", "short": identifier[7:19], "full": identifier}
    for name, called in made.items():
        busybox.containers.create(called, ["true"], name=name)

    def told_of() -> dict[str, tuple[str | None, bool | None]]:
        result = module.unchanged()["containers"]
        return {each["Name"][1:]: (each["ImageName"], each["ImageIsCurrent"]) for each in result}

    by_id = {"short": (None, None), "full": (None, None)}
    assert told_of() == {"named": ("moving:1", True), "gone": ("going:1", True), **by_id}
    busybox.containers.get("named").commit("moving", "1")
    busybox.api.remove_image("going:1", force=True)
    assert told_of() == {"named": ("moving:1", False), "gone": ("going:1", None), **by_id}


def test_named_ones_come_in_their_order_and_missing_ones_apart(module: Module, three: docker.DockerClient) -> None:
    identifier = str(three.containers.get("created").id)
    done = module.unchanged(names=["running", "none-such", identifier[:12], identifier[:4], "running"])
    assert list(told(done)) == ["running", "created"]
    assert done["not_found"] == ["none-such", identifier[:4]]
    assert "container" not in done


def test_a_single_missing_one_is_no_error(module: Module, clean: docker.DockerClient) -> None:
    done = module.unchanged(name="none-such")
    assert done["containers"] == [] and done["not_found"] == ["none-such"] and "container" not in done


def test_no_names_means_none(module: Module, three: docker.DockerClient) -> None:
    assert module.unchanged(names=[])["containers"] == []


def test_processes_are_listed_if_asked(module: Module, three: docker.DockerClient) -> None:
    three.containers.get("running").exec_run(["sleep", "600"], detach=True)
    three.containers.run("busybox", ["true"], name="exited", detach=True).wait()
    found = {each["Name"][1:]: each["Processes"] for each in module.unchanged(processes=True)["containers"]}
    assert sorted(process["CMD"] for process in found["running"]) == ["sleep 600", "tail -f /dev/null"]
    assert all(process["PID"].isdigit() for process in found["running"])
    assert [process["CMD"] for process in found["paused"]] == ["tail -f /dev/null"]
    assert found["created"] == [] and found["exited"] == []


def test_one_that_fails_again_and_again_has_no_processes(module: Module, three: docker.DockerClient) -> None:
    """One container in a restart loop must not hide the others."""
    loop = three.containers.run("busybox", ["false"], name="loop", detach=True, restart_policy={"Name": "always"})

    def restarts() -> bool:
        loop.reload()
        return bool(loop.attrs["State"]["Status"] == "restarting" and loop.attrs["RestartCount"] >= 3)

    assert wait_for(restarts)
    found = {each["Name"][1:]: each["Processes"] for each in module.unchanged(processes=True)["containers"]}
    assert found["loop"] == [] and found["running"]


@pytest.mark.parametrize("name", ["-x", "a", "a/b", "", "sha256:12"])
def test_bad_names_are_refused(module: Module, name: str) -> None:
    message = module.fails(names=["fine", name])
    assert f"'{name}'" in message and "no valid name" in message
