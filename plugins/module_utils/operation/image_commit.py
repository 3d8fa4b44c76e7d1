# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make an image from a container, and only if it differs from the one that has the name already."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils.engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils.engine.containers import Container, parse_name
from ansible_collections.gantry.docker.plugins.module_utils.engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils.engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils.image.errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils.image.identity import effective_config
from ansible_collections.gantry.docker.plugins.module_utils.image.reference import Reference, parse_tag
from ansible_collections.gantry.docker.plugins.module_utils.operation.plan import Plan

# builder/dockerfile/dispatchers.go and builder.go, validCommitCommands
_INSTRUCTIONS = (
    "CMD",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "HEALTHCHECK",
    "LABEL",
    "ONBUILD",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
)


@dataclass(frozen=True)
class Wanted:
    """changes: instructions of a Dockerfile. pause: whether the container stands still meanwhile."""

    container: str
    targets: tuple[Reference, ...]
    author: str
    message: str
    changes: tuple[str, ...]
    pause: bool


@dataclass(frozen=True)
class Observed:
    """trial: the image that the container makes now, without a name. targets: what the names name."""

    trial: Image
    targets: Mapping[Reference, Image | None]


@dataclass(frozen=True)
class Name:
    """Give the committed image a name."""

    container: str
    image_id: str
    target: Reference
    former: str | None

    @property
    def sentence(self) -> str:
        """What the step does."""
        moved = f", which named {self.former}" if self.former else ""
        return f"Committed container {self.container} as {self.target}{moved}"


def parse(params: Mapping[str, Any]) -> Wanted:
    """What is wanted, from the module's parameters; raises InvalidInput."""
    for number, change in enumerate(params["changes"], 1):
        _check_instruction(number, change)
    if not params["names"]:
        raise InvalidInput("names is empty: give the image at least one name, as in repository:tag.")
    return Wanted(
        container=parse_name(params["container"]),
        targets=tuple(dict.fromkeys(parse_tag(name) for name in params["names"])),
        author=params["author"] or "",
        message=params["message"] or "",
        changes=tuple(params["changes"]),
        pause=params["pause"],
    )


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Look up the names, and commit the container on trial.

    Nothing short of a commit tells what a commit would give: docker diff and sizes both miss a file
    that was edited again at the same size. The trial has no name; it is removed in the end unless it got one.
    """
    container = _check_container(wanted.container, engine.containers.find(wanted.container))
    targets = {target: engine.images.find(str(target)) for target in wanted.targets}
    trial_id = _commit(engine, wanted, container)
    cleanup.callback(engine.images.discard, trial_id)
    trial = engine.images.find(trial_id)
    if trial is None:
        raise GantryError(f"The commit of {wanted.container} was removed by somebody else at once. Try again.")
    return Observed(trial, targets)


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Name the trial, unless an image with one of the names is the same already."""
    same = {target: image for target, image in observed.targets.items() if image and _same(image, observed.trial)}
    committed = next(iter(same.values()), observed.trial)
    former = {target: image for target, image in observed.targets.items() if target not in same}
    return Plan(
        steps=tuple(
            Name(wanted.container, committed.id, target, image.id if image else None)
            for target, image in former.items()
        ),
        before={str(target): _described(image) if image else None for target, image in former.items()},
        after={str(target): _described(committed) for target in former},
    )


def apply(engine: Engine, step: Name) -> Mapping[str, Any]:
    """Give one name."""
    engine.images.tag(step.image_id, step.target)
    return {}


def report(engine: Engine, wanted: Wanted, observed: Observed) -> Mapping[str, Any]:
    """The image of the first name as it is now, and its newest layer's size."""
    image = engine.images.find(str(wanted.targets[0]))
    if image is None:
        return {"images": []}
    history = engine.images.history(image.id)
    size = int(history[0].get("Size") or 0) if history else 0
    return {"image": dict(image.inspected), "images": [dict(image.inspected)], "layer_size": size}


def _commit(engine: Engine, wanted: Wanted, container: Container) -> str:
    try:
        return engine.images.commit(wanted.container, wanted.author, wanted.message, wanted.changes, wanted.pause)
    except EngineError as error:
        if error.status and engine.images.find(container.image_id) is None:
            raise GantryError(
                f"The container {wanted.container} can't be committed: its image {container.image_id} was removed. "
                "Bring that image back (image_pull, image_load), or run a new container."
            ) from error
        raise


def _same(image: Image, other: Image) -> bool:
    """Whether two images have the same content; when and by whom they were made is no content."""
    return (
        image.platform == other.platform
        and image.diff_ids == other.diff_ids
        and effective_config(image.config) == effective_config(other.config)
    )


def _described(image: Image) -> dict[str, Any]:
    """An image in a diff. Its Id and time of creation are new with every commit, and left out."""
    return {"layers": list(image.diff_ids), "config": effective_config(image.config)}


def _check_container(name: str, container: Container | None) -> Container:
    if container is None:
        raise GantryError(f"There is no container {name} on this engine to commit. Start one with container_run.")
    if container.status in ("dead", "removing"):
        raise GantryError(
            f"The container {name} is {container.status} and can't be committed. Remove it and run a new one."
        )
    return container


def _check_instruction(number: int, change: str) -> None:
    # A line that ends with a backslash goes on in the next one.
    words = [line.split(None, 1)[0].upper() for line in re.split(r"(?<!\\)\n", change.strip()) if line.strip()]
    if not words or not set(words) <= set(_INSTRUCTIONS):
        raise InvalidInput(
            f"changes has '{' '.join(change.split())}' in place {number}, and a commit takes only these instructions: "
            f"{', '.join(_INSTRUCTIONS)}."
        )
