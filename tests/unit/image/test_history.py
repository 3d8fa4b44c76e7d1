# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of an image's history with their layers."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._image.history import history_rows

A, B, C = (f"sha256:{digit * 64}" for digit in "abc")


def row(made_by: str = "", size: int | None = 0) -> dict[str, Any]:
    """Return a row of the engine's history."""
    return {"CreatedBy": made_by, "Size": size, "Comment": "", "Tags": None}


@pytest.mark.parametrize(
    ("history", "layers", "told"),
    [
        ([], [], []),
        ([row(size=9)], [A], [A]),
        ([row("sh", 1), row("ADD x", 9)], [A, B], [B, A]),
        ([row('CMD ["sh"]'), row("ADD x", 9)], [A], [None, A]),
        ([row('/bin/sh -c #(nop)  CMD ["sh"]'), row("/bin/sh -c #(nop) ADD x", 9)], [A], [None, A]),
        # A step that leaves an empty layer
        ([row("sh"), row("ADD x", 9)], [A, B], [B, A]),
        ([row("WORKDIR /x"), row("ENV A=1"), row("ADD x", 9)], [A, B], [B, None, A]),
        ([row("USER x"), row("RUN touch", 0), row("RUN y", 3), row("ADD x", 9)], [A, B, C], [None, C, B, A]),
        # An uncertain match is omitted
        ([row("RUN x"), row("RUN y"), row("ADD x", 9)], [A, B], [None, None, None]),
        ([row("ADD x", 9)], [A, B], [None]),
        ([row(size=None)], [A], [A]),
        ([], [A], []),
    ],
)
def test_each_step_has_its_layer(history: list[dict[str, Any]], layers: list[str], told: list[str | None]) -> None:
    rows = history_rows(history, layers)
    assert [found["DiffID"] for found in rows] == told
    assert [{key: value for key, value in found.items() if key != "DiffID"} for found in rows] == history
