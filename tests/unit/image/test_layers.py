# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layers: chain IDs, and which step of a history made which layer."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils.image.layers import (
    can_be_left_out,
    chain_ids,
    history_rows,
    holders,
)

A, B, C = (f"sha256:{digit * 64}" for digit in "abc")


def chained(below: str, layer: str) -> str:
    """A chain ID by its definition."""
    return f"sha256:{hashlib.sha256(f'{below} {layer}'.encode()).hexdigest()}"


@pytest.mark.parametrize(
    ("layers", "chain"),
    [
        ([], ()),
        ([A], (A,)),
        ([A, B], (A, chained(A, B))),
        ([A, B, A], (A, chained(A, B), chained(chained(A, B), A))),
    ],
)
def test_chain_ids(layers: list[str], chain: tuple[str, ...]) -> None:
    assert chain_ids(layers) == chain


def test_holders() -> None:
    """The same layer on top of others is another one."""
    images = {"x": [A, B], "y": [A], "z": [A, B, A], "w": [B]}
    assert holders(images) == {
        A: ["x", "y", "z"],
        chained(A, B): ["x", "z"],
        chained(chained(A, B), A): ["z"],
        B: ["w"],
    }


@pytest.mark.parametrize(
    ("images", "there", "left_out"),
    [
        ([], {A}, set()),
        ([[A, B]], set(), set()),
        ([[A, B]], {A}, {A}),
        ([[A, B]], {A, B, C}, {A, B}),
        # A layer is of no use without those below it.
        ([[A, B]], {B}, set()),
        ([[A, B, C]], {A, C}, {A}),
        # One that another image needs must be sent.
        ([[A, B], [C, A]], {A}, set()),
        ([[A, B], [A, C]], {A}, {A}),
        ([[A, C, A]], {A}, set()),
    ],
)
def test_can_be_left_out(images: list[list[str]], there: set[str], left_out: set[str]) -> None:
    assert can_be_left_out(images, there) == left_out


def row(made_by: str = "", size: int | None = 0) -> dict[str, Any]:
    """A row as the engine tells it."""
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
        # What can't be told for sure isn't told
        ([row("RUN x"), row("RUN y"), row("ADD x", 9)], [A, B], [None, None, None]),
        ([row("ADD x", 9)], [A, B], [None]),
        ([row(size=None)], [A], [A]),
        ([], [A], []),
    ],
)
def test_history(history: list[dict[str, Any]], layers: list[str], told: list[str | None]) -> None:
    rows = history_rows(history, layers)
    assert [found["DiffID"] for found in rows] == told
    assert [{key: value for key, value in found.items() if key != "DiffID"} for found in rows] == history
