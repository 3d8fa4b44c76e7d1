# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random choices that recipes and calls have in common. All names come from one small set, so that they meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

BUSYBOX = "busybox:latest"
REGISTRY = "127.0.0.1:5000"
MIRRORED = f"{REGISTRY}/library/busybox:latest"
SEVERAL = f"{REGISTRY}/soak/several:1"
NAMES = (BUSYBOX, MIRRORED, SEVERAL, "a:1", "a:2", "b:1", "b:2", "example/c:1")
# Names of repositories with the digests that the registry has there: see World.known.
DIGESTS = ("busybox@{busybox}", f"{REGISTRY}/library/busybox@{{busybox}}", f"{REGISTRY}/soak/several@{{several}}")
CONTAINERS = ("c1", "c2", "c3")

T = TypeVar("T")


class Dice:
    """Draws names and numbers; the same ones for the same seed.

    labels: what the recipe calls its images. A label in braces stands for the image's Id, which no seed can tell.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - nothing secret
        self.labels: list[str] = []

    def maybe(self, chance: float) -> bool:
        """Return True in so many of all cases."""
        return self.random.random() < chance

    def one(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return self.random.choice(choices)

    def number(self, least: int, most: int) -> int:
        """Return a number between these two, both included."""
        return self.random.randint(least, most)

    def weighted(self, weights: dict[T, int]) -> T:
        """Return one of the keys; one with twice the weight comes twice as often."""
        return self.random.choices(list(weights), list(weights.values()))[0]

    def several(self, draw: Callable[[], T], most: int) -> list[T]:
        """Return between one and so many different results of a draw."""
        return list(dict.fromkeys(draw() for _index in range(self.number(1, most))))

    def name(self) -> str:
        """Return a tag."""
        return self.one(NAMES)

    def image_id(self) -> str:
        """Return the Id of an image of the recipe, whole or short."""
        if not self.labels:
            return self.name()
        return "{" + self.one(self.labels) + self.one(("", "_short")) + "}"

    def image(self) -> str:
        """Return a name or an Id."""
        return self.weighted({self.name: 6, self.image_id: 2, self.digest: 1})()

    def digest(self) -> str:
        """Return a repository with a digest."""
        return self.one(DIGESTS)
