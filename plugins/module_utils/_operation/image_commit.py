# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Make an image from a container, and only if it differs from the one that has the name already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._container.commit import check_changes
from ansible_collections.gantry.docker.plugins.module_utils._container.containers import (
    ChangedPaths,
    Commit,
    Container,
    Containers,
)
from ansible_collections.gantry.docker.plugins.module_utils._container.proof import alike, is_provable, repeats, same
from ansible_collections.gantry.docker.plugins.module_utils._container.trial import Trial, drop, left, newest_size
from ansible_collections.gantry.docker.plugins.module_utils._container.words import parse_name, plain_text
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.identity import effective_config
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import Reference, parse_tag
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan, Report, Taken

_MOST_PATHS = 100
_KINDS = ("added", "changed", "deleted")


class Wanted(NamedTuple):
    """The container's name or Id, the names that the image gets, and the options of the commit."""

    container: str
    targets: tuple[Reference, ...]
    how: Commit


class Observed(NamedTuple):
    """The image that a commit makes now, and the images that are there already.

    trial: the image that the container makes now, without a name; or the image that it is proved to make again.
    targets: the image of each name. alike: the Ids of the images whose layers have the trial's content under another
    DiffID. layer_size: the bytes of the layer that the commit adds. paths: the layer's paths, if one of the images
    differs from the trial; else None. rubbish: the name of this trial, and the names of trials that killed commits have
    left.
    """

    trial: Image
    targets: Mapping[Reference, Image | None]
    alike: frozenset[str]
    layer_size: int
    paths: ChangedPaths | None
    rubbish: tuple[str, ...] = ()


class Tidy(NamedTuple):
    """Remove the names of trials, and with them the images that have no other name."""

    names: tuple[str, ...]


class Name(NamedTuple):
    """Give the committed image a name."""

    container: str
    image_id: str
    target: Reference
    former: str | None

    @property
    def sentence(self) -> str:
        """The step as a sentence."""
        moved = f", which named {self.former}" if self.former else ""
        return f"Committed container {self.container} as {self.target}{moved}"


def parse(params: Mapping[str, Any]) -> Wanted:
    """Return the wanted values, parsed from the module's parameters; raise InvalidInput."""
    check_changes(params["changes"])
    if not params["names"]:
        raise InvalidInput("names is empty: give the image at least one name, as in repository:tag.")
    return Wanted(
        container=parse_name(params["container"]),
        targets=tuple(dict.fromkeys(parse_tag(name) for name in params["names"])),
        how=Commit(
            author=params["author"] or "",
            comment=params["comment"] or "",
            changes=tuple(params["changes"]),
            labels={name: _label(name, value) for name, value in params["labels"].items()},
            pause=params["pause"],
        ),
    )


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Return the images of the names, and a trial: commit the container unless the result is proved without it.

    Until it is named or removed, a trial has a name of its own (_image/trial.py).
    """
    container = _check_container(wanted.container, Containers(engine).find(wanted.container))
    trial = cleanup.enter_context(Trial(engine, container, wanted.how, wanted.container))
    proved = None
    provable = is_provable(container, wanted.how)
    if provable:
        here = _named(engine, wanted)
        first = here[wanted.targets[0]]
        proved = first if first and repeats(engine, container, wanted.how, first) else None
    if proved:
        made, size, rubbish = proved, newest_size(engine, proved.id), left(engine)
    elif provable:
        (made, size), rubbish = engine.both(trial.make, left)
    else:
        (made, size), (here, rubbish) = engine.both(trial.make, lambda on: (_named(on, wanted), left(on)))
    others = [image for image in here.values() if image is None or not same(image, made)]
    paths = Containers(engine).changed_paths(container) if others else None
    again = alike(engine, made, others) if paths and paths.deleted else frozenset()
    return Observed(made, here, again, size, paths, rubbish if proved else (trial.name, *rubbish))


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Plan to name the trial; if an image with one of the names is the same already, name that one."""
    right = _right(observed)
    committed = next(iter(right.values()), observed.trial)
    former = {target: image for target, image in observed.targets.items() if target not in right}
    return Plan(
        steps=tuple(
            Name(wanted.container, committed.id, target, image.id if image else None)
            for target, image in former.items()
        ),
        before={str(target): _described(image) if image else None for target, image in former.items()},
        after={str(target): {**_described(committed), **_shown(observed.paths)} for target in former},
        repeats=(Tidy(observed.rubbish),) if observed.rubbish else (),
    )


def apply(engine: Engine, step: Name | Tidy) -> None:
    """Give one name, or remove the names of trials."""
    if isinstance(step, Name):
        engine.images.tag(step.image_id, step.target)
        return
    for name in step.names:
        drop(engine, name)


def report(engine: Engine, wanted: Wanted, observed: Observed, planned: Plan, taken: Sequence[Taken]) -> Report:
    """Return the image of the first name as it is now, and the size and the numbers of paths of the newest layer."""
    first = wanted.targets[0]
    image = _right(observed).get(first) or engine.images.find(str(first))
    inspected = dict(image.inspected) if image else None
    told: dict[str, Any] = {"images": [inspected] if inspected else [], "layer_size": observed.layer_size}
    if inspected:
        told["image"] = inspected
    if observed.paths:
        told["layer_paths"] = {kind: len(getattr(observed.paths, kind)) for kind in _KINDS}
    return Report(told)


def _right(observed: Observed) -> dict[Reference, Image]:
    """Return the images of the names that are right already."""
    return {
        target: image
        for target, image in observed.targets.items()
        if image and (image.id in observed.alike or same(image, observed.trial))
    }


def _named(engine: Engine, wanted: Wanted) -> dict[Reference, Image | None]:
    """Return the images that the names refer to now."""
    here = engine.find_all(str(target) for target in wanted.targets)
    return {target: here.get(str(target)) for target in wanted.targets}


def _described(image: Image) -> dict[str, Any]:
    """Return an image as a diff shows it, without its Id and time of creation, which are new with every commit."""
    return {"layers": list(image.diff_ids), "config": effective_config(image.config)}


def _shown(paths: ChangedPaths | None) -> dict[str, Any]:
    """Return the paths as a diff shows them, and no more than people can read."""
    if paths is None:
        return {}
    told = sorted((path, kind) for kind in _KINDS for path in getattr(paths, kind))
    rows = [f"{path} ({kind})" for path, kind in told[:_MOST_PATHS]]
    more = len(told) - len(rows)
    return {"paths": [*rows, f"and {more} more"] if more else rows}


def _check_container(name: str, container: Container | None) -> Container:
    """Return the container of a name; raise GantryError if there is none that can be committed."""
    if container is None:
        raise GantryError(f"There is no container {name} on this engine to commit. Start one with container_run.")
    if container.status in ("dead", "removing"):
        raise GantryError(
            f"The container {name} is {container.status} and can't be committed. Remove it and run a new one."
        )
    return container


def _label(name: str, value: Any) -> str:
    """Return a label's value as text; raise InvalidInput if it isn't one, or if the label has no name."""
    if not name:
        raise InvalidInput("labels has an empty name. Give every label a name.")
    return plain_text(value, f"The label {name}")
