# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Remove images: take their names away, and delete those that have none left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, Union

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image, ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._image.patterns import (
    Pattern,
    Selection,
    parse_selection,
)
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    ImageName,
    Reference,
    is_reference,
    repository_of,
)
from ansible_collections.gantry.docker.plugins.module_utils._plan import Otherwise, Plan, Report, Skipped, Taken
from ansible_collections.gantry.docker.plugins.module_utils._retention.forest import (
    Deletion,
    Forest,
    Node,
    changes,
    own_names,
)

if TYPE_CHECKING:
    from ansible_collections.gantry.docker.plugins.module_utils._container.containers import ContainerSummary


class Wanted(NamedTuple):
    """What shall not be there.

    force: whether containers may go without their image. parents: whether images without a name go with the last that
    was made from them. stopped_too: whether the containers of the images go too, if none of them runs.
    """

    selections: tuple[Selection, ...]
    force: bool = False
    parents: bool = True
    stopped_too: bool = False


class Observed(NamedTuple):
    """What is there of it.

    found: the image of each name or Id that means one. matched: by Id, those with a name that a pattern means.
    images, containers: all that there are. containerd: whether the store is containerd's. loose: by Id, the tags of the
    images found that a containerd store lists, but can't find.
    """

    found: Mapping[ImageName, Image]
    images: tuple[ImageSummary, ...] = ()
    containers: tuple[ContainerSummary, ...] = ()
    containerd: bool = False
    matched: Mapping[str, Image] = {}
    loose: Mapping[str, Sequence[str]] = {}


class RemoveContainer(NamedTuple):
    """Remove a container that doesn't run."""

    container: ContainerSummary

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"Removed container {self.container}"


class Remove(NamedTuple):
    """Remove one name, or an image by its Id. kept: the Id of the image where the engine kept it without a name."""

    deletion: Deletion
    force: bool = False
    kept: str = ""

    @property
    def sentence(self) -> str:
        """What the step does."""
        names = f" {', '.join(self.deletion.untagged)}" if self.deletion.untagged else ""
        if not self.deletion.deleted:
            return f"Untagged{names}"
        return f"Removed image{names} ({', '.join(self.deletion.deleted)})"


Step = Union[RemoveContainer, Remove]
Users = Mapping[str, Sequence["ContainerSummary"]]


class Target(NamedTuple):
    """One name of an image that is to go, or the image with all of its names. said: what the user wrote."""

    image_id: str
    name: str | None
    said: str


def parse(params: Mapping[str, Any]) -> Wanted:
    """What is wanted, from the module's parameters; raises InvalidInput."""
    selections = (parse_selection(name, "names", params["tag"]) for name in params["names"])
    return Wanted(
        selections=tuple(dict.fromkeys(selections)),
        force=params["force"],
        parents=params["prune"],
        stopped_too=params["containers"] == "remove_stopped",
    )


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Look up the names, and all images and containers, as what goes depends on them."""
    found = engine.meant_all(name for name in wanted.selections if not isinstance(name, Pattern))
    patterns = [pattern for pattern in wanted.selections if isinstance(pattern, Pattern)]
    if not found and not patterns:
        return Observed(found)
    # Most tasks find nothing to remove, and need not wait for this.
    from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Containers

    images = engine.images.all()
    rows = {image.id: image for image in images}
    matched = (rows[image_id] for pattern in patterns for _name, image_id in _matching(images, pattern))
    inspected = engine.find_listed(matched)
    meant = {image.id: image for image in (*found.values(), *inspected.values())}
    # 26 leaves an image out of its list whose content isn't whole.
    unlisted = [ImageSummary(image.id, image.tags, image.digests, "", 0, 0) for image in meant.values()]
    images = (*images, *(row for row in unlisted if row.id not in rows))
    containerd = engine.containerd_store
    loose = _loose(engine, rows, meant) if containerd else {}
    return Observed(found, images, Containers(engine).all(), containerd, inspected, loose)


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Remove what is there; children before their parents, so that both can go."""
    users: dict[str, list[ContainerSummary]] = defaultdict(list)
    for container in observed.containers:
        for image_id in dict.fromkeys((container.image_id, *container.mounted(observed.images))):
            users[image_id].append(container)
    # As if no container was in the way: which images are left without a name, so that it matters who uses them?
    forest, _steps = _foresee(wanted, observed, users, {})
    bare = [image for image in observed.images if _is_bare(image, forest)]
    unneeded = [
        container
        for image in bare
        if wanted.stopped_too and not any(user.running for user in users[image.id])
        for container in users[image.id]
    ]
    left = {image_id: [user for user in found if user not in unneeded] for image_id, found in users.items()}
    in_use = {image.id: left[image.id] for image in bare if left.get(image.id)}
    _refuse_if_used(wanted, observed, in_use)
    forest, removals = _foresee(wanted, observed, left, in_use)
    before, after = changes({image.id: list(_names(image)) for image in observed.images}, forest)
    steps = (*map(RemoveContainer, unneeded), *removals)
    states = {f"container {container.name}": container.state for container in unneeded}
    before, after = {**before, **states}, {**after, **dict.fromkeys(states)}
    return Plan(steps, before, after)


