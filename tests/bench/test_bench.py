# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark works, and its document has its numbers."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ansible_collections.gantry.docker.tests.bench import document, results
from ansible_collections.gantry.docker.tests.bench.plots import drawn
from ansible_collections.gantry.docker.tests.bench.results import Record
from ansible_collections.gantry.docker.tests.bench.work import PROCESSES, TASKS, Counted, Groups, Measured, Sample
from ansible_collections.gantry.docker.tests.engines.engine import DEFAULT_NAMES
from ansible_collections.gantry.docker.tests.engines.roots import CannotBuild, root_of

MIB = 1024 * 1024


def bench(output: Path, *arguments: str, succeeds: bool = True) -> str:
    """Run the benchmark as `dev` does; return its messages."""
    command = [sys.executable, "-m", "ansible_collections.gantry.docker.tests.bench", "--output", str(output)]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode == 0) == succeeds, done.stderr
    return done.stderr


def measured(ours: list[float], theirs: list[float], memory: int = 50) -> Measured:
    """Return a measurement of the thin load beside the CLI's, in seconds; memory in MiB above a bare module's."""

    def samples(walls: list[float], more: int = 0) -> tuple[Sample, ...]:
        return tuple(Sample(wall, wall / 2, (40 + more) * MIB) for wall in walls)

    return Measured(
        how=PROCESSES,
        size=0,
        ours=("image_load",),
        samples={
            "bare module": samples([0.1] * len(ours)),
            "image_load": samples(ours, memory),
            "docker load -i": samples(theirs),
        },
        counted={"image_load": Counted(12 * MIB, MIB, 0)},
    )


def record(part: str, groups: Groups) -> Record:
    run = dict.fromkeys([*document.FACTS, "date"], "known") | {
        "quick": False,
        "rounds": 3,
        "load": 0.5,
        "docker": "28.5.2+dfsg",
    }
    profile = [{"function": "wire.py:send", "calls": 3, "own": 0.25, "all": 0.5}]
    return Record(part, "sid-classic", run, groups, {"What load of 10 MiB on 1 GiB sends": profile})


@pytest.fixture
def known() -> list[Record]:
    thin = {"10 MiB on 1 GiB": measured([0.25, 0.2, 0.3], [5.0, 2.0, 3.0])}
    return [record("thin", thin), record("load", {"random, 1 GiB": measured([2.0, 2.4, 2.2], [2.0, 2.0, 2.0])})]


def some_engine() -> str:
    """Return the first engine that can be built: which one makes no difference."""
    for name in DEFAULT_NAMES:
        with suppress(CannotBuild):
            root_of(name.partition("-")[0])
            return name
    pytest.fail(f"None of {', '.join(DEFAULT_NAMES)} can be had.")


def test_a_quick_run_measures_and_writes_the_document(tmp_path: Path) -> None:
    engine = some_engine()
    bench(tmp_path, "thin", "exec", "--quick", "--engines", engine)
    thin, exec_ = results.read(tmp_path / "benchmarks.json")
    assert (thin.part, thin.engine, thin.run["quick"], thin.run["rounds"]) == ("thin", engine, True, 1)
    group = thin.groups["1 MiB on 10 MiB"]
    assert list(group.samples) == ["bare module", "image_load", "docker load -i"]
    assert all(len(rounds) == 1 and rounds[0].wall > 0 and rounds[0].cpu > 0 for rounds in group.samples.values())
    assert all(10 * MIB < rounds[0].memory < 500 * MIB for rounds in group.samples.values())
    # A thin load sends the upper layer, the CLI both.
    assert MIB < group.counted["image_load"].sent < 2 * MIB < 11 * MIB < group.counted["docker load -i"].sent < 13 * MIB
    assert list(exec_.groups["true"].samples)[1:3] == ["container_exec", "docker_container_exec"]
    said = (tmp_path / "benchmarks.md").read_text()
    assert "**quick run**" in said
    assert "benchmarks/thin.svg)" in said
    assert [file.name for file in (tmp_path / "benchmarks").iterdir()] == ["thin.svg"]
    assert ElementTree.parse(tmp_path / "benchmarks" / "thin.svg").getroot().tag.endswith("svg")  # noqa: S314
    # The same numbers give the same document and plots.
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.*")}
    bench(tmp_path, "--document")
    assert {file: file.read_bytes() for file in tmp_path.rglob("*.*")} == before


def test_numbers_survive_their_file(tmp_path: Path, known: list[Record]) -> None:
    results.write(tmp_path / "raw.json", known)
    assert results.read(tmp_path / "raw.json") == sorted(known, key=lambda one: one.part)


def test_file_has_a_line_for_each_side(tmp_path: Path, known: list[Record]) -> None:
    results.write(tmp_path / "raw.json", known[:1])
    lines = [line.strip() for line in (tmp_path / "raw.json").read_text().splitlines()]
    samples = "[[0.25, 0.125, 94371840], [0.2, 0.1, 94371840], [0.3, 0.15, 94371840]]"
    assert f'"image_load": {{"samples": {samples}, "counted": [12582912, 1048576, 0]}},' in lines


