# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All modules with an engine that can't be reached or stops answering: one clear message, soon, and no change."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest

from ansible_collections.gantry.docker.plugins.module_utils._transport import address
from ansible_collections.gantry.docker.tests.engines.engine import Engine, assert_private
from ansible_collections.gantry.docker.tests.integration import contexts
from ansible_collections.gantry.docker.tests.integration.conftest import MODULES, Module, says
from ansible_collections.gantry.docker.tests.support.certificates import Certificate
from ansible_collections.gantry.docker.tests.support.relay import Relay, relay
from ansible_collections.gantry.docker.tests.support.waiting import wait_for

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
# The least that each module wants to be told.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "container_exec": {"container": "box", "argv": ["true"]},
    "container_info": {},
    "container_run": {"name": "box", "image": "busybox"},
    "image_commit": {"container": "box", "name": "made:1"},
    "image_info": {},
    "image_load": {"path": "/dev/null"},
    "image_prune": {},
    "image_pull": {"name": "busybox"},
    "image_push": {"name": "busybox"},
    "image_remove": {"name": "busybox"},
    "image_save": {"name": "busybox", "path": "/srv/gantry-never-written.tar"},
    "image_tag": {"name": "busybox", "repository": ["other:1"]},
}
NAMES = sorted(file.stem for file in PLUGINS.glob("modules/*.py"))

pytestmark = pytest.mark.usefixtures("no_environment")
each_module = pytest.mark.parametrize("name", NAMES)


def test_all_modules_are_known_here() -> None:
    assert sorted(ARGUMENTS) == NAMES


def fails(name: str, docker_host: str, **asked: Any) -> str:
    """Return the error of a module, the same in check mode and for real."""
    arguments = {**ARGUMENTS[name], **asked}
    messages = {Module(name, docker_host).fails(check=check, **arguments) for check in (True, False)}
    (message,) = messages
    return message


