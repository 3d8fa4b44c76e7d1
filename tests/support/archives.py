# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Synthetic archives: small ones in every layout, as the sources of the tools write them."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Union, cast

import zstandard

from ansible_collections.gantry.docker.tests.support.tars import add

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
FULL_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"
UNKNOWN = {"os": "unknown", "architecture": "unknown"}

# The content of an entry; a symbolic link is a Link.
Content = Union[bytes, "Link"]


@dataclass(frozen=True)
class Link:
    target: str


@dataclass(frozen=True)
class Image:
    """An image for archives."""

    layers: tuple[bytes, ...]
    architecture: str = "amd64"
    variant: str = ""
    tags: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=lambda: {"Cmd": ["sh"], "Labels": {"a": "1"}})

    @property
    def diff_ids(self) -> tuple[str, ...]:
        return tuple(digest(layer) for layer in self.layers)

    @property
    def config(self) -> bytes:
        return encoded(
            {
                "architecture": self.architecture,
                **({"variant": self.variant} if self.variant else {}),
                "os": "linux",
                "created": "2026-01-02T03:04:05.678901234Z",
                "config": self.settings,
                "rootfs": {"type": "layers", "diff_ids": self.diff_ids},
                "history": [{"created_by": f"step {number}"} for number in range(len(self.layers))],
            }
        )

    @property
    def config_digest(self) -> str:
        return digest(self.config)


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def encoded(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def blob(data: bytes) -> str:
    return f"blobs/{digest(data).replace(':', '/')}"


def tar(entries: Mapping[str, Content], directories: Sequence[str] = (), form: int = tarfile.USTAR_FORMAT) -> bytes:
    """Return a tar as Go writes it: without padding to records of ten blocks."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for name in directories:
            add(archive, name, type=tarfile.DIRTYPE)
        for name, content in entries.items():
            if isinstance(content, Link):
                add(archive, name, type=tarfile.SYMTYPE, linkname=content.target)
            else:
                add(archive, name, content)
        end = archive.offset
    return file.getvalue()[:end] + bytes(1024)


def packed(data: bytes, compression: str) -> bytes:
    """Return compressed data."""
    if compression == "gzip":
        return gzip.compress(data, mtime=0)
    if compression == "xz":
        return lzma.compress(data)
    if compression == "bzip2":
        return bz2.compress(data)
    if compression == "zstd":
        return zstandard.ZstdCompressor(write_checksum=True).compress(data)
    return data


SPARSE_FORMS = ("gnu", "posix --sparse-version=0.0", "posix --sparse-version=0.1", "posix")


def packed_with_tar(tree: Path, form: str) -> bytes:
    """Return a directory as a tar by GNU tar, without blocks of zeros."""
    with tempfile.TemporaryDirectory(dir=tree.parent) as holes:
        subprocess.run(["cp", "--recursive", "--sparse=always", f"{tree}/.", holes], check=True)
        command = ["tar", "--create", "--sparse", *f"--format={form}".split(), f"--directory={holes}", "."]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def legacy(*images: Image) -> dict[str, Content]:
    """Return an archive of docker save before 25 (moby, image/tarexport/save.go): a repeated layer is a link."""
    entries: dict[str, Content] = {}
    listed = []
    first: dict[str, str] = {}
    for image in images:
        names = []
        for position, data in enumerate(image.layers):
            identifier = hashlib.sha256(image.config + bytes([position])).hexdigest()
            name = f"{identifier}/layer.tar"
            names.append(name)
            entries[f"{identifier}/VERSION"] = b"1.0"
            entries[f"{identifier}/json"] = encoded({"id": identifier})
            again = first.setdefault(digest(data), name)
            entries[name] = data if again == name else Link(f"../{again}")
        config = f"{image.config_digest[7:]}.json"
        entries[config] = image.config
        listed.append({"Config": config, "RepoTags": image.tags or None, "Layers": names})
    return {**entries, "manifest.json": encoded(listed), "repositories": b"{}"}


def ancient(*images: Image, write: Callable[[Any], bytes] = encoded, **more: Any) -> dict[str, Content]:
    """Return an archive of docker save before 1.10: an image for each layer, with its parent.

    write: a function that writes the description of an image. more: further or other keys in the descriptions.
    """
    entries: dict[str, Content] = {}
    repositories: dict[str, dict[str, str]] = {}
    for image in images:
        identifier = ""
        for position, data in enumerate(image.layers):
            top = image.config if position + 1 == len(image.layers) else b""
            parent = {"parent": identifier} if identifier else {}
            identifier = hashlib.sha256(identifier.encode() + data + top).hexdigest()
            settings = image.settings if top else {}
            described = {
                "id": identifier,
                **parent,
                "created": "2015-01-02T03:04:05.678901234Z",
                "docker_version": "1.9.1",
                "architecture": image.architecture,
                "os": "linux",
                "config": settings,
                "container_config": settings,
                **more,
            }
            entries[f"{identifier}/VERSION"] = b"1.0"
            entries[f"{identifier}/json"] = write(described)
            entries[f"{identifier}/layer.tar"] = data
        for name in image.tags:
            repository, _colon, tag = name.rpartition(":")
            repositories.setdefault(repository, {})[tag] = identifier
    return {**entries, "repositories": encoded(repositories)}


def podman(*images: Image) -> dict[str, Content]:
    """Return a docker-archive of podman save and skopeo: layers in the root, and links to them."""
    entries: dict[str, Content] = {}
    listed = []
    for image in images:
        names = []
        for position, data in enumerate(image.layers):
            names.append(f"{digest(data)[7:]}.tar")
            entries[names[-1]] = data
            identifier = hashlib.sha256(image.config + bytes([position])).hexdigest()
            entries[f"{identifier}/layer.tar"] = Link(f"../{names[-1]}")
            entries[f"{identifier}/json"] = encoded({"id": identifier})
        entries[f"{image.config_digest[7:]}.json"] = image.config
        listed.append({"Config": f"{image.config_digest[7:]}.json", "RepoTags": list(image.tags), "Layers": names})
    return {**entries, "manifest.json": encoded(listed), "repositories": b"{}"}


def descriptor(data: bytes, media_type: str, **others: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(data), "size": len(data), **others}


def manifest(image: Image, compression: str = "none") -> bytes:
    kind = OCI_LAYER if compression == "none" else f"{OCI_LAYER}+{compression}"
    layers = [descriptor(packed(data, compression), kind) for data in image.layers]
    return encoded(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(image.config, OCI_CONFIG),
            "layers": layers,
        }
    )


def manifest_of(config: bytes, config_type: str, layer: bytes, layer_type: str) -> tuple[bytes, bytes, bytes]:
    """Return a manifest of one layer, its config and its layer."""
    parts = {"config": descriptor(config, config_type), "layers": [descriptor(layer, layer_type)]}
    return encoded({"schemaVersion": 2, "mediaType": OCI_MANIFEST, **parts}), config, layer


def blobs(image: Image, compression: str = "none") -> dict[str, Content]:
    """Return an image's blobs: layers, config and manifest."""
    parts = [*(packed(data, compression) for data in image.layers), image.config, manifest(image, compression)]
    return {blob(part): part for part in parts}


def listed(image: Image, compression: str = "none") -> dict[str, Any]:
    """Return an image's item in manifest.json of an archive with an OCI layout."""
    return {
        "Config": blob(image.config),
        "RepoTags": list(image.tags) or None,
        "Layers": [blob(packed(data, compression)) for data in image.layers],
    }


def full(tag: str) -> str:
    """Return a tag as engines write it to index.json."""
    return tag if "." in tag.partition("/")[0] else f"docker.io/library/{tag}"


def named(target: Mapping[str, Any], tags: Sequence[str]) -> list[dict[str, Any]]:
    """Return the descriptors in index.json of a target with these tags."""
    return [{**target, "annotations": {FULL_NAME: full(tag), REF_NAME: tag.rpartition(":")[2]}} for tag in tags] or [
        dict(target)
    ]


def layout(descriptors: Sequence[Mapping[str, Any]]) -> dict[str, Content]:
    """Return the files of an OCI layout beside the blobs."""
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": descriptors}
    return {"index.json": encoded(index), "oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}


def oci(*images: Image, compression: str = "none") -> dict[str, Content]:
    """Return a pure OCI layout, as skopeo's oci-archive; its layers may be compressed."""
    entries: dict[str, Content] = {}
    descriptors = []
    for image in images:
        entries.update(blobs(image, compression))
        descriptors += named(descriptor(manifest(image, compression), OCI_MANIFEST), image.tags)
    return {**entries, **layout(descriptors)}


def both(*images: Image, compression: str = "none") -> dict[str, Content]:
    """Return an archive of docker save since 25."""
    items = encoded([listed(image, compression) for image in images])
    return {**oci(*images, compression=compression), "manifest.json": items}


def forgetful(*images: Image) -> dict[str, Content]:
    """Return an archive of a classic store since 25: index.json has no image without a tag but the last."""
    entries = both(*images)
    without = [image for image in images if not image.tags][:-1]
    index = json.loads(cast(bytes, entries["index.json"]))
    forgotten = {digest(manifest(image)) for image in without}
    return {**entries, **layout([item for item in index["manifests"] if item["digest"] not in forgotten])}


def attestation(data: bytes) -> dict[str, Any]:
    return descriptor(data, OCI_MANIFEST, platform=UNKNOWN, annotations={"vnd.docker.reference.type": "x"})


def index_of(*images: Image) -> bytes:
    """Return an index of these platforms, and of a missing attestation."""
    platforms = [
        descriptor(
            manifest(image),
            OCI_MANIFEST,
            platform={"os": "linux", "architecture": image.architecture, "variant": image.variant},
        )
        for image in images
    ]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*platforms, attestation(b"nowhere")]}
    return encoded(index)


