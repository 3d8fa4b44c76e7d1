# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Liars: servers in place of an engine or a registry that answer with any bytes, and lies for them."""

from __future__ import annotations

import copy
import gzip
import itertools
import json
import socketserver
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Callable

from ansible_collections.gantry.docker.tests.support.serving import serving

Lie = Callable[[], Iterable[bytes]]

PONG = b"HTTP/1.1 200 OK\r\nApi-Version: 1.51\r\nContent-Length: 2\r\n\r\nOK"
HTML = b"<!DOCTYPE html><html><body><h1>Sign in to the network</h1></body></html>"
DRIP = 0.1


class Lies(socketserver.ThreadingMixIn, socketserver.BaseServer):
    """A server that lies.

    lie: the bytes that answer every request but a ping, which has a true answer. truths: the bytes that answer a
    request instead, by a part of its first line.
    """

    daemon_threads = True
    lie: Lie = staticmethod(lambda: [PONG])
    truths: Mapping[bytes, Lie] = {}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing: a client may hang up."""


class Liar(Lies, socketserver.UnixStreamServer):
    """A liar in place of an engine."""

    request_queue_size = 64


class Handler(socketserver.StreamRequestHandler):
    """A connection to a liar, which ends after an answer."""

    server: Lies

    def handle(self) -> None:
        while line := self.rfile.readline():
            self._skip()
            if b"/_ping " in line:
                self.wfile.write(PONG)
                continue
            found = (truth for part, truth in self.server.truths.items() if part in line)
            with suppress(OSError):
                for piece in next(found, self.server.lie)():
                    self.wfile.write(piece)
            return

    def _skip(self) -> None:
        """Read the rest of the request."""
        length = 0
        while (line := self.rfile.readline()).strip():
            name, _colon, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        self.rfile.read(length)


@contextmanager
def liar(folder: Path) -> Iterator[Liar]:
    """Run a liar in place of an engine, at a socket in a directory."""
    with Liar(str(folder / "liar"), Handler) as server, serving(server):
        yield server


def answer(body: bytes, kind: str = "application/json", status: str = "200 OK", more: str = "") -> Lie:
    """Return a whole answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return lambda: [head.encode() + body]


def chunked(pieces: Iterable[bytes], kind: str = "application/json") -> Lie:
    """Return an answer in chunks."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    return lambda: itertools.chain([head], (b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces), [b"0\r\n\r\n"])


def dripping(beginning: bytes, drop: bytes) -> Lie:
    """Return an answer that never ends and comes drop by drop, without a long pause."""

    def drops() -> Iterator[bytes]:
        yield beginning
        while True:
            time.sleep(DRIP)
            yield drop

    return drops


def endless(beginning: bytes, more: bytes) -> Lie:
    """Return an answer that never ends, as fast as it is read."""
    return lambda: itertools.chain([beginning], itertools.repeat(more))


def silent(beginning: bytes = b"") -> Lie:
    """Return an answer that stops in the middle, or before it begins."""

    def wait() -> Iterator[bytes]:
        yield beginning
        time.sleep(20)

    return wait


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

# No question has such an answer.
QUICK: dict[str, Lie] = {
    "a page of HTML": answer(HTML, "text/html"),
    "a page of HTML that says it is JSON": answer(HTML),
    "a page of HTML as a refusal": answer(HTML, "text/html", "403 Forbidden"),
    "a page of HTML as nothing found": answer(HTML, "text/html", "404 Not Found"),
    "a refusal that is a list": answer(b"[]", status="500 Internal Server Error"),
    "a refusal without a message": answer(b"{}", status="404 Not Found"),
    "a refusal by a number": answer(b'{"message": 5}', status="404 Not Found"),
    "a refusal of nothing": answer(b"", status="502 Bad Gateway"),
    "a way elsewhere": answer(b"", status="302 Found", more="Location: http://127.0.0.1:1/\r\n"),
    "no HTTP": lambda: [b"SSH-2.0-OpenSSH_9.6\r\n"],
    "no answer": lambda: [],
    "half an answer": lambda: [HEAD + b'Content-Length: 100\r\n\r\n{"Id": "sha'],
    "half a chunk": lambda: [CHUNKED + b'64\r\n{"Id": "sha'],
    "no chunk": lambda: [CHUNKED + b"<html>\r\n"],
    "a chunk of 16 EiB": lambda: [CHUNKED + b"ffffffffffffffff\r\n{"],
    "a length of 16 EiB": lambda: [HEAD + b"Content-Length: 18446744073709551615\r\n\r\n{"],
    "a length below nothing": lambda: [HEAD + b"Content-Length: -5\r\n\r\n{"],
    "JSON of 100,000 levels": answer(b"[" * 100_000),
    "half a surrogate pair": answer(rb'{"Id": "\ud800"}'),
    "no UTF-8": answer(b'{"Id": "\xff"}'),
    "a number of 5,000 digits": answer(b'{"Id": ' + b"9" * 5000 + b"}"),
    "JSON and more": answer(b"{}}"),
    "headers without end": endless(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n"),
    "a header without end": endless(b"HTTP/1.1 200 OK\r\nX-More: ", b"and more" * 1000),
    "what unfolds": answer(gzip.compress(bytes(10**8)), more="Content-Encoding: gzip\r\n"),
    "spaces without end": endless(HEAD + b"\r\n", b" " * 65536),
    "chunks without end": chunked(itertools.repeat(b" " * 65536)),
}
SLOW: dict[str, Lie] = {
    "silence": silent(),
    "silence after the headers": silent(CHUNKED),
    "silence in a message": silent(CHUNKED + b'10\r\n{"Id": '),
    "headers that drip": dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "a header that drips": dripping(b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    "a body that drips": dripping(HEAD + b"\r\n", b" "),
    "chunks that drip": dripping(CHUNKED, b"1\r\n \r\n"),
    "leave to go on without end": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}
# Lies whose beginning is a true answer.
OF_BODIES = {"a body that drips", "chunks that drip"}

WRONG: tuple[Any, ...] = (None, 5, -1, 1e300, True, "x", "", [], [None], ["x"], {}, {"x": None}, [[]], 10**30)


def twisted(true: Any) -> Iterator[Any]:
    """Yield every value that differs from a true one in one place, which has another shape or is missing."""
    for path in _paths(true):
        for wrong in (*WRONG, _NOTHING):
            whole = copy.deepcopy([true])
            place: Any = whole
            for step in path[:-1]:
                place = place[step]
            if wrong is not _NOTHING:
                place[path[-1]] = wrong
            elif isinstance(place, dict):
                del place[path[-1]]
            yield whole[0]


def _paths(value: Any, above: tuple[Any, ...] = (0,)) -> Iterator[tuple[Any, ...]]:
    yield above
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, part in parts:
        yield from _paths(part, (*above, step))


_NOTHING = object()


def told(value: Any) -> Lie:
    """Return the answer with a value."""
    return answer(json.dumps(value).encode())
