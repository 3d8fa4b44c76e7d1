# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command in a container."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils.engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils.engine.containers import (
    Command,
    Container,
    parse_env,
    parse_name,
    parse_words,
)
from ansible_collections.gantry.docker.plugins.module_utils.image.errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils.operation.plan import Plan


@dataclass(frozen=True)
class Wanted:
    """detach: whether the command is started and left to itself."""

    container: str
    command: Command
    detach: bool


@dataclass(frozen=True)
class Exec:
    """Run the command; its end is waited for unless it is detached."""

    wanted: Wanted

    @property
    def sentence(self) -> str:
        """What the step does."""
        how = "Started" if self.wanted.detach else "Ran"
        return f"{how} {shlex.join(self.wanted.command.argv)} in container {self.wanted.container}"


def parse(params: Mapping[str, Any]) -> Wanted:
    """What is wanted, from the module's parameters; raises InvalidInput."""
    return Wanted(
        container=parse_name(params["container"]),
        command=Command(
            argv=parse_words(params["command"] if params["argv"] is None else params["argv"]),
            chdir=params["chdir"],
            env=parse_env(params["env"]),
            user=params["user"],
            tty=params["tty"],
        ),
        detach=params["detach"],
    )


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Container | None:
    """Look up the container."""
    return engine.containers.find(wanted.container)


def plan(wanted: Wanted, observed: Container | None) -> Plan:
    """Run the command, if the container can."""
    if observed is None:
        raise GantryError(f"There is no container {wanted.container} on this engine. Start one with container_run.")
    if observed.status == "paused":
        raise GantryError(f"The container {wanted.container} is paused. Unpause it ('docker unpause {observed.name}').")
    if observed.status != "running":
        raise GantryError(
            f"The container {wanted.container} is {observed.status}, and commands run only in one that is running. "
            f"Start it first (container_run with state: started)."
        )
    return Plan((Exec(wanted),))


def apply(engine: Engine, step: Exec) -> Mapping[str, Any]:
    """Run the command; with its output and code, unless it is detached."""
    wanted = step.wanted
    if wanted.detach:
        engine.containers.exec_detached(wanted.container, wanted.command)
        return {}
    outcome = engine.containers.exec(wanted.container, wanted.command)
    return {
        "rc": outcome.rc,
        "stdout": outcome.stdout.rstrip("\r\n"),
        "stderr": outcome.stderr.rstrip("\r\n"),
        "failed": outcome.rc != 0,
        **({"msg": f"The command ended with code {outcome.rc}."} if outcome.rc else {}),
    }


def report(engine: Engine, wanted: Wanted, observed: Container | None) -> Mapping[str, Any]:
    """Nothing but what the step gave."""
    return {}
