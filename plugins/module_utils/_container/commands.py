# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Commands that are run in containers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Container
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError, trying_to
from ansible_collections.gantry.docker.plugins.module_utils._engine.long_answers import waiting_for
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import Unexpected
from ansible_collections.gantry.docker.plugins.module_utils._transport.exec import Wire, ended
from ansible_collections.gantry.docker.plugins.module_utils._transport.shapes import COMMAND, MADE


class Command(NamedTuple):
    """A command to run in a container.

    user: name or Id, [:group]. tty: whether it gets a terminal. stdin: its input.
    """

    argv: tuple[str, ...]
    chdir: str | None
    env: Mapping[str, str]
    user: str | None
    tty: bool
    stdin: bytes | None = None


class ExecResult(NamedTuple):
    """What a command in a container gave; with a terminal, all output is stdout."""

    rc: int
    stdout: str
    stderr: str


class Commands:
    """Commands in the engine's containers."""

    def __init__(self, engine: Engine) -> None:
        self._api: Any = engine.api
        self._options = engine.options

    def exec(self, container: Container, command: Command) -> ExecResult:
        """Run a command in a running container and wait for its end."""
        task = f"run {command.argv[0]} in the container {container.name}"
        if command.stdin is not None:
            return self._exec_with_input(container, command, task)
        with trying_to(task):
            exec_id = self._prepare(container.id, command, attach=True)
            out, err = waiting_for(lambda: self._output(exec_id, command.tty), self._api.ping, self._api.timeout)
            end = ended(self._end(exec_id))
        if not end.ran:
            raise _never_ran(task, _text(out))
        return ExecResult(end.rc, _text(out), _text(err))

    def _output(self, exec_id: str, tty: bool) -> Any:
        """Start a command; its output and what it wrote to standard error, whole."""
        try:
            return self._api.exec_start(exec_id, tty=tty, demux=True)
        except ValueError as error:  # of no stream that there is
            raise Unexpected("is no output of a command") from error

    def _exec_with_input(self, container: Container, command: Command, task: str) -> ExecResult:
        """As exec. The SDK can't end a command's input on all connections, so this goes past it."""
        out, err = bytearray(), bytearray()
        env = [f"{variable}={value}" for variable, value in command.env.items()]
        with closing(Wire(self._options)) as wire:
            how = {"Env": env, "User": command.user or "", "WorkingDir": command.chdir or ""}
            begun = wire.start(container.id, command.argv, called=container.name, **how)
            end = begun.finish([command.stdin or b""], out.extend, err.extend)
        if not end.ran:
            raise _never_ran(task, _text(out))
        return ExecResult(end.rc, _text(out), _text(err))

    def exec_detached(self, container: Container, command: Command) -> str:
        """Start a command in a running container and leave it to itself; the Id that the engine gives to that."""
        with trying_to(f"start {command.argv[0]} in the container {container.name}"):
            exec_id = self._prepare(container.id, command, attach=False)
            self._api.exec_start(exec_id, tty=command.tty, detach=True)
        return exec_id

    def _end(self, exec_id: str) -> Mapping[str, Any]:
        """The state of a command after its end; it may run on when its output has ended."""
        state: Mapping[str, Any] = COMMAND(self._api.exec_inspect(exec_id))
        while state["Running"]:
            time.sleep(0.05)
            state = COMMAND(self._api.exec_inspect(exec_id))
        return state

    def _prepare(self, container_id: str, command: Command, attach: bool) -> str:
        made = self._api.exec_create(
            container_id,
            list(command.argv),
            stdout=attach,
            stderr=attach,
            tty=command.tty,
            environment=dict(command.env),
            user=command.user or "",
            workdir=command.chdir,
        )
        return str(MADE(made)["Id"])


def _never_ran(task: str, said: str) -> EngineError:
    """What the engine has to say of that came as the command's output; 20.10 may say nothing."""
    why = said.strip() or "the command could not be started"
    return EngineError(f"Can't {task}: {why}. The program, chdir and user must be there in the container.")


def _text(output: bytes | bytearray | None) -> str:
    return (output or b"").decode("utf-8", "replace")
