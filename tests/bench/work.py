# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured, as values: modules and commands, side by side in groups; and what the measuring gave."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Union

TASKS = "tasks"
PROCESSES = "processes"


@dataclass(frozen=True)
class Module:
    """One task of a module.

    name: of a collection's module, or of one in library/. arguments: its options. changed: what it must report, so that
    what is timed is what was meant; None if either will do. loop: what a loop puts for {{ item }} in the arguments.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    changed: bool | None = False
    loop: tuple[str, ...] = ()
    check: bool = False

    def each(self) -> Iterator[Mapping[str, Any]]:
        """The arguments, for each round of the loop."""
        text = json.dumps({**self.arguments, "_ansible_check_mode": self.check})
        for item in self.loop or ("",):
            yield json.loads(text.replace("{{ item }}", item))


@dataclass(frozen=True)
class Command:
    """A line for the shell; it finds the engine's own docker on PATH."""

    line: str


Work = Union[Module, Command]


@dataclass(frozen=True)
class Side:
    """One of those that are compared.

    reset: a line for the shell that brings about the state to start from, before every run, untimed.
    host: variables of the host that a task runs on, where that isn't this machine.
    wire: a directory that holds afterwards what went over the wire, where that isn't the engine's socket.
    """

    name: str
    work: Work
    reset: str = ""
    host: Mapping[str, Any] = field(default_factory=dict)
    wire: str = ""
    ours: bool = False


@dataclass(frozen=True)
class Group:
    """Sides that do the same work from the same state, run in turn.

    how: as TASKS of one run of ansible-playbook, or as PROCESSES of their own, modules without Ansible's controller.
    size: how much there is to do, in bytes or as a number of things; 0 where it makes no difference.
    """

    name: str
    how: str
    sides: tuple[Side, ...]
    size: int = 0


@dataclass(frozen=True)
class Sample:
    """One run: seconds that passed, seconds of processors, and the most memory of one of its processes, in bytes."""

    wall: float
    cpu: float
    memory: int = 0


@dataclass(frozen=True)
class Counted:
    """What a run took beside time: bytes sent and received, and the most memory of one of its processes, in bytes."""

    sent: int
    received: int
    memory: int


@dataclass(frozen=True)
class Measured:
    """What a group gave. samples, counted: by its sides' names. ours: the names of those that are this project's."""

    how: str
    size: int
    ours: tuple[str, ...]
    samples: Mapping[str, tuple[Sample, ...]]
    counted: Mapping[str, Counted]


Groups = Mapping[str, Measured]
