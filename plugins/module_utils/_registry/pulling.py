# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Pulls for all operations: ask the registry first, try again after passing errors, look at the pulled image."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import Reference, digests_in
from ansible_collections.gantry.docker.plugins.module_utils._registry.credentials import Login
from ansible_collections.gantry.docker.plugins.module_utils._registry.distribution import Distribution, RemoteImage
from ansible_collections.gantry.docker.plugins.module_utils._registry.mirrors import Way, way_to
from ansible_collections.gantry.docker.plugins.module_utils._registry.patience import patiently


class Asked(NamedTuple):
    """The image that a pull would bring.

    remote: as the registry or its mirror reports it; None if nobody who could be asked has it, but a pull may bring it.
    known_for: the platform of the engine's image with the same digest, if any. doubt: a sentence about mirrors that the
    engine asks at a pull and can't be asked before; "" if there are none.
    """

    remote: RemoteImage | None
    known_for: Platform | None = None
    doubt: str = ""

    @property
    def digest(self) -> str:
        """The digest of the image; "" if it isn't known."""
        return self.remote.digest if self.remote else ""


def ask(engine: Engine, reference: Reference, image: Image | None, login: Login, retry_for: int) -> Asked:
    """Return the image that a pull would bring, as the reference's registry or its mirrors report it.

    image: the engine's image of the reference. retry_for: the seconds to try again after passing errors.
    Raise GantryError if they don't have the reference, EngineError if they can't be asked.
    """
    way = way_to(engine, reference.registry)
    doubt = _doubt(way, reference)
    try:
        remote, is_sure = patiently(lambda: _ask_all(engine, reference, login, way), retry_for)
    except EngineError as error:
        if error.status is None:
            raise
        if not doubt:
            raise EngineError(f"{error.message} {_of_mirrors(way)}".rstrip(), error.status, error.passing) from error
        return Asked(None, doubt=doubt)
    if remote is None and doubt:
        return Asked(None, doubt=doubt)
    if remote is None:
        told = (
            f"The registry {reference.registry} has no {reference}. Check the name and the tag; some registries also "
            f"answer so if a login is needed. {login.trouble}".rstrip()
        )
        raise GantryError(f"{told} {_of_mirrors(way)}".rstrip())
    doubt = "" if is_sure else doubt
    if image is None or digests_in(reference, image.digests):
        return Asked(remote, doubt=doubt)
    known = engine.images.find(f"{reference.name}@{remote.digest}")
    return Asked(remote, known.platform if known else None, doubt)


def undecidable(reference: Reference, asked: Asked) -> str:
    """Return why no verifier can decide about the image of a reference; "" if one can."""
    if reference.digest or asked.digest:
        return ""
    return (
        f"{reference} can't be pulled with verifier, as its digest can't be known before. {asked.doubt} Name it by its "
        "digest, or pull it without verifier."
    )


def _ask_all(engine: Engine, reference: Reference, login: Login, way: Way) -> tuple[RemoteImage | None, bool]:
    """Return the image of the first registry on the way that has it, and whether none before it was left out.

    A pull passes over a mirror that can't be reached or refuses, and so does this.
    """
    failure: EngineError | None = None
    is_sure = not way.unread
    for mirror in way.mirrors:
        if mirror.unlike or not mirror.serves(reference):
            is_sure = is_sure and not mirror.serves(reference)
            continue
        try:
            found = Distribution(engine).remote(mirror.name_of(reference), mirror.login)
        except EngineError as error:
            failure = failure or error
            continue
        if found:
            return found, is_sure
    if way.own:
        return Distribution(engine).remote(reference, login), is_sure
    if failure:
        raise failure
    return None, is_sure


