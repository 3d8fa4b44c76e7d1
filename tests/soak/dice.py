# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random choices for recipes and calls. All names come from one small set, so that recipes and calls meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

BUSYBOX = "busybox:latest"
REGISTRY = "127.0.0.1:5000"
MIRRORED = f"{REGISTRY}/library/busybox:latest"
SEVERAL = f"{REGISTRY}/soak/several:1"
NAMES = (BUSYBOX, MIRRORED, SEVERAL, "a:1", "a:2", "b:1", "b:2", "example/c:1")
# Repositories with digests of the registry: see World.known.
DIGESTS = ("busybox@{busybox}", f"{REGISTRY}/library/busybox@{{busybox}}", f"{REGISTRY}/soak/several@{{several}}")
CONTAINERS = ("c1", "c2", "c3")
ARCHIVES = ("{files}/x.tar", "{files}/y.tar", "{files}/z.tar.gz", "{files}/z.tar.zst")

T = TypeVar("T")


class Dice:
    """Random names and numbers, the same for the same seed.

    labels: the recipe's labels of images. A label in braces stands for the image's Id, which no seed can foresee.
    made: the names of the recipe's images, containers and archives, if its steps succeed.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - nothing secret
        self.labels: list[str] = []
        self.made: list[str] = []

    def maybe(self, chance: float) -> bool:
        """Return True with this probability."""
        return self.random.random() < chance

    def one(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return self.random.choice(choices)

    def number(self, least: int, most: int) -> int:
        """Return a number from least to most, both included."""
        return self.random.randint(least, most)

    def weighted(self, weights: dict[T, int]) -> T:
        """Return one of the keys; a key with twice the weight comes twice as often."""
        return self.random.choices(list(weights), list(weights.values()))[0]

    def several(self, draw: Callable[[], T], most: int) -> list[T]:
        """Return one or more different results of a draw, but not more than most."""
        return list(dict.fromkeys(draw() for _index in range(self.number(1, most))))

    def name(self) -> str:
        """Return a tag for a new image."""
        return self.one(NAMES)

    def likely(self, names: Sequence[str]) -> str:
        """Return one of the names, most often one that was made."""
        made = [name for name in names if name in self.made]
        return self.one(made if made and self.maybe(0.85) else names)

    def image(self) -> str:
        """Return an image as a tag, a digest, or a whole or short Id."""
        kind = self.weighted({"tag": 6, "Id": 2, "digest": 1})
        if kind == "Id" and self.labels:
            return "{" + self.one(self.labels) + self.one(("", "_short")) + "}"
        return self.likely(DIGESTS if kind == "digest" else NAMES)

    def container(self) -> str:
        """Return a container's name."""
        return self.likely(CONTAINERS)

    def archive(self) -> str:
        """Return an archive's path."""
        return self.likely(ARCHIVES)
