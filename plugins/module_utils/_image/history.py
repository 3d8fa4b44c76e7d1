# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""An image's history: which of its steps made which layer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

# Dockerfile instructions that change the config alone (dockerfile reference, "shell and exec form"
# and BuildKit's dispatch): what they leave is never a layer.
_CONFIG_ONLY = re.compile(
    r"(?:/bin/sh -c #\(nop\)\s+)?"
    r"(?:ARG|CMD|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|SHELL|STOPSIGNAL|USER|VOLUME)\b"
)


def history_rows(history: Sequence[Mapping[str, Any]], diff_ids: Sequence[str]) -> list[dict[str, Any]]:
    """An image's history, each step with the DiffID of the layer that it made, the newest first.

    DiffID is None for a step that made no layer, and where the engine doesn't tell which did.
    history: as the engine tells it, the newest first. diff_ids: the lowest first.
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
    """The sizes of an image's layers, the lowest first, from its history (as in history_rows).

    Where it can't be told which step made a layer of no bytes, these are taken to be the highest: then no sum
    of the lowest layers is too small.
    """
    oldest_first = list(reversed(history))
    makers = _layer_makers(oldest_first, layers) or [bool(row.get("Size")) for row in oldest_first]
    sizes = [int(row.get("Size") or 0) for row, made in zip(oldest_first, makers) if made]
    return tuple([*sizes, *[0] * layers][:layers])


def _layer_makers(rows: Sequence[Mapping[str, Any]], layers: int) -> list[bool] | None:
    """Which rows made a layer; None if that can't be told for sure.

    The engine doesn't say it. A row with a size did; one without may be a layer all the same
    (made by WORKDIR, or by touching nothing). Only a count that comes out even is believed.
    """
    sized = [int(row.get("Size") or 0) > 0 for row in rows]
    possible = [bool(size) or not _CONFIG_ONLY.match(row.get("CreatedBy") or "") for size, row in zip(sized, rows)]
    for guess in (sized, possible):
        if sum(guess) == layers:
            return guess
    return None
