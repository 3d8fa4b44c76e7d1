# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results as JSON: one record for each part on each engine. The document is made from them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gantry.docker.tests.bench.parts import PARTS
from ansible_collections.gantry.docker.tests.bench.work import Counted, Groups, Measured, Sample

_VERSION = 2


@dataclass(frozen=True)
class Record:
    """A part on one engine.

    run: the circumstances: date, machine, programs, rounds, and whether it was a quick run. groups: the measurements.
    profiles: a profile for each missed target. left_out: the reason if nothing was measured.
    """

    part: str
    engine: str
    run: dict[str, Any]
    groups: Groups
    profiles: dict[str, list[dict[str, Any]]]
    left_out: str = ""


def read(path: Path) -> list[Record]:
    """Return the records of a file; none if there is no such file."""
    if not path.exists():
        return []
    known = json.loads(path.read_text())
    if known["version"] != _VERSION:
        raise SystemExit(f"{path} has another form than this benchmark writes. Remove it, or use --output.")
    return [_record(**row) for row in known["records"]]


def write(path: Path, records: Iterable[Record]) -> None:
    """Write records; the same records give the same file."""
    order = [part.name for part in PARTS]
    rows = [_row(one) for one in sorted(records, key=lambda one: (order.index(one.part), one.engine))]
    path.write_text(_text({"version": _VERSION, "records": rows}) + "\n")


def merged(old: Iterable[Record], new: Iterable[Record]) -> list[Record]:
    """Return all records; a new one replaces that of the same part and engine."""
    known = {part.name for part in PARTS}
    return list({(one.part, one.engine): one for one in [*old, *new] if one.part in known}.values())


def _row(record: Record) -> dict[str, Any]:
    return {
        "part": record.part,
        "engine": record.engine,
        "left_out": record.left_out,
        "run": record.run,
        "groups": {name: _group(measured) for name, measured in record.groups.items()},
        "profiles": record.profiles,
    }


def _group(measured: Measured) -> dict[str, Any]:
    sides: dict[str, dict[str, Any]] = {}
    for side, samples in measured.samples.items():
        sides[side] = {"samples": [astuple(sample) for sample in samples]}
        if side in measured.counted:
            sides[side]["counted"] = astuple(measured.counted[side])
    return {"how": measured.how, "size": measured.size, "ours": measured.ours, "sides": sides}


def _text(value: Any, depth: int = 1) -> str:
    """Return a value as JSON in which only objects begin a line, so that each side of a group has one line."""
    if isinstance(value, dict):
        items = [(inner, f"{json.dumps(key)}: {_text(inner, depth + 1)}") for key, inner in value.items()]
        return f"{{{_items(items, depth)}}}"
    if isinstance(value, (list, tuple)):
        return f"[{_items([(inner, _text(inner, depth + 1)) for inner in value], depth)}]"
    # Clocks aren't more exact.
    return json.dumps(round(value, 5) if isinstance(value, float) else value)


def _items(items: Iterable[tuple[Any, str]], depth: int) -> str:
    line = "\n" + " " * depth
    return ",".join((line if isinstance(value, dict) else " ") + text for value, text in items).removeprefix(" ")


def _record(groups: dict[str, Any], **row: Any) -> Record:
    return Record(groups={name: _measured(**group) for name, group in groups.items()}, **row)


def _measured(sides: dict[str, Any], ours: list[str], **group: Any) -> Measured:
    return Measured(
        samples={side: tuple(Sample(*row) for row in rows["samples"]) for side, rows in sides.items()},
        counted={side: Counted(*rows["counted"]) for side, rows in sides.items() if "counted" in rows},
        ours=tuple(ours),
        **group,
    )
