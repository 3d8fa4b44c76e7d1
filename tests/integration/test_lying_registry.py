# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_pull with a registry that lies: it ends soon, with one clear message, and the engine gets nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.registries import (
    CONFIG,
    MANIFEST,
    lying,
)
from ansible_collections.gantry.docker.tests.integration.scenes import state
from ansible_collections.gantry.docker.tests.support.archives import digest
from ansible_collections.gantry.docker.tests.support.lies import HTML, Lie, answer, dripping, silent

PORT = 5120
TIMEOUT, SOON = 2, 30
HOSTILE = "\x1b]0;owned\x07\x1b[2J\u202egnp.exe"

LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
BLOB = b"a layer that is none"
CONFIG_BLOB = json.dumps(
    {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest(BLOB)]}}
).encode()


def _part(kind: str, data: bytes) -> dict[str, str | int]:
    return {"mediaType": kind, "digest": digest(data), "size": len(data)}


WHOLE = json.dumps(
    {"schemaVersion": 2, "mediaType": MANIFEST, "config": _part(CONFIG, CONFIG_BLOB), "layers": [_part(LAYER, BLOB)]}
).encode()


def _manifest(body: bytes, called: str | None = None) -> Lie:
    return answer(body, MANIFEST, more=f"Docker-Content-Digest: {called or digest(body)}\r\nConnection: close\r\n")


def _refusal(status: str) -> Lie:
    body = json.dumps({"errors": [{"code": "UNKNOWN", "message": HOSTILE}]}).encode()
    return answer(body, status=status, more="Connection: close\r\n")


def _head(kind: str, size: int) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\nDocker-Content-Digest: "
    return f"{head}{digest(WHOLE)}\r\n\r\n".encode()


# Answers in place of a manifest.
MANIFESTS: dict[str, Lie] = {
    "escapes in a refusal": _refusal("403 Forbidden"),
    "escapes in a failure": _refusal("500 Internal Server Error"),
    "escapes in nothing found": _refusal("404 Not Found"),
    "a page of HTML": answer(HTML, "text/html", more="Connection: close\r\n"),
    "a page of HTML as a manifest": _manifest(HTML),
    "another manifest than it says": _manifest(WHOLE, digest(b"")),
    "silence": silent(),
    "silence in a manifest": silent(_head(MANIFEST, len(WHOLE)) + WHOLE[:20]),
    "a manifest that drips": dripping(_head(MANIFEST, 10**9), b" "),
    "a manifest without end": dripping(_head(MANIFEST, 10**12), b" " * 100_000),
}
# Answers in place of a layer.
BLOBS: dict[str, Lie] = {
    "silence": silent(_head("application/octet-stream", len(BLOB)) + BLOB[:5]),
    "another layer": answer(b"x" * len(BLOB), "application/octet-stream", more="Connection: close\r\n"),
    "a page of HTML": answer(HTML, "text/html", more="Connection: close\r\n"),
    "a refusal": _refusal("403 Forbidden"),
}


@pytest.fixture
def pull(modules: Callable[[str], Module]) -> Module:
    """The module image_pull."""
    return modules("image_pull")


def _fails(pull: Module, name: str, check: bool) -> str:
    begun = time.monotonic()
    message = pull.fails(check=check, name=name, policy="always", timeout=TIMEOUT, retry_for=0)
    assert time.monotonic() - begun < SOON  # the option timeout promises a time
    assert message.isprintable()
    assert name in message
    return message


@pytest.mark.parametrize("lie", MANIFESTS)
def test_a_manifest_that_lies_leaves_nothing(
    engine: Engine, clean: docker.DockerClient, pull: Module, lie: str
) -> None:
    with lying(engine, PORT, {"/manifests/": MANIFESTS[lie]}) as address:
        # Which manifest a digest is of, nobody knows before it is there.
        for check in (False,) if lie == "another manifest than it says" else (True, False):
            _fails(pull, f"{address}/example:1", check)
    assert not state(clean)


@pytest.mark.parametrize("lie", BLOBS)
def test_a_layer_that_lies_leaves_nothing(engine: Engine, clean: docker.DockerClient, pull: Module, lie: str) -> None:
    config = answer(CONFIG_BLOB, "application/octet-stream", more="Connection: close\r\n")
    lies = {"/manifests/": _manifest(WHOLE), digest(CONFIG_BLOB): config, "/blobs/": BLOBS[lie]}
    with lying(engine, PORT + 1, lies) as address:
        _fails(pull, f"{address}/example:1", False)
    assert not state(clean)


def test_a_silent_registry_is_named(engine: Engine, clean: docker.DockerClient, pull: Module) -> None:
    with lying(engine, PORT + 2, {"/": silent()}) as address:
        message = _fails(pull, f"{address}/example:1", True)
    assert f"the registry {address}" in message
    assert "option timeout" in message
    assert "docker info" not in message, "the engine is well"


def test_a_hostile_label_is_shown_escaped(clean: docker.DockerClient, modules: Callable[[str], Module]) -> None:
    clean.images.pull("busybox", "latest")
    container = clean.containers.create("busybox", ["true"], name="hostile", labels={HOSTILE: HOSTILE})
    commit = modules("image_commit")
    result = commit.ok(check=True, container="hostile", name="example/hostile:1")
    container.remove()
    for part in ("actions", "diff"):
        shown = json.dumps(result[part], ensure_ascii=False)
        assert shown.isprintable()
    assert "\\x1b[2J\\u202egnp.exe" in json.dumps(result["diff"], ensure_ascii=False).replace("\\\\", "\\")
