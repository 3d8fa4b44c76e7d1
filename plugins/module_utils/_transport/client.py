# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The one client of the engine's API: HTTP/1.1 (RFC 9112), with Python's standard library alone.

Every task needs it, so its import must be fast: importing the Docker SDK for Python takes 0.2 s. And every wait has an
end: the libraries bound each wait for bytes, but neither the time nor the size of an answer that comes byte by byte.
"""

from __future__ import annotations

import json
import math
import os
import re
import select
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import Any, Callable, NamedTuple
from urllib.parse import quote, urlencode

from ansible_collections.gantry.docker.plugins.module_utils._transport.address import (
    Address,
    place,
    read_headers,
    wants_tls,
    way_out,
)
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import (
    Unexpected,
    api_version,
    mapping,
    parsed,
    text,
    whole,
)
from ansible_collections.gantry.docker.plugins.module_utils._transport.dial import dialler
from ansible_collections.gantry.docker.plugins.module_utils._transport.stream import Stream, send_all

_AT_ONCE = 256 * 1024
_MOST_OF_A_HEAD = 64 * 1024
_SWITCHING_PROTOCOLS, _OK, _NO_CONTENT, _REDIRECTION, _NOT_MODIFIED = 101, 200, 204, 300, 304
_REFUSAL, _NOT_FOUND = 400, 404
_STATUS = re.compile(r"HTTP/1\.([01]) ([1-5][0-9]{2})(?: .*)?")
_LENGTH, _CHUNK = re.compile(r"[0-9]{1,20}"), re.compile(r"[0-9a-fA-F]{1,16}")
# Methods that only read: a second request does no harm.
_SAFE = ("GET", "HEAD")


class Refused(Exception):
    """A refusal of the engine. status: of its answer. message: the engine's reason; "" for HEAD."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"the engine answered {status}: {message}")
        self.status, self.message = status, message


class NotFound(Refused):
    """A refusal because the object doesn't exist (404)."""


class Answer(NamedTuple):
    """A whole answer of the engine. headers: with names in lower case."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def value(self) -> Any:
        """The value of the JSON body; raises Unexpected if it isn't JSON."""
        return parsed(self.body)


class Upload(NamedTuple):
    """A body that is sent piece by piece. size: the bytes of all pieces, neither more nor fewer."""

    pieces: Iterable[bytes]
    size: int


class _Request(NamedTuple):
    """A request. path: with its parameters. body: a value for JSON, or an upload."""

    method: str
    path: str
    body: Mapping[str, Any] | Upload | None = None
    headers: Mapping[str, str] = {}
    protocol: str = "1.1"

    def send(self, stream: Stream, prefix: str, headers: Mapping[str, str], idle: Callable[[], object]) -> None:
        """Send it. prefix: the text before the path. headers: those of all requests. idle: as for stream.send_all()."""
        body, about = b"", {}
        pieces: Iterable[bytes] = ()
        if isinstance(self.body, Upload):
            pieces, about = self.body.pieces, {"Content-Length": str(self.body.size)}
        elif self.body is not None:
            body = json.dumps(self.body).encode()
            about = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        elif self.method not in _SAFE:
            about = {"Content-Length": "0"}
        fields = [f"{name}: {value}\r\n" for name, value in {**headers, **about, **self.headers}.items()]
        head = f"{self.method} {prefix}{self.path} HTTP/{self.protocol}\r\n{''.join(fields)}\r\n"
        send_all(stream, head.encode() + body, idle)
        # If the engine finds an error in an upload, it answers and closes the connection before it has read all.
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                send_all(stream, piece, idle)


def target(form: str, /, *names: str, **params: Any) -> str:
    """Return the target of a request: a path of the API with names filled in, and parameters.

    A parameter that is a list is repeated; one that is None is left out.
    """
    query = urlencode({name: value for name, value in params.items() if value is not None}, doseq=True)
    return form.format(*(quote(name, safe="/:") for name in names)) + (f"?{query}" if query else "")


