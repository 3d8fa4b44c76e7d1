# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Removals of names and images: the calls that they need, foreseen without an engine, and how each call is made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image, ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._image.patterns import Pattern, Selection
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ImageName, ListedName, Reference
from ansible_collections.gantry.docker.plugins.module_utils._plan import Otherwise, Skipped
from ansible_collections.gantry.docker.plugins.module_utils._retention.forest import Deletion, Forest, own_names

if TYPE_CHECKING:
    from ansible_collections.gantry.docker.plugins.module_utils._container.containers import ContainerSummary

Users = Mapping[str, Sequence["ContainerSummary"]]


class Target(NamedTuple):
    """One name of an image to remove; None for the image with all of its names. said: the user's text for it."""

    image_id: str
    name: str | None
    said: str


class Remove(NamedTuple):
    """Remove one name, or an image by its Id. kept: the Id of the image if the engine kept it without a name."""

    deletion: Deletion
    force: bool = False
    kept: str = ""

    @property
    def sentence(self) -> str:
        """The step as a sentence."""
        names = f" {', '.join(self.deletion.untagged)}" if self.deletion.untagged else ""
        if not self.deletion.deleted:
            return f"Untagged{names}"
        return f"Removed image{names} ({', '.join(self.deletion.deleted)})"


def names_of(image: ImageSummary) -> tuple[ListedName, ...]:
    """Return the names of an image: see own_names()."""
    return own_names(image.tags, image.digests)


def matching(images: Sequence[ImageSummary], pattern: Pattern) -> list[tuple[str, str]]:
    """Return the names that match a pattern, each with its image's Id. They are sorted: engines list without order."""
    return sorted((name, image.id) for image in images for name in names_of(image) if pattern.matches(name))


def targets_of(
    selections: Iterable[Selection], found: Mapping[ImageName, Image], images: Sequence[ImageSummary]
) -> Iterator[Target]:
    """Yield the names and images to remove; raise GantryError for a digest that a tag would bring back.

    found: the image of each name or Id that refers to one. images: all that there are.
    """
    for selection in selections:
        if isinstance(selection, Pattern):
            yield from (Target(image_id, name, name) for name, image_id in matching(images, selection))
        elif selection in found:
            image = found[selection]
            yield Target(image.id, _name_in(selection, image), str(selection))


def foresee(forest: Forest, targets: Iterable[Target], forced: Collection[str]) -> list[Remove]:
    """Return the steps that remove all targets, children before their parents; raise GantryError if there is no way.

    forest: all images; afterwards the images that stay. forced: the Ids of images that only force removes.
    """
    steps: list[Remove] = []
    # A target that hangs on other names comes after these.
    ordered = sorted(targets, key=lambda one: (-forest.depth(one.image_id), bool(_hangs_on(forest, one))))
    for target in ordered:
        force = target.image_id in forced
        # The first call is for the target itself, the others for what goes with it.
        for number, deletion in enumerate(_deletions(forest, target, force)):
            steps.append(Remove(deletion, force=force and number == 0))
    return steps


def refuse_if_used(images: Sequence[ImageSummary], targets: Iterable[Target], in_use: Users, force: bool) -> None:
    """Raise GantryError if containers use images that would go, and force isn't wanted or can't help.

    in_use: the containers of the images that would go, by image Id. The engine would refuse in the middle, after other
    images are gone.
    """
    by_id = {target.image_id for target in targets if target.name is None}
    names = {image.id: ", ".join(names_of(image)) or image.id for image in images}
    problems = [
        f"{names[image_id]} is used by {', '.join(map(str, users))}"
        for image_id, users in in_use.items()
        if not force or (image_id in by_id and any(user.running for user in users if user.image_id == image_id))
    ]
    if problems and force:
        raise GantryError(
            "Nothing was removed, as no engine can be forced to remove an image by its Id while its container runs: "
            f"{'; '.join(problems)}. Stop these containers, or give the image's names: only these can be removed."
        )
    if problems:
        raise GantryError(
            f"Nothing was removed, as containers use images that would go: {'; '.join(problems)}. "
            "Remove these containers first (container_run with state: absent; or here, those that don't run, with "
            "containers: remove_stopped)."
        )


def remove(engine: Engine, step: Remove) -> None:
    """Make the call of a step; raise Skipped if all was gone already, Otherwise if the engine kept the image."""
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


def _name_in(selection: ImageName, image: Image) -> str | None:
    """Return the image's name that a selection refers to; None if it refers to the image's Id."""
    if isinstance(selection, Reference) and selection.digest:
        _refuse_if_tagged(selection, image)
        return selection.pinned
    return selection.tagged if isinstance(selection, Reference) and selection.tagged in image.tags else None


def _deletions(forest: Forest, target: Target, forced: bool) -> list[Deletion]:
    """Return the calls that remove one target, after the calls for the targets before it."""
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
    """Return the names that must be removed before a target can be."""
    return forest.hangs_on(target.image_id, target.name) if target.name else ()


def _refuse_if_loose(forest: Forest, target: Target) -> None:
    """Raise GantryError for a name that the engine can't find: it goes with all names of the image, or not at all."""
    others = _hangs_on(forest, target)
    if others:
        raise GantryError(
            f"{target.name} can't be removed alone: the engine lists it, but can't find it, as another tool stored it "
            f"in a form of its own. It is removed together with the image's last name: give "
            f"{', '.join(others)} too, or the image's Id ({target.image_id})."
        )


def _refuse_if_tagged(name: Reference, image: Image) -> None:
    """Raise GantryError for a digest that a tag of its repository would bring back."""
    tags = [tag for tag in image.tags if tag.repository == name.name]
    if tags:
        raise GantryError(
            f"{name.pinned} is tagged as {', '.join(tags)}, and is removed with the last of these tags. "
            f"Give them instead, or the image's Id ({image.id})."
        )


def _refuse_if_parent(forest: Forest, target: Target) -> None:
    """Raise GantryError for an image by its Id if others were made from it. By a name, it would only lose that."""
    children = [", ".join(forest.names(child)) or child for child in forest.children(target.image_id)]
    if children:
        raise GantryError(
            f"The image {target.said} can't be removed, as others were made from it: {'; '.join(children)}. "
            "Remove these too, in the same task if you like."
        )
