# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests about images have in common: images that come from others, and what is there, as the engine says."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
from typing import Any

import docker

from ansible_collections.gantry.docker.tests.engines.engine import Engine

State = dict[str, list[str]]


def tar_of(files: dict[str, bytes]) -> bytes:
    """An archive of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def state(client: docker.DockerClient) -> State:
    """All images, those between others too, and what each can be called by: the sentence of the diffs.

    Digests are names only where no tag of their repository is: with one, an engine makes them up.
    """
    return {row["Id"]: _names(row) for row in client.api.images(all=True)}


def _names(row: dict[str, Any]) -> list[str]:
    listed = {*(row.get("RepoTags") or []), *(row.get("RepoDigests") or [])} - {"<none>:<none>", "<none>@<none>"}
    tags = {name for name in listed if "@" not in name}
    tagged = {tag.rpartition(":")[0] for tag in tags}
    return sorted(tags) + sorted(name for name in listed - tags if name.partition("@")[0] not in tagged)


def id_of(client: docker.DockerClient, name: str) -> str:
    """The Id of the image of a name."""
    return str(client.images.get(name).id)


def change(before: State, after: State) -> dict[str, dict[str, list[str] | None]]:
    """What a diff has to tell of two states."""
    assert set(after) <= set(before), "images have come"
    differing = [image for image in before if before[image] != after.get(image)]
    return {
        "before": {image: before[image] for image in differing},
        "after": {image: after.get(image) for image in differing},
    }


def child(client: docker.DockerClient, parent: str, name: str | None = None) -> str:
    """Commit a container of the parent, with a file more; the new image's Id."""
    container = client.containers.create(parent, ["true"])
    container.put_archive("/", _EMPTY_TAR)
    repository, _colon, tag = (name or "").rpartition(":")
    image = container.commit(repository or None, tag or None)
    container.remove()
    return str(image.id)


def used(client: docker.DockerClient, image: str, running: bool = False) -> str:
    """A container of the image; its name."""
    command = ["tail", "-f", "/dev/null"] if running else ["true"]
    container = client.containers.create(image, command, name="user", stop_signal="KILL")
    if running:
        container.start()
    return "user"


def mounting(client: docker.DockerClient, image: str, running: bool = False) -> str:
    """A container of busybox into which an image is mounted; its name."""
    mount = {"Type": "image", "Source": image, "Target": "/mounted"}
    command = ["tail", "-f", "/dev/null"]
    config = {"Image": "busybox", "Cmd": command, "StopSignal": "KILL", "HostConfig": {"Mounts": [mount]}}
    api: Any = client.api
    made = api.create_container_from_config(config, name="mounting")
    if running:
        api.start(made)
    return "mounting"


def pinned(client: docker.DockerClient) -> str:
    """Pull busybox by its digest, and leave it no other name; repository@digest."""
    digest = client.images.pull("busybox", "latest").attrs["RepoDigests"][0]
    client.api.remove_image("busybox:latest")
    client.images.pull(digest)
    return str(digest)


def grown(client: docker.DockerClient, parent: str, name: str, size: int) -> str:
    """Commit a container of the parent with a file more of random bytes; the new image's Id."""
    container = client.containers.create(parent, ["true"])
    container.put_archive("/", tar_of({name.replace("/", "-"): os.urandom(size)}))
    repository, _colon, tag = name.rpartition(":")
    image = container.commit(repository, tag)
    container.remove()
    return str(image.id)


def dated(client: docker.DockerClient, name: str, day: int, labels: dict[str, str] | None = None) -> str:
    """Load an image that was made on that day of January 2020; its Id."""
    layer = tar_of({"day": f"{day} {name}".encode()})
    config = {
        "architecture": client.version()["Arch"],
        "os": "linux",
        "created": f"2020-01-{day:02}T00:00:00Z",
        "config": {"Cmd": ["true"], "Labels": labels or {}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created_by": "COPY day /"}],
    }
    listed = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    files = {
        "layer.tar": layer,
        "config.json": json.dumps(config).encode(),
        "manifest.json": json.dumps(listed).encode(),
    }
    client.images.load(tar_of({"layer.tar": layer, **files}))
    return id_of(client, name)


def containerd(engine: Engine, *words: str) -> str:
    """What a command of containerd's own tool says, on what an engine's containerd store has."""
    tool = ["/usr/bin/ctr", "--address", "/run/docker/containerd/containerd.sock", "--namespace", "moby"]
    command = ["nsenter", "--target", str(engine.pid), "--mount", "--", *tool, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def lose(engine: Engine, client: docker.DockerClient, name: str, what: str) -> str:
    """Lose a part of an image's content in a containerd store; the image's Id.

    what: its manifest (or index), its config or its lowest layer; of an index those of the first image.

    It comes about by itself when an image is removed and at once pulled again, while the store is tidied up.
    """
    image_id = id_of(client, name)
    containerd(engine, "content", "rm", image_id if what == "manifest" else _part(engine, image_id, what))
    return image_id


def _part(engine: Engine, digest: str, what: str) -> str:
    """The digest of the config or the lowest layer of a manifest, or of an index's first one."""
    held = json.loads(containerd(engine, "content", "get", digest))
    if "manifests" in held:
        return _part(engine, held["manifests"][0]["digest"], what)
    return str(held["config"]["digest"] if what == "config" else held["layers"][0]["digest"])


def layout(client: docker.DockerClient, name: str, kind: str = "image") -> tuple[bytes, str]:
    """An OCI layout as other tools write it, and the Id of what is in it: an image, or a chart if kind says so.

    name: what it is called there, which is stored as it stands.
    """
    oci = "application/vnd.oci.image"
    layer = tar_of({"file": name.encode()})
    config = {
        "architecture": client.version()["Arch"],
        "os": "linux",
        "created": "2020-01-01T00:00:00Z",
        "config": {"Cmd": ["true"]},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
    }
    kinds = {
        "image": (f"{oci}.config.v1+json", f"{oci}.layer.v1.tar", config),
        "chart": (
            "application/vnd.cncf.helm.config.v1+json",
            "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
            {},
        ),
    }
    config_type, layer_type, content = kinds[kind]
    blobs = [json.dumps(content).encode(), layer]
    parts = [
        {"mediaType": media_type, "digest": digest_of(blob), "size": len(blob)}
        for media_type, blob in zip((config_type, layer_type), blobs)
    ]
    manifest_type = f"{oci}.manifest.v1+json"
    described = {"schemaVersion": 2, "mediaType": manifest_type, "config": parts[0], "layers": parts[1:]}
    manifest = json.dumps(described).encode()
    entry = {
        "mediaType": manifest_type,
        "digest": digest_of(manifest),
        "size": len(manifest),
        "annotations": {"org.opencontainers.image.ref.name": name},
    }
    files = {f"blobs/sha256/{digest_of(blob)[7:]}": blob for blob in (*blobs, manifest)}
    files["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    return tar_of(files), digest_of(manifest)


def load(client: docker.DockerClient, archive: bytes) -> None:
    """Load an archive whose names the engine may not be able to find afterwards."""
    api: Any = client.api
    said = list(api.load_image(archive))
    assert not any("error" in line for line in said), said


def digest_of(data: bytes) -> str:
    """The digest of a blob."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


# The end of a tar is 1024 zeros.
_EMPTY_TAR = bytes(1024)
