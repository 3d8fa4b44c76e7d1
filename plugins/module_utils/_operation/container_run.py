# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Have a container of a given name running, or have none."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Container, Containers
from ansible_collections.gantry.docker.plugins.module_utils._container.options import (
    OPTIONS,
    body_of,
    endpoint,
    found_in,
)
from ansible_collections.gantry.docker.plugins.module_utils._container.words import parse_name
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    ImageName,
    Reference,
    may_be_short_id,
    parse_image_name,
)
from ansible_collections.gantry.docker.plugins.module_utils._plan import Otherwise, Plan, Report, Skipped, Taken
from ansible_collections.gantry.docker.plugins.module_utils._registry.credentials import (
    Access,
    Login,
    parse_access,
    troubles,
)

if TYPE_CHECKING:
    from ansible_collections.gantry.docker.plugins.module_utils._registry.pulling import Asked

# What a container is called while its successor takes its name.
_FORMER = ".gantry-former"
_RUNNING = {"started", "healthy"}


class Wanted(NamedTuple):
    """What was asked for.

    options: by name and in normal form, without those that were not asked for. pull: never, missing or always.
    stop_timeout: seconds that a container has to stop by itself before it is killed. patience: seconds to wait for the
    container to become healthy, None not to wait. keep: whether a container of the name stays as it is.
    """

    name: str
    state: str
    image: ImageName | None
    options: Mapping[str, Any]
    pull: str
    access: Access
    stop_timeout: int | None
    patience: int | None
    keep: bool


class Observed(NamedTuple):
    """What there is.

    image: the one that is asked for. former: what a replacement that was cut off has left. networks: their names, where
    some are asked for. asked: what the image's registry has of it, and login: what it was shown, where it had to be
    asked. own: the engine's platform, where it matters which one the image is for.
    """

    container: Container | None
    image: Image | None = None
    former: Container | None = None
    networks: frozenset[str] = frozenset()
    asked: Asked | None = None
    login: Login | None = None
    own: Platform | None = None


class Pull(NamedTuple):
    """Pull the image.

    digest: by which the registry knows it. here: the Id of the image that has the name now; "" for none.
    """

    reference: Reference
    login: Login
    retry_for: int
    digest: str
    here: str

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"Pulled image {self.reference}"


class Make(NamedTuple):
    """Make the container, and start it if it is to run. image: its name or Id. patience, keep: as in Wanted."""

    name: str
    image: str
    options: Mapping[str, Any]
    start: bool
    patience: int | None
    keep: bool

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
    """Put a new container in the place of one that differs in the options named. image_id: which it is made from."""

    make: Make
    image_id: str
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
    if params["existing"] == "keep" and params["state"] == "absent":
        raise InvalidInput("existing: keep doesn't go with state: absent. Leave one of them out.")
    return Wanted(
        name=parse_name(params["name"]),
        state=params["state"],
        image=parse_image_name(params["image"]) if params["image"] else None,
        options={name: OPTIONS[name].parse(params[name]) for name in OPTIONS if params[name] is not None},
        pull=params["pull"],
        access=parse_access(params),
        stop_timeout=params["stop_timeout"],
        patience=params["healthy_wait_timeout"] if params["state"] == "healthy" else None,
        keep=params["existing"] == "keep",
    )


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Look up the container and what it takes to make it: the image here or in its registry, the networks."""
    container = Containers(engine).find(wanted.name)
    if wanted.state == "absent":
        return Observed(container)
    image = engine.images.meant(wanted.image) if wanted.image else None
    if image and not image.whole and not container and wanted.pull != "never" and isinstance(wanted.image, Reference):
        # A pull brings back what the store has lost of it.
        image = None
    observed = Observed(
        container=container,
        image=image,
        former=Containers(engine).find(wanted.name + _FORMER),
        networks=Containers(engine).networks() if wanted.options.get("networks") else frozenset(),
    )
    if isinstance(wanted.image, Reference) and _needs_registry(wanted, wanted.image, observed):
        return _with_registry(engine, wanted.access, wanted.image, observed)
    return observed


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Make, start, stop, replace or remove the container, or leave it alone."""
    container = observed.container
    if wanted.state == "absent":
        return _plan_absent(wanted, container)
    if container is not None and container.name != wanted.name:
        raise GantryError(f"'{wanted.name}' is the Id of the container {container.name}. Give its name instead.")
    if container is None:
        steps = _making(wanted, observed, start=wanted.state in _RUNNING)
        return Plan(steps, {wanted.name: None}, {wanted.name: _after(wanted, observed, "created")})
    if wanted.keep:
        return Plan()
    if container.status == "paused":
        raise GantryError(f"The container {wanted.name} is paused. Unpause it ('docker unpause {wanted.name}') first.")
    return _plan_change(wanted, observed, container)


