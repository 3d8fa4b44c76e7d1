# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The engine that the connection options name."""

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
from ansible_collections.gantry.docker.plugins.module_utils._transport.http import Client, Refused, unreachable
from ansible_collections.gantry.docker.plugins.module_utils._transport.shapes import INFO

Item = TypeVar("Item")
Result = TypeVar("Result")

# Connections to ask on at the same time. Over ssh each costs a login, and a server refuses some when ten come at once
# (sshd_config, MaxStartups): there are few, and one for so many questions.
_AT_A_TIME = 16
_SSH_AT_A_TIME, _WORTH_A_LOGIN = 4, 16


class Engine:
    """One engine: its images, and what it is.

    api: the way to ask it, for the rooms that do. options: as address.resolve gives them.
    """

    def __init__(self, api: Client, options: Mapping[str, Any]) -> None:
        self.api, self.options = api, options
        self.images = Images(api)

    @cached_property
    def info(self) -> Mapping[str, Any]:
        """What the engine says of itself (docker info)."""
        with trying_to("ask the engine what it is"):
            info: Mapping[str, Any] = INFO(self.api.get("/info"))
            return info

    @property
    def version(self) -> tuple[int, ...]:
        """The engine's version as numbers; (28, 5, 2)."""
        digits = str(self.info.get("ServerVersion", "")).split("+", maxsplit=1)[0].split("-", maxsplit=1)[0].split(".")
        return tuple(int(part) for part in digits if part.isdigit())

    @property
    def platform(self) -> Platform:
        """What it runs, and pulls unless told otherwise."""
        return platform_of({"Os": self.info.get("OSType"), "Architecture": self.info.get("Architecture")})

    @property
    def containerd_store(self) -> bool:
        """Whether images lie in containerd's store, where Ids are digests of manifests."""
        # daemon/containerd/service.go, LayerStoreStatus
        return ["driver-type", "io.containerd.snapshotter.v1"] in (self.info.get("DriverStatus") or [])

    def each(
        self, work: Callable[[Engine, Item], Result], items: Sequence[Item], at_once: int
    ) -> list[Result | GantryError]:
        """Do the same work for each item, so many at a time; the results in the items' order.

        work: gets this engine, and the item. A GantryError that it raises is that item's result, and the others go on.
        """

        def one(item: Item) -> Result | GantryError:
            try:
                return work(self, item)
            except GantryError as error:
                return error

        workers = min(at_once, len(items))
        return on_threads(one, items, workers) if workers > 1 else [one(item) for item in items]

    def ask_all(self, ask: Callable[[Engine, Item], Result], items: Iterable[Item]) -> dict[Item, Result]:
        """What the engine is asked for each item, by it; each item once. Raises the first item's error.

        Several are asked for at a time: containerd stores take up to 20 ms for each.
        """
        wanted = tuple(dict.fromkeys(items))
        at_once = _AT_A_TIME
        if str(self.options["docker_host"]).startswith("ssh:"):
            at_once = min(_SSH_AT_A_TIME, 1 + len(wanted) // _WORTH_A_LOGIN)
        return dict(zip(wanted, _without_errors(self.each(ask, wanted, at_once))))

    def both(self, one: Callable[[Engine], Item], other: Callable[[Engine], Result]) -> tuple[Item, Result]:
        """Do two pieces of work at the same time, and wait for both. Raises the first one's error."""
        works: Sequence[Callable[[Engine], Any]] = (one, other)
        first, second = _without_errors(self.each(lambda engine, work: work(engine), works, 2))
        return first, second

    def find_all(self, names: Iterable[str]) -> dict[str, Image]:
        """The images of references or Ids, by these; those that name none are left out."""
        return _there(self.ask_all(lambda engine, name: engine.images.find(name), names))

    def find_listed(self, rows: Iterable[ImageSummary]) -> dict[str, Image]:
        """The images of rows of the list, by their Ids; those that are gone are left out."""
        listed = {row.id: row for row in rows}
        return _there(self.ask_all(lambda engine, image_id: engine.images.find_listed(listed[image_id]), listed))

    def meant_all(self, names: Iterable[ImageName]) -> dict[ImageName, Image]:
        """The images that the user means by names, as Images.meant() has it, by these; not those that mean none."""
        return _there(self.ask_all(lambda engine, name: engine.images.meant(name), names))

    @property
    def doubts(self) -> tuple[str, ...]:
        """What the user should know of how the engine was found, as sentences."""
        doubts: tuple[str, ...] = self.options["doubts"]
        return doubts

    @property
    def now(self) -> str:
        """The time by the engine's clock when it was asked what it is, as RFC 3339."""
        return str(self.info.get("SystemTime") or "")

    def close(self) -> None:
        """Let go of the connections."""
        self.api.close()


def _without_errors(results: Iterable[Result | GantryError]) -> Iterator[Result]:
    """The results; raises the first one that is an error."""
    for result in results:
        if isinstance(result, GantryError):
            raise result
        yield result


def _there(found: Mapping[Item, Image | None]) -> dict[Item, Image]:
    return {name: image for name, image in found.items() if image}


def connect(params: Mapping[str, Any]) -> Engine:
    """Connect to the engine that the connection options or the environment name.

    Raises InvalidInput for options that can't be, EngineError if no engine answers.
    """
    options = resolve(params, os.environ)
    wants_tls(options)  # what is wrong with its options is told whatever way there is
    with ExitStack() as undo:
        api = Client(options)
        undo.callback(api.close)
        try:
            api.negotiate()
        except (Refused, Unexpected, OSError, ValueError) as error:
            raise EngineError(" ".join([unreachable(options, error), *options["doubts"]])) from error
        undo.pop_all()
    return Engine(api, options)
