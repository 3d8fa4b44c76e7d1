# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layers: chain IDs, the images with a layer, and layers that can be left out."""

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._image.layers import (
    can_be_left_out,
    chain_ids,
    holders,
)

A, B, C = (f"sha256:{digit * 64}" for digit in "abc")


def chained(below: str, layer: str) -> str:
    """Return a chain ID by its definition."""
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
def test_chain_ids_are_those_of_the_specification(layers: list[str], chain: tuple[str, ...]) -> None:
    assert chain_ids(layers) == chain


def test_holders_share_a_layer_and_all_below_it() -> None:
    """The same layer on top of others counts as another one."""
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
        # A layer is of no use without the layers below it.
        ([[A, B]], {B}, set()),
        ([[A, B, C]], {A, C}, {A}),
        # One that another image needs must be sent.
        ([[A, B], [C, A]], {A}, set()),
        ([[A, B], [A, C]], {A}, {A}),
        ([[A, C, A]], {A}, set()),
    ],
)
def test_layers_can_be_left_out_from_the_lowest_up(
    images: list[list[str]], there: set[str], left_out: set[str]
) -> None:
    assert can_be_left_out(images, there) == left_out
