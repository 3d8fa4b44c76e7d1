# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have a container of a given name running, or have none."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils.engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils.engine.container_options import (
    OPTIONS,
    body_of,
    endpoint,
    found_in,
)
from ansible_collections.gantry.docker.plugins.module_utils.engine.containers import Container, Containers, parse_name
from ansible_collections.gantry.docker.plugins.module_utils.engine.credentials import Access, Login
from ansible_collections.gantry.docker.plugins.module_utils.engine.distribution import Distribution, RemoteImage
from ansible_collections.gantry.docker.plugins.module_utils.engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils.engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils.image.errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils.image.reference import (
    ImageName,
    Reference,
    parse_image_name,
)
from ansible_collections.gantry.docker.plugins.module_utils.operation.plan import Plan

# What a container is called while its successor takes its name.
_FORMER = ".gantry-former"
_RUNNING = {"started", "healthy"}


class Wanted(NamedTuple):
    """What was asked for.

    options: by name and in normal form, without those that were not asked for. pull: whether the image is pulled if it
    isn't here. stop_timeout: seconds that a container has to stop by itself before it is killed. patience: seconds
    to wait for the container to become healthy, None not to wait.
    """

    name: str
    state: str
    image: ImageName | None
    options: Mapping[str, Any]
    pull: bool
    stop_timeout: int | None
    patience: int | None


class Observed(NamedTuple):
    """What there is.

    image: the one that is asked for. remote: what the registry has of it, where it has to be pulled. former: what a
    replacement that was cut off has left. networks: their names, where some are asked for.
    """

    container: Container | None
    image: Image | None = None
    remote: RemoteImage | None = None
    login: Login | None = None
    former: Container | None = None
    networks: frozenset[str] = frozenset()


class Pull(NamedTuple):
    """Pull the image."""

    reference: Reference
    login: Login

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"Pulled image {self.reference}"


class Make(NamedTuple):
    """Make the container, and start it if it is to run. patience: as in Wanted."""

    name: str
    image: ImageName
    options: Mapping[str, Any]
    start: bool
    patience: int | None

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"{'Started' if self.start else 'Made'} container {self.name} from {self.image}"


class Start(NamedTuple):
    """Start the container, which is as it was asked for but doesn't run."""

    name: str
    patience: int | None

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"Started container {self.name}, which was there"


class Await(NamedTuple):
    """Wait for the container, which runs, to become healthy. That changes nothing."""

    name: str
    patience: int


class Stop(NamedTuple):
    """Stop the container."""

    name: str
    stop_timeout: int | None

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"Stopped container {self.name}"


class Replace(NamedTuple):
    """Put a new container in the place of one that differs in the options named."""

    make: Make
    differing: tuple[str, ...]
    was_running: bool
    stop_timeout: int | None

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"Replaced container {self.make.name}, as it differed in {', '.join(self.differing)}"


class Remove(NamedTuple):
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
    for option in ("stop_timeout", "healthy_wait_timeout"):
        if params[option] is not None and params[option] < 0:
            raise InvalidInput(f"{option} is {params[option]}, and must be 0 or more seconds.")
    if params["restart_retries"] is not None and params["restart_policy"] != "on-failure":
        raise InvalidInput("restart_retries goes with restart_policy: on-failure alone.")
    return Wanted(
        name=parse_name(params["name"]),
        state=params["state"],
        image=parse_image_name(params["image"]) if params["image"] else None,
        options={name: OPTIONS[name].parse(params[name]) for name in OPTIONS if params[name] is not None},
        pull=params["pull"] == "missing",
        stop_timeout=params["stop_timeout"],
        patience=params["healthy_wait_timeout"] if params["state"] == "healthy" else None,
    )


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Look up the container and what it takes to make it: the image here or in its registry, the networks."""
    container = Containers(engine).find(wanted.name)
    if wanted.state == "absent":
        return Observed(container)
    image = engine.images.find(str(wanted.image)) if wanted.image else None
    login = remote = None
    lost = image is not None and not image.whole and container is None
    if wanted.pull and (image is None or lost) and isinstance(wanted.image, Reference):
        image = None
        login = Access((), None, 1, 0).logins([wanted.image.registry])[wanted.image.registry]
        remote = Distribution(engine).remote(wanted.image, login)
    return Observed(
        container=container,
        image=image,
        remote=remote,
        login=login,
        former=Containers(engine).find(wanted.name + _FORMER),
        networks=Containers(engine).networks() if wanted.options.get("networks") else frozenset(),
    )


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Make, start, stop, replace or remove the container, or leave it alone."""
    container = observed.container
    if container is not None and container.name != wanted.name:
        raise GantryError(f"'{wanted.name}' is the Id of the container {container.name}. Give its name instead.")
    if wanted.state == "absent":
        return _plan_absent(wanted, container)
    if container is None:
        steps = _making(wanted, observed, start=wanted.state in _RUNNING)
        return Plan(steps, {wanted.name: None}, {wanted.name: _after(wanted, observed, "created")})
    if container.status == "paused":
        raise GantryError(f"The container {wanted.name} is paused. Unpause it ('docker unpause {wanted.name}') first.")
    return _plan_change(wanted, observed, container)


def apply(engine: Engine, step: Pull | Make | Start | Await | Stop | Replace | Remove) -> Mapping[str, Any]:
    """Take one step; if it fails, what was there before is there again."""
    if isinstance(step, Pull):
        Distribution(engine).pull(step.reference, None, step.login)
    elif isinstance(step, Make):
        _make(engine, step)
    elif isinstance(step, Start):
        Containers(engine).start(step.name)
        _await(engine, step)
    elif isinstance(step, Await):
        _await(engine, step)
    elif isinstance(step, Stop):
        Containers(engine).stop(step.name, step.stop_timeout)
    elif isinstance(step, Replace):
        _replace(engine, step)
    else:
        if step.running:
            Containers(engine).stop(step.name, step.stop_timeout)
        Containers(engine).remove(step.name)
    return {}