def _doubt(way: Way, reference: Reference) -> str:
    """Return a sentence about the mirrors that can't be asked before a pull; "" if there are none."""
    unasked = ", ".join(f"{mirror.address} ({mirror.unlike})" for mirror in way.unlike(reference))
    if not unasked and not way.unread:
        return ""
    why = way.unread or f"and can't ask these in the same way beforehand: {unasked}"
    return (
        f"A check run can't know which images pulls from {reference.registry} bring: the engine pulls from the mirrors "
        f"in its {way.file}, {why}."
    )


def _of_mirrors(way: Way) -> str:
    """Return a sentence about mirrors in hosts.toml; "" if there are none.

    Mirrors in daemon.json are for docker.io only, and the engine itself asks them.
    """
    if way.unseen:
        return (
            f"Mirrors in the engine's {way.file} aren't asked, as {way.unseen}. If only a mirror has the image, pull "
            "it by the mirror's name."
        )
    if not way.mirrors:
        return ""
    return f"Nor has one of its mirrors in {way.file}: {', '.join(mirror.address for mirror in way.mirrors)}."


def is_current(reference: Reference, image: Image | None, asked: Asked, own: Platform | None) -> bool:
    """Return whether the engine's image is the one that the registry has, as far as that is known.

    image: the engine's image of the reference. own: the engine's platform, if an image for another one isn't enough.
    """
    if image is None:
        return False
    if asked.remote is None:
        return True
    if own and own != image.platform and own in asked.remote.platforms:
        return False
    known = digests_in(reference, image.digests)
    # A classic store notes the digest of an index only for the first image of it that was pulled. Images for other
    # platforms, pulled later, have no digest (reference/store.go, AddDigest).
    elsewhere = asked.known_for is not None and asked.known_for != image.platform
    return asked.remote.digest in known or (not known and elsewhere)


def here_for(engine: Engine, image: Image | None, platform: Platform | None) -> Image | None:
    """Return the engine's image for a platform; None if it isn't there for it.

    image: the engine's default description. Before API 1.49 a containerd store has no other one. Then this is returned
    if an image for the platform is there, although it may describe another platform that is there too.
    """
    images = engine.images
    found = images.described_for(image, platform)
    if found or image is None or platform is None or images.tells_platforms or not engine.containerd_store:
        return found
    return image if images.is_here_for(image, platform) else None


def pull(
    engine: Engine, reference: Reference, platform: Platform | None, login: Login, retry_for: int, digest: str = ""
) -> Image:
    """Pull one image and return it.

    retry_for: the seconds to try again after passing errors. digest: the digest of the image that must come, whatever
    its tag means by now; "" for the image that the tag means.
    Raise EngineError, also if another image came. In a containerd store the image may still not be whole: see
    Image.flaw.
    """
    exact = reference._replace(digest=digest or reference.digest)
    patiently(lambda: Distribution(engine).pull(exact, platform, login), retry_for)
    if exact != reference:
        engine.images.tag(exact.pinned, reference)
    image = engine.images.find(str(reference))
    found = here_for(engine, image, platform)
    if found:
        return found
    if image is None:
        raise EngineError(f"The engine reported no error, but {reference} isn't there after the pull. Try again.")
    raise EngineError(
        f"{reference} was pulled for {platform}, but the image that came is for {image.platform}. "
        "Name a platform that the registry has, or leave platform out."
    )


def astray(engine: Engine, reference: Reference, image: Image, digest: str) -> str:
    """Return why a pull brought another image than the registry has; "" if it didn't, or if that is unknown.

    digest: the digest of the registry's image; "" if it isn't known. Only a containerd store keeps the digest of every
    pull. And only with it the engine pulls from the mirrors in the registry's hosts.toml (daemon/hosts.go), although it
    doesn't ask them before the pull (distribution/repository.go).
    """
    came = digests_in(reference, image.digests)
    if not came or not digest or digest in came or not engine.containerd_store:
        return ""
    return (
        f"the registry has it as {digest}, but a pull brings {came[0]}: the tag has just moved, or a mirror that the "
        f"engine's certs.d/{reference.registry}/hosts.toml names has another image"
    )
