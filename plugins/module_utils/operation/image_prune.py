# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remove images that nothing needs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils.engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils.engine.containers import ContainerSummary
from ansible_collections.gantry.docker.plugins.module_utils.engine.images import ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils.image.deletion import (
    Deletion,
    Forest,
    Node,
    changes,
)
from ansible_collections.gantry.docker.plugins.module_utils.image.retention import (
    Candidate,
    parse_pattern,
    victims,
)
from ansible_collections.gantry.docker.plugins.module_utils.operation.plan import Plan


@dataclass(frozen=True)
class Wanted:
    """dangling_only: whether images with a name stay. keep: patterns of names that stay."""

    dangling_only: bool
    keep: tuple[str, ...]


@dataclass(frozen=True)
class Observed:
    """All images and containers, and the bytes that the images' layers take."""

    images: tuple[ImageSummary, ...]
    containers: tuple[ContainerSummary, ...]
    disk_usage: int


@dataclass(frozen=True)
class Prune:
    """Remove one victim: all of its names, and with the last of them itself."""

    image_id: str
    deletions: tuple[Deletion, ...]

    @property
    def sentence(self) -> str:
        """What the step does."""
        names = [name for deletion in self.deletions for name in deletion.untagged]
        what = f"unused image {', '.join(names)}" if names else "dangling image"
        return f"Pruned {what} ({', '.join(self.deleted) or 'stays as a part of others'})"

    @property
    def deleted(self) -> tuple[str, ...]:
        """The Ids of the images that go."""
        return tuple(image_id for deletion in self.deletions for image_id in deletion.deleted)


def parse(params: Mapping[str, Any]) -> Wanted:
    """What is wanted, from the module's parameters; raises InvalidInput."""
    return Wanted(params["dangling"], tuple(dict.fromkeys(parse_pattern(pattern) for pattern in params["keep"])))


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """List all images and containers."""
    return Observed(engine.images.all(), engine.containers.all(), engine.images.disk_usage())


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Remove every victim, children before their parents."""
    used = {container.image_id for container in observed.containers}
    nodes = (Node(image.id, image.tags, image.digests, image.parent, image.pinned) for image in observed.images)
    forest = Forest(nodes, used)
    before = forest.state()
    candidates = (
        Candidate(image.id, image.tags + image.digests, parent=bool(forest.children(image.id)), used=image.id in used)
        for image in observed.images
    )
    chosen = victims(candidates, wanted.dangling_only, wanted.keep)
    ordered = sorted(chosen, key=lambda victim: (-forest.depth(victim), before[victim], victim))
    steps = tuple(Prune(victim, tuple(forest.remove_image(victim))) for victim in ordered if victim in forest)
    differing, after = changes(before, forest)
    return Plan(steps, differing, after)


def apply(engine: Engine, step: Prune) -> Mapping[str, Any]:
    """Remove one victim. A container that was started from it meanwhile makes the engine refuse: never forced."""
    for deletion in step.deletions:
        engine.images.remove(deletion.name, delete_parents=False)
    return {}


def report(engine: Engine, wanted: Wanted, observed: Observed) -> Mapping[str, Any]:
    """The bytes that are free now and weren't before."""
    return {"space_reclaimed": max(0, observed.disk_usage - engine.images.disk_usage())}
