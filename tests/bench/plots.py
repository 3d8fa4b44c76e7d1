# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plots in SVG: a bar for each side, with the lowest and the highest of its rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from xml.etree import ElementTree

from ansible_collections.gantry.docker.tests.bench import figures
from ansible_collections.gantry.docker.tests.bench.work import Groups

# Colours that colour-blind people can tell apart: jfly.uni-koeln.de/color
_OURS, _OTHER, _RANGE = "#0072b2", "#e69f00", "#000000"
_LABELS, _COLUMN, _GAP, _ROW = 240, 230, 60, 16  # widths and a height, in pixels


def drawn(engines: Mapping[str, Groups]) -> str:
    """Return the plot of a part: a block of bars for each group, and a column for each engine by its title."""
    plot = ElementTree.Element("svg", xmlns="http://www.w3.org/2000/svg")
    plot.set("font-family", "sans-serif")
    plot.set("font-size", "11")
    _add(plot, "rect", width="100%", height="100%", fill="white")
    for column, engine in enumerate(engines):
        _write(plot, _left(column), _ROW, engine)
    below = 2 * _ROW
    for name in dict.fromkeys(name for groups in engines.values() for name in groups):
        _write(plot, 8, below + _ROW, f"{name}, in seconds")
        known = [groups.get(name) for groups in engines.values()]
        sides = list(dict.fromkeys(side for measured in known if measured for side in measured.samples))
        longest = max(max(figures.walls(one, side)) for one in known if one for side in one.samples)
        for side in sides:
            below += _ROW
            _write(plot, 24, below + _ROW, side)
            for column, measured in enumerate(known):
                if measured and side in measured.samples:
                    colour = _OURS if side in measured.ours else _OTHER
                    _bar(plot, (_left(column), below), figures.walls(measured, side), longest, colour)
        below += 2 * _ROW
    plot.set("viewBox", f"0 0 {_left(len(engines))} {below}")
    ElementTree.indent(plot, "")
    return ElementTree.tostring(plot, encoding="unicode") + "\n"


def _left(column: int) -> int:
    return _LABELS + column * (_COLUMN + _GAP)


def _bar(
    plot: ElementTree.Element, corner: tuple[int, int], seconds: Sequence[float], longest: float, colour: str
) -> None:
    left, top = corner
    scale = _COLUMN / longest
    middle, high, low = median(seconds) * scale, max(seconds) * scale, min(seconds) * scale
    _add(plot, "rect", x=left, y=top + 5, width=middle, height=_ROW - 4, fill=colour)
    _add(plot, "path", d=f"M{left + low:.1f} {top + 11}H{left + high:.1f}", stroke=_RANGE)
    _write(plot, left + high + 4, top + _ROW - 1, f"{median(seconds):.2f}")


def _write(plot: ElementTree.Element, x: float, y: float, text: str) -> None:
    _add(plot, "text", x=x, y=y).text = text


def _add(plot: ElementTree.Element, tag: str, **attributes: object) -> ElementTree.Element:
    """Add an element; numbers are rounded to what a screen shows."""
    shown = {name: f"{value:.1f}" if isinstance(value, float) else str(value) for name, value in attributes.items()}
    return ElementTree.SubElement(plot, tag, shown)
