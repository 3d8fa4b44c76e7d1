# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real engines for the tests, and modules that run as in Ansible, without its start-up time."""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

import docker
import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gantry.docker.tests.engines import engine as engines
from ansible_collections.gantry.docker.tests.engines.images import content
from ansible_collections.gantry.docker.tests.integration.scenes import forget_broken_transfers
from ansible_collections.gantry.docker.tests.support.arguments import patch_module_args
from ansible_collections.gantry.docker.tests.support.certificates import Certificate, certificate_for
from ansible_collections.gantry.docker.tests.support.relay import Relay, relay

MODULES = "ansible_collections.gantry.docker.plugins.modules"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engines", default=",".join(engines.DEFAULT_NAMES), help="the names of the engines")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "one_engine: the test doesn't depend on the engine, so it runs on the first one only"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        names = metafunc.config.getoption("--engines").split(",")
        one = metafunc.definition.get_closest_marker("one_engine")
        metafunc.parametrize("engine", names[:1] if one else names, indirect=True, scope="session")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in its own
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all tests of an engine before those of the next, so that a process has one engine at a time.

    If several processes share the work, each takes half of an engine's test files.
    """
    order: dict[str, int] = {}
    halves: dict[str, dict[Path, int]] = {}

    def engine_of(item: pytest.Item) -> str:
        return str(item.callspec.params.get("engine", "")) if hasattr(item, "callspec") else ""

    for item in items:
        files = halves.setdefault(engine_of(item), {})
        half = files.setdefault(item.path, len(files)) % 2
        item.add_marker(pytest.mark.xdist_group(f"{engine_of(item)}/{half}"))
    items.sort(key=lambda item: order.setdefault(engine_of(item), len(order)))


@pytest.fixture(scope="session")
def no_configuration(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A directory without a Docker configuration."""
    return str(tmp_path_factory.mktemp("docker-config"))


@pytest.fixture(autouse=True)
def _not_the_users_configuration(no_configuration: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the user's configuration of the CLI, such as a context, from the tests."""
    monkeypatch.setenv("DOCKER_CONFIG", no_configuration)
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)


@pytest.fixture
def no_environment(no_configuration: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide all settings of an engine in this process's environment from a test."""
    for variable in [name for name in os.environ if name.startswith("DOCKER_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("DOCKER_CONFIG", no_configuration)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for engine.example."""
    return certificate_for("engine.example", tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[engines.Engine]:
    """A private engine; a test with it runs once for each chosen engine."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with engines.running(request.param, content()) as running:
        with capture.global_and_fixture_disabled():
            print(f"\n{running.name}: Docker {running.version}", file=sys.stderr)
        yield running


@pytest.fixture(scope="session")
def client(engine: engines.Engine) -> Iterator[docker.DockerClient]:
    """A client of the engine, which is a private one."""
    engines.assert_private(engine.docker_host)
    client = engine.client()
    yield client
    client.close()


@pytest.fixture
def between(engine: engines.Engine) -> Iterator[Relay]:
    """A relay before the engine."""
    with relay(engine.socket, engine.socket.with_name("between.sock")) as running:
        yield running


@pytest.fixture
def clean(engine: engines.Engine, client: docker.DockerClient) -> Iterator[docker.DockerClient]:
    """The engine without containers and images, before and after the test."""
    wipe(client)
    forget_broken_transfers(engine)
    yield client
    wipe(client)


@pytest.fixture
def busybox(clean: docker.DockerClient) -> docker.DockerClient:
    """The engine with busybox:latest and nothing else."""
    # A containerd store that is still cleaning up may remove a part of an image that is pulled meanwhile.
    for _attempt in range(5):
        progress = list(clean.api.pull("busybox", "latest", stream=True, decode=True))
        if "error" not in progress[-1]:
            with suppress(docker.errors.ImageNotFound):
                clean.images.get("busybox")
                return clean
        time.sleep(0.2)
    raise AssertionError(f"The engine can't pull busybox: {progress[-1]}")


def wipe(client: docker.DockerClient) -> None:
    """Remove all containers and all images."""
    for container in client.containers.list(all=True):
        container.remove(force=True, v=True)
    for _round in range(5):
        rows = client.api.images(all=True)
        for row in rows:
            names = [name for name in row.get("RepoTags") or [] if name != "<none>:<none>"] or [row["Id"]]
            for name in names:
                try:
                    client.api.remove_image(name, force=True)
                except docker.errors.APIError:
                    continue
        if not rows:
            return
    raise AssertionError(f"The engine can't be wiped: {client.api.images(all=True)}")


def says(message: str, *words: str) -> None:
    """Expect words in a message."""
    assert all(word in message for word in words), message


class Module:
    """A module that runs in this process, on one engine."""

    def __init__(self, name: str, docker_host: str) -> None:
        self._module = importlib.import_module(f"{MODULES}.{name}")
        self._docker_host = docker_host

    def __call__(self, check: bool = False, **params: Any) -> dict[str, Any]:
        """Run the module; return its result as Ansible would get it, also after a failure."""
        arguments = {"docker_host": self._docker_host, **params, "_ansible_check_mode": check, "_ansible_diff": True}
        output, warnings = io.StringIO(), list[str]()
        with pytest.MonkeyPatch.context() as patching, patch_module_args(arguments), redirect_stdout(output):
            # In a process that has also imported Ansible's controller, warnings are shown and not returned.
            patching.setattr(AnsibleModule, "warn", lambda _module, text: warnings.append(text))
            with pytest.raises(SystemExit) as ended:
                self._module.main()
        result: dict[str, Any] = {**json.loads(output.getvalue()), **({"warnings": warnings} if warnings else {})}
        failed = bool(result.get("failed"))
        assert (ended.value.code != 0) == failed
        return result

    def ok(self, check: bool = False, **params: Any) -> dict[str, Any]:
        """Run the module and expect success; return its result."""
        result = self(check, **params)
        assert not result.get("failed"), result.get("msg")
        return result

    def fails(self, check: bool = False, **params: Any) -> str:
        """Run the module and expect a failure with one clear message; return the message."""
        result = self(check, **params)
        assert result.get("failed"), result
        assert "Traceback" not in json.dumps(result)
        assert "\n" not in result["msg"].strip()
        return str(result["msg"])

    def converges(self, **params: Any) -> dict[str, Any]:
        """Run the module in check mode, for real, and both again, and compare; return the result of the real run."""
        foreseen = self.ok(check=True, **params)
        assert foreseen["changed"] and foreseen["actions"], foreseen
        again = self.ok(check=True, **params)
        assert again["actions"] == foreseen["actions"], "a check run changed something"
        done = self.ok(**params)
        assert done["changed"], done
        assert done["actions"] == foreseen["actions"]
        assert done["diff"] == foreseen["diff"]
        assert done["diff"]["before"] != done["diff"]["after"]
        self.unchanged(**params)
        return done

    def unchanged(self, **params: Any) -> dict[str, Any]:
        """Run the module in check mode and for real, and expect no change; return the result of the real run."""
        for check in (True, False):
            result = self.ok(check=check, **params)
            assert not result["changed"], result
            assert result["actions"] == []
            assert result["diff"]["before"] == result["diff"]["after"]
        return result


@pytest.fixture
def module(request: pytest.FixtureRequest, engine: engines.Engine) -> Module:
    """The module in the test file's name: test_image_pull.py tests image_pull."""
    return Module(request.path.stem.removeprefix("test_"), engine.docker_host)


@pytest.fixture
def modules(engine: engines.Engine) -> Callable[[str], Module]:
    """A function that returns a module by its name."""
    return lambda name: Module(name, engine.docker_host)
