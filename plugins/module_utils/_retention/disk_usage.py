# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""What images take on an engine's disk, layer by layer, as the engine's own disk usage counts it.

Engines count different things (docker system df: LayersSize), as read in moby's daemon/*/service.go and
measured: classic stores the unpacked layers; containerd stores their snapshots, and from 28.2 on also the
blobs. None tells the sizes of layers by themselves. But an image's size is that of all its layers, so for a
layer on which an image ends they are known, and for the few others there is the history.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from itertools import accumulate, repeat
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import trying_to
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image, ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils._errors import Unreadable
from ansible_collections.gantry.docker.plugins.module_utils._image.history import layer_sizes
from ansible_collections.gantry.docker.plugins.module_utils._image.layers import chain_ids
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import platform_of
from ansible_collections.gantry.docker.plugins.module_utils._retention.disk import Disk, Footprint, partings
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import Unexpected
from ansible_collections.gantry.docker.plugins.module_utils._transport.http import Refused, target


def observe_disk(
    engine: Engine,
    images: Sequence[ImageSummary],
    concerned: Collection[str],
    known: Mapping[str, Image] | None = None,
) -> Disk:
    """What images take; the sizes of shared layers only as far as the images that are concerned have them.

    images: all that there are, listed with details. concerned: the Ids of those that may be asked for.
    known: all images by Id, where they have been inspected anyway.
    """
    if not concerned:
        return Disk()
    inspected = engine.find_listed(_to_inspect(engine, images, concerned)) if known is None else known
    unpacked = {image.id: _unpacked(engine, image, inspected.get(image.id)) for image in images}
    footprints = {
        image.id: Footprint(
            layers=chain_ids(inspected[image.id].diff_ids) if image.id in inspected else (),
            size=_size(engine, image, unpacked[image.id], inspected.get(image.id)),
        )
        for image in images
        if image.whole
    }
    # What is left of an image that isn't whole may be others' too: nothing is promised of that.
    footprints.update({image.id: Footprint((), 0) for image in images if not image.whole})
    doubtful = _doubtful(engine, images, footprints, unpacked, concerned)
    if not doubtful:
        return Disk(footprints, _below(engine, footprints, unpacked, concerned))
    disk = Disk(footprints, _below(engine, footprints, unpacked, footprints))
    return disk._replace(twice=max(0, disk.total() - engine.images.disk_usage()), doubtful=doubtful)


def _to_inspect(engine: Engine, images: Sequence[ImageSummary], concerned: Collection[str]) -> list[ImageSummary]:
    """The images whose layers matter: an image that shares none is what it is."""
    sharing = [image for image in images if image.shared and image.whole]
    wanted = sharing if any(image.id in concerned for image in sharing) else []
    # Without its manifests, an image on a containerd store must be inspected for its size alone.
    alone = [image for image in images if image.id in concerned and image.whole and not image.manifests]
    return [*wanted, *(alone if engine.containerd_store else [])]


def _unpacked(engine: Engine, image: ImageSummary, inspected: Image | None) -> int:
    """The bytes of an image's unpacked layers."""
    if not engine.containerd_store:
        return image.size
    if image.manifests:
        others = _of_other_platforms(image, inspected)
        return sum(_bytes(manifest, "Unpacked") for manifest in image.manifests if manifest not in others)
    if inspected is None:
        return image.size
    # The list counts blobs and snapshots, inspect the blobs alone, but those of one platform.
    if image.parent:
        return max(0, image.size - int(inspected.inspected.get("Size") or 0))
    return sum(_history_sizes(engine, image.id, len(inspected.diff_ids)))


def _size(engine: Engine, image: ImageSummary, unpacked: int, inspected: Image | None) -> int:
    """The bytes that the engine counts for an image alone, at least."""
    if not engine.containerd_store:
        return image.size
    if _blobs_count(engine):
        others = sum(_bytes(manifest, "Total") for manifest in _of_other_platforms(image, inspected))
        return image.size + image.index_size - others
    # An engine without manifests in its list tells only of its own platform's images what their blobs take.
    blind = inspected is not None and not image.manifests and inspected.platform != engine.platform
    return 0 if blind else unpacked


def _of_other_platforms(image: ImageSummary, inspected: Image | None) -> list[Mapping[str, Any]]:
    """The manifests that an index has beside the one that inspect shows.

    Their layers can't be told, and others may hold these: what they take isn't promised. An image that shares no
    layers wasn't inspected, and goes with all of its manifests.
    """
    if inspected is None:
        return []
    platforms = (((manifest.get("ImageData") or {}).get("Platform") or {}) for manifest in image.manifests)
    shown = inspected.platform
    return [manifest for manifest, own in zip(image.manifests, platforms) if own and platform_of(own) != shown]