def unreachable(options: Mapping[str, Any], error: Exception) -> str:
    """Return the message that no engine can be reached, with advice. options: as address.resolve() returns them."""
    where = f"Can't reach a Docker engine at {place(options)}."
    if isinstance(error, Unexpected):
        return (
            f"{where} What answers there is no Docker engine, or a proxy has changed its answer, which {error}. "
            "Correct docker_host."
        )
    # An engine that refuses a client's certificate may close the connection without a reason.
    by_tls = options["address"].scheme == "tcp" and wants_tls(options)
    suspects = "docker_host, client_cert and client_key" if by_tls else "docker_host and api_version"
    said = f"It failed: {str(error).strip().rstrip('.') or type(error).__name__}. Check {suspects}."
    return f"{where} {way_out(error, options) or said}"


class Client:
    """A client of one engine's API. Several threads may use it at the same time, each with a connection of its own.

    Connections are kept for later requests. options: as address.resolve() returns them; raises InvalidInput for invalid
    ones. All requests raise Refused for a refusal, Unexpected for an answer that isn't an engine's, and OSError.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.api_version = str(options["api_version"])
        self._timeout = int(options["timeout"])
        self._way = dialler(options)
        address: Address = options["address"]
        self._local = address.by_socket
        self._prefix = address.path if address.by_tcp else ""
        # Without compression, because the size of a compressed answer isn't known while it comes.
        self._headers = {
            "Host": address.authority if address.by_tcp else "docker",
            "User-Agent": "gantry.docker",
            "Accept-Encoding": "identity",
            **read_headers(os.environ),
        }
        self._idle: list[Stream] = []
        self._closed = False

    def negotiate(self) -> None:
        """Choose the newest version of the API that both sides know, unless the options name one.

        The engine's answer to /version has it too, but takes the engine some milliseconds.
        """
        if self.api_version == "auto":
            self.api_version = api_version(self.ping().headers.get("api-version"))

    def speaks(self, major: int, minor: int) -> bool:
        """Return whether the client uses that version of the API, or a newer one."""
        return tuple(int(part) for part in self.api_version.split(".")) >= (major, minor)

    def ping(self) -> Answer:
        """Return the answer to a ping; raise an error if the engine doesn't answer."""
        return self.ask("GET", "/_ping", versioned=False)

    def get(self, path: str, /, *names: str, **params: Any) -> Any:
        """Return the JSON value that the engine answers. path, names, params: as for target()."""
        return self.ask("GET", target(path, *names, **params)).value

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        patient: bool = False,
        versioned: bool = True,
    ) -> Answer:
        """Send a request and return the whole answer, which must have come within twice the timeout.

        path: as target() returns it. body: a value for JSON. patient: whether to wait without a limit for the beginning
        of the answer, as long as the engine answers pings.
        """
        request = _Request(method, self._versioned(path) if versioned else path, body, headers or {})
        with closing(self._begin(request, patient)) as answer:
            return Answer(answer.headers, answer.read())

    def stream(
        self,
        method: str,
        path: str,
        body: Upload | None = None,
        headers: Mapping[str, str] | None = None,
        patient: bool = False,
    ) -> Incoming:
        """Send a request and return its answer, to be read as it comes; whatever reads it must close it.

        The timeout bounds each wait for more of it. patient: no wait is bounded, as long as the engine answers pings.
        """
        answer = self._begin(_Request(method, self._versioned(path), body, headers or {}), patient)
        answer.go_on()
        return answer

    def download(self, path: str) -> Incoming:
        """Ask for a large body and return the answer, to be read as it comes. No wait is bounded: see bound_waits().

        An engine sends a body of unknown length in chunks of 32 KiB, each with its length. For an archive of 1 GiB that
        takes 0.3 s of the engine's processor time, and 0.4 s of ours. HTTP/1.0 has no chunks, but then an end that
        comes too early looks like any other end. So only an engine on this host is asked by HTTP/1.0: afterwards it can
        be asked whether it is still there.
        """
        answer = self._begin(_Request("GET", self._versioned(path), protocol="1.0" if self._local else "1.1"), True)
        answer.go_on()
        return answer

    def upgrade(self, path: str, body: Mapping[str, Any]) -> tuple[Stream, bytes]:
        """Upgrade a request to a connection of its own; return that, and the bytes that have come on it already."""
        headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
        answer = self._begin(_Request("POST", self._versioned(path), body, headers), False)
        if answer.status != _SWITCHING_PROTOCOLS:
            answer.close()
            raise Unexpected(f"doesn't hand over the connection ({answer.status})")
        return answer.detach()

    def close(self) -> None:
        """Close the connections."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
        self._way.close()

    def _versioned(self, path: str) -> str:
        return f"/v{self.api_version}{path}"

    def _begin(self, request: _Request, patient: bool) -> Incoming:
        """Send a request, and return its answer when the headers have come; raise Refused and Unexpected."""

        def exchange(stream: Stream) -> Incoming:
            answer = Incoming(stream, self._timeout, self.ping if patient else None, self._keep)
            try:
                request.send(stream, self._prefix, self._headers, self.ping if patient else _stalls)
                answer.begin(request)
            except BaseException:
                answer.close()
                raise
            return answer

        with self._told_by_ssh():
            kept = self._kept()
            if kept:
                try:
                    return exchange(kept)
                except ConnectionError:  # the connection was kept too long, or the engine has restarted
                    if request.method not in _SAFE:
                        raise
            return exchange(self._way.dial())

    def _kept(self) -> Stream | None:
        """Return an idle connection that the engine hasn't ended; None if there is none."""
        with suppress(IndexError):
            while True:
                stream = self._idle.pop()
                if not _has_news(stream):
                    return stream
                stream.close()
        return None

    def _keep(self, stream: Stream) -> None:
        if self._closed:
            stream.close()
        else:
            self._idle.append(stream)

    @contextmanager
    def _told_by_ssh(self) -> Iterator[None]:
        """Replace the message of a connection error by the error output of ssh, if there is any."""
        try:
            yield
        except socket.timeout:  # TimeoutError, from Python 3.10 on
            raise
        except OSError as error:
            said = self._way.said()
            if not said:
                raise
            raise OSError(f"ssh said: {said}") from error


