# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pull images from their registries."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils.engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils.engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils.engine.images import Image, RemoteImage
from ansible_collections.gantry.docker.plugins.module_utils.image.errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils.image.platform import Platform, parse_platform
from ansible_collections.gantry.docker.plugins.module_utils.image.reference import Reference, parse_reference
from ansible_collections.gantry.docker.plugins.module_utils.operation.plan import Plan


@dataclass(frozen=True)
class Wanted:
    """newer: whether to ask the registry for a newer image where there is one already."""

    references: tuple[Reference, ...]
    platform: Platform | None
    newer: bool


@dataclass(frozen=True)
class Observed:
    """For each reference: the image here, and the registry's where it had to be asked."""

    here: Mapping[Reference, Image | None]
    remote: Mapping[Reference, RemoteImage]


@dataclass(frozen=True)
class Pull:
    """Pull one image."""

    reference: Reference
    platform: Platform | None

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"Pulled image {self.reference}" + (f" for {self.platform}" if self.platform else "")


def parse(params: Mapping[str, Any]) -> Wanted:
    """What is wanted, from the module's parameters; raises InvalidInput."""
    return Wanted(
        references=tuple(dict.fromkeys(parse_reference(name) for name in params["names"])),
        platform=parse_platform(params["platform"]) if params["platform"] else None,
        newer=params["policy"] == "newer",
    )


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Look for the images here, and ask the registry for each that may have to be pulled.

    The registry is asked before a pull too: so check mode knows a name that is not there, and
    what the tag will point to.
    """
    here = {reference: engine.images.find(str(reference)) for reference in wanted.references}
    asked = [ref for ref in wanted.references if _needs_registry(here[ref], ref, wanted)]
    return Observed(here, {reference: engine.images.remote(reference) for reference in asked})


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Pull what is not here, is for another platform, or has moved in the registry."""
    stale = [ref for ref in wanted.references if ref in observed.remote and _is_stale(ref, wanted, observed)]
    for reference in stale:
        _check_platform(reference, wanted.platform, observed.remote[reference])
    return Plan(
        steps=tuple(Pull(reference, wanted.platform) for reference in stale),
        before={str(reference): _known_digest(observed.here[reference], reference) for reference in stale},
        after={str(reference): observed.remote[reference].digest for reference in stale},
    )


def apply(engine: Engine, step: Pull) -> Mapping[str, Any]:
    """Pull one image, and make sure that it is what was asked for."""
    engine.images.pull(step.reference, step.platform)
    image = engine.images.find(str(step.reference))
    if image is None:
        raise EngineError(f"The engine reported no error, but {step.reference} isn't there after the pull. Try again.")
    if step.platform and not step.platform.includes(image.platform):
        raise EngineError(
            f"{step.reference} was pulled for {step.platform}, but the image that came is for {image.platform}. "
            "Name a platform that the registry has, or leave platform out."
        )
    return {}


def report(engine: Engine, wanted: Wanted, observed: Observed) -> Mapping[str, Any]:
    """The images that are here now, as inspected."""
    found = [engine.images.find(str(reference)) for reference in wanted.references]
    images = [dict(image.inspected) for image in found if image is not None]
    return {"images": images, **({"image": images[0]} if len(found) == len(images) == 1 else {})}


def _needs_registry(image: Image | None, reference: Reference, wanted: Wanted) -> bool:
    if image is None or (wanted.platform and not wanted.platform.includes(image.platform)):
        return True
    return wanted.newer and not reference.digest


def _is_stale(reference: Reference, wanted: Wanted, observed: Observed) -> bool:
    image = observed.here[reference]
    if image is None or (wanted.platform and not wanted.platform.includes(image.platform)):
        return True
    return f"{reference.name}@{observed.remote[reference].digest}" not in image.digests


def _check_platform(reference: Reference, platform: Platform | None, remote: RemoteImage) -> None:
    if platform and remote.platforms and not any(platform.includes(offered) for offered in remote.platforms):
        offered = ", ".join(sorted({str(entry) for entry in remote.platforms}))
        raise GantryError(f"The registry has no {reference} for {platform}; it has it for {offered}.")


def _known_digest(image: Image | None, reference: Reference) -> str | None:
    """The digest by which the reference's registry knows the image; its Id if it never came from there."""
    if image is None:
        return None
    ours = (digest for digest in image.digests if digest.startswith(f"{reference.name}@"))
    return next(ours, image.id).rpartition("@")[2]
