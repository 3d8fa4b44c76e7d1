# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The bytes that images take on an engine's disk, layer by layer, as the engine's own disk usage counts them.

Engines count different things (docker system df: LayersSize), as read in moby's daemon/*/service.go and measured:
classic stores count the unpacked layers; containerd stores count their snapshots, and from 28.2 on also the blobs. No
engine reports the sizes of single layers. But an image's size is that of all its layers. So the size up to a layer is
known if an image ends there; for the few other layers the history has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from itertools import accumulate, repeat

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import trying_to
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image, ImageSummary, Manifest
from ansible_collections.gantry.docker.plugins.module_utils._errors import Unreadable
from ansible_collections.gantry.docker.plugins.module_utils._image.layers import chain_ids
from ansible_collections.gantry.docker.plugins.module_utils._retention.disk import Disk, Footprint, partings
from ansible_collections.gantry.docker.plugins.module_utils._retention.sharing import (
    Known,
    history_sizes,
    inspected_for,
    sharing,
)
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import Unexpected
from ansible_collections.gantry.docker.plugins.module_utils._transport.client import Refused, target


def observe_disk(
    engine: Engine,
    images: Sequence[ImageSummary],
    concerned: Collection[str],
    known: Mapping[str, Image] | None = None,
) -> Disk:
    """Return the bytes that images take; of shared layers only those that the concerned images have.

    images: all that there are, listed with details. concerned: the Ids of the images that may be asked for.
    known: all images by Id, if they have been inspected already.
    """
    if not concerned:
        return Disk()
    inspected, ends = inspected_for(engine, images, concerned) if known is None else Known(known)
    unpacked = {image.id: _unpacked(engine, image, inspected.get(image.id)) for image in images}
    footprints = {
        image.id: Footprint(
            layers=chain_ids(inspected[image.id].diff_ids) if image.id in inspected else (),
            size=_size(engine, image, unpacked[image.id], inspected.get(image.id)),
        )
        for image in images
        if image.whole
    }
    # The remaining parts of an image that isn't whole may belong to others too: no bytes are promised for them.
    footprints.update({image.id: Footprint((), 0) for image in images if not image.whole})
    doubtful = _doubtful(engine, images, footprints, unpacked, concerned)
    if not doubtful:
        return Disk(footprints, _below(engine, footprints, unpacked, concerned, ends))
    missing = [image for image in sharing(images) if image.id not in inspected]
    if missing and known is None:
        return observe_disk(engine, images, concerned, {**inspected, **engine.find_listed(missing)})
    disk = Disk(footprints, _below(engine, footprints, unpacked, footprints))
    return disk._replace(twice=max(0, disk.total() - engine.images.disk_usage()), doubtful=doubtful)


def _unpacked(engine: Engine, image: ImageSummary, inspected: Image | None) -> int:
    """Return the bytes of an image's unpacked layers."""
    if not engine.containerd_store:
        return image.size
    if image.manifests:
        others = _of_other_platforms(image, inspected)
        return sum(manifest.unpacked for manifest in image.manifests if manifest not in others)
    if inspected is None:
        return image.size
    # The list counts blobs and snapshots. Inspect counts the blobs alone, and only those of one platform.
    if image.parent:
        return max(0, image.size - inspected.size)
    return sum(history_sizes(engine, image.id, len(inspected.diff_ids)))


def _size(engine: Engine, image: ImageSummary, unpacked: int, inspected: Image | None) -> int:
    """Return the bytes that the engine counts for an image alone, at least."""
    if not engine.containerd_store:
        return image.size
    if _blobs_count(engine):
        others = sum(manifest.total for manifest in _of_other_platforms(image, inspected))
        return image.size + image.index_size - others
    # An engine without manifests in its list reports the bytes of blobs only for images of its own platform.
    blind = inspected is not None and not image.manifests and inspected.platform != engine.platform
    return 0 if blind else unpacked


def _of_other_platforms(image: ImageSummary, inspected: Image | None) -> list[Manifest]:
    """Return the manifests of an index without the one that inspect shows.

    Their layers aren't known, and other images may hold these: so their bytes aren't promised. An image that shares no
    layers wasn't inspected, and goes with all of its manifests.
    """
    if inspected is None:
        return []
    shown = inspected.platform
    return [part for part in image.manifests if any(part.platform) and part.platform != shown]


