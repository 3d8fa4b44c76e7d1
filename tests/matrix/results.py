# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pairs of an ansible-core and a Python, and the last results of all integration tests on them."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[2]
FILE = Path(__file__).with_name("results.json")
README = REPOSITORY / "README.md"
BEGIN, END = "<!-- ./dev test --matrix writes this table -->\n", "<!-- end -->\n"


class Pair(NamedTuple):
    """A controller: minor versions of ansible-core and of Python, as "2.17" and "3.11"."""

    core: str
    python: str

    @property
    def minor(self) -> int:
        """The minor version of Python 3."""
        return int(self.python.partition(".")[2])

    def __str__(self) -> str:
        return f"{self.core}-{self.python}"


FORM = r"(2\.\d+)-(3\.\d+)"

# Ansible's own table of controllers; the tests need Python 3.11, so 2.17 isn't tested on 3.10.
# docs.ansible.com, ansible-core support matrix
PAIRS = tuple(
    Pair(core, f"3.{minor}")
    for core, oldest, newest in (
        ("2.17", 11, 12),
        ("2.18", 11, 13),
        ("2.19", 11, 13),
        ("2.20", 12, 14),
        ("2.21", 12, 14),
    )
    for minor in range(oldest, newest + 1)
)


class Result(NamedTuple):
    """The last run of all integration tests on a pair.

    pair: its name. core, python: the whole versions. engines: the names of the engines. date: as 2026-11-27.
    """

    pair: str
    core: str
    python: str
    engines: tuple[str, ...]
    date: str
    passed: int
    failed: int
    skipped: int


def read() -> dict[str, Result]:
    """Return the kept results by the names of their pairs."""
    rows = json.loads(FILE.read_text()) if FILE.exists() else []
    return {row["pair"]: Result(**{**row, "engines": tuple(row["engines"])}) for row in rows}


def keep(result: Result) -> None:
    """Keep a result in place of the pair's former one, and write the table into README.md."""
    kept = {**read(), result.pair: result}
    order = [str(pair) for pair in PAIRS]
    rows = sorted(kept.values(), key=lambda row: order.index(row.pair))
    lines = ",\n  ".join(json.dumps(row._asdict()) for row in rows)
    FILE.write_text(f"[\n  {lines}\n]\n")
    README.write_text(with_table(README.read_text(), rows))


def with_table(text: str, rows: Collection[Result]) -> str:
    """Return a text with the table of results between its marks."""
    before, begin, rest = text.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README.md lacks {BEGIN.strip()} or {END.strip()}")
    if not rows:
        return before + begin + "\nNone yet.\n\n" + end + after
    heading = "| ansible-core | Python of the controller | Engines | Passed | Skipped | Failed | Date |"
    lines = [heading, "| --- | --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        cells = (row.core, row.python, ", ".join(row.engines), row.passed, row.skipped, row.failed, row.date)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return before + begin + "\n" + "\n".join(lines) + "\n\n" + end + after
