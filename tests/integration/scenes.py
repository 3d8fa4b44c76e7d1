# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scenes for tests about images: images that come from others, and the engine's own report of its state."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import ascii_letters
from typing import Any

import docker

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.support import archives

State = dict[str, list[str]]


def state(client: docker.DockerClient) -> State:
    """Return the names of all images, also of those between others, by Id, as in diffs.

    A digest is a name only if its repository has no tag: with a tag, the engine makes up the digest.
    """
    return {row["Id"]: _names(row) for row in client.api.images(all=True)}


def _names(row: dict[str, Any]) -> list[str]:
    listed = {*(row.get("RepoTags") or []), *(row.get("RepoDigests") or [])} - {"<none>:<none>", "<none>@<none>"}
    tags = {name for name in listed if "@" not in name}
    tagged = {tag.rpartition(":")[0] for tag in tags}
    return sorted(tags) + sorted(name for name in listed - tags if name.partition("@")[0] not in tagged)


def id_of(client: docker.DockerClient, name: str) -> str:
    """Return the Id of a name's image."""
    return str(client.images.get(name).id)


def change(before: State, after: State) -> dict[str, dict[str, list[str] | None]]:
    """Return the diff of two states."""
    assert set(after) <= set(before), "images have come"
    differing = [image for image in before if before[image] != after.get(image)]
    return {
        "before": {image: before[image] for image in differing},
        "after": {image: after.get(image) for image in differing},
    }


def child(client: docker.DockerClient, parent: str, name: str | None = None) -> str:
    """Commit a container of an image; return the Id of the new image."""
    container = client.containers.create(parent, ["true"])
    container.put_archive("/", archives.tar({}))
    repository, _colon, tag = (name or "").rpartition(":")
    image = container.commit(repository or None, tag or None)
    container.remove()
    return str(image.id)


def used(client: docker.DockerClient, image: str, running: bool = False) -> str:
    """Make a container of an image; return its name."""
    command = ["tail", "-f", "/dev/null"] if running else ["true"]
    container = client.containers.create(image, command, name="user", stop_signal="KILL")
    if running:
        container.start()
    return "user"


def mounting(client: docker.DockerClient, image: str, running: bool = False) -> str:
    """Make a container of busybox that mounts an image; return its name."""
    mount = {"Type": "image", "Source": image, "Target": "/mounted"}
    command = ["tail", "-f", "/dev/null"]
    config = {"Image": "busybox", "Cmd": command, "StopSignal": "KILL", "HostConfig": {"Mounts": [mount]}}
    api: Any = client.api
    made = api.create_container_from_config(config, name="mounting")
    if running:
        api.start(made)
    return "mounting"


def pinned(client: docker.DockerClient) -> str:
    """Pull busybox by its digest, without another name; return repository@digest."""
    digest = client.images.pull("busybox", "latest").attrs["RepoDigests"][0]
    client.api.remove_image("busybox:latest")
    client.images.pull(digest)
    return str(digest)


def grown(client: docker.DockerClient, parent: str, name: str, size: int) -> str:
    """Commit a container of an image with one more file, of random bytes; return the Id of the new image."""
    container = client.containers.create(parent, ["true"])
    container.put_archive("/", archives.tar({name.replace("/", "-"): os.urandom(size)}))
    repository, _colon, tag = name.rpartition(":")
    image = container.commit(repository, tag)
    container.remove()
    return str(image.id)


def dated(client: docker.DockerClient, name: str, day: int, labels: dict[str, str] | None = None) -> str:
    """Load an image that was made on a day of January 2020; return its Id."""
    layer = archives.tar({"day": f"{day} {name}".encode()})
    config = {
        "architecture": client.version()["Arch"],
        "os": "linux",
        "created": f"2020-01-{day:02}T00:00:00Z",
        "config": {"Cmd": ["true"], "Labels": labels or {}},
        "rootfs": {"type": "layers", "diff_ids": [archives.digest(layer)]},
        "history": [{"created_by": "COPY day /"}],
    }
    listed = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    documents = {"config.json": archives.encoded(config), "manifest.json": archives.encoded(listed)}
    client.images.load(archives.tar({"layer.tar": layer, **documents}))
    return id_of(client, name)


