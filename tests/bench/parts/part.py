# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What parts are, and what they are set up with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.docker.tests.bench.content import RANDOM, Layer, Layers, load
from ansible_collections.gantry.docker.tests.bench.figures import MIB, Target
from ansible_collections.gantry.docker.tests.bench.measure import Runner
from ansible_collections.gantry.docker.tests.bench.work import Command, Group, Module, Side
from ansible_collections.gantry.docker.tests.engines.engine import Engine

GIB = 1024 * MIB
# Sides that take minutes for more than this are measured with less only.
PATIENCE = 100 * MIB

PING = Side("ping", Module("ansible.builtin.ping"))
BARE = Side("bare module", Module("gantry_bare"))


class LeftOut(Exception):
    """A part can't be measured here; the message says why."""


@dataclass(frozen=True)
class Bench:
    """An engine of the part's own, layers for it, and what to end when the part has ended."""

    runner: Runner
    layers: Layers
    quick: bool
    cleanup: ExitStack

    @property
    def engine(self) -> Engine:
        """The engine."""
        return self.runner.engine

    @property
    def sizes(self) -> tuple[int, ...]:
        """How large the images are, in bytes."""
        return (MIB,) if self.quick else (MIB, 100 * MIB, GIB)

    def choose(self, usual: int, quick: int) -> int:
        """A number that is smaller in quick runs."""
        return quick if self.quick else usual

    def file(self, name: str) -> str:
        """The path of a file, for modules and for the CLI."""
        return str(self.engine.files / name)

    def docker(self, *words: str) -> None:
        """Do something with the engine's own CLI."""
        self.runner.do(Command(f"docker {' '.join(words)}"))

    def load(self, images: Mapping[str, tuple[Layer, ...]]) -> None:
        """Give the engine images: names, and the layers of each, from the first one up."""
        load(self.engine, images)

    def image(self, kind: str, size: int) -> str:
        """Give the engine an image of one layer; its name."""
        name = f"bench/{kind.lower()}-{size}:1"
        self.load({name: (self.layers.layer(kind, size),)})
        return name

    def small_images(self, prefix: str, numbers: range, size: int = 1024, below: tuple[Layer, ...] = ()) -> list[str]:
        """Give the engine small images that differ; their names."""
        images = {
            f"{prefix}-{number}:1": (*below, self.layers.layer(RANDOM, size, 1000 + number)) for number in numbers
        }
        self.load(images)
        return list(images)


@dataclass(frozen=True)
class Part:
    """One part.

    title, text: for the document. groups: sets them up one after the other. targets: by its groups' names.
    plotted: whether the document has a plot of it.
    """

    name: str
    title: str
    text: str
    groups: Callable[[Bench], Iterator[Group]]
    targets: tuple[Target, ...] = ()
    plotted: bool = False

    def missed(self, groups: Mapping[str, Any]) -> list[Target]:
        """The targets that weren't met."""
        return [target for target in self.targets if target.missed(groups)]


def ours(name: str, module: str, arguments: Mapping[str, Any], reset: str = "", **more: Any) -> Side:
    """A module of this project's."""
    return Side(name, Module(f"gantry.docker.{module}", arguments, **more), reset, ours=True)


def peer(name: str, module: str, arguments: Mapping[str, Any], reset: str = "", **more: Any) -> Side:
    """A module of community.docker's."""
    return Side(name, Module(f"community.docker.{module}", arguments, **more), reset)


def sized(size: int) -> str:
    """A size in words."""
    return f"{size // GIB} GiB" if size >= GIB else f"{size // MIB} MiB"
