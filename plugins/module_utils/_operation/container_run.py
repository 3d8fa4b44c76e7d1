# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Make sure that a container of a given name runs as wanted, or that there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._container import changes, preconditions
from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Container, Containers
from ansible_collections.gantry.docker.plugins.module_utils._container.options import OPTIONS, found_in
from ansible_collections.gantry.docker.plugins.module_utils._container.words import parse_name
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    ImageName,
    Reference,
    digests_in,
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
from ansible_collections.gantry.docker.plugins.module_utils._verifier import (
    Subject,
    Verifier,
    accepted,
    parse_verifier,
    subject_of,
)

if TYPE_CHECKING:
    from ansible_collections.gantry.docker.plugins.module_utils._registry.pulling import Asked

_RUNNING = {"started", "healthy"}


class Wanted(NamedTuple):
    """The container that is wanted.

    options: by name and in normal form, only those that were given. pull: never, missing or always.
    stop_timeout: seconds that a container has to stop by itself before it is killed. patience: seconds to wait for the
    container to become healthy; None not to wait. keep: whether an existing container of the name stays as it is.
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
    verifier: Verifier | None = None


class Observed(NamedTuple):
    """The container, and everything that is needed to make it.

    image: the wanted image. former: the container that an interrupted replacement has left. networks: the names of the
    engine's networks, if some are wanted. asked, login: the registry's answer about the image, and the login that it
    was asked with, if it had to be asked. own: the engine's platform, if the platform of the image matters.
    verdicts: the verifier's, about the image, if a container has to be made from it.
    """

    container: Container | None
    image: Image | None = None
    former: Container | None = None
    networks: frozenset[str] = frozenset()
    asked: Asked | None = None
    login: Login | None = None
    own: Platform | None = None
    verdicts: Mapping[Subject, str] = {}


class Pull(NamedTuple):
    """Pull the image.

    digest: the image's digest in the registry; "" if it isn't known. here: the Id of the image that has the name now;
    "" for none. accepted: whether the verifier accepted that digest, so that no other image may come.
    """

    reference: Reference
    login: Login
    retry_for: int
    digest: str
    here: str
    accepted: bool = False

    @property
    def sentence(self) -> str:
        """The step as a sentence."""
        return f"Pulled image {self.reference}"


def parse(params: Mapping[str, Any]) -> Wanted:
    """Return the wanted values, parsed from the module's parameters; raise InvalidInput."""
    for option in ("stop_timeout", "healthy_wait_timeout"):
        if params[option] is not None and params[option] < 0:
            raise InvalidInput(f"{option} is {params[option]}, and must be 0 or more seconds.")
    if params["restart_retries"] is not None and params["restart_policy"] != "on-failure":
        raise InvalidInput("restart_retries can be used only with restart_policy: on-failure.")
    if params["existing"] == "keep" and params["state"] == "absent":
        raise InvalidInput("existing: keep can't be used with state: absent. Leave one of them out.")
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
        verifier=parse_verifier(params),
    )


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Return the container and everything that is needed to make it: the image here or in its registry, networks."""
    container = Containers(engine).find(wanted.name)
    if wanted.state == "absent":
        return Observed(container)
    image = engine.images.meant(wanted.image) if wanted.image else None
    if image and not image.whole and not container and wanted.pull != "never" and isinstance(wanted.image, Reference):
        # A pull brings back the parts of it that the store has lost.
        image = None
    observed = Observed(
        container=container,
        image=image,
        former=Containers(engine).find(wanted.name + changes.FORMER),
        networks=Containers(engine).networks() if wanted.options.get("networks") else frozenset(),
    )
    if isinstance(wanted.image, Reference) and _needs_registry(wanted, wanted.image, observed):
        observed = _with_registry(engine, wanted.access, wanted.image, observed)
    if wanted.verifier is None:
        return observed
    makes = any(isinstance(step, (changes.Make, changes.Replace)) for step in _decided(wanted, observed).steps)
    return observed._replace(verdicts=wanted.verifier.verdicts([_subject(wanted, observed)] if makes else []))


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Plan to make, start, stop, replace or remove the container, or to leave it alone.

    Raise GantryError if there is no way, or if the verifier refuses the image.
    """
    for refusal in filter(None, observed.verdicts.values()):
        raise GantryError(refusal)
    return _decided(wanted, observed)


def apply(engine: Engine, step: Pull | changes.Change) -> None:
    """Take one step; if it fails, restore the state before it."""
    if isinstance(step, Pull):
        _pull(engine, step)
    else:
        changes.carry_out(engine, step)


