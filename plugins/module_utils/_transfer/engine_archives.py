# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The archives that an engine writes, and those that it takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import engine_said, trying_to
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import encoded
from ansible_collections.gantry.docker.plugins.module_utils._engine.long_answers import (
    bound_waits,
    download,
    messages,
    pieces,
    post,
    waiting_for,
)
from ansible_collections.gantry.docker.plugins.module_utils._engine.sdk import speaks
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import MAX_ANSWER, Unexpected


class Transfers:
    """The engine's images as archives."""

    def __init__(self, engine: Engine) -> None:
        self._api: Any = engine.api

    def save(self, names: Sequence[str], platform: Platform | None = None) -> Iterator[bytes]:
        """Yield the archive of these images, piece by piece.

        platform: the only one to save, where a containerd store has an image for several.
        """
        api = self._api
        params: dict[str, Any] = {"names": list(names)}
        if platform and speaks(api, 1, 48):
            params["platform"] = encoded(platform)

        def first() -> tuple[Any, Iterator[bytes], bytes]:
            # A classic store writes a copy of its own first and sends nothing meanwhile.
            response = download(api, "/images/get", params)
            rest = pieces(response)
            return response, rest, next(rest, b"")

        with trying_to(f"save {', '.join(names)}"):
            response, rest, piece = waiting_for(first, api.ping, api.timeout)
            bound_waits(api, response, api.timeout)
            yield piece
            yield from rest
            # Without chunks an end that comes too early looks like any other; an engine that has ended says nothing.
            api.ping()

    def load(self, archive: Iterable[bytes], size: int, task: str, said: list[str]) -> None:
        """Load an archive.

        archive: its bytes. size: how many these are; there must not be more or fewer of them. task: as in
        errors.trying_to. said: gets what the engine says, line by line, also before an error.
        Raise EngineError for an error inside the answer too. Not every failure is told there: who calls checks what
        is there afterwards.
        """
        api = self._api

        def call() -> None:
            # Without quiet=0 nothing is said before all is done.
            response = post(api, "/images/load", timeout=None, params={"quiet": "0"}, data=_Body(archive, size))
            said.extend(_said(messages(response, task)))

        begun = len(said)
        with trying_to(task):
            # While it unpacks a layer an engine says nothing, for as long as its disk takes.
            waiting_for(call, api.ping, api.timeout)
        # A containerd store says so in plain words, after "Loaded image": daemon/containerd/image_exporter.go.
        failed = [line for line in said[begun:] if line.startswith("Error unpacking image")]
        if failed:
            raise engine_said(task, "; ".join(failed))


def _said(told: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lines of a progress stream that are no progress; raise Unexpected for more than can be held."""
    size = 0
    for message in told:
        text = (message.get("stream") or "").strip()
        size += len(text)
        if size > MAX_ANSWER:
            raise Unexpected("has no end")
        yield from (line for line in text.splitlines() if line)


class _Body:
    """The body of a request, of a size that is told in advance: no piece is copied into a chunk then."""

    def __init__(self, pieces: Iterable[bytes], size: int) -> None:
        self._pieces, self._size = pieces, size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)
