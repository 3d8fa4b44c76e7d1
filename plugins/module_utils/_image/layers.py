# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Layers: their chain IDs, and the images that have them."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import takewhile


def chain_ids(diff_ids: Sequence[str]) -> tuple[str, ...]:
    """Return the chain ID of every layer, the lowest first (image-spec, config.md, "Layer ChainID")."""
    chain: list[str] = []
    for diff_id in diff_ids:
        below = chain[-1] if chain else None
        chain.append(_digest(f"{below} {diff_id}") if below else diff_id)
    return tuple(chain)


def holders(images: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return for each layer, by its chain ID, the images that have it: a layer with several images is shared.

    images: the DiffIDs of each image, the lowest first.
    """
    holding: dict[str, list[str]] = {}
    for image, diff_ids in images.items():
        for layer in chain_ids(diff_ids):
            holding.setdefault(layer, []).append(image)
    return holding


def can_be_left_out(images: Iterable[Sequence[str]], there: Container[str]) -> frozenset[str]:
    """Return the DiffIDs of the layers of images that need not be sent to a store that has certain layers.

    images: the DiffIDs of each image, the lowest first. there: the DiffIDs of the layers that the store has.
    The store can use a layer for an image only if it has all layers below it too. A layer that it can use for one image
    but not for another one must be sent.
    """
    usable: set[str] = set()
    needed: set[str] = set()
    for diff_ids in images:
        below = list(takewhile(lambda diff_id: diff_id in there, diff_ids))
        usable.update(below)
        needed.update(diff_ids[len(below) :])
    return frozenset(usable - needed)


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
