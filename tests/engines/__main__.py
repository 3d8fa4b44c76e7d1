# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line of the private engines."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from ansible_collections.gantry.docker.tests.engines import engine as engines
from ansible_collections.gantry.docker.tests.engines.added import CannotAdd, add, layers_of
from ansible_collections.gantry.docker.tests.engines.images import content
from ansible_collections.gantry.docker.tests.engines.places import STATE, locked
from ansible_collections.gantry.docker.tests.engines.roots import CannotBuild


def main() -> int:
    """Run the command that the command line names; return the exit code."""
    arguments = _parser().parse_args()
    try:
        return int(arguments.do(arguments))
    except (CannotAdd, CannotBuild, engines.EngineFailed, engines.NotPrivate) as problem:
        print(problem, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="engines", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="start|stop|list|add|choose|guard|run")
    start = commands.add_parser("start", help="start an engine, and print DOCKER_HOST=... when it answers")
    start.add_argument("name", choices=engines.names())
    start.set_defaults(do=_start)
    stop = commands.add_parser("stop", help="stop an engine")
    which = stop.add_mutually_exclusive_group(required=True)
    which.add_argument("instance", nargs="?", help="the name that `list` shows")
    which.add_argument("--all", action="store_true", help="stop all private engines, also those of other runs")
    stop.set_defaults(do=_stop)
    commands.add_parser("list", help="list the engines and which of them run").set_defaults(do=_list)
    adding = commands.add_parser("add", help="make NAME-classic and NAME-containerd from Docker's own binaries")
    adding.add_argument("name", help="a name, such as 29.1.2; binaries of the same name are replaced")
    adding.add_argument("source", type=Path, help="a .tgz of Docker's static releases, or a directory")
    adding.set_defaults(do=_add)
    choose = commands.add_parser("choose", help="print the engines that can be built today; fail if a store has none")
    choose.add_argument("names", help="NAME,... or all")
    choose.set_defaults(do=_choose)
    guard = commands.add_parser("guard", help="fail unless DOCKER_HOST names a private engine")
    guard.set_defaults(do=_guard)
    run = commands.add_parser("run", help="run a command with engines that end with the command")
    run.add_argument("--engine", default="sid-containerd", metavar="NAME[,NAME...]")
    run.add_argument(
        "command",
        nargs="+",
        metavar="-- COMMAND",
        help="the command; in its environment DOCKER_HOST names the first engine, and GANTRY_ENGINES the running ones",
    )
    run.set_defaults(do=_run)
    return parser


def _start(arguments: argparse.Namespace) -> int:
    print(f"DOCKER_HOST={engines.start(arguments.name, content()).docker_host}")
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    running = [engine.instance for engine in engines.running_engines()]
    if not arguments.all and arguments.instance not in running:
        raise engines.EngineFailed(
            f"No engine '{arguments.instance}' runs. Running engines: {', '.join(running) or 'none'}."
        )
    for instance in running if arguments.all else [arguments.instance]:
        engines.stop(instance)
        print(f"{instance} stopped")
    with locked(STATE / "engines" / "sweep.lock"):
        engines.sweep_left_overs()
    return 0


def _list(_arguments: argparse.Namespace) -> int:
    running = engines.running_engines()
    for engine in running:
        print(f"{engine.instance:<28}Docker {engine.version:<20} {engine.docker_host}")
    for name in sorted(set(engines.names()) - {engine.instance for engine in running}):
        print(f"{name:<28}not running")
    return 0


def _add(arguments: argparse.Namespace) -> int:
    for name in add(arguments.name, arguments.source, engines.stores_of):
        with engines.running(name, None) as engine:
            print(f"{name:<28}Docker {engine.version}")
    return 0


def _choose(arguments: argparse.Namespace) -> int:
    """Build the root file systems of the chosen engines, and print those that could be built.

    Fail if a chosen store has no engine then.
    """
    wanted = engines.names() if arguments.names == "all" else tuple(arguments.names.split(","))
    if unknown := sorted(set(wanted) - set(engines.names())):
        raise engines.EngineFailed(
            f"There is no engine '{unknown[0]}'. Choose from {', '.join(engines.names())}, or choose all."
        )
    chosen = [name for name in wanted if _can_be_built(name)]
    print(",".join(chosen))
    lacking = {name.partition("-")[2] for name in wanted} - {name.partition("-")[2] for name in chosen}
    if lacking:
        print(f"!!! No engine with the {' or the '.join(sorted(lacking))} store can be built today.", file=sys.stderr)
    return 1 if lacking else 0


def _can_be_built(name: str) -> bool:
    try:
        layers_of(name.partition("-")[0])
    except CannotBuild as problem:
        print(f"!!! {name} IS NOT TESTED, because it can't be built today: {problem}", file=sys.stderr)
        return False
    return True


def _guard(_arguments: argparse.Namespace) -> int:
    engines.assert_private(os.environ.get("DOCKER_HOST", ""))
    return 0


def _run(arguments: argparse.Namespace) -> int:
    with ExitStack() as stack:
        running = [stack.enter_context(engines.running(name, content())) for name in arguments.engine.split(",")]
        for engine in running:
            print(f"Private engine {engine.name}: Docker {engine.version}", file=sys.stderr)
        environment = {**running[0].environment, "GANTRY_ENGINES": ",".join(engine.instance for engine in running)}
        with subprocess.Popen(arguments.command, env={**os.environ, **environment}) as command:
            # A terminal sends Ctrl-C to the command too. The engine stops after the command.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, lambda _signal, _frame: command.terminate())
            status = command.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
