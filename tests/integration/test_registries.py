# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_pull and image_push with registries as in practice: with TLS and users, overloaded, broken, dying."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.engines.front import Trouble, front
from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.registries import Registry
from ansible_collections.gantry.docker.tests.integration.scenes import state
from ansible_collections.gantry.docker.tests.support.programs import write_program
from ansible_collections.gantry.docker.tests.support.relay import Relay

OPEN = "127.0.0.1:5001"
# The registry with TLS and users (tests/engines/inside). It has what the open one has.
SECURE = "192.0.2.1:5002"
WRONG = "".join(["hush"] * 2)
USERS = {"one": "first", "two": "second"}
NAME = f"{SECURE}/private:1"


def login(registry: str = SECURE, user: str = "one", password: str | None = None) -> dict[str, str]:
    """Return an entry of credentials."""
    return {"registry": registry, "username": user, "password": password or USERS[user]}


def auth(user: str, password: str) -> str:
    """Return user and password in the form in which docker login stores them and registries get them."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


Configure = Callable[[dict[str, Any]], Path]


@pytest.fixture(autouse=True)
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """A function that writes the user's Docker configuration; there is none without."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

    def write(config: dict[str, Any]) -> Path:
        path = tmp_path / "config.json"
        path.write_text(json.dumps(config))
        return path

    return write


@pytest.fixture
def pull(modules: Callable[[str], Module]) -> Module:
    """The module image_pull."""
    return modules("image_pull")


@pytest.fixture
def push(modules: Callable[[str], Module]) -> Module:
    """The module image_push."""
    return modules("image_push")


@pytest.fixture
def private(engine: Engine, busybox: docker.DockerClient) -> Iterator[docker.DockerClient]:
    """The engine with busybox, also tagged for the registry with users, which is empty."""
    Registry(engine, OPEN).empty()
    busybox.api.tag("busybox", f"{SECURE}/private", "1")
    yield busybox


def test_a_given_login_is_used(push: Module, pull: Module, private: docker.DockerClient) -> None:
    done = push.converges(name=NAME, credentials=[login()])
    private.api.remove_image(NAME)
    private.api.remove_image("busybox")
    done = pull.converges(name=NAME, credentials=[login(user="two")])
    assert done["diff"]["after"][NAME] in done["image"]["RepoDigests"][0]
    pull.unchanged(name=NAME)


def test_a_stored_login_is_used(push: Module, pull: Module, private: docker.DockerClient, configure: Configure) -> None:
    configure({"auths": {f"https://{SECURE}/v2/": {"auth": auth("one", "first")}}})
    push.converges(name=NAME)
    pull.unchanged(name=NAME, policy="newer")
    path = configure({}).rename(Path(configure({})).with_name("other.json"))
    path.write_text(json.dumps({"auths": {SECURE: {"auth": auth("two", "second")}}}))
    assert "Log in" in pull.fails(name=NAME, policy="newer")
    pull.unchanged(name=NAME, policy="newer", config_path=str(path))


HELPER = """
read server
echo "$1 $server" >> "$DOCKER_CONFIG/asked"
[ "$server" = 192.0.2.1:5002 ] || { echo credentials not found in native keychain; exit 1; }
echo '{"ServerURL": "192.0.2.1:5002", "Username": "two", "Secret": "second"}'
"""


