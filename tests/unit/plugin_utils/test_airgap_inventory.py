# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory of a site, and the layers that a bundle for it can leave out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.inventory import (
    Host,
    Layers,
    inventory,
    layers_of,
    named_images,
    needs_blobs,
    parse_inventory,
    spared_layers,
)

A, B, C, PACKED_A, PACKED_B = (f"sha256:{digit * 64}" for digit in "abcde")
CLASSIC, CONTAINERD = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


def image(image_id: str, *layers: str, tags: tuple[str, ...] = ("app:1",), digests: tuple[str, ...] = ()) -> Any:
    """Return an image as inspected."""
    about = {"Os": "linux", "Architecture": "amd64", "RootFS": {"Layers": list(layers)}}
    return {"Id": image_id, "RepoTags": list(tags), "RepoDigests": list(digests), **about}


def saved(*layers: tuple[str, str | None]) -> dict[str, Any]:
    """Return what image_save says of an image. layers: the DiffID and the digest of the blob of each."""
    rows = [{"diff_id": diff_id, "digest": blob, "size": 1, "left_out": True} for diff_id, blob in layers]
    digests = {"config_digest": CLASSIC, "manifest_digest": CONTAINERD, "index_digest": None}
    return {"tags": ["app:1"], "platform": "linux/amd64", **digests, "layers": rows}


FOUND = {"images": [image(CLASSIC, A, B)], "flawed": []}
FOUND_CONTAINERD = {"images": [image(CONTAINERD, A, B, digests=(f"app@{CONTAINERD}",))], "flawed": []}


def test_store_that_knows_images_by_their_manifests_needs_blobs() -> None:
    assert needs_blobs(FOUND_CONTAINERD["images"])
    assert not needs_blobs(FOUND["images"])
    assert not needs_blobs([image(CLASSIC, A, digests=(f"app@{CONTAINERD}",))])


def test_images_without_a_name_or_a_part_of_their_content_do_not_count() -> None:
    found = {"images": [image(A, A, tags=()), image(B, B), image(C, C), image(C, C)], "flawed": [{"Id": B}]}
    assert [row["Id"] for row in named_images(found)] == [C]


def test_what_is_written_is_read_again() -> None:
    contents = {CONTAINERD: [saved((A, PACKED_A), (B, PACKED_B))]}
    text = inventory({"one": {"found": FOUND}, "two": {"found": FOUND_CONTAINERD, "contents": contents}})
    assert parse_inventory(text, "it") == (
        Host("one", (Layers((A, B), (None, None)),)),
        Host("two", (Layers((A, B), (PACKED_A, PACKED_B)),)),
    )


def test_the_order_of_hosts_does_not_change_the_file() -> None:
    told = {"found": FOUND}
    assert inventory({"one": told, "two": told}) == inventory({"two": told, "one": told})


@pytest.mark.parametrize("contents", [{}, {CONTAINERD: [saved((A, PACKED_A), (B, None))]}])
def test_image_whose_blobs_are_not_known_is_left_out(contents: dict[str, Any]) -> None:
    text = inventory({"two": {"found": FOUND_CONTAINERD, "contents": contents}})
    assert parse_inventory(text, "it") == (Host("two", ()),)


CLASSIC_HOST = Host("classic", (Layers((A, B), (None, None)),))
CONTAINERD_HOST = Host("containerd", (Layers((A, B), (PACKED_A, PACKED_B)),))


@pytest.mark.parametrize(
    ("hosts", "images", "spared"),
    [
        ([CLASSIC_HOST], [Layers((A, B, C), (None,) * 3)], {A, B}),
        ([CLASSIC_HOST], [Layers((A, B, C), (PACKED_A, PACKED_B, None))], {A, B}),
        ([CONTAINERD_HOST], [Layers((A, B, C), (PACKED_A, PACKED_B, C))], {A, B}),
        # The store has another form of the upper layer, or it isn't known which form comes.
        ([CONTAINERD_HOST], [Layers((A, B, C), (PACKED_A, B, C))], {A}),
        ([CONTAINERD_HOST], [Layers((A, B, C), (None,) * 3)], set()),
        # A layer is another one on top of other layers.
        ([CLASSIC_HOST], [Layers((B, A), (None, None))], set()),
        ([CLASSIC_HOST], [Layers((A, B), (None, None)), Layers((C, B), (None, None))], {A}),
        # What one host lacks is carried for all.
        ([CLASSIC_HOST, CONTAINERD_HOST], [Layers((A, B), (PACKED_A, PACKED_B))], {A, B}),
        ([CLASSIC_HOST, CONTAINERD_HOST], [Layers((A, B), (A, B))], set()),
        ([CLASSIC_HOST, Host("empty", ())], [Layers((A, B), (None, None))], set()),
        ([], [Layers((A, B), (None, None))], set()),
    ],
)
def test_only_layers_that_each_host_can_use_are_left_out(
    hosts: list[Host], images: list[Layers], spared: set[str]
) -> None:
    assert spared_layers(images, hosts) == spared


def test_layers_to_carry_have_their_blobs_if_these_are_known() -> None:
    contents = {CONTAINERD: [saved((A, PACKED_A), (B, PACKED_B))]}
    assert layers_of(FOUND, contents) == [Layers((A, B), (None, None))]
    assert layers_of(FOUND_CONTAINERD, contents) == [Layers((A, B), (PACKED_A, PACKED_B))]


GOOD = json.loads(inventory({"one": {"found": FOUND}}))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"kind": "gantry.docker.airgap bundle"}, "no document of the kind"),
        ({"version": 2}, "made by another version"),
        ({"version": True}, "made by another version"),
        ({"hosts": {}}, "no host"),
        ({"hosts": {"one": {A: []}}}, "an image that isn't described"),
        ({"hosts": ["one"]}, "no object"),
        ({"images": {CLASSIC: [{"layers": [{"diff_id": 1}]}]}}, "no digest"),
        ({"images": {CLASSIC: [{"layers": [{"diff_id": A, "blob": "../x"}]}]}}, "no digest"),
        ({"images": {CLASSIC: [{"layers": "x"}]}}, "no list"),
        ({"images": {CLASSIC: [{"layers": [{"diff_id": A}] * 100_001}]}}, "too many layers"),
    ],
)
def test_an_inventory_that_is_none_is_refused(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_inventory(json.dumps({**GOOD, **wrong}), "The inventory x")
    assert caught.value.message.startswith("The inventory x can't be used: ")
    assert reason in caught.value.message


@pytest.mark.parametrize("text", ["", "[]", "{", "\udcff", '{"kind": 1, "kind": 2}', "[" * 100_000, "1" * 5000])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="The inventory x can't be used"):
        parse_inventory(text, "The inventory x")
