# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark's command line: it measures parts on private engines, and writes the document."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ansible_collections.gantry.docker.tests.bench import document, results
from ansible_collections.gantry.docker.tests.bench.circumstances import circumstances
from ansible_collections.gantry.docker.tests.bench.content import Layers
from ansible_collections.gantry.docker.tests.bench.measure import BenchFailed, Runner
from ansible_collections.gantry.docker.tests.bench.parts import PARTS
from ansible_collections.gantry.docker.tests.bench.parts.part import Bench, LeftOut, Part
from ansible_collections.gantry.docker.tests.bench.plots import drawn
from ansible_collections.gantry.docker.tests.bench.results import Record
from ansible_collections.gantry.docker.tests.bench.work import Group, Measured, Module
from ansible_collections.gantry.docker.tests.engines import engine as engines
from ansible_collections.gantry.docker.tests.engines.images import content
from ansible_collections.gantry.docker.tests.engines.places import STATE
from ansible_collections.gantry.docker.tests.engines.roots import CannotBuild

DOCS = Path(__file__).resolve().parents[2] / "docs"
RAW, DOCUMENT, PLOTS = "benchmarks.json", "benchmarks.md", "benchmarks"


def main() -> int:
    """Measure as the command line says, and write the document; return the exit code."""
    arguments = _parser().parse_args()
    output = arguments.output or (STATE / "bench" / "quick" if arguments.quick else DOCS)
    output.mkdir(parents=True, exist_ok=True)
    problems = [] if arguments.document else _measure(arguments, output / RAW)
    if results.read(output / RAW):
        write_document(output)
        print(f"Wrote {output / DOCUMENT} from the numbers in {RAW}", file=sys.stderr)
    else:
        problems.append(f"Nothing was measured: there are no numbers in {output / RAW}.")
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    return 1 if problems else 0


def write_document(output: Path) -> None:
    """Write the document and its plots from the numbers in their directory."""
    records = results.read(output / RAW)
    plots = output / PLOTS
    shutil.rmtree(plots, ignore_errors=True)
    plots.mkdir()
    for part, measured in document.plotted(records).items():
        (plots / f"{part.name}.svg").write_text(drawn(measured))
    (output / DOCUMENT).write_text(document.written(records, RAW, PLOTS))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    names = [part.name for part in PARTS]
    parser.add_argument(
        "parts", nargs="*", metavar="PART", choices=[*names, []], help=f"one of {', '.join(names)}; all without it"
    )
    parser.add_argument(
        "--quick", action="store_true", help="measure small sizes, one round on one engine, to see that it works"
    )
    parser.add_argument("--engines", help=f"the engines, as NAME,...; {', '.join(engines.DEFAULT_NAMES)} without it")
    parser.add_argument("--rounds", type=int, help="the number of runs of each side after the warm-up; 5 without it")
    parser.add_argument("--output", type=Path, metavar="DIRECTORY", help="write there instead of to docs/")
    parser.add_argument("--document", action="store_true", help="measure nothing, only write the document")
    return parser


def _measure(arguments: argparse.Namespace, raw: Path) -> list[str]:
    """Measure the chosen parts, and replace their former numbers; return a message for each failure."""
    usual = engines.DEFAULT_NAMES[:1] if arguments.quick else engines.DEFAULT_NAMES
    names = arguments.engines.split(",") if arguments.engines else usual
    rounds = arguments.rounds or (1 if arguments.quick else 5)
    problems = []
    for name in names:
        for part in PARTS:
            if arguments.parts and part.name not in arguments.parts:
                continue
            print(f"\033[1m→ {part.name} on {name}\033[0m", file=sys.stderr)
            started = time.monotonic()
            try:
                record = _record(part, name, rounds, arguments.quick)
            except (BenchFailed, CannotBuild, engines.EngineFailed) as problem:
                problems.append(f"{part.name} on {name}: {problem}")
                continue
            print(f"    it took {time.monotonic() - started:.0f} s", file=sys.stderr)
            # After each part, because a long run may be interrupted.
            results.write(raw, results.merged(results.read(raw), [record]))
    return problems


def _record(part: Part, name: str, rounds: int, quick: bool) -> Record:
    """Measure a part on an engine of its own."""
    with ExitStack() as cleanup:
        engine = cleanup.enter_context(engines.running(name, content()))
        # The engine's files are removed with it, even if this process is killed.
        bench = Bench(Runner(engine, rounds, warm=not quick), Layers(engine.files / "layers"), quick, cleanup)
        run = {"quick": quick, "rounds": rounds, "docker": engine.version, **circumstances()}
        groups: dict[str, Measured] = {}
        profiles: dict[str, list[dict[str, Any]]] = {}
        try:
            for group in part.groups(bench):
                groups[group.name] = bench.runner.measure(group)
                print(document.line(group.name, groups[group.name]), file=sys.stderr)
                profiles.update(_profiles(bench, part, group, groups))
        except LeftOut as reason:
            return Record(part.name, name, run, groups, profiles, str(reason))
        return Record(part.name, name, run, groups, profiles)


def _profiles(
    bench: Bench, part: Part, group: Group, groups: dict[str, Measured]
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield a profile for each missed target of a group; none after one round, which proves nothing."""
    for target in [] if bench.quick else part.missed(groups, bench.engine.name):
        for side in group.sides:
            alone = isinstance(side.work, Module) and not side.host
            if alone and (target.group, target.side) == (group.name, side.name):
                yield target.what, bench.runner.profile(side)


if __name__ == "__main__":
    sys.exit(main())
