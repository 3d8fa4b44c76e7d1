# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was measured, as JSON: one record for each part on each engine, from which the document is made."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gantry.docker.tests.bench.parts import PARTS
from ansible_collections.gantry.docker.tests.bench.work import Counted, Groups, Measured, Sample


@dataclass(frozen=True)
class Record:
    """A part on one engine.

    run: the circumstances: date, machine, programs, rounds and whether it was a quick one. groups: as measured.
    profiles: where the time went, for each target that wasn't met. left_out: why nothing was measured.
    """

    part: str
    engine: str
    run: dict[str, Any]
    groups: Groups
    profiles: dict[str, list[dict[str, Any]]]
    left_out: str = ""


def read(path: Path) -> list[Record]:
    """The records of a file; none if there is no such file."""
    return [_record(**row) for row in json.loads(path.read_text())["records"]] if path.exists() else []


def write(path: Path, records: Iterable[Record]) -> None:
    """Write records, so that the same ones give the same file."""
    order = [part.name for part in PARTS]
    rows = [asdict(one) for one in sorted(records, key=lambda one: (order.index(one.part), one.engine))]
    path.write_text(json.dumps(_rounded({"version": 1, "records": rows}), indent=1) + "\n")


def merged(old: Iterable[Record], new: Iterable[Record]) -> list[Record]:
    """All records, the new ones in the place of those of the same part and engine."""
    known = {part.name for part in PARTS}
    return list({(one.part, one.engine): one for one in [*old, *new] if one.part in known}.values())


def _rounded(value: Any) -> Any:
    """A value with its numbers as exact as clocks are."""
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _record(groups: dict[str, Any], **row: Any) -> Record:
    return Record(groups={name: _measured(**group) for name, group in groups.items()}, **row)


def _measured(samples: dict[str, Any], counted: dict[str, Any], ours: list[str], **group: Any) -> Measured:
    return Measured(
        samples={side: tuple(Sample(**sample) for sample in rounds) for side, rounds in samples.items()},
        counted={side: Counted(**numbers) for side, numbers in counted.items()},
        ours=tuple(ours),
        **group,
    )
