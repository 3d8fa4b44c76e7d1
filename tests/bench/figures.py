# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From samples to numbers: medians and their spread, ratios round by round, and the targets that compare them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from ansible_collections.gantry.docker.tests.bench.work import Groups, Measured

MIB = 1024 * 1024


@dataclass(frozen=True)
class Target:
    """A limit that the project has set itself.

    what: the promise, in words. limit, unit: what is allowed at most. group, side: what has to meet it.
    values: what was measured, from a part's groups on one engine: a value for each round, or one for all of them.
    """

    what: str
    limit: float
    unit: str
    group: str
    side: str
    values: Callable[[Groups], Sequence[float]]

    def measured(self, groups: Groups) -> Sequence[float]:
        """What was measured, of which the median counts; nothing if what it takes wasn't."""
        try:
            return self.values(groups)
        except KeyError:
            return ()

    def missed(self, groups: Groups) -> bool:
        """Whether it was measured, and is above the limit."""
        values = self.measured(groups)
        return bool(values) and median(values) > self.limit


def walls(measured: Measured, side: str) -> list[float]:
    """The seconds that passed, round by round."""
    return [sample.wall for sample in measured.samples[side]]


def seconds(measured: Measured, side: str) -> float:
    """The median of what passed."""
    return median(walls(measured, side))


def memory(measured: Measured, side: str) -> int:
    """The most memory that one of a side's processes had; 0 if it wasn't looked at."""
    counted = measured.counted.get(side)
    return max(counted.memory if counted else 0, *(sample.memory for sample in measured.samples[side]))


def ratios(measured: Measured, ours: str, peer: str, less: str = "") -> list[float]:
    """Ours by the peer's seconds, round by round. less: a side whose seconds are taken off ours first."""
    samples = measured.samples
    floor = [sample.wall for sample in samples[less]] if less else [0.0] * len(samples[ours])
    return [
        (one.wall - start) / other.wall for one, other, start in zip(samples[ours], samples[peer], floor, strict=True)
    ]


def ratio(what: str, limit: float, group: str, side: str, peer: str, less: str = "") -> Target:
    """How many times the peer's seconds a side takes: the median of the rounds' ratios."""
    return Target(what, limit, "×", group, side, lambda groups: ratios(groups[group], side, peer, less))


def lasts(what: str, limit: float, group: str, side: str) -> Target:
    """How many seconds a side takes."""
    return Target(what, limit, "s", group, side, lambda groups: walls(groups[group], side))


def sends(what: str, limit: float, group: str, side: str) -> Target:
    """How many MiB a side sends."""
    return Target(what, limit, "MiB", group, side, lambda groups: [groups[group].counted[side].sent / MIB])


def holds(what: str, limit: float, group: str, side: str, above: str) -> Target:
    """How many MiB of memory more than another's a side's process has at its peak."""

    def values(groups: Groups) -> list[float]:
        measured = groups[group]
        return [(memory(measured, side) - memory(measured, above)) / MIB]

    return Target(what, limit, "MiB", group, side, values)


def grows(what: str, limit: float, small: str, large: str, side: str, floor: str) -> Target:
    """How much faster than linearly the seconds above a floor grow from a small group to a large one: of medians."""

    def values(groups: Groups) -> list[float]:
        low, high = (seconds(groups[name], side) - seconds(groups[name], floor) for name in (small, large))
        return [max(high, 0.0) / max(low, 0.001) / (groups[large].size / groups[small].size)]

    return Target(what, limit, "×", large, side, values)
