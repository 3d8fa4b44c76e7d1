# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of the benchmark, and the means to set them up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.gantry.docker.tests.bench.content import RANDOM, Layer, Layers, load
from ansible_collections.gantry.docker.tests.bench.figures import MIB, Target
from ansible_collections.gantry.docker.tests.bench.measure import Runner
from ansible_collections.gantry.docker.tests.bench.work import Command, Group, Module, Side
from ansible_collections.gantry.docker.tests.engines.engine import Engine

GIB = 1024 * MIB
# Sides that take minutes for more bytes are measured only with fewer.
PATIENCE = 100 * MIB
# As many as the modules ask at a time.
_AT_A_TIME = 16

PING = Side("ping", Module("ansible.builtin.ping"))
BARE = Side("bare module", Module("gantry_bare"))


class LeftOut(Exception):
    """A part can't be measured here; the message has the reason."""


@dataclass(frozen=True)
class Bench:
    """The engine of a part, layers for it, and cleanup at its end."""

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
        """The sizes of the images, in bytes."""
        return (MIB,) if self.quick else (MIB, 100 * MIB, GIB)

    def choose(self, usual: int, quick: int) -> int:
        """Return a number, which is smaller in quick runs."""
        return quick if self.quick else usual

    def file(self, name: str) -> str:
        """Return the path of a file, for modules and for the CLI."""
        return str(self.engine.files / name)

    def docker(self, *words: str) -> None:
        """Run the engine's own CLI."""
        self.runner.do(Command(f"docker {' '.join(words)}"))

    def questions(self, names: Sequence[str]) -> Command:
        """Return a command that has the engine inspect images, several at a time, and does nothing with the answers."""
        file = Path(self.file(f"questions-{len(names)}"))
        file.write_text("".join(f'url = "http://engine/images/{name}/json"\noutput = "/dev/null"\n' for name in names))
        socket = '--unix-socket "${DOCKER_HOST#unix://}"'
        return Command(f"curl --silent --fail --parallel --parallel-max {_AT_A_TIME} {socket} --config {file}")

    def load(self, images: Mapping[str, tuple[Layer, ...]]) -> None:
        """Load images. images: their layers by their names, the lowest first."""
        load(self.engine, images)

    def image(self, kind: str, size: int) -> str:
        """Load an image of one layer; return its name."""
        name = f"bench/{kind.lower()}-{size}:1"
        self.load({name: (self.layers.layer(kind, size),)})
        return name

    def small_images(self, prefix: str, numbers: range, size: int = 1024, below: tuple[Layer, ...] = ()) -> list[str]:
        """Load small, different images; return their names."""
        images = {
            f"{prefix}-{number}:1": (*below, self.layers.layer(RANDOM, size, 1000 + number)) for number in numbers
        }
        self.load(images)
        return list(images)


@dataclass(frozen=True)
class Part:
    """One part.

    title, text: its words in the document. groups: a function that sets up and yields its groups. targets: the targets
    for them. plotted: whether the document has a plot of it.
    """

    name: str
    title: str
    text: str
    groups: Callable[[Bench], Iterator[Group]]
    targets: tuple[Target, ...] = ()
    plotted: bool = False

    def missed(self, groups: Mapping[str, Any], engine: str) -> list[Target]:
        """Return the targets that the groups of an engine missed."""
        return [target for target in self.targets if target.is_for(engine) and target.missed(groups)]


def ours(name: str, module: str, arguments: Mapping[str, Any], reset: str = "", **more: Any) -> Side:
    """Return a side with a module of this project."""
    return Side(name, Module(f"gantry.docker.{module}", arguments, **more), reset, ours=True)


def peer(name: str, module: str, arguments: Mapping[str, Any], reset: str = "", **more: Any) -> Side:
    """Return a side with a module of community.docker."""
    return Side(name, Module(f"community.docker.{module}", arguments, **more), reset)


def sized(size: int) -> str:
    """Return a size in words."""
    return f"{size // GIB} GiB" if size >= GIB else f"{size // MIB} MiB"