def _doubtful(
    engine: Engine,
    images: Sequence[ImageSummary],
    footprints: Mapping[str, Footprint],
    unpacked: Mapping[str, int],
    concerned: Collection[str],
) -> dict[str, int]:
    """Return how many bytes of an image others may hold too, beside layers, for each image that may have some.

    Commits of one container hold its first snapshot together, below their own layers: no call tells which container an
    image comes from (daemon/containerd/image_commit.go, applyDiffLayer). Attestations may have the same blobs, and two
    indexes the same manifest. Before 28 an engine tells too little to find out.
    """
    if not (engine.containerd_store and any(image.manifests for image in images)):
        return {}
    committed = Counter(image.parent for image in images if image.parent)
    manifests = Counter(str(manifest.get("ID")) for image in images for manifest in image.manifests)
    attested = sum(any(map(_is_attestation, image.manifests)) for image in images)
    doubtful: dict[str, int] = {}
    for image in (image for image in images if image.id in concerned):
        most = sum(
            _bytes(manifest, "Content")
            for manifest in image.manifests
            if manifests[str(manifest.get("ID"))] > 1 or (attested > 1 and _is_attestation(manifest))
        )
        if committed[image.parent] > 1:
            sizes = _history_sizes(engine, image.id, len(footprints[image.id].layers))
            most += max(0, unpacked[image.id] - sum(sizes))
        if most:
            doubtful[image.id] = most
    return doubtful


def _is_attestation(manifest: Mapping[str, Any]) -> bool:
    return bool(manifest.get("Kind") == "attestation" and manifest.get("Available"))


def _bytes(manifest: Mapping[str, Any], kind: str) -> int:
    """The bytes that a manifest takes: Content those of its blobs, Unpacked those of its snapshots, Total both."""
    size = (manifest.get("ImageData") or {}).get("Size") if kind == "Unpacked" else manifest.get("Size")
    return int((size or {}).get(kind) or 0)


def _below(
    engine: Engine, footprints: Mapping[str, Footprint], unpacked: Mapping[str, int], concerned: Collection[str]
) -> dict[str, int]:
    """For each layer above which images part: the bytes of it and all below it."""
    blobs_count = _blobs_count(engine)
    ends = {footprint.layers[-1]: unpacked[image] for image, footprint in footprints.items() if footprint.layers}
    matters = {layer for image in concerned for layer in footprints[image].layers}
    below: dict[str, int] = {}
    # From above, as who is asked for a layer tells of all below it too.
    for layer, (holder, depth) in sorted(partings(footprints).items(), key=lambda item: (-item[1][1], item)):
        if layer not in matters or layer in below:
            continue
        if layer in ends and not blobs_count:
            below[layer] = ends[layer]
            continue
        layers = footprints[holder].layers[:depth]
        count = len(footprints[holder].layers)
        sizes = _sizes_up_to(engine, holder, count, unpacked[holder])
        blobs = accumulate(_blob_sizes(engine, holder, count)) if blobs_count else repeat(0)
        for held, size, blob in zip(layers, sizes, blobs):
            below.setdefault(held, ends.get(held, size) + blob)
        # What can't be told is not promised.
        below.setdefault(layer, footprints[holder].size)
    return below


def _sizes_up_to(engine: Engine, image_id: str, layers: int, unpacked: int) -> list[int]:
    """For each layer the bytes of it and all below it, at most; none where the engine can't tell.

    On a containerd store a commit leaves a snapshot between the image's own layer and those below, which
    the history doesn't count. Where it lies can't be told if there is no image that ends there, so all such
    count as low as they can: better to promise too little than too much.
    """
    sums = list(accumulate(_history_sizes(engine, image_id, layers)))
    uncounted = max(0, unpacked - sums[-1]) if sums else 0
    return [size + uncounted for size in sums]


def _history_sizes(engine: Engine, image_id: str, layers: int) -> Sequence[int]:
    """The bytes of each unpacked layer by the image's history, the lowest first; none where the engine can't tell."""
    history = engine.images.history(image_id)
    return layer_sizes(history, layers) if history else ()


def _blobs_count(engine: Engine) -> bool:
    """Whether the engine counts blobs (daemon/containerd/service.go, ImageDiskUsage)."""
    return engine.containerd_store and engine.version >= (28, 2)


def _blob_sizes(engine: Engine, image_id: str, layers: int) -> tuple[int, ...]:
    """The sizes of an image's layers as a containerd store holds them, the lowest first.

    No call tells them, but the image's manifest does, and an archive has that among its first entries:
    containerd sorts them by name, that is by digest (core/images/archive/exporter.go). No more is read.
    None are given for an image without its manifest, nor for one that the engine doesn't hand out: a store that is
    tidied up meanwhile may list what it can't read any more.
    """
    # It takes the whole reader of archives, and few stores share layers whose sizes must be asked for.
    from ansible_collections.gantry.docker.plugins.module_utils._archive.blob_sizes import blob_sizes

    with trying_to(f"read the manifest of the image {image_id}"):
        try:
            with closing(engine.api.stream("GET", target("/images/get", names=image_id))) as answer:
                return blob_sizes(answer.pieces(), image_id, layers)
        except Refused:
            return ()
        except Unreadable as error:
            raise Unexpected(f"is no archive of images ({error})") from error
