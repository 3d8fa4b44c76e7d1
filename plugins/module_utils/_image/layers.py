# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Layers: how they stack, and who holds them."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import takewhile


def chain_ids(diff_ids: Sequence[str]) -> tuple[str, ...]:
    """The chain ID of every layer, the lowest first (image-spec, config.md, "Layer ChainID")."""
    chain: list[str] = []
    for diff_id in diff_ids:
        below = chain[-1] if chain else None
        chain.append(_digest(f"{below} {diff_id}") if below else diff_id)
    return tuple(chain)


def holders(images: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """For each layer, by its chain ID, those of the images that hold it: it is shared if there are several.

    images: their DiffIDs, the lowest first.
    """
    holding: dict[str, list[str]] = {}
    for image, diff_ids in images.items():
        for layer in chain_ids(diff_ids):
            holding.setdefault(layer, []).append(image)
    return holding


def can_be_left_out(images: Iterable[Sequence[str]], there: Container[str]) -> frozenset[str]:
    """Those of the layers that who has certain layers needs not be sent, to have these images.

    images: their DiffIDs, the lowest first. there: DiffIDs of the layers that are there.
    A layer is of use only on top of those below it; one that an image needs for which it isn't there must be sent.
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
