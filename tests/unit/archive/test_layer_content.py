# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Layers compared by their content: everything counts, except the time of a deletion."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._archive.layer_content import content_digests, newest_layers
from ansible_collections.gantry.docker.plugins.module_utils._errors import Unreadable
from ansible_collections.gantry.docker.tests.support.tars import add


@dataclass(frozen=True)
class File:
    """An entry of a layer."""

    name: str = "d/file"
    data: bytes = b"data"
    mtime: float = 1000
    more: dict[str, Any] = field(default_factory=dict)
    pax: dict[str, str] = field(default_factory=dict)


GONE = File("d/.wh.gone", b"")
FILE = File()


def tar_of(*files: File) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for file in files:
            add(tar, file.name, file.data, mtime=file.mtime, pax_headers=file.pax, **file.more)
    return buffer.getvalue()


def archive_of(**layers: bytes) -> bytes:
    """Return an archive of images of two layers each: base, and one of these."""
    images = [{"Config": "config", "RepoTags": None, "Layers": ["base", name]} for name in layers]
    manifest = File("manifest.json", json.dumps(images).encode())
    return tar_of(File("base", tar_of(FILE)), *(File(name, data) for name, data in layers.items()), manifest)


def pieces(data: bytes, size: int = 700) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def are_alike(one: bytes, other: bytes) -> bool:
    archive = archive_of(one=one, other=other)
    layers = newest_layers(pieces(archive))
    assert layers == {"one", "other"}
    digests = content_digests(pieces(archive), layers)
    assert set(digests) == layers
    return digests["one"] == digests["other"]


@pytest.mark.parametrize(
    "other",
    [
        replace(GONE, mtime=2000),
        replace(GONE, mtime=2000.5),
        replace(GONE, pax={"mtime": "2000.25", "atime": "3000.5", "ctime": "4000.5"}),
    ],
)
def test_when_a_deletion_was_noted_makes_no_difference(other: File) -> None:
    assert are_alike(tar_of(FILE, GONE), tar_of(FILE, other))
    assert are_alike(gzip.compress(tar_of(FILE, GONE)), tar_of(FILE, other))


@pytest.mark.parametrize(
    "other",
    [
        replace(FILE, name="d/other"),
        replace(FILE, data=b"Data"),
        replace(FILE, data=b"data and more"),
        replace(FILE, mtime=2000),
        replace(FILE, mtime=1000.25),
        replace(FILE, more={"mode": 0o600}),
        replace(FILE, more={"uid": 7}),
        replace(FILE, more={"gid": 7}),
        replace(FILE, data=b"", more={"type": tarfile.DIRTYPE}),
        replace(FILE, data=b"", more={"type": tarfile.SYMTYPE, "linkname": "a"}),
        replace(FILE, data=b"", more={"type": tarfile.LNKTYPE, "linkname": "a"}),
        replace(FILE, data=b"", more={"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}),
        replace(FILE, pax={"SCHILY.xattr.user.a": "b"}),
        replace(GONE, name="d/.wh.other"),
        replace(GONE, name="d/.wh..wh..opq"),
    ],
)
def test_everything_else_does(other: File) -> None:
    assert not are_alike(tar_of(FILE, GONE), tar_of(other, GONE))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"type": tarfile.SYMTYPE, "linkname": "a"}, {"type": tarfile.SYMTYPE, "linkname": "b"}),
        ({"type": tarfile.CHRTYPE, "devminor": 3}, {"type": tarfile.CHRTYPE, "devminor": 5}),
    ],
)
def test_where_a_link_or_device_leads_does(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert not are_alike(*(tar_of(replace(FILE, data=b"", more=more)) for more in (one, other)))


def test_the_same_is_alike() -> None:
    assert are_alike(tar_of(FILE, GONE), tar_of(FILE, GONE))


def test_a_large_file_counts_to_its_end() -> None:
    large = bytes(3_000_000)
    assert not are_alike(tar_of(replace(FILE, data=large + b"1")), tar_of(replace(FILE, data=large + b"2")))


def test_a_layer_that_two_images_share_is_one() -> None:
    images = [{"Config": name, "RepoTags": None, "Layers": ["base"]} for name in ("one", "other")]
    archive = tar_of(File("base", tar_of(FILE)), File("manifest.json", json.dumps(images).encode()))
    assert newest_layers(pieces(archive)) == {"base"}


def test_a_layer_that_is_missing_has_no_digest() -> None:
    assert content_digests(pieces(archive_of(one=tar_of(FILE))), {"one", "other"}).keys() == {"one"}


@pytest.mark.parametrize(
    "layer",
    [b"no tar at all, and long enough to be one" * 30, tar_of(FILE)[:600], gzip.compress(tar_of(FILE), mtime=0)[:-9]],
    ids=["no tar", "a truncated tar", "a truncated gzip"],
)
def test_what_is_no_layer_is_unreadable(layer: bytes) -> None:
    with pytest.raises(Unreadable):
        content_digests(pieces(archive_of(one=layer)), {"one"})
