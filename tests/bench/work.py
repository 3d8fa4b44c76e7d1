# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of the benchmark: modules and commands, side by side in groups, and their measurements."""

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

    name: that of a collection's module, or of one in library/. arguments: its options. changed: the value that it must
    report, which proves that the right thing is timed; None if either is right. loop: the items of a loop, for
    {{ item }} in the arguments.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    changed: bool | None = False
    loop: tuple[str, ...] = ()
    check: bool = False

    def each(self) -> Iterator[Mapping[str, Any]]:
        """Yield the arguments for each round of the loop."""
        text = json.dumps({**self.arguments, "_ansible_check_mode": self.check})
        for item in self.loop or ("",):
            yield json.loads(text.replace("{{ item }}", item))


@dataclass(frozen=True)
class Command:
    """A line for the shell; docker on PATH is the engine's own CLI."""

    line: str


Work = Union[Module, Command]


@dataclass(frozen=True)
class Side:
    """One side of a comparison.

    reset: a line for the shell that restores the initial state before each run, without being timed.
    host: the variables of the task's host, if that isn't this machine.
    wire: a directory with all bytes that were sent, if they weren't sent to the engine's socket.
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

    how: TASKS of one run of ansible-playbook, or PROCESSES of their own: modules without Ansible's controller.
    size: the amount of work, in bytes or as a number; 0 where it makes no difference.
    """

    name: str
    how: str
    sides: tuple[Side, ...]
    size: int = 0


@dataclass(frozen=True)
class Sample:
    """One run: elapsed seconds, processor seconds, and the peak memory of its largest process, in bytes."""

    wall: float
    cpu: float
    memory: int = 0


@dataclass(frozen=True)
class Counted:
    """The other figures of a run: bytes sent and received, and the peak memory of its largest process, in bytes."""

    sent: int
    received: int
    memory: int


@dataclass(frozen=True)
class Measured:
    """The measurement of a group. samples, counted: by the sides' names. ours: the names of this project's sides."""

    how: str
    size: int
    ours: tuple[str, ...]
    samples: Mapping[str, tuple[Sample, ...]]
    counted: Mapping[str, Counted]


Groups = Mapping[str, Measured]
