# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks that are ended halfway: by signals, where they clean up, and by kills, where the next run does."""

from __future__ import annotations

import json
import os
import signal
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

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration.conftest import MODULES, Module
from ansible_collections.gantry.docker.tests.integration.scenes import small_disk
from ansible_collections.gantry.docker.tests.support.programs import write_program
from ansible_collections.gantry.docker.tests.support.relay import ALWAYS, Relay, relay
from ansible_collections.gantry.docker.tests.support.waiting import wait_for

# A module in a process of its own, as Ansible runs it: its options are the first argument. If a shell has started the
# tests in the background, they ignore signals; the module shouldn't.
PROGRAM = f"""
import importlib, json, os, signal, sys, time
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)
from ansible_collections.gantry.docker.tests.support.arguments import patch_module_args
exec(sys.argv[3])
with patch_module_args(json.loads(sys.argv[1])):
    importlib.import_module("{MODULES}." + sys.argv[2]).main()
"""
COMMIT: dict[str, Any] = {"container": "box", "name": "made:1"}
UP = ["tail", "-f", "/dev/null"]
ENDING = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
# The engine has committed; its answer is still on its way.
COMMITTED = "POST /commit"
COMPARING = "GET /containers/[^/]*/changes"
# The process waits here, between the name of its new file and the place of the old one.
HALTED = "os.replace = lambda *names: (print('halted', file=sys.stderr, flush=True), time.sleep(60))"
Modules = Callable[[str], Module]


class Gate:
    """The answers to one kind of question are held until the gate is opened."""

    def __init__(self, between: Relay, question: str) -> None:
        self.docker_host = between.docker_host
        self.reached, self.open = threading.Event(), threading.Event()
        between.amid_answer(question, 0, self._hold, ALWAYS)

    def _hold(self) -> None:
        self.reached.set()
        self.open.wait()


@contextmanager
def running(
    module: str, docker_host: str, prelude: str = "", check: bool = False, **params: Any
) -> Iterator[subprocess.Popen[str]]:
    """Run a module in a process, and kill it in the end. prelude: the code that Python runs there first."""
    arguments = {"docker_host": docker_host, **params, "_ansible_check_mode": check}
    command = [sys.executable, "-c", PROGRAM, json.dumps(arguments), module, prelude]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def halfway(
    engine: Engine, directory: Path, question: str, module: str, **params: Any
) -> Iterator[tuple[Gate, subprocess.Popen[str]]]:
    """Run a module in a process that waits for an answer, and yield it with the gate that holds the answer."""
    with relay(engine.socket, directory / "gate.sock") as between:
        gate = Gate(between, question)
        try:
            with running(module, gate.docker_host, **params) as process:
                assert gate.reached.wait(20)
                yield gate, process
        finally:
            gate.open.set()


def ended(process: subprocess.Popen[str], within: float = 5) -> dict[str, Any]:
    """Return the result of a module; it must end soon after a signal, so this is a bound in seconds."""
    output, errors = process.communicate(timeout=within)
    assert output, f"{process.returncode}: {errors}"
    result: dict[str, Any] = json.loads(output)
    return result


def say_that(result: dict[str, Any], number: signal.Signals) -> None:
    assert result["failed"] and f"ended by {number.name}" in result["msg"]
    assert not result["changed"] and result["actions"] == []
    assert "Later steps were not begun" in result["msg"] and "Traceback" not in json.dumps(result)


@pytest.fixture
def box(busybox: docker.DockerClient) -> docker.DockerClient:
    """The engine with busybox and a container of it, box, which has a file more."""
    box = busybox.containers.run("busybox", UP, name="box", detach=True)
    box.exec_run(["sh", "-c", "echo hello > /hello"])
    return busybox


def images(client: docker.DockerClient) -> dict[str, list[str]]:
    """Return the tags of all images, also of those without a name."""
    return {row["Id"]: sorted(row["RepoTags"] or []) for row in client.api.images(all=True)}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("number", ENDING)
def test_a_commit_that_is_told_to_end_while_the_engine_commits_leaves_nothing(
    engine: Engine, box: docker.DockerClient, tmp_path: Path, number: signal.Signals, check: bool
) -> None:
    before = images(box)
    with halfway(engine, tmp_path, COMMITTED, "image_commit", check=check, **COMMIT) as (held, process):
        assert len(images(box)) == len(before) + 1
        process.send_signal(number)
        time.sleep(0.5)
        held.open.set()
        say_that(ended(process), number)
    assert images(box) == before


@pytest.mark.parametrize("number", ENDING)
def test_a_commit_that_is_told_to_end_while_it_compares_leaves_nothing(
    engine: Engine, box: docker.DockerClient, tmp_path: Path, number: signal.Signals
) -> None:
    before = images(box)
    with halfway(engine, tmp_path, COMPARING, "image_commit", **COMMIT) as (_gate, process):
        process.send_signal(number)
        process.send_signal(signal.SIGTERM)  # a second signal does not stop the cleanup
        say_that(ended(process), number)
    assert images(box) == before


