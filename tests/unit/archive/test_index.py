# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives of every layout and compression, and bad ones of every kind: reading gives an index, or ArchiveError."""

from __future__ import annotations

import io
import json
import os
import resource
import struct
import sys
import tarfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import archived_tags
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import (
    ArchivedImage,
    ArchiveError,
    ArchiveIndex,
    read_index,
    read_index_of,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify, verify_of
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.tests.support import archives
from ansible_collections.gantry.docker.tests.support.archives import APP, ARM, BASE, TOOL, Content, Image, Link
from ansible_collections.gantry.docker.tests.support.hostile import changed, head, padded

COMPRESSIONS = ("none", "gzip", "xz", "bzip2", "zstd")
MIB = 1 << 20
ROOM = "ansible_collections.gantry.docker.plugins.module_utils._archive"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "images.tar"


Read = Callable[[bytes], ArchiveIndex]


@pytest.fixture(params=["read_index", "verify"])
def read(request: pytest.FixtureRequest, path: Path) -> Read:
    """Both ways to an index: by seeking, and by reading everything."""

    def index(data: bytes) -> ArchiveIndex:
        path.write_bytes(data)
        return verify(path) if request.param == "verify" else read_index(path)

    return index


def by_tags(index: ArchiveIndex) -> dict[tuple[str, ...], ArchivedImage]:
    return {image.tags: image for image in index.images}


def held(index: ArchiveIndex) -> list[tuple[str | None, frozenset[str]]]:
    return [(image.config_digest, archived_tags(image)) for image in index.images]


def without(entries: Mapping[str, Content], *names: str) -> dict[str, Content]:
    return {name: content for name, content in entries.items() if name not in names}


# The content of archives of every layout

LAYOUTS = {
    "legacy": ("legacy", archives.legacy),
    "podman": ("legacy", archives.podman),
    "oci": ("oci", archives.oci),
    "both": ("both", archives.both),
}


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_images_of_every_layout_and_compression_are_read(layout: str, compression: str, read: Read) -> None:
    form, write = LAYOUTS[layout]
    index = read(archives.packed(archives.tar(write(APP, TOOL)), compression))
    assert (index.format, index.compression) == (form, compression)
    assert len(index.images) == 2
    for image in (APP, TOOL):
        expected = tuple(archives.full(tag) for tag in image.tags) if layout == "oci" else image.tags
        found = by_tags(index)[expected]
        assert found.config_digest == image.config_digest
        assert found.diff_ids == image.diff_ids
        assert found.config == image.settings
        assert [row["created_by"] for row in found.history] == [f"step {n}" for n in range(len(image.layers))]
        assert (found.os, found.architecture, found.variant) == ("linux", "amd64", "")
        assert found.created == "2026-01-02T03:04:05.678901234Z"
        assert found.missing == ()
        assert found.listed == (layout != "oci")
        assert [(layer.diff_id, layer.size, layer.present) for layer in found.layers] == [
            (archives.digest(data), len(data), True) for data in image.layers
        ]
        assert found.index_digest is None
        in_layout = form != "legacy"
        assert found.manifest_digest == (archives.digest(archives.manifest(image)) if in_layout else None)
        assert [layer.digest for layer in found.layers] == [
            archives.digest(data) if in_layout else None for data in image.layers
        ]


def test_entries_have_their_places(path: Path) -> None:
    data = archives.tar(archives.both(APP), directories=["blobs", "blobs/sha256"])
    path.write_bytes(data)
    index = read_index(path)
    for name, content in archives.both(APP).items():
        entry = index.entries[name]
        assert data[entry.offset : entry.offset + entry.size] == content
        assert tarfile.TarInfo.frombuf(data[entry.start :][:512], "utf-8", "strict").name == name
        assert entry.end % 512 == 0
    assert data[index.end :] == bytes(1024)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_places_are_the_same_in_compressed_archives(compression: str, path: Path) -> None:
    data = archives.tar(archives.both(APP))
    path.write_bytes(data)
    plain = read_index(path)
    path.write_bytes(archives.packed(data, compression))
    assert (read_index(path).entries, read_index(path).end) == (plain.entries, plain.end)


def test_an_open_file_is_read_from_its_beginning(path: Path) -> None:
    path.write_bytes(archives.tar(archives.both(APP)))
    with path.open("rb") as file:
        file.read(100)
        assert read_index_of(file, "x") == read_index(path)


def test_short_reads_make_no_difference(path: Path) -> None:
    class Slow(io.FileIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 7))

    path.write_bytes(archives.packed(archives.tar(archives.legacy(APP)), "gzip"))
    with Slow(path) as file:
        assert verify_of(file, "x").images[0].tags == APP.tags
        assert file.read(1) == b""


@pytest.mark.parametrize("tags", [(), ("app:1",), APP.tags])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_tags_are_read(layout: str, tags: tuple[str, ...], read: Read) -> None:
    image = Image(APP.layers, tags=tags)
    found = read(archives.tar(LAYOUTS[layout][1](image))).images
    expected = tuple(archives.full(tag) for tag in tags) if layout == "oci" else tags
    assert [image.tags for image in found] == [expected]


