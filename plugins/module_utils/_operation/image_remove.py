# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Remove images: remove their names, and delete the images that have none left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image, ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._image.patterns import Pattern, Selection, parse_selection
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    ImageName,
    ListedName,
    is_reference,
)
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan, Report, Taken
from ansible_collections.gantry.docker.plugins.module_utils._retention.forest import Forest, Node, changes
from ansible_collections.gantry.docker.plugins.module_utils._retention.removal import (
    Remove,
    Users,
    foresee,
    matching,
    names_of,
    refuse_if_used,
    remove,
    targets_of,
)

if TYPE_CHECKING:
    from ansible_collections.gantry.docker.plugins.module_utils._container.containers import ContainerSummary


class Wanted(NamedTuple):
    """The names and images that must not be there.

    force: whether containers may lose their image. parents: whether images without a name go with the last image that
    was made from them. stopped_too: whether the containers of an image go too, if none of them runs.
    """

    selections: tuple[Selection, ...]
    force: bool = False
    parents: bool = True
    stopped_too: bool = False


class Observed(NamedTuple):
    """The images to remove, and everything that this depends on.

    found: the image of each name or Id that refers to one. matched: by Id, the images with a name that matches a
    pattern. images, containers: all that there are. containerd: whether the store is a containerd store. loose: by Id,
    the tags of the images to remove that a containerd store lists, but can't find.
    """

    found: Mapping[ImageName, Image]
    images: tuple[ImageSummary, ...] = ()
    containers: tuple[ContainerSummary, ...] = ()
    containerd: bool = False
    matched: Mapping[str, Image] = {}
    loose: Mapping[str, Sequence[ListedName]] = {}


class RemoveContainer(NamedTuple):
    """Remove a container that doesn't run."""

    container: ContainerSummary

    @property
    def sentence(self) -> str:
        """The step as a sentence."""
        return f"Removed container {self.container}"


Step = Union[RemoveContainer, Remove]


def parse(params: Mapping[str, Any]) -> Wanted:
    """Return the wanted values, parsed from the module's parameters; raise InvalidInput."""
    selections = (parse_selection(name, "names", params["tag"]) for name in params["names"])
    return Wanted(
        selections=tuple(dict.fromkeys(selections)),
        force=params["force"],
        parents=params["prune"],
        stopped_too=params["containers"] == "remove_stopped",
    )


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Return the images of the names; and all images and containers, as the steps depend on these."""
    found = engine.meant_all(name for name in wanted.selections if not isinstance(name, Pattern))
    patterns = [pattern for pattern in wanted.selections if isinstance(pattern, Pattern)]
    if not found and not patterns:
        return Observed(found)
    # Most tasks find nothing to remove, and don't need this import.
    from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Containers

    images = engine.images.all()
    rows = {image.id: image for image in images}
    matched = (rows[image_id] for pattern in patterns for _name, image_id in matching(images, pattern))
    inspected = engine.find_listed(matched)
    meant = {image.id: image for image in (*found.values(), *inspected.values())}
    # Docker 26 leaves images that aren't whole out of its list.
    unlisted = [ImageSummary(image.id, image.tags, image.digests, "", 0, 0) for image in meant.values()]
    images = (*images, *(row for row in unlisted if row.id not in rows))
    containerd = engine.containerd_store
    loose = _loose(engine, rows, meant) if containerd else {}
    return Observed(found, images, Containers(engine).all(), containerd, inspected, loose)


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Plan to remove the images that are there; children before their parents, so that both can go."""
    users: dict[str, list[ContainerSummary]] = defaultdict(list)
    for container in observed.containers:
        for image_id in dict.fromkeys((container.image_id, *container.mounted(observed.images))):
            users[image_id].append(container)
    targets = tuple(targets_of(wanted.selections, observed.found, observed.images))
    # At first as if no container was in the way. This shows which images lose their last name: their containers matter.
    forest = _forest(wanted, observed, users, {})
    foresee(forest, targets, ())
    bare = [
        image
        for image in observed.images
        if image.id not in forest or (names_of(image) and not forest.all_names(image.id))
    ]
    unneeded = [
        container
        for image in bare
        if wanted.stopped_too and not any(user.running for user in users[image.id])
        for container in users[image.id]
    ]
    left = {image_id: [user for user in found if user not in unneeded] for image_id, found in users.items()}
    in_use = {image.id: left[image.id] for image in bare if left.get(image.id)}
    refuse_if_used(observed.images, targets, in_use, wanted.force)
    forest = _forest(wanted, observed, left, in_use)
    removals = foresee(forest, targets, in_use)
    before, after = changes({image.id: list(names_of(image)) for image in observed.images}, forest)
    steps = (*map(RemoveContainer, unneeded), *removals)
    states = {f"container {container.name}": container.state for container in unneeded}
    before, after = {**before, **states}, {**after, **dict.fromkeys(states)}
    return Plan(steps, before, after)


