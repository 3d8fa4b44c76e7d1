# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Commands that run in containers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Container
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError, trying_to
from ansible_collections.gantry.docker.plugins.module_utils._transport.client import target
from ansible_collections.gantry.docker.plugins.module_utils._transport.exec import RunningCommand, prepare


class Command(NamedTuple):
    """A command to run in a container.

    user: a name or an Id, with :group or without. tty: whether the command gets a terminal. stdin: its input.
    """

    argv: tuple[str, ...]
    chdir: str | None
    env: Mapping[str, str]
    user: str | None
    tty: bool
    stdin: bytes | None = None


class ExecResult(NamedTuple):
    """The exit code and the output of a command in a container; with a terminal, all output is stdout."""

    rc: int
    stdout: str
    stderr: str


class Commands:
    """Commands in the engine's containers."""

    def __init__(self, engine: Engine) -> None:
        self._api = engine.api

    def exec(self, container: Container, command: Command) -> ExecResult:
        """Run a command in a running container and wait until it ends."""
        task = f"run {command.argv[0]} in the container {container.name}"
        out, err = bytearray(), bytearray()
        with trying_to(task):
            exec_id = self._prepare(container.id, command, attach=True)
            running = RunningCommand(self._api, exec_id, lambda: trying_to(task), command.tty)
            end = running.finish(None if command.stdin is None else [command.stdin], out.extend, err.extend)
        if not end.ran:
            raise _never_ran(task, _text(out))
        return ExecResult(end.rc, _text(out), _text(err))

    def exec_detached(self, container: Container, command: Command) -> str:
        """Start a command in a running container without waiting for it; return the engine's Id of this exec."""
        with trying_to(f"start {command.argv[0]} in the container {container.name}"):
            exec_id = self._prepare(container.id, command, attach=False)
            self._api.ask("POST", target("/exec/{}/start", exec_id), {"Detach": True, "Tty": command.tty})
        return exec_id

    def _prepare(self, container_id: str, command: Command, attach: bool) -> str:
        how = {
            "AttachStdin": command.stdin is not None,
            "AttachStdout": attach,
            "AttachStderr": attach,
            "Cmd": command.argv,
            "Env": [f"{variable}={value}" for variable, value in command.env.items()],
            "Tty": command.tty,
            "User": command.user or "",
            "WorkingDir": command.chdir or "",
        }
        return prepare(self._api, container_id, how)


def _never_ran(task: str, said: str) -> EngineError:
    """Return the error of a command that didn't start.

    said: the reason that the engine sent as the command's output; it may be empty from 20.10.
    """
    why = said.strip() or "the command could not be started"
    return EngineError(f"Can't {task}: {why}. The program, chdir and user must be there in the container.")


def _text(output: bytearray) -> str:
    return output.decode("utf-8", "replace")
