# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection plugin container: bytes arrive whole, exit codes are true, and errors are clear."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.playbook.play_context import PlayContext

from ansible_collections.gantry.docker.plugins.connection import container as plugin
from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration import contexts, ssh
from ansible_collections.gantry.docker.tests.integration.conftest import says
from ansible_collections.gantry.docker.tests.support import playbooks
from ansible_collections.gantry.docker.tests.support.certificates import Certificate
from ansible_collections.gantry.docker.tests.support.relay import relay

NAME = "gantry.docker.container"
UP = ["tail", "-f", "/dev/null"]
MEGABYTE = 1024 * 1024
pytestmark = pytest.mark.usefixtures("no_environment")

constants.config.initialize_plugin_configuration_definitions(
    "connection", NAME, yaml.safe_load(plugin.DOCUMENTATION)["options"]
)


@pytest.fixture
def box(busybox: docker.DockerClient) -> docker.DockerClient:
    """The engine with a container of busybox, which has no Python."""
    busybox.containers.run("busybox", UP, name="box", detach=True, stop_signal="KILL")
    return busybox


def to(engine: Engine | str, container: str = "box", **variables: Any) -> plugin.Connection:
    """Return a connection to a container with these variables of its host."""
    host = engine if isinstance(engine, str) else engine.docker_host
    return told({"inventory_hostname": container, "ansible_docker_docker_host": host, **variables})


def told(variables: dict[str, Any]) -> plugin.Connection:
    """Return a connection with these variables alone."""
    connection = plugin.Connection(PlayContext())
    connection._load_name = NAME
    connection.set_options(var_options=variables)  # type: ignore[no-untyped-call]
    return connection


@pytest.fixture
def connection(engine: Engine, box: docker.DockerClient) -> Iterator[plugin.Connection]:
    """A connection to the container box."""
    connection = to(engine)
    yield connection
    connection.close()


def test_output_exit_code_and_input_arrive(connection: plugin.Connection) -> None:
    assert connection.exec_command("echo out; echo err >&2; exit 3") == (3, b"out\n", b"err\n")
    assert connection.exec_command("cat", in_data=b"in\0\xff\n") == (0, b"in\0\xff\n", b"")
    assert connection.exec_command("cat") == (0, b"", b"")
    assert connection.exec_command("true", in_data=bytes(4 * MEGABYTE)) == (0, b"", b"")


def test_much_goes_both_ways_at_once(connection: plugin.Connection) -> None:
    data = os.urandom(16 * MEGABYTE)
    assert connection.exec_command("tee /dev/stderr", in_data=data) == (0, data, data)


def test_the_exit_code_of_a_command_that_ends_after_its_output_is_true(connection: plugin.Connection) -> None:
    assert connection.exec_command("exec >&- 2>&-; sleep 0.3; exit 4") == (4, b"", b"")


def test_a_silent_command_may_take_longer_than_the_timeout(engine: Engine, box: docker.DockerClient) -> None:
    connection = to(engine, ansible_docker_timeout=1)
    assert connection.exec_command("sleep 2.2; echo done") == (0, b"done\n", b"")


def test_commands_run_as_the_user(engine: Engine, box: docker.DockerClient) -> None:
    connection = to(engine, ansible_user="1234:56")
    assert connection.exec_command("echo $(id -u):$(id -g)")[1] == b"1234:56\n"
    assert to(engine).exec_command("id -u")[1] == b"0\n"


def test_containers_are_found_by_address_and_by_id(engine: Engine, box: docker.DockerClient) -> None:
    identifier = str(box.containers.get("box").id)
    for variables in ({"ansible_host": "box"}, {"ansible_docker_host": identifier[:12]}):
        assert to(engine, "other", **variables).exec_command("hostname")[1].decode().strip() == identifier[:12]


