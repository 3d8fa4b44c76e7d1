# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private Docker engines: real ones, in namespaces of their own, gone without a trace afterwards."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import docker

from ansible_collections.gantry.docker.tests.engines.added import added, layers_of
from ansible_collections.gantry.docker.tests.engines.keeper import children
from ansible_collections.gantry.docker.tests.engines.places import RUN, STATE, locked, sweep
from ansible_collections.gantry.docker.tests.engines.roots import SUITES
from ansible_collections.gantry.docker.tests.support.programs import write_program
from ansible_collections.gantry.docker.tests.support.waiting import wait_for

STORES = ("classic", "containerd")
# Debian's own. 20.10's containerd store does not exist yet.
NAMES = tuple(
    f"{suite}-{store}" for suite in SUITES for store in STORES if (suite, store) != ("bookworm", "containerd")
)
DEFAULT_NAMES = ("sid-classic", "sid-containerd", "bookworm-classic")

# The writing ends of pipes to keepers: they close when this process ends, even if it is killed. (A parent's
# death signal would come too early: when the thread ends that started the engine.)
_leashes: dict[str, IO[bytes]] = {}
_PATIENCE = 60.0
_LABEL = "gantry.private="


class EngineFailed(Exception):
    """An engine didn't start; the message has what it said."""


class NotPrivate(Exception):
    """A destructive test was about to run against an engine that isn't ours."""


