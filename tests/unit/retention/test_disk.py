# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disk usage: the bytes of all images, and the bytes that some of them free."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._archive.blob_sizes import blob_sizes
from ansible_collections.gantry.docker.plugins.module_utils._retention.disk import Disk, Footprint, partings
from ansible_collections.gantry.docker.tests.support import archives

# Layers by their depth; each image takes one byte of its own besides.
SIZES = {"base": 100, "a": 20, "b": 3, "c": 4000}


def disk(**images: str) -> Disk:
    """Return images of layers that are named by letters: a=".ab" has base, a and b."""
    names = {".": "base"}
    layers = {image: [names.get(one, one) for one in stack] for image, stack in images.items()}
    chains = {image: tuple("/".join(stack[: end + 1]) for end in range(len(stack))) for image, stack in layers.items()}
    footprints = {image: Footprint(chains[image], 1 + sum(SIZES[one] for one in layers[image])) for image in images}
    below = {chain: sum(SIZES[one] for one in chain.split("/")) for chain in partings(footprints)}
    return Disk(footprints, below)


@pytest.mark.parametrize(
    ("images", "gone", "freed"),
    [
        ({"x": ".a"}, "x", 121),
        ({"x": ".a"}, "", 0),
        ({"x": ".a", "y": "."}, "x", 21),
        ({"x": ".a", "y": "."}, "y", 1),
        ({"x": ".a", "y": "."}, "xy", 122),
        ({"x": ".a", "y": ".a"}, "y", 1),
        ({"x": ".a", "y": ".b"}, "y", 4),
        ({"x": ".a", "y": ".b"}, "yx", 125),
        ({"x": ".ab", "y": ".ac", "z": "."}, "x", 4),
        ({"x": ".ab", "y": ".ac", "z": "."}, "xy", 4025),
        ({"x": ".ab", "y": ".ac", "z": "."}, "zyx", 4126),
        ({"x": "ab", "y": "ba"}, "x", 24),
        ({"x": "", "y": "a"}, "x", 1),
    ],
)
def test_layers_are_freed_with_their_last_image(images: dict[str, str], gone: str, freed: int) -> None:
    assert disk(**images).freed(gone) == freed
    assert disk(**images).freed(reversed(gone)) == freed


def test_shared_layers_count_once() -> None:
    images = disk(x=".ab", y=".ac", z=".", w="c")
    assert images.total() == 100 + 20 + 3 + 4000 + 4000 + 4


@pytest.mark.parametrize(
    ("twice", "doubtful", "gone", "freed"),
    [
        (2, {"x": 2, "y": 2}, "x", 19),
        (2, {"x": 2, "y": 2}, "xy", 23),
        (4, {"x": 2, "y": 2, "z": 2}, "x", 19),
        (4, {"x": 2, "y": 2, "z": 2}, "xyz", 122),
        (2, {"x": 2}, "y", 4),
        (99, {"x": 99}, "x", 0),
        (0, {"x": 2}, "x", 21),
    ],
)
def test_what_counts_twice_goes_with_the_last(twice: int, doubtful: dict[str, int], gone: str, freed: int) -> None:
    images = disk(x=".a", y=".b", z=".")._replace(twice=twice, doubtful=doubtful)
    assert images.freed(gone) == freed


def test_partings_have_a_holder() -> None:
    images = disk(x=".ab", y=".ac", z=".b")
    assert partings(images.footprints) == {"base": ("x", 1), "base/a": ("x", 2)}


def test_estimates_never_free_less_than_nothing() -> None:
    images = Disk({"x": Footprint(("a", "b"), 5), "y": Footprint(("a", "c"), 50)}, {"a": 9})
    assert images.freed("x") == 0


@pytest.mark.parametrize("count", [10, 1000])
def test_many_images_are_counted(count: int) -> None:
    images = disk(**{f"i{index}": ".a" for index in range(count)})
    assert images.total() == 120 + count


def archive(*blobs: tuple[str, bytes]) -> Iterator[bytes]:
    """Yield an OCI archive with blobs of these digests (the first letter of each)."""
    yield archives.tar({f"blobs/sha256/{digit * 64}": data for digit, data in blobs})[:-1024]
    raise AssertionError("more was read than needed")


def digest(digit: str) -> str:
    return f"sha256:{digit * 64}"


def document(**fields: object) -> bytes:
    return json.dumps(fields).encode()


MANIFEST = document(layers=[{"size": 7}, {"size": 9}])
INDEX = document(manifests=[{"digest": digest("c")}, {"digest": digest("d")}])


@pytest.mark.parametrize(
    ("blobs", "sizes"),
    [
        ([("a", MANIFEST), ("b", bytes(9999))], (7, 9)),
        ([("0", b"{ no JSON"), ("1", b"[]"), ("2", bytes(700)), ("a", MANIFEST)], (7, 9)),
        ([("a", INDEX), ("c", document(layers=[{"size": 1}])), ("d", MANIFEST)], (7, 9)),
        ([("d", document(layers=[{"size": 1}])), ("c", MANIFEST), ("a", INDEX)], (7, 9)),
    ],
)
def test_blob_sizes_are_read_from_the_manifest(blobs: list[tuple[str, bytes]], sizes: tuple[int, ...]) -> None:
    assert blob_sizes(archive(*blobs), digest("a"), 2) == sizes


def test_without_a_manifest_there_are_no_blob_sizes() -> None:
    assert blob_sizes(iter([bytes(1024)]), digest("a"), 2) == ()
