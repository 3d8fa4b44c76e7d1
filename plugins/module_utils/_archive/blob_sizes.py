# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The sizes of an image's layers, from the first entries of an archive."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._archive.contents import MAX_DOCUMENT
from ansible_collections.gantry.docker.plugins.module_utils._archive.digests import blob_digest
from ansible_collections.gantry.docker.plugins.module_utils._archive.tar import StreamSource, Tar


def blob_sizes(archive: Iterator[bytes], image_id: str, layers: int) -> tuple[int, ...]:
    """Return the sizes of an image's layers as blobs, the lowest first, from its manifest; none if that isn't there.

    archive: an OCI archive of the image, which is read only as far as needed. image_id: the digest of its manifest or
    index. layers: their number, which distinguishes the manifest from those of other platforms.
    """
    source = StreamSource(archive)
    documents: dict[str, Any] = {}
    for member in Tar(source):
        digest = blob_digest(member.name)
        if digest and member.entry.size <= MAX_DOCUMENT:
            documents[digest] = _object(b"".join(member.entry.content(source.pieces)))
            top = documents.get(image_id) or {}
            parts = (documents.get(str(part.get("digest"))) or {} for part in _objects(top, "manifests"))
            for manifest in (top, *parts):
                sizes = tuple(layer.get("size") for layer in _objects(manifest, "layers"))
                if len(sizes) == layers:
                    return tuple(size if isinstance(size, int) else 0 for size in sizes)
    return ()


def _objects(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the objects in a list of a document, which may have any form."""
    found = document.get(name)
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def _object(data: bytes) -> Mapping[str, Any]:
    """Return a JSON object; an empty one for all else, such as a small layer."""
    try:
        value = json.loads(data) if data.startswith(b"{") else None
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}