def report(engine: Engine, wanted: Wanted, observed: Observed, planned: Plan, taken: Sequence[Taken]) -> Report:
    """Return the container as it is now."""
    container = Containers(engine).find(wanted.name)
    warnings = (
        *troubles([observed.login] if observed.login else []),
        *([observed.asked.doubt] if observed.asked and observed.asked.doubt and not wanted.verifier else []),
        *_doubts(engine, wanted, observed, planned),
    )
    told: dict[str, Any] = {"container": dict(container.inspected) if container else None}
    if wanted.verifier:
        told["accepted"] = accepted(observed.verdicts)
    return Report(told, warnings=warnings)


def _doubts(engine: Engine, wanted: Wanted, observed: Observed, plan: Plan) -> Iterator[str]:
    """Yield the reasons why a new container of an image that is here already may not run."""
    makes = any(isinstance(step, (changes.Make, changes.Replace)) for step in plan.steps)
    pulls = any(isinstance(step, Pull) for step in plan.steps)
    if wanted.image and observed.image and makes and not pulls:
        found = preconditions.doubt(engine, wanted.image, observed.image)
        yield from [found] if found else []


def _needs_registry(wanted: Wanted, reference: Reference, observed: Observed) -> bool:
    """Return whether the registry must be asked: always with pull: always, else if there is no image to use."""
    if wanted.pull == "always":
        # The image of a digest is the same everywhere.
        return observed.image is None or not (reference.digest or _by_short_id(wanted, observed))
    if wanted.pull == "never" or observed.image is not None:
        return False
    return observed.container is None or _asked(wanted, observed) != _found(wanted, observed.container)


def _with_registry(engine: Engine, access: Access, reference: Reference, observed: Observed) -> Observed:
    """Add the registry's answer about the image; raise GantryError if it has no such image, or can't be asked."""
    from ansible_collections.gantry.docker.plugins.module_utils._registry.pulling import ask

    login = access.logins([reference.registry])[reference.registry]
    try:
        asked = ask(engine, reference, observed.image, login, access.retry_for)
    except GantryError as error:
        if observed.image is not None:
            raise
        raise GantryError(f"There is no image {reference} on this engine, so it has to be pulled. {error}") from error
    if asked.remote is None and observed.image is not None:
        raise GantryError(
            f"Can't know whether the registry has a newer {reference}. {asked.doubt} Use image_pull before, and pull: "
            "missing."
        )
    return observed._replace(asked=asked, login=login, own=engine.platform if observed.image else None)


def _decided(wanted: Wanted, observed: Observed) -> Plan:
    """Return the plan as it is if the verifier accepts the image; raise GantryError if there is no way."""
    container = observed.container
    if wanted.state == "absent":
        if container is None:
            return Plan()
        remove = changes.Remove(wanted.name, container.running, _grace(wanted, container))
        return Plan((remove,), {wanted.name: {"status": container.status}}, {wanted.name: None})
    if container is not None and container.name != wanted.name:
        raise GantryError(f"'{wanted.name}' is the Id of the container {container.name}. Give its name instead.")
    if container is None:
        runs = wanted.state in _RUNNING
        after = {**_asked(wanted, observed), "status": "running" if runs else "created"}
        return Plan(_making(wanted, observed, start=runs), {wanted.name: None}, {wanted.name: after})
    if wanted.keep:
        return Plan()
    if container.status == "paused":
        raise GantryError(f"The container {wanted.name} is paused. Unpause it ('docker unpause {wanted.name}') first.")
    return _plan_change(wanted, observed, container)


def _plan_change(wanted: Wanted, observed: Observed, container: Container) -> Plan:
    """Plan to replace the container if it differs from the wanted options; else to start or stop it, as wanted."""
    asked, before = _asked(wanted, observed), _found(wanted, container)
    differing = tuple(option for option in asked if before[option] != asked[option])
    shown = {wanted.name: {**before, "status": container.status}}
    if differing:
        run = container.running if wanted.state == "present" else wanted.state in _RUNNING
        *pulling, make = _making(wanted, observed, start=run)
        replace = changes.Replace(make, container.image_id, differing, container.running, _grace(wanted, container))
        status = "running" if run else "created"
        image = {"image": str(wanted.image)} if pulling else {}
        return Plan((*pulling, replace), shown, {wanted.name: {**asked, **image, "status": status}})
    if wanted.state in _RUNNING and not container.running:
        return Plan(
            (changes.Start(wanted.name, wanted.patience),), shown, {wanted.name: {**asked, "status": "running"}}
        )
    if wanted.state == "stopped" and container.running:
        step = changes.Stop(wanted.name, _grace(wanted, container))
        return Plan((step,), shown, {wanted.name: {**asked, "status": "exited"}})
    return Plan(repeats=() if wanted.patience is None else (changes.Await(wanted.name, wanted.patience),))