def report(engine: Engine, wanted: Wanted, observed: Observed) -> Mapping[str, Any]:
    """The container as it is now."""
    container = Containers(engine).find(wanted.name)
    return {"container": dict(container.inspected) if container else None}


def _plan_absent(wanted: Wanted, container: Container | None) -> Plan:
    if container is None:
        return Plan()
    step = Remove(wanted.name, container.running, _grace(wanted, container))
    return Plan((step,), {wanted.name: {"status": container.status}}, {wanted.name: None})


def _plan_change(wanted: Wanted, observed: Observed, container: Container) -> Plan:
    """Replace the container if it differs in what was asked for; else let it run or not, as asked."""
    asked = _asked(wanted, observed)
    found = {"image": container.image_id, **found_in(container.inspected, wanted.options)}
    before = {option: found[option] for option in asked}
    differing = tuple(option for option in asked if before[option] != asked[option])
    shown = {wanted.name: {**before, "status": container.status}}
    if differing:
        run = container.running if wanted.state == "present" else wanted.state in _RUNNING
        *pulling, make = _making(wanted, observed, start=run)
        replace = Replace(make, differing, container.running, _grace(wanted, container))
        status = "running" if run else "created"
        return Plan((*pulling, replace), shown, {wanted.name: {**asked, "status": status}})
    if wanted.state in _RUNNING and not container.running:
        return Plan((Start(wanted.name, wanted.patience),), shown, {wanted.name: {**asked, "status": "running"}})
    if wanted.state == "stopped" and container.running:
        step = Stop(wanted.name, _grace(wanted, container))
        return Plan((step,), shown, {wanted.name: {**asked, "status": "exited"}})
    return Plan(repeats=() if wanted.patience is None else (Await(wanted.name, wanted.patience),))


def _grace(wanted: Wanted, container: Container) -> int | None:
    """How long the container may take to stop: as asked for, else what it says itself."""
    return container.config.get("StopTimeout") if wanted.stop_timeout is None else wanted.stop_timeout


def _after(wanted: Wanted, observed: Observed, status: str) -> dict[str, Any]:
    return {**_asked(wanted, observed), "status": "running" if wanted.state in _RUNNING else status}


def _making(wanted: Wanted, observed: Observed, start: bool) -> tuple[Any, ...]:
    """The steps that make the container; raises GantryError if there is no way."""
    if observed.former is not None:
        former = observed.former.name
        raise GantryError(
            f"The container {former} is in the way: it is what was {wanted.name} before a replacement that was cut "
            f"off. Remove it ('docker rm {former}') or give it its name back."
        )
    if wanted.image is None:
        raise GantryError(
            f"There is no container {wanted.name} as asked for, and no image to make it from: name it (image)."
        )
    missing = sorted(wanted.options.get("networks", {}).keys() - observed.networks)
    if missing:
        raise GantryError(
            f"There is no network {', '.join(missing)} on this engine. Make it first ('docker network create')."
        )
    make = Make(wanted.name, wanted.image, wanted.options, start, wanted.patience)
    return (*_pulling(wanted, observed), make)


def _pulling(wanted: Wanted, observed: Observed) -> tuple[Pull, ...]:
    if observed.image is not None:
        return ()
    if observed.login and observed.remote and isinstance(wanted.image, Reference):
        return (Pull(wanted.image, observed.login),)
    if observed.login:
        raise GantryError(
            f"There is no image {wanted.image} on this engine, and its registry has none. Check its name."
        )
    raise GantryError(
        f"There is no image {wanted.image} on this engine to run. Pull it first (image_pull), or use pull: missing."
    )


def _asked(wanted: Wanted, observed: Observed) -> dict[str, Any]:
    """What was asked for, by option. An image that isn't here is told by its name."""
    if wanted.image is None:
        return dict(wanted.options)
    image = observed.image.id if observed.image else str(wanted.image)
    if observed.image is None and observed.container and _names_same(wanted, observed.container):
        image = observed.container.image_id
    return {"image": image, **wanted.options}


def _names_same(wanted: Wanted, container: Container) -> bool:
    """Whether the container was made from the name that is asked for now."""
    try:
        return parse_image_name(str(container.config.get("Image") or "")) == wanted.image
    except InvalidInput:
        return False


def _make(engine: Engine, step: Make) -> None:
    networks = step.options.get("networks", {})
    Containers(engine).create(step.name, {"Image": str(step.image), **body_of(step.options)})
    try:
        for network in list(networks)[1:]:
            Containers(engine).connect(step.name, network, endpoint(networks[network]))
        if step.start:
            Containers(engine).start(step.name)
            _await(engine, step)
    except EngineError:
        Containers(engine).remove(step.name)
        raise


def _await(engine: Engine, step: Make | Start | Await) -> None:
    if step.patience is not None:
        Containers(engine).wait_until_healthy(step.name, step.patience)


def _replace(engine: Engine, step: Replace) -> None:
    name, former = step.make.name, step.make.name + _FORMER
    Containers(engine).rename(name, former)
    try:
        if step.was_running:
            Containers(engine).stop(former, step.stop_timeout)
        _make(engine, step.make)
    except EngineError:
        Containers(engine).rename(former, name)
        if step.was_running:
            Containers(engine).start(name)
        raise
    Containers(engine).remove(former)
