# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Engines over ssh: for modules, and for the roles, whose controllers send archives and build there."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration import ssh
from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.scenes import grown
from ansible_collections.gantry.docker.tests.support import playbooks
from ansible_collections.gantry.docker.tests.support.programs import write_program

MEGABYTE = 1000 * 1000


@pytest.fixture
def logins(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The ssh processes that modules have started so far."""
    started: list[subprocess.Popen[bytes]] = []
    really = subprocess.Popen

    def start(command: Any, *arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        program = really(command, *arguments, **options)
        if command[0] == "ssh":
            started.append(program)
        return program

    monkeypatch.setattr(subprocess, "Popen", start)
    return started


def test_archives_go_over_ssh(
    engine: Engine, busybox: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = ssh.offer(engine, monkeypatch)
    grown(busybox, "busybox", "app:1", 8 * MEGABYTE)
    path = str(tmp_path / "app.tar")
    Module("image_save", host).converges(name="app:1", path=path)
    Module("image_save", engine.docker_host).unchanged(name="app:1", path=path)
    busybox.api.remove_image("app:1")
    done = Module("image_load", host).converges(path=path)
    assert 8 * MEGABYTE < done["bytes_sent"] < 9 * MEGABYTE and done["bytes_skipped"] > MEGABYTE
    assert done["image"] == busybox.images.get("app:1").attrs


def test_containers_run_over_ssh(engine: Engine, busybox: docker.DockerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    host = ssh.offer(engine, monkeypatch)
    run, execute, commit = (Module(name, host) for name in ("container_run", "container_exec", "image_commit"))
    run.converges(name="box", image="busybox", command="tail -f /dev/null")
    done = execute.ok(container="box", argv=["sh", "-c", "cat >/said; cat /said /said"], stdin="hello")
    assert done["stdout"].split() == ["hello", "hello"]
    commit.converges(container="box", name="app:1")
    run.converges(name="box", state="absent", stop_timeout=0)


def test_logins_are_few(
    engine: Engine,
    busybox: docker.DockerClient,
    monkeypatch: pytest.MonkeyPatch,
    logins: list[subprocess.Popen[bytes]],
) -> None:
    tags = [str(number) for number in range(80)]
    names = [f"many:{tag}" for tag in tags]
    for tag in tags:
        busybox.api.tag("busybox", "many", tag)
    info = Module("image_info", ssh.offer(engine, monkeypatch))
    assert len(info.ok(names=names[:10])["images"]) == 10
    assert len(logins) == 1
    assert len(info.ok(names=names)["images"]) == 80
    assert len(logins) <= 5
    assert all(program.returncode is not None for program in logins)


@pytest.mark.parametrize("check", [True, False])
def test_a_way_that_fails_is_explained(engine: Engine, monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    def says(host: str, *words: str) -> None:
        message = Module("image_info", host).fails(check=check, timeout=5)
        assert all(word in message for word in ("docker_host", *words)), message

    host = ssh.offer(engine, monkeypatch)
    says(host.replace("root", "nobody"), "ssh://nobody@there", "Permission denied")
    says("ssh://127.0.0.1:9", "ssh://127.0.0.1:9", "Connection refused")
    says("ssh://", "has no host")


def test_a_missing_ssh_is_named(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/none")
    message = Module("image_info", "ssh://root@there").fails()
    assert "no ssh on this host" in message and "openssh-client" in message


def test_an_ssh_that_never_answers_is_ended(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logins: list[subprocess.Popen[bytes]]
) -> None:
    write_program(tmp_path / "ssh", "exec sleep 30")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert "not answer within 1 seconds" in Module("image_info", "ssh://root@there").fails(timeout=1)
    assert [program.returncode for program in logins] == [-signal.SIGTERM]


# There is no Python at the engine. Ansible's programs for it run on this machine, at the socket of the engine.
SHELL = """
export DOCKER_HOST={}
for command; do :; done
exec /bin/sh -c "$command"
"""


class Playbook:
    """A role for a host over Ansible's own ssh, run by a controller without an engine."""

    def __init__(self, engine: Engine, place: Path, role: str, variables: dict[str, Any]) -> None:
        self._place = place
        shell = place / "shell"
        write_program(shell, SHELL.format(engine.docker_host))
        host = {
            "ansible_host": ssh.HOST,
            "ansible_user": "root",
            "ansible_python_interpreter": sys.executable,
            "ansible_ssh_executable": str(shell),
            "ansible_ssh_transfer_method": "piped",
        }
        task = {"ansible.builtin.include_role": {"name": f"gantry.docker.{role}"}, "vars": variables}
        playbooks.write(place, [{"hosts": "server", "gather_facts": False, "tasks": [task]}], {"server": host})

    def __call__(self, *options: str) -> str:
        """Run it, and return its output."""
        done = playbooks.run(self._place, *options, ANSIBLE_SSH_ARGS="", DOCKER_HOST="unix:///none.sock")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.mark.one_engine
def test_an_archive_of_the_controller_goes_to_the_host(
    engine: Engine, busybox: docker.DockerClient, tmp_path: Path
) -> None:
    grown(busybox, "busybox", "app:1", 8 * MEGABYTE)
    Module("image_save", engine.docker_host).ok(name="app:1", path=str(tmp_path / "app.tar"))
    busybox.api.remove_image("app:1")
    run = Playbook(engine, tmp_path, "images", {"images_archives": [{"path": "app.tar", "from": "controller"}]})
    assert "changed=1 " in run("--check") and not busybox.images.list("app:1")
    assert "changed=1 " in run() and busybox.images.list("app:1")
    assert "changed=0 " in run()


@pytest.mark.one_engine
def test_a_golden_image_is_built_over_ssh(
    engine: Engine, busybox: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh.offer(engine, monkeypatch)
    (tmp_path / "tasks.yml").write_text("- ansible.builtin.raw: touch /made\n  changed_when: false\n")
    write_program(tmp_path / "program", f"touch {tmp_path}/was-run")
    run = Playbook(
        engine,
        tmp_path,
        "golden_image",
        {
            "golden_image_name": "app:1",
            "golden_image_base": "busybox",
            "golden_image_pull": "missing",
            "golden_image_gather_facts": False,
            "golden_image_apply": [{"tasks": "tasks.yml"}],
            "golden_image_checks": ["test -e /made"],
            "golden_image_check_command": "tail -f /dev/null",
        },
    )
    run()
    assert busybox.containers.run("app:1", ["ls", "/made"], remove=True) == b"/made\n"
    assert "changed=0 " in run()
    assert not (tmp_path / "was-run").exists(), "what lies beside the playbook was taken for inventories"
