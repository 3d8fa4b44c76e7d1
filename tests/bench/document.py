# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document, made from the records alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from ansible_collections.gantry.docker.tests.bench import figures
from ansible_collections.gantry.docker.tests.bench.parts import PARTS
from ansible_collections.gantry.docker.tests.bench.parts.part import Part
from ansible_collections.gantry.docker.tests.bench.results import Record
from ansible_collections.gantry.docker.tests.bench.work import Groups, Measured

_INTRODUCTION = """\
# Benchmarks

Written by `./dev bench`, with its plots, from [what was measured]({raw}). Nothing here is typed by hand.

Whatever is compared runs in turn on the same private engine (A B C A B C …), after a round that isn't timed. Seconds
are those that pass, as medians with the lowest and the highest beside them; then the processors' seconds of the program
and its children (the engine's own aren't counted), and the most memory that one of its processes had. "Ours by it" is
what the module of ours takes that stands above, by what this side takes: the median of the ratios, which are taken
round by round, with the lowest and the highest. Below 1, ours is faster. MiB sent and received are those of the
engine's socket, counted in the round before.

Tasks are timed inside one ansible-playbook, from a task's start to its result, with pipelining, on the local
connection. Processes are programs of their own; a module is run there without Ansible's controller. A bare module
imports what every module needs, and the Docker SDK, and ends: it is the floor. What has a name with `docker_` is
community.docker's."""

FACTS = (
    "machine",
    "disk",
    "system",
    "python",
    "ansible-core",
    "Docker SDK",
    "zstandard",
    "community.docker",
    "zstd",
    "gzip",
)


def written(records: Sequence[Record], raw: str, plots: str) -> str:
    """The whole document, in Markdown. raw, plots: where the numbers are, and the directory of the plots."""
    engines = _engines(records)
    sections = [_INTRODUCTION.format(raw=raw), _where(records), _targets(records, engines), *_misses(records, engines)]
    for part in PARTS:
        own = [record for record in records if record.part == part.name]
        if own:
            sections += [f"## {part.title}\n\n{part.text}", *_part(part, own, plots, engines)]
    return "\n\n".join(sections) + "\n"


def line(name: str, measured: Measured) -> str:
    """A group in a line, for who waits."""
    sides = (f"{side} {figures.seconds(measured, side):.3f} s" for side in measured.samples)
    return f"    {name}: {'; '.join(sides)}"


def _engines(records: Iterable[Record]) -> dict[str, str]:
    """The engines, with what to call them, the newest first."""
    measured = sorted({record.engine: record.run["docker"] for record in records}.items(), reverse=True)
    return {engine: f"{version.partition('+')[0]} {engine.partition('-')[2]}" for engine, version in measured}


def _where(records: Sequence[Record]) -> str:
    rows = [[fact, "; ".join(dict.fromkeys(record.run[fact] for record in records))] for fact in FACTS]
    rows.append(["measured", _span(record.run["date"] for record in records)])
    rows.append(["rounds", _span(record.run["rounds"] for record in records)])
    rows.append(["load average when parts began", _span(record.run["load"] for record in records)])
    if any(record.run["quick"] for record in records):
        rows.append(["**quick run**", "small sizes: it shows that all runs, and no more"])
    return "## Where and when\n\n" + _table(["", ""], rows)


def _span(values: Iterable[Any]) -> str:
    """The lowest and the highest."""
    first, *more = sorted(set(values))
    return f"{first} to {more[-1]}" if more else str(first)


def _targets(records: Sequence[Record], engines: dict[str, str]) -> str:
    rows = []
    for part in PARTS:
        groups = {record.engine: record.groups for record in records if record.part == part.name}
        for target in part.targets:
            cells = [_verdict(target.measured(groups.get(engine, {})), target.limit) for engine in engines]
            rows.append([target.what, f"≤ {target.limit:g} {target.unit}", *cells])
    text = "## Targets\n\nThat the project has set itself: ✓ is met, ✗ is not, – was not measured.\n\n"
    return text + _table(["target", "limit", *engines.values()], rows)


def _verdict(value: float | None, limit: float) -> str:
    if value is None:
        return "–"
    return f"✓ {value:.3g}" if value <= limit else f"**✗ {value:.3g}**"


def _misses(records: Sequence[Record], engines: dict[str, str]) -> list[str]:
    """Where the time goes, for each target that wasn't met and whose module can be profiled."""
    heading = ["function", "calls", "own seconds", "with what it calls"]
    sections = [
        f"### {what} ({engines[record.engine]})\n\n"
        + _table(heading, [[f"`{row['function']}`", row["calls"], row["own"], row["all"]] for row in rows])
        for record in records
        for what, rows in record.profiles.items()
    ]
    text = "## Where the time goes where a target is not met\n\nOne run under a profiler, which slows it down."
    return [text, *sections] if sections else []


def _part(part: Part, records: Sequence[Record], plots: str, engines: dict[str, str]) -> list[str]:
    sections = [f"![{part.title}]({plots}/{part.name}.svg)"] if any(record.groups for record in records) else []
    for record in sorted(records, key=lambda one: one.engine, reverse=True):
        name = engines[record.engine]
        if record.groups:
            sections.append(f"### {part.title}: {name}\n\n{_measurements(record.groups)}")
        if record.left_out:
            sections.append(f"Not measured on {name}: {record.left_out}.")
    return sections


def _measurements(groups: Groups) -> str:
    heading = ["what", "how", "seconds", "processors", "MiB of memory", "MiB sent", "MiB received", "ours by it"]
    return _table(heading, [row for name, measured in groups.items() for row in _rows(name, measured)])


def _rows(name: str, measured: Measured) -> Iterable[list[str]]:
    above = ""
    for number, (side, samples) in enumerate(measured.samples.items()):
        above = side if side in measured.ours else above
        counted = measured.counted.get(side)
        memory = figures.memory(measured, side)
        yield [
            f"{name} ({measured.how})" if number == 0 else "",
            side,
            _spread([sample.wall for sample in samples], 3),
            f"{median(sample.cpu for sample in samples):.3f}",
            f"{memory / figures.MIB:.0f}" if memory else "",
            *([f"{count / figures.MIB:.2f}" for count in (counted.sent, counted.received)] if counted else ["", ""]),
            _spread(figures.ratios(measured, above, side), 2) if above and side != above else "",
        ]


def _spread(values: Sequence[float], digits: int) -> str:
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def _table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    cells = ([str(cell).replace("|", "\\|") for cell in row] for row in lines)
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)