def _grace(wanted: Wanted, container: Container) -> int | None:
    """Return the seconds that the container may take to stop: the wanted ones, else those of its config."""
    return container.config.get("StopTimeout") if wanted.stop_timeout is None else wanted.stop_timeout


def _making(wanted: Wanted, observed: Observed, start: bool) -> tuple[Any, ...]:
    """Return the steps that make the container; raise GantryError if there is no way."""
    preconditions.check_former(wanted.name, observed.former)
    if wanted.image is None:
        raise GantryError(
            f"There is no container {wanted.name} as wanted, and no image is given to make it from. Set image."
        )
    preconditions.check_networks(wanted.options, observed.networks)
    pulling = _pulling(wanted, observed)
    if not pulling:
        preconditions.check_image(wanted.image, observed.image)
    preconditions.check_command(wanted.options, wanted.image, None if pulling else observed.image)
    image = str(wanted.image)
    if observed.image and _by_short_id(wanted, observed):
        image = observed.image.id
    return (*pulling, changes.Make(wanted.name, image, wanted.options, start, wanted.patience, wanted.keep))


def _pulling(wanted: Wanted, observed: Observed) -> tuple[Pull, ...]:
    """Return the pull of an image that isn't here, or has moved in its registry; none if that wasn't asked."""
    if not (observed.asked and observed.login and isinstance(wanted.image, Reference)):
        return ()
    from ansible_collections.gantry.docker.plugins.module_utils._registry.pulling import (
        is_current,
        undecidable,
    )

    if is_current(wanted.image, observed.image, observed.asked, observed.own):
        return ()
    if wanted.verifier and (why := undecidable(wanted.image, observed.asked)):
        raise GantryError(why)
    here = observed.image.id if observed.image else ""
    digest = wanted.image.digest or observed.asked.digest
    accepted_only = wanted.verifier is not None
    return (Pull(wanted.image, observed.login, wanted.access.retry_for, digest, here, accepted_only),)


def _subject(wanted: Wanted, observed: Observed) -> Subject:
    """Return the image that a container is to be made from: the registry's, if it has to be pulled.

    The image that is here has the digest by which its registry knows it; its Id if it never came from there.
    """
    for pulling in _pulling(wanted, observed):
        return subject_of(pulling.reference, pulling.digest)
    image, image_id = wanted.image, observed.image.id if observed.image else ""
    if isinstance(image, Reference) and not _by_short_id(wanted, observed):
        known = digests_in(image, observed.image.digests if observed.image else ())
        return subject_of(image, image.digest or next(iter(known), image_id))
    return Subject("", image_id)


def _by_short_id(wanted: Wanted, observed: Observed) -> bool:
    """Return whether the image was found by the beginning of its Id: then it has no tag of that name."""
    name, image = wanted.image, observed.image
    return isinstance(name, Reference) and may_be_short_id(name) and image is not None and name.tagged not in image.tags


def _found(wanted: Wanted, container: Container) -> dict[str, Any]:
    """Return the container's values of the options that were given."""
    image = {} if wanted.image is None else {"image": container.image_id}
    return {**image, **found_in(container.inspected, wanted.options)}


def _asked(wanted: Wanted, observed: Observed) -> dict[str, Any]:
    """Return the wanted values, by option. An image that isn't here yet is shown by its name."""
    if wanted.image is None:
        return dict(wanted.options)
    image, pulling = str(wanted.image), bool(_pulling(wanted, observed))
    if observed.image and not pulling:
        image = observed.image.id
    elif wanted.pull != "always" and observed.container and observed.container.was_made_from(wanted.image):
        image = observed.container.image_id
    return {"image": image, **wanted.options}


def _pull(engine: Engine, step: Pull) -> None:
    """Pull the image; raise Skipped or Otherwise if the registry sent another one than foreseen."""
    from ansible_collections.gantry.docker.plugins.module_utils._registry.pulling import astray, pull

    only = step.digest if step.accepted else ""
    image = pull(engine, step.reference, None, step.login, step.retry_for, only)
    reason = astray(engine, step.reference, image, step.digest)
    if reason and image.id == step.here:
        raise Skipped(f"{step.reference} stays as it is: {reason}")
    if reason:
        raise Otherwise(step, f"{step.reference} is another image than foreseen: {reason}")
