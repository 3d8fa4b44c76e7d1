# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Requests that the engine makes to registries: queries, pulls and pushes of images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError, trying_to
from ansible_collections.gantry.docker.plugins.module_utils._engine.progress import messages
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform, platform_of
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import Reference
from ansible_collections.gantry.docker.plugins.module_utils._registry.credentials import Login
from ansible_collections.gantry.docker.plugins.module_utils._transport.client import NotFound, target
from ansible_collections.gantry.docker.plugins.module_utils._transport.shapes import REMOTE_IMAGE

# The last message of a push: distribution/push_v2.go, daemon/containerd/image_push.go.
_PUSHED = re.compile(r"digest: (sha256:[0-9a-f]{64}) size: ")
# How engines report that a registry doesn't accept the login (401, 403).
_REFUSED = re.compile(r"unauthorized|denied|no basic auth credentials|authentication required|forbidden", re.IGNORECASE)


class RemoteImage(NamedTuple):
    """An image in a registry: the digest of its manifest or index, and its platforms."""

    digest: str
    platforms: tuple[Platform, ...]


class Distribution:
    """The registries as an engine reaches them."""

    def __init__(self, engine: Engine) -> None:
        self._api = engine.api

    def remote(self, reference: Reference, login: Login) -> RemoteImage | None:
        """Return the registry's image of a reference, without a pull; None if it has none. The engine asks for it."""
        path = target("/distribution/{}/json", reference.listed)
        with _shown(login), trying_to(f"ask the registry {reference.registry} for {reference}", reference.registry):
            try:
                answer = REMOTE_IMAGE(self._api.ask("GET", path, headers=login.header).value)
            except NotFound:
                return None
        platforms = answer.get("Platforms") or []
        return RemoteImage(answer["Descriptor"]["digest"], tuple(platform_of(entry) for entry in platforms))

    def pull(self, reference: Reference, platform: Platform | None, login: Login) -> None:
        """Pull one image, by its digest if the reference has one."""
        task = f"pull {reference}"
        wanted = str(platform) if platform else None
        tag = reference.digest or reference.tag
        path = target("/images/create", fromImage=reference.name, tag=tag, platform=wanted)
        with _shown(login), trying_to(task, reference.registry):
            for _message in messages(self._api.stream("POST", path, headers=login.header), task):
                pass

    def push(self, reference: Reference, login: Login) -> str:
        """Push one tag to its registry; return its digest there."""
        task = f"push {reference}"
        digest: str | None = None
        with _shown(login), trying_to(task, reference.registry):
            path = target("/images/{}/push", reference.name, tag=reference.tag)
            for message in messages(self._api.stream("POST", path, headers=login.header), task):
                found = _PUSHED.search(message.get("status") or "")
                digest = found.group(1) if found else digest
        if digest is None:
            raise EngineError(f"The engine pushed {reference}, but didn't report its digest. Try again.")
        return digest


@contextmanager
def _shown(login: Login) -> Iterator[None]:
    """Add the login's trouble to the error if the registry refuses the login."""
    try:
        yield
    except EngineError as error:
        if login.trouble and _REFUSED.search(error.message):
            raise EngineError(f"{error.message} {login.trouble}", error.status, error.passing) from error
        raise