def apply(engine: Engine, step: Step) -> None:
    """Remove one container, one name, or one image."""
    if isinstance(step, Remove):
        _remove(engine, step)
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
    """Return the images that were named, as they were before, and what was removed, by kinds."""
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


def _remove(engine: Engine, step: Remove) -> None:
    """Make the call of a step. Raises Skipped if all was gone already, Otherwise if the engine kept the image."""
    foreseen = step.deletion
    if not foreseen.deleted:
        removal = engine.images.remove(foreseen.name, delete_parents=False, force=step.force)
        if not any(removal):
            raise Skipped(f"{foreseen.name} is gone already")
        return
    (image_id,) = foreseen.deleted
    removal = engine.images.remove_last(foreseen.name, image_id, foreseen.untagged, force=step.force)
    if image_id in removal.deleted:
        return
    if engine.images.find(image_id) is None:
        raise Skipped(f"{foreseen.name} is gone already")
    names = ", ".join(foreseen.untagged)
    raise Otherwise(
        step._replace(deletion=foreseen._replace(deleted=()), kept=image_id),
        f"The image {image_id} has lost its last name ({names}) and stays, as the engine keeps it: it is used by now",
    )


def _loose(
    engine: Engine, rows: Mapping[str, ImageSummary], meant: Mapping[str, Image]
) -> Mapping[str, tuple[str, ...]]:
    """By Id, the tags of images that the engine can't find: those that another tool stored in a form of its own.

    An inspected image has a digest for each repository of which the engine knows a name.
    """
    suspects = {}
    for image_id, image in meant.items():
        known = {repository_of(digest) for digest in image.digests}
        tags = rows[image_id].tags if image_id in rows else ()
        suspects[image_id] = [tag for tag in tags if repository_of(tag) not in known]
    found = engine.find_all(tag for tags in suspects.values() for tag in tags if is_reference(tag))
    loose = {
        image_id: tuple(tag for tag in tags if tag not in found or found[tag].id != image_id)
        for image_id, tags in suspects.items()
    }
    return {image_id: tags for image_id, tags in loose.items() if tags}


def _names(image: ImageSummary) -> tuple[str, ...]:
    return own_names(image.tags, image.digests)


def _matching(images: Sequence[ImageSummary], pattern: Pattern) -> list[tuple[str, str]]:
    """The names that a pattern means, each with its image's Id; in order, as engines list images in none."""
    return sorted((name, image.id) for image in images for name in _names(image) if pattern.matches(name))


def _is_bare(image: ImageSummary, forest: Forest) -> bool:
    """Whether an image is gone, or has lost its last name."""
    return image.id not in forest or bool(_names(image) and not forest.all_names(image.id))


def _targets(wanted: Wanted, observed: Observed) -> Iterator[Target]:
    """What is to go of which image."""
    for selection in wanted.selections:
        if isinstance(selection, Pattern):
            yield from (Target(image_id, name, name) for name, image_id in _matching(observed.images, selection))
        elif selection in observed.found:
            image = observed.found[selection]
            yield Target(image.id, _name_in(selection, image), str(selection))


def _name_in(selection: ImageName, image: Image) -> str | None:
    """The name of an image that was meant; None if it was meant by its Id."""
    if isinstance(selection, Reference) and selection.digest:
        _refuse_if_tagged(selection, image)
        return selection.pinned
    return selection.tagged if isinstance(selection, Reference) and selection.tagged in image.tags else None