def test_a_commit_that_the_engine_never_answers_is_not_waited_for_without_end(
    engine: Engine, modules: Modules, box: docker.DockerClient, tmp_path: Path
) -> None:
    before = images(box)
    with halfway(engine, tmp_path, COMMITTED, "image_commit", **COMMIT) as (_gate, process):
        process.send_signal(signal.SIGTERM)
        say_that(ended(process, within=14), signal.SIGTERM)
    assert len(images(box)) == len(before) + 1
    modules("image_commit").converges(**COMMIT)
    assert images(box) == {**before, str(box.images.get("made:1").id): ["made:1"]}


@pytest.mark.parametrize("question", [COMMITTED, COMPARING])
@pytest.mark.parametrize("made", [True, False])
def test_what_a_kill_leaves_is_removed_by_the_next_commit(
    engine: Engine, modules: Modules, box: docker.DockerClient, tmp_path: Path, made: bool, question: str
) -> None:
    commit = modules("image_commit")
    if made:
        commit.ok(**COMMIT)
    before = images(box)
    name = {"name": "made:2"} if made else {}
    with halfway(engine, tmp_path, question, "image_commit", **{**COMMIT, **name}) as (_gate, process):
        process.kill()
        process.wait()
    ((left, names),) = [(image, names) for image, names in images(box).items() if image not in before]
    assert [tag.partition(":")[0] for tag in names] == ["gantry.docker.trial"]
    # Nobody takes it for an image of somebody's that dangles, and no check run changes anything.
    assert modules("image_prune").ok()["images"] == []
    commit.ok(check=True, **COMMIT)
    assert left in images(box)
    done = commit.ok(**COMMIT)
    assert done["changed"] == (not made)
    assert images(box) == {**before, done["image"]["Id"]: ["made:1"]}
    assert done["image"]["RepoTags"] == ["made:1"]


def test_what_is_left_of_another_container_goes_too(
    engine: Engine, modules: Modules, box: docker.DockerClient, tmp_path: Path
) -> None:
    before = images(box)
    with halfway(engine, tmp_path, COMPARING, "image_commit", **COMMIT) as (_gate, process):
        process.kill()
        process.wait()
    box.containers.get("box").remove(force=True)
    box.containers.create("busybox", ["sh"], name="other")
    done = modules("image_commit").ok(container="other", name="other:1")
    assert images(box) == {**before, done["image"]["Id"]: ["other:1"]}


def test_the_trial_of_a_commit_that_goes_on_is_left_to_it(
    engine: Engine, modules: Modules, box: docker.DockerClient, tmp_path: Path
) -> None:
    before = images(box)
    # The name of one whose machine nobody knows, and of something else.
    foreign = [f"gantry.docker.trial:{12 * '0'}-{12 * 'f'}-1-1-{6 * '0'}", "gantry.docker.trial:mine"]
    for name in foreign:
        box.api.tag("busybox", name.partition(":")[0], name.partition(":")[2])
    with halfway(engine, tmp_path, COMPARING, "image_commit", **COMMIT) as (held, process):
        modules("image_commit").converges(container="box", name="made:2")
        modules("image_prune").ok()
        held.open.set()
        assert ended(process)["actions"] == ["Committed container box as made:1"]
    (first, second) = (str(box.images.get(name).id) for name in ("made:1", "made:2"))
    base = str(box.images.get("busybox").id)
    assert first != second
    assert images(box) == {**before, base: sorted(["busybox:latest", *foreign]), first: ["made:1"], second: ["made:2"]}


def test_a_signal_that_is_ignored_stays_so(engine: Engine, box: docker.DockerClient, tmp_path: Path) -> None:
    prelude = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    with halfway(engine, tmp_path, COMPARING, "image_commit", prelude=prelude, **COMMIT) as (held, process):
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        held.open.set()
        assert ended(process)["changed"]


@pytest.mark.one_engine
@pytest.mark.parametrize("names", [["busybox"], ["busybox", "debian:12", "none:1"]])
def test_no_answer_that_is_waited_for_keeps_a_task_from_its_end(
    engine: Engine, busybox: docker.DockerClient, tmp_path: Path, names: list[str]
) -> None:
    with halfway(engine, tmp_path, "GET /images/", "image_info", names=names) as (_gate, process):
        process.send_signal(signal.SIGTERM)
        say_that(ended(process, within=3), signal.SIGTERM)


