# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The history of an image: which of its steps made which layer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

# Dockerfile instructions that change only the config (Dockerfile reference, "shell and exec form", and BuildKit's
# dispatch). They never make a layer.
_CONFIG_ONLY = re.compile(
    r"(?:/bin/sh -c #\(nop\)\s+)?"
    r"(?:ARG|CMD|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|SHELL|STOPSIGNAL|USER|VOLUME)\b"
)


def history_rows(history: Sequence[Mapping[str, Any]], diff_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the history of an image, the newest step first, each step with the DiffID of the layer that it made.

    DiffID is None for a step that made no layer, and for all steps if it is unknown which of them made the layers.
    history: as the engine reports it, the newest step first. diff_ids: the lowest layer first.
    """
    oldest_first = list(reversed(history))
    makers = _layer_makers(oldest_first, len(diff_ids))
    layers = iter(diff_ids)
    rows = [
        {**row, "DiffID": next(layers, None) if makers and makers[index] else None}
        for index, row in enumerate(oldest_first)
    ]
    return list(reversed(rows))


def layer_sizes(history: Sequence[Mapping[str, Any]], layers: int) -> tuple[int, ...]:
    """Return the sizes of an image's layers, the lowest first, from its history (as in history_rows).

    If it is unknown which steps made the layers of 0 bytes, these layers count as the highest. So no sum of the
    lowest layers is too small.
    """
    oldest_first = list(reversed(history))
    makers = _layer_makers(oldest_first, layers) or [bool(row.get("Size")) for row in oldest_first]
    sizes = [int(row.get("Size") or 0) for row, made in zip(oldest_first, makers) if made]
    return tuple([*sizes, *[0] * layers][:layers])


def _layer_makers(rows: Sequence[Mapping[str, Any]], layers: int) -> list[bool] | None:
    """Return for each row whether it made a layer; None if that is uncertain.

    The engine doesn't report it. A row with a size made a layer. A row without a size may have made one too (by
    WORKDIR, or by a command that changed no file). A guess counts only if it gives exactly the number of layers.
    """
    sized = [int(row.get("Size") or 0) > 0 for row in rows]
    possible = [bool(size) or not _CONFIG_ONLY.match(row.get("CreatedBy") or "") for size, row in zip(sized, rows)]
    for guess in (sized, possible):
        if sum(guess) == layers:
            return guess
    return None
