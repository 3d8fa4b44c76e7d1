# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client with all that HTTP allows. Engines' answers are tested with engines, and lies in unit/engine."""

from __future__ import annotations

import json
import re
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._transport.address import resolve
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import Unexpected
from ansible_collections.gantry.docker.plugins.module_utils._transport.client import (
    Client,
    Incoming,
    NotFound,
    Refused,
    Upload,
    target,
)
from ansible_collections.gantry.docker.tests.support.serving import serving

PIECE = 1024 * 1024


class Handler(BaseHTTPRequestHandler):
    """A connection, which answers with its number and the request."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.number = self.server.connections
        self.server.connections += 1

    def address_string(self) -> str:
        return "a socket"

    def log_message(self, *args: Any) -> None:
        """Print nothing."""

    def __getattr__(self, name: str) -> Callable[[], None]:
        if not name.startswith("do_"):
            raise AttributeError(name)
        return lambda: self.server.behave(self)

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
    behave: Callable[[Handler], None] = staticmethod(Handler.answer)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[_Server]:
    with _Server(str(tmp_path / "socket"), Handler) as running, serving(running):
        yield running


@pytest.fixture
def client(server: _Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Client]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with closing(_client(server)) as made:
        yield made


def _client(server: _Server) -> Client:
    options = resolve({"docker_host": f"unix://{server.server_address}", "api_version": "1.41", "timeout": 1}, {})
    return Client(options)


def _ask(client: Client, **params: Any) -> dict[str, Any]:
    told: dict[str, Any] = client.get("/images/{}/json", "a/b:1", **params)
    return told


def _tell(client: Client, method: str, body: Mapping[str, Any] | None = None) -> Any:
    return client.ask(method, "/x", body).value


def test_one_connection_serves_all(client: Client) -> None:
    assert [_ask(client)["connection"] for _number in range(3)] == [0, 0, 0]
    assert [_tell(client, method)["connection"] for method in ("POST", "DELETE", "GET")] == [0, 0, 0]


def test_each_thread_has_its_own_connection(server: _Server, client: Client) -> None:
    all_ask = threading.Barrier(4)

    def together(handler: Handler) -> None:
        all_ask.wait(5)
        handler.answer()

    server.behave = together
    with ThreadPoolExecutor(4) as pool:
        for _round in range(3):
            told = list(pool.map(lambda _number: _ask(client)["connection"], range(4)))
            assert sorted(told) == [0, 1, 2, 3]


def test_only_what_is_given_is_sent(client: Client) -> None:
    told = _ask(client, filters='{"a": ["b c"]}', all=1, since=None, names=["a", "b"])
    assert told["path"] == "/v1.41/images/a/b:1/json?filters=%7B%22a%22%3A+%5B%22b+c%22%5D%7D&all=1&names=a&names=b"
    assert set(told["headers"]) == {"Host", "User-Agent", "Accept-Encoding"}


@pytest.mark.parametrize("name", ["a?b=c", "a b", "a\r\nX: y", "a#b", "é", "%2e"])
def test_names_stay_names(client: Client, name: str) -> None:
    told = client.get("/images/{}/json", name)
    assert re.fullmatch(r"/v1\.41/images/[a-zA-Z0-9%:]+/json", told["path"]) and "X" not in told["headers"]


def test_headers_of_the_config_are_sent(server: _Server, client: Client, tmp_path: Path) -> None:
    headers = {"X-Told": "yes", "X-Not": "a\r\nX-Smuggled: b", "X Neither": "c", "User-Agent": "mine"}
    (tmp_path / "config.json").write_text(json.dumps({"HttpHeaders": headers}))
    with closing(_client(server)) as other:
        sent = _ask(other)["headers"]
    assert (sent["X-Told"], sent["User-Agent"]) == ("yes", "mine")
    assert set(sent) == {"Host", "User-Agent", "Accept-Encoding", "X-Told"}


@pytest.mark.parametrize(
    ("body", "sent", "kind"),
    [(None, "", None), ({}, "{}", "application/json"), ({"a": "é"}, r'{"a": "\u00e9"}', "application/json")],
)
def test_bodies_are_posted_as_json(
    server: _Server, client: Client, body: Mapping[str, Any] | None, sent: str, kind: str | None
) -> None:
    def read(handler: Handler) -> None:
        got = handler.rfile.read(int(handler.headers["Content-Length"]))
        handler.answer(sent=got.decode(), kind=handler.headers["Content-Type"])

    server.behave = read
    told = _tell(client, "POST", body)
    assert (told["sent"], told["kind"]) == (sent, kind)


@pytest.mark.parametrize(("status", "error"), [(404, NotFound), (500, Refused), (409, Refused)])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_refusals_are_raised(server: _Server, client: Client, method: str, status: int, error: type[Refused]) -> None:
    server.behave = lambda handler: handler.answer(status, message="why not")
    with pytest.raises(error) as refused:
        _tell(client, method)
    assert (refused.value.status, refused.value.message) == (status, "why not")
    server.behave = Handler.answer
    assert _ask(client)["connection"] == 0


def test_a_refusal_may_have_no_body(server: _Server, client: Client) -> None:
    def refuse(handler: Handler) -> None:
        handler.send_response(404)
        handler.send_header("Content-Length", "50")
        handler.end_headers()

    server.behave = refuse
    with pytest.raises(NotFound):
        client.ask("HEAD", "/x")
    server.behave = Handler.answer
    assert _ask(client)["connection"] == 0


def test_an_answer_may_be_empty(server: _Server, client: Client) -> None:
    def done(handler: Handler) -> None:
        handler.send_response(204)
        handler.end_headers()

    server.behave = done
    assert client.ask("POST", "/x").body == b""
    server.behave = Handler.answer
    assert _ask(client)["connection"] == 0


def _last(handler: Handler) -> None:
    handler.answer()
    handler.close_connection = True


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_connection_that_was_closed_meanwhile_is_opened_again(server: _Server, client: Client, method: str) -> None:
    server.behave = _last
    for number in range(3):
        assert _tell(client, method)["connection"] == number
        time.sleep(0.1)


def test_asks_again_if_the_connection_is_closed_just_now(server: _Server, client: Client) -> None:
    assert _ask(client)["connection"] == 0

    def go(handler: Handler) -> None:
        server.behave = Handler.answer
        handler.hang_up()

    server.behave = go
    assert _ask(client)["connection"] == 1


def test_tells_nothing_twice(server: _Server, client: Client) -> None:
    assert _ask(client)["connection"] == 0
    server.behave = Handler.hang_up
    with pytest.raises(ConnectionError):
        _tell(client, "POST")
    assert server.connections == 1


def test_an_engine_that_never_answers_again_is_an_error(server: _Server, client: Client) -> None:
    assert _ask(client)["connection"] == 0
    server.behave = Handler.hang_up
    with pytest.raises(ConnectionError):
        _ask(client)
    assert server.connections == 2


def test_what_comes_unasked_answers_no_question(server: _Server, client: Client) -> None:
    def twice(handler: Handler) -> None:
        server.behave = Handler.answer
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" * 2)

    server.behave = twice
    assert _ask(client) == {}
    assert _ask(client)["connection"] == 1


def test_what_comes_too_late_answers_no_other_question(server: _Server, client: Client) -> None:
    def late(handler: Handler) -> None:
        server.behave = Handler.answer
        time.sleep(1.2)
        handler.answer(late=True)

    server.behave = late
    with pytest.raises(TimeoutError):
        _ask(client)
    assert "late" not in _ask(client)


def test_patience_lasts_as_long_as_the_engine_answers(server: _Server, client: Client) -> None:
    """Work may take long, as long as the engine answers pings meanwhile."""
    asked: list[str] = []

    def work(handler: Handler) -> None:
        asked.append(handler.path)
        if "_ping" not in handler.path:
            time.sleep(2.2)
        handler.answer()

    server.behave = work
    assert client.ask("POST", "/commit", patient=True).value["path"] == "/v1.41/commit"
    assert asked == ["/v1.41/commit", "/_ping", "/_ping"]


def _wait(going_on: threading.Event) -> None:
    going_on.wait(8)


def test_patience_ends_with_the_engine(server: _Server, client: Client) -> None:
    going_on = threading.Event()
    server.behave = lambda handler: _wait(going_on)
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        client.ask("POST", "/commit", patient=True)
    going_on.set()
    assert time.monotonic() - begun < 4  # the option timeout promises a time


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"SSH-2.0-no HTTP\r\n", Unexpected),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", ConnectionError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}", ConnectionError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n{}", Unexpected),
        (b"HTTP/1.1 2000 OK\r\n\r\n{}", Unexpected),
    ],
)
def test_a_part_of_an_answer_is_an_error(server: _Server, client: Client, said: bytes, error: type[Exception]) -> None:
    def wrong(handler: Handler) -> None:
        handler.wfile.write(said)
        handler.close_connection = True

    server.behave = wrong
    with pytest.raises(error):
        _ask(client)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-LENGTH: 2\r\n\r\n{}",
        b"HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n1;a=b\r\n{\r\n01\r\n}\r\n0\r\nX: y\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\n\r\n{}",
    ],
)
@pytest.mark.parametrize("slowly", [True, False])
def test_the_same_can_be_said_in_several_ways(server: _Server, client: Client, said: bytes, slowly: bool) -> None:
    def say(handler: Handler) -> None:
        for number in range(len(said)) if slowly else ():
            handler.wfile.write(said[number : number + 1])
            handler.wfile.flush()
        handler.wfile.write(b"" if slowly else said)
        handler.close_connection = True

    server.behave = say
    assert _ask(client) == {}


def test_a_missing_socket_is_an_error(tmp_path: Path) -> None:
    with closing(Client(resolve({"docker_host": f"unix://{tmp_path}/none"}, {}))) as client:
        client.api_version = "1.41"
        with pytest.raises(FileNotFoundError):
            _ask(client)


def _archive(client: Client) -> Incoming:
    return client.download(target("/images/get", names=["a:1", "b:1"]))


def test_a_download_comes_without_chunks(server: _Server, client: Client) -> None:
    asked: list[str] = []

    def send(handler: Handler) -> None:
        asked.append(handler.requestline)
        handler.send_response(200)
        handler.end_headers()
        for _number in range(3):
            handler.wfile.write(bytes(PIECE))

    server.behave = send
    with closing(_archive(client)) as answer:
        *pieces, last = [len(piece) for piece in answer.pieces(PIECE)]
    assert sum(pieces) + last == 3 * PIECE and all(piece >= PIECE for piece in pieces)
    assert asked == ["GET /v1.41/images/get?names=a%3A1&names=b%3A1 HTTP/1.0"]
    server.behave = Handler.answer
    assert _ask(client)["connection"] == 1


def test_a_download_can_be_refused(server: _Server, client: Client) -> None:
    server.behave = lambda handler: handler.answer(404, message="No such image: a:1")
    with pytest.raises(NotFound, match="No such image: a:1"):
        _archive(client)


def test_a_download_that_nobody_answers_is_an_error(server: _Server, client: Client) -> None:
    server.behave = Handler.hang_up
    with pytest.raises(ConnectionError):
        _archive(client)


def test_a_download_that_stops_is_an_error(server: _Server, client: Client) -> None:
    going_on = threading.Event()

    def stop(handler: Handler) -> None:
        if "_ping" in handler.path:
            return handler.answer()
        time.sleep(1.2)
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(bytes(PIECE))
        going_on.wait(5)
        return None

    server.behave = stop
    try:
        with closing(_archive(client)) as answer, pytest.raises(TimeoutError):
            pieces = answer.pieces(PIECE)
            assert len(next(pieces)) == PIECE
            answer.bound_waits()
            next(pieces)
    finally:
        going_on.set()


def _load(client: Client, size: int) -> Any:
    upload = Upload((bytes(PIECE) for _number in range(size // PIECE)), size)
    with closing(client.stream("POST", "/images/load", upload, patient=True)) as answer:
        return json.loads(b"".join(answer.pieces()))


def test_an_upload_arrives(server: _Server, client: Client) -> None:
    def read(handler: Handler) -> None:
        time.sleep(1.5)  # a slow reader still gets everything
        length = int(handler.headers["Content-Length"])
        handler.answer(got=len(handler.rfile.read(length)))

    server.behave = lambda handler: handler.answer() if "_ping" in handler.path else read(handler)
    assert _load(client, 8 * PIECE)["got"] == 8 * PIECE


def test_an_upload_of_which_enough_was_seen_is_refused(server: _Server, client: Client) -> None:
    def refuse(handler: Handler) -> None:
        handler.rfile.read(1000)
        handler.answer(500, message="no archive")
        handler.close_connection = True

    server.behave = refuse
    with pytest.raises(Refused, match="no archive"):
        _load(client, 8 * PIECE)


def test_an_upload_that_nobody_reads_is_an_error(server: _Server, client: Client) -> None:
    going_on = threading.Event()
    server.behave = lambda handler: _wait(going_on)
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        _load(client, 8 * PIECE)
    going_on.set()
    assert time.monotonic() - begun < 4  # the option timeout promises a time
