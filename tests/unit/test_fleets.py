# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The model of deliveries: the guide has its table, and it agrees with what the benchmark measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.gantry.docker.tests.bench import results
from ansible_collections.gantry.docker.tests.bench.figures import seconds
from ansible_collections.gantry.docker.tests.support import fleets
from ansible_collections.gantry.docker.tests.support.fleets import Fleet

DOCS = Path(__file__).resolve().parents[2] / "docs"
# Ten hosts on one machine with two processors (tests/bench/parts/fleet.py).
TEN, MEASURED = "10 hosts", Fleet(10, forks=5, cores=2, wan=fleets.GIGABIT)


def test_guide_has_the_table_of_the_model() -> None:
    assert f"\n\n{fleets.table()}\n\n" in (DOCS / "fleets.md").read_text()


def test_model_agrees_with_the_benchmark() -> None:
    foreseen = fleets.thin(MEASURED)
    records = [record for record in results.read(DOCS / "benchmarks.json") if record.part == "fleet"]
    compared = [(record.groups[TEN], side) for record in records for side in record.groups[TEN].ours]
    assert compared
    for measured, side in compared:
        assert measured.counted[side].sent == pytest.approx(foreseen.sent, rel=0.02)
        # What runs on the hosts runs here on the same processors, and disks are slow and quick.
        assert 0.5 < seconds(measured, side) / foreseen.seconds < 2