def _doubtful(
    engine: Engine,
    images: Sequence[ImageSummary],
    footprints: Mapping[str, Footprint],
    unpacked: Mapping[str, int],
    concerned: Collection[str],
) -> dict[str, int]:
    """Return how many bytes of an image, beside layers, others may hold too; only for images that may have some.

    Commits of one container share its first snapshot, below their own layers: no call reports which container an image
    comes from (daemon/containerd/image_commit.go, applyDiffLayer). Attestations may have the same blobs, and two
    indexes the same manifest. Engines before 28 report too little to find out.
    """
    if not (engine.containerd_store and any(image.manifests for image in images)):
        return {}
    committed = Counter(image.parent for image in images if image.parent)
    manifests = Counter(manifest.id for image in images for manifest in image.manifests)
    attested = sum(any(manifest.is_attestation for manifest in image.manifests) for image in images)
    doubtful: dict[str, int] = {}
    for image in (image for image in images if image.id in concerned):
        most = sum(
            manifest.content
            for manifest in image.manifests
            if manifests[manifest.id] > 1 or (attested > 1 and manifest.is_attestation)
        )
        if committed[image.parent] > 1:
            sizes = history_sizes(engine, image.id, len(footprints[image.id].layers))
            most += max(0, unpacked[image.id] - sum(sizes))
        if most:
            doubtful[image.id] = most
    return doubtful


def _below(
    engine: Engine,
    footprints: Mapping[str, Footprint],
    unpacked: Mapping[str, int],
    concerned: Collection[str],
    known: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """Return, for each layer above which images part, the bytes of it and all below it.

    known: these bytes for some layers, without blobs.
    """
    blobs_count = _blobs_count(engine)
    tops = {footprint.layers[-1]: unpacked[image] for image, footprint in footprints.items() if footprint.layers}
    ends = {**(known or {}), **tops}
    matters = {layer for image in concerned for layer in footprints[image].layers}
    below: dict[str, int] = {}
    # The highest first, as an answer about a layer also has the sizes of all layers below it.
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
        # If the bytes aren't known, none are promised: the whole image counts as held.
        below.setdefault(layer, footprints[holder].size)
    return below


def _sizes_up_to(engine: Engine, image_id: str, layers: int, unpacked: int) -> list[int]:
    """Return, for each layer, the bytes of it and all below it, at most; nothing if the engine doesn't report them.

    On a containerd store a commit leaves a snapshot between the image's own layer and those below, which the history
    doesn't count. Its place isn't known if no image ends there, so all such snapshots count as if they were at the
    bottom: better to promise too little than too much.
    """
    sums = list(accumulate(history_sizes(engine, image_id, layers)))
    uncounted = max(0, unpacked - sums[-1]) if sums else 0
    return [size + uncounted for size in sums]


def _blobs_count(engine: Engine) -> bool:
    """Return whether the engine counts blobs (daemon/containerd/service.go, ImageDiskUsage)."""
    return engine.containerd_store and engine.version >= (28, 2)


def _blob_sizes(engine: Engine, image_id: str, layers: int) -> tuple[int, ...]:
    """Return the sizes of an image's layers as a containerd store holds them, the lowest first.

    No call reports them, but the image's manifest has them. An archive has the manifest among its first entries:
    containerd sorts them by name, that is by digest (core/images/archive/exporter.go). No more is read.
    Return nothing for an image without its manifest, and for one that the engine refuses to send: a store that is
    cleaned up meanwhile may list images that it can no longer read.
    """
    # This imports the whole reader of archives, and few stores share layers whose sizes must be asked for.
    from ansible_collections.gantry.docker.plugins.module_utils._archive.blob_sizes import blob_sizes

    with trying_to(f"read the manifest of the image {image_id}"):
        try:
            with closing(engine.api.stream("GET", target("/images/get", names=image_id))) as answer:
                return blob_sizes(answer.pieces(), image_id, layers)
        except Refused:
            return ()
        except Unreadable as error:
            raise Unexpected(f"is no archive of images ({error})") from error
