# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draws plots of what was measured: python -m …plots RAW DIRECTORY, where matplotlib can be imported."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ansible_collections.gantry.docker.tests.bench import figures, results
from ansible_collections.gantry.docker.tests.bench.parts import PARTS
from ansible_collections.gantry.docker.tests.bench.results import Record
from ansible_collections.gantry.docker.tests.bench.work import Measured

# Colours that colour-blind people can tell apart: jfly.uni-koeln.de/color
_OURS = ("#0072b2", "#009e73", "#56b4e9")
_OTHERS = ("#d55e00", "#e69f00", "#cc79a7", "#999999")


def main() -> None:
    """Draw a plot for every part that was measured."""
    raw, directory = map(Path, sys.argv[1:])
    # The same records give the same files.
    mpl.rcParams.update({"svg.hashsalt": "gantry", "svg.fonttype": "none", "font.size": 8})
    records = results.read(raw)
    for part in PARTS:
        own = sorted((one for one in records if one.part == part.name and one.groups), key=lambda one: one.engine)
        if own:
            figure = _lines(own) if any(one.series for one in own[0].groups.values()) else _bars(own)
            figure.savefig(directory / f"{part.name}.svg", metadata={"Date": None}, bbox_inches="tight")


def _name(record: Record) -> str:
    return f"{record.run['docker'].partition('+')[0]} {record.engine.partition('-')[2]}"


def _colours(groups: Sequence[Measured]) -> dict[str, str]:
    ours, others = iter(_OURS * 3), iter(_OTHERS * 3)
    sides = {side: side in measured.ours for measured in groups for side in measured.samples}
    return {side: next(ours if is_ours else others) for side, is_ours in sides.items()}


def _lines(records: Sequence[Record]) -> Figure:
    """Seconds by size, a row for each series and a column for each engine."""
    series = list(dict.fromkeys(one.series for record in records for one in record.groups.values() if one.series))
    figure = Figure(figsize=(4 * len(records), 2.4 * len(series)), layout="constrained")
    grid = figure.subplots(len(series), len(records), squeeze=False, sharey="row")
    for row, name in enumerate(series):
        for column, record in enumerate(records):
            own = [one for one in record.groups.values() if one.series == name]
            _line(grid[row][column], own)
            grid[row][column].set_title(f"{name}, {_name(record)}")
    return figure


def _line(axes: Any, groups: Sequence[Measured]) -> None:
    in_bytes = any(one.size >= figures.MIB for one in groups)
    for side, colour in _colours(groups).items():
        points = [(one.size, figures.seconds(one, side)) for one in groups if side in one.samples]
        sizes = [size / figures.MIB if in_bytes else size for size, _seconds in points]
        axes.plot(sizes, [seconds for _size, seconds in points], "o-", color=colour, label=side, markersize=3)
    axes.set(xscale="log", yscale="log", xlabel="MiB" if in_bytes else "number", ylabel="seconds")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=6)


def _bars(records: Sequence[Record]) -> Figure:
    """Seconds of each side, a row for each group and a column for each engine."""
    groups = list(dict.fromkeys(name for record in records for name in record.groups))
    sides = [max(len(record.groups[name].samples) for record in records if name in record.groups) for name in groups]
    figure = Figure(figsize=(4 * len(records), 0.2 * sum(sides) + 0.8 * len(groups)), layout="constrained")
    grid = figure.subplots(len(groups), len(records), squeeze=False, sharex="row", height_ratios=sides)
    for row, name in enumerate(groups):
        for column, record in enumerate(records):
            if name in record.groups:
                _bar(grid[row][column], record.groups[name])
            grid[row][column].set_title(f"{name}, {_name(record)}")
    return figure


def _bar(axes: Any, measured: Measured) -> None:
    colours = _colours([measured])
    sides = list(measured.samples)[::-1]
    lengths = [figures.seconds(measured, side) for side in sides]
    bars = axes.barh(sides, lengths, color=[colours[side] for side in sides])
    axes.bar_label(bars, fmt="%.2f", padding=2)
    axes.margins(x=0.3)  # place for the labels
    axes.set_xlabel("seconds")


if __name__ == "__main__":
    main()