@pytest.mark.parametrize(
    ("annotations", "tags"),
    [
        ({}, ()),
        ({"org.opencontainers.image.ref.name": "latest"}, ()),
        ({"org.opencontainers.image.ref.name": "app:1"}, ("app:1",)),
        (
            {"org.opencontainers.image.ref.name": "1", "io.containerd.image.name": "docker.io/a/b:1"},
            ("docker.io/a/b:1",),
        ),
        ({"org.opencontainers.image.ref.name": "Not/A/Name:1"}, ()),
        ({"io.containerd.image.name": f"app@{archives.digest(b'')}"}, ()),
        ({"io.containerd.image.name": 1}, ()),
    ],
)
def test_names_in_oci_layouts_are_read(annotations: dict[str, Any], tags: tuple[str, ...], read: Read) -> None:
    target = archives.descriptor(archives.manifest(APP), archives.OCI_MANIFEST, annotations=annotations)
    (image,) = read(archives.tar({**archives.blobs(APP), **archives.layout([target])})).images
    assert image.tags == tags


def test_index_adds_tags_that_manifest_json_lacks(read: Read) -> None:
    entries = archives.both(APP)
    entries["manifest.json"] = archives.encoded([{**archives.listed(APP), "RepoTags": ["app:1", "other:1"]}])
    (image,) = read(archives.tar(entries)).images
    assert image.tags == ("app:1", "other:1", "registry.example:5000/team/app:stable")


def test_classic_saves_list_untagged_images_in_manifest_json_alone(read: Read) -> None:
    """moby, image/tarexport/save.go: index.json has an untagged image only if it is the first."""
    untagged = Image(TOOL.layers)
    entries = {**archives.blobs(untagged), **archives.both(APP)}
    entries["manifest.json"] = archives.encoded([archives.listed(APP), archives.listed(untagged)])
    first, second = read(archives.tar(entries)).images
    assert (first.tags, second.tags, second.missing) == (APP.tags, (), ())
    assert second.config_digest == untagged.config_digest
    assert second.manifest_digest is None


def test_layers_are_in_the_order_of_manifest_json(read: Read) -> None:
    """Docker 25.0 wrote OCI manifests with their layers in random order, and equal ones once."""
    manifest = json.loads(archives.manifest(TOOL))
    manifest["layers"] = [manifest["layers"][1], manifest["layers"][0]]
    shuffled = archives.encoded(manifest)
    entries = {
        **without(archives.both(TOOL), archives.blob(archives.manifest(TOOL))),
        archives.blob(shuffled): shuffled,
        **archives.layout(archives.named(archives.descriptor(shuffled, archives.OCI_MANIFEST), TOOL.tags)),
    }
    (image,) = read(archives.tar(entries)).images
    assert tuple(layer.diff_id for layer in image.layers) == TOOL.diff_ids
    assert tuple(layer.digest for layer in image.layers) == TOOL.diff_ids
    assert image.manifest_digest == archives.digest(shuffled)


def test_one_config_with_layers_packed_in_two_ways(read: Read) -> None:
    one, two = Image(APP.layers, tags=("app:1",)), Image(APP.layers, tags=("app:2",))
    tops = [
        *archives.named(archives.descriptor(archives.manifest(one, "gzip"), archives.OCI_MANIFEST), one.tags),
        *archives.named(archives.descriptor(archives.manifest(two), archives.OCI_MANIFEST), two.tags),
    ]
    items = archives.encoded([archives.listed(two), archives.listed(one, "gzip")])
    entries = {**archives.blobs(one, "gzip"), **archives.blobs(two), **archives.layout(tops), "manifest.json": items}
    found = by_tags(read(archives.tar(entries)))
    assert found["app:1",].manifest_digest == archives.digest(archives.manifest(one, "gzip"))
    assert found["app:2",].manifest_digest == archives.digest(archives.manifest(two))


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_compressed_layers_are_read(compression: str, read: Read) -> None:
    (image,) = read(archives.tar(archives.both(APP, compression=compression))).images
    assert image.diff_ids == APP.diff_ids
    assert image.layers[0].digest == archives.digest(archives.packed(BASE, compression))


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_compressed_layers_without_an_oci_layout_are_read(compression: str, read: Read) -> None:
    """go-containerregistry's tarball package writes these."""
    names = [f"{number}.tar.gz" for number in range(len(APP.layers))]
    entries: dict[str, Content] = {name: archives.packed(data, compression) for name, data in zip(names, APP.layers)}
    entries[APP.config_digest] = APP.config
    entries["manifest.json"] = archives.encoded([{"Config": APP.config_digest, "RepoTags": None, "Layers": names}])
    (image,) = read(archives.tar(entries)).images
    assert (image.config_digest, image.diff_ids, image.missing) == (APP.config_digest, APP.diff_ids, ())


def test_a_config_without_a_digest_in_its_name_is_read(read: Read) -> None:
    item = {"Config": "config.json", "Layers": ["0", "1"]}
    entries = {"config.json": APP.config, "0": APP.layers[0], "1": APP.layers[1]}
    (image,) = read(archives.tar({**entries, "manifest.json": archives.encoded([item])})).images
    assert (image.config_digest, image.config_entry) == (APP.config_digest, "config.json")


def test_links_between_layers_are_followed(read: Read) -> None:
    index = read(archives.tar(archives.legacy(TOOL)))
    (image,) = index.images
    first, _second, third = image.layers
    assert first.entry == third.entry
    assert list(index.links.values()) == [first.entry]


def test_repacked_archives_are_read(read: Read) -> None:
    """As GNU tar writes them: names with dots, directories, records of ten blocks."""
    entries = {f"./{name}": content for name, content in archives.legacy(APP).items()}
    data = archives.tar(entries, directories=["./"], form=tarfile.GNU_FORMAT)
    assert read(data + bytes(-len(data) % 10240)).images[0].tags == APP.tags


