# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Commands in containers, through the engine's API.

A connection plugin is loaded anew for every task, and each `docker exec` would take 25 ms longer than a call of the
API. And not every controller has the CLI.
"""

from __future__ import annotations

import errno
import re
import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Callable, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._transport.address import place
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import Unexpected, number
from ansible_collections.gantry.docker.plugins.module_utils._transport.client import (
    Client,
    NotFound,
    Refused,
    target,
    unreachable,
)
from ansible_collections.gantry.docker.plugins.module_utils._transport.shapes import COMMAND, CONTAINER, MADE
from ansible_collections.gantry.docker.plugins.module_utils._transport.stream import send_all

PIECE = 256 * 1024
# The head of a frame (pkg/stdcopy/stdcopy.go): a byte for the stream, three zeros, four bytes for the data's length
_FRAME = struct.Struct(">B3xL")
_STDOUT, _STDERR = 1, 2
# Names that can be the beginning of an Id, such as db and cafe: by any of these the engine may find another container.
_MAY_BEGIN_AN_ID = re.compile(r"[0-9a-f]{1,11}")
_ADVICE = {
    "is not running": "Start it first (container_run, or 'docker start').",
    "is paused": "Unpause it ('docker unpause').",
    "is restarting": "Wait until it runs, or read in its log why it restarts ('docker logs').",
}


class Wire:
    """An engine, for commands in its containers. options: as address.resolve() returns them."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._api = Client(options)

    def start(self, container: str, argv: Sequence[str], **how: Any) -> RunningCommand:
        """Start a command in a container.

        container: its name or Id. how: further fields of the API's ExecConfig, such as User; an empty value means the
        container's own. Raise GantryError if the engine can't be reached, or if the container doesn't exist or run.
        """
        with self._reaching(container):
            self._api.negotiate()
            if _MAY_BEGIN_AN_ID.fullmatch(container):
                found = CONTAINER(self._api.get("/containers/{}/json", container))
                if found["Name"] != f"/{container}":
                    raise self._missing(container)
            exec_id = prepare(self._api, container, {"AttachStdin": True, "Cmd": list(argv), **how})
            return RunningCommand(self._api, exec_id, lambda: self._reaching(container))

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _missing(self, container: str) -> GantryError:
        return GantryError(
            f"There is no container {container} on the engine at {place(self._options)}. Start one (container_run), or "
            "set ansible_host to the right container, and docker_host to its engine."
        )

    @contextmanager
    def _reaching(self, container: str) -> Iterator[None]:
        """Translate errors of the engine and of the way to it into GantryError."""
        try:
            yield
        except NotFound as error:
            raise self._missing(container) from error
        except Refused as error:
            advice = next((f" {way}" for word, way in _ADVICE.items() if word in error.message), "")
            raise GantryError(
                f"Can't run a command in the container {container}: the engine answered {error.status}: "
                f"{error.message.strip().rstrip('.')}.{advice}"
            ) from error
        except (Unexpected, OSError, ValueError, LookupError) as error:
            raise GantryError(unreachable(self._options, error)) from error


def prepare(api: Client, container: str, how: Mapping[str, Any]) -> str:
    """Create a command for a container without starting it, and return its Id. how: fields of the API's ExecConfig."""
    body = {"AttachStdout": True, "AttachStderr": True, **how}
    return str(MADE(api.ask("POST", target("/containers/{}/exec", container), body).value)["Id"])


class End(NamedTuple):
    """The end of a command. rc: its exit code. ran: False if it couldn't be started; its output has the reason then."""

    rc: int
    ran: bool


class RunningCommand:
    """A started command in a container.

    output: the pieces of its output as they come, each with whether it is from standard error.
    """

    def __init__(
        self, api: Client, exec_id: str, reaching: Callable[[], AbstractContextManager[None]], tty: bool = False
    ) -> None:
        """Start a prepared command. reaching: the context that translates errors. tty: whether it has a terminal."""
        self._api, self._exec_id, self._reaching = api, exec_id, reaching
        self._problem: Exception | None = None
        # The timeout bounds the start of the command, but not the wait for its first output.
        self._stream, begun = api.upgrade(f"/exec/{exec_id}/start", {"Detach": False, "Tty": tty})
        self.output = self._plain(begun) if tty else self._frames(begun)

    def write(self, data: bytes) -> None:
        """Send the command a part of its input."""
        with self._reaching():
            send_all(self._stream, data)

    def finish(
        self, source: Iterable[bytes] | None, out: Callable[[bytes], object], err: Callable[[bytes], object]
    ) -> End:
        """Send the command the rest of its input, pass its output to out and err until it ends, and return its end.

        Nothing is collected: the input is taken from source as the command reads it, the output is passed on as it
        comes. source: None if there is no input. Raise the error of source, if it has one.
        """
        feeder = threading.Thread(target=self._feed, args=(source,), daemon=True)
        if source is not None:
            feeder.start()
        try:
            for is_error, piece in self.output:
                (err if is_error else out)(piece)
        finally:
            self.abandon()
            if source is not None:
                feeder.join()
        if self._problem:
            raise self._problem
        with self._reaching():
            return self._end()

    def abandon(self) -> None:
        """Close the connection to the command."""
        with suppress(OSError):  # the engine has closed it already
            self._stream.shutdown(socket.SHUT_RDWR)
        self._stream.close()

    def _feed(self, source: Iterable[bytes]) -> None:
        try:
            for piece in source:
                send_all(self._stream, piece)
            self._stream.shutdown(socket.SHUT_WR)
        except OSError as error:
            # A command need not read all its input: it may have ended already.
            if error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.EBADF):
                self._fail(error)
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """Note that source failed, for the main thread, and close: the command must not take a part for the whole."""
        self._problem = error
        self.abandon()

    def _plain(self, piece: bytes) -> Iterator[tuple[bool, bytes]]:
        while piece := piece or self._more():
            yield False, piece
            piece = b""

    def _frames(self, waiting: bytes) -> Iterator[tuple[bool, bytes]]:
        left, is_error = 0, False
        while True:
            if not left and len(waiting) >= _FRAME.size:
                kind, left = _FRAME.unpack_from(waiting)
                if kind not in (_STDOUT, _STDERR):
                    with self._reaching():
                        raise Unexpected("is no output of a command")
                waiting, is_error = waiting[_FRAME.size :], kind == _STDERR
            elif left and waiting:
                piece, waiting = waiting[:left], waiting[left:]
                left -= len(piece)
                yield is_error, piece
            else:
                more = self._more()
                if not more:
                    return
                waiting += more

    def _more(self) -> bytes:
        """Return the next bytes; b"" at the end. Wait for them without a limit, as long as the engine answers pings."""
        with self._reaching():
            while True:
                try:
                    return self._stream.recv(PIECE)
                except socket.timeout:  # TimeoutError, from Python 3.10 on
                    self._api.ping()

    def _end(self) -> End:
        """Wait for the end of the command, which may come after the end of its output, and return it."""
        pause = 0.001
        while (state := COMMAND(self._api.get("/exec/{}/json", self._exec_id)))["Running"]:
            time.sleep(pause)
            pause = min(2 * pause, 0.1)
        # A command that couldn't be started has no process.
        ran = bool(state["Pid"])
        return End(number(state.get("ExitCode")) if ran else 0, ran)