def _foresee(wanted: Wanted, observed: Observed, users: Users, in_use: Users) -> tuple[Forest, list[Remove]]:
    """The images after all is done, and the steps to there.

    users: the containers that stay, of all images. in_use: of those images alone that must be forced.
    """
    # A classic store lets an image go that no container runs of; containerd's never by a name.
    # One that a classic store's containers only mount goes too.
    held = {
        image
        for image, found in in_use.items()
        if observed.containerd or any(user.running and user.image_id == image for user in found)
    }
    nodes = (
        Node(image.id, image.tags, image.digests, image.parent, image.pinned, tuple(observed.loose.get(image.id, ())))
        for image in observed.images
    )
    forest = Forest(nodes, {image for image, found in users.items() if found}, held, keep_parents=not wanted.parents)
    steps: list[Remove] = []
    targets = _targets(wanted, observed)
    # What hangs on other names comes after these.
    ordered = sorted(targets, key=lambda one: (-forest.depth(one.image_id), bool(_hangs_on(forest, one))))
    for target in ordered:
        forced = target.image_id in in_use
        # The first call is for the target itself, the others for what goes with it.
        for number, deletion in enumerate(_deletions(forest, target, forced)):
            steps.append(Remove(deletion, force=forced and number == 0))
    return forest, steps


def _deletions(forest: Forest, target: Target, forced: bool) -> list[Deletion]:
    """The calls that remove one target, given that those before it are done."""
    if target.image_id not in forest:
        return []
    if target.name is None:
        _refuse_if_parent(forest, target)
        return forest.remove_at_once(target.image_id) if forced else forest.remove_image(target.image_id)
    if target.name not in forest.all_names(target.image_id):
        return []
    _refuse_if_loose(forest, target)
    return forest.remove_name(target.image_id, target.name)


def _hangs_on(forest: Forest, target: Target) -> tuple[str, ...]:
    return forest.hangs_on(target.image_id, target.name) if target.name else ()


def _refuse_if_loose(forest: Forest, target: Target) -> None:
    """A name that the engine can't find goes with all others that the image has, or not at all."""
    others = _hangs_on(forest, target)
    if others:
        raise GantryError(
            f"{target.name} can't be taken from its image alone: the engine lists it, but can't find it, as another "
            f"tool stored it in a form of its own. It goes with the last of the image's names: give "
            f"{', '.join(others)} too, or the image's Id ({target.image_id})."
        )


def _refuse_if_tagged(name: Reference, image: Image) -> None:
    """A digest goes alone only where no tag of its repository would bring it back."""
    tags = [tag for tag in image.tags if repository_of(tag) == name.name]
    if tags:
        raise GantryError(
            f"{name.pinned} is tagged as {', '.join(tags)}, and goes with the last of these. "
            f"Name them instead, or the image's Id ({image.id})."
        )


def _refuse_if_parent(forest: Forest, target: Target) -> None:
    """By its Id an image with others made from it can't be removed (by a name, it only loses that)."""
    children = [", ".join(forest.names(child)) or child for child in forest.children(target.image_id)]
    if children:
        raise GantryError(
            f"The image {target.said} can't be removed, as others were made from it: {'; '.join(children)}. "
            "Remove these too, in the same task if you like."
        )


def _refuse_if_used(wanted: Wanted, observed: Observed, in_use: Users) -> None:
    """Refuse before anything is removed if containers use what would go, and force isn't wanted or can't help.

    The engine would refuse in the middle, after others of the task are gone.
    """
    by_id = {target.image_id for target in _targets(wanted, observed) if target.name is None}
    names = {image.id: ", ".join(_names(image)) or image.id for image in observed.images}
    problems = [
        f"{names[image_id]} is used by {', '.join(map(str, users))}"
        for image_id, users in in_use.items()
        if not wanted.force or (image_id in by_id and any(user.running for user in users if user.image_id == image_id))
    ]
    if problems and wanted.force:
        raise GantryError(
            "Nothing was removed, as an engine can't be forced to remove by its Id an image that a container runs of: "
            f"{'; '.join(problems)}. Stop these containers, or give the image's names: these alone can be taken away."
        )
    if problems:
        raise GantryError(
            f"Nothing was removed, as containers use images that would go: {'; '.join(problems)}. "
            "Remove these containers first (container_run with state: absent; or here, those that don't run, with "
            "containers: remove_stopped)."
        )