def test_of_equal_names_the_last_counts(read: Read) -> None:
    """GNU tar --update appends a new manifest.json, and engines take it."""
    entries = archives.legacy(APP)
    old = archives.tar({"manifest.json": b'[{"Config": "gone"}]', "repositories": Link("gone")})[:-1024]
    (image,) = read(old + archives.tar(entries)).images
    assert image.tags == APP.tags


def test_half_an_end_mark_will_do(read: Read) -> None:
    assert read(GOOD[:-512]).images[0].missing == ()


def test_an_archive_may_have_no_images(read: Read) -> None:
    assert read(archives.tar({"manifest.json": b"[]"})).images == ()
    assert read(archives.tar({"manifest.json": b"null"})).images == ()


def test_an_image_may_have_no_layers(read: Read) -> None:
    item = {"Config": "c", "RepoTags": None, "Layers": None}
    config = b'{"os": "linux", "rootfs": {"type": "layers", "diff_ids": null}, "config": null, "history": null}'
    (image,) = read(archives.tar({"c": config, "manifest.json": archives.encoded([item])})).images
    assert (image.layers, image.diff_ids, image.config, image.history, image.created) == ((), (), {}, (), None)


def test_index_json_without_oci_layout_is_ignored(read: Read) -> None:
    """As containerd does (core/images/archive/importer.go)."""
    index = read(archives.tar(without(archives.both(APP), "oci-layout")))
    assert (index.format, index.images[0].manifest_digest) == ("legacy", None)


# Names longer than a header's field, and sizes beyond its digits


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_links_are_read(form: int, read: Read) -> None:
    long = "d" * 90
    names = [f"{long}/{long}/0/layer.tar", f"{long}/{long}/1/layer.tar"]
    image = Image((BASE, BASE))
    item = {"Config": "c.json", "RepoTags": None, "Layers": names}
    entries: dict[str, Content] = {
        names[0]: BASE,
        names[1]: Link(f"../../../{names[0]}"),
        "c.json": image.config,
        "manifest.json": archives.encoded([item]),
    }
    index = read(archives.tar(entries, form=form))
    assert [layer.entry for layer in index.images[0].layers] == [names[0], names[0]]


def test_the_prefix_of_a_long_name_is_read(read: Read) -> None:
    name = f"{'d' * 90}/{'e' * 90}/layer.tar"
    item = {"Config": "c.json", "RepoTags": None, "Layers": [name]}
    image = Image((BASE,))
    entries = {name: BASE, "c.json": image.config, "manifest.json": archives.encoded([item])}
    assert name in read(archives.tar(entries, form=tarfile.USTAR_FORMAT)).entries


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_ten_gibibytes_are_sought_over(form: Literal[1, 2], path: Path) -> None:
    size = 10 << 30
    with path.open("wb") as file:
        info = tarfile.TarInfo("large")
        info.size = size
        file.write(info.tobuf(form))
        file.seek(size, os.SEEK_CUR)
        file.write(archives.tar(archives.both(APP)))
    index = read_index(path)
    assert index.entries["large"].size == size
    assert index.images[0].missing == ()


# Completeness


@pytest.mark.parametrize("layout", LAYOUTS)
def test_missing_layers_are_named(layout: str, read: Read) -> None:
    entries = LAYOUTS[layout][1](APP)
    gone = next(name for name, content in entries.items() if content == APP.layers[1])
    (image,) = read(archives.tar(without(entries, gone))).images
    assert image.missing == (gone,)
    assert [layer.present for layer in image.layers] == [True, False]
    assert image.layers[1].diff_id == APP.diff_ids[1]
    assert image.layers[1].size == (None if layout in ("legacy", "podman") else len(APP.layers[1]))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_missing_config_is_named(layout: str, read: Read) -> None:
    entries = LAYOUTS[layout][1](APP)
    gone = next(name for name, content in entries.items() if content == APP.config)
    (image,) = read(archives.tar(without(entries, gone))).images
    assert image.missing == (gone,)
    assert (image.config_digest, image.os, image.diff_ids) == (APP.config_digest, "", ())
    assert [layer.diff_id for layer in image.layers] == [None, None]


def test_a_silently_incomplete_save_is_found(read: Read) -> None:
    """A containerd store writes the manifest alone (WithSkipMissing)."""
    kept = archives.blob(archives.manifest(APP))
    entries = {name: content for name, content in archives.both(APP).items() if name[:5] != "blobs" or name == kept}
    (image,) = read(archives.tar(entries)).images
    assert image.missing == (archives.blob(APP.config), *(archives.blob(layer) for layer in APP.layers))
    assert image.tags == APP.tags


def test_a_missing_manifest_is_named(read: Read) -> None:
    manifest = archives.manifest(APP)
    (image,) = read(archives.tar(without(archives.oci(APP), archives.blob(manifest)))).images
    assert image.missing == (archives.blob(manifest),)
    assert (image.config_digest, image.manifest_digest) == (None, archives.digest(manifest))
    assert image.tags == tuple(archives.full(tag) for tag in APP.tags)


def test_missing_blobs_that_the_layout_alone_names_are_named(read: Read) -> None:
    extra = Image((*APP.layers, archives.layer("extra")))
    manifest = json.loads(archives.manifest(APP))
    manifest["layers"] = json.loads(archives.manifest(extra))["layers"]
    data = archives.encoded(manifest)
    target = archives.descriptor(data, archives.OCI_MANIFEST)
    entries = {**archives.both(APP), archives.blob(data): data, **archives.layout([target])}
    (image,) = read(archives.tar(entries)).images
    assert image.missing == (archives.blob(extra.layers[2]),)


