# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The measurement: the sides run in turn, and each run is measured."""

from __future__ import annotations

import json
import os
import pstats
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.tests.bench import extras, plays
from ansible_collections.gantry.docker.tests.bench.figures import MIB
from ansible_collections.gantry.docker.tests.bench.work import (
    TASKS,
    Command,
    Counted,
    Group,
    Measured,
    Module,
    Sample,
    Side,
    Work,
)
from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.support.relay import relay

HERE = Path(__file__).parent
_PATIENCE = 1800  # seconds; a run that takes longer hangs


class BenchFailed(Exception):
    """A measured program failed, or did something else than expected; the message has its output."""


@dataclass(frozen=True)
class Runner:
    """The measurement of groups on one engine.

    rounds: the number of runs of each side after the warm-up. warm: whether tasks have a warm-up, in which Ansible
    packs their modules; without it their times mean little.
    """

    engine: Engine
    rounds: int
    warm: bool = True

    def measure(self, group: Group) -> Measured:
        """Run a group's sides in turn, A B C A B C …, after a round that counts bytes and isn't timed."""
        counts = {side.name: self._count(side) for side in group.sides if not side.host}
        rounds = self._tasks(group) if group.how == TASKS else self._processes(group)
        return Measured(
            how=group.how,
            size=group.size,
            ours=tuple(side.name for side in group.sides if side.ours),
            samples={side: tuple(samples) for side, samples in rounds.items()},
            counted=counts,
        )

    def do(self, work: Work) -> None:
        """Run something without measuring it."""
        for program in _programs(work):
            self._run(program, self._environment)

    def profile(self, side: Side) -> list[dict[str, Any]]:
        """Return a profile of a module's process: its imports, and the functions with the most time of their own."""
        self._reset(side)
        with tempfile.TemporaryDirectory(prefix="gantry-bench-") as directory:
            file = Path(directory, "profile")
            program = next(iter(_programs(side.work)))
            python, option, *module = program.words
            profiled = [python, option, "-m", "cProfile", "-o", str(file), *module]
            self._run(program._replace(words=profiled), self._environment)
            return _longest(file)

    @property
    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **self.engine.environment,
            "ANSIBLE_COLLECTIONS_PATH": f"{os.environ['ANSIBLE_COLLECTIONS_PATH']}:{extras.collections()}",
            "PYTHONPATH": f"{os.environ['PYTHONPATH']}:{extras.collections()}",
        }

    def _processes(self, group: Group) -> dict[str, list[Sample]]:
        rounds: dict[str, list[Sample]] = {side.name: [] for side in group.sides}
        for _round in range(self.rounds):
            for side in group.sides:
                self._reset(side)
                if group.size > MIB:
                    os.sync()  # writes of the other sides must not count for this one
                (sample,) = self._samples(side, self._environment)
                rounds[side.name].append(sample)
        return rounds

    def _tasks(self, group: Group) -> dict[str, list[Sample]]:
        """Run all rounds as tasks of one ansible-playbook."""
        rounds: dict[str, list[Sample]] = {side.name: [] for side in group.sides}
        with tempfile.TemporaryDirectory(prefix="gantry-bench-") as directory:
            play = plays.written(group, self.rounds + self.warm, Path(directory))
            os.sync()  # as in _processes; the rounds write little
            self._run(_Program(play.program), {**self._environment, **play.environment})
            for report in play.reports():
                side = next(side for side in group.sides if side.name == report["name"])
                _check(side, report)
                rounds[side.name].append(Sample(report["wall"], report["cpu"]))
        return {side: samples[self.warm :] for side, samples in rounds.items()}

    def _count(self, side: Side) -> Counted:
        self._reset(side)
        with relay(self.engine.socket, self.engine.socket.with_name("counted.sock")) as counter:
            samples = self._samples(side, {**self._environment, "DOCKER_HOST": counter.docker_host})
        wire = sum(file.stat().st_size for file in Path(side.wire).rglob("*") if file.is_file()) if side.wire else 0
        return Counted(wire or counter.sent, counter.received, max(sample.memory for sample in samples))

    def _samples(self, side: Side, environment: Mapping[str, str]) -> list[Sample]:
        """Run a side once, as one process for each round of its loop; return a sample for each."""
        samples = []
        for program in _programs(side.work):
            sample, output = self._run(program, environment)
            if isinstance(side.work, Module):
                _check(side, json.loads(output))
            samples.append(sample)
        return samples

    def _reset(self, side: Side) -> None:
        if side.reset:
            self.do(Command(side.reset))

    def _run(self, program: _Program, environment: Mapping[str, str]) -> tuple[Sample, str]:
        """Run a program; return its sample, which includes its children, and its output."""
        with tempfile.NamedTemporaryFile(prefix="gantry-bench-") as report:
            timed = ["timeout", str(_PATIENCE), sys.executable, "-I", "-S", str(HERE / "timed.py"), report.name]
            done = subprocess.run(
                [*timed, *program.words],
                env=environment,
                input=program.given,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
            if done.returncode:
                output = f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
                raise BenchFailed(f"{' '.join(program.words)[:500]} failed:\n{output}")
            return Sample(**json.load(report)), done.stdout


class _Program(NamedTuple):
    """A program. words: its command. given: its standard input, which may be longer than a word of a command."""

    words: list[str]
    given: str = ""


def _programs(work: Work) -> list[_Program]:
    """Return the programs to run, one after the other; several for a loop."""
    if isinstance(work, Command):
        return [_Program(["bash", "-o", "pipefail", "-c", work.line])]
    python = [sys.executable, "-P", *_module(work.name)]
    return [_Program(python, json.dumps({"ANSIBLE_MODULE_ARGS": arguments})) for arguments in work.each()]


def _module(name: str) -> list[str]:
    """Return Python's arguments for a module of Ansible, of a collection, or in library/."""
    namespace, _dot, short = name.rpartition(".")
    if namespace == "ansible.builtin":
        return ["-m", f"ansible.modules.{short}"]
    return ["-m", f"ansible_collections.{namespace}.plugins.modules.{short}"] if namespace else [_bare(short)]


def _bare(name: str) -> str:
    return str(HERE / "library" / f"{name}.py")


def _check(side: Side, report: Mapping[str, Any]) -> None:
    """Raise BenchFailed unless a module reported what is expected."""
    changed = bool(report.get("changed"))
    if isinstance(side.work, Module) and side.work.changed not in (None, changed):
        raise BenchFailed(f"{side.name} reported changed={str(changed).lower()}, and the opposite is to be measured.")


def _longest(profile: Path, count: int = 8) -> list[dict[str, Any]]:
    rows = pstats.Stats(str(profile)).stats.items()  # type: ignore[attr-defined]
    imports = [row for row in rows if row[0][2] == "_find_and_load"]
    longest = [*imports, *sorted(rows, key=lambda row: row[1][2], reverse=True)[:count]]
    return [
        {"function": _name(*function), "calls": calls, "own": round(own, 4), "all": round(whole, 4)}
        for function, (calls, _all_calls, own, whole, _callers) in longest
    ]


def _name(path: str, _line: int, function: str) -> str:
    """Return the name of a function with the end of its file's path."""
    if function == "_find_and_load":
        return "all imports"
    return function if path == "~" else f"{'/'.join(Path(path).parts[-2:])}:{function}"
