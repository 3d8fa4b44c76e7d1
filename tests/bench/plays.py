# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks whose tasks are the sides of a group in turn, timed by a callback."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gantry.docker.tests.bench.work import Command, Group, Side
from ansible_collections.gantry.docker.tests.support import playbooks

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Play:
    """A playbook. program, environment: how to run it. tasks: the file to which the callback writes."""

    program: list[str]
    environment: dict[str, str]
    tasks: Path

    def reports(self) -> list[dict[str, Any]]:
        """Return the callback's report of each task, without those that reset."""
        reports = (json.loads(line) for line in self.tasks.read_text().splitlines())
        return [report for report in reports if report["name"] != _RESET]


_RESET = "reset"


def written(group: Group, rounds: int, directory: Path) -> Play:
    """Write the playbook of a group to a directory."""
    plays = [_play(side) for _round in range(rounds) for side in group.sides]
    playbooks.write(directory, plays, {_host(side): dict(side.host or playbooks.LOCAL) for side in group.sides})
    tasks = directory / "tasks"
    return Play(
        ["ansible-playbook", "--inventory", str(directory / "inventory.yml"), str(directory / "playbook.yml")],
        {
            "ANSIBLE_STDOUT_CALLBACK": "gantry_bench",
            "ANSIBLE_CALLBACK_PLUGINS": str(_HERE / "callback"),
            "ANSIBLE_LIBRARY": str(_HERE / "library"),
            "ANSIBLE_PIPELINING": "true",
            "GANTRY_BENCH_TASKS": str(tasks),
        },
        tasks,
    )


def _host(side: Side) -> str:
    return "".join(character if character.isalnum() else "-" for character in side.name)


def _play(side: Side) -> dict[str, Any]:
    """Return the play of one run of a side: its task, after the task that resets."""
    task: dict[str, Any] = {"name": side.name}
    if isinstance(side.work, Command):
        task["ansible.builtin.shell"] = {"cmd": side.work.line}
    else:
        task[side.work.name] = dict(side.work.arguments)
        task["check_mode"] = side.work.check
        if side.work.loop:
            task["loop"] = list(side.work.loop)
    reset = {"name": _RESET, "ansible.builtin.shell": side.reset, "delegate_to": "localhost", "vars": playbooks.LOCAL}
    return {"hosts": _host(side), "gather_facts": False, "tasks": [reset, task] if side.reset else [task]}
