# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Figures from samples: medians, ratios of each round, and the targets for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from statistics import median

from ansible_collections.gantry.docker.tests.bench.work import Groups, Measured

MIB = 1024 * 1024


@dataclass(frozen=True)
class Target:
    """A limit that the project has set itself.

    what: the target in words. limit, unit: the largest allowed value. group, side: the measurement that must meet it.
    values: a function that returns the measured values from a part's groups on one engine: one for each round, or one
    for all of them.
    engines: a pattern for the names of the engines that must meet it.
    """

    what: str
    limit: float
    unit: str
    group: str
    side: str
    values: Callable[[Groups], Sequence[float]]
    engines: str = "*"

    def is_for(self, engine: str) -> bool:
        """Return whether an engine must meet it."""
        return fnmatch(engine, self.engines)

    def measured(self, groups: Groups) -> Sequence[float]:
        """Return the measured values, whose median counts; none if a group or a side is missing."""
        try:
            return self.values(groups)
        except KeyError:
            return ()

    def missed(self, groups: Groups) -> bool:
        """Return whether it was measured and is above the limit."""
        values = self.measured(groups)
        return bool(values) and median(values) > self.limit


def walls(measured: Measured, side: str) -> list[float]:
    """Return the elapsed seconds of each round."""
    return [sample.wall for sample in measured.samples[side]]


def seconds(measured: Measured, side: str) -> float:
    """Return the median of the elapsed seconds."""
    return median(walls(measured, side))


def memory(measured: Measured, side: str) -> int:
    """Return the peak memory of a side's largest process; 0 if it wasn't measured."""
    counted = measured.counted.get(side)
    return max(counted.memory if counted else 0, *(sample.memory for sample in measured.samples[side]))


def ratios(measured: Measured, ours: str, peer: str, less: str = "") -> list[float]:
    """Return the ratio of our seconds to the peer's for each round. less: a side whose seconds are taken off ours."""
    samples = measured.samples
    floor = [sample.wall for sample in samples[less]] if less else [0.0] * len(samples[ours])
    return [
        (one.wall - start) / other.wall for one, other, start in zip(samples[ours], samples[peer], floor, strict=True)
    ]


def ratio(what: str, limit: float, group: str, side: str, peer: str, less: str = "") -> Target:
    """Return a target for the ratio of a side's seconds to the peer's: the median of the rounds' ratios."""
    return Target(what, limit, "×", group, side, lambda groups: ratios(groups[group], side, peer, less))


def more(what: str, limit: float, group: str, sides: tuple[str, str], peers: tuple[str, str]) -> Target:
    """Return a target for the seconds that the second side takes more than the first, by the same of the peers."""

    def values(groups: Groups) -> list[float]:
        low, high, few, many = (walls(groups[group], side) for side in (*sides, *peers))
        return [(b - a) / (d - c) for a, b, c, d in zip(low, high, few, many)]

    return Target(what, limit, "×", group, sides[1], values)


def lasts(what: str, limit: float, group: str, side: str) -> Target:
    """Return a target for the seconds of a side."""
    return Target(what, limit, "s", group, side, lambda groups: walls(groups[group], side))


def sends(what: str, limit: float, group: str, side: str) -> Target:
    """Return a target for the MiB that a side sends."""
    return Target(what, limit, "MiB", group, side, lambda groups: [groups[group].counted[side].sent / MIB])


def holds(what: str, limit: float, group: str, side: str, above: str) -> Target:
    """Return a target for the peak memory of a side's process above that of another side, in MiB."""

    def values(groups: Groups) -> list[float]:
        measured = groups[group]
        return [(memory(measured, side) - memory(measured, above)) / MIB]

    return Target(what, limit, "MiB", group, side, values)


def grows(what: str, limit: float, small: str, large: str, side: str, floor: str) -> Target:
    """Return a target for the growth of the seconds above a floor, from a small group to a large one.

    Linear growth is 1. The medians count.
    """

    def values(groups: Groups) -> list[float]:
        low, high = (seconds(groups[name], side) - seconds(groups[name], floor) for name in (small, large))
        return [max(high, 0.0) / max(low, 0.001) / (groups[large].size / groups[small].size)]

    return Target(what, limit, "×", large, side, values)