def test_foreign_layers_are_not_missing(read: Read) -> None:
    """Windows' base layers: docker save leaves them out (WithSkipNonDistributableBlobs)."""
    manifest = json.loads(archives.manifest(APP))
    manifest["layers"][0]["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    data = archives.encoded(manifest)
    entries = {
        **without(archives.both(APP), archives.blob(BASE)),
        archives.blob(data): data,
        **archives.layout(archives.named(archives.descriptor(data, archives.OCI_MANIFEST), APP.tags)),
    }
    (image,) = read(archives.tar(entries)).images
    assert (image.layers[0].present, image.missing) == (False, ())


# Indexes of several platforms

HOST = Image(APP.layers)
INDEX = archives.index_of(HOST, ARM)


def test_all_platforms_are_read(read: Read) -> None:
    index = read(archives.tar(archives.multi_platform(INDEX, ["app:1"], HOST, ARM)))
    host, arm = index.images
    assert [image.config_digest for image in index.images] == [HOST.config_digest, ARM.config_digest]
    assert {image.index_digest for image in index.images} == {archives.digest(INDEX)}
    assert (host.tags, host.listed) == (("app:1",), True)
    assert (arm.tags, arm.listed) == (("docker.io/library/app:1",), False)
    assert (arm.architecture, arm.variant) == ("arm", "v7")
    assert host.missing == arm.missing == ()


def test_platforms_that_were_not_pulled_are_left_out(read: Read) -> None:
    (image,) = read(archives.tar(archives.multi_platform(INDEX, ["app:1"], HOST))).images
    assert (image.config_digest, image.missing) == (HOST.config_digest, ())


def test_platforms_of_which_only_the_manifest_was_pulled_are_left_out(read: Read) -> None:
    manifest = archives.manifest(ARM)
    entries = {**archives.multi_platform(INDEX, ["app:1"], HOST), archives.blob(manifest): manifest}
    (image,) = read(archives.tar(entries)).images
    assert (image.config_digest, image.missing) == (HOST.config_digest, ())


def test_an_incomplete_platform_of_the_host_is_named(read: Read) -> None:
    entries = archives.multi_platform(INDEX, ["app:1"], HOST, ARM)
    gone = [archives.blob(HOST.config), *(archives.blob(layer) for layer in HOST.layers)]
    host, arm = read(archives.tar(without(entries, *gone))).images
    assert (host.missing, arm.missing) == (tuple(gone), ())
    assert (host.os, host.architecture) == ("linux", "amd64")


def test_an_index_without_any_platform_lacks_all(read: Read) -> None:
    (image,) = read(archives.tar(archives.multi_platform(INDEX, ["app:1"]))).images
    assert (image.config_digest, image.manifest_digest) == (None, None)
    assert image.index_digest == archives.digest(INDEX)
    assert image.missing == tuple(archives.blob(archives.manifest(platform)) for platform in (HOST, ARM))


def test_a_manifest_may_be_tagged_beside_its_index(read: Read) -> None:
    entries = archives.multi_platform(INDEX, ["app:1"], HOST)
    entries["manifest.json"] = archives.encoded([{**archives.listed(HOST), "RepoTags": ["app:1", "app:amd64"]}])
    tops = [
        *archives.named(archives.descriptor(INDEX, archives.OCI_INDEX), ["app:1"]),
        *archives.named(archives.descriptor(archives.manifest(HOST), archives.OCI_MANIFEST), ["app:amd64"]),
    ]
    within, alone = read(archives.tar({**entries, **archives.layout(tops)})).images
    assert (within.tags, within.index_digest) == (("app:1",), archives.digest(INDEX))
    assert (alone.tags, alone.index_digest) == (("app:amd64",), None)
    assert within.manifest_digest == alone.manifest_digest


def test_a_nested_index_is_read(read: Read) -> None:
    outer = archives.encoded({"manifests": [archives.descriptor(INDEX, archives.OCI_INDEX)]})
    entries = {**archives.multi_platform(INDEX, [], HOST), archives.blob(outer): outer}
    entries.update(archives.layout([archives.descriptor(outer, archives.OCI_INDEX)]))
    (image,) = read(archives.tar(entries)).images
    assert image.index_digest == archives.digest(outer)


def test_what_is_no_image_is_left_out(read: Read) -> None:
    """Attestations, referrers and artifacts such as charts and signatures."""
    artifact = archives.encoded({"config": archives.descriptor(b"{}", "application/vnd.oci.empty.v1+json")})
    old = archives.encoded({"mediaType": "application/vnd.oci.artifact.manifest.v1+json", "blobs": []})
    payload = archives.descriptor(b"{}", "application/vnd.dev.cosign.simplesigning.v1+json")
    signature = archives.encoded({"config": archives.descriptor(b"{}", archives.OCI_CONFIG), "layers": [payload]})
    referrer = {"io.containerd.manifest.subject": archives.digest(b"")}
    tops = [
        archives.descriptor(archives.manifest(APP), archives.OCI_MANIFEST),
        archives.descriptor(artifact, archives.OCI_MANIFEST),
        archives.descriptor(old, "application/vnd.oci.artifact.manifest.v1+json"),
        archives.descriptor(signature, archives.OCI_MANIFEST),
        archives.descriptor(b"referrer", archives.OCI_MANIFEST, annotations=referrer),
        archives.attestation(b"attestation"),
    ]
    others = {archives.blob(data): data for data in (artifact, old, signature, b"{}")}
    entries = {**archives.blobs(APP), **others, **archives.layout(tops)}
    assert [image.config_digest for image in read(archives.tar(entries)).images] == [APP.config_digest]


# Compression

GOOD = archives.tar(archives.legacy(APP))


def skippable(content: bytes, number: int = 0) -> bytes:
    return struct.pack("<II", 0x184D2A50 + number, len(content)) + content


def with_extra_field(content: bytes) -> bytes:
    member = archives.packed(GOOD, "gzip")
    return member[:3] + b"\x04" + member[4:10] + struct.pack("<H", len(content)) + content + member[10:]


@pytest.mark.parametrize(
    ("data", "compression"),
    [
        (skippable(b"note") + archives.packed(GOOD, "zstd") + skippable(b"", 15), "zstd"),
        (archives.packed(GOOD[:5000], "zstd") + archives.packed(GOOD[5000:], "zstd"), "zstd"),
        (zstandard.ZstdCompressor(write_content_size=False).compress(GOOD), "zstd"),
        (zstandard.ZstdCompressor(level=19).compress(GOOD), "zstd"),
        (zstandard.ZstdCompressor().compress(GOOD + bytes(10 * MIB)), "zstd"),
        (archives.packed(b"", "zstd") + archives.packed(GOOD, "zstd"), "zstd"),
        (with_extra_field(b"GA\x04\x00note"), "gzip"),
        (archives.packed(b"", "gzip") + archives.packed(GOOD, "gzip") + bytes(100), "gzip"),
        (archives.packed(GOOD[:5000], "gzip") + archives.packed(GOOD[5000:], "gzip"), "gzip"),
        (archives.packed(GOOD + bytes(10 * MIB), "gzip"), "gzip"),
        (archives.packed(GOOD[:5000], "xz") + bytes(4) + archives.packed(GOOD[5000:], "xz"), "xz"),
        (archives.packed(GOOD[:5000], "bzip2") + archives.packed(GOOD[5000:], "bzip2"), "bzip2"),
    ],
)
def test_all_forms_of_compressed_files_are_read(data: bytes, compression: str, read: Read) -> None:
    index = read(data)
    assert (index.compression, index.images[0].tags) == (compression, APP.tags)


@pytest.mark.parametrize("compression", COMPRESSIONS[1:])
def test_truncated_compressed_files_are_refused(compression: str, path: Path) -> None:
    data = archives.packed(GOOD, compression)
    for end in (5, 20, len(data) // 2, len(data) - 9, len(data) - 5, len(data) - 1):
        path.write_bytes(data[:end])
        with pytest.raises(ArchiveError, match=r"truncated|neither a tar"):
            read_index(path)


@pytest.mark.parametrize("compression", COMPRESSIONS[1:])
def test_garbage_after_compressed_files_is_refused(compression: str, path: Path) -> None:
    path.write_bytes(archives.packed(GOOD, compression) + b"garbage")
    with pytest.raises(ArchiveError, match=r"damaged|truncated"):
        read_index(path)


def test_checksums_of_compressed_files_are_verified(path: Path) -> None:
    data = bytearray(archives.packed(GOOD, "gzip"))
    data[-8] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match="its gzip data is damaged"):
        read_index(path)


def test_a_missing_zstandard_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(archives.packed(GOOD, "zstd"))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(ArchiveError, match=r"zstandard is missing on this host\. Install it .*zstd -d\.$"):
        read_index(path)


def test_memory_of_a_compressed_archive_is_constant(path: Path) -> None:
    """This includes layers of zeros, which are common, and whose few bytes unpack to very many."""
    info = tarfile.TarInfo("zeros")
    info.size = 64 * MIB
    compressor = zlib.compressobj(wbits=31)
    with path.open("wb") as file:
        file.write(compressor.compress(info.tobuf(tarfile.USTAR_FORMAT)))
        for _round in range(64):
            file.write(compressor.compress(bytes(MIB)))
        file.write(compressor.compress(GOOD) + compressor.flush())
    gzip = path.with_name("gzip")
    path.rename(gzip)
    with path.open("wb") as file, zstandard.ZstdCompressor().stream_writer(file) as stream:
        stream.write(info.tobuf(tarfile.USTAR_FORMAT))
        for _round in range(64):
            stream.write(bytes(MIB))
        stream.write(GOOD)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert read_index(gzip).images == read_index(path).images
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 << 10


def test_the_largest_documents_are_not_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bills of materials look like configs, and are larger."""
    monkeypatch.setattr(f"{ROOM}.streamed.MAX_KEPT", 8000)
    entries = {**archives.both(APP), **{f"bill{number}": b"{" + b" " * 3000 for number in range(9)}}
    path.write_bytes(archives.packed(archives.tar(entries), "gzip"))
    assert read_index(path).images[0].missing == ()


def test_documents_that_were_not_kept_are_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{ROOM}.streamed.MAX_KEPT", 100)
    path.write_bytes(archives.packed(GOOD, "gzip"))
    with pytest.raises(ArchiveError, match=r"too large for a compressed archive.*Decompress the archive"):
        read_index(path)


# Wrong content


@pytest.mark.parametrize("layout", LAYOUTS)
def test_altered_layers_are_found(layout: str, path: Path) -> None:
    entries = LAYOUTS[layout][1](APP)
    gone = next(name for name, content in entries.items() if content == APP.layers[1])
    entries[gone] = APP.layers[1].replace(b"app", b"bad")
    path.write_bytes(archives.tar(entries))
    assert read_index(path).images[0].missing == ()
    with pytest.raises(ArchiveError, match=r"altered.*(DiffID|digest)"):
        verify(path)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_altered_configs_are_found(layout: str, read: Read) -> None:
    entries = LAYOUTS[layout][1](APP)
    gone = next(name for name, content in entries.items() if content == APP.config)
    entries[gone] = APP.config.replace(b"amd64", b"arm64")
    with pytest.raises(ArchiveError, match=r"altered.*digest"):
        read(archives.tar(entries))


def test_altered_manifests_are_found(read: Read) -> None:
    entries = archives.oci(APP)
    manifest = archives.manifest(APP)
    entries[archives.blob(manifest)] = manifest + b" "
    with pytest.raises(ArchiveError, match=r"altered.*digest"):
        read(archives.tar(entries))


def test_altered_indexes_are_found(read: Read) -> None:
    entries = archives.multi_platform(INDEX, ["app:1"], HOST)
    entries[archives.blob(INDEX)] = INDEX + b" "
    with pytest.raises(ArchiveError, match=r"altered.*digest"):
        read(archives.tar(entries))


def test_an_altered_blob_that_nothing_names_is_found(path: Path) -> None:
    path.write_bytes(archives.tar({**archives.both(APP), archives.blob(b"x"): b"y"}))
    with pytest.raises(ArchiveError, match=r"altered.*digest"):
        verify(path)


# Files that are no archives of images


def with_size(field: bytes) -> bytes:
    return changed(head(tarfile.REGTYPE), at124=field)


def pax(records: bytes) -> bytes:
    return head(b"x", size=len(records)) + padded(records)


LISTED = {**archives.listed(APP), "RepoTags": None}
BLOBS = archives.blobs(APP)


def with_listed(document: bytes) -> bytes:
    return archives.tar({**BLOBS, "manifest.json": document})


def with_item(**changes: Any) -> bytes:
    return with_listed(archives.encoded([{**LISTED, **changes}]))


def with_config(**changes: Any) -> bytes:
    config = archives.encoded({**json.loads(APP.config), **changes})
    return archives.tar({**BLOBS, "c": config, "manifest.json": archives.encoded([{**LISTED, "Config": "c"}])})


def with_index(document: bytes) -> bytes:
    return archives.tar({**BLOBS, **archives.layout([]), "index.json": document})


def with_manifest(**changes: Any) -> bytes:
    manifest = archives.encoded({**json.loads(archives.manifest(APP)), **changes})
    top = archives.descriptor(manifest, archives.OCI_MANIFEST)
    return archives.tar({**BLOBS, archives.blob(manifest): manifest, **archives.layout([top])})


def circular_indexes() -> bytes:
    """Return indexes that each name the next many times: as a tree they have very many leaves."""
    entries: dict[str, Content] = {}
    index = archives.encoded({"manifests": []})
    for _round in range(3):
        entries[archives.blob(index)] = index
        index = archives.encoded({"manifests": [archives.descriptor(index, archives.OCI_INDEX)] * 30})
    entries[archives.blob(index)] = index
    return archives.tar({**entries, **archives.layout([archives.descriptor(index, archives.OCI_INDEX)])})


BAD = {
    "empty": (b"", "it is empty"),
    "garbage": (b"garbage" * 1000, "neither a tar archive nor"),
    "short garbage": (b"garbage", "no tar archive"),
    "zeros": (bytes(1024), "neither a manifest.json nor"),
    "json": (b"{}", "no tar archive"),
    "docker export": (BASE, "neither a manifest.json nor .*docker import"),
    "compressed garbage": (archives.packed(b"garbage" * 1000, "zstd"), "neither a tar archive nor"),
    "damaged gzip": (b"\x1f\x8b" + b"garbage" * 10, "gzip data is damaged"),
    "damaged bzip2": (b"BZh" + b"garbage" * 10, "bzip2 data is damaged"),
    "damaged xz": (b"\xfd7zXZ\x00" + b"garbage" * 10, "xz data is damaged"),
    "damaged zstd": (b"\x28\xb5\x2f\xfd" + b"garbage" * 10, "zstd data is (damaged|truncated)"),
    "zstd that takes too much memory": (b"\x28\xb5\x2f\xfd\x00\xff\x01\x00\x00", "zstd data is damaged"),
    "hard link": (head(b"1", link="y"), "no such file comes before it"),
    "device": (head(b"3"), "a device"),
    "block device": (head(b"4"), "a device"),
    "pipe": (head(b"6"), "a pipe"),
    "sparse by pax": (pax(b"22 GNU.sparse.major=1\n") + head(b"0"), "a sparse file of a form that"),
    "unknown kind": (head(b"V"), "of the type"),
    "absolute name": (head(b"0", "/x"), "is no path within the archive"),
    "name that leads out": (head(b"0", "a/../../x"), "is no path within the archive"),
    "directory that leads out": (head(b"5", "../x"), "is no path within the archive"),
    "pax name that leads out": (pax(b"12 path=../\n") + head(b"0"), "is no path within the archive"),
    "name with a zero byte": (pax(b"13 path=a\0bc\n") + head(b"0"), "is no path within the archive"),
    "no name": (head(b"0", "./"), "a file without a name"),
    "name that is no text": (pax(b"11 path=\xff\xff\n") + head(b"0"), "not UTF-8"),
    "link that leads out": (head(b"2", "a/x", link="../../x"), "a link that leads out of the archive"),
    "absolute link": (head(b"2", link="/x"), "a link that leads out of the archive"),
    "link with a zero byte": (pax(b"17 linkpath=a\0bc\n") + head(b"2"), "a link that leads out of the archive"),
    "negative size": (with_size(b"\xff" * 12), "no valid size"),
    "no size": (with_size(b"-0000000001\0"), "no valid size"),
    "size with an underscore": (with_size(b"0000000_001\0"), "no valid size"),
    "huge size": (with_size(b"\x80" + b"\x7f" * 11), "no valid size"),
    "large size": (with_size(b"\x80" + bytes(5) + b"\x7f" * 6), "ends within 'x'"),
    "long size by pax": (pax(b"29 size=99999999999999999999\n") + head(b"0"), "no valid size"),
    "negative size by pax": (pax(b"11 size=-1\n") + head(b"0"), "no valid size"),
    "pax bomb": (head(b"x", size=1 << 40), "attributes take"),
    "long name bomb": (head(b"L", size=1 << 40), "attributes take"),
    "pax without an equals sign": (pax(b"5 ab\n") + head(b"0"), "invalid attributes"),
    "pax of length zero": (pax(b"0 a=b\n") + head(b"0"), "invalid attributes"),
    "pax that is too long": (pax(b"99 a=b\n") + head(b"0"), "invalid attributes"),
    "pax and nothing": (pax(b"6 a=b\n"), "it is truncated"),
    "half a pax": (pax(b"6 a=b\n")[:600], "truncated"),
    "truncated header": (GOOD[:300], "no tar archive"),
    "truncated data": (archives.tar({"x": BASE})[:1500], "ends within"),
    "truncated padding": (head(b"0", size=1) + b"x", "ends within"),
    "pax and the end": (pax(b"6 a=b\n") + bytes(1024), "after the header of an entry"),
    "more after the end": (GOOD[:-512] + b"x" * 512, "further data follows"),
    "damaged header": (GOOD[:512] + GOOD[1024:], "damaged at byte"),
    "circular links": (
        archives.tar({"manifest.json": Link("a"), "a": Link("manifest.json")}),
        "leads through too many links",
    ),
    "listed: no JSON": (with_listed(b"[{]"), "no valid JSON"),
    "listed: not UTF-8": (with_listed(b'["\xff"]'), "no valid JSON"),
    "listed: UTF-16": (with_listed("[]".encode("utf-16")), "no JSON|no valid JSON"),
    "listed: too deep": (with_listed(b"[" * 100_000), "no valid JSON"),
    "listed: not a number": (with_listed(b"[NaN]"), "no valid JSON"),
    "listed: long number": (with_listed(b"[" + b"1" * 100_000 + b"]"), "no valid JSON"),
    "listed: half a surrogate": (with_item(Config="\ud800"), "no valid JSON"),
    "listed: object": (with_listed(b"{}"), "no list"),
    "listed: strings": (with_listed(b'["a"]'), "no object"),
    "listed: empty object": (with_listed(b"[{}]"), "without the names of its parts"),
    "listed: config of a wrong type": (with_item(Config=1), "no string"),
    "listed: config that leads out": (with_item(Config="../x"), "is no path within the archive"),
    "listed: layers of a wrong type": (with_item(Layers="a"), "no list"),
    "listed: layer of a wrong type": (with_item(Layers=[None, 1]), "no string|without saying"),
    "listed: layer that leads out": (with_item(Layers=["/etc/passwd"]), "is no path within the archive"),
    "listed: too few layers": (with_item(Layers=[archives.blob(BASE)]), "1 layers, but 2 DiffIDs"),
    "listed: tags of a wrong type": (with_item(RepoTags={"a": 1}), "no list"),
    "listed: invalid tag": (with_item(RepoTags=["Upper:1"]), "no valid name"),
    "listed: digest for a tag": (with_item(RepoTags=[f"a@{archives.digest(b'')}"]), "no valid name"),
    "listed: too many": (with_item(Layers=["a"] * 100_001), "more than 100000 files and tags"),
    "config: list": (
        archives.tar({"c": b"[]", "manifest.json": archives.encoded([{"Config": "c"}])}),
        "no object",
    ),
    "config: no rootfs": (with_config(rootfs=None), "no object"),
    "config: DiffID of a wrong type": (with_config(rootfs={"diff_ids": [1, 2]}), "no string"),
    "config: invalid DiffID": (with_config(rootfs={"diff_ids": ["sha256:1", "2"]}), "no digest"),
    "config: os of a wrong type": (with_config(os=[]), "no string"),
    "config: config of a wrong type": (with_config(config=[]), "no object"),
    "config: history of a wrong type": (with_config(history=[1]), "no object"),
    "layout: other version": (
        archives.tar({"oci-layout": b'{"imageLayoutVersion": "2.0.0"}'}),
        "version other than 1.0.0",
    ),
    "layout: no index": (archives.tar(without(archives.oci(APP), "index.json")), "no index.json"),
    "index: list": (with_index(b"[]"), "no object"),
    "index: manifests of a wrong type": (with_index(b'{"manifests": 1}'), "no list"),
    "index: no digest": (with_index(b'{"manifests": [{}]}'), "no digest"),
    "index: digest that leads out": (with_index(b'{"manifests": [{"digest": "sha256:../../x"}]}'), "no digest"),
    "index: annotations of a wrong type": (
        with_index(archives.encoded({"manifests": [archives.descriptor(b"", "", annotations=[])]})),
        "no object",
    ),
    "index: too many": (
        with_index(archives.encoded({"manifests": [archives.descriptor(b"%d" % n, "") for n in range(10_001)]})),
        "too many manifests",
    ),
    "index: tree of indexes": (circular_indexes(), "too many manifests"),
    "manifest: index as well": (with_manifest(manifests=[]), "either a manifest or an index"),
    "manifest: no config": (with_manifest(config=None), "no object"),
    "manifest: layers of a wrong type": (with_manifest(layers=1), "no list"),
    "manifest: too few layers": (with_manifest(layers=[]), "0 layers, but 2 DiffIDs"),
    "manifest: other size": (
        with_manifest(config={**archives.descriptor(APP.config, ""), "size": 1}),
        "a manifest says 1",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_archives_are_refused(case: str, path: Path, read: Read) -> None:
    data, message = BAD[case]
    with pytest.raises(ArchiveError, match=message) as caught:
        read(data)
    assert str(caught.value).startswith(f"The archive {path} can't be ")
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("case", [case for case in BAD if case not in ("empty",)])
def test_bad_archives_are_refused_when_compressed_too(case: str, path: Path) -> None:
    path.write_bytes(archives.packed(BAD[case][0], "gzip"))
    with pytest.raises(ArchiveError):
        read_index(path)


def test_large_documents_are_refused(path: Path) -> None:
    for compression in ("none", "gzip"):
        path.write_bytes(archives.packed(archives.tar({"manifest.json": b"[" + b" " * (9 * MIB)}), compression))
        with pytest.raises(ArchiveError, match="too large"):
            read_index(path)


def test_many_documents_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{ROOM}.contents.MAX_DOCUMENTS", 600)
    path.write_bytes(GOOD)
    with pytest.raises(ArchiveError, match="too large"):
        read_index(path)


def test_many_entries_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{ROOM}.tar.MAX_ENTRIES", 3)
    path.write_bytes(GOOD)
    with pytest.raises(ArchiveError, match="more than 3 entries"):
        read_index(path)


def test_the_unpacked_size_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{ROOM}.tar.MAX_UNPACKED", MIB)
    path.write_bytes(archives.packed(GOOD + bytes(2 * MIB), "gzip"))
    with pytest.raises(ArchiveError, match="unpacks to more than"):
        read_index(path)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, message in {
        "none": "No such file",
        "": "Is a directory",
        "pipe": "no regular file",
        "a\0b": "zero byte in its path",
    }.items():
        for function in (read_index, verify):
            with pytest.raises(ArchiveError, match=message) as caught:
                function(os.path.join(tmp_path, name))
            assert isinstance(caught.value, GantryError)


def test_names_in_messages_are_escaped(path: Path) -> None:
    path.write_bytes(head(b"1", "a\x1b[31m" + "b" * 4000, link="y"))
    with pytest.raises(ArchiveError) as caught:
        read_index(path)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 1000


# Any change of a file gives an index or our error

SUBJECTS = {
    "legacy": GOOD,
    "both": archives.tar(archives.both(TOOL)),
    "multi-platform": archives.tar(archives.multi_platform(INDEX, ["app:1"], HOST, ARM)),
    "pax": archives.tar({"x" * 200: b"", **archives.oci(APP)}, form=tarfile.PAX_FORMAT),
    **{name: archives.packed(GOOD, name) for name in COMPRESSIONS[1:]},
}
MUTATED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def either(data: bytes) -> None:
    for read_file in (verify_of, read_index_of):
        try:
            with open(os.memfd_create("archive"), "w+b") as file:
                file.write(data)
                file.flush()
                index = read_file(file, "x")
        except ArchiveError:
            continue
        json.dumps([image.config for image in index.images])


@pytest.mark.parametrize("subject", SUBJECTS)
def test_any_change_of_bytes_is_an_error_of_ours_or_none(subject: str) -> None:
    data = SUBJECTS[subject]
    changes = st.lists(st.tuples(st.integers(0, len(data) - 1), st.integers(0, 255)), min_size=1, max_size=4)

    @MUTATED
    @given(changes)
    def mutate(changes: list[tuple[int, int]]) -> None:
        changed = bytearray(data)
        for position, value in changes:
            changed[position] = value
        either(bytes(changed))

    mutate()


@pytest.mark.parametrize("subject", SUBJECTS)
def test_any_truncation_is_an_error_of_ours_or_none(subject: str) -> None:
    data = SUBJECTS[subject]

    @MUTATED
    @given(st.integers(0, len(data) - 1))
    def truncate(end: int) -> None:
        either(data[:end])

    truncate()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_truncated_archives_are_refused(layout: str, path: Path) -> None:
    data = archives.tar(LAYOUTS[layout][1](APP))
    path.write_bytes(data)
    whole = read_index(path)
    # The end mark, and entries that nobody reads, are not needed.
    last = "manifest.json" if layout == "both" else "repositories"
    needless = {whole.entries[last].start} if last in whole.entries else set()
    for end in range(0, len(data) - 512, 256):
        path.write_bytes(data[:end])
        if end in (len(data) - 1024, *needless):
            assert held(read_index(path)) == held(whole)
            continue
        with pytest.raises(ArchiveError, match=r"truncated|no tar archive|empty"):
            read_index(path)
    path.write_bytes(data[:-512])
    assert read_index(path) == whole


KEYS = ("Config", "Layers", "manifests", "digest", "config", "layers", "rootfs", "diff_ids")
LEAVES = st.none() | st.integers() | st.sampled_from(["c", archives.blob(APP.config), APP.config_digest])
DOCUMENTS = st.recursive(
    LEAVES, lambda value: st.lists(value, max_size=3) | st.dictionaries(st.sampled_from(KEYS), value), max_leaves=6
)


@MUTATED
@given(DOCUMENTS, st.sampled_from(["manifest.json", "index.json", "c"]))
def test_any_document_is_an_error_of_ours_or_none(value: Any, name: str) -> None:
    listed = archives.encoded([{"Config": "c", "Layers": []}])
    entries = {**BLOBS, **archives.layout([]), "manifest.json": listed, name: archives.encoded(value)}
    either(archives.tar(entries))
