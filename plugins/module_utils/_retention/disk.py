# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The bytes that images take together; a layer that several images share counts once.

Layers are shared by chain ID: the layers of two images are the same from the lowest up to where the images part. So
images form a tree. The removal of one frees its bytes, less those at and below its highest layer that another image
still holds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Footprint(NamedTuple):
    """The layers and the bytes of an image.

    layers: the chain IDs of its layers, the lowest first; none if it is known to share nothing.
    size: its bytes, including shared ones.
    """

    layers: tuple[str, ...]
    size: int


class Disk(NamedTuple):
    """The bytes that all images take.

    footprints: by the images' Ids. below: the bytes of a layer and all below it, for each of the partings() of images
    that are asked for. twice: the bytes, beside these layers, that the footprints count more often than the disk has
    them. doubtful: for each image that may hold some of these bytes, how many at most.
    """

    footprints: Mapping[str, Footprint] = {}
    below: Mapping[str, int] = {}
    twice: int = 0
    doubtful: Mapping[str, int] = {}

    def freed(self, gone: Iterable[str]) -> int:
        """Return the bytes that are freed when these images are gone."""
        usage = Usage(self)
        return sum(usage.remove(image_id) for image_id in gone)

    def total(self) -> int:
        """Return the bytes that all images take together."""
        return self.freed(self.footprints)


class Usage:
    """The images that are still there, while one after the other is removed."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._twice = disk.twice
        self._holders: dict[str, int] = defaultdict(int)
        for footprint in disk.footprints.values():
            for layer in footprint.layers:
                self._holders[layer] += 1

    def remove(self, image_id: str) -> int:
        """Remove an image; return the bytes that this frees."""
        footprint = self._disk.footprints[image_id]
        for layer in footprint.layers:
            self._holders[layer] -= 1
        freed = footprint.size - self._held_by_others(footprint)
        left = min(self._twice, self._disk.doubtful.get(image_id, 0), freed)
        self._twice -= left
        return freed - left

    def _held_by_others(self, footprint: Footprint) -> int:
        """Return the bytes of the image's layers that other images hold now."""
        for layer in reversed(footprint.layers):
            if self._holders[layer]:
                return min(self._disk.below[layer], footprint.size)
        return 0


def partings(footprints: Mapping[str, Footprint]) -> dict[str, tuple[str, int]]:
    """Return the layers that several images hold and above which these images part, each with a holder.

    A holder is an image's Id, and the number of its layers at and below that layer. Of the possible images it is the
    one with the lowest Id.
    """
    above: dict[str, set[str]] = defaultdict(set)
    holders: dict[str, tuple[str, int]] = {}
    for image_id in sorted(footprints):
        layers = footprints[image_id].layers
        for depth, (layer, next_one) in enumerate(zip(layers, (*layers[1:], image_id)), start=1):
            above[layer].add(next_one)
            holders.setdefault(layer, (image_id, depth))
    return {layer: holders[layer] for layer, nexts in above.items() if len(nexts) > 1}
