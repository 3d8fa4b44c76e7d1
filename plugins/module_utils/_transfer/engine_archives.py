# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The archives that an engine writes, and the archives that it loads."""

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
from ansible_collections.gantry.docker.plugins.module_utils._transport.client import Upload, target

# Bytes; large, so that the number of pieces is small.
_PIECE = 1024 * 1024


class Transfers:
    """The calls of an engine that save and load archives."""

    def __init__(self, engine: Engine) -> None:
        self._api = engine.api

    def save(self, names: Sequence[str], platform: Platform | None = None) -> Iterator[bytes]:
        """Yield the archive of these images, piece by piece.

        platform: the only platform to save, if a containerd store has an image for several.
        """
        api = self._api
        wanted = encoded(platform) if platform and api.speaks(1, 48) else None
        # A classic store first writes a copy for itself, and sends nothing meanwhile.
        path = target("/images/get", names=list(names), platform=wanted)
        with trying_to(f"save {', '.join(names)}"), closing(api.download(path)) as answer:
            pieces = answer.pieces(_PIECE)
            yield next(pieces, b"")
            answer.bound_waits()
            yield from pieces
            # Without chunks an answer that ends too early looks complete. A further call fails if the engine has ended.
            api.ping()

    def load(self, archive: Iterable[bytes], size: int, task: str, said: list[str]) -> None:
        """Load an archive.

        archive: its bytes. size: the exact number of these bytes. task: as in errors.trying_to. said: a list that gets
        the engine's messages, line by line, also before an error.
        Raise EngineError also for an error inside the answer. The engine doesn't report every failure there: the caller
        must check the images afterwards.
        """
        begun = len(said)
        with trying_to(task):
            # While an engine unpacks a layer it sends nothing, for as long as its disk takes. Without quiet=0 it sends
            # nothing before everything is done.
            path = target("/images/load", quiet=0)
            answer = self._api.stream("POST", path, Upload(archive, size), patient=True)
            said.extend(_said(messages(answer, task)))
        # A containerd store reports this as plain text, after "Loaded image": daemon/containerd/image_exporter.go.
        failed = [line for line in said[begun:] if line.startswith("Error unpacking image")]
        if failed:
            raise engine_said(task, "; ".join(failed))


def _said(told: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the lines of a progress stream that are text, not progress; raise Unexpected if they exceed MAX_ANSWER."""
    size = 0
    for message in told:
        text = (message.get("stream") or "").strip()
        size += len(text)
        if size > MAX_ANSWER:
            raise Unexpected("has no end")
        yield from (line for line in text.splitlines() if line)
