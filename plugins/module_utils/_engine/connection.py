# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The engine that the connection options or the environment name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from typing import Any, Callable, TypeVar

from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError, trying_to
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image, Images, ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils._engine.threads import on_threads
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform, platform_of
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ImageName
from ansible_collections.gantry.docker.plugins.module_utils._transport.address import resolve, wants_tls
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import Unexpected
from ansible_collections.gantry.docker.plugins.module_utils._transport.client import Client, Refused, unreachable
from ansible_collections.gantry.docker.plugins.module_utils._transport.shapes import INFO

Item = TypeVar("Item")
Result = TypeVar("Result")

# The most connections at a time. Over ssh each costs a login, and a server refuses some of ten logins at once
# (sshd_config, MaxStartups). So there are few over ssh: one, and another for every _WORTH_A_LOGIN questions.
_AT_A_TIME = 16
_SSH_AT_A_TIME, _WORTH_A_LOGIN = 4, 16


class Engine:
    """An engine: its images and its properties.

    api: the client of its API, for rooms that make other calls. options: as address.resolve() returns them.
    """

    def __init__(self, api: Client, options: Mapping[str, Any]) -> None:
        self.api, self.options = api, options
        self.images = Images(api)

    @cached_property
    def _info(self) -> Mapping[str, Any]:
        """The engine's description of itself (docker info)."""
        with trying_to("ask the engine what it is"):
            info: Mapping[str, Any] = INFO(self.api.get("/info"))
            return info

    @cached_property
    def version(self) -> tuple[int, ...]:
        """The engine's version as numbers, as in (28, 5, 2)."""
        digits = str(self._info.get("ServerVersion", "")).split("+", maxsplit=1)[0].split("-", maxsplit=1)[0].split(".")
        return tuple(int(part) for part in digits if part.isdigit())

    @cached_property
    def platform(self) -> Platform:
        """The platform that the engine runs on, and pulls images for by default."""
        return platform_of({"Os": self._info.get("OSType"), "Architecture": self._info.get("Architecture")})

    @property
    def containerd_store(self) -> bool:
        """Whether the store is containerd's, where Ids are digests of manifests or indexes."""
        # daemon/containerd/service.go, LayerStoreStatus
        return ["driver-type", "io.containerd.snapshotter.v1"] in (self._info.get("DriverStatus") or [])

    @cached_property
    def root(self) -> str | None:
        """The root directory of the engine's own files, as this host sees it; None if this host can't see it."""
        from ansible_collections.gantry.docker.plugins.module_utils._transport.local import root_of

        address = self.options["address"]
        return root_of(address.path) if address.by_socket else None

    @property
    def insecure_registries(self) -> list[str]:
        """The registries that the engine may use without TLS: each a host[:port] or a network."""
        found = self._info.get("RegistryConfig") or {}
        named = [name for name, entry in (found.get("IndexConfigs") or {}).items() if not entry.get("Secure", True)]
        return [*named, *(found.get("InsecureRegistryCIDRs") or [])]

    @property
    def data_root(self) -> str:
        """The directory of the engine's data, in its own mount namespace."""
        return str(self._info.get("DockerRootDir") or "")

    @property
    def driver(self) -> str:
        """The program in the engine that keeps layers: overlay2, overlayfs …; a directory has its name."""
        return str(self._info.get("Driver") or "")

    @property
    def containerd_address(self) -> str:
        """The socket of the engine's containerd, in the engine's mount namespace; "" before API 1.46."""
        return str((self._info.get("Containerd") or {}).get("Address") or "")

    def each(
        self, work: Callable[[Engine, Item], Result], items: Sequence[Item], at_once: int
    ) -> list[Result | GantryError]:
        """Do the same work for each item, and return the results in the order of the items.

        work: takes this engine and an item. A GantryError that it raises is the result of that item; the work for the
        other items goes on. at_once: the most items at a time.
        """

        def one(item: Item) -> Result | GantryError:
            try:
                return work(self, item)
            except GantryError as error:
                return error

        workers = min(at_once, len(items))
        return on_threads(one, items, workers) if workers > 1 else [one(item) for item in items]

    def ask_all(self, ask: Callable[[Engine, Item], Result], items: Iterable[Item]) -> dict[Item, Result]:
        """Ask the engine once for each item, and return the answers by item; raise the error of the first failed item.

        Several questions are asked at a time, because a containerd store takes up to 20 ms for each.
        """
        wanted = tuple(dict.fromkeys(items))
        at_once = _AT_A_TIME
        if self.options["address"].by_ssh:
            at_once = min(_SSH_AT_A_TIME, 1 + len(wanted) // _WORTH_A_LOGIN)
        return dict(zip(wanted, _without_errors(self.each(ask, wanted, at_once))))

    def both(self, one: Callable[[Engine], Item], other: Callable[[Engine], Result]) -> tuple[Item, Result]:
        """Do two pieces of work at the same time, wait for both, and return both results; raise the first error."""
        works: Sequence[Callable[[Engine], Any]] = (one, other)
        first, second = _without_errors(self.each(lambda engine, work: work(engine), works, 2))
        return first, second

    def find_all(self, names: Iterable[str]) -> dict[str, Image]:
        """Return the images of references or Ids, by these. Names without an image are left out."""
        return _there(self.ask_all(lambda engine, name: engine.images.find(name), names))

    def find_listed(self, rows: Iterable[ImageSummary]) -> dict[str, Image]:
        """Return the images of rows of the engine's list, by their Ids. Images that are gone are left out."""
        listed = {row.id: row for row in rows}
        return _there(self.ask_all(lambda engine, image_id: engine.images.find_listed(listed[image_id]), listed))

    def meant_all(self, names: Iterable[ImageName]) -> dict[ImageName, Image]:
        """Return the images that the user means by names (Images.meant()), by these. Names without one are left out."""
        return _there(self.ask_all(lambda engine, name: engine.images.meant(name), names))

    @property
    def doubts(self) -> tuple[str, ...]:
        """Sentences for the user about problems with finding the engine."""
        doubts: tuple[str, ...] = self.options["doubts"]
        return doubts

    @property
    def now(self) -> str:
        """The time of the engine's clock, as RFC 3339, when it was asked what it is."""
        return str(self._info.get("SystemTime") or "")

    @property
    def mirrors(self) -> list[str]:
        """The addresses of the mirrors of docker.io in the engine's daemon.json."""
        return list((self._info.get("RegistryConfig") or {}).get("Mirrors") or [])

    def close(self) -> None:
        """Close the connections."""
        self.api.close()


def _without_errors(results: Iterable[Result | GantryError]) -> Iterator[Result]:
    """Yield the results; raise the first one that is an error."""
    for result in results:
        if isinstance(result, GantryError):
            raise result
        yield result


def _there(found: Mapping[Item, Image | None]) -> dict[Item, Image]:
    return {name: image for name, image in found.items() if image}


def connect(params: Mapping[str, Any]) -> Engine:
    """Connect to the engine that the connection options or the environment name.

    Raise InvalidInput for invalid options, EngineError if no engine answers.
    """
    options = resolve(params, os.environ)
    wants_tls(options)  # raises InvalidInput for wrong TLS options, even if the connection doesn't use TLS
    with ExitStack() as undo:
        api = Client(options)
        undo.callback(api.close)
        try:
            api.negotiate()
        except (Refused, Unexpected, OSError, ValueError) as error:
            raise EngineError(" ".join([unreachable(options, error), *options["doubts"]])) from error
        undo.pop_all()
    return Engine(api, options)