def apply(engine: Engine, step: Step) -> None:
    """Remove one container, one name, or one image."""
    if isinstance(step, Remove):
        remove(engine, step)
        return
    from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Containers

    try:
        Containers(engine).remove_stopped(step.container.id)
    except EngineError as error:
        now = Containers(engine).find(step.container.id) if error.status == HTTPStatus.CONFLICT else None
        if now is None or not now.running:
            raise
        raise GantryError(
            f"No image was removed, as the container {now.name} was started meanwhile. Stop it, or leave its image out."
        ) from error


def report(engine: Engine, wanted: Wanted, observed: Observed, planned: Plan, taken: Sequence[Taken]) -> Report:
    """Return the named images, as they were before, and everything that was removed, by kind."""
    meant = [*observed.found.values(), *observed.matched.values()]
    images = list({image.id: dict(image.inspected) for image in meant}.values())
    single = len(wanted.selections) == 1 and not isinstance(wanted.selections[0], Pattern)
    removals = [step for step, _nothing in taken if isinstance(step, Remove)]
    containers = [step.container for step, _nothing in taken if isinstance(step, RemoveContainer)]
    # An image that the engine kept stays in the diff.
    kept: dict[str, list[str]] = {step.kept: [] for step in removals if step.kept}
    diff = planned.diff(taken)
    return Report(
        {
            "images": images,
            **({"image": images[0] if images else {}} if single else {}),
            "deleted": sorted(image_id for step in removals for image_id in step.deletion.deleted),
            "untagged": sorted(name for step in removals for name in step.deletion.untagged),
            "containers": [
                {"Id": container.id, "Name": container.name, "Image": container.image, "State": container.state}
                for container in containers
            ],
        },
        diff={**diff, "after": {**diff["after"], **kept}},
    )


def _loose(
    engine: Engine, rows: Mapping[str, ImageSummary], meant: Mapping[str, Image]
) -> Mapping[str, tuple[ListedName, ...]]:
    """Return, by Id, the tags that the engine can't find, as another tool stored them in a form of its own.

    An inspected image has a digest for each repository of which the engine knows a name.
    """
    suspects = {}
    for image_id, image in meant.items():
        known = {digest.repository for digest in image.digests}
        tags = rows[image_id].tags if image_id in rows else ()
        suspects[image_id] = [tag for tag in tags if tag.repository not in known]
    found = engine.find_all(tag for tags in suspects.values() for tag in tags if is_reference(tag))
    loose = {
        image_id: tuple(tag for tag in tags if tag not in found or found[tag].id != image_id)
        for image_id, tags in suspects.items()
    }
    return {image_id: tags for image_id, tags in loose.items() if tags}


def _forest(wanted: Wanted, observed: Observed, users: Users, in_use: Users) -> Forest:
    """Return the forest of all images.

    users: by image Id, the containers that stay. in_use: the same for only those images that must be removed by force.
    """
    # By force, a classic store removes an image unless a container of it runs; one that is only mounted goes too. A
    # containerd store never removes a used image by its name.
    held = {
        image
        for image, found in in_use.items()
        if observed.containerd or any(user.running and user.image_id == image for user in found)
    }
    nodes = (
        Node(image.id, image.tags, image.digests, image.parent, image.pinned, tuple(observed.loose.get(image.id, ())))
        for image in observed.images
    )
    return Forest(nodes, {image for image, found in users.items() if found}, held, keep_parents=not wanted.parents)