@each_module
def test_a_missing_socket_is_named(name: str, tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/none.sock"
    says(fails(name, host), host, "no such socket", "systemctl start docker", "docker_host")


@each_module
def test_a_socket_where_nothing_listens_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    says(fails(name, f"unix://{path}"), str(path), "Nothing listens there", "docker_host")


def test_a_port_where_nothing_listens_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        says(fails("image_info", host), host, "Nothing listens there")


@contextmanager
def silent(path: Path) -> Iterator[str]:
    """Open a socket that accepts connections and never answers."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        yield f"unix://{path}"


@each_module
def test_an_engine_that_never_answers_is_waited_for_as_long_as_timeout_allows(name: str, tmp_path: Path) -> None:
    with silent(tmp_path / "silent.sock") as host:
        begun = time.monotonic()
        message = Module(name, host).fails(**ARGUMENTS[name], timeout=1)
        assert 0.9 < time.monotonic() - begun < 3  # the option promises a time
    says(message, host, "did not answer within 1 seconds", "timeout")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"220 mail.example\r\n", b""])
def test_what_answers_otherwise_is_no_engine(tmp_path: Path, answer: bytes) -> None:
    path = tmp_path / "other.sock"
    with answering(path, answer):
        says(Module("image_info", f"unix://{path}").fails(timeout=2), str(path), "Can't reach a Docker engine")


@contextmanager
def answering(path: Path, answer: bytes, asked: list[bytes] | None = None) -> Iterator[None]:
    """Open a socket that gives this answer to one request. asked: a list that gets the request."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            connection, _address = listening.accept()
            with connection:
                request = connection.recv(65536)
                if asked is not None:
                    asked.append(request)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


# A program. It runs the code in its first argument after the imports of the module and before the work of the module.
_PROGRAM = """
import importlib, json, sys
from ansible_collections.gantry.docker.tests.support.arguments import import_serializers, patch_module_args
import_serializers()
name, before, arguments = sys.argv[1:]
if "blocked" in before:
    exec(before)
module = importlib.import_module(name)
import encodings.idna, encodings.ascii
if "blocked" not in before:
    exec(before)
with patch_module_args(json.loads(arguments)):
    module.main()
"""
_AS_NOBODY = "import os; os.setgroups([]); os.setgid(65534); os.setuid(65534)"
_NO_LIBRARY = "blocked = sys.modules.update(dict.fromkeys(('docker', 'requests', 'urllib3')))"


def alone(name: str, before: str, docker_host: str) -> str:
    """Run a module in a process of its own; its message."""
    arguments = json.dumps({**ARGUMENTS[name], "docker_host": docker_host})
    command = [sys.executable, "-c", _PROGRAM, f"{MODULES}.{name}", before, arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd="/")
    assert done.returncode == 1 and "Traceback" not in done.stdout + done.stderr, done
    result = json.loads(done.stdout)
    assert result["failed"] and not result["changed"]
    return str(result["msg"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_missing_permission_on_the_socket_is_explained(engine: Engine) -> None:
    for name in NAMES:
        message = alone(name, _AS_NOBODY, engine.docker_host)
        says(message, engine.docker_host, "may not use the socket", "become: true", "group docker")


@each_module
def test_needs_no_library(name: str) -> None:
    says(alone(name, _NO_LIBRARY, "unix:///none.sock"), "unix:///none.sock", "no such socket")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"timeout": 0}, ["timeout", "'0'"]),
        ({"timeout": -5}, ["timeout", "'-5'"]),
        ({"timeout": "soon"}, ["timeout", "int"]),
        ({"api_version": "newest"}, ["api_version", "'newest'", "1.41"]),
        ({"api_version": "1.10"}, ["1.24", "api_version"]),
        ({"tls": True, "client_cert": "/dev/null"}, ["client_cert", "client_key", "both"]),
        ({"tls": True, "client_key": "/dev/null"}, ["client_cert", "client_key", "both"]),
        ({"validate_certs": True, "ca_path": "/none/ca.pem"}, ["ca_path", "/none/ca.pem", "no such file"]),
        ({"tls": True, "client_cert": "/none/c.pem", "client_key": "/none/k.pem"}, ["/none/c.pem", "no such file"]),
        ({"docker_host": "nonsense://x"}, ["nonsense://x", "docker_host"]),
        ({"docker_host": "tcp://"}, ["tcp://", "docker_host"]),
        ({"docker_host": "tcp://127.0.0.1:99999"}, ["127.0.0.1:99999"]),
        ({"docker_host": f"unix:///{'x' * 200}"}, ["unix:///xxx", "docker_host"]),
        ({"docker_host": "unix:///dev/null/x"}, ["/dev/null/x", "docker_host"]),
    ],
)
def test_impossible_options_are_refused(tmp_path: Path, asked: dict[str, Any], words: list[str]) -> None:
    host = asked.pop("docker_host", f"unix://{tmp_path}/none.sock")
    says(fails("image_info", host, **asked), *words)


def test_an_api_version_that_the_engine_does_not_speak_is_refused(engine: Engine) -> None:
    says(fails("container_run", engine.docker_host, api_version="1.99"), "1.99", "too new", "Leave api_version out")


def test_options_come_from_the_environment(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.docker_host)
    monkeypatch.setenv("DOCKER_TIMEOUT", "5")
    module = Module("image_info", "")
    assert module.ok(docker_host=None)["images"] is not None
    monkeypatch.setenv("DOCKER_TIMEOUT", "soon")
    says(module.fails(docker_host=None), "timeout", "'soon'")


@pytest.fixture
def secure(engine: Engine, certificate: Certificate) -> Iterator[str]:
    """The engine's address behind a port that speaks TLS."""
    with relay(engine.socket, ("127.0.0.1", 0), certificate.context()) as running:
        yield running.docker_host


def test_tls_checks_certificates_if_it_is_told_to(secure: str, certificate: Certificate) -> None:
    ca = str(certificate[0])
    Module("image_info", secure).ok(tls=True)
    Module("image_info", secure).ok(validate_certs=True, ca_path=ca, tls_hostname="engine.example")
    says(fails("image_info", secure, validate_certs=True, ca_path=ca), "TLS failed", "127.0.0.1", "tls_hostname")
    message = fails("image_info", secure, validate_certs=True, ca_path=ca, tls_hostname="other.example")
    says(message, "TLS failed", "other.example", "engine.example", "tls_hostname")
    says(fails("image_info", secure, validate_certs=True), "TLS failed", "CERTIFICATE_VERIFY_FAILED", "ca_path")
    says(fails("image_info", secure, tls=True, client_cert="/etc/hostname", client_key="/etc/hostname"), "client_cert")


