# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Make an image from a container, and only if it differs from the one that has the name already."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from typing import Any, Callable, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.layer_content import content_digests, newest_layers
from ansible_collections.gantry.docker.plugins.module_utils._container.containers import (
    ChangedPaths,
    Commit,
    Container,
    Containers,
)
from ansible_collections.gantry.docker.plugins.module_utils._container.words import parse_name, plain_text
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput, Unreadable
from ansible_collections.gantry.docker.plugins.module_utils._image.identity import effective_config
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import Reference, parse_tag
from ansible_collections.gantry.docker.plugins.module_utils._image.times import parse_time
from ansible_collections.gantry.docker.plugins.module_utils._image.trial import REPOSITORY, is_left, trial_name
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan, Report, Taken
from ansible_collections.gantry.docker.plugins.module_utils._transfer.engine_archives import Transfers

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
# An instruction that every engine reads, and refuses to carry out.
_REFUSED = "EXPOSE no-port"
_MOST_PATHS = 100
_ENDED = ("created", "exited")
_HARMLESS = ("archive-path", "commit", "export", "rename")
_KINDS = ("added", "changed", "deleted")
# How long a task that a signal has ended waits for the commit that the engine is at, to remove what comes of it.
_PATIENCE = 10


class Wanted(NamedTuple):
    """The container by its name or Id, the names that the image gets, and how to commit."""

    container: str
    targets: tuple[Reference, ...]
    how: Commit


class Observed(NamedTuple):
    """What a commit makes now, and what is there already.

    trial: the image that the container makes now, without a name; or the one that it is proved to make again.
    targets: what the names name. alike: the Ids of those whose layers have the trial's content under another DiffID.
    layer_size: the bytes in the layer that the commit adds. paths: those that the layer has, where one of the
    images is another one than the trial; else None. rubbish: the names of this trial, and of those that were left by
    commits that were killed.
    """

    trial: Image
    targets: Mapping[Reference, Image | None]
    alike: frozenset[str]
    layer_size: int
    paths: ChangedPaths | None
    rubbish: tuple[str, ...] = ()


class Tidy(NamedTuple):
    """Take the names of trials away, and with them those images that have no other one."""

    names: tuple[str, ...]


class Name(NamedTuple):
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
        how=Commit(
            author=params["author"] or "",
            comment=params["comment"] or "",
            changes=tuple(params["changes"]),
            labels={name: _label(name, value) for name, value in params["labels"].items()},
            pause=params["pause"],
        ),
    )


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Look up the names, and commit the container on trial, unless it is proved what that gives.

    The trial has a name of its own as long as it is one (_image/trial.py).
    """
    container = _check_container(wanted.container, Containers(engine).find(wanted.container))
    trial = _Trial(trial_name(container.id))
    cleanup.push(trial.leaver(engine))

    def attempt(on: Engine) -> tuple[Image, int]:
        with trial.going_on():
            _commit(on, wanted, container, trial.reference)
            return on.both(lambda one: _tried(one, wanted, trial.name), lambda other: _newest_size(other, trial.name))

    proved = None
    if _provable(wanted, container):
        here = _named(engine, wanted)
        proved = _proved(engine, wanted, container, here[wanted.targets[0]])
    if proved:
        made, size, left = proved, _newest_size(engine, proved.id), _left(engine)
    elif _provable(wanted, container):
        (made, size), left = engine.both(attempt, _left)
    else:
        (made, size), (here, left) = engine.both(attempt, lambda on: (_named(on, wanted), _left(on)))
    others = [image for image in here.values() if image is None or not _same(image, made)]
    paths = Containers(engine).changed_paths(container) if others else None
    alike = _alike(engine, made, others) if paths and paths.deleted else frozenset()
    return Observed(made, here, alike, size, paths, left if proved else (trial.name, *left))


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Name the trial, unless an image with one of the names is the same already."""
    same = _right(observed)
    committed = next(iter(same.values()), observed.trial)
    former = {target: image for target, image in observed.targets.items() if target not in same}
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
    """Give one name, or take those of trials away."""
    if isinstance(step, Name):
        engine.images.tag(step.image_id, step.target)
        return
    for name in step.names:
        _drop(engine, name)