def test_a_helpers_login_is_used(
    push: Module,
    private: docker.DockerClient,
    configure: Configure,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_program(tmp_path / "docker-credential-gantrytest", HELPER)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    configure({"credsStore": "gantrytest"})
    private.api.tag("busybox", f"{OPEN}/open", "1")
    push.converges(names=[NAME, f"{OPEN}/open:1"])
    assert set((tmp_path / "asked").read_text().splitlines()) == {f"get {SECURE}", f"get {OPEN}"}
    configure({"credHelpers": {SECURE: "gantrynone"}})
    message = push.fails(name=NAME)
    assert f"docker-credential-gantrynone, which {tmp_path}/config.json names for {SECURE}, can't be run" in message
    assert "Log in" in message


@pytest.mark.parametrize("script", ["", "echo the vault is locked; exit 1"])
def test_a_helper_that_fails_keeps_nobody_from_public_images(
    modules: Callable[[str], Module],
    private: docker.DockerClient,
    configure: Configure,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
) -> None:
    if script:
        write_program(tmp_path / "docker-credential-gantrytest", script)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    configure({"credsStore": "gantrytest"})
    private.api.tag("busybox", f"{OPEN}/open", "1")
    asked: dict[str, dict[str, Any]] = {
        "image_push": {"name": f"{OPEN}/open:1"},
        "image_pull": {"name": f"{OPEN}/open:1", "policy": "newer"},
        "container_run": {"name": "box", "image": f"{OPEN}/open:1", "pull": "always", "command": "true"},
    }
    for name, arguments in asked.items():
        for check in (True, False):
            done = modules(name).ok(check=check, **arguments)
            (warning,) = done["warnings"]
            assert f"docker-credential-gantrytest, which {tmp_path}/config.json names for {OPEN}," in str(warning)
            assert ("the vault is locked" if script else "can't be run") in str(warning)
    private.containers.get("box").remove(force=True)
    for name, arguments in asked.items():
        message = modules(name).fails(**{**arguments, "image" if name == "container_run" else "name": NAME})
        assert "docker-credential-gantrytest" in message and "Log in" in message


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_configuration_is_none(
    pull: Module, clean: docker.DockerClient, configure: Configure, text: str
) -> None:
    configure({}).write_text(text)
    assert "warnings" not in pull.ok(name="busybox")


def test_a_stored_login_may_have_white_space(push: Module, private: docker.DockerClient, configure: Configure) -> None:
    stored = auth("one", "first")
    configure({"auths": {SECURE: {"auth": f"{stored[:6]}\n{stored[6:]}\n"}}})
    push.converges(name=NAME)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("given", [[], [login(password=WRONG)], [login(user="nobody", password=WRONG)]])
def test_a_wrong_login_is_tried_once(
    between: Relay, private: docker.DockerClient, check: bool, given: list[dict[str, str]]
) -> None:
    for module, more in (("image_push", {}), ("image_pull", {"policy": "newer"})):
        between.questions.clear()
        result = Module(module, between.docker_host)(check=check, name=NAME, credentials=given, **more)
        assert result["failed"] and not result["changed"]
        assert all(word in result["msg"] for word in (SECURE, NAME, "docker login", "credentials")), result["msg"]
        assert WRONG not in json.dumps(result)
        asked = [question for question in between.questions if "/distribution/" in question or "/push" in question]
        assert len(asked) == 1, "a wrong password is tried once"


def test_a_login_is_shown_to_its_registry_only(
    pull: Module, push: Module, engine: Engine, private: docker.DockerClient, configure: Configure
) -> None:
    with front(engine, 5103, OPEN) as first, front(engine, 5104, OPEN) as second, front(engine, 5105, OPEN) as third:
        # All three lead to the same registry. It accepts several pushes at once only for different repositories.
        names = [f"{first.address}/mine:1", f"{second.address}/yours:1", f"{third.address}/theirs:1"]
        for name in names:
            private.api.tag("busybox", name)
        first.wants = second.wants = True
        configure({"auths": {second.address: {"auth": auth("two", "second")}, SECURE: {"auth": auth("two", "hush")}}})
        given = [login(first.address), login(SECURE)]
        assert push.ok(names=names, credentials=given)["changed"]
        pull.ok(names=names, credentials=given, policy="always")
        shown = [{asked.authorization for asked in registry.asked} - {None} for registry in (first, second, third)]
    assert shown == [{f"Basic {auth('one', 'first')}"}, {f"Basic {auth('two', 'second')}"}, set()]


def test_a_certificate_that_nobody_vouches_for_is_explained(
    pull: Module, engine: Engine, clean: docker.DockerClient
) -> None:
    place = "/etc/docker/certs.d"
    inside = ["nsenter", f"--target={engine.pid}", "--mount", "mv"]
    subprocess.run([*inside, f"{place}/{SECURE}", f"{place}/elsewhere"], check=True)
    try:
        message = pull.fails(name=NAME, credentials=[login()])
    finally:
        subprocess.run([*inside, f"{place}/elsewhere", f"{place}/{SECURE}"], check=True)
    assert SECURE in message and "certs.d" in message


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("part", ["", "/manifests/"])
def test_an_overloaded_registry_is_asked_again(
    pull: Module, engine: Engine, clean: docker.DockerClient, status: int, part: str
) -> None:
    with front(engine, 5106, "127.0.0.1:5000") as registry:
        name = f"{registry.address}/library/busybox"
        # An engine tries some requests again itself: more of them than it does.
        registry.troubles = [Trouble(status=status, times=8, part=part, headers={"Retry-After": "1"})]
        begun = time.monotonic()
        done = pull.ok(name=name)
        assert done["changed"] and time.monotonic() - begun >= 0.5
        assert registry.troubles[0].times == 0
    assert clean.images.get(name)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("status", [429, 503])
def test_a_registry_that_stays_overloaded_is_named(
    pull: Module, engine: Engine, clean: docker.DockerClient, status: int, check: bool
) -> None:
    with front(engine, 5107, "127.0.0.1:5000") as registry:
        registry.troubles = [Trouble(status=status, times=1000)]
        names = [f"{registry.address}/library/busybox", "busybox"]
        result = pull(check=check, names=names, retry_for=2)
    assert names[0] in result["msg"] and "It was tried 3 times in 2 seconds." in result["msg"], result["msg"]
    assert result["actions"] == ["Pulled image busybox:latest"]
    assert len(clean.images.list()) == (0 if check else 1)


def test_a_pull_survives_a_broken_connection(pull: Module, engine: Engine, clean: docker.DockerClient) -> None:
    with front(engine, 5108, "127.0.0.1:5000") as registry:
        registry.troubles = [Trouble(part="/blobs/", after=100_000, times=1)]
        pull.converges(name=f"{registry.address}/library/busybox")


@pytest.fixture
def moved(private: docker.DockerClient) -> None:
    """Let a tag of the open registry mean an image with a layer of a megabyte, which isn't here."""
    name = f"{OPEN}/moved:1"
    command = ["dd", "if=/dev/urandom", "of=/noise", "bs=1k", "count=1k"]
    container = private.containers.create("busybox", command)
    container.start()
    container.wait()
    container.commit(*name.rsplit(":", 1))
    container.remove()
    assert "error" not in private.images.push(name)
    private.api.remove_image(name)


@pytest.mark.usefixtures("moved")
def test_a_registry_that_dies_leaves_the_tag_as_it_was(
    engine: Engine, between: Relay, private: docker.DockerClient
) -> None:
    pull = Module("image_pull", between.docker_host)
    with front(engine, 5111, OPEN) as registry:
        name = f"{registry.address}/moved:1"
        private.api.tag("busybox", name)
        other = f"{OPEN}/other:1"
        private.api.tag("busybox", other)
        assert "error" not in private.images.push(other)
        private.api.remove_image(other)
        former = state(private)
        registry.troubles = [Trouble(part="/blobs/", after=500_000, times=99, then=registry.stop)]
        result = pull(names=[name, other], policy="newer", retry_for=1)
        pulls = [question for question in between.questions if question.startswith("POST /images/create")]
        assert sum("moved" in question for question in pulls) <= 2, "it is tried for a second, and no longer"
    assert f"Can't pull {name}" in result["msg"] and other not in result["msg"]
    assert result["actions"] == [f"Pulled image {other}"]
    assert "diff" not in result
    private.api.remove_image(other)
    assert state(private) == former, "the tag means what it meant, and nothing is left of the attempt"
    message = pull.fails(check=True, name=name, policy="newer")
    assert f"registry {registry.address} for {name}" in message and "connection refused" in message


def test_a_registry_that_hangs_up_is_asked_again(pull: Module, engine: Engine, clean: docker.DockerClient) -> None:
    with front(engine, 5109, "127.0.0.1:5000") as registry:
        registry.troubles = [Trouble(times=2)]
        assert pull.ok(name=f"{registry.address}/library/busybox")["changed"]


def test_a_push_survives_an_overloaded_registry(push: Module, engine: Engine, private: docker.DockerClient) -> None:
    with front(engine, 5110, OPEN) as registry:
        name = f"{registry.address}/tools:1"
        private.api.tag("busybox", name)
        registry.troubles = [Trouble(status=503, times=1, part="/blobs/uploads"), Trouble(status=429, times=1)]
        assert push.ok(name=name)["changed"]
        push.unchanged(name=name)