def multi_platform(index: bytes, tags: Sequence[str], *images: Image) -> dict[str, Content]:
    """Return an index as a containerd store saves it; the first image is that of the host."""
    entries: dict[str, Content] = {blob(index): index}
    for image in images:
        entries.update(blobs(image))
    items = encoded([{**listed(images[0]), "RepoTags": list(tags)}]) if images else b"[]"
    return {**entries, **layout(named(descriptor(index, OCI_INDEX), tags)), "manifest.json": items}


def layer(content: str) -> bytes:
    """Return a layer with one file."""
    return tar({"etc/issue": content.encode()})


BASE = layer("base")
APP = Image((BASE, layer("app")), tags=("app:1", "registry.example:5000/team/app:stable"))
TOOL = Image((BASE, layer("tool"), BASE), tags=("tool:2",))
ARM = Image((layer("arm"),), architecture="arm", variant="v7", tags=("app:1",))
WITHOUT_TAGS = (Image((BASE, layer("first"))), Image((BASE, layer("second"))))

# Artifacts beside images

SIGNATURE = "application/vnd.dev.cosign.simplesigning.v1+json"
CHART = "application/vnd.cncf.helm.config.v1+json"


def artifact(data: bytes, config: bytes, config_type: str, layer_type: str, name: str) -> dict[str, Content]:
    """Return the blobs of an artifact, and its descriptor as index.json."""
    parts = manifest_of(config, config_type, data, layer_type)
    target = descriptor(parts[0], OCI_MANIFEST, annotations={FULL_NAME: name})
    return {"index.json": encoded(target), **{blob(part): part for part in parts}}


def with_artifacts() -> dict[str, Content]:
    """Return an OCI layout of an image, its signature as by cosign, and a chart."""
    signed = Image((b'{"critical": {}}',), architecture="").config
    signature = artifact(b'{"critical": {}}', signed, OCI_CONFIG, SIGNATURE, "example.com/tool:sha256-1.sig")
    chart = artifact(b"\x1f\x8bchart", b"{}", CHART, "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "chart:1")
    image = oci(TOOL)
    items = [json.loads(cast(bytes, entries.pop("index.json"))) for entries in (signature, chart)]
    index = json.loads(cast(bytes, image["index.json"]))
    return {**image, **signature, **chart, **layout([*index["manifests"], *items])}
