# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A front before a real registry, in an engine's network: it records all requests, and makes trouble on demand.

The registry behind it is real. Only the trouble is made: no registry can be told to be overloaded, or to die at a
certain byte.
"""

from __future__ import annotations

import argparse
import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ansible_collections.gantry.docker.tests.engines import engine as engines
from ansible_collections.gantry.docker.tests.engines.network import enter, within
from ansible_collections.gantry.docker.tests.support.serving import refuses_tls, serving

_PIECE = 64 * 1024
# Headers that are valid for one connection only (RFC 9110, 7.6.1), and the length, which is sent anew.
_OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Asked:
    """A request: its method, its path, and its login."""

    method: str
    path: str
    authorization: str | None


@dataclass
class Trouble:
    """An answer in place of the registry's, to the next requests whose path contains a part.

    status: that of the answer; 0 to close the connection without an answer. times: the number of requests. after: the
    bytes of the registry's own answer to send before the connection is closed; None to send none of it. then: called
    after that.
    """

    status: int = 0
    times: int = 1
    part: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    after: int | None = None
    then: Callable[[], None] = lambda: None


class Front:
    """A running front.

    address: the registry's part of an image's name. asked: the requests so far. wants: whether requests need a login;
    any login is accepted.
    """

    def __init__(self, engine: engines.Engine, port: int, registry: str) -> None:
        self.address = f"127.0.0.1:{port}"
        self.registry = registry
        self.asked: list[Asked] = []
        self.troubles: list[Trouble] = []
        self.wants = False
        self.served = threading.Lock()
        self.alive = True
        self.server = within(engine, lambda: _Server(self, engine, port))

    def stop(self) -> None:
        """Close the port, as a registry that dies."""
        self.alive = False
        self.server.shutdown()
        self.server.server_close()

    def trouble_for(self, path: str) -> Trouble | None:
        """Return the trouble for a request, and count it; None if there is none."""
        with self.served:
            for trouble in self.troubles:
                if trouble.times > 0 and trouble.part in path:
                    trouble.times -= 1
                    return trouble
        return None


@contextmanager
def front(engine: engines.Engine, port: int, registry: str) -> Iterator[Front]:
    """Run a front in the engine's network, at a port of 127.0.0.1, before a registry there."""
    made = Front(engine, port, registry)
    with serving(made.server):
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
        enter(self._engine)  # to reach the registry
        if refuses_tls(request):
            self.shutdown_request(request)
        else:
            super().process_request_thread(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def __getattr__(self, name: str) -> Any:
        """Serve all methods (do_GET and so on) alike."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, *_said: Any) -> None:
        """Print nothing: all requests are recorded."""

    def _serve(self) -> None:
        front = self.server.front
        front.asked.append(Asked(self.command, self.path, self.headers.get("Authorization")))
        body = self._body()
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

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _pass_on(self, body: bytes, trouble: Trouble | None) -> None:
        behind = http.client.HTTPConnection(self.server.front.registry, timeout=60)
        # Host stays unchanged, so the registry's links lead to this front.
        behind.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():  # one by one: there are several Accept headers
            if name.lower() not in _OF_THE_CONNECTION:
                behind.putheader(name, value)
        behind.putheader("Content-Length", str(len(body)))
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


def main() -> int:
    """Run a front before a registry of the engine in DOCKER_HOST, in the background, until the engine ends."""
    parser = argparse.ArgumentParser(prog="front", description=main.__doc__)
    parser.add_argument("--port", type=int, required=True, help="the front's port, in the engine's network")
    parser.add_argument("--registry", default="127.0.0.1:5000", help="the registry behind it")
    parser.add_argument("--answers", type=int, nargs="*", default=[], help="the statuses of the first answers")
    parser.add_argument("--dies-after", type=int, help="bytes of a layer or config after which the front ends")
    parser.add_argument("--stay", action="store_true", help="stay in the foreground")
    arguments = parser.parse_args()
    if not arguments.stay:
        return _leave_behind([sys.executable, "-m", f"{__package__}.front", *sys.argv[1:], "--stay"])
    instance = Path(os.environ["DOCKER_HOST"]).parent.name
    engine = engines.find(instance)
    if engine is None:
        raise engines.EngineFailed(f"{instance} is no running private engine.")
    with front(engine, arguments.port, arguments.registry) as made:
        made.troubles = [Trouble(status=status) for status in arguments.answers]
        if arguments.dies_after is not None:
            made.troubles.append(Trouble(part="/blobs/", after=arguments.dies_after, times=99, then=made.stop))
        print("listening", flush=True)
        while engines.find(instance) and made.alive:
            time.sleep(0.2)
    return 0


def _leave_behind(command: list[str]) -> int:
    """Start a command that outlives this process, and wait for its first line."""
    started = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert started.stdout is not None
    return 0 if started.stdout.readline() else 1


if __name__ == "__main__":
    sys.exit(main())
