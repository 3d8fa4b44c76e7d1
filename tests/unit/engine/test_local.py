# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client for a socket of this host, beside what HTTP can do there; what engines answer is tested with engines."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import docker
import pytest
import requests
import urllib3

from ansible_collections.gantry.docker.plugins.module_utils._engine.local import LocalClient
from ansible_collections.gantry.docker.plugins.module_utils._engine.long_answers import (
    PIECE,
    bound_waits,
    download,
    pieces,
)


class _Handler(BaseHTTPRequestHandler):
    """Tells of each question on which connection it came."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.number = self.server.connections
        self.server.connections += 1

    def address_string(self) -> str:
        return "a socket"

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self.server.behave(self)

    def answer(self, status: int = 200, **more: Any) -> None:
        told = {"connection": self.number, "path": self.path, "headers": dict(self.headers), **more}
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self) -> None:
        self.close_connection = True


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    connections = 0
    behave: Callable[[_Handler], None] = staticmethod(_Handler.answer)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[_Server]:
    with _Server(str(tmp_path / "socket"), _Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def client(server: _Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalClient]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with closing(_client(server)) as made:
        yield made


def _client(server: _Server) -> LocalClient:
    return LocalClient(base_url=f"unix://{server.server_address}", version="1.41", timeout=0.5)


def _ask(client: LocalClient, **params: Any) -> dict[str, Any]:
    how = {"params": params} if params else {}
    told: dict[str, Any] = client._result(client._get(client._url("/images/{0}/json", "a/b:1"), **how), json=True)
    return told


def test_one_connection_for_all(client: LocalClient) -> None:
    assert [_ask(client)["connection"] for _number in range(3)] == [0, 0, 0]


def test_what_is_sent(client: LocalClient) -> None:
    told = _ask(client, filters='{"a": ["b c"]}', all=1, since=None)
    assert told["path"] == "/v1.41/images/a/b:1/json?filters=%7B%22a%22%3A+%5B%22b+c%22%5D%7D&all=1"
    assert told["headers"]["User-Agent"].startswith("docker-sdk-python/")


def test_headers_of_the_config(server: _Server, client: LocalClient, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"HttpHeaders": {"X-Told": "yes"}}')
    with closing(_client(server)) as other:
        assert _ask(other)["headers"]["X-Told"] == "yes"


@pytest.mark.parametrize(
    ("status", "error"), [(404, docker.errors.NotFound), (500, docker.errors.APIError), (409, docker.errors.APIError)]
)
def test_refusals_are_the_sdks(
    server: _Server, client: LocalClient, status: int, error: type[docker.errors.APIError]
) -> None:
    server.behave = lambda handler: handler.answer(status, message="why not")
    with pytest.raises(error) as refused:
        _ask(client)
    assert (refused.value.status_code, refused.value.explanation) == (status, "why not")
    server.behave = _Handler.answer
    assert _ask(client)["connection"] == 0


def test_asks_again_if_the_connection_was_closed_meanwhile(server: _Server, client: LocalClient) -> None:
    def last(handler: _Handler) -> None:
        handler.answer()
        handler.close_connection = True

    server.behave = last
    assert [_ask(client)["connection"] for _number in range(3)] == [0, 1, 2]


def test_nobody_answers_any_more(server: _Server, client: LocalClient) -> None:
    server.behave = _Handler.hang_up
    with pytest.raises(requests.exceptions.ConnectionError):
        _ask(client)
    assert server.connections == 2


def test_what_comes_too_late_answers_no_other_question(server: _Server, client: LocalClient) -> None:
    def late(handler: _Handler) -> None:
        server.behave = _Handler.answer
        time.sleep(0.7)
        handler.answer(late=True)

    server.behave = late
    with pytest.raises(requests.exceptions.ReadTimeout):
        _ask(client)
    assert "late" not in _ask(client)


@pytest.mark.parametrize("said", [b"SSH-2.0-no HTTP\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"])
def test_no_whole_answer(server: _Server, client: LocalClient, said: bytes) -> None:
    def wrong(handler: _Handler) -> None:
        handler.wfile.write(said)
        handler.close_connection = True

    server.behave = wrong
    with pytest.raises(requests.exceptions.ConnectionError):
        _ask(client)


def test_no_socket(tmp_path: Path) -> None:
    client = LocalClient(base_url=f"unix://{tmp_path}/none", version="1.41", timeout=1)
    with closing(client), pytest.raises(requests.exceptions.ConnectionError) as failed:
        _ask(client)
    assert isinstance(failed.value.__cause__, FileNotFoundError)


def _archive(client: LocalClient) -> Any:
    return download(client, "/images/get", {"names": ["a:1", "b:1"]})


def test_download_comes_without_chunks(server: _Server, client: LocalClient) -> None:
    asked: list[str] = []

    def send(handler: _Handler) -> None:
        asked.append(handler.requestline)
        handler.send_response(200)
        handler.end_headers()
        for _number in range(3):
            handler.wfile.write(bytes(PIECE))

    server.behave = send
    with closing(_archive(client)) as response:
        assert [len(piece) for piece in pieces(response)] == [PIECE] * 3
    assert asked == ["GET /v1.41/images/get?names=a%3A1&names=b%3A1 HTTP/1.0"]
    server.behave = _Handler.answer
    assert _ask(client)["connection"] == 1


def test_download_with_headers_of_the_config(server: _Server, client: LocalClient, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"HttpHeaders": {"X-Told": "yes"}}')
    with closing(_client(server)) as other, closing(_archive(other)) as response:
        assert response.json()["headers"]["X-Told"] == "yes"


def test_refused_download(server: _Server, client: LocalClient) -> None:
    server.behave = lambda handler: handler.answer(404, message="No such image: a:1")
    with pytest.raises(docker.errors.NotFound, match="No such image: a:1"):
        _archive(client)


def test_download_that_nobody_answers(server: _Server, client: LocalClient) -> None:
    server.behave = _Handler.hang_up
    with pytest.raises(requests.exceptions.ConnectionError):
        _archive(client)


def test_download_that_stops(server: _Server, client: LocalClient) -> None:
    going_on = threading.Event()

    def stop(handler: _Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(bytes(PIECE))
        going_on.wait(5)

    server.behave = stop
    try:
        with closing(_archive(client)) as response, pytest.raises(urllib3.exceptions.ReadTimeoutError):
            got = pieces(response)
            assert len(next(got)) == PIECE
            bound_waits(client, response, 1)
            next(got)
    finally:
        going_on.set()
