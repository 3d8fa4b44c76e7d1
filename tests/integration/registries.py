# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registries for the tests: their own report of their content, images that no engine can make, and liars."""

from __future__ import annotations

import http.client
import json
import socketserver
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import docker

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.engines.network import within
from ansible_collections.gantry.docker.tests.support.archives import OCI_INDEX, OCI_MANIFEST, digest
from ansible_collections.gantry.docker.tests.support.lies import Handler, Lie, Lies, answer
from ansible_collections.gantry.docker.tests.support.serving import refuses_tls, serving

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"


class Registry:
    """A client of a registry without TLS in the engine's network (distribution, spec/api.md)."""

    def __init__(self, engine: Engine, address: str) -> None:
        self._engine, self.address = engine, address

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str | None = None) -> tuple[int, bytes, str]:
        """Make a request; return the answer's status, body and Location."""
        headers = {"Content-Type": kind} if kind else {"Accept": f"{INDEX}, {MANIFEST}, {OCI_INDEX}, {OCI_MANIFEST}"}

        def call() -> tuple[int, bytes, str]:
            connection = http.client.HTTPConnection(self.address, timeout=20)
            connection.request(method, path.removeprefix(f"http://{self.address}"), body, headers)
            answer = connection.getresponse()
            told = answer.status, answer.read(), answer.headers.get("Location", "")
            connection.close()
            return told

        return within(self._engine, call)

    def digest(self, repository: str, tag: str) -> str | None:
        """Return the digest of a tag; None if there is no such tag."""
        status, body, _location = self.ask("GET", f"/v2/{repository}/manifests/{tag}")
        return digest(body) if status == 200 else None

    def tags(self, repository: str) -> list[str]:
        """Return the sorted tags of a repository."""
        status, body, _location = self.ask("GET", f"/v2/{repository}/tags/list")
        assert status == 200, body
        return sorted(json.loads(body)["tags"])

    def manifest(self, repository: str, tag: str) -> dict[str, Any]:
        """Return the manifest or index of a tag."""
        status, body, _location = self.ask("GET", f"/v2/{repository}/manifests/{tag}")
        assert status == 200, body
        found: dict[str, Any] = json.loads(body)
        return found

    def put(self, repository: str, tag: str, manifest: dict[str, Any]) -> str:
        """Tag a manifest or index; return its digest."""
        body = json.dumps(manifest).encode()
        status, said, _location = self.ask("PUT", f"/v2/{repository}/manifests/{tag}", body, manifest["mediaType"])
        assert status == 201, said
        return digest(body)

    def empty(self) -> None:
        """Remove all tagged content."""
        _status, body, _location = self.ask("GET", "/v2/_catalog")
        for repository in json.loads(body)["repositories"]:
            status, body, _location = self.ask("GET", f"/v2/{repository}/tags/list")
            for tag in json.loads(body).get("tags") or [] if status == 200 else []:
                self.ask("DELETE", f"/v2/{repository}/manifests/{self.digest(repository, tag)}")

    def blob(self, repository: str, digest: str) -> bytes:
        """Return the bytes of a blob."""
        status, body, _location = self.ask("GET", f"/v2/{repository}/blobs/{digest}")
        assert status == 200, body
        return body

    def put_blob(self, repository: str, data: bytes) -> dict[str, Any]:
        """Add a blob; return its digest and size as in a manifest."""
        status, said, place = self.ask("POST", f"/v2/{repository}/blobs/uploads/")
        assert status == 202, said
        path = f"{place}{'&' if '?' in place else '?'}digest={digest(data)}"
        status, said, _location = self.ask("PUT", path, data, "application/octet-stream")
        assert status == 201, said
        return {"digest": digest(data), "size": len(data)}

    def put_index(self, repository: str, tag: str, source: str, architectures: Sequence[str], note: str = "") -> str:
        """Make an index of images for several architectures from a tag's image; return the index's digest.

        The images differ only in their configs. note: a text that makes them differ from others made in this way.
        """
        manifest = self.manifest(repository, source)
        config = json.loads(self.blob(repository, manifest["config"]["digest"]))
        entries = []
        for architecture in architectures:
            changed = json.dumps({**config, "architecture": architecture, "author": note}).encode()
            described = {"mediaType": CONFIG, **self.put_blob(repository, changed)}
            one = {**manifest, "config": described}
            digest = self.put(repository, f"{tag}-{architecture}", one)
            size = len(json.dumps(one).encode())
            platform = {"os": "linux", "architecture": architecture}
            entries.append({"mediaType": manifest["mediaType"], "digest": digest, "size": size, "platform": platform})
        return self.put(repository, tag, {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})


def multi_platform(engine: Engine, client: docker.DockerClient, address: str) -> str:
    """Push an index of busybox for linux/arm64 and linux/amd64, and remove it from the engine; return its name."""
    name = f"{address}/multi"
    client.api.tag("busybox", name, "source")
    assert "error" not in client.images.push(name, "source")
    Registry(engine, address).put_index("multi", "1", "source", ["arm64", "amd64"])
    client.api.remove_image(f"{name}:source")
    return f"{name}:1"


ONE = answer(b"{}", more="Connection: close\r\n")


class _Liar(Lies, socketserver.TCPServer):
    """A liar in place of a registry. It is one as far as a client asks whether it is (GET /v2/)."""

    allow_reuse_address = True
    lie = staticmethod(ONE)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        if refuses_tls(request):
            self.shutdown_request(request)
        else:
            super().process_request_thread(request, client_address)


@contextmanager
def lying(engine: Engine, port: int, lies: Mapping[str, Lie]) -> Iterator[str]:
    """Run a liar in the engine's network, at a port of 127.0.0.1; yield its address.

    lies: the answers to requests whose path has a certain part; the first that fits.
    """
    with within(engine, lambda: _Liar(("127.0.0.1", port), Handler)) as server, serving(server):
        server.truths = {part.encode(): lie for part, lie in lies.items()}
        yield f"127.0.0.1:{port}"
