# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have a container of a given name running, or have none."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils.engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils.engine.containers import (
    Container,
    parse_env,
    parse_name,
    parse_words,
)
from ansible_collections.gantry.docker.plugins.module_utils.engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils.engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils.image.errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils.image.reference import ImageName, parse_image_name
from ansible_collections.gantry.docker.plugins.module_utils.operation.plan import Plan

# What a container is called while its successor takes its name.
_FORMER = ".gantry-former"


@dataclass(frozen=True)
class Wanted:
    """What was asked for; None for what was not.

    stop_timeout: seconds that a container has to stop by itself before it is killed.
    """

    name: str
    present: bool
    image: ImageName | None
    command: tuple[str, ...] | None
    tty: bool
    interactive: bool
    env: Mapping[str, str]
    stop_timeout: int | None


@dataclass(frozen=True)
class Observed:
    """The container of that name, the image that is asked for, and what a replacement that was cut off has left."""

    container: Container | None
    image: Image | None
    former: Container | None = None


@dataclass(frozen=True)
class Run:
    """Make the container and start it."""

    name: str
    config: Mapping[str, Any]

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"Started container {self.name} from {self.config['Image']}"


@dataclass(frozen=True)
class Start:
    """Start the container, which is as it was asked for but doesn't run."""

    name: str

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"Started container {self.name}, which was there"


@dataclass(frozen=True)
class Replace:
    """Put a new container in the place of one that differs in the options named."""

    run: Run
    differing: tuple[str, ...]
    was_running: bool
    stop_timeout: int | None

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"Replaced container {self.run.name}, as it differed in {', '.join(self.differing)}"


@dataclass(frozen=True)
class Remove:
    """Stop the container if it runs, and remove it."""

    name: str
    running: bool
    stop_timeout: int | None

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"Removed container {self.name}"


def parse(params: Mapping[str, Any]) -> Wanted:
    """What is wanted, from the module's parameters; raises InvalidInput."""
    stop_timeout = params["stop_timeout"]
    if stop_timeout is not None and stop_timeout < 0:
        raise InvalidInput(f"stop_timeout is {stop_timeout}, and must be 0 or more seconds.")
    return Wanted(
        name=parse_name(params["name"]),
        present=params["state"] == "started",
        image=parse_image_name(params["image"]) if params["image"] else None,
        command=None if params["command"] is None else parse_words(params["command"]),
        tty=params["tty"],
        interactive=params["interactive"],
        env=parse_env(params["env"]),
        stop_timeout=stop_timeout,
    )


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Look up the container and the image."""
    return Observed(
        container=engine.containers.find(wanted.name),
        image=engine.images.find(str(wanted.image)) if wanted.image else None,
        former=engine.containers.find(wanted.name + _FORMER) if wanted.present else None,
    )


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Run, start, replace or remove the container, or leave it alone."""
    container = observed.container
    _check_name(wanted, container)
    if not wanted.present:
        return _plan_absent(wanted, container)
    asked = _asked(wanted, observed)
    after = {wanted.name: {**asked, "status": "running"}}
    run = Run(wanted.name, _config(wanted))
    if container is None:
        _require_way(wanted, observed)
        return Plan((run,), {wanted.name: None}, after)
    if container.status == "paused":
        raise GantryError(f"The container {wanted.name} is paused. Unpause it ('docker unpause {wanted.name}') first.")
    is_now = {option: value for option, value in _is_now(wanted, container).items() if option in asked}
    before = {wanted.name: {**is_now, "status": container.status}}
    differing = tuple(option for option, value in asked.items() if is_now[option] != value)
    if differing:
        _require_way(wanted, observed)
        return Plan((Replace(run, differing, container.running, _grace(wanted, container)),), before, after)
    return Plan() if container.running else Plan((Start(wanted.name),), before, after)


def apply(engine: Engine, step: Run | Start | Replace | Remove) -> Mapping[str, Any]:
    """Take one step; if it fails, what was there before is there again."""
    if isinstance(step, Run):
        _run(engine, step)
    elif isinstance(step, Start):
        engine.containers.start(step.name)
    elif isinstance(step, Replace):
        _replace(engine, step)
    else:
        if step.running:
            engine.containers.stop(step.name, step.stop_timeout)
        engine.containers.remove(step.name)
    return {}


