# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state after the exercises: three running containers."""

from __future__ import annotations

import docker

from ansible_collections.gantry.docker.molecule.conftest import container, layers


def test_three_containers_run(engine: docker.DockerClient) -> None:
    found = {container.name: container.status for container in engine.containers.list(all=True)}
    assert found == dict.fromkeys(("terminal", "idler", "loaded"), "running")


def test_terminal_runs_bash_on_a_terminal() -> None:
    terminal = container("terminal")
    assert terminal.check_output("readlink /proc/1/fd/0").startswith("/dev/pts/")
    assert terminal.file("/proc/1/comm").content_string == "bash\n"


def test_idler_has_its_first_process_alone(engine: docker.DockerClient) -> None:
    processes = engine.containers.get("idler").top()["Processes"]
    assert [row[-1] for row in processes] == ["tail -f /dev/null"]
    assert engine.containers.get("idler").attrs["RestartCount"] == 0


def test_loaded_image_runs_and_serves(engine: docker.DockerClient) -> None:
    loaded = container("loaded")
    assert loaded.check_output("hostname") == "tool"
    assert loaded.check_output("wget -q -O - http://127.0.0.1:8080/") == "Loaded from a file"
    assert layers(engine, "exercises/tool:1") == layers(engine, "busybox")
