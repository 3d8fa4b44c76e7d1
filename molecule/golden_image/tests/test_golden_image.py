# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state after the builds of golden images: running containers, and the images on the engine."""

from __future__ import annotations

from typing import Any

import docker
import testinfra

from ansible_collections.gantry.docker.molecule.conftest import container

TAGS = [
    *("debian:12", "example/base:1", "example/servant:1", "example/servant:base", "example/tool:latest"),
    *("example/web:1", "example/web:newest", "gantry/python:3"),
]


def inspected(engine: docker.DockerClient, name: str) -> dict[str, Any]:
    """Return an image as the engine describes it."""
    found: dict[str, Any] = engine.images.get(name).attrs
    return found


def test_the_site_answers_over_http(engine: docker.DockerClient) -> None:
    address = engine.containers.get("site").attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    fetch = f"import socket; s = socket.create_connection(('{address}', 80)); s.send(b'GET / HTTP/1.0\\r\\n\\r\\n')"
    answer = container("asker").check_output(f'python3 -c "{fetch}; print(s.makefile().read())"')
    assert answer.startswith("HTTP/1.1 200 OK") and answer.endswith("Goodbye from Debian 12")


def test_the_site_runs_what_the_image_says() -> None:
    site = container("site")
    assert site.package("nginx-light").is_installed
    assert site.file("/proc/1/cmdline").content_string.startswith("nginx: master process nginx -g daemon off;")


def test_handlers_ran_in_the_container_and_not_here() -> None:
    assert container("site").file("/etc/site.changes").content_string == "Hello\nGoodbye\n"
    assert not testinfra.get_host("local://").file("/etc/site.changes").exists


def test_the_image_says_what_it_is_made_of(engine: docker.DockerClient) -> None:
    config = inspected(engine, "example/web:1")["Config"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == "A greeting"
    assert labels["org.opencontainers.image.base.name"] == "debian:12"
    assert len(labels["gantry.docker.golden_image.base"]) == len(labels["gantry.docker.golden_image.recipe"]) == 64
    assert config["ExposedPorts"] == {"80/tcp": {}}
    assert not config.get("Entrypoint") and not config.get("User")


def test_a_variable_is_taken_as_it_is(engine: docker.DockerClient) -> None:
    said = engine.containers.run("example/tool", ["cat", "/srv/tool"], remove=True)
    assert said.decode() == "third\n"
    layers = [inspected(engine, name)["RootFS"]["Layers"] for name in ("example/tool", "example/base:1")]
    assert layers[0][:-1] == layers[1]


def test_what_a_base_runs_and_as_whom_stays(engine: docker.DockerClient) -> None:
    config, base = (inspected(engine, f"example/servant:{tag}")["Config"] for tag in ("1", "base"))
    assert [config[key] for key in ("Entrypoint", "Cmd", "User")] == [
        base[key] for key in ("Entrypoint", "Cmd", "User")
    ]
    assert engine.containers.run("example/servant:1", remove=True) == b"65534\n"


def test_ansible_has_left_nothing_in_the_image() -> None:
    site = container("site")
    assert not site.file("/var/tmp/.golden-image").exists  # noqa: S108
    assert not site.file("/root/.ansible").exists


def test_only_the_images_are_left(engine: docker.DockerClient) -> None:
    assert sorted(tag for image in engine.images.list() for tag in image.tags) == TAGS
    assert {container.name for container in engine.containers.list(all=True)} == {"asker", "site"}
