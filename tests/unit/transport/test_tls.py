# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client over TLS: long transfers, and transfers that stop. Certificates are tested with engines."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._transport.address import resolve
from ansible_collections.gantry.docker.plugins.module_utils._transport.client import Client, Upload
from ansible_collections.gantry.docker.tests.support.certificates import certificate_for
from ansible_collections.gantry.docker.tests.support.serving import serving
from ansible_collections.gantry.docker.tests.unit.transport.test_client import PIECE, Handler

SIZE = 16 * PIECE


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    connections = 0
    behave: Callable[[Handler], None] = staticmethod(Handler.answer)
    context: ssl.SSLContext

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        return self.context.wrap_socket(connection, server_side=True), address


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return certificate_for("engine.example", tmp_path_factory.mktemp("tls")).context()


@pytest.fixture
def server(context: ssl.SSLContext) -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), Handler) as running:
        running.context = context
        with serving(running):
            yield running


@pytest.fixture
def client(server: _Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Client]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    host = f"tcp://127.0.0.1:{server.server_address[1]}"
    with closing(Client(resolve({"docker_host": host, "tls": True, "api_version": "1.41", "timeout": 1}, {}))) as made:
        yield made


def _load(client: Client) -> bytes:
    upload = Upload((bytes(PIECE) for _number in range(SIZE // PIECE)), SIZE)
    with closing(client.stream("POST", "/images/load", upload, patient=True)) as answer:
        return b"".join(answer.pieces())


def test_one_connection_serves_all(server: _Server, client: Client) -> None:
    assert [client.get("/x")["connection"] for _number in range(3)] == [0, 0, 0]
    assert client.get("/x")["headers"]["Host"] == f"127.0.0.1:{server.server_address[1]}"


def test_an_upload_that_is_read_slowly_arrives(server: _Server, client: Client) -> None:
    def read(handler: Handler) -> None:
        time.sleep(1.5)
        handler.answer(got=len(handler.rfile.read(SIZE)))

    server.behave = lambda handler: handler.answer() if "_ping" in handler.path else read(handler)
    assert f'"got": {SIZE}'.encode() in _load(client)


def test_an_upload_that_nobody_reads_is_an_error(server: _Server, client: Client) -> None:
    going_on = threading.Event()

    def wait(handler: Handler) -> None:
        going_on.wait(8)

    server.behave = wait
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        _load(client)
    going_on.set()
    assert time.monotonic() - begun < 4  # the option timeout promises a time


def test_a_download_arrives(server: _Server, client: Client) -> None:
    def send(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for _number in range(SIZE // 32768):
            handler.wfile.write(b"8000\r\n" + bytes(32768) + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")

    server.behave = send
    with closing(client.download("/images/get")) as answer:
        assert b"".join(answer.pieces(PIECE)) == bytes(SIZE)
    server.behave = Handler.answer
    assert client.get("/x")["connection"] == 0