def stacked(client: docker.DockerClient, images: dict[str, str]) -> None:
    """Load images by their names, each made of layers that are letters, the lowest first; z has no files.

    A containerd store frees a snapshot with the image that it was made for first, whatever others need it: the shorter
    ones come first, and no two should be equal.
    """
    architecture = client.version()["Arch"]
    for name, letters in sorted(images.items(), key=lambda item: len(item[1])):
        layers = tuple(
            archives.tar(
                {} if letter == "z" else {letter: letter.encode() * 20_000 * (1 + ascii_letters.index(letter))}
            )
            for letter in letters
        )
        image = archives.Image(layers, tags=(name,), architecture=architecture)
        load(client, archives.tar(archives.legacy(image)))


def containerd(engine: Engine, *words: str) -> str:
    """Run a command of containerd's own tool on an engine's containerd store; return its output."""
    tool = ["/usr/bin/ctr", "--address", "/run/docker/containerd/containerd.sock", "--namespace", "moby"]
    command = ["nsenter", "--target", str(engine.pid), "--mount", "--", *tool, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def forget_broken_transfers(engine: Engine) -> None:
    """Remove what broken loads and pulls have left in a containerd store.

    Their leases hold it for a day. Docker 26.1 takes a snapshot without its content for a whole layer, and doesn't
    fetch the content again.
    """
    if engine.store == "containerd":
        for lease in containerd(engine, "leases", "ls", "--quiet").split():
            containerd(engine, "leases", "rm", "--sync", lease)


def lose(engine: Engine, client: docker.DockerClient, name: str, what: str) -> str:
    """Lose a part of an image's content in a containerd store; return the image's Id.

    what: the manifest (or index), the config or the lowest layer; in an index, those of the first image.
    This happens by itself if an image is removed and at once pulled again, while the store is cleaned up.
    """
    image_id = id_of(client, name)
    containerd(engine, "content", "rm", image_id if what == "manifest" else _part(engine, image_id, what))
    return image_id


def _part(engine: Engine, digest: str, what: str) -> str:
    """Return the digest of the config or the lowest layer of a manifest, or of an index's first manifest."""
    held = json.loads(containerd(engine, "content", "get", digest))
    if "manifests" in held:
        return _part(engine, held["manifests"][0]["digest"], what)
    return str(held["config"]["digest"] if what == "config" else held["layers"][0]["digest"])


def layout(client: docker.DockerClient, name: str, kind: str = "image") -> tuple[bytes, str]:
    """Return an OCI layout as other tools write it, and the Id of its image.

    name: the name in the layout, which is stored unchanged. kind: image, or chart for a chart in place of an image.
    """
    layer = archives.tar({"file": name.encode()})
    config = {
        "architecture": client.version()["Arch"],
        "os": "linux",
        "created": "2020-01-01T00:00:00Z",
        "config": {"Cmd": ["true"]},
        "rootfs": {"type": "layers", "diff_ids": [archives.digest(layer)]},
    }
    kinds = {
        "image": (archives.OCI_CONFIG, archives.OCI_LAYER, config),
        "chart": (archives.CHART, "application/vnd.cncf.helm.chart.content.v1.tar+gzip", {}),
    }
    config_type, layer_type, content = kinds[kind]
    manifest, *others = archives.manifest_of(archives.encoded(content), config_type, layer, layer_type)
    annotations = {archives.REF_NAME: name}
    entry = archives.descriptor(manifest, archives.OCI_MANIFEST, annotations=annotations)
    blobs = {archives.blob(blob): blob for blob in (manifest, *others)}
    return archives.tar({**blobs, **archives.layout([entry])}), archives.digest(manifest)


def save(client: docker.DockerClient, path: Path, *names: str) -> Path:
    """Save images as docker save does; return the archive's path."""
    params = {"names": list(names)}
    response: Any = client.api.get(f"{client.api.base_url}/images/get", params=params, stream=True)
    response.raise_for_status()
    with path.open("wb") as file:
        for piece in response.iter_content(1 << 20):
            file.write(piece)
    return path


def load(client: docker.DockerClient, archive: bytes) -> None:
    """Load an archive with names that the engine may not find afterwards."""
    api: Any = client.api
    said = list(api.load_image(archive))
    assert not any("error" in line for line in said), said


@contextmanager
def small_disk(at: Path, size: str) -> Iterator[Path]:
    """Give a directory that is a disk of this size, in mount's words."""
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at)], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True)
