# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Commands in containers, straight over the engine's API, with nothing but Python's standard library.

A connection plugin is loaded anew for every task. Importing the SDK takes 0.2 s each time, http.client alone 7 ms; and
`docker exec` takes 25 ms longer for each command than this. Nor has every controller the CLI or the SDK.
"""

from __future__ import annotations

import errno
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Callable, NamedTuple
from urllib.parse import quote

from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._transport.address import place, wants_tls, way_out
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import (
    Unexpected,
    api_version,
    mapping,
    number,
    parsed,
    text,
    whole,
)
from ansible_collections.gantry.docker.plugins.module_utils._transport.dial import Dialler, dialler
from ansible_collections.gantry.docker.plugins.module_utils._transport.shapes import COMMAND, CONTAINER, MADE
from ansible_collections.gantry.docker.plugins.module_utils._transport.stream import Stream, send_all

PIECE = 256 * 1024
_MOST_OF_A_HEAD = 64 * 1024
# pkg/stdcopy/stdcopy.go: a byte for the stream, three zeros, four bytes for the length of what follows
_FRAME = struct.Struct(">B3xL")
_STDERR = 2
_SWITCHING_PROTOCOLS, _BAD_REQUEST, _NOT_FOUND = 101, 400, 404
# The engine takes any beginning of an Id for a container, and names can look like one: db, cafe.
_MAY_BEGIN_AN_ID = re.compile(r"[0-9a-f]{1,11}")
_ADVICE = {
    "is not running": "Start it first (container_run, or 'docker start').",
    "is paused": "Unpause it ('docker unpause').",
    "is restarting": "Wait until it runs, or look into its log why it doesn't stay up ('docker logs').",
}


class Wire:
    """An engine, for commands in its containers. options: as address.resolve gives them."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._host = place(options)
        self._timeout = int(options["timeout"])
        self._api_version = str(options["api_version"])
        self._dialler = dialler(options)
        # An engine that refuses a client's certificate may just hang up.
        by_tls = self._host.startswith("tcp://") and wants_tls(options)
        self._suspects = "docker_host, client_cert and client_key" if by_tls else "docker_host"
        self._talk = _Talk(self._dialler, self._timeout)

    def start(self, container: str, argv: Sequence[str], called: str = "", **how: Any) -> RunningCommand:
        """Start a command in a container.

        container: its name or Id. called: its name in messages, if that is another one.
        how: what else the API takes (ExecConfig), such as User; an empty one is the container's own.
        Raises GantryError if the engine can't be reached, or the container isn't there or doesn't run.
        """
        with self._reaching():
            self._negotiate()
            self._check_name(container)
            attached = {"AttachStdin": True, "AttachStdout": True, "AttachStderr": True}
            path = f"containers/{quote(container, safe='')}/exec"
            called = called or container
            made = MADE(self._ask(called, "POST", path, {**attached, "Cmd": list(argv), **how}))
            stream, begun = self._upgrade(called, f"exec/{made['Id']}/start")
        return RunningCommand(
            stream, begun, self._reaching, self._ping, lambda: self._ask(called, "GET", f"exec/{made['Id']}/json")
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._talk.close()
        self._dialler.close()

    def _negotiate(self) -> None:
        """Speak the newest version that the engine knows, unless one was asked for."""
        if self._api_version == "auto":
            _status, headers, _said = self._talk.ask("GET", "/_ping")
            self._api_version = api_version(headers.get("api-version"))

    def _check_name(self, container: str) -> None:
        """Raise GantryError if the engine would take the name for the beginning of an Id."""
        if _MAY_BEGIN_AN_ID.fullmatch(container):
            found = CONTAINER(self._ask(container, "GET", f"containers/{container}/json"))
            if found["Name"] != f"/{container}":
                raise self._missing(container)

    def _ask(self, container: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        status, _headers, said = self._talk.ask(method, f"/v{self._api_version}/{path}", body)
        if status >= _BAD_REQUEST:
            raise self._refused(container, status, said)
        return parsed(said)

    def _ping(self) -> None:
        """Raise an error if the engine is no longer there."""
        self._talk.ask("GET", "/_ping")

    def _upgrade(self, container: str, path: str) -> tuple[Stream, bytes]:
        """Start what was made; the connection that is its input and output now, and what has come on it already."""
        stream = self._dialler.dial()
        _ask(stream, "POST", f"/v{self._api_version}/{path}", {"Detach": False, "Tty": False}, _UPGRADE)
        # What the command is to do may take as long as it likes before it says something; the start may not.
        incoming = _Incoming(stream, self._timeout)
        status, headers = incoming.head()
        if status == _SWITCHING_PROTOCOLS:
            return stream, incoming.left
        said = incoming.body(headers)
        stream.close()
        raise self._refused(container, status, said)

    def _refused(self, container: str, status: int, said: bytes) -> GantryError:
        message = text(mapping(parsed(said)).get("message"))
        if status == _NOT_FOUND:
            return self._missing(container)
        advice = next((f" {way}" for word, way in _ADVICE.items() if word in message), "")
        return GantryError(
            f"Can't run a command in the container {container}: the engine answered {status}: "
            f"{message.strip().rstrip('.')}.{advice}"
        )

    def _missing(self, container: str) -> GantryError:
        return GantryError(
            f"There is no container {container} on the engine at {self._host}. Start one (container_run), or say "
            "with ansible_host which container the host is, and with docker_host which engine."
        )

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Translate what goes wrong on the way to the engine."""
        try:
            yield
        except Unexpected as error:
            raise GantryError(
                f"Can't reach a Docker engine at {self._host}. What answers there is no Docker engine, or something is "
                f"between: the answer {error}. Correct docker_host."
            ) from error
        except (OSError, ValueError, LookupError) as error:
            said = self._dialler.said() or f"{str(error).strip().rstrip('.') or type(error).__name__}."
            way = way_out(error, self._host, self._timeout) or f"It failed: {said} Check {self._suspects}."
            raise GantryError(f"Can't reach a Docker engine at {self._host}. {way}") from error


class End(NamedTuple):
    """How a command ended. ran: False if it couldn't even be started; its output says why then."""

    rc: int
    ran: bool


class RunningCommand:
    """A command that was started in a container.

    output: its output as it comes, each piece with whether it is of standard error.
    """

    def __init__(
        self,
        stream: Stream,
        begun: bytes,
        reaching: Callable[[], Any],
        ping: Callable[[], None],
        inspect: Callable[[], Any],
    ) -> None:
        self._stream, self._reaching, self._ping, self._inspect = stream, reaching, ping, inspect
        self._problem: Exception | None = None
        self.output = self._frames(begun)

    def write(self, data: bytes) -> None:
        """Give the command more of its input."""
        with self._reaching():
            send_all(self._stream, data)

    def finish(self, source: Iterable[bytes], out: Callable[[bytes], object], err: Callable[[bytes], object]) -> End:
        """Give the command the rest of its input, and its output to who wants it, until it ends.

        Nothing is held: the input is asked for as the command reads it, the output is passed on as it comes.
        """
        feeder = threading.Thread(target=self._feed, args=(source,), daemon=True)
        feeder.start()
        try:
            for is_error, piece in self.output:
                (err if is_error else out)(piece)
        finally:
            self.abandon()
            feeder.join()
        if self._problem:
            raise self._problem
        with self._reaching():
            return self._end()

    def abandon(self) -> None:
        """Let go of the command."""
        with suppress(OSError):  # the other side was first
            self._stream.shutdown(socket.SHUT_RDWR)
        self._stream.close()

    def _feed(self, source: Iterable[bytes]) -> None:
        try:
            for piece in source:
                send_all(self._stream, piece)
            self._stream.shutdown(socket.SHUT_WR)
        except OSError as error:
            # A command needn't read all its input, and may have ended before.
            if error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.EBADF):
                self._fail(error)
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        """Reading the source failed: the command must not take what it got for all. The main thread tells of it."""
        self._problem = error
        self.abandon()

    def _frames(self, waiting: bytes) -> Iterator[tuple[bool, bytes]]:
        left, is_error = 0, False
        while True:
            if not left and len(waiting) >= _FRAME.size:
                kind, left = _FRAME.unpack_from(waiting)
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
        """What comes next, however long that takes as long as the engine is there; nothing at the end."""
        with self._reaching():
            while True:
                try:
                    return self._stream.recv(PIECE)
                except socket.timeout:  # TimeoutError, from Python 3.10 on
                    self._ping()

    def _end(self) -> End:
        """A command may go on when its output has ended."""
        pause = 0.001
        while (state := COMMAND(self._inspect()))["Running"]:
            time.sleep(pause)
            pause = min(2 * pause, 0.1)
        return ended(state)


def ended(state: Mapping[str, Any]) -> End:
    """How a command ended, by the engine's word (shapes.COMMAND); raises Unexpected where it doesn't say."""
    ran = bool(state["Pid"])
    return End(number(state.get("ExitCode")) if ran else 0, ran)


class _Talk:
    """Plain questions to the engine, all over one connection."""

    def __init__(self, way: Dialler, timeout: int) -> None:
        self._way, self._timeout = way, timeout
        self._stream: Stream | None = None

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """The status, headers and body of the engine's answer."""
        if self._stream is None:
            self._stream = self._way.dial()
        _ask(self._stream, method, path, body)
        incoming = _Incoming(self._stream, self._timeout)
        status, headers = incoming.head()
        return status, headers, incoming.body(headers)

    def close(self) -> None:
        """Let go of the connection."""
        if self._stream is not None:
            self._stream.close()
        self._stream = None


class _Incoming:
    """What comes on a stream, as HTTP/1.1 has it (RFC 9112). left: what has come and was not asked for yet.

    The last wait for more of it begins within so many seconds.
    """

    def __init__(self, stream: Stream, seconds: int) -> None:
        self._stream, self._deadline = stream, time.monotonic() + seconds
        self.left = b""

    def head(self) -> tuple[int, Mapping[str, str]]:
        """The status and the headers of an answer, their names in lower case; raises ValueError for what is none."""
        protocol, status, *_reason = self._line().split(" ", maxsplit=2)
        if not protocol.startswith("HTTP/1."):
            raise ValueError(f"what answers speaks no HTTP but '{protocol[:20]}'")
        headers: dict[str, str] = {}
        size = 0
        while line := self._line():
            size += len(line)
            if size > _MOST_OF_A_HEAD:
                raise Unexpected("has headers without end")
            name, _colon, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return int(status), headers

    def body(self, headers: Mapping[str, str]) -> bytes:
        """The body that belongs to the headers."""
        if headers.get("transfer-encoding") != "chunked":
            return whole(self._some(int(headers.get("content-length", "0"))))
        return whole(self._chunks())

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._line().partition(";")[0], 16):
            yield from self._some(size)
            self._line()
        self._line()

    def _line(self) -> str:
        while b"\r\n" not in self.left:
            if len(self.left) > _MOST_OF_A_HEAD:
                raise Unexpected("has a line without end")
            self._more()
        line, _end, self.left = self.left.partition(b"\r\n")
        return line.decode("latin-1")

    def _some(self, size: int) -> Iterator[bytes]:
        """So many bytes, in pieces."""
        while size > 0:
            if not self.left:
                self._more()
            piece, self.left = self.left[:size], self.left[size:]
            size -= len(piece)
            yield piece

    def _more(self) -> None:
        if time.monotonic() > self._deadline:
            raise socket.timeout("timed out")
        piece = self._stream.recv(PIECE)
        if not piece:
            raise ConnectionResetError("the connection was closed before an answer came")
        self.left += piece


_UPGRADE = "Connection: Upgrade\r\nUpgrade: tcp\r\n"


def _ask(stream: Stream, method: str, path: str, body: Mapping[str, Any] | None, headers: str = "") -> None:
    told = b"" if body is None else json.dumps(body).encode()
    about = f"Content-Type: application/json\r\nContent-Length: {len(told)}\r\n" if body is not None else ""
    send_all(stream, f"{method} {path} HTTP/1.1\r\nHost: docker\r\n{about}{headers}\r\n".encode() + told)
