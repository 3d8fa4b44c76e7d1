# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers against the engine's API: every question ends soon, in little memory, with one clear error."""

from __future__ import annotations

import contextlib
import json
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._container.commands import Command, Commands
from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Commit, Container, Containers
from ansible_collections.gantry.docker.plugins.module_utils._container.options import OPTIONS, found_in
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine, connect
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._image.history import history_rows, layer_sizes
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import parse_reference
from ansible_collections.gantry.docker.plugins.module_utils._registry.credentials import Login
from ansible_collections.gantry.docker.plugins.module_utils._registry.distribution import Distribution
from ansible_collections.gantry.docker.plugins.module_utils._transfer.engine_archives import Transfers
from ansible_collections.gantry.docker.plugins.module_utils._transport import answers
from ansible_collections.gantry.docker.plugins.module_utils._transport.client import target
from ansible_collections.gantry.docker.plugins.module_utils._transport.exec import Wire
from ansible_collections.gantry.docker.tests.support.lies import (
    HTML,
    OF_BODIES,
    QUICK,
    SLOW,
    Liar,
    answer,
    chunked,
    liar,
    told,
    twisted,
)

TIMEOUT, SOON = 1, 5
ID = "sha256:" + "a" * 64
BUSYBOX, NOBODY = parse_reference("busybox"), Login("docker.io", {})
COMMAND = Command(("id",), None, {}, None, tty=False)
COMMIT = Commit("", "", (), {}, pause=True)