class Incoming:
    """An answer that has not come as a whole yet. headers: with names in lower case.

    stream: the connection. seconds: the time within which the last wait for a whole answer must begin. idle: the
    function to call when nothing has come within the timeout; None if that is an error. keep: the function that takes
    the connection when all has come.
    """

    status: int
    headers: Mapping[str, str]

    def __init__(
        self, stream: Stream, seconds: int, idle: Callable[[], object] | None, keep: Callable[[Stream], None]
    ) -> None:
        self._stream, self._seconds, self._idle, self._keep = stream, seconds, idle, keep
        self._deadline = math.inf if idle else time.monotonic() + seconds
        self._come, self._at = b"", 0
        self._lasts, self._open = True, True

    def begin(self, request: _Request) -> None:
        """Wait for the headers of the answer to a request; raise Refused and Unexpected."""
        self._fill()
        # The engine has begun to answer, so the rest must come soon.
        self._deadline = min(self._deadline, time.monotonic() + self._seconds)
        status = self._head()
        while status < _OK and status != _SWITCHING_PROTOCOLS:
            status = self._head()
        self.status = status
        without = request.method == "HEAD" or status in (_SWITCHING_PROTOCOLS, _NO_CONTENT, _NOT_MODIFIED)
        # A connection isn't used again after an upload: the engine may not have read all of that.
        again = request.protocol == "1.1" and not isinstance(request.body, Upload)
        self._lasts = self._lasts and again and self.headers.get("connection", "").lower() != "close"
        self._body = iter(()) if without else self._framed()
        self._check(request.method)

    def go_on(self) -> None:
        """Remove the limit for the time of the whole answer; limits for each wait for more stay."""
        self._deadline = math.inf

    def bound_waits(self) -> None:
        """Raise socket.timeout from now on if a wait for more takes longer than the timeout."""
        self._idle = None

    def read(self) -> bytes:
        """Return the whole body."""
        self.bound_waits()
        return whole(self.pieces())

    def pieces(self, size: int = 1) -> Iterator[bytes]:
        """Yield the body as it comes, in pieces of at least size bytes; the last one may be smaller."""
        waiting: list[bytes] = []
        length = 0
        for piece in self._body:
            waiting.append(piece)
            length += len(piece)
            if length >= size:
                yield b"".join(waiting)
                waiting, length = [], 0
        if self._open and self._lasts and self._at == len(self._come):  # further bytes would belong to no request
            self._open = False
            self._keep(self._stream)
        if waiting:
            yield b"".join(waiting)

    def detach(self) -> tuple[Stream, bytes]:
        """Give the connection away: return it, and the bytes that have come on it."""
        self._open = False
        return self._stream, self._come[self._at :]

    def close(self) -> None:
        """Close the connection, unless it was kept for later requests or given away."""
        if self._open:
            self._stream.close()
        self._open = False

    def _head(self) -> int:
        """Read the head of an answer, maybe not the last one; set its headers and return its status."""
        line = self._line()
        found = _STATUS.fullmatch(line)
        if not found:
            raise Unexpected(f"is no HTTP, but begins with '{line[:60]}'")
        headers: dict[str, str] = {}
        size = 0
        while line := self._line():
            size += len(line)
            if size > _MOST_OF_A_HEAD:
                raise Unexpected("has headers without end")
            name, _colon, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        self.headers = headers
        self._lasts = found.group(1) == "1"
        return int(found.group(2))

    def _check(self, method: str) -> None:
        """Raise Refused for a refusal, Unexpected for an answer that isn't an engine's."""
        if self.headers.get("content-encoding", "identity") != "identity":
            raise Unexpected("came compressed, which was not asked for")
        if _REDIRECTION <= self.status < _REFUSAL and self.status != _NOT_MODIFIED:
            raise Unexpected(f"redirects elsewhere ({self.status})")
        if self.status >= _REFUSAL:
            body = self.read()
            message = "" if method == "HEAD" else self._why(body)
            raise (NotFound if self.status == _NOT_FOUND else Refused)(self.status, message)
        if "html" in self.headers.get("content-type", ""):
            raise Unexpected("is a page of HTML")

    def _why(self, body: bytes) -> str:
        """Return the engine's reason for a refusal (api/docs, ErrorResponse); raise Unexpected if it has none."""
        try:
            return text(mapping(parsed(body)).get("message"))
        except Unexpected as error:
            raise Unexpected(f"{error} ({self.status})") from error

    def _framed(self) -> Iterator[bytes]:
        """Yield the body in pieces. The headers determine where it ends."""
        encoding, length = self.headers.get("transfer-encoding"), self.headers.get("content-length")
        if encoding is not None:
            if encoding.lower() != "chunked":
                raise Unexpected(f"has a transfer encoding that was not asked for ('{encoding[:60]}')")
            yield from self._chunks()
        elif length is not None:
            yield from self._some(_number(_LENGTH, length, 10))
        else:
            self._lasts = False
            yield from self._rest()

    def _chunks(self) -> Iterator[bytes]:
        while size := _number(_CHUNK, self._line().partition(";")[0].strip(), 16):
            yield from self._some(size)
            self._line()
        trailers = 0
        while line := self._line():
            trailers += len(line)
            if trailers > _MOST_OF_A_HEAD:
                raise Unexpected("has headers without end")

    def _line(self) -> str:
        while (end := self._come.find(b"\r\n", self._at)) < 0:
            if len(self._come) - self._at > _MOST_OF_A_HEAD:
                raise Unexpected("has a line without end")
            self._fill()
        line = self._come[self._at : end].decode("latin-1")
        self._at = end + 2
        return line

    def _some(self, size: int) -> Iterator[bytes]:
        """Yield the next size bytes, in pieces."""
        while size:
            if self._at == len(self._come):
                self._fill()
            piece = self._come[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece

    def _rest(self) -> Iterator[bytes]:
        """Yield all bytes until the connection ends, in pieces."""
        piece, self._come, self._at = self._come[self._at :], b"", 0
        if piece:
            yield piece
        while piece := self._receive():
            yield piece

    def _fill(self) -> None:
        """Wait for more bytes and keep them; raise ConnectionResetError if the connection ends."""
        piece = self._receive()
        if not piece:
            raise ConnectionResetError("the connection was closed before an answer came")
        self._come, self._at = self._come[self._at :] + piece, 0

    def _receive(self) -> bytes:
        """Return the next bytes; b"" at the end. Raise socket.timeout if they don't come in time."""
        while time.monotonic() <= self._deadline:
            try:
                return self._stream.recv(_AT_ONCE)
            except socket.timeout:  # TimeoutError, from Python 3.10 on
                if self._idle is None:
                    raise
                self._idle()
        raise socket.timeout("timed out")


def _stalls() -> None:
    raise socket.timeout("timed out")


def _has_news(stream: Stream) -> bool:
    """Return whether something has come on an idle connection: mostly its end."""
    waiting = select.poll()
    waiting.register(stream.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _number(form: re.Pattern[str], told: str, base: int) -> int:
    if not form.fullmatch(told):
        raise Unexpected(f"has an invalid length ('{told[:60]}')")
    return int(told, base)
