# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The types that every operation plans with: steps, and the state before and after them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class Step(Protocol):
    """One change of a plan. The steps of an operation are NamedTuples that hold everything its apply() needs."""

    @property
    def sentence(self) -> str:
        """The step as a sentence, for the result's actions."""


class Files(Protocol):
    """The calls that put files in their places on this host.

    An operation whose module takes Ansible's file options (owner, mode …) finds them in its parameters, under FILES.
    """

    def put(self, part: str, path: str) -> None:
        """Move a finished file to path in one step, with the attributes that the task names.

        Attributes that the task doesn't name stay as the file has them. Raise OSError; the file that was at path before
        is still there then.
        """

    def is_foreign(self, path: str) -> bool:
        """Return whether the entry at a path belongs to a user who is neither this one nor the task's owner.

        Return True only in a directory where that makes a difference: see _ownership.py.
        """


FILES = "files of this host"


class Skipped(Exception):
    """A step that is no longer right, because things have changed since they were observed. Nothing was done.

    reason: a sentence without its full stop.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Otherwise(Exception):
    """A step that had another effect than planned, because things have changed since they were observed.

    step: the change that was made, as a step. reason: a sentence without its full stop.
    """

    def __init__(self, step: Any, reason: str) -> None:
        super().__init__(reason)
        self.step, self.reason = step, reason


class Taken(NamedTuple):
    """A step that was taken; in check mode, a step that a real run would take.

    step: the step with its real effect. gave: the value that apply() returned for it; None in check mode, and if the
    effect was another one than planned.
    """

    step: Any
    gave: Any = None


class Report(NamedTuple):
    """The results of a task, beside the steps that it took.

    results: the values, by the names that the module documents. diff: the diff, if it depends on the effects of the
    steps; None for the plan's. warnings: sentences that Ansible shows beside the result. problems: the reasons why the
    task fails although all steps were taken.
    """

    results: Mapping[str, Any] = {}
    diff: Mapping[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class Plan(NamedTuple):
    """The steps from observed to wanted, in order; none if nothing is to change.

    before, after: the state that the steps change, as --diff shows it.
    at_once: the number of steps that may be taken at the same time if they don't depend on each other: then all are
    tried, even if some fail. 0 if they depend on each other: then the first failure ends the task.
    repeats: steps that are taken too although they change nothing; they are not reported.
    problems: the reasons why a part of the wanted state can't be reached. The task takes the steps for the rest, and
    then fails with these reasons.
    facts: further decisions, for the report.
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
        """Whether the plan changes anything."""
        return bool(self.steps)

    def diff(self, taken: Sequence[Taken]) -> dict[str, dict[str, Any]]:
        """Return the plan's state before and after; both empty if the plan has steps and none of them was taken."""
        nothing = self.steps and not taken
        return {"before": {} if nothing else {**self.before}, "after": {} if nothing else {**self.after}}

    @property
    def actions(self) -> list[str]:
        """The steps as sentences."""
        return [step.sentence for step in self.steps]