def apply(engine: Engine, step: Pull | Make | Start | Await | Stop | Replace | Remove) -> None:
    """Take one step; if it fails, what was there before is there again."""
    if isinstance(step, Pull):
        _pull(engine, step)
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


def report(engine: Engine, wanted: Wanted, observed: Observed, planned: Plan, taken: Sequence[Taken]) -> Report:
    """The container as it is now."""
    container = Containers(engine).find(wanted.name)
    warnings = (*troubles([observed.login] if observed.login else []), *_doubts(engine, wanted, observed, planned))
    return Report({"container": dict(container.inspected) if container else None}, warnings=warnings)


def _doubts(engine: Engine, wanted: Wanted, observed: Observed, plan: Plan) -> Iterator[str]:
    """What speaks against a container's running that is made of an image which is here."""
    image = observed.image
    steps = plan.steps
    if image is None or not image.platform.architecture or not any(isinstance(step, (Make, Replace)) for step in steps):
        return
    if not any(isinstance(step, Pull) for step in steps) and not engine.platform.runs(image.platform):
        yield (
            f"The image {wanted.image} is here for {image.platform}, and the engine's host is {engine.platform}: the "
            "container runs only if the host emulates that platform (binfmt_misc). Pull the image for the host's own "
            "platform (image_pull with platform) if it has one."
        )


def _needs_registry(wanted: Wanted, reference: Reference, observed: Observed) -> bool:
    """Whether the registry has a say: always if that is asked for, else where there is no image to make it from."""
    if wanted.pull == "always":
        # What a digest names is the same everywhere.
        return observed.image is None or not (reference.digest or _by_short_id(wanted, observed))
    container = observed.container
    return wanted.pull == "missing" and observed.image is None and (not container or bool(_differing(wanted, observed)))


def _with_registry(engine: Engine, access: Access, reference: Reference, observed: Observed) -> Observed:
    """Add what the registry has of the image; raise GantryError if it has nothing, or can't be asked."""
    from ansible_collections.gantry.docker.plugins.module_utils._registry.pulling import ask

    login = access.logins([reference.registry])[reference.registry]
    try:
        asked = ask(engine, reference, observed.image, login, access.retry_for)
    except GantryError as error:
        if observed.image is not None:
            raise
        raise GantryError(f"There is no image {reference} on this engine, so it has to be pulled. {error}") from error
    return observed._replace(asked=asked, login=login, own=engine.platform if observed.image else None)


def _plan_absent(wanted: Wanted, container: Container | None) -> Plan:
    if container is None:
        return Plan()
    step = Remove(wanted.name, container.running, _grace(wanted, container))
    return Plan((step,), {wanted.name: {"status": container.status}}, {wanted.name: None})


def _plan_change(wanted: Wanted, observed: Observed, container: Container) -> Plan:
    """Replace the container if it differs in what was asked for; else let it run or not, as asked."""
    asked, before = _asked(wanted, observed), _found(wanted, container)
    differing = _differing(wanted, observed)
    shown = {wanted.name: {**before, "status": container.status}}
    if differing:
        run = container.running if wanted.state == "present" else wanted.state in _RUNNING
        *pulling, make = _making(wanted, observed, start=run)
        replace = Replace(make, container.image_id, differing, container.running, _grace(wanted, container))
        status = "running" if run else "created"
        image = {"image": str(wanted.image)} if pulling else {}
        return Plan((*pulling, replace), shown, {wanted.name: {**asked, **image, "status": status}})
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
    pulling = _pulling(wanted, observed)
    if not pulling:
        _check_image(wanted, observed)
    _check_command(wanted, None if pulling else observed.image)
    image = str(wanted.image)
    if observed.image and _by_short_id(wanted, observed):
        image = observed.image.id
    return (*pulling, Make(wanted.name, image, wanted.options, start, wanted.patience, wanted.keep))


def _pulling(wanted: Wanted, observed: Observed) -> tuple[Pull, ...]:
    """The pull of an image that isn't here, or has moved in its registry; none where that wasn't asked."""
    if not (observed.asked and observed.login and isinstance(wanted.image, Reference)):
        return ()
    from ansible_collections.gantry.docker.plugins.module_utils._registry.pulling import is_current

    if is_current(wanted.image, observed.image, observed.asked, observed.own):
        return ()
    here = observed.image.id if observed.image else ""
    return (Pull(wanted.image, observed.login, wanted.access.retry_for, observed.asked.remote.digest, here),)


def _check_image(wanted: Wanted, observed: Observed) -> None:
    """Raise GantryError unless the image is here, and is one."""
    if observed.image is not None:
        if not observed.image.whole and not observed.image.config:
            raise GantryError(
                f"No container can be made of {wanted.image}: it {observed.image.flaw}. Pull it by its name "
                "(image_pull), or load it (image_load)."
            )
        return
    missing = f"There is no image {wanted.image} on this engine to run."
    if isinstance(wanted.image, Reference):
        raise GantryError(f"{missing} Pull it first (image_pull), or use pull: missing.")
    raise GantryError(f"{missing} An Id can't be pulled: name the image, or load it (image_load).")


