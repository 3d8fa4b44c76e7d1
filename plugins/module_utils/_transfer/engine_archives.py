# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The archives that an engine writes, and those that it takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import engine_said, trying_to
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import encoded
from ansible_collections.gantry.docker.plugins.module_utils._engine.progress import messages
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import MAX_ANSWER, Unexpected
from ansible_collections.gantry.docker.plugins.module_utils._transport.http import Upload, target

# So that the number of pieces is small.
_PIECE = 1024 * 1024


class Transfers:
    """The engine's images as archives."""

    def __init__(self, engine: Engine) -> None:
        self._api = engine.api

    def save(self, names: Sequence[str], platform: Platform | None = None) -> Iterator[bytes]:
        """Yield the archive of these images, piece by piece.

        platform: the only one to save, where a containerd store has an image for several.
        """
        api = self._api
        wanted = encoded(platform) if platform and api.speaks(1, 48) else None
        # A classic store writes a copy of its own first and sends nothing meanwhile.
        path = target("/images/get", names=list(names), platform=wanted)
        with trying_to(f"save {', '.join(names)}"), closing(api.download(path)) as answer:
            pieces = answer.pieces(_PIECE)
            yield next(pieces, b"")
            answer.bound_waits()
            yield from pieces
            # Without chunks an end that comes too early looks like any other; an engine that has ended says nothing.
            api.ping()

    def load(self, archive: Iterable[bytes], size: int, task: str, said: list[str]) -> None:
        """Load an archive.

        archive: its bytes. size: how many these are; there must not be more or fewer of them. task: as in
        errors.trying_to. said: gets what the engine says, line by line, also before an error.
        Raise EngineError for an error inside the answer too. Not every failure is told there: who calls checks what
        is there afterwards.
        """
        begun = len(said)
        with trying_to(task):
            # While it unpacks a layer an engine says nothing, for as long as its disk takes. Without quiet=0 nothing is
            # said before all is done.
            path = target("/images/load", quiet=0)
            answer = self._api.stream("POST", path, Upload(archive, size), patient=True)
            said.extend(_said(messages(answer, task)))
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