def report(engine: Engine, wanted: Wanted, observed: Observed) -> Mapping[str, Any]:
    """The container as it is now."""
    container = engine.containers.find(wanted.name)
    return {"container": dict(container.inspected) if container else None}


def _plan_absent(wanted: Wanted, container: Container | None) -> Plan:
    if container is None:
        return Plan()
    step = Remove(wanted.name, container.running, _grace(wanted, container))
    return Plan((step,), {wanted.name: {"status": container.status}}, {wanted.name: None})


def _check_name(wanted: Wanted, container: Container | None) -> None:
    if container is not None and container.name != wanted.name:
        raise GantryError(f"'{wanted.name}' is the Id of the container {container.name}. Give its name instead.")


def _grace(wanted: Wanted, container: Container) -> int | None:
    """How long the container may take to stop: as asked for, else what it says itself."""
    return container.config.get("StopTimeout") if wanted.stop_timeout is None else wanted.stop_timeout


def _require_way(wanted: Wanted, observed: Observed) -> None:
    """Raise GantryError unless a new container can be made: the image is there, and nothing is in the way."""
    if observed.former is not None:
        former = observed.former.name
        raise GantryError(
            f"The container {former} is in the way: it is what was {wanted.name} before a replacement that was cut "
            f"off. Remove it ('docker rm {former}') or give it its name back."
        )
    if observed.image is None:
        raise GantryError(f"There is no image {wanted.image} on this engine to run. Pull it first (image_pull).")


def _asked(wanted: Wanted, observed: Observed) -> dict[str, Any]:
    """What was asked for, by option. An image that isn't here any more is told by its name."""
    asked: dict[str, Any] = {
        "image": observed.image.id if observed.image else str(wanted.image),
        "tty": wanted.tty,
        "interactive": wanted.interactive,
    }
    if wanted.command is not None:
        asked["command"] = list(wanted.command)
    if wanted.env:
        asked["env"] = dict(wanted.env)
    if observed.image is None and observed.container and _names_same(wanted, observed.container):
        asked["image"] = observed.container.image_id
    return asked


def _names_same(wanted: Wanted, container: Container) -> bool:
    """Whether the container was made from the name that is asked for now."""
    try:
        return parse_image_name(str(container.config.get("Image") or "")) == wanted.image
    except InvalidInput:
        return False


def _is_now(wanted: Wanted, container: Container) -> dict[str, Any]:
    """The container's state in the same terms as what was asked."""
    env = dict(entry.partition("=")[::2] for entry in container.config.get("Env") or ())
    return {
        "image": container.image_id,
        "tty": bool(container.config.get("Tty")),
        "interactive": bool(container.config.get("OpenStdin")),
        "command": list(container.config.get("Cmd") or ()),
        "env": {name: env[name] for name in wanted.env if name in env},
    }


def _config(wanted: Wanted) -> dict[str, Any]:
    """The body of the API's call that makes the container."""
    config: dict[str, Any] = {
        "Image": str(wanted.image),
        "Tty": wanted.tty,
        "OpenStdin": wanted.interactive,
        "Env": [f"{name}={value}" for name, value in wanted.env.items()],
    }
    if wanted.command is not None:
        config["Cmd"] = list(wanted.command)
    return config


def _run(engine: Engine, step: Run) -> None:
    engine.containers.create(step.name, step.config)
    try:
        engine.containers.start(step.name)
    except EngineError:
        engine.containers.remove(step.name)
        raise


def _replace(engine: Engine, step: Replace) -> None:
    name, former = step.run.name, step.run.name + _FORMER
    engine.containers.rename(name, former)
    try:
        if step.was_running:
            engine.containers.stop(former, step.stop_timeout)
        _run(engine, step.run)
    except EngineError:
        engine.containers.rename(former, name)
        if step.was_running:
            engine.containers.start(name)
        raise
    engine.containers.remove(former)
