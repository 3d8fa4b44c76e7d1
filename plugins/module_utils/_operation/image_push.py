# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Push images to their registries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import Reference, digests_in, parse_tag
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan, Report, Taken
from ansible_collections.gantry.docker.plugins.module_utils._registry.credentials import (
    Access,
    Login,
    parse_access,
    troubles,
)
from ansible_collections.gantry.docker.plugins.module_utils._registry.distribution import Distribution
from ansible_collections.gantry.docker.plugins.module_utils._registry.patience import patiently


class Wanted(NamedTuple):
    """The tags that registries must have as they are here."""

    references: tuple[Reference, ...]
    access: Access


class Here(NamedTuple):
    """The engine's image of a tag. digests: the digests under which a registry would have the same image."""

    image: Image
    digests: frozenset[str] = frozenset()


class Observed(NamedTuple):
    """The image of each tag here, and in its registry.

    remote: the digest of the registry's image; None if it has none; the error if that isn't known.
    """

    here: Mapping[Reference, Here | None]
    remote: Mapping[Reference, str | GantryError | None]
    logins: Mapping[str, Login]


class Push(NamedTuple):
    """Push one tag."""

    reference: Reference
    login: Login
    retry_for: int

    @property
    def sentence(self) -> str:
        """The step as a sentence."""
        return f"Pushed image {self.reference}"


def parse(params: Mapping[str, Any]) -> Wanted:
    """Return the wanted values, parsed from the module's parameters; raise InvalidInput."""
    references = (parse_tag(name, params["tag"]) for name in params["names"])
    return Wanted(tuple(dict.fromkeys(references)), parse_access(params))


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Return the images here, and the registries' digests for their tags; nothing is pushed."""
    here = engine.ask_all(_here, wanted.references)
    present = [reference for reference in wanted.references if here[reference]]
    logins = wanted.access.logins(reference.registry for reference in present)

    def ask(one: Engine, reference: Reference) -> str | None:
        login = logins[reference.registry]
        remote = patiently(lambda: Distribution(one).remote(reference, login), wanted.access.retry_for)
        return remote.digest if remote else None

    return Observed(here, dict(zip(present, engine.each(ask, present, wanted.access.parallel))), logins)


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Plan to push the tags that a registry doesn't have as they are here."""
    problems = {ref: why for ref in wanted.references if (why := _obstacle(ref, observed))}
    different = {
        ref: here.image
        for ref, here in observed.here.items()
        if here and ref not in problems and observed.remote[ref] not in here.digests
    }
    return Plan(
        steps=tuple(Push(ref, observed.logins[ref.registry], wanted.access.retry_for) for ref in different),
        before={str(ref): observed.remote[ref] for ref in different},
        after={str(ref): image.id for ref, image in different.items()},
        at_once=_at_once(different, wanted.access.parallel),
        problems=tuple(problems.values()),
    )


def apply(engine: Engine, step: Push) -> str:
    """Push one tag; return its digest in the registry."""
    return patiently(lambda: Distribution(engine).push(step.reference, step.login), step.retry_for)


def report(engine: Engine, wanted: Wanted, observed: Observed, planned: Plan, taken: Sequence[Taken]) -> Report:
    """Return the images as inspected, and their digests in the registries."""
    found = engine.find_all(map(str, wanted.references))
    images = [dict(image.inspected) for image in found.values()]
    same = {
        str(ref): observed.remote[ref]
        for ref, here in observed.here.items()
        if here and observed.remote[ref] in here.digests
    }
    single = {"image": images[0]} if len(wanted.references) == len(images) == 1 else {}
    pushed = {str(step.reference): digest for step, digest in taken if digest}
    return Report(
        {"images": images, "digests": {**same, **pushed}, **single}, warnings=tuple(troubles(observed.logins.values()))
    )


def _here(engine: Engine, reference: Reference) -> Here | None:
    image = engine.images.find(str(reference))
    if image is None:
        return None
    return Here(image, frozenset([*digests_in(reference, image.digests), *_parts(engine, image)]))


def _parts(engine: Engine, image: Image) -> list[str]:
    """Return the digests of an index's manifests that are here; none if all are here.

    Then the engine pushes the manifest for its own platform alone (daemon/containerd/image_push.go).
    """
    manifests = engine.images.manifests(image.id)
    here = [manifest.id for manifest in manifests if manifest.available]
    return here if len(here) < len(manifests) else []


def _at_once(references: Collection[Reference], parallel: int) -> int:
    """Return the number of pushes at the same time: one if several are to the same repository.

    Each push leaves out the blobs that another one is sending there, and may end before these have arrived: the
    registry then refuses its manifest.
    """
    return parallel if len({reference.name for reference in references}) == len(references) else 1


def _obstacle(reference: Reference, observed: Observed) -> str | None:
    """Return the reason why a tag can't be pushed; None if it can be."""
    if observed.here[reference] is None:
        return (
            f"There is no image {reference} on this engine to push. Give an image this name (image_tag), or correct it."
        )
    remote = observed.remote[reference]
    return remote.message if isinstance(remote, GantryError) else None