def test_tls_fails_where_there_is_none(engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for _time in range(2):
                connection, _address = listening.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        host = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        says(fails("image_info", host, tls=True), host, "TLS failed")
        thread.join()


def test_without_tls_a_port_with_tls_is_no_engine(secure: str) -> None:
    says(fails("image_info", secure, timeout=2), secure, "Can't reach a Docker engine")


def test_the_docker_context_says_where_the_engine_is(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    module = Module("image_info", "")
    with contexts.configuration(engine) as place:
        monkeypatch.setenv("DOCKER_CONFIG", str(place))
        contexts.create(engine, place, "private", host=engine.docker_host)
        contexts.create(engine, place, "dead", host=f"unix://{place}/none.sock")
        contexts.cli(engine, place, "context", "use", "private")
        assert module.ok(docker_host=None)["images"] is not None
        monkeypatch.setenv("DOCKER_CONTEXT", "dead")
        says(module.fails(docker_host=None), f"{place}/none.sock", "Docker context 'dead'", "no such socket")
        monkeypatch.setenv("DOCKER_HOST", engine.docker_host)
        module.ok(docker_host=None)
        monkeypatch.delenv("DOCKER_HOST")
        module.ok(docker_host=engine.docker_host)
        monkeypatch.setenv("DOCKER_CONTEXT", "gone")
        says(module.fails(docker_host=None), "no Docker context 'gone'", "DOCKER_CONTEXT", str(place))
        monkeypatch.delenv("DOCKER_CONTEXT")
        (place / "config.json").write_text("{")
        monkeypatch.setattr(address, "DEFAULT_HOST", f"unix://{place}/default.sock")
        says(module.fails(docker_host=None), "default.sock", "no such socket", f"{place}/config.json", "is no JSON")
        monkeypatch.setattr(address, "DEFAULT_HOST", engine.docker_host)
        (warning,) = module.ok(docker_host=None)["warnings"]
        says(str(warning), f"{place}/config.json", "is no JSON", engine.docker_host)


def test_the_docker_context_says_how_to_use_tls(
    engine: Engine, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = map(str, certificate)
    module = Module("image_info", "")
    with contexts.configuration(engine) as place, contexts.listening(engine, 2376, certificate) as listens:
        monkeypatch.setenv("DOCKER_CONFIG", str(place))
        monkeypatch.setenv("DOCKER_TLS_HOSTNAME", "for.another.engine")
        host = f"tcp://{listens}:2376"
        contexts.create(engine, place, "checked", host=host, ca=cert, cert=cert, key=key)
        contexts.create(engine, place, "unchecked", host=host, **{"skip-tls-verify": "true"})
        monkeypatch.setenv("DOCKER_CONTEXT", "checked")
        module.ok(docker_host=None, tls_hostname="engine.example")
        says(module.fails(docker_host=None), "TLS failed", listens, "Docker context 'checked'")
        monkeypatch.setenv("DOCKER_CONTEXT", "unchecked")
        module.ok(docker_host=None)


def test_an_address_without_a_port_has_dockers(engine: Engine, certificate: Certificate) -> None:
    with contexts.listening(engine, 2375) as listens:
        Module("image_info", f"tcp://{listens}").ok()
        says(fails("image_info", f"tcp://{listens}", tls=True), f"tcp://{listens}:2376", "Nothing listens there")
    with contexts.listening(engine, 2376, certificate) as listens:
        Module("image_info", f"tcp://{listens}").ok(tls=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '{"proxies": []}',
        '{"auths": ["x"]}',
        '{"auths": {"elsewhere.example": "x"}}',
        '{"auths": {"elsewhere.example": {"auth": ""}}}',
        '{"auths": {"elsewhere.example": {"auth": "%%%"}}}',
        '{"auths": {"elsewhere.example": {"auth": ["x"]}}}',
        '{"HttpHeaders": ["x"]}',
        '{"HttpHeaders": {"X-Gantry": "1"}}',
    ],
)
def test_an_odd_configuration_matters_only_where_it_is_needed(
    engine: Engine, busybox: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(text)
    for name in ("image_info", "image_pull"):
        assert "warnings" not in Module(name, engine.docker_host).ok(name="busybox")


def test_headers_of_the_configuration_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text('{"HttpHeaders": {"X-Gantry": "1"}}')
    asked: list[bytes] = []
    with answering(tmp_path / "other.sock", b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", asked):
        Module("image_info", f"unix://{tmp_path}/other.sock").fails()
    assert b"X-Gantry: 1" in b"".join(asked)


@pytest.fixture
def stop(engine: Engine) -> Iterator[Callable[[], None]]:
    """Let the engine stand still until the test ends."""
    assert_private(engine.docker_host)
    pid = engine.daemon
    yield lambda: os.kill(pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGCONT)


def soon(module: Module, **asked: Any) -> str:
    """Return the error of a module whose engine is stopped amid its work."""
    begun = time.monotonic()
    message = module.fails(**asked, timeout=1)
    assert time.monotonic() - begun < 8  # the option promises a time
    says(message, "the engine sent nothing within the time of the option timeout", "Check that it is alive")
    return message


def test_an_engine_that_stops_before_a_pull_is_not_waited_for(
    between: Relay, clean: docker.DockerClient, stop: Callable[[], None]
) -> None:
    between.before("POST /images/create", stop)
    says(soon(Module("image_pull", between.docker_host), name="busybox"), "pull busybox:latest")


def test_an_engine_that_stops_amid_a_pull_is_not_waited_for(
    between: Relay, clean: docker.DockerClient, stop: Callable[[], None]
) -> None:
    between.amid_answer("POST /images/create", 1, stop)
    says(soon(Module("image_pull", between.docker_host), name="debian:12"), "pull debian:12")


def test_an_engine_that_stops_amid_a_commit_is_not_waited_for(
    engine: Engine, between: Relay, busybox: docker.DockerClient, stop: Callable[[], None]
) -> None:
    busybox.containers.run("busybox", ["tail", "-f", "/dev/null"], name="box", detach=True)
    between.before("POST /commit", stop)
    says(soon(Module("image_commit", between.docker_host), **ARGUMENTS["image_commit"]), "commit the container box")
    os.kill(engine.daemon, signal.SIGCONT)
    # The engine finishes its work. Wait for that before the next test.
    wait_for(lambda: len(busybox.api.images(all=True)) == 2, 10)


def test_an_engine_that_stops_amid_a_command_is_not_waited_for(
    between: Relay, busybox: docker.DockerClient, stop: Callable[[], None]
) -> None:
    busybox.containers.run("busybox", ["tail", "-f", "/dev/null"], name="box", detach=True)
    between.amid_answer("POST /exec/[^/]*/start", 0, stop)
    message = soon(Module("container_exec", between.docker_host), container="box", argv=["sleep", "3"])
    says(message, "run sleep in the container box")


def test_the_message_holds_no_secret(tmp_path: Path) -> None:
    message = fails("image_info", f"unix://{tmp_path}/none.sock")
    assert not re.search(r"(?i)traceback|0x[0-9a-f]{6,}|object at", message)


def test_an_address_may_have_a_path_as_behind_a_web_server(engine: Engine, busybox: docker.DockerClient) -> None:
    with relay(engine.socket, ("127.0.0.1", 0)) as server:
        server.rewrite(b" /engines/build/", b" /")
        host = f"{server.docker_host}/engines/build"
        assert Module("image_tag", host).ok(name="busybox", repository=["app:1"])["changed"]
        path = str(engine.files / "app.tar")
        assert Module("image_save", host).ok(name="app:1", path=path)["changed"]
        busybox.api.remove_image("app:1")
        assert Module("image_load", host).ok(path=path)["changed"]
        assert Module("container_run", host).ok(name="box", image="app:1", command=["sleep", "60"])["changed"]
        assert Module("container_exec", host).ok(container="box", argv=["echo", "here"])["stdout"] == "here"
        assert all(question.split()[1].startswith("/engines/build/") for question in server.questions)
        says(fails("image_info", f"{server.docker_host}/other"), f"{server.docker_host}/other")
