# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The artifacts of an OCI layout: signatures, charts, bills of materials and the like.

They have manifests too (image-spec, manifest.md, Guidelines for Artifact Usage). Some have an image's config, and only
their layers show that they are no images: cosign writes signatures so (specs/SIGNATURE_SPEC.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.digests import blob_name
from ansible_collections.gantry.docker.plugins.module_utils._archive.documents import (
    digest,
    mapping,
    object_of,
    objects,
    parsed,
    text,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchivedImage, ArchiveIndex

_INDEX = "index.json"
_LAYERS = ("application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs.")
_REF_NAME = "org.opencontainers.image.ref.name"
_FULL_NAME = "io.containerd.image.name"


class Artifact(NamedTuple):
    """An artifact in an OCI layout. name: as it is written there; "" without one. kind: a media type."""

    name: str
    digest: str
    kind: str


def images_of(index: ArchiveIndex) -> tuple[ArchivedImage, ...]:
    """Return the images of an archive, without artifacts that look like images. Raise Unreadable."""
    return tuple(image for image in index.images if image.listed or not _is_artifact(index, image))


def artifacts_of(index: ArchiveIndex) -> tuple[Artifact, ...]:
    """Return the artifacts in the archive's index.json. Raise Unreadable."""
    if _INDEX not in index.documents:
        return ()
    images = {known for image in images_of(index) for known in (image.index_digest, image.manifest_digest)}
    items = objects(object_of(parsed(index.documents[_INDEX], _INDEX), _INDEX).get("manifests"), _INDEX)
    return tuple(dict.fromkeys(_artifact(index, item) for item in items if item["digest"] not in images))


def blobs_below(index: ArchiveIndex, digests: Iterable[str]) -> set[str]:
    """Return the names of the blobs of these manifests and indexes, and of all that they name. Raise Unreadable."""
    found: set[str] = set()
    waiting = list(digests)
    while waiting:
        name = blob_name(waiting.pop())
        if name not in found:
            found.add(name)
            body = _body(index, name)
            parts = [mapping(body.get("config"), name), *objects(body.get("manifests"), name), *_layers(body, name)]
            waiting += [digest(part["digest"], name) for part in parts if "digest" in part]
    return found


def _artifact(index: ArchiveIndex, item: Mapping[str, Any]) -> Artifact:
    annotations, blob = mapping(item.get("annotations"), _INDEX), blob_name(item["digest"])
    body = _body(index, blob)
    told = [item.get("artifactType"), body.get("artifactType"), *_foreign(_layers(body, blob))]
    kinds = [*told, mapping(body.get("config"), blob).get("mediaType")]
    name = annotations.get(_FULL_NAME) or annotations.get(_REF_NAME)
    return Artifact(text(name, _INDEX), item["digest"], next((str(kind) for kind in kinds if kind), "unknown"))


def _is_artifact(index: ArchiveIndex, image: ArchivedImage) -> bool:
    blob = blob_name(image.manifest_digest or "")
    return bool(_foreign(_layers(_body(index, blob), blob)))


def _layers(body: Mapping[str, Any], blob: str) -> list[dict[str, Any]]:
    return objects(body.get("layers"), blob)


def _foreign(layers: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the media types of the parts that are no layers of images."""
    kinds = [str(layer.get("mediaType") or "") for layer in layers]
    return [kind for kind in kinds if kind and not kind.startswith(_LAYERS)]


def _body(index: ArchiveIndex, name: str) -> dict[str, Any]:
    """Return a manifest or index that was read; an empty object for any other digest."""
    data = index.documents.get(name)
    return object_of(parsed(data, name), name) if data is not None else {}
