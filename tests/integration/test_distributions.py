# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Managed hosts with a distribution's own Python, no Docker SDK, and nothing from PyPI."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.engines.hosts import host_of
from ansible_collections.gantry.docker.tests.support import playbooks

pytestmark = [pytest.mark.one_engine, pytest.mark.timeout(900)]
PLAYBOOK = Path(__file__).with_name("distributions.yml")


@pytest.mark.parametrize(
    ("suite", "python"), [("bullseye", "3.9"), ("bookworm", "3.11"), ("trixie", "3.13"), ("sid", "3.14")]
)
def test_every_module_runs_on_a_distributions_own_python(
    suite: str, python: str, engine: Engine, clean: docker.DockerClient, tmp_path: Path
) -> None:
    with host_of(suite).open("rb") as tar:
        clean.api.import_image_from_data(tar, repository="host", tag=suite)
    socket = {str(engine.socket.parent): {"bind": "/run/engine", "mode": "rw"}}
    host = clean.containers.run(
        f"host:{suite}", ["sleep", "infinity"], name="managed", detach=True, volumes=socket, stop_signal="KILL"
    )
    host.exec_run(["mkdir", "-p", "-m", "700", "/root/.ansible/tmp"])  # or Ansible warns that it makes it
    version = host.exec_run(["python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2], end='')"]).output
    assert version == python.encode()
    for library in ("docker", "requests", "urllib3"):
        assert host.exec_run(["python3", "-c", f"import {library}"]).exit_code
    managed = {
        "ansible_connection": "gantry.docker.container",
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_docker_docker_host": engine.docker_host,
        "suite": suite,
        "ending": "tar.gz" if suite == "bullseye" else "tar.zst",
    }
    playbooks.write(tmp_path, PLAYBOOK.read_text(), {"managed": managed})
    done = playbooks.run(tmp_path, timeout=800)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]: " not in done.stderr, done.stderr