@pytest.mark.one_engine
def test_a_container_that_is_waited_for_goes_with_its_task(engine: Engine, busybox: docker.DockerClient) -> None:
    health = ["HEALTHCHECK --interval=1s --retries=1000 CMD false"]
    busybox.containers.create("busybox", UP, name="base").commit("checked", "1", changes=health)
    busybox.containers.get("base").remove()
    wanted: dict[str, Any] = {"name": "sick", "image": "checked:1", "command": UP, "state": "healthy"}
    with running("container_run", engine.docker_host, **wanted) as process:
        assert wait_for(busybox.containers.list, 20)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        say_that(ended(process, within=20), signal.SIGTERM)
    assert busybox.containers.list(all=True) == []


@pytest.mark.one_engine
@pytest.mark.parametrize("number", ENDING)
def test_verifiers_end_with_their_task(
    engine: Engine, clean: docker.DockerClient, tmp_path: Path, number: signal.Signals
) -> None:
    write_program(tmp_path / "verifier", f"touch {tmp_path}/run.$$; exec sleep 600")
    wanted: dict[str, Any] = {"names": ["busybox", "debian:12"], "verifier": [f"{tmp_path}/verifier", "{digest}"]}
    with running("image_pull", engine.docker_host, **wanted) as process:
        assert wait_for(lambda: len(list(tmp_path.glob("run.*"))) == 2)
        process.send_signal(number)
        say_that(ended(process), number)
    assert not [file for file in tmp_path.glob("run.*") if Path("/proc", file.suffix[1:]).exists()]
    assert clean.images.list(all=True) == []


@pytest.mark.parametrize("number", ENDING)
def test_a_save_that_is_told_to_end_leaves_the_old_archive(
    engine: Engine, modules: Modules, busybox: docker.DockerClient, tmp_path: Path, number: signal.Signals
) -> None:
    path = tmp_path / "archives" / "images.tar"
    path.parent.mkdir()
    modules("image_save").ok(name="busybox", path=str(path))
    good = path.read_bytes()
    busybox.api.tag("busybox", "other", "1")
    with halfway(engine, tmp_path, "GET /images/get", "image_save", name="other:1", path=str(path)) as (_gate, process):
        process.send_signal(number)
        say_that(ended(process), number)
    assert path.read_bytes() == good
    assert os.listdir(path.parent) == ["images.tar"]


def halted(process: subprocess.Popen[str]) -> None:
    """Wait until a save has named its new file, and is about to put it in its place."""
    assert process.stderr is not None
    assert process.stderr.readline() == "halted\n"


@pytest.mark.one_engine
def test_a_save_that_is_told_to_end_before_it_replaces_leaves_nothing(
    engine: Engine, modules: Modules, busybox: docker.DockerClient, tmp_path: Path
) -> None:
    path = tmp_path / "images.tar"
    with running("image_save", engine.docker_host, HALTED, name="busybox", path=str(path)) as process:
        halted(process)
        assert len(os.listdir(tmp_path)) == 1
        process.send_signal(signal.SIGTERM)
        say_that(ended(process), signal.SIGTERM)
    assert os.listdir(tmp_path) == []


@pytest.mark.one_engine
@pytest.mark.parametrize("changed", [True, False])
def test_what_a_kill_leaves_is_removed_by_the_next_save(
    engine: Engine, modules: Modules, busybox: docker.DockerClient, tmp_path: Path, changed: bool
) -> None:
    path = tmp_path / "images.tar"
    save = modules("image_save")
    if not changed:
        save.ok(name="busybox", path=str(path))
    others = {".images.tar.0123456789ab.bak", ".images.tar.short", ".other.tar.0123456789ab"}
    for name in others:
        (tmp_path / name).write_bytes(b"somebody's")
    wanted: dict[str, Any] = {"name": "busybox", "path": str(path), "compression": "none" if changed else "gzip"}
    with running("image_save", engine.docker_host, HALTED, **wanted) as process:
        halted(process)
        (part,) = set(os.listdir(tmp_path)) - others - {path.name}
        # It lives, and is left in peace.
        done = save.ok(name="busybox", path=str(path))
        assert done["changed"] == changed and part in os.listdir(tmp_path)
        process.kill()
        process.wait()
    save.ok(check=True, name="busybox", path=str(path))
    assert part in os.listdir(tmp_path)
    save.unchanged(name="busybox", path=str(path))
    assert set(os.listdir(tmp_path)) == {path.name, *others}


@pytest.mark.one_engine
def test_what_is_left_counts_as_free_space(
    engine: Engine, modules: Modules, busybox: docker.DockerClient, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "small", "5m") as disk:
        path = disk / "images.tar"
        left = disk / f".images.tar.{12 * '0'}"
        # An engine before 25 takes the space of two archives on the way.
        left.write_bytes(bytes(4_000_000))
        modules("image_save").converges(name="busybox", path=str(path))
        assert os.listdir(disk) == ["images.tar"]
