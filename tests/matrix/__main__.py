# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The integration tests on each supported ansible-core, with each Python that it allows on the controller.

`./dev test --matrix` calls it. A run without names of tests is kept in results.json beside this, and README.md shows
what is there.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from ansible_collections.gantry.docker.tests.matrix import results
from ansible_collections.gantry.docker.tests.matrix.results import FORM, Pair, Result
from ansible_collections.gantry.docker.tests.support.pythons import real_pythons

REPOSITORY = Path(__file__).resolve().parents[2]
REQUIREMENTS = REPOSITORY / "tests/requirements"
# The tests of a run that takes two minutes: above all what runs on the controller itself.
CHOSEN = ("connection_container", "image_load_src", "filters", "needs_no_library", "impossible_options")


class Outcome(NamedTuple):
    """The end of a run of the tests on a pair."""

    passed: int
    failed: int
    skipped: int
    seconds: float
    said: str


def environment_of(pair: Pair, python: Path, state: Path) -> Path:
    """Return a virtual environment with the locked tools and this ansible-core; make it if it is missing."""
    tools, core = REQUIREMENTS / "dev.txt", REQUIREMENTS / f"core-{pair.core}.txt"
    key = hashlib.sha256(tools.read_bytes() + core.read_bytes()).hexdigest()[:12]
    environment = state / f"{pair}-{key}"
    if not (environment / "complete").exists():
        uv: list[str | Path] = ["uv", "--quiet"]
        there = {**os.environ, "VIRTUAL_ENV": str(environment)}
        subprocess.run([*uv, "venv", "--clear", "--no-project", "--python", python, environment], check=True)
        subprocess.run([*uv, "pip", "sync", "--require-hashes", tools], check=True, env=there)
        # In place of the core of the tools; its own dependencies, but for resolvelib, are those of all cores.
        install = ["pip", "install", "--no-deps", "--require-hashes", "--requirement"]
        subprocess.run([*uv, *install, core], check=True, env=there)
        (environment / "complete").touch()
    return environment


def run(environment: Path, engines: str, names: Sequence[str]) -> Outcome:
    """Run the integration tests of these names, or all, in an environment."""
    report = environment / "report.xml"
    report.unlink(missing_ok=True)
    options = ["--numprocesses", str(os.cpu_count()), "--dist", "loadgroup", "--engines", engines, "--quiet"]
    chosen = ["-k", " or ".join(names)] if names else []
    command = [f"{environment}/bin/pytest", "tests/integration", "-o", f"cache_dir={environment}/tests"]
    settings = {
        "PATH": f"{environment}/bin{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_HOME": f"{environment}/home",
    }
    start = time.monotonic()
    done = subprocess.run(
        [*command, *options, *chosen, f"--junit-xml={report}"],
        cwd=REPOSITORY,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - start
    if not report.exists():
        return Outcome(0, 1, 0, seconds, done.stdout)
    (suite,) = ElementTree.parse(report).getroot().iter("testsuite")  # noqa: S314
    total, failures, errors, skipped = (int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped"))
    failed = failures + errors or int(done.returncode != 0)
    return Outcome(total - failures - errors - skipped, failed, skipped, seconds, done.stdout if failed else "")


def chosen_pairs(pairs: Sequence[Pair], pythons: Mapping[int, Path]) -> list[Pair]:
    """Return the ends of the range: the oldest core on its oldest Python here, the newest one on its newest."""
    here = [pair for pair in pairs if pair.minor in pythons]
    return [here[0], here[-1]] if len(here) > 1 else here


def measured(pair: Pair, environment: Path, engines: str, outcome: Outcome) -> Result:
    """Return the result as it is kept."""
    probe = "import ansible.release, platform; print(ansible.release.__version__, platform.python_version())"
    answer = subprocess.run([environment / "bin/python", "-c", probe], capture_output=True, text=True, check=True)
    core, python = answer.stdout.split()
    today = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    names = tuple(engines.split(","))
    return Result(str(pair), core, python, names, today, outcome.passed, outcome.failed, outcome.skipped)


def arguments() -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(prog="./dev test --matrix", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a pair, as 2.17-3.11, or a part of a test's name")
    parser.add_argument("--engines", required=True, help="the engines, as NAME,...")
    parser.add_argument("--chosen", action="store_true", help="run a part that takes two minutes")
    return parser.parse_args()


def main() -> int:
    """Run the tests on all pairs, or on the chosen ones, one after the other; return the exit code."""
    given = arguments()
    state = Path(os.environ["GANTRY_STATE"]).resolve() / "matrix"
    state.mkdir(exist_ok=True)
    pythons = real_pythons()
    wanted = [Pair(*found.groups()) for name in given.names if (found := re.fullmatch(FORM, name))]
    names = [name for name in given.names if not re.fullmatch(FORM, name)]
    pairs, engines = wanted or list(results.PAIRS), given.engines
    if given.chosen:
        pairs, names, engines = chosen_pairs(pairs, pythons), list(CHOSEN), engines.partition(",")[0]
    good = True
    for pair in pairs:
        if pair.minor not in pythons:
            print(f"{pair}: NOT TESTED, as this machine has no Python {pair.python}", flush=True)
            good = good and not wanted
            continue
        environment = environment_of(pair, pythons[pair.minor], state)
        outcome = run(environment, engines, names)
        counts = f"{outcome.passed} passed, {outcome.skipped} skipped, {outcome.failed} failed"
        print(f"{outcome.said}{pair} on {engines}: {counts}, {outcome.seconds:.0f} s", flush=True)
        good = good and not outcome.failed
        if not names:
            results.keep(measured(pair, environment, engines, outcome))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
