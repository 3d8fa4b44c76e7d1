# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The private engines: no kind of end leaves anything behind, and no other engine is taken for one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gantry.docker.tests.engines import engine as engines
from ansible_collections.gantry.docker.tests.engines.keeper import children
from ansible_collections.gantry.docker.tests.engines.places import RUN, STATE, locked
from ansible_collections.gantry.docker.tests.engines.roots import root_of
from ansible_collections.gantry.docker.tests.support.waiting import wait_for

pytestmark = pytest.mark.one_engine
_SLEEPS = ["sh", "-c", "echo runs; exec sleep 600"]
COMMAND = [sys.executable, "-m", "ansible_collections.gantry.docker.tests.engines"]


def places(instance: str) -> list[Path]:
    """Return the places where a running engine keeps its files."""
    groups = Path("/sys/fs/cgroup").glob(f"**/gantry-docker-{instance}")
    return [place for place in (RUN / instance, STATE / "engines" / instance, *groups) if place.exists()]


def mounts() -> str:
    """Return the mounts of private engines on this machine."""
    return "\n".join(line for line in Path("/proc/mounts").read_text().splitlines() if "gantry" in line)


def parent(pid: int) -> int:
    """Return the parent of a process."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


class Run:
    """The command `engines run`, with a command that sleeps."""

    def __init__(self, name: str) -> None:
        # A session of its own can be sent Ctrl-C as a terminal would; a shell's background jobs don't mind it.
        self.process = subprocess.Popen(
            ["env", "--default-signal=INT", *COMMAND, "run", "--engine", name, "--", *_SLEEPS],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.instance = f"{name}.{self.process.pid}"
        assert self.process.stdout and self.process.stdout.readline() == "runs\n"

    @property
    def engine(self) -> engines.Engine:
        """The engine of the command."""
        found = engines.find(self.instance)
        assert found
        return found

    def is_gone(self, pid: int) -> bool:
        """Return whether the engine's first process, and so all others, has ended and left nothing."""
        return not Path(f"/proc/{pid}").exists() and not places(self.instance)


@pytest.fixture
def run(engine: engines.Engine) -> Iterator[Run]:
    running = Run(engine.name)
    yield running
    if running.process.poll() is None:
        os.killpg(running.process.pid, signal.SIGKILL)
    running.process.wait()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_engine_goes_with_its_run(run: Run, end: signal.Signals) -> None:
    pid, mounted = run.engine.pid, mounts()
    send = os.killpg if end == signal.SIGINT else os.kill  # a terminal sends Ctrl-C to all
    send(run.process.pid, end)
    assert run.process.wait(30) != 0
    assert wait_for(lambda: run.is_gone(pid))
    assert mounts() == mounted


def test_what_a_killed_keeper_left_is_swept(run: Run) -> None:
    pid = run.engine.pid
    os.kill(parent(parent(pid)), signal.SIGKILL)  # unshare stands between
    assert wait_for(lambda: not Path(f"/proc/{pid}").exists())
    assert places(run.instance)
    with locked(STATE / "engines" / "sweep.lock"):
        engines.sweep_left_overs()
    assert wait_for(lambda: not places(run.instance))


def test_its_own_cli_is_on_path(engine: engines.Engine) -> None:
    said = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}} {{.Client.Version}}"],
        env={**os.environ, **engine.environment},
        capture_output=True,
        text=True,
        check=True,
    )
    server, client = said.stdout.split()
    assert server == engine.version
    assert client.partition("+")[0] == server.partition("+")[0]


@pytest.mark.parametrize(
    "address", ["", "unix:///var/run/docker.sock", "tcp://127.0.0.1:2375", f"unix://{RUN}/x/y.sock"]
)
def test_no_other_engine_is_private(address: str) -> None:
    with pytest.raises(engines.NotPrivate):
        engines.assert_private(address)


