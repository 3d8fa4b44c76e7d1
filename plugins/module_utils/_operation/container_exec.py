# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Run a command in a container."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._container.commands import Command, Commands, ExecResult
from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Container, Containers
from ansible_collections.gantry.docker.plugins.module_utils._container.words import parse_env, parse_name, parse_words
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan, Report, Taken


class Wanted(NamedTuple):
    """The command to run, and its container.

    detach: whether to start the command without waiting for it. creates, removes: the paths in the container; the
    command is needless if there is an entry at creates, or none at removes. strip: whether to leave out empty lines at
    the end of the output.
    """

    container: str
    command: Command
    detach: bool
    creates: str | None
    removes: str | None
    strip: bool


class Observed(NamedTuple):
    """The container, and the reason why there is nothing to run; None if there is something."""

    container: Container | None
    needless: str | None


class Exec(NamedTuple):
    """Run the command; wait for its end unless it is detached. container: the one that was observed."""

    wanted: Wanted
    container: Container

    @property
    def sentence(self) -> str:
        """The step as a sentence."""
        how = "Started" if self.wanted.detach else "Ran"
        return f"{how} {shlex.join(self.wanted.command.argv)} in container {self.wanted.container}"


def parse(params: Mapping[str, Any]) -> Wanted:
    """Return the wanted values, parsed from the module's parameters; raise InvalidInput."""
    for option in ("creates", "removes"):
        if params[option] is not None and not params[option].startswith("/"):
            raise InvalidInput(f"{option} is '{params[option]}', and must be a path that begins with a slash.")
    if params["stdin"] is not None and (params["tty"] or params["detach"]):
        raise InvalidInput("stdin can't be used with tty or detach: the command would not see its end.")
    return Wanted(
        container=parse_name(params["container"]),
        command=Command(
            argv=parse_words(params["command"] if params["argv"] is None else params["argv"]),
            chdir=params["chdir"],
            env=parse_env(params["env"]),
            user=params["user"],
            tty=params["tty"],
            stdin=_input(params),
        ),
        detach=params["detach"],
        creates=params["creates"],
        removes=params["removes"],
        strip=params["strip_empty_ends"],
    )


def _input(params: Mapping[str, Any]) -> bytes | None:
    if params["stdin"] is None:
        return None
    return str(params["stdin"]).encode() + (b"\n" if params["stdin_add_newline"] else b"")


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Return the container, and whether the paths in it make the command needless."""
    container = Containers(engine).find(wanted.container)
    needless = None
    if container and wanted.creates and Containers(engine).has_path(container, wanted.creates):
        needless = f"{wanted.creates} is there."
    elif container and wanted.removes and not Containers(engine).has_path(container, wanted.removes):
        needless = f"{wanted.removes} is not there."
    return Observed(container, needless)


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Plan to run the command unless it is needless; raise GantryError if the container can't run it."""
    container = observed.container
    if container is None:
        raise GantryError(f"There is no container {wanted.container} on this engine. Start one with container_run.")
    if observed.needless:
        return Plan()
    if container.status == "paused":
        raise GantryError(
            f"The container {wanted.container} is paused. Unpause it ('docker unpause {container.name}')."
        )
    if container.status != "running":
        raise GantryError(
            f"The container {wanted.container} is {container.status}, and commands run only in one that is running. "
            f"Start it first (container_run with state: started)."
        )
    return Plan((Exec(wanted, container),))


def apply(engine: Engine, step: Exec) -> ExecResult | str:
    """Run the command; return its output and exit code, or its exec Id if it is detached."""
    if step.wanted.detach:
        return Commands(engine).exec_detached(step.container, step.wanted.command)
    return Commands(engine).exec(step.container, step.wanted.command)


def report(engine: Engine, wanted: Wanted, observed: Observed, planned: Plan, taken: Sequence[Taken]) -> Report:
    """Return the command's output and exit code; the task fails with any exit code but 0."""
    if observed.needless:
        return Report({"rc": 0, "stdout": "", "stderr": "", "msg": f"Nothing was run, as {observed.needless}"})
    given = taken[0].gave if taken else None
    if isinstance(given, str):
        return Report({"exec_id": given})
    if given is None:
        return Report()
    return Report(
        {"rc": given.rc, "stdout": _stripped(given.stdout, wanted), "stderr": _stripped(given.stderr, wanted)},
        problems=(f"The command ended with exit code {given.rc}.",) if given.rc else (),
    )


def _stripped(output: str, wanted: Wanted) -> str:
    return output.rstrip("\r\n") if wanted.strip else output
