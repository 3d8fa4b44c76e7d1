# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private Docker engines: real engines in namespaces of their own, which leave nothing behind."""

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
# Debian's engines. 20.10 has no containerd store.
NAMES = tuple(
    f"{suite}-{store}" for suite in SUITES for store in STORES if (suite, store) != ("bookworm", "containerd")
)
DEFAULT_NAMES = ("sid-classic", "sid-containerd", "bookworm-classic")

# The writing ends of pipes to keepers. They close when this process ends, even if it is killed. (A parent's death
# signal would come too early: at the end of the thread that started the engine.)
_leashes: dict[str, IO[bytes]] = {}
_PATIENCE = 60.0
_LABEL = "gantry.private="


class EngineFailed(Exception):
    """An engine didn't start; the message has the end of its log."""


class NotPrivate(Exception):
    """A destructive test was about to run on an engine that isn't private."""


@dataclass(frozen=True)
class Engine:
    """A running private engine.

    name: suite and store, one of names(). instance: its name among the running engines of this machine.
    pid: the first process of its namespaces, as this machine numbers it (for nsenter).
    """

    name: str
    instance: str
    pid: int

    @property
    def suite(self) -> str:
        """The Debian suite of its docker.io package, or the name of its added binaries."""
        return self.name.partition("-")[0]

    @property
    def store(self) -> str:
        """The kind of its store: classic or containerd."""
        return self.name.partition("-")[2]

    @property
    def socket(self) -> Path:
        """The engine's socket."""
        return RUN / self.instance / "docker.sock"

    @property
    def docker_host(self) -> str:
        """The socket in the form of DOCKER_HOST."""
        return f"unix://{self.socket}"

    @property
    def files(self) -> Path:
        """A directory that has the same path for the engine's own CLI; it is removed with the engine."""
        return STATE / "engines" / self.instance / "files"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of programs that use this engine; docker on PATH is the engine's own CLI."""
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
        """Return a client of the engine."""
        return docker.DockerClient(base_url=self.docker_host, timeout=120)

    @property
    def version(self) -> str:
        """The version that the engine reports."""
        with closing(self.client()) as client:
            return str(client.version()["Version"])

    @property
    def release(self) -> tuple[int, ...]:
        """The version as numbers, as (28, 5, 2)."""
        digits = re.match(r"[0-9.]+", self.version)
        return tuple(int(part) for part in digits[0].split(".") if part) if digits else ()


def names() -> tuple[str, ...]:
    """Return the names of all engines: Debian's, and the added ones."""
    return (*NAMES, *added())


def _check_name(name: str) -> None:
    if name not in names():
        raise EngineFailed(f"There is no engine '{name}'. Choose from {', '.join(names())}.")


def stores_of(name: str) -> list[str]:
    """Return the working stores of an engine that is being added; raise EngineFailed if it starts with none."""
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
def running(name: str, images: Path | None, disk: str = "") -> Iterator[Engine]:
    """Run an engine in a context; it ends with this process, whatever ends that.

    name: one of names(). images: the registry's content (images.content()); None for an empty registry.
    disk: the size of a disk of its own for the engine's data, in mount's words; "" for none.
    Raise EngineFailed, or CannotBuild if its root file system can't be built.
    """
    _check_name(name)
    with _kept(name, images, disk) as engine:
        yield engine


@contextmanager
def _kept(name: str, images: Path | None, disk: str = "") -> Iterator[Engine]:
    instance = f"{name}.{os.getpid()}"
    if (RUN / instance).exists():
        # A second one of its kind.
        instance += f".{secrets.token_hex(2)}"
    engine = _launch(name, instance, images, leash=True, disk=disk)
    try:
        yield engine
    finally:
        stop(engine.instance)


def start(name: str, images: Path | None) -> Engine:
    """Start an engine that runs until it is stopped by its name; return it, also if it runs already."""
    _check_name(name)
    return find(name) or _launch(name, name, images, leash=False)


def find(instance: str) -> Engine | None:
    """Return the running engine of an instance name; None if there is none."""
    found = _read(instance)
    if found is None or not _alive(found["keeper"]):
        return None
    return Engine(found["name"], instance, found["pid"])


def running_engines() -> tuple[Engine, ...]:
    """Return all private engines that run on this machine."""
    instances = sorted(path.name for path in RUN.glob("*") if path.is_dir())
    return tuple(engine for engine in map(find, instances) if engine)


def stop(instance: str) -> None:
    """Stop an engine, if it runs, and remove its leftovers."""
    found = _read(instance)
    if found and _alive(found["keeper"]):
        os.kill(found["keeper"], signal.SIGTERM)
        wait_for(lambda: not _alive(found["keeper"]), 30)
    if leash := _leashes.pop(instance, None):
        leash.close()
    sweep(instance)


def sweep_left_overs() -> None:
    """Remove the leftovers of engines whose keeper was killed."""
    known = {path.name for place in (RUN, STATE / "engines") for path in place.glob("*") if path.is_dir()}
    for instance in known:
        found = _read(instance)
        if found is None or not _alive(found["keeper"]):
            sweep(instance)


def assert_private(docker_host: str) -> None:
    """Raise NotPrivate unless the engine at an address is a private one.

    The address alone is no proof: the engine must report the token that it was started with.
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


def _launch(name: str, instance: str, images: Path | None, leash: bool, disk: str = "") -> Engine:
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
            "DISK": disk,
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
    """Write the command docker, which runs the CLI of the engine's root file system.

    An added CLI comes before the distribution's.
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
    """Return whether a process is a keeper and runs; process Ids are used again."""
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
