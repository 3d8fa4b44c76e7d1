# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thin archives for a host: it finds the same images in them as there are in the archive on the controller."""

from __future__ import annotations

import io
import json
import random
import subprocess
import tarfile
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._archive.artifacts import artifacts_of, images_of
from ansible_collections.gantry.docker.plugins.module_utils._archive.compressed import Packer, Unpacker
from ansible_collections.gantry.docker.plugins.module_utils._archive.compression import LEVELS, Compression
from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import archived_identity, groups_of
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchiveIndex, read_index
from ansible_collections.gantry.docker.plugins.module_utils._archive.thin import (
    document_archive,
    held_layers,
    thin_archive,
    thin_archive_of_stream,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify, verify_pieces
from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import assembled
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, Unreadable
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform
from ansible_collections.gantry.docker.tests.support import archives
from ansible_collections.gantry.docker.tests.support.archives import APP, ARM, BASE, TOOL, Content, Image
from ansible_collections.gantry.docker.tests.support.hostile import HOSTILE, ODD, SMALL

NOISE = random.Random(2).randbytes(3 << 20)  # noqa: S311
PLAIN = archives.tar({"plain": b"again and again " * (1 << 17)})
MIXED = Image((BASE, PLAIN, archives.tar({"noise": NOISE})), tags=("mixed:1",))
INDEX = archives.index_of(APP, ARM)
ARCHIVES: dict[str, Mapping[str, Content]] = {
    "legacy": archives.legacy(APP, TOOL),
    "podman": archives.podman(APP, TOOL),
    "ancient": archives.ancient(APP, TOOL),
    "oci": archives.oci(APP, TOOL),
    "oci, compressed": archives.oci(APP, TOOL, compression="gzip"),
    "both": archives.both(APP, TOOL),
    "several platforms": archives.multi_platform(INDEX, ["app:1"], APP, ARM),
    "one platform of several": archives.multi_platform(INDEX, ["app:1"], APP),
    "an index, and a manifest of it": {
        **archives.multi_platform(INDEX, ["app:1"], APP, ARM),
        **archives.layout(
            [
                *archives.named(archives.descriptor(INDEX, archives.OCI_INDEX), ["app:1"]),
                *archives.named(archives.descriptor(archives.manifest(APP), archives.OCI_MANIFEST), ["alone:1"]),
            ]
        ),
    },
    "artifacts": archives.with_artifacts(),
}


def controller(path: Path, data: bytes) -> ArchiveIndex:
    """Return the index of an archive on the controller."""
    (path / "images.tar").write_bytes(data)
    return read_index(path / "images.tar")


def documents(path: Path, index: ArchiveIndex) -> ArchiveIndex:
    """Return the index of the document archive."""
    (path / "documents.tar").write_bytes(b"".join(assembled(document_archive(index))))
    return read_index(path / "documents.tar")


def thin(path: Path, index: ArchiveIndex, names: Collection[str], kind: str = "none") -> ArchiveIndex:
    """Write a thin archive as the action plugin does, and return the index that its reader finds."""
    level = LEVELS[kind][1] if kind in LEVELS else 0
    with (path / "images.tar").open("rb") as whole, (path / "thin.tar").open("wb") as file:
        parts = thin_archive(index, names, Unpacker(whole, index).data)
        with Packer(file, Compression(kind, level, 1)) as packer:
            packer.finish(verify_pieces(packer.tee(assembled(parts)), "thin.tar"))
    assert read_index(path / "thin.tar").images == verify(path / "thin.tar").images
    return read_index(path / "thin.tar")


def told(index: ArchiveIndex) -> list[tuple[object, ...]]:
    """Return all that decides what an engine gets of an archive, but for where its layers lie."""
    images = index._replace(images=images_of(index))
    found: list[tuple[object, ...]] = [(index.format, artifacts_of(index))]
    for by_index in ((lambda: True), (lambda: False)):
        for group in groups_of(images, lambda: Platform("linux", "amd64"), by_index):
            parts = [
                (archived_identity(image), image.config_digest, image.manifest_digest, image.index_digest, image.listed)
                for image in group.images
            ]
            missing = [bool(image.missing) for image in group.images]
            found.append((group.tags, archived_identity(group.image), parts, missing))
    return found


@pytest.mark.parametrize("name", ARCHIVES)
def test_host_finds_the_images_of_the_controller(name: str, tmp_path: Path) -> None:
    index = controller(tmp_path, archives.tar(ARCHIVES[name]))
    asked = documents(tmp_path, index)
    assert told(asked) == told(index)
    assert not any(layer.present for image in asked.images for layer in image.layers)
    held = held_layers(asked)
    assert held.keys() == asked.left_out.keys()
    whole = thin(tmp_path, index, held)
    assert told(whole) == told(index)
    assert not whole.left_out and all(layer.present for image in images_of(whole) for layer in image.layers)
    assert {name: whole.entries[name].size for name in held} == held
    one = sorted(held)[0]
    part = thin(tmp_path, index, [one])
    assert told(part) == told(index)
    assert part.left_out.keys() == held.keys() - {one}


@pytest.mark.parametrize("name", [name for name in ARCHIVES if name not in ("legacy", "podman", "ancient")])
def test_host_finds_the_images_of_an_archive_that_comes_once(name: str, tmp_path: Path) -> None:
    data = archives.tar(ARCHIVES[name])
    index = controller(tmp_path, data)
    asked = documents(tmp_path, index)
    for names in ([], sorted(asked.left_out)[:1], list(asked.left_out)):
        pieces = (data[start : start + 700] for start in range(0, len(data), 700))
        got = b"".join(assembled(thin_archive_of_stream(asked, names, pieces)))
        (tmp_path / "once.tar").write_bytes(got)
        thin(tmp_path, index, names)
        assert verify(tmp_path / "once.tar").images == read_index(tmp_path / "thin.tar").images
        assert got == (tmp_path / "thin.tar").read_bytes()


def test_archive_that_comes_once_without_a_layer_is_refused(tmp_path: Path) -> None:
    asked = documents(tmp_path, controller(tmp_path, archives.tar(archives.both(APP))))
    other = iter([archives.tar(archives.both(TOOL))])
    with pytest.raises(Unreadable, match="lacks blobs/sha256"):
        list(assembled(thin_archive_of_stream(asked, list(asked.left_out), other)))


@pytest.mark.parametrize("name", HOSTILE)
def test_archive_that_is_hostile_the_second_time_brings_nothing_that_was_not_judged(name: str, tmp_path: Path) -> None:
    asked = documents(tmp_path, controller(tmp_path, archives.tar(archives.both(SMALL))))
    parts = thin_archive_of_stream(asked, list(asked.left_out), iter([HOSTILE[name].build()]))
    with suppress(GantryError, Unreadable):
        assert told(verify_pieces(assembled(parts), "thin.tar")) == told(asked)


@pytest.mark.parametrize("name", ODD)
def test_host_is_told_what_was_judged(name: str, tmp_path: Path) -> None:
    index = controller(tmp_path, ODD[name].build())
    assert told(documents(tmp_path, index)) == told(index)


def test_document_archive_is_small(tmp_path: Path) -> None:
    index = controller(tmp_path, archives.tar(archives.both(MIXED)))
    documents(tmp_path, index)
    assert (tmp_path / "documents.tar").stat().st_size < 16 << 10


def test_artifacts_stay_and_attestations_come(tmp_path: Path) -> None:
    manifest, bill = archives.encoded({"schemaVersion": 2, "layers": []}), b'{"bill": "of materials"}'
    entries = {**archives.with_artifacts(), archives.blob(manifest): manifest, archives.blob(bill): bill}
    index = controller(tmp_path, archives.tar(entries))
    got = thin(tmp_path, index, [])
    assert {archives.blob(manifest), archives.blob(bill)} <= got.entries.keys()
    assert archives.blob(b"\x1f\x8bchart") in index.entries.keys() - got.entries.keys()


def test_thin_archive_of_a_thin_one_says_what_it_lacks(tmp_path: Path) -> None:
    entries = archives.both(APP)
    index = controller(tmp_path, archives.tar(entries))
    first, second = held_layers(documents(tmp_path, index))
    thin(tmp_path, index, [second])
    index = controller(tmp_path, (tmp_path / "thin.tar").read_bytes())
    asked = documents(tmp_path, index)
    assert held_layers(asked).keys() == {second}
    assert asked.left_out.keys() == {first, second}
    assert not any(image.missing for image in asked.images)
    assert thin(tmp_path, index, [first, second]).left_out.keys() == {first}


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_what_is_compressed_is_not_compressed_again(kind: str, tmp_path: Path) -> None:
    packed = archives.packed(MIXED.layers[2], "gzip")
    other = Image((PLAIN, BASE), tags=("plain:1",))
    entries = {**archives.both(MIXED, compression="gzip"), **archives.blobs(other)}
    described = json.loads(archives.encoded([archives.listed(MIXED, "gzip"), archives.listed(other)]))
    manifests = [
        *archives.named(archives.descriptor(archives.manifest(MIXED, "gzip"), archives.OCI_MANIFEST), MIXED.tags),
        *archives.named(archives.descriptor(archives.manifest(other), archives.OCI_MANIFEST), other.tags),
    ]
    entries = {**entries, **archives.layout(manifests), "manifest.json": archives.encoded(described)}
    index = controller(tmp_path, archives.tar(entries))
    held = held_layers(documents(tmp_path, index))
    thin(tmp_path, index, held, kind)
    data = (tmp_path / "thin.tar").read_bytes()
    assert packed[1000:2000] in data, "it is not as it was"
    assert len(data) < len(packed) + (64 << 10), "the other layers are as they were"
    command = {"gzip": ["gzip", "-dc"], "zstd": ["zstd", "-dc"]}[kind]
    plain = subprocess.run(command, input=data, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        assert held.keys() <= set(tar.getnames())