def report(engine: Engine, wanted: Wanted, observed: Observed, planned: Plan, taken: Sequence[Taken]) -> Report:
    """The image of the first name as it is now, the newest layer's size, and how many paths it has."""
    first = wanted.targets[0]
    image = _right(observed).get(first) or engine.images.find(str(first))
    inspected = dict(image.inspected) if image else None
    told: dict[str, Any] = {"images": [inspected] if inspected else [], "layer_size": observed.layer_size}
    if inspected:
        told["image"] = inspected
    if observed.paths:
        told["layer_paths"] = {kind: len(getattr(observed.paths, kind)) for kind in _KINDS}
    return Report(told)


class _Trial:
    """An image that is committed on trial, and its name, which goes in the end, whatever happens."""

    def __init__(self, name: Reference) -> None:
        self.name = str(name)
        self.reference = name
        self._begun, self._over = threading.Event(), threading.Event()

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Tell the others that the trial is being made."""
        self._begun.set()
        try:
            yield
        finally:
            self._over.set()

    def leaver(self, engine: Engine) -> Callable[..., None]:
        """What to do in the end, as the method __exit__ of a context."""

        def leave(kind: type[BaseException] | None, *_of: object) -> None:
            # A signal ends the task, and not the engine's work.
            if self._begun.is_set() and self._over.wait(_PATIENCE):
                with suppress(*([GantryError] if kind else [])):
                    _drop(engine, self.name)

        return leave


def _drop(engine: Engine, name: str) -> None:
    """Take a name away; the image goes with its last one."""
    try:
        engine.images.remove(name, delete_parents=False)
    except EngineError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise


def _left(engine: Engine) -> tuple[str, ...]:
    """The names of trials that were left by commits that were killed."""
    names = {name: image for image in engine.images.visible({"reference": [REPOSITORY]}) for name in image.tags}
    if not names:
        return ()
    now = parse_time(engine.now)
    return tuple(name for name, image in sorted(names.items()) if now and is_left(name, now[0] - image.created))


def _right(observed: Observed) -> dict[Reference, Image]:
    """What those names name that are right already."""
    return {
        target: image
        for target, image in observed.targets.items()
        if image and (image.id in observed.alike or _same(image, observed.trial))
    }


def _named(engine: Engine, wanted: Wanted) -> dict[Reference, Image | None]:
    """What the names name now."""
    here = engine.find_all(str(target) for target in wanted.targets)
    return {target: here.get(str(target)) for target in wanted.targets}


def _provable(wanted: Wanted, container: Container) -> bool:
    """Whether there may be a proof of what a commit gives: see _proved."""
    return container.read_only and container.status in _ENDED and not wanted.how.changes


def _proved(engine: Engine, wanted: Wanted, container: Container, image: Image | None) -> Image | None:
    """The image that a commit would only give again, if that is proved.

    Nothing proves it for a container whose files can be written: docker diff and sizes miss a file that was edited
    again at the same size, and neither a container's times nor the engine's events tell of a copy into it that failed
    halfway. With a read-only root such a copy fails at once (daemon/archive_unix.go, containerExtractToDir), and
    processes can't write, unless somebody gives them more rights by docker exec --privileged. So it is proved if
    nothing has run in the container since the commit that made the image, as far as the engine remembers without a
    gap. What instructions make of the config, only the engine can tell.
    """
    if image is None:
        return None
    config = effective_config(container.config)
    labels = {**(config.get("Labels") or {}), **wanted.how.labels}
    if effective_config({**config, "Labels": labels}) != effective_config(image.config):
        return None
    happened = Containers(engine).events(container)
    made = [number for number, event in enumerate(happened) if event.image_id == image.id and event.action == "commit"]
    return image if made and all(event.action in _HARMLESS for event in happened[made[-1] :]) else None


def _tried(engine: Engine, wanted: Wanted, name: str) -> Image:
    trial = engine.images.find(name)
    if trial is None:
        raise GantryError(f"The commit of {wanted.container} was removed by somebody else at once. Try again.")
    return trial


def _commit(engine: Engine, wanted: Wanted, container: Container, name: Reference) -> None:
    try:
        Containers(engine).commit(container, wanted.how, name)
    except EngineError as error:
        if error.status == HTTPStatus.BAD_REQUEST:
            _blame_instruction(engine, wanted, container, name)
        if error.status and engine.images.find(container.image_id) is None:
            raise GantryError(
                f"The container {wanted.container} can't be committed: its image {container.image_id} was removed. "
                "Bring that image back (image_pull, image_load), or run a new container."
            ) from error
        raise


def _blame_instruction(engine: Engine, wanted: Wanted, container: Container, name: Reference) -> None:
    """Raise InvalidInput that names the instruction which the engine refuses, if it is one of them.

    The engine doesn't say which it is, so it is asked for each, together with one that it refuses after
    all others: it answers without committing.
    """
    for number, change in enumerate(wanted.how.changes, 1):
        alone = wanted.how._replace(changes=(change, _REFUSED), labels={}, pause=False)
        try:
            Containers(engine).commit(container, alone, name)
        except EngineError as error:
            if _REFUSED.split()[1] not in error.message:
                raise InvalidInput(
                    f"changes has {_quoted(change)} in place {number}, which the engine refuses. {error.message}"
                ) from error


def _alike(engine: Engine, trial: Image, others: Sequence[Image | None]) -> frozenset[str]:
    """The Ids of those images that differ from the trial only in when the deletions in their newest layer were noted.

    Only containerd's store has such images, and only if there are deletions (_archive/layer_content.py).
    """
    candidates = {image.id: image for image in others if image and _same_but_newest_layer(image, trial)}
    if not candidates or not engine.containerd_store:
        return frozenset()
    return frozenset(image_id for image_id in candidates if _same_content(engine, image_id, trial.id))


def _same_but_newest_layer(image: Image, other: Image) -> bool:
    return (
        len(image.diff_ids) == len(other.diff_ids)
        and image.diff_ids[:-1] == other.diff_ids[:-1]
        and image.platform == other.platform
        and effective_config(image.config) == effective_config(other.config)
    )


def _same_content(engine: Engine, image_id: str, other_id: str) -> bool:
    """Whether the newest layers of two images contain the same. What can't be read is not proved the same."""
    try:
        layers = newest_layers(Transfers(engine).save((image_id, other_id)))
        digests = content_digests(Transfers(engine).save((image_id, other_id)), layers)
    except Unreadable:
        return False
    return len(digests) == len(layers) and len(set(digests.values())) == 1


def _newest_size(engine: Engine, name: str) -> int:
    """The size of the newest step in the image's history; 0 if that made no layer."""
    history = engine.images.history(name)
    return int(history[0].get("Size") or 0) if history else 0


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


def _shown(paths: ChangedPaths | None) -> dict[str, Any]:
    """The paths in a diff, and no more than a reader can bear."""
    if paths is None:
        return {}
    told = sorted((path, kind) for kind in _KINDS for path in getattr(paths, kind))
    rows = [f"{path} ({kind})" for path, kind in told[:_MOST_PATHS]]
    more = len(told) - len(rows)
    return {"paths": [*rows, f"and {more} more"] if more else rows}


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
            f"changes has {_quoted(change)} in place {number}, and a commit takes only these instructions: "
            f"{', '.join(_INSTRUCTIONS)}."
        )


def _quoted(change: str) -> str:
    return f"'{' '.join(change.split())}'"


def _label(name: str, value: Any) -> str:
    """Return a label's value as text; raise InvalidInput."""
    if not name:
        raise InvalidInput("labels has an empty name. Give every label a name.")
    return plain_text(value, f"The label {name}")
