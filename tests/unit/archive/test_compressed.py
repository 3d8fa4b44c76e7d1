# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Written archives: canonical, complete, found again at once, and readable by other programs."""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import os
import random
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.gantry.docker.plugins.module_utils._archive import trailing_index as embedded
from ansible_collections.gantry.docker.plugins.module_utils._archive.compressed import Packer, Unpacker
from ansible_collections.gantry.docker.plugins.module_utils._archive.compression import Compression, parse_compression
from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import ArchivedGroup
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import (
    ArchivedImage,
    ArchiveError,
    ArchiveIndex,
    read_index,
    read_index_of,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify, verify_pieces
from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import (
    OutOfOrder,
    Part,
    assembled,
    parts_of,
    parts_of_stream,
    parts_to_load,
)
from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput, Unreadable
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ListedName
from ansible_collections.gantry.docker.tests.support import archives
from ansible_collections.gantry.docker.tests.support.archives import APP, ARM, BASE, TOOL, Content, Image

PACKED = ("gzip", "zstd")
CHANCE = random.Random(1)  # noqa: S311
NOISE = CHANCE.randbytes(2 << 20)
BIG = Image((BASE, NOISE, archives.layer("top")), tags=("big:1",))
FAST = {"none": 0, "gzip": 1, "zstd": 3}


def written(parts: Iterator[Part], path: Path, kind: str = "none", threads: int = 1) -> ArchiveIndex:
    """Write an archive of these parts as image_save does."""
    with path.open("wb") as file, Packer(file, Compression(kind, FAST[kind], threads), checksum=True) as packer:
        index = verify_pieces(packer.tee(assembled(parts)), "x")
        packer.finish(index)
    assert packer.size == path.stat().st_size
    assert packer.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    return index


def streamed(entries: dict[str, Content], pieces: int = 1000) -> Iterator[Part]:
    data = archives.tar(dict(sorted(entries.items())))
    return parts_of_stream(iter([data[start : start + pieces] for start in range(0, len(data), pieces)]))


@pytest.mark.parametrize("kind", FAST)
def test_written_is_what_came(kind: str, tmp_path: Path) -> None:
    index = written(streamed(archives.both(APP, TOOL)), tmp_path / "new", kind)
    assert {image.tags for image in index.images} == {APP.tags, TOOL.tags}
    assert index.images == verify(tmp_path / "new").images
    found = read_index(tmp_path / "new")
    assert found._replace(compression="none", breaks=()) == index
    assert found.compression == kind


def test_order_and_times_mean_nothing(tmp_path: Path) -> None:
    seen = set()
    for number, images in enumerate(itertools.permutations([APP, TOOL, BIG])):
        for turned in (False, True):
            tagged = [replace(image, tags=image.tags[:: -1 if turned else 1]) for image in images]
            written(streamed(archives.both(*tagged)), tmp_path / str(number))
            seen.add((tmp_path / str(number)).read_bytes())
    assert len(seen) == 1
    with tarfile.open(fileobj=io.BytesIO(seen.pop())) as tar:
        names = tar.getnames()
        assert names == [
            *sorted(name for name in names if "blobs" in name),
            "index.json",
            "manifest.json",
            "oci-layout",
        ]
        assert {(member.mode, member.uid, member.gid, member.mtime) for member in tar} == {(0o644, 0, 0, 0)}


def test_legacy_layers_get_the_names_of_their_content(tmp_path: Path) -> None:
    seen = set()
    for images in itertools.permutations([APP, TOOL]):
        (tmp_path / "old").write_bytes(archives.tar(archives.legacy(*images)))
        with (tmp_path / "old").open("rb") as file:
            index = read_index_of(file, "x")
            again = written(parts_of(index, index.images, frozenset(), Unpacker(file, index).data), tmp_path / "new")
        assert {image.tags: image.diff_ids for image in again.images} == {
            image.tags: image.diff_ids for image in (APP, TOOL)
        }
        seen.add((tmp_path / "new").read_bytes())
    assert len(seen) == 1
    assert b"layer.tar" not in seen.pop()


@pytest.mark.parametrize("kind", FAST)
def test_legacy_layers_keep_their_names_if_none_is_met_again(kind: str, tmp_path: Path) -> None:
    entries = archives.legacy(APP, ARM)
    index = written(streamed(entries), tmp_path / "new", kind)
    unneeded = {name for name in entries if name.endswith(("/VERSION", "/json", "repositories"))}
    assert index.entries.keys() == entries.keys() - unneeded
    assert list(index.entries) == [*sorted(index.entries.keys() - {"manifest.json"}), "manifest.json"]
    assert {image.tags: image.diff_ids for image in index.images} == {
        image.tags: tuple(image.diff_ids) for image in (APP, ARM)
    }
    assert verify(tmp_path / "new").images == index.images


@pytest.mark.parametrize("entries", [archives.legacy(APP, TOOL), archives.podman(APP)])
def test_links_are_out_of_order(entries: dict[str, Content], tmp_path: Path) -> None:
    with pytest.raises(OutOfOrder):
        written(streamed(entries), tmp_path / "new")


def test_unsorted_is_out_of_order(tmp_path: Path) -> None:
    entries = dict(sorted(archives.both(APP).items(), reverse=True))
    with pytest.raises(OutOfOrder):
        written(parts_of_stream(iter([archives.tar(entries)])), tmp_path / "new")


def test_damage_on_the_way_is_told(tmp_path: Path) -> None:
    data = bytearray(archives.tar(dict(sorted(archives.both(APP).items()))))
    data[data.index(b"etc/issue")] ^= 1
    with pytest.raises(ArchiveError, match="damaged"):
        written(parts_of_stream(iter([bytes(data)])), tmp_path / "new")
    with pytest.raises(ArchiveError, match="truncated"):
        written(parts_of_stream(iter([bytes(data[:2000])])), tmp_path / "new")


@pytest.mark.parametrize("kind", PACKED)
def test_the_index_is_read_without_unpacking(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new"
    index = written(streamed(archives.both(BIG)), path, kind)

    def refuse(*_arguments: object) -> Iterator[bytes]:
        raise AssertionError("it was unpacked")

    monkeypatch.setattr(
        "ansible_collections.gantry.docker.plugins.module_utils._archive.decompression.unpacked", refuse
    )
    assert read_index(path).images == index.images
    assert read_index(path).breaks


def test_large_indexes_are_written_and_read(tmp_path: Path) -> None:
    """They are larger than an extra field of gzip."""
    noise = [CHANCE.randbytes(20).hex() for _line in range(4000)]
    image = replace(APP, settings={"Labels": {text: text for text in noise}})
    for kind in PACKED:
        index = written(streamed(archives.both(image)), tmp_path / kind, kind)
        assert read_index(tmp_path / kind).images == index.images
        assert sum(map(len, index.documents.values())) > 200_000
    assert verify(tmp_path / "gzip").images == index.images


@pytest.mark.parametrize("kind", PACKED)
def test_other_programs_take_it(kind: str, tmp_path: Path) -> None:
    written(streamed(archives.both(BIG)), tmp_path / "plain")
    written(streamed(archives.both(BIG)), tmp_path / "packed", kind)
    plain = (tmp_path / "plain").read_bytes()
    with (tmp_path / "packed").open("rb") as file:
        if kind == "gzip":
            assert gzip.decompress(file.read()) == plain
        else:
            reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
            assert reader.read() == plain
    program = shutil.which(kind)
    if program is None:
        pytest.skip(f"NOT TESTED with {kind}: there is no such program here")
    for command in ([program, "-dc"], [program, "-t"]):
        with (tmp_path / "packed").open("rb") as file:
            done = subprocess.run(command, stdin=file, capture_output=True, check=True)
        assert done.stdout == (plain if command[1] == "-dc" else b"")
    subprocess.run(["tar", f"--{kind}", "-tf", tmp_path / "packed"], check=True, capture_output=True)


def test_threads_make_no_difference(tmp_path: Path) -> None:
    seen = set()
    for threads in (0, 1, 2, 3):
        written(streamed(archives.both(BIG), 1000 + threads), tmp_path / "new", "zstd", threads)
        seen.add((tmp_path / "new").read_bytes())
    assert len(seen) == 1


@pytest.mark.parametrize("kind", ["none", "gzip", "zstd", "xz"])
def test_any_part_is_found(kind: str, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    written(streamed(archives.both(BIG, APP)), plain)
    path = tmp_path / "packed"
    if kind == "xz":
        path.write_bytes(archives.packed(plain.read_bytes(), kind))
    else:
        written(streamed(archives.both(BIG, APP)), path, kind)
    index, data = read_index(path), plain.read_bytes()
    with path.open("rb") as file:
        unpacker = Unpacker(file, index)
        entries = list(index.entries.values())
        for entry in [*entries, *reversed(entries), *CHANCE.sample(entries, len(entries))]:
            assert b"".join(unpacker.data(entry)) == data[entry.offset : entry.offset + entry.size]


# Some images of an archive, and thin ones


def chosen(path: Path, *tags: str) -> tuple[ArchiveIndex, list[ArchivedImage]]:
    index = read_index(path)
    images = [image._replace(tags=tuple(tag for tag in image.tags if tag in tags)) for image in index.images]
    return index, [image for image in images if image.tags]


@pytest.mark.parametrize("to_load", [True, False])
@pytest.mark.parametrize("layout", ["legacy", "podman", "oci", "both"])
def test_images_can_be_chosen(layout: str, to_load: bool, tmp_path: Path) -> None:
    write = {"legacy": archives.legacy, "podman": archives.podman, "oci": archives.oci, "both": archives.both}[layout]
    (tmp_path / "all").write_bytes(archives.tar(write(APP, TOOL)))
    tag = APP.tags[1]
    index, images = chosen(tmp_path / "all", tag)
    with (tmp_path / "all").open("rb") as file:
        unpacked = Unpacker(file, index).data
        groups = [ArchivedGroup(image, (image,), tuple(map(ListedName, image.tags))) for image in images]
        parts = parts_of(index, images, frozenset(), unpacked)
        if to_load:
            parts = parts_to_load(index, groups, frozenset(), unpacked)
        (image,) = written(parts, tmp_path / "some").images
    assert (image.tags, image.diff_ids, image.missing) == ((tag,), APP.diff_ids, ())
    assert image.listed
    data = (tmp_path / "some").read_bytes()
    assert TOOL.layers[1] not in data
    assert data.count(APP.layers[1]) == 1


def test_images_of_several_platforms_can_be_chosen(tmp_path: Path) -> None:
    index = archives.index_of(BIG, ARM)
    entries = {**archives.multi_platform(index, ["app:1"], BIG, ARM), **archives.blobs(TOOL)}
    (tmp_path / "all").write_bytes(archives.tar(entries))
    everything, images = chosen(tmp_path / "all", "app:1", archives.full("app:1"))
    assert len(images) == 2
    with (tmp_path / "all").open("rb") as file:
        new = written(parts_of(everything, images, frozenset(), Unpacker(file, everything).data), tmp_path / "some")
    assert [image.missing for image in new.images] == [(), ()]
    assert {image.architecture for image in new.images} == {"amd64", "arm"}


@pytest.mark.parametrize("layout", ["legacy", "both"])
def test_thin_archives_say_so(layout: str, tmp_path: Path) -> None:
    write = {"legacy": archives.legacy, "both": archives.both}[layout]
    (tmp_path / "all").write_bytes(archives.tar(write(TOOL, APP)))
    index = read_index(tmp_path / "all")
    left_out = frozenset(
        layer.entry for image in index.images for layer in image.layers if layer.diff_id == archives.digest(BASE)
    )
    with (tmp_path / "all").open("rb") as file:
        thin = written(parts_of(index, index.images, left_out, Unpacker(file, index).data), tmp_path / "thin", "zstd")
    assert set(thin.left_out.values()) == {archives.digest(BASE)}
    assert [image.missing for image in thin.images] == [(), ()]
    assert [[layer.present for layer in image.layers] for image in sorted(thin.images, key=lambda i: i.tags)] == [
        [False, True],
        [False, True, False],
    ]
    assert read_index(tmp_path / "thin").left_out == thin.left_out


def test_thin_archives_of_a_newer_form_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(archives.tar({**archives.both(APP), "gantry-docker-thin.json": b'{"version": 2}'}))
    with pytest.raises(ArchiveError, match="newer format"):
        read_index(tmp_path / "x")


# Any change of an archive of ours gives an index or our error


@pytest.mark.parametrize("kind", PACKED)
def test_a_truncated_archive_is_refused_or_read_without_its_index(kind: str, tmp_path: Path) -> None:
    written(streamed(archives.both(APP)), tmp_path / "new", kind)
    data = (tmp_path / "new").read_bytes()
    whole = read_index(tmp_path / "new")
    for end in range(len(data)):
        (tmp_path / "new").write_bytes(data[:end])
        try:
            found = read_index(tmp_path / "new")
        except ArchiveError:
            continue
        # The missing part belongs to the index. Everything else is there, and was read.
        assert (found.images, found.breaks) == (whole.images, ())


@pytest.mark.parametrize("kind", PACKED)
def test_an_archive_that_shrinks_while_its_index_is_read_is_refused(kind: str, tmp_path: Path) -> None:
    written(streamed(archives.both(APP)), tmp_path / "new", kind)
    size = (tmp_path / "new").stat().st_size
    with (tmp_path / "new").open("rb") as file, pytest.raises(Unreadable, match="truncated"):
        embedded.read_embedded(file, size + 9, kind)


@pytest.mark.parametrize("kind", PACKED)
def test_any_change_of_bytes_is_an_error_of_ours_or_none(kind: str, tmp_path: Path) -> None:
    written(streamed(archives.both(APP)), tmp_path / "new", kind)
    data = (tmp_path / "new").read_bytes()
    end = len(data)

    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(st.tuples(st.integers(0, end - 1) | st.integers(end - 60, end - 1), st.integers(0, 255)), min_size=1)
    )
    def change(changes: list[tuple[int, int]]) -> None:
        changed = bytearray(data)
        for position, value in changes:
            changed[position] = value
        with open(os.memfd_create("archive"), "w+b") as file:
            file.write(changed)
            file.flush()
            try:
                index = read_index_of(file, "x")
                for entry in index.entries.values():
                    for _piece in Unpacker(file, index).data(entry):
                        pass
            except (ArchiveError, Unreadable):
                pass

    change()


INDEX = {
    "version": 1,
    "end": 1024,
    "entries": [["manifest.json", 0, 512, 2]],
    "documents": {"manifest.json": "[]"},
    "breaks": [[1024, 100]],
}


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"end": 1024 - 1},
        {"end": True},
        {"end": 1 << 60},
        {"entries": None},
        {"entries": [["manifest.json", 0, 512]]},
        {"entries": [[1, 0, 512, 2]]},
        {"entries": [["manifest.json", 0, 512, -2]]},
        {"entries": [["manifest.json", 0, 511, 2]]},
        {"entries": [["manifest.json", 0, 512, 2]] * 100_001},
        {"documents": {}},
        {"documents": {"manifest.json": "[ ]"}},
        {"documents": []},
        {"breaks": [[1]]},
        {"breaks": [[1, -1]]},
        {"breaks": 1},
    ],
    ids=str,
)
def test_bad_indexes_are_refused(kind: str, change: dict[str, object], tmp_path: Path) -> None:
    assert embedded.EmbeddedContents(INDEX).end == 1024
    path = tmp_path / "x"
    path.write_bytes(archives.packed(b"", kind) + embedded.packed_section(kind, {**INDEX, **change}))
    with pytest.raises(ArchiveError):
        read_index(path)


