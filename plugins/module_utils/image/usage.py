# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bytes that images take together, where layers that several of them hold count once.

Layers are shared by chain ID: those of two images are the same from the lowest up to where the images
part. So images form a tree, and what goes with one of them is what it takes, less what is at and below
the highest layer that another one still holds.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils.image.contents import MAX_DOCUMENT, blob_digest
from ansible_collections.gantry.docker.plugins.module_utils.image.tar import StreamSource, Tar


class Footprint(NamedTuple):
    """What an image takes.

    layers: the chain IDs of its layers, the lowest first; none where it is known to share nothing.
    size: its bytes, shared ones too.
    """

    layers: tuple[str, ...]
    size: int


class Disk(NamedTuple):
    """What all images take, by Id.

    below: the bytes of a layer and all below it, for each of the partings() of images that are asked for.
    twice: the bytes that the footprints have more often than the disk, beside these layers. doubtful: for each image
    that may hold some of them, how many at most.
    """

    footprints: Mapping[str, Footprint] = {}
    below: Mapping[str, int] = {}
    twice: int = 0
    doubtful: Mapping[str, int] = {}

    def freed(self, gone: Iterable[str]) -> int:
        """The bytes that are free when these images are gone."""
        usage = Usage(self)
        return sum(usage.remove(image_id) for image_id in gone)

    def total(self) -> int:
        """The bytes that all images take together."""
        return self.freed(self.footprints)


class Usage:
    """The images that are there; they go."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._twice = disk.twice
        self._holders: dict[str, int] = defaultdict(int)
        for footprint in disk.footprints.values():
            for layer in footprint.layers:
                self._holders[layer] += 1

    def remove(self, image_id: str) -> int:
        """Take an image away; the bytes that this frees."""
        footprint = self._disk.footprints[image_id]
        for layer in footprint.layers:
            self._holders[layer] -= 1
        freed = footprint.size - self._held_by_others(footprint)
        left = min(self._twice, self._disk.doubtful.get(image_id, 0), freed)
        self._twice -= left
        return freed - left

    def _held_by_others(self, footprint: Footprint) -> int:
        """The bytes of the image's layers that images hold now, itself not counted."""
        for layer in reversed(footprint.layers):
            if self._holders[layer]:
                return min(self._disk.below[layer], footprint.size)
        return 0


def partings(footprints: Mapping[str, Footprint]) -> dict[str, tuple[str, int]]:
    """The layers that several images hold and above which these part: each with a holder.

    A holder is an image's Id, and how many of its layers are at and below that layer. Of those that could be
    named it is the one with the lowest Id.
    """
    above: dict[str, set[str]] = defaultdict(set)
    holders: dict[str, tuple[str, int]] = {}
    for image_id in sorted(footprints):
        layers = footprints[image_id].layers
        for depth, (layer, next_one) in enumerate(zip(layers, (*layers[1:], image_id)), start=1):
            above[layer].add(next_one)
            holders.setdefault(layer, (image_id, depth))
    return {layer: holders[layer] for layer, nexts in above.items() if len(nexts) > 1}


def blob_sizes(archive: Iterator[bytes], image_id: str, layers: int) -> tuple[int, ...]:
    """The sizes of an image's layers as blobs, the lowest first, from its manifest; none if that isn't there.

    archive: an OCI archive of the image, of which no more is read than is needed. image_id: the digest of its
    manifest or index. layers: how many the image has, to tell its manifest from those of other platforms.
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
    """The objects in a list of a document, which may be of any shape."""
    found = document.get(name)
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def _object(data: bytes) -> Mapping[str, Any]:
    """A JSON object; an empty one for anything else, such as a small layer."""
    try:
        value = json.loads(data) if data.startswith(b"{") else None
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}