def test_files_arrive_whole(connection: plugin.Connection, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    for content in (b"", b"\0\xff\r\n", os.urandom(3 * MEGABYTE + 1)):
        there.write_bytes(content)
        connection.put_file(str(there), '/tmp/it\'s a "file" $HOME')  # noqa: S108
        connection.fetch_file('/tmp/it\'s a "file" $HOME', str(back))  # noqa: S108
        assert back.read_bytes() == content
    connection.put_file(str(there), "relative")
    assert connection.exec_command("ls /relative")[0] == 0


def test_large_files_are_not_held_in_memory(connection: plugin.Connection, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    with there.open("wb") as file:
        file.truncate(256 * MEGABYTE)
    tracemalloc.start()
    connection.put_file(str(there), "/large")
    connection.fetch_file("/large", str(back))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert back.stat().st_size == 256 * MEGABYTE
    assert peak < 4 * MEGABYTE


def test_files_that_cannot_be_copied_are_named(connection: plugin.Connection, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(bytes(MEGABYTE))
    with pytest.raises(AnsibleError, match=r"Can't copy .*there to /none/file in the container box: .*/none/file"):
        connection.put_file(str(there), "/none/file")
    with pytest.raises(AnsibleError, match=r"Can't copy /none from the container box: .*No such file"):
        connection.fetch_file("/none", str(back))
    assert not back.exists()
    with pytest.raises(AnsibleFileNotFound, match="gone"):
        connection.put_file(str(tmp_path / "gone"), "/file")


def fails(connection: plugin.Connection) -> str:
    """Return the error that Ansible shows for an unreachable host."""
    begun = time.monotonic()
    with pytest.raises(AnsibleConnectionFailure) as failure:
        connection.exec_command("true")
    assert time.monotonic() - begun < 5  # an unreachable host must not hold up the others
    message = str(failure.value)
    assert "\n" not in message and "Traceback" not in message
    return message


def test_a_missing_container_is_named(engine: Engine, box: docker.DockerClient) -> None:
    says(fails(to(engine, "none")), "no container none", engine.docker_host, "container_run", "ansible_host")
    # The engine itself takes the beginning of an Id for a container.
    beginning = str(box.containers.get("box").id)[:4]
    says(fails(to(engine, beginning)), f"no container {beginning}")


def test_a_container_that_does_not_run_is_named(engine: Engine, box: docker.DockerClient) -> None:
    box.containers.get("box").pause()
    says(fails(to(engine)), "box", "is paused", "docker unpause")
    box.containers.get("box").unpause()
    box.containers.get("box").stop(timeout=0)
    says(fails(to(engine)), "box", "is not running", "Start it first")


def test_a_missing_shell_or_user_is_named(engine: Engine, box: docker.DockerClient) -> None:
    connection = to(engine)
    connection._play_context.executable = "/bin/none"
    says(fails(connection), "box", "/bin/none", "ansible_shell_executable")
    says(fails(to(engine, ansible_user="nobody-there")), "box", "nobody-there")


def test_an_engine_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/none.sock"
    says(fails(to(host)), host, "no such socket", "docker_host")
    says(fails(to("nonsense://x")), "nonsense://x", "docker_host", "unix://", "ssh://")
    says(fails(to("tcp://")), "tcp://", "docker_host")
    says(fails(to("tcp://127.0.0.1:99999")), "127.0.0.1:99999", "docker_host")
    says(fails(to("unix:///dev/null/x")), "docker_host")
    says(fails(to(host, ansible_docker_tls=True, ansible_docker_client_cert="/none")), "no such socket")


def test_options_come_from_the_environment_too(
    engine: Engine, box: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.docker_host)
    assert told({"inventory_hostname": "box"}).exec_command("echo here")[1] == b"here\n"
    monkeypatch.setenv("DOCKER_API_VERSION", "1.99")
    says(fails(told({"inventory_hostname": "box"})), "1.99")


@pytest.fixture
def secure(engine: Engine, certificate: Certificate) -> Iterator[str]:
    """The engine's address behind a port that speaks TLS and wants a certificate."""
    with relay(engine.socket, ("127.0.0.1", 0), certificate.context(wanted_of_clients=True)) as running:
        yield running.docker_host


@pytest.mark.timeout(60)
def test_the_docker_context_says_where_the_engine_is(
    engine: Engine, box: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contexts.configuration(engine) as place:
        monkeypatch.setenv("DOCKER_CONFIG", str(place))
        contexts.create(engine, place, "private", host=engine.docker_host)
        contexts.create(engine, place, "dead", host=f"unix://{place}/none.sock")
        contexts.cli(engine, place, "context", "use", "private")
        assert told({"inventory_hostname": "box"}).exec_command("echo here")[1] == b"here\n"
        monkeypatch.setenv("DOCKER_CONTEXT", "dead")
        says(fails(told({"inventory_hostname": "box"})), f"{place}/none.sock", "Docker context 'dead'")
        assert to(engine).exec_command("echo here")[1] == b"here\n"
        monkeypatch.setenv("DOCKER_CONTEXT", "gone")
        says(fails(told({"inventory_hostname": "box"})), "no Docker context 'gone'")


def test_the_docker_context_says_how_to_use_tls(
    engine: Engine, box: docker.DockerClient, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = map(str, certificate)
    with contexts.configuration(engine) as place, contexts.listening(engine, 2376, certificate) as address:
        monkeypatch.setenv("DOCKER_CONFIG", str(place))
        contexts.create(engine, place, "checked", host=f"tcp://{address}", ca=cert, cert=cert, key=key)
        monkeypatch.setenv("DOCKER_CONTEXT", "checked")
        # These settings are for another engine.
        monkeypatch.setenv("DOCKER_TLS_HOSTNAME", "for.another.engine")
        monkeypatch.setenv("DOCKER_CERT_PATH", "/none")
        named = {"inventory_hostname": "box", "ansible_docker_tls_hostname": "engine.example"}
        assert told(named).exec_command("echo here")[1] == b"here\n"
        says(fails(told({"inventory_hostname": "box"})), "TLS failed", address, "Docker context 'checked'")


def test_tls_comes_from_the_environment(
    engine: Engine, box: docker.DockerClient, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contexts.listening(engine, 2376, certificate) as address:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{address}")
        monkeypatch.setenv("DOCKER_TLS", "1")
        assert told({"inventory_hostname": "box"}).exec_command("echo here")[1] == b"here\n"


def test_an_address_without_a_port_has_dockers(engine: Engine, box: docker.DockerClient) -> None:
    with contexts.listening(engine, 2375) as address:
        assert to(f"tcp://{address}").exec_command("echo here")[1] == b"here\n"


def test_tls_checks_and_shows_certificates(secure: str, box: docker.DockerClient, certificate: Certificate) -> None:
    cert, key = map(str, certificate)
    pair: dict[str, Any] = {"ansible_docker_client_cert": cert, "ansible_docker_client_key": key}
    checked: dict[str, Any] = {"ansible_docker_validate_certs": True, "ansible_docker_ca_path": cert}
    named: dict[str, Any] = {"ansible_docker_tls_hostname": "engine.example"}
    connection = to(secure, **pair, **checked, **named)
    data = os.urandom(8 * MEGABYTE)
    assert connection.exec_command("cat; echo err >&2; exit 3", in_data=data) == (3, data, b"err\n")
    assert connection.exec_command("cat") == (0, b"", b"")
    assert connection.exec_command("true", in_data=data) == (0, b"", b"")
    connection.close()
    assert to(secure, **pair, ansible_docker_tls=True).exec_command("echo here")[1] == b"here\n"
    says(fails(to(secure, **pair, **checked)), "TLS failed", "127.0.0.1", "tls_hostname")
    says(fails(to(secure, **pair, ansible_docker_validate_certs=True)), "TLS failed", "CERTIFICATE_VERIFY_FAILED")
    says(fails(to(secure, **named, **checked)), "Can't reach", "client_cert")
    says(fails(to(secure, ansible_docker_timeout=2)), "Can't reach", secure)
    says(fails(to(secure, **checked, ansible_docker_client_cert=cert)), "client_cert", "client_key", "both")
    says(fails(to(secure, **{**pair, **checked, "ansible_docker_ca_path": "/none"})), "ca_path", "/none")


@pytest.mark.timeout(60)
def test_ssh_leads_to_the_engine(engine: Engine, box: docker.DockerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    host = ssh.offer(engine, monkeypatch)
    data = os.urandom(3 * MEGABYTE)
    connection = to(host)
    assert connection.exec_command("cat; echo err >&2; exit 3", in_data=data) == (3, data, b"err\n")
    assert connection.exec_command("echo again") == (0, b"again\n", b"")
    connection.close()
    says(fails(to(host.replace("root", "nobody"))), "ssh://nobody@there", "Permission denied")
    says(fails(to("ssh://127.0.0.1:9")), "ssh://127.0.0.1:9", "Connection refused")
    monkeypatch.setenv("PATH", "/none")
    says(fails(to(host)), "no ssh on this host", "openssh-client")


PLAYBOOK = """
- hosts: box
  gather_facts: false
  tasks:
    - {name: Without Python, ansible.builtin.raw: "echo $(id -u) from $(hostname)", register: said}
    - ansible.builtin.assert: {that: "said.stdout_lines == ['0 from ' ~ id[:12]]"}
- hosts: python
  tasks:
    - ansible.builtin.assert: {that: ansible_facts.distribution == 'Debian'}
    - ansible.builtin.copy: {content: "{{ 'x' * 100000 }}", dest: /var/tmp/there, mode: '0640', owner: nobody}
    - ansible.builtin.slurp: {src: /var/tmp/there}
      register: slurped
    - ansible.builtin.stat: {path: /var/tmp/there}
      register: there
    - ansible.builtin.fetch: {src: /var/tmp/there, dest: "{{ place }}/back", flat: true}
    - ansible.builtin.script: {cmd: script.sh one}
      register: script
    - ansible.builtin.assert:
        that:
          - slurped.content | b64decode | length == 100000
          - there.stat.mode == '0640' and there.stat.pw_name == 'nobody'
          - lookup('ansible.builtin.file', place ~ '/back') | length == 100000
          - script.stdout_lines == ['script one']
    - ansible.builtin.raw: useradd -m worker && echo 'root:secret' | chpasswd
    - name: By another user of the container
      ansible.builtin.command: id -un
      remote_user: worker
      register: direct
    - name: By a become method that asks no password
      ansible.builtin.command: id -un
      become: true
      become_method: ansible.builtin.su
      become_user: worker
      register: down
    - name: By a become method that asks for a password
      ansible.builtin.command: id -un
      remote_user: worker
      become: true
      become_method: ansible.builtin.su
      vars: {ansible_become_password: secret}
      register: up
    - name: With a wrong password
      ansible.builtin.command: id -un
      remote_user: worker
      become: true
      become_method: ansible.builtin.su
      vars: {ansible_become_password: wrong}
      register: wrong
      ignore_unreachable: true
    - ansible.builtin.command: {cmd: cat, stdin: given}
      async: 30
      poll: 1
      register: later
    - ansible.builtin.assert:
        that:
          - direct.stdout == 'worker' and down.stdout == 'worker' and up.stdout == 'root'
          - wrong.unreachable and 'password for su' in wrong.msg and 'is wrong' in wrong.msg
          - later.stdout == 'given'
"""


@pytest.mark.parametrize("pipelining", ["true", "false"])
def test_modules_run_in_containers(engine: Engine, clean: docker.DockerClient, tmp_path: Path, pipelining: str) -> None:
    clean.images.pull("busybox", "latest")
    clean.images.pull("gantry/python", "3")
    box = clean.containers.run("busybox", UP, name="box", detach=True, stop_signal="KILL")
    clean.containers.run("gantry/python:3", UP, name="python", detach=True, stop_signal="KILL")
    shared = {
        "ansible_connection": NAME,
        "ansible_docker_docker_host": engine.docker_host,
        "id": box.id,
        "place": str(tmp_path),
    }
    hosts = {"box": shared, "python": {**shared, "ansible_python_interpreter": "/usr/bin/python3"}}
    playbooks.write(tmp_path, PLAYBOOK, hosts)
    (tmp_path / "script.sh").write_text("#!/bin/sh\necho script $1\n")
    done = playbooks.run(tmp_path, ANSIBLE_PIPELINING=pipelining)
    assert done.returncode == 0, done.stdout + done.stderr
