# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""What every verb plans with: steps to take, and the state before and after them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class Step(Protocol):
    """One thing to do. A verb's steps are NamedTuples that hold all its apply needs to know."""

    @property
    def sentence(self) -> str:
        """What the step does, for the result's actions."""


class Files(Protocol):
    """How files get to their places on this host.

    An operation whose module takes Ansible's file options (owner, mode …) finds it in its parameters, as FILES.
    """

    def put(self, part: str, path: str) -> None:
        """Let a file take its place in one step, with the attributes that the task names.

        What isn't named is as it is with that file. Raises OSError; what was at path is there then.
        """

    def is_foreign(self, path: str) -> bool:
        """Whether what lies at a path is another user's than this one or the one that the task names (owner).

        Only in a directory where that makes a difference: _ownership.py.
        """


FILES = "files of this host"


class Skipped(Exception):
    """A step turned out not to be right any more, as things changed since they were observed; nothing was done.

    reason: a sentence without its full stop.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Otherwise(Exception):
    """A step was taken, but had another effect than planned, as things changed since they were observed.

    step: what was done, as a step. reason: a sentence without its full stop.
    """

    def __init__(self, step: Any, reason: str) -> None:
        super().__init__(reason)
        self.step, self.reason = step, reason


class Taken(NamedTuple):
    """A step that was taken, or in check mode would be.

    step: as it came out. gave: what apply() returned for it; None in check mode, and where it came out otherwise.
    """

    step: Any
    gave: Any = None


class Report(NamedTuple):
    """What a task returns beside the steps that it took.

    results: by the names that the module documents. diff: where it depends on how the steps came out; else the plan's.
    warnings: sentences that Ansible shows beside the result. problems: why the task fails though all steps were taken.
    """

    results: Mapping[str, Any] = {}
    diff: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class Plan(NamedTuple):
    """The steps from what was observed to what is wanted, in order; none if nothing is to change.

    before, after: the state that the steps change, as shown by --diff.
    at_once: how many steps may be taken at the same time, where they don't depend on each other: then all are tried,
    whichever fails. 0 where they do, and the first failure ends the task.
    repeats: steps to take too though they change nothing; they aren't told.
    problems: why a part of what is wanted can't be had; the task fails with them after the steps for the rest.
    facts: what else was decided, for the report.
    """

    steps: tuple[Any, ...] = ()
    before: Mapping[str, Any] = {}
    after: Mapping[str, Any] = {}
    at_once: int = 0
    repeats: tuple[Any, ...] = ()
    problems: tuple[str, ...] = ()
    facts: Any = None

    @property
    def changed(self) -> bool:
        """Whether applying it changes anything."""
        return bool(self.steps)

    def diff(self, taken: Sequence[Taken]) -> dict[str, dict[str, Any]]:
        """Return what the steps that were taken change: nothing where none of several was."""
        nothing = self.steps and not taken
        return {"before": {} if nothing else {**self.before}, "after": {} if nothing else {**self.after}}

    @property
    def actions(self) -> list[str]:
        """The steps, as sentences."""
        return [step.sentence for step in self.steps]