def _check_command(wanted: Wanted, image: Image | None) -> None:
    """Raise GantryError where nothing says what the container runs: the engine would refuse it (daemon/create.go).

    image: the one that it is made from; None if it isn't known yet.
    """
    if wanted.options.get("command") or wanted.options.get("entrypoint"):
        return
    if "entrypoint" in wanted.options:
        raise GantryError(
            "An empty entrypoint clears the image's, and then the image's command isn't used either: name a command."
        )
    if image and image.config and not (image.config.get("Cmd") or image.config.get("Entrypoint")):
        raise GantryError(f"The image {wanted.image} doesn't say what to run. Name a command, or an entrypoint.")


def _by_short_id(wanted: Wanted, observed: Observed) -> bool:
    """Whether the image was found by the beginning of its Id: it has no tag of that name."""
    reference = wanted.image
    return (
        isinstance(reference, Reference)
        and may_be_short_id(reference)
        and observed.image is not None
        and reference.tagged not in observed.image.tags
    )


def _differing(wanted: Wanted, observed: Observed) -> tuple[str, ...]:
    """The options in which the container differs from what was asked for."""
    if observed.container is None:
        return ()
    asked, found = _asked(wanted, observed), _found(wanted, observed.container)
    return tuple(option for option in asked if found[option] != asked[option])


def _found(wanted: Wanted, container: Container) -> dict[str, Any]:
    """What the container has of each option that was asked for."""
    image = {} if wanted.image is None else {"image": container.image_id}
    return {**image, **found_in(container.inspected, wanted.options)}


def _asked(wanted: Wanted, observed: Observed) -> dict[str, Any]:
    """What was asked for, by option. An image that isn't here yet is told by its name."""
    if wanted.image is None:
        return dict(wanted.options)
    image, pulling = str(wanted.image), bool(_pulling(wanted, observed))
    if observed.image and not pulling:
        image = observed.image.id
    elif wanted.pull != "always" and observed.container and _names_same(wanted, observed.container):
        image = observed.container.image_id
    return {"image": image, **wanted.options}


def _names_same(wanted: Wanted, container: Container) -> bool:
    """Whether the container was made from the name, or the beginning of the Id, that is asked for now."""
    name = wanted.image
    if isinstance(name, Reference) and may_be_short_id(name) and container.image_id.startswith(f"sha256:{name.name}"):
        return True
    try:
        return parse_image_name(str(container.config.get("Image") or "")) == wanted.image
    except InvalidInput:
        return False


def _pull(engine: Engine, step: Pull) -> None:
    from ansible_collections.gantry.docker.plugins.module_utils._registry.pulling import astray, pull

    image = pull(engine, step.reference, None, step.login, step.retry_for)
    reason = astray(engine, step.reference, image, step.digest)
    if reason and image.id == step.here:
        raise Skipped(f"{step.reference} stays as it is: {reason}")
    if reason:
        raise Otherwise(step, f"{step.reference} is another image than foreseen: {reason}")


def _make(engine: Engine, step: Make) -> None:
    networks = step.options.get("networks", {})
    try:
        Containers(engine).create(step.name, {"Image": step.image, **body_of(step.options)})
    except EngineError as error:
        if step.keep and error.status == HTTPStatus.CONFLICT:
            _appears(engine, step.name)
            raise Skipped(f"{step.name} stays, as it was made meanwhile") from error
        raise
    try:
        for network in list(networks)[1:]:
            Containers(engine).connect(step.name, network, endpoint(networks[network]))
        if step.start:
            Containers(engine).start(step.name)
            _await(engine, step)
    except BaseException:  # a signal too
        Containers(engine).remove(step.name)
        raise


def _appears(engine: Engine, name: str) -> None:
    """Wait a moment for a container that another task is making.

    An engine reserves a name before the container can be looked up (daemon/create.go).
    """
    for _attempt in range(20):
        if Containers(engine).find(name):
            return
        time.sleep(0.1)


def _await(engine: Engine, step: Make | Start | Await) -> None:
    if step.patience is not None:
        Containers(engine).wait_until_healthy(step.name, step.patience)


def _replace(engine: Engine, step: Replace) -> None:
    name, former = step.make.name, step.make.name + _FORMER
    if step.differing == ("image",):
        # A pull may have brought what was here already.
        image = engine.images.find(step.make.image)
        if image and image.id == step.image_id:
            raise Skipped(f"{name} stays, as it is made from {step.make.image} already")
    Containers(engine).rename(name, former)
    try:
        if step.was_running:
            Containers(engine).stop(former, step.stop_timeout)
        _make(engine, step.make)
    except BaseException:  # a signal too
        Containers(engine).rename(former, name)
        if step.was_running:
            Containers(engine).start(name)
        raise
    Containers(engine).remove(former)
