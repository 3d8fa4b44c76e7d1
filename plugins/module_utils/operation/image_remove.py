# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remove images: take their names away, and delete those that have none left."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils.engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils.engine.containers import ContainerSummary
from ansible_collections.gantry.docker.plugins.module_utils.engine.images import Image, ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils.image.deletion import (
    Deletion,
    Forest,
    Node,
    changes,
)
from ansible_collections.gantry.docker.plugins.module_utils.image.errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils.image.reference import (
    ImageName,
    Reference,
    parse_image_name,
)
from ansible_collections.gantry.docker.plugins.module_utils.operation.plan import Plan


@dataclass(frozen=True)
class Wanted:
    """names: the names and Ids that shall not be there."""

    names: tuple[ImageName, ...]


@dataclass(frozen=True)
class Observed:
    """found: the image of each name that names one. images, containers: all that there are."""

    found: Mapping[ImageName, Image]
    images: tuple[ImageSummary, ...]
    containers: tuple[ContainerSummary, ...]


@dataclass(frozen=True)
class Remove:
    """Remove one name, or an image without any."""

    deletion: Deletion

    @property
    def sentence(self) -> str:
        """What the step does."""
        names = f" {', '.join(self.deletion.untagged)}" if self.deletion.untagged else ""
        if not self.deletion.deleted:
            return f"Untagged{names}"
        return f"Removed image{names} ({', '.join(self.deletion.deleted)})"


def parse(params: Mapping[str, Any]) -> Wanted:
    """What is wanted, from the module's parameters; raises InvalidInput."""
    return Wanted(tuple(dict.fromkeys(parse_image_name(name, params["tag"]) for name in params["names"])))


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Look up the names, and all images and containers, as what goes depends on them."""
    found = {name: engine.images.meant(name) for name in wanted.names}
    return Observed(
        found={name: image for name, image in found.items() if image},
        images=engine.images.all() if any(found.values()) else (),
        containers=engine.containers.all() if any(found.values()) else (),
    )


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Remove what is there; children before their parents, so that both can go."""
    used = {container.image_id for container in observed.containers}
    nodes = (Node(image.id, image.tags, image.digests, image.parent, image.pinned) for image in observed.images)
    forest = Forest(nodes, used)
    before = forest.state()
    deletions: list[Deletion] = []
    for name, image in sorted(observed.found.items(), key=lambda item: -forest.depth(item[1].id)):
        deletions += _deletions(forest, name, image)
    _refuse_if_used(observed, forest, before)
    differing, after = changes(before, forest)
    return Plan(tuple(Remove(deletion) for deletion in deletions), differing, after)


def apply(engine: Engine, step: Remove) -> Mapping[str, Any]:
    """Remove one name, or one image without any."""
    engine.images.remove(step.deletion.name, delete_parents=False)
    return {}


def report(engine: Engine, wanted: Wanted, observed: Observed) -> Mapping[str, Any]:
    """The images that were named, as they were before."""
    images = {image.id: dict(image.inspected) for image in observed.found.values()}
    return {"images": list(images.values())}


def _deletions(forest: Forest, name: ImageName, image: Image) -> list[Deletion]:
    """The calls that remove one name, given that those before it are done."""
    if image.id not in forest:
        return []
    if isinstance(name, Reference) and name.digest:
        return _digest_deletions(forest, name, image)
    if isinstance(name, Reference) and name.tagged in image.tags:
        return forest.remove_name(image.id, name.tagged) if name.tagged in forest.names(image.id) else []
    _refuse_if_parent(forest, name, image)
    return forest.remove_image(image.id)


def _digest_deletions(forest: Forest, name: Reference, image: Image) -> list[Deletion]:
    """A digest goes alone only where no tag of its repository would bring it back."""
    tags = [tag for tag in image.tags if tag.rpartition(":")[0] == name.name]
    if tags:
        raise GantryError(
            f"{name.pinned} is tagged as {', '.join(tags)}, and goes with the last of these. "
            f"Name them instead, or the image's Id ({image.id})."
        )
    return forest.remove_name(image.id, name.pinned) if name.pinned in forest.all_names(image.id) else []


def _refuse_if_parent(forest: Forest, name: ImageName, image: Image) -> None:
    """By its Id an image with others made from it can't be removed (by a name, it only loses that)."""
    children = [", ".join(forest.names(child)) or child for child in forest.children(image.id)]
    if children:
        raise GantryError(
            f"The image {name} can't be removed, as others were made from it: {'; '.join(children)}. "
            "Remove these too, in the same task if you like."
        )


def _refuse_if_used(observed: Observed, forest: Forest, before: Mapping[str, list[str]]) -> None:
    """Refuse before anything is removed if an image that loses its last name is used by containers.

    The engine would refuse in the middle, after others of the task are gone.
    """
    problems = []
    for image_id, names in before.items():
        bare = image_id not in forest or (names and not forest.all_names(image_id))
        users = [str(container) for container in observed.containers if container.image_id == image_id]
        if bare and users:
            problems.append(f"{', '.join(names) or image_id} is used by {', '.join(users)}")
    if problems:
        raise GantryError(
            f"Nothing was removed, as containers use images that would go: {'; '.join(problems)}. "
            "Remove these containers first (container_run with state: absent)."
        )