def test_an_engine_that_shows_another_token_is_not_private(engine: engines.Engine) -> None:
    pretender = RUN / f"pretender.{os.getpid()}"
    pretender.mkdir()
    (pretender / "docker.sock").symlink_to(engine.socket)
    (pretender / "token").write_text("0" * 32)
    try:
        with pytest.raises(engines.NotPrivate, match="isn't the one"):
            engines.assert_private(f"unix://{pretender}/docker.sock")
    finally:
        shutil.rmtree(pretender, ignore_errors=True)


def test_the_guard_refuses_other_engines_on_the_command_line(engine: engines.Engine) -> None:
    def guard(host: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "DOCKER_HOST": host}
        return subprocess.run([*COMMAND, "guard"], env=environment, capture_output=True, text=True, check=False)

    assert guard(engine.docker_host).returncode == 0
    refused = guard("unix:///var/run/docker.sock")
    assert refused.returncode == 1
    assert "is no private engine" in refused.stderr and "Traceback" not in refused.stderr


def test_only_engines_that_exist_can_be_chosen(engine: engines.Engine) -> None:
    def choose(names: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*COMMAND, "choose", names], capture_output=True, text=True, check=False)

    assert choose(engine.name).stdout == f"{engine.name}\n"
    unknown = choose(f"{engine.name},newest")
    assert unknown.returncode == 1 and "no engine 'newest'" in unknown.stderr and "sid-containerd" in unknown.stderr


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The programs of an engine in an archive, in the form of Docker's static releases."""
    programs = ("containerd", "containerd-shim-runc-v2", "dockerd", "docker", "runc")
    path = tmp_path / "docker.tgz"
    with tarfile.open(path, "w") as tar:
        for program in programs:
            tar.add(next(root_of("sid").glob(f"usr/*bin/{program}")), f"docker/{program}")
    return path


def add(name: str, source: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, "add", name, source], capture_output=True, text=True, check=False)


@pytest.fixture
def name() -> Iterator[str]:
    """A name for binaries that no other test has."""
    name = f"t{os.getpid()}"
    yield name
    shutil.rmtree(STATE / "added" / name, ignore_errors=True)


@pytest.mark.parametrize("unpacked", [False, True])
def test_an_engine_of_binaries_has_both_stores(release: Path, name: str, unpacked: bool, tmp_path: Path) -> None:
    if unpacked:
        with tarfile.open(release) as tar:
            tar.extractall(tmp_path, filter="data")
    done = add(name, tmp_path / "docker" if unpacked else release)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [words[0] for words in lines] == [f"{name}-classic", f"{name}-containerd"]
    with engines.running(f"{name}-containerd", None) as engine:
        assert engine.store == "containerd" and engine.release >= (23,)
        assert lines[1][1:] == ["Docker", engine.version]
        programs = {os.readlink(f"/proc/{child}/exe") for child in children(engine.pid)}
        assert any(program.endswith("/usr/local/bin/dockerd") for program in programs), programs


@pytest.mark.parametrize(
    ("called", "content", "said"),
    [
        ("29-1", {"dockerd": b""}, "can't be the name"),
        ("sid", {"dockerd": b""}, "can't be the name"),
        ("", {"dockerd": b"", "runc": b""}, "has no containerd, containerd-shim-runc-v2"),
        ("", None, "can't be read"),
        (
            "",
            dict.fromkeys(("containerd", "containerd-shim-runc-v2", "dockerd", "runc"), b"#!/bin/false"),
            "didn't start",
        ),
    ],
)
def test_binaries_that_make_no_engine_are_refused(
    called: str, content: dict[str, bytes] | None, said: str, name: str, tmp_path: Path
) -> None:
    source = tmp_path / "docker"
    if content is None:
        source.write_bytes(b"no archive")
    else:
        source.mkdir()
        for program, data in content.items():
            (source / program).write_bytes(data)
    done = add(called or name, source)
    assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr
    assert not (STATE / "added" / (called or name)).exists()
    assert f"{called or name}-classic" not in engines.names() or called == "sid"
