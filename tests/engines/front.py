# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A front before a real registry, in an engine's network: it notes all that it is asked, and makes trouble if told.

The registry behind it stays real; only the trouble is made up, as no registry can be told to be overloaded or to die
at a certain byte.
"""

from __future__ import annotations

import http.client
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ansible_collections.gantry.docker.tests.engines import engine as engines
from ansible_collections.gantry.docker.tests.engines.network import enter, within

_PIECE = 64 * 1024
# RFC 8446, 5.1: a handshake begins with this byte.
_TLS = b"\x16"
# Headers that hold for one connection only (RFC 9110, 7.6.1), and the length, which is told anew.
_OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Asked:
    """A request: its method, its path, and what it had to show."""

    method: str
    path: str
    authorization: str | None


@dataclass
class Trouble:
    """An answer in place of the registry's, to the next so many requests whose path has a certain part.

    status: of the answer; 0 to close the connection without one. after: bytes of the registry's own answer that go
    out before the connection is closed; None for none of it.
    """

    status: int = 0
    times: int = 1
    part: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    after: int | None = None
    then: Callable[[], None] = lambda: None


class Front:
    """A running front.

    address: as names of images have it. asked: what it was asked, in order. wants: whether who shows no login is asked
    for one; any will do.
    """

    def __init__(self, engine: engines.Engine, port: int, registry: str) -> None:
        self.address = f"127.0.0.1:{port}"
        self.registry = registry
        self.asked: list[Asked] = []
        self.troubles: list[Trouble] = []
        self.wants = False
        self.served = threading.Lock()
        self._server = within(engine, lambda: _Server(self, engine, port))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the port, as if the registry had died."""
        self._server.shutdown()
        self._server.server_close()

    def trouble_for(self, path: str) -> Trouble | None:
        """The trouble that a request gets into."""
        with self.served:
            for trouble in self.troubles:
                if trouble.times > 0 and trouble.part in path:
                    trouble.times -= 1
                    return trouble
        return None


@contextmanager
def front(engine: engines.Engine, port: int, registry: str) -> Iterator[Front]:
    """A front that listens in the engine's network, at 127.0.0.1 and that port, before the registry there."""
    made = Front(engine, port, registry)
    try:
        yield made
    finally:
        made.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, front: Front, engine: engines.Engine, port: int) -> None:
        self.front, self._engine = front, engine
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        enter(self._engine)  # so that the registry is within reach
        if request.recv(1, socket.MSG_PEEK) == _TLS:
            # As Go's servers answer: containerd then tries plain HTTP.
            request.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTPS request to an HTTP server.\n")
            self.shutdown_request(request)
        else:
            super().process_request_thread(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def __getattr__(self, name: str) -> Any:
        """All methods (do_GET and so on) are served alike."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, *_said: Any) -> None:
        """Say nothing: all is noted."""

    def _serve(self) -> None:
        front = self.server.front
        front.asked.append(Asked(self.command, self.path, self.headers.get("Authorization")))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        trouble = front.trouble_for(self.path)
        if front.wants and not self.headers.get("Authorization"):
            trouble = Trouble(status=401, headers={"WWW-Authenticate": 'Basic realm="front"'})
        with suppress(BrokenPipeError, ConnectionResetError):
            if trouble is None or trouble.after is not None:
                self._pass_on(body, trouble)
            elif trouble.status:
                self.send_response(trouble.status)
                for name, value in {**trouble.headers, "Content-Length": "0"}.items():
                    self.send_header(name, value)
                self.end_headers()
            else:
                self._hang_up(trouble)

    def _pass_on(self, body: bytes, trouble: Trouble | None) -> None:
        behind = http.client.HTTPConnection(self.server.front.registry, timeout=60)
        # The registry shall name this front where it names itself, so Host stays as it is.
        behind.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():  # one by one: Accept comes several times
            behind.putheader(name, value)
        behind.endheaders(body or None)
        answer = behind.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OF_THE_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", answer.headers.get("Content-Length") or "0")
        self.end_headers()
        left = sys.maxsize if trouble is None or trouble.after is None else trouble.after
        while left > 0 and (piece := answer.read(min(_PIECE, left))):
            self.wfile.write(piece)
            left -= len(piece)
        behind.close()
        if trouble is not None:
            self._hang_up(trouble)

    def _hang_up(self, trouble: Trouble) -> None:
        self.wfile.flush()
        trouble.then()
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