# How to compress


@pytest.mark.parametrize(
    ("path", "kind", "level", "expected"),
    [
        ("/a.tar", None, None, ("none", 0)),
        ("/a", None, None, ("none", 0)),
        ("/a.tar.gz", None, None, ("gzip", 6)),
        ("/a.tgz", None, 9, ("gzip", 9)),
        ("/a.tar.zst", None, None, ("zstd", 3)),
        ("/a.tzst", None, 19, ("zstd", 19)),
        ("/a.tar", "zstd", 1, ("zstd", 1)),
        ("/a.tar.xz", "none", None, ("none", 0)),
    ],
)
def test_compression_follows_from_options_and_path(
    path: str, kind: str | None, level: int | None, expected: tuple[str, int]
) -> None:
    compression = parse_compression(path, kind, level, 0)
    assert (compression.kind, compression.level) == expected


@pytest.mark.parametrize(
    ("path", "kind", "level", "threads", "words"),
    [
        ("/a.tar.xz", None, None, 0, ".xz"),
        ("/a.tar.bz2", None, None, 0, "compression"),
        ("/a.tar", None, 3, 0, "isn't compressed"),
        ("/a.tar.gz", None, 10, 0, "from 1 to 9"),
        ("/a.tar.gz", None, 0, 0, "from 1 to 9"),
        ("/a.tar.zst", None, 20, 0, "from 1 to 19"),
        ("/a.tar.zst", None, 3, -1, "compression_threads"),
    ],
)
def test_bad_compression_is_refused(path: str, kind: str | None, level: int | None, threads: int, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        parse_compression(path, kind, level, threads)


def test_zstd_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(InvalidInput, match=r"zstandard is needed on this host\. Install it .*'compression: gzip'\.$"):
        parse_compression("/a.tar.zst", None, None, 0)
    assert parse_compression("/a.tar.gz", None, None, 0).kind == "gzip"
