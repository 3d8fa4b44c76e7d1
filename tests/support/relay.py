# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A relay before an engine: it passes everything on, counts it, and makes trouble where a test wants some.

The engine behind it stays real: only what happens between it and a module is arranged.
"""

from __future__ import annotations

import json
import re
import select
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Union

_PIECE = 256 * 1024
_QUESTION = re.compile(rb"([A-Z]+) (?:/v[0-9.]+)?(/\S*) HTTP/1\.[01]\r\n")
ALWAYS = sys.maxsize

Happens = Callable[[], object]
Address = Union[Path, tuple[str, int]]


@dataclass(eq=False)
class _Event:
    """An event during a request. after: the bytes of the request, or of the answer, before it.

    times: the number of requests that it is left for. status: of the answer that happens in place of the engine's.
    """

    question: re.Pattern[str]
    happens: Happens
    times: int
    after: int = 0
    status: int = 0


class Relay:
    """A running relay.

    docker_host: its address. questions: the requests so far, as C(GET /images/json?all=1): without the API's version.
    sent, received: the bytes to and from the engine. Questions are given as regular expressions for their beginning.
    """

    def __init__(self, engine: Path, address: Address, tls: ssl.SSLContext | None = None) -> None:
        family = socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET
        self._server = socket.socket(family)
        if family == socket.AF_INET:
            self._server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._server.bind(str(address) if isinstance(address, Path) else address)
        self._server.listen(64)
        name = self._server.getsockname()
        self.docker_host = f"unix://{name}" if isinstance(name, str) else f"tcp://{name[0]}:{name[1]}"
        self.questions: list[str] = []
        self.sent = self.received = 0
        self._engine, self._tls = engine, tls
        self.events_before: list[_Event] = []
        self.events_amid_request: list[_Event] = []
        self.events_amid_answer: list[_Event] = []
        self._rewrites: list[tuple[re.Pattern[bytes], bytes]] = []
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._clients: list[socket.socket | _Secure] = []
        self._start(self._accept)

    def before(self, question: str, happens: Happens, times: int = 1) -> None:
        """Let something happen before a request reaches the engine."""
        self.events_before.append(_Event(re.compile(question), happens, times))

    def amid_request(self, question: str, after: int, happens: Happens) -> None:
        """Let something happen once the engine has so many bytes of a request."""
        self.events_amid_request.append(_Event(re.compile(question), happens, 1, after))

    def amid_answer(self, question: str, after: int, happens: Happens, times: int = 1) -> None:
        """Let something happen once so many bytes of an answer were passed on; with 0, when its first ones come."""
        self.events_amid_answer.append(_Event(re.compile(question), happens, times, after))

    def answer(self, question: str, status: int, body: Callable[[], bytes], times: int = 1) -> None:
        """Answer a request in the engine's place, with JSON that is made when the request comes."""
        self.events_before.append(_Event(re.compile(question), body, times, status=status))

    def refuse(self, question: str, status: int, message: str, times: int = 1) -> None:
        """Refuse a request in the engine's place."""
        self.answer(question, status, lambda: refusal(message), times)

    def rewrite(self, pattern: bytes, replacement: bytes) -> None:
        """Change the first lines of requests."""
        self._rewrites.append((re.compile(pattern), replacement))

    def close(self) -> None:
        """Take no more connections, and wait for the bytes that are on their way."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RD)
        for thread in self._threads:
            thread.join(timeout=10)

    def due(self, events: list[_Event], question: str, seen: int) -> list[_Event]:
        """Return the events that are due for a request, and count them."""
        with self._lock:
            found = [event for event in events if event.times > 0 and seen >= event.after]
            found = [event for event in found if event.question.match(question)]
            for event in found:
                event.times -= 1
        return found

    def rewritten(self, data: bytes) -> bytes:
        """Return the first bytes of a request, as they are to reach the engine."""
        line, end, rest = data.partition(b"\r\n")
        for pattern, replacement in self._rewrites:
            line = pattern.sub(replacement, line)
        return line + end + rest

    def count(self, sent: int = 0, received: int = 0) -> None:
        """Add to the bytes that went either way."""
        with self._lock:
            self.sent += sent
            self.received += received

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                accepted, _address = self._server.accept()
                self._start(lambda client=accepted: self._join(client))  # type: ignore[misc]

    def _join(self, accepted: socket.socket) -> None:
        with suppress(OSError), closing(_Secure(accepted, self._tls) if self._tls else accepted) as client:
            self._clients.append(client)
            with socket.socket(socket.AF_UNIX) as engine:
                engine.connect(str(self._engine))
                both = _Conversation(self, client, engine)
                upwards = threading.Thread(target=both.ask, daemon=True)
                upwards.start()
                both.tell()
                upwards.join()
            self._clients.remove(client)


class _Secure:
    """A client's connection by TLS, which one thread may read while another one writes to it."""

    def __init__(self, connection: socket.socket, tls: ssl.SSLContext) -> None:
        self._socket = tls.wrap_socket(connection, server_side=True)
        self._socket.setblocking(False)
        self._lock = threading.Lock()

    def recv(self, size: int) -> bytes:
        while True:
            with suppress(ssl.SSLWantReadError), self._lock:
                return self._socket.recv(size)
            select.select([self._socket], [], [])

    def sendall(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            with suppress(ssl.SSLWantWriteError), self._lock:
                left = left[self._socket.send(left) :]
                continue
            select.select([], [self._socket], [])

    def shutdown(self, how: int) -> None:
        """End one direction, as a socket does."""
        if how == socket.SHUT_RD:
            socket.socket.shutdown(self._socket, how)
            return
        with suppress(ssl.SSLWantReadError), self._lock:
            self._socket.unwrap()

    def close(self) -> None:
        self._socket.close()


class _Conversation:
    """One connection of a client and its connection to the engine."""

    def __init__(self, relay: Relay, client: socket.socket | _Secure, engine: socket.socket) -> None:
        self._relay, self._client, self._engine = relay, client, engine
        self._question = ""
        self._asked = self._told = 0  # bytes of this request, and of its answer
        self._happened: list[_Event] = []  # during this request
        self._dropped = False  # whether the engine gets nothing of this request

    def ask(self) -> None:
        """Pass on the bytes of the client."""
        with suppress(OSError):
            while data := self._client.recv(_PIECE):
                self._ask(data)
        _end(self._client, self._engine)

    def tell(self) -> None:
        """Pass on the bytes of the engine."""
        with suppress(OSError):
            while data := self._engine.recv(_PIECE):
                self._tell(data)
        _end(self._engine, self._client)

    def _ask(self, data: bytes) -> None:
        # A client asks its next question when it has the answer to the last one.
        if (self._told or not self._question) and (begun := _QUESTION.match(data)):
            data = self._begin(data, begun)
        if self._dropped:
            return
        self._engine.sendall(data)
        self._relay.count(sent=len(data))
        self._asked += len(data)
        self._happen(self._relay.events_amid_request, self._asked)

    def _begin(self, data: bytes, begun: re.Match[bytes]) -> bytes:
        self._question = b" ".join(begun.groups()).decode("latin-1")
        self._asked = self._told = 0
        self._happened.clear()
        self._relay.questions.append(self._question)
        self._dropped = False
        for event, body in self._happen(self._relay.events_before, 0):
            if event.status and isinstance(body, bytes):
                self._dropped = True
                self._told = len(body)
                self._client.sendall(_answer(event.status, body))
        return self._relay.rewritten(data)

    def _tell(self, data: bytes) -> None:
        self._happen(self._relay.events_amid_answer, self._told)
        # Before the client has them: its next question may come at once.
        self._told += len(data)
        self._relay.count(received=len(data))
        self._client.sendall(data)

    def _happen(self, events: list[_Event], seen: int) -> list[tuple[_Event, object]]:
        """Let the due ones of these events happen, each once a request; return them with their results."""
        due = self._relay.due([event for event in events if event not in self._happened], self._question, seen)
        self._happened += due
        return [(event, event.happens()) for event in due]


def refusal(message: str) -> bytes:
    """Return the body of an engine's refusal."""
    return json.dumps({"message": message}).encode()


def _answer(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _end(source: socket.socket | _Secure, target: socket.socket | _Secure) -> None:
    """Tell both sides that no more is passed on."""
    for end, how in ((source, socket.SHUT_RD), (target, socket.SHUT_WR)):
        with suppress(OSError):
            end.shutdown(how)


@contextmanager
def relay(engine: Path, address: Address, tls: ssl.SSLContext | None = None) -> Iterator[Relay]:
    """Run a relay before the engine at a socket; its address is a path for another socket, or a host and port."""
    made = Relay(engine, address, tls)
    try:
        yield made
    finally:
        made.close()
        if isinstance(address, Path):
            address.unlink(missing_ok=True)  # an engine that has ended takes it along
