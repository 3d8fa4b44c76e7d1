# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The images that must be inspected to know which bytes a prune frees.

Only an inspection reports an image's layers, and for each a containerd store reads the names of all images
(daemon/containerd/image_inspect.go). But the list has the bytes of the layers that an image shares with any other. With
the sizes of its layers, that gives the highest shared one. Then it is enough to find one image that stays and holds it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image, ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils._image.history import layer_sizes
from ansible_collections.gantry.docker.plugins.module_utils._image.layers import chain_ids

# The versions in which the list of a containerd store counts shared layers as a history does: the unpacked ones alone.
_FIRST, _FIRST_THAT_COUNTS_BLOBS = (28, 2), (29, 5)
# The number of images to inspect before it is seen whether more are needed.
_BATCH = 16


class Known(NamedTuple):
    """Images by their Ids, as inspected. below: for some layers, the unpacked bytes of the layer and all below it."""

    images: Mapping[str, Image]
    below: Mapping[str, int] = {}


def inspected_for(engine: Engine, images: Sequence[ImageSummary], concerned: Collection[str]) -> Known:
    """Return the images whose layers matter if some of the concerned images are removed.

    images: all that there are, listed with details. concerned: Ids.
    """
    mine = [image for image in sharing(images) if image.id in concerned]
    others = [image for image in sharing(images) if image.id not in concerned] if mine else []
    # On a containerd store, an image that is listed without its manifests must be inspected just for its size.
    alone = [image for image in images if image.id in concerned and image.whole and not image.manifests]
    first = [*mine, *(alone if engine.containerd_store else [])]
    if not (others and engine.containerd_store and _FIRST <= engine.version < _FIRST_THAT_COUNTS_BLOBS):
        return Known(engine.find_listed([*first, *others]))
    found = engine.find_listed(first)
    shared = _shared(engine, mine, found, len(others))
    if not shared:
        return Known({**found, **engine.find_listed(others)})
    return Known({**found, **_holders(engine, shared, others)}, {layer: size for row in shared for layer, size in row})


def sharing(images: Iterable[ImageSummary]) -> list[ImageSummary]:
    """Return the images that may share layers; an image that shares none takes just its own size."""
    return [image for image in images if image.shared and image.whole]


def history_sizes(engine: Engine, image_id: str, layers: int) -> Sequence[int]:
    """Return the bytes of each unpacked layer, the lowest first, from the image's history; nothing if it has none."""
    history = engine.images.history(image_id)
    return layer_sizes(history, layers) if history else ()


def _shared(
    engine: Engine, rows: Sequence[ImageSummary], found: Mapping[str, Image], most: int
) -> list[tuple[tuple[str, int], ...]]:
    """Return, for each image, its layers up to the highest one that others hold, each with the bytes up to it.

    rows, found: the images as listed and as inspected. most: the number of histories that may be asked for.
    Return nothing if it can't be told for all images.
    """
    if not all(row.id in found and _is_plain(row) for row in rows):
        return []
    chains = {row.id: chain_ids(found[row.id].diff_ids) for row in rows}
    holders = Counter(layer for chain in chains.values() for layer in chain)
    # The layers that several of these images hold; they are the lowest ones of each.
    held = {row.id: tuple(layer for layer in chains[row.id] if holders[layer] > 1) for row in rows}
    teller = {held[row.id]: row.id for row in rows}
    asked = {*teller.values(), *(row.id for row in rows if len(chains[row.id]) > len(held[row.id]) + 1)}
    if len(asked) > most:
        return []
    sizes = engine.ask_all(lambda one, image_id: history_sizes(one, image_id, len(chains[image_id])), sorted(asked))
    shared = []
    for row in rows:
        depth, unpacked = len(held[row.id]), sum(part.unpacked for part in row.manifests)
        below = tuple(accumulate(sizes[row.id if row.id in asked else teller[held[row.id]]]))
        if row.id not in asked:
            below = (*below[:depth], unpacked)[: len(chains[row.id])]
        # A layer without bytes may be shared or not. With another sum, the store has more than the layers.
        rises = all(lower < higher for lower, higher in zip((0, *below), below))
        if not rises or below[-1:] != (unpacked,) or row.shared not in below[max(0, depth - 1) :]:
            return []
        shared.append(tuple(zip(chains[row.id], below[: below.index(row.shared) + 1])))
    return shared


def _is_plain(image: ImageSummary) -> bool:
    """Return whether the list counts just what an inspection shows: one platform, and no snapshot of a commit's own."""
    return sum(part.available and part.is_image for part in image.manifests) == 1 and not image.parent


def _holders(
    engine: Engine, shared: Iterable[Sequence[tuple[str, int]]], others: Sequence[ImageSummary]
) -> dict[str, Image]:
    """Return other images that hold layers of these, until all are held or no other image can hold more.

    shared: as _shared() returns them.
    """
    found: dict[str, Image] = {}
    held: set[str] = set()
    rest = list(others)
    while True:
        shared = list({layers[-1]: layers for layers in shared if layers[-1][0] not in held}.values())
        # An image that holds a layer shares at least the bytes up to it.
        least = min((next(size for layer, size in layers if layer not in held) for layers in shared), default=0)
        tops = {layers[-1][1] for layers in shared}
        able = [row for row in rest if not 0 <= row.shared < least]
        rest = sorted(able, key=lambda row: (row.shared not in tops, row.id))
        if not (shared and rest):
            return found
        batch = engine.find_listed(rest[:_BATCH])
        rest = rest[_BATCH:]
        found.update(batch)
        held.update(layer for image in batch.values() for layer in chain_ids(image.diff_ids))
