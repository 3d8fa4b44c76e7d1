# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document, which is made from the records alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from ansible_collections.gantry.docker.tests.bench import figures
from ansible_collections.gantry.docker.tests.bench.figures import Target
from ansible_collections.gantry.docker.tests.bench.parts import PARTS
from ansible_collections.gantry.docker.tests.bench.parts.part import Part
from ansible_collections.gantry.docker.tests.bench.results import Record
from ansible_collections.gantry.docker.tests.bench.work import Groups, Measured

_INTRODUCTION = """\
# Benchmarks

`./dev bench` measures, and writes this page and its plots from [what was measured]({raw}). Do not edit them.

- Sides that are compared run in turn on the same private engine (A B C A B C …), after a round that is not timed.
- A ratio is ours by the other side's seconds, round by round. Below 1, ours is faster. Every number is the median of
  the rounds, with the lowest and the highest in brackets.
- Tasks run inside one ansible-playbook, with pipelining, on the local connection; they are timed from a task's start
  to its result. Processes are programs of their own: a module runs there without Ansible's controller.
- A *bare module* imports AnsibleModule, as every module does, and ends. It is the floor: *less a bare module*
  takes its seconds off ours.
- What has a name with `docker_` is community.docker's."""

_RAW = """\
## All numbers

[{raw}]({raw}) has a line for each side of a group on each engine. `samples` has a list for each round: seconds that
passed, processors' seconds of the program and its children (not of the engine), and the most bytes of memory of one of
its processes. `counted` has the bytes that were sent and received at the engine's socket, and the bytes of memory, in
the round that is not timed. `profiles` tells, for targets that are missed, in which functions the module spends its
time, under a profiler, which slows it down."""

# Records with this fact are of the time when every module imported the SDK, and so did the bare one.
_OLD_FLOOR = "Docker SDK"

FACTS = (
    "machine",
    "disk",
    "system",
    "python",
    "ansible-core",
    "zstandard",
    "community.docker",
    "zstd",
    "gzip",
)


def written(records: Sequence[Record], raw: str, plots: str) -> str:
    """Return the document, in Markdown. raw, plots: the names of the file with the numbers and the plots' directory."""
    engines = _engines(records)
    sections = [
        _INTRODUCTION.format(raw=raw),
        _where(records),
        _targets(records, engines),
        _others(records, engines),
        _parts(records, engines),
        *(f"## Plot: {part.title}\n\n![{part.title}]({plots}/{part.name}.svg)" for part in plotted(records)),
        _RAW.format(raw=raw),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def plotted(records: Sequence[Record]) -> dict[Part, dict[str, Groups]]:
    """Return the parts that have a plot, with their groups by the engine's title."""
    found: dict[Part, dict[str, Groups]] = {}
    for part in PARTS:
        for engine, name in _engines(records).items():
            for record in records:
                if part.plotted and (record.part, record.engine) == (part.name, engine) and record.groups:
                    found.setdefault(part, {})[name] = record.groups
    return found


def line(name: str, measured: Measured) -> str:
    """Return a group as a line, for people who wait."""
    sides = (f"{side} {figures.seconds(measured, side):.3f} s" for side in measured.samples)
    return f"    {name}: {'; '.join(sides)}"


def _engines(records: Iterable[Record]) -> dict[str, str]:
    """Return the engines with their titles, the newest first."""
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
    """Return the lowest and the highest value."""
    first, *more = sorted(set(values))
    return f"{first} to {more[-1]}" if more else str(first)


def _targets(records: Sequence[Record], engines: dict[str, str]) -> str:
    rows = []
    for part in PARTS:
        groups = {record.engine: record.groups for record in records if record.part == part.name}
        for target in part.targets:
            cells = [_verdict(target, engine, groups.get(engine, {})) for engine in engines]
            rows.append([target.what, f"≤ {target.limit:g} {target.unit}", *cells])
    text = (
        "That the project has set itself: ✓ is met, ✗ is not, – was not measured. Where nothing stands there is none."
    )
    return f"## Targets\n\n{text}\n\n" + _table(["target", "limit", *engines.values()], rows)


def _verdict(target: Target, engine: str, groups: Groups) -> str:
    if not target.is_for(engine):
        return ""
    values = target.measured(groups)
    if not values:
        return "–"
    return f"✓ {_spread(values)}" if median(values) <= target.limit else f"**✗ {_spread(values)}**"


def _others(records: Sequence[Record], engines: dict[str, str]) -> str:
    """Return the table of ratios without a target."""
    rows: dict[str, dict[str, str]] = {}
    for part in PARTS:
        for record in records:
            groups = record.groups if record.part == part.name and not part.targets else {}
            for name, measured in groups.items():
                for mine, other in _pairs(measured):
                    what = f"{part.title}: {name}, {mine} by {other}"
                    rows.setdefault(what, {})[record.engine] = _spread(figures.ratios(measured, mine, other))
    if not rows:
        return ""
    cells = [[what, *(known.get(engine, "–") for engine in engines)] for what, known in rows.items()]
    return "## Ratios without a target\n\n" + _table(["what", *engines.values()], cells)


def _pairs(measured: Measured) -> Iterable[tuple[str, str]]:
    """Yield each side of others, with the side of ours above it."""
    above = ""
    for side in measured.samples:
        if side in measured.ours:
            above = side
        elif above:
            yield above, side


def _parts(records: Sequence[Record], engines: dict[str, str]) -> str:
    """Return the list of parts, with the reasons why one wasn't measured."""
    lines = []
    for part in PARTS:
        own = [record for record in records if record.part == part.name]
        left_out = [f" Not measured on {engines[one.engine]}: {one.left_out}." for one in own if one.left_out]
        if own:
            lines.append(f"- **{part.title}** (`{part.name}`): {part.text}{''.join(left_out)}{_when(own)}")
    return "\n".join(["## Parts\n", *lines])


def _when(records: Sequence[Record]) -> str:
    """Return a sentence with the days of a part's measurements."""
    days = _span(record.run["date"].partition(" ")[0] for record in records)
    floor = any(_OLD_FLOOR in record.run for record in records)
    return f" Measured on {days}" + (", with the Docker SDK in modules and in the bare module." if floor else ".")


def _spread(values: Sequence[float]) -> str:
    """Return the median, and with several values the lowest and the highest."""
    return f"{median(values):.3g}" + (f" ({min(values):.3g} to {max(values):.3g})" if len(values) > 1 else "")


def _table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    cells = ([str(cell).replace("|", "\\|") for cell in row] for row in lines)
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)
