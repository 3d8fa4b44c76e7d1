# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Give an image further names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    ImageName,
    Reference,
    parse_image_name,
    parse_tag,
)
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan, Report, Taken


class Wanted(NamedTuple):
    """keep: whether a target that names another image stays as it is."""

    source: ImageName
    targets: tuple[Reference, ...]
    keep: bool


class Observed(NamedTuple):
    """The source's image, and the image that each target names now.

    readable: whether the engine can read enough of the source's content to tag it.
    """

    source: Image | None
    targets: Mapping[Reference, Image | None]
    readable: bool = True


class Tag(NamedTuple):
    """Let a target name the source's image."""

    image_id: str
    source: str
    target: Reference
    former: str | None

    @property
    def sentence(self) -> str:
        """The step as a sentence."""
        moved = f", which named {self.former}" if self.former else ""
        return f"Tagged image {self.source} as {self.target}{moved}"


def parse(params: Mapping[str, Any]) -> Wanted:
    """Return the wanted values, parsed from the module's parameters; raise InvalidInput."""
    return Wanted(
        source=parse_image_name(params["name"], params["tag"]),
        targets=tuple(dict.fromkeys(parse_tag(target, params["tag"]) for target in params["repository"])),
        keep=params["existing"] == "keep",
    )


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Return the images of the source and of the targets."""
    source = engine.images.meant(wanted.source)
    if source is None:
        return Observed(None, {})
    there = {target for target in wanted.targets if str(target) in source.tags}
    others = engine.find_all(str(target) for target in wanted.targets if target not in there)
    images = {target: source if target in there else others.get(str(target)) for target in wanted.targets}
    # An engine reads an image's config to tag it, as it does for its history.
    lost = not source.whole and not source.is_artifact
    return Observed(source, images, readable=not lost or bool(engine.images.history(source.id)))


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Plan to move the targets that don't name the source's image, except those that are to be kept."""
    if observed.source is None:
        raise GantryError(f"There is no image {wanted.source} on this engine to tag. Pull, load or commit it first.")
    former = {target: image.id if image else None for target, image in observed.targets.items()}
    moving = [
        target
        for target in wanted.targets
        if former[target] != observed.source.id and not (wanted.keep and former[target])
    ]
    if moving and not observed.readable:
        raise GantryError(
            f"The image {wanted.source} can't be tagged: it {observed.source.flaw}. Pull or load it again, then tag it."
        )
    return Plan(
        steps=tuple(Tag(observed.source.id, str(wanted.source), target, former[target]) for target in moving),
        before={str(target): former[target] for target in moving},
        after={str(target): observed.source.id for target in moving},
    )


def apply(engine: Engine, step: Tag) -> None:
    """Move one tag."""
    engine.images.tag(step.image_id, step.target)


def report(engine: Engine, wanted: Wanted, observed: Observed, planned: Plan, taken: Sequence[Taken]) -> Report:
    """Return the source's image as it is now, the given names, and those of them that named another image before."""
    image = observed.source
    if image is not None and planned.changed:
        image = engine.images.find(image.id)
    tags = [step for step, _nothing in taken]
    inspected = [dict(image.inspected)] if image else []
    return Report(
        {
            **({"image": inspected[0]} if inspected else {}),
            "images": inspected,
            "tagged_images": [str(tag.target) for tag in tags],
            "moved": [
                {"name": str(tag.target), "former": tag.former, "image": tag.image_id} for tag in tags if tag.former
            ],
        }
    )