@dataclass(frozen=True)
class Engine:
    """A running private engine.

    name: suite and store, as names() has them. instance: its name among all that run on this machine.
    pid: the first process of its namespaces, as this machine sees it (for nsenter).
    """

    name: str
    instance: str
    pid: int

    @property
    def suite(self) -> str:
        """The Debian suite whose docker.io it is, or the name that its binaries were added under."""
        return self.name.partition("-")[0]

    @property
    def store(self) -> str:
        """Where images lie: classic or containerd."""
        return self.name.partition("-")[2]

    @property
    def socket(self) -> Path:
        """The engine's socket."""
        return RUN / self.instance / "docker.sock"

    @property
    def docker_host(self) -> str:
        """The socket, as DOCKER_HOST wants it."""
        return f"unix://{self.socket}"

    @property
    def files(self) -> Path:
        """A directory that the engine's own CLI sees under the same path as this machine; it goes with the engine."""
        return STATE / "engines" / self.instance / "files"

    @property
    def environment(self) -> dict[str, str]:
        """What tells a program which engine to use; with that engine's own CLI as docker on PATH."""
        return {
            "DOCKER_HOST": self.docker_host,
            "GANTRY_ENGINE": self.name,
            "GANTRY_STORE": self.store,
            "PATH": f"{RUN / self.instance / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }

    @property
    def daemon(self) -> int:
        """The process of its daemon, as this machine numbers it."""
        (found,) = (pid for pid in children(self.pid) if Path(f"/proc/{pid}/comm").read_text() == "dockerd\n")
        return found

    def client(self) -> docker.DockerClient:
        """A client of the engine, for asking the engine itself."""
        return docker.DockerClient(base_url=self.docker_host, timeout=120)

    @property
    def version(self) -> str:
        """The version that the engine reports."""
        with closing(self.client()) as client:
            return str(client.version()["Version"])

    @property
    def release(self) -> tuple[int, ...]:
        """The version as numbers: (28, 5, 2)."""
        digits = re.match(r"[0-9.]+", self.version)
        return tuple(int(part) for part in digits[0].split(".") if part) if digits else ()


def names() -> tuple[str, ...]:
    """Return the names of all engines that there are: Debian's, and those that were added."""
    return (*NAMES, *added())


def _check_name(name: str) -> None:
    if name not in names():
        raise EngineFailed(f"There is no engine '{name}'. Choose from {', '.join(names())}.")


def stores_of(name: str) -> list[str]:
    """Return the stores that an engine has whose binaries are being added; raise EngineFailed if none starts."""
    stores, problems = [], []
    for store in STORES:
        try:
            with _kept(f"{name}-{store}", None) as engine, closing(engine.client()) as client:
                # daemon/containerd/service.go, LayerStoreStatus
                containerd = ["driver-type", "io.containerd.snapshotter.v1"] in client.info()["DriverStatus"]
        except EngineFailed as problem:
            problems.append(str(problem))
            continue
        stores += [store] if containerd == (store == "containerd") else []
    if not stores:
        raise EngineFailed("\n".join(problems) or f"The engine {name} has no known store.")
    return stores


@contextmanager
def running(name: str, images: Path | None) -> Iterator[Engine]:
    """An engine that runs as long as the context, and dies with this process whatever happens to it.

    name: one of names(). images: the registry's content (images.content()), None for an empty registry.
    Raises EngineFailed, or CannotBuild if there is no root file system for it.
    """
    _check_name(name)
    with _kept(name, images) as engine:
        yield engine


@contextmanager
def _kept(name: str, images: Path | None) -> Iterator[Engine]:
    instance = f"{name}.{os.getpid()}"
    if (RUN / instance).exists():
        # A second one of its kind.
        instance += f".{secrets.token_hex(2)}"
    engine = _launch(name, instance, images, leash=True)
    try:
        yield engine
    finally:
        stop(engine.instance)


def start(name: str, images: Path | None) -> Engine:
    """An engine that runs until it is stopped by its name; the one that runs already, if there is one."""
    _check_name(name)
    return find(name) or _launch(name, name, images, leash=False)


def find(instance: str) -> Engine | None:
    """The running engine of that instance name."""
    found = _read(instance)
    if found is None or not _alive(found["keeper"]):
        return None
    return Engine(found["name"], instance, found["pid"])


def running_engines() -> tuple[Engine, ...]:
    """All private engines that run on this machine now."""
    instances = sorted(path.name for path in RUN.glob("*") if path.is_dir())
    return tuple(engine for engine in map(find, instances) if engine)


def stop(instance: str) -> None:
    """Stop an engine and remove all that it left; harmless if there is none."""
    found = _read(instance)
    if found and _alive(found["keeper"]):
        os.kill(found["keeper"], signal.SIGTERM)
        wait_for(lambda: not _alive(found["keeper"]), 30)
    if leash := _leashes.pop(instance, None):
        leash.close()
    sweep(instance)


def sweep_left_overs() -> None:
    """Remove what engines have left whose keeper was killed."""
    known = {path.name for place in (RUN, STATE / "engines") for path in place.glob("*") if path.is_dir()}
    for instance in known:
        found = _read(instance)
        if found is None or not _alive(found["keeper"]):
            sweep(instance)


def assert_private(docker_host: str) -> None:
    """Raise NotPrivate unless the engine at that address is one of ours.

    The address alone is no proof, so the engine itself must show the token it was started with.
    """
    socket = Path(docker_host.removeprefix("unix://"))
    token = socket.parent / "token"
    if not docker_host.startswith(f"unix://{RUN}/") or not token.is_file():
        raise NotPrivate(
            f"{docker_host or 'The default engine'} is no private engine. Destructive tests run only on those."
        )
    with closing(docker.DockerClient(base_url=docker_host)) as client:
        labels = client.info()["Labels"]
    if _LABEL + token.read_text() not in labels:
        raise NotPrivate(f"The engine at {docker_host} isn't the one that was started there.")


def _launch(name: str, instance: str, images: Path | None, leash: bool) -> Engine:
    layers = layers_of(name.partition("-")[0])
    with locked(STATE / "engines" / "sweep.lock"):
        sweep_left_overs()
        run, data = RUN / instance, STATE / "engines" / instance
        run.mkdir(parents=True)
        data.mkdir(parents=True)
        token = run / "token"
        token.touch(mode=0o600)
        token.write_text(secrets.token_hex(16))
        job = {
            "name": name,
            "ROOT": layers,
            "DATA": str(data),
            "RUN": str(run),
            "IMAGES": str(images or ""),
            "INSTANCE": instance,
            "TOKEN": token.read_text(),
            "STORE": name.partition("-")[2],
            "leash": "yes" if leash else "",
        }
        keeper = _start_keeper(job, leash)
        # Until the keeper has written its file, a sweep would take the engine for one whose keeper was killed.
        wait_for(lambda: _read(instance) or keeper.poll() is not None, _PATIENCE)
    try:
        wait_for(lambda: _answers(instance) or keeper.poll() is not None, _PATIENCE)
        engine = find(instance)
        if engine is None or not _answers(instance):
            raise EngineFailed(f"The engine {instance} didn't start:\n{_last_words(instance)}")
        _offer_cli(engine)
    except BaseException:
        keeper.terminate()
        stop(instance)
        raise
    return engine


def _offer_cli(engine: Engine) -> None:
    """Put a command docker into the engine's directory: the CLI of its root file system, run in there.

    An added one comes before the distribution's.
    """
    command = RUN / engine.instance / "bin" / "docker"
    command.parent.mkdir()
    inside = f"nsenter --target {engine.pid} --mount -- env PATH=/usr/local/bin:/usr/bin:/bin"
    write_program(command, f'exec {inside} docker "$@"')


def _start_keeper(job: dict[str, str], leash: bool) -> subprocess.Popen[bytes]:
    run = Path(job["RUN"])
    with (run / "keeper.log").open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.keeper", json.dumps(job)],
            stdin=subprocess.PIPE if leash else subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    if keeper.stdin:
        _leashes[job["INSTANCE"]] = keeper.stdin
    return keeper


def _answers(instance: str) -> bool:
    found = _read(instance)
    if found is None or not found["pid"] or not (RUN / instance / "docker.sock").exists():
        return False
    client = docker.DockerClient(base_url=f"unix://{RUN / instance / 'docker.sock'}", version="1.41", timeout=5)
    try:
        return bool(client.ping())
    except Exception:
        return False
    finally:
        client.close()


def _read(instance: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads((RUN / instance / "engine.json").read_text())
        return found
    except (OSError, ValueError):
        return None


def _alive(keeper: int) -> bool:
    """Whether the process is a keeper and lives; process Ids are used again."""
    try:
        words = Path(f"/proc/{keeper}/cmdline").read_bytes().split(b"\0")
        state = Path(f"/proc/{keeper}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state != "Z" and f"{__package__}.keeper".encode() in words


def _last_words(instance: str) -> str:
    logs = (RUN / instance / name for name in ("keeper.log", "dockerd.log"))
    return "\n".join(
        line for log in logs if log.exists() for line in log.read_text(errors="replace").splitlines()[-12:]
    )
