# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state after an image's life: on the engine, in the containers, and as a file."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import docker

from ansible_collections.gantry.docker.molecule.conftest import container, layers


def test_only_the_containers_that_should_be_there_run(engine: docker.DockerClient) -> None:
    found = {container.name: container.status for container in engine.containers.list(all=True)}
    assert found == {f"gantry-demo-{name}": "running" for name in ("sleeper", "shell", "user")}


def test_sleeper_lives_on_without_its_second_process() -> None:
    processes = container("gantry-demo-sleeper").check_output("ps -o pid,args")
    assert "1 tail -f /dev/null" in processes
    assert "sleep" not in processes


def test_shell_has_a_terminal() -> None:
    shell = container("gantry-demo-shell")
    assert shell.file("/proc/1/comm").content_string == "bash\n"
    assert shell.check_output("readlink /proc/1/fd/0").startswith("/dev/pts/")
    assert shell.system_info.release.startswith("12")


def test_curl_came_with_the_image() -> None:
    user = container("gantry-demo-user")
    assert user.package("curl").is_installed
    assert user.run("curl --version").stdout.startswith("curl ")


def test_image_with_curl_is_debian_and_one_layer(engine: docker.DockerClient) -> None:
    assert layers(engine, "gantry-demo/curl:1")[:-1] == layers(engine, "debian:12")
    history = engine.images.get("gantry-demo/curl:1").history()
    assert history[0]["Comment"] == "curl, installed by apt" and history[0]["Size"] > 1_000_000
    assert engine.images.get("gantry-demo/curl:1").attrs["Config"]["Cmd"] == ["curl", "--version"]


def test_only_what_was_to_be_kept_is_there(engine: docker.DockerClient) -> None:
    assert engine.images.list(filters={"dangling": True}) == []
    tags = sorted(tag for image in engine.images.list() for tag in image.tags)
    assert tags == ["busybox:latest", "debian:12", "gantry-demo/curl:1", "gantry-demo/note:1"]
    assert engine.images.get("gantry-demo/note:1").id == engine.images.get("busybox").id


def test_archive_is_whole_and_has_the_image() -> None:
    with tarfile.open(Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "curl.tar")) as archive:
        manifest = archive.extractfile("manifest.json")
        assert manifest is not None and b'"gantry-demo/curl:1"' in manifest.read()