CONFIG = {"Cmd": ["sh"], "Env": ["A=b"], "Labels": {"a": "b"}, "Volumes": {"/v": {}}, "User": "", "StopTimeout": 5}
SIZE = {"Total": 5, "Content": 3}
MANIFEST = {
    "ID": ID,
    "Available": True,
    "Size": SIZE,
    "ImageData": {"Platform": {"os": "linux", "architecture": "arm", "variant": "v7"}, "Size": {"Unpacked": 2}},
    "Descriptor": {"mediaType": "a", "digest": ID, "size": 3},
}
IMAGE = {
    "Id": ID,
    "RepoTags": ["a:1"],
    "RepoDigests": [f"a@{ID}"],
    "Created": "2020-01-01T00:00:00Z",
    "Config": CONFIG,
    "Architecture": "amd64",
    "Variant": "v2",
    "Os": "linux",
    "Size": 5,
    "RootFS": {"Layers": [ID]},
    "Metadata": {"LastTagTime": "2020-01-01T00:00:00Z"},
    "Manifests": [MANIFEST],
}
ROW = {
    "Id": ID,
    "RepoTags": ["a:1"],
    "RepoDigests": [f"a@{ID}"],
    "ParentId": "",
    "Created": 1,
    "Size": 5,
    "SharedSize": 1,
    "Labels": {"a": "b"},
    "Manifests": [MANIFEST],
    "Descriptor": {"mediaType": "application/vnd.oci.image.index.v1+json", "size": 5},
}
CONTAINER = {
    "Id": ID,
    "Name": "/one",
    "Image": ID,
    "State": {
        "Status": "running",
        "Running": True,
        "ExitCode": 0,
        "Health": {"Status": "unhealthy", "Log": [{"Output": "no"}]},
    },
    "Config": {**CONFIG, "Image": "a:1"},
    "HostConfig": {
        "Binds": ["/a:/b:ro"],
        "CapAdd": ["NET_ADMIN"],
        "CapDrop": ["CHOWN"],
        "Mounts": [{"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 5}}],
        "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "80"}]},
        "RestartPolicy": {"Name": "always"},
        "NanoCpus": 10,
        "ReadonlyRootfs": True,
    },
    "NetworkSettings": {"Networks": {"one": {"Aliases": ["a"], "IPAMConfig": {"IPv4Address": "10.0.0.1"}}}},
}
ONE = Container(CONTAINER)
ASKED: dict[str, Any] = {
    **dict.fromkeys(OPTIONS, ()),
    **{name: {} for name in ("env", "labels")},
    "networks": {"one": {"aliases": ["a"], "ipv4_address": "10.0.0.1"}},
    "mounts": [{"target": "/t"}],
}


def _of_image(image: Image | None) -> Any:
    """Return everything that is read of an image."""
    assert image is not None
    return (image.id, image.tags, image.digests, image.last_tagged, image.diff_ids, image.config), (
        image.size,
        image.platform,
        image.identity,
        image.created,
        image.flaw,
    )


def _of_container(engine: Engine) -> Any:
    """Return everything that is read of a container."""
    one = Containers(engine).find("one")
    if one:
        return one.id, one.image_id, one.status, one.running, one.read_only, found_in(one.inspected, ASKED)
    return None


def _command(engine: Engine) -> None:
    with closing(Wire(engine.options)) as wire:
        wire.start("one", ["id"])


def _history(engine: Engine) -> Any:
    rows = engine.images.history(ID)
    return history_rows(rows, [ID]), layer_sizes(rows, 1)


# Requests, each with a true answer, or nothing if that answer is no JSON.
QUESTIONS: dict[str, tuple[Callable[[Engine], Any], Any]] = {
    "what it is": (
        lambda engine: (engine.version, engine.platform, engine.containerd_store, engine.now),
        {
            "ServerVersion": "28.5.2",
            "OSType": "linux",
            "Architecture": "x86_64",
            "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]],
            "SystemTime": "2020-01-01T00:00:00Z",
        },
    ),
    "an image": (lambda engine: _of_image(engine.images.find("a:1")), IMAGE),
    "an image's manifests": (lambda engine: engine.images.manifests("a:1"), IMAGE),
    "an image for a platform": (
        lambda engine: engine.images.described_for(engine.images.find("a:1"), Platform("linux", "arm", "v7")),
        {**IMAGE, "Architecture": "arm", "Variant": "v7"},
    ),
    "all images": (lambda engine: engine.images.all(details=True), [ROW]),
    "the images that are shown": (lambda engine: engine.images.visible({"dangling": ["true"]}), [ROW]),
    "an image's history": (_history, [{"Id": ID, "Created": 1, "CreatedBy": "COPY", "Size": 5}]),
    "the sizes of images": (
        lambda engine: engine.images.sizes(),
        {"Images": [{"Id": ID, "Size": 5, "SharedSize": 1}], "LayersSize": 5},
    ),
    "the disk usage": (lambda engine: engine.images.disk_usage(), {"LayersSize": 5}),
    "the disk usage from API 1.52 on": (
        lambda engine: (engine.images.sizes(), engine.images.disk_usage()),
        {"ImageUsage": {"TotalCount": 1, "TotalSize": 5, "Items": [{"Id": ID, "Size": 5, "SharedSize": 1}]}},
    ),
    "a container": (_of_container, CONTAINER),
    "a container's health": (lambda engine: Containers(engine).wait_until_healthy("one", 1), CONTAINER),
    "all containers": (
        lambda engine: Containers(engine).all(),
        [{"Id": ID, "Names": ["/one"], "ImageID": ID, "Image": "a:1", "State": "running"}],
    ),
    "a container's files": (lambda engine: Containers(engine).changed_paths(ONE), [{"Path": "/a", "Kind": 1}]),
    "a container's processes": (
        lambda engine: Containers(engine).processes("one"),
        {"Titles": ["PID"], "Processes": [["1"]]},
    ),
    "the networks": (lambda engine: Containers(engine).networks(), [{"Name": "one"}]),
    "the starts of containers": (
        lambda engine: Containers(engine).starts("2020-01-01T00:00:00Z"),
        {"Action": "start", "Actor": {"Attributes": {"image": "a:1"}}, "timeNano": 5},
    ),
    "for a container": (lambda engine: Containers(engine).create("one", {"Image": "a:1"}), {"Id": ID}),
    "for a commit": (lambda engine: Containers(engine).commit(ONE, COMMIT, BUSYBOX), {"Id": ID}),
    "for a command": (lambda engine: Commands(engine).exec_detached(ONE, COMMAND), {"Id": ID}),
    "for a command with input": (_command, {"Id": ID}),
    "what a registry has": (
        lambda engine: Distribution(engine).remote(BUSYBOX, NOBODY),
        {"Descriptor": {"digest": ID}, "Platforms": [{"os": "linux", "architecture": "arm", "variant": "v7"}]},
    ),
    "for a pull": (
        lambda engine: Distribution(engine).pull(BUSYBOX, None, NOBODY),
        {"status": "Pulling", "errorDetail": {"message": ""}},
    ),
    "for a push": (
        lambda engine: Distribution(engine).push(BUSYBOX, NOBODY),
        {"status": f"latest: digest: {ID} size: 5", "aux": {}},
    ),
    "for a load": (lambda engine: Transfers(engine).load([b"x"], 1, "load it", []), {"stream": "Loaded image: a:1\n"}),
}
WITH_HTML_ONLY: dict[str, Callable[[Engine], Any]] = {
    "whether an image is there": lambda engine: engine.images.is_here_for(Image(IMAGE), Platform("linux", "arm")),
    "to tag": lambda engine: engine.images.tag("a:1", BUSYBOX),
    "to remove an image": lambda engine: engine.images.remove("a:1"),
    "to start": lambda engine: Containers(engine).start("one"),
    "to rename": lambda engine: Containers(engine).rename("one", "two"),
    "to remove a container": lambda engine: Containers(engine).remove("one"),
}
# A transfer that goes on is no stall. A task waits for the end of work as long as the engine is there.
TRANSFERS = {"for a pull", "for a push"}
WORK = {"for a load", "for a commit", "a container's files"}


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Liar]:
    with liar(tmp_path_factory.mktemp("liar")) as running:
        yield running


@pytest.fixture
def server(one_server: Liar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Liar:
    """A liar in place of an engine, which answers only pings until it gets a lie."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    one_server.lie, one_server.truths = Liar.lie, Liar.truths
    return one_server


def _connected(server: Liar) -> Engine:
    return connect({"docker_host": f"unix://{server.server_address}", "timeout": TIMEOUT})


@pytest.fixture
def engine(server: Liar) -> Iterator[Engine]:
    with closing(_connected(server)) as connected:
        yield connected


def _said(ask: Callable[[Engine], Any], engine: Engine) -> str:
    """Ask a question that ends with an error; return its message."""
    begun = time.monotonic()
    with pytest.raises(GantryError) as failed:
        ask(engine)
    message = failed.value.message
    assert time.monotonic() - begun < SOON  # the option timeout promises a time
    assert message.isprintable() and len(message) < 1000
    return message


@pytest.mark.parametrize("lie", QUICK)
@pytest.mark.parametrize("question", QUESTIONS)
def test_what_no_engine_answers_is_an_error(
    server: Liar, engine: Engine, monkeypatch: pytest.MonkeyPatch, question: str, lie: str
) -> None:
    for bound in ("MAX_ANSWER", "MAX_MESSAGE"):  # which take their time to reach
        monkeypatch.setattr(answers, bound, 1024 * 1024)
    server.lie = QUICK[lie]
    assert _said(QUESTIONS[question][0], engine)


@pytest.mark.parametrize("question", WITH_HTML_ONLY)
def test_a_page_of_html_is_no_answer(server: Liar, engine: Engine, question: str) -> None:
    server.lie = answer(HTML, "text/html")
    assert "is a page of HTML" in _said(WITH_HTML_ONLY[question], engine)


@pytest.mark.parametrize("lie", SLOW)
def test_an_answer_that_takes_too_long_is_an_error(server: Liar, lie: str) -> None:
    server.lie = SLOW[lie]

    def ask(question: str) -> None:
        with closing(_connected(server)) as engine:
            said = _said(QUESTIONS[question][0], engine)
            # By HTTP/1.1, an answer without a length is empty. No engine sends such an answer with content.
            assert "timeout" in said or "is no Docker engine" in said

    excepted = (WORK if lie not in OF_BODIES else {"for a load"}) | (TRANSFERS if lie in OF_BODIES else set())
    asked = [question for question in QUESTIONS if question not in excepted]
    with ThreadPoolExecutor(len(asked)) as pool:
        list(pool.map(ask, asked))


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_true_answer_is_taken(server: Liar, engine: Engine, question: str) -> None:
    ask, true = QUESTIONS[question]
    server.lie = told(true)
    if question in ("a container's health", "for a command with input"):
        assert _said(ask, engine)
    else:
        ask(engine)


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_of_another_shape_gives_no_traceback(server: Liar, engine: Engine, question: str) -> None:
    ask, true = QUESTIONS[question]
    for value in twisted(true):
        server.lie = told(value)
        with contextlib.suppress(GantryError):
            ask(engine)
        engine.__dict__.pop("info", None)


UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"


@pytest.mark.parametrize(
    "lie", ["a page of HTML", "a refusal that is a list", "no HTTP", "no answer", "a way elsewhere"]
)
@pytest.mark.parametrize("stdin", [None, b"input"])
def test_what_starts_no_command_is_an_error(server: Liar, engine: Engine, lie: str, stdin: bytes | None) -> None:
    server.truths, server.lie = {b"/containers/one/exec ": told({"Id": ID})}, QUICK[lie]
    assert _said(lambda engine: Commands(engine).exec(ONE, COMMAND._replace(stdin=stdin)), engine)


@pytest.mark.parametrize("end", [[], {}, {"Running": False, "Pid": 5}, {"Running": False, "Pid": "5", "ExitCode": 0}])
@pytest.mark.parametrize("output", [b"", HTML, b"\x07\0\0\0\0\0\0\x01x", b"\x01\0\0\0\xff\xff\xff\xffx"])
@pytest.mark.parametrize("stdin", [None, b"input"])
def test_what_is_no_output_of_a_command_is_an_error(
    server: Liar, engine: Engine, end: Any, output: bytes, stdin: bytes | None
) -> None:
    server.truths = {b"/containers/one/exec ": told({"Id": ID}), b"/start ": lambda: [UPGRADED + output]}
    server.lie = told(end)
    assert _said(lambda engine: Commands(engine).exec(ONE, COMMAND._replace(stdin=stdin)), engine)


@pytest.mark.parametrize(
    "line", [HTML, b'"text"', b"[]", b'{"status": 5}', b'{"status": "Pull', b'{"errorDetail": []}']
)
def test_what_is_no_message_in_a_stream_is_an_error(server: Liar, engine: Engine, line: bytes) -> None:
    good = json.dumps({"status": "Pulling"}).encode() + b"\r\n"
    server.lie = chunked([good, line + b"\r\n"])
    message = _said(QUESTIONS["for a pull"][0], engine)
    assert message.startswith("Can't pull busybox:latest: the engine's answer ")
    assert "Does a proxy change it?" in message


@pytest.mark.parametrize("question", QUESTIONS)
def test_nothing_found_by_no_engine_is_an_error(server: Liar, engine: Engine, question: str) -> None:
    server.lie = QUICK["a page of HTML as nothing found"]
    assert "begins with '<!DOCTYPE html>" in _said(QUESTIONS[question][0], engine)


@pytest.mark.parametrize("lie", ["spaces without end", "chunks without end", "a chunk of 16 EiB", "what unfolds"])
def test_memory_is_bounded(server: Liar, engine: Engine, lie: str) -> None:
    server.lie = QUICK[lie]
    tracemalloc.start()
    try:
        assert _said(QUESTIONS["all images"][0], engine)
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 3 * answers.MAX_ANSWER


def test_a_stream_that_breaks_off_is_an_error(server: Liar, engine: Engine) -> None:
    whole = b"".join(chunked([b'{"status": "Pulling"}\r\n'])())
    server.lie = lambda: [whole.removesuffix(b"0\r\n\r\n")]
    assert "the engine closed the connection" in _said(QUESTIONS["for a pull"][0], engine)


def test_an_error_names_the_place(server: Liar, engine: Engine) -> None:
    server.lie = told([ROW, {**ROW, "RepoTags": ["a:1", 5]}])
    assert "has a number in place of a string at [1].RepoTags[1]" in _said(QUESTIONS["all images"][0], engine)


def test_what_is_no_engine_is_an_error(server: Liar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.gantry.docker.tests.support.lies.PONG", b"".join(answer(HTML)()))
    with pytest.raises(GantryError, match="is no Docker engine, or a proxy has changed its answer"):
        _connected(server)


def test_a_silent_registry_is_named(server: Liar, engine: Engine) -> None:
    server.lie = SLOW["silence"]
    message = _said(QUESTIONS["what a registry has"][0], engine)
    assert "the registry docker.io" in message
    assert "timeout" in message


def test_an_archive_is_read_piece_by_piece(server: Liar, engine: Engine) -> None:
    server.lie = chunked([b"x" * 1000] * 10, "application/x-tar")
    with closing(engine.api.stream("GET", target("/images/get"))) as archive:
        assert [len(piece) for piece in archive.pieces()] == [1000] * 10