def test_file_of_another_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw.json").write_text('{"version": 1, "records": []}')
    with pytest.raises(SystemExit, match=r"raw\.json has another form"):
        results.read(tmp_path / "raw.json")


def test_new_numbers_take_the_place_of_old_ones(known: list[Record]) -> None:
    thin, load = known
    newer = record("thin", {})
    assert results.merged([thin, load], [newer]) == [newer, load]


def test_document_tells_medians_and_ratios(known: list[Record]) -> None:
    said = document.written(known, "raw.json", "plots").splitlines()
    assert "[what was measured](raw.json)" in "\n".join(said)
    # 0.25, 0.2 and 0.3 by 5, 2 and 3: the median of the ratios, not the ratio of the medians
    assert "| Load of 10 MiB on 1 GiB, by docker load -i | ≤ 0.1 × | ✓ 0.1 (0.05 to 0.1) |" in said
    assert "| What load of 10 MiB on 1 GiB sends | ≤ 11 MiB | **✗ 12** |" in said
    assert "| Full load, random, 1 GiB, by docker load -i | ≤ 1.05 × | **✗ 1.1 (1 to 1.2)** |" in said
    assert "| Memory of it above a bare module's, random, 1 GiB | ≤ 64 MiB | ✓ 50 |" in said
    assert "| Full load, Debian, 1 GiB, by docker load -i | ≤ 1.05 × | – |" in said


def test_document_tells_what_is_for_some_engines_only() -> None:
    save = measured([1.1], [1.0])
    named = dict(zip(("bare module", "image_save", "docker save -o"), save.samples.values(), strict=True))
    group = {"plain, Debian, 1 GiB": replace(save, samples=named)}
    records = [replace(record("save-plain", group), engine=engine) for engine in ("sid-classic", "bookworm-classic")]
    said = document.written(records, "raw.json", "plots").splitlines()
    assert [line for line in said if line.startswith("| Save, plain, Debian, 1 GiB, by docker save -o")] == [
        "| Save, plain, Debian, 1 GiB, by docker save -o | ≤ 1.05 × | **✗ 1.1** |  |",
        "| Save, plain, Debian, 1 GiB, by docker save -o | ≤ 1.15 × |  | ✓ 1.1 |",
    ]


def test_two_sides_are_compared_by_what_the_second_takes_more() -> None:
    def samples(*walls: float) -> tuple[Sample, ...]:
        return tuple(Sample(wall, wall) for wall in walls)

    pulls = {"image_pull of 20": samples(0.5, 0.6), "image_pull of 100": samples(0.9, 1.2)}
    asked = {"curl, inspect of 20": samples(0.1, 0.1), "curl, inspect of 100": samples(0.6, 0.5)}
    here = {"pull of what is here": Measured(TASKS, 0, tuple(pulls), {**pulls, **asked}, {})}
    said = document.written([record("here", here)], "raw.json", "plots")
    what = "100 images that are here, less 20, by curl that has the engine inspect them"
    assert f"| {what} | ≤ 1.1 × | **✗ 1.15 (0.8 to 1.5)** |" in said


def test_document_tells_ratios_of_parts_without_targets(known: list[Record]) -> None:
    assert "without a target" not in document.written(known, "raw.json", "plots")
    command = record("exec", {"true": measured([2.0, 2.4, 2.2], [2.0, 2.0, 2.0])})
    said = document.written([*known, command], "raw.json", "plots").splitlines()
    assert "| A command in a container: true, image_load by docker load -i | 1.1 (1 to 1.2) |" in said


def test_plot_tells_medians_and_spread(known: list[Record]) -> None:
    plotted = document.plotted(known)
    assert [part.name for part in plotted] == ["thin"]
    engines = next(iter(plotted.values()))
    assert list(engines) == ["28.5.2 classic"]
    plot = ElementTree.fromstring(drawn(engines))  # noqa: S314
    ns = "{http://www.w3.org/2000/svg}"
    bars = [float(rect.attrib["width"]) for rect in plot.findall(f"{ns}rect")[1:]]
    assert bars == pytest.approx([4.6, 11.5, 138.0]), "medians; the longest round, 5 s, is as wide as a column"
    assert [path.attrib["d"] for path in plot.findall(f"{ns}path")][2] == "M332.0 91H470.0", "from 2 to 5 s"
    assert {"28.5.2 classic", "image_load", "0.25", "3.00"} <= {text.text for text in plot.findall(f"{ns}text")}


def test_without_numbers_no_document_is_written(tmp_path: Path) -> None:
    assert "Nothing was measured" in bench(tmp_path, "--document", succeeds=False)
    assert list(tmp_path.iterdir()) == []
