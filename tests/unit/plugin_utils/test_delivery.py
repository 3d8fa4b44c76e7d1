# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller makes of an archive for its hosts: each once, and nothing of an archive that is damaged."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._archive.artifacts import images_of
from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import groups_of
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import read_index
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform
from ansible_collections.gantry.docker.plugins.plugin_utils._delivery.delivery import Delivery, compression_for
from ansible_collections.gantry.docker.plugins.plugin_utils._delivery.file import ArchiveFile
from ansible_collections.gantry.docker.plugins.plugin_utils._delivery.once import made_once
from ansible_collections.gantry.docker.tests.support import archives
from ansible_collections.gantry.docker.tests.support.archives import APP, TOOL
from ansible_collections.gantry.docker.tests.support.hostile import HOSTILE


def delivery_of(path: Path, data: bytes, verify: bool = False) -> Delivery:
    """Return the delivery of an archive, with path for its directory."""
    archive = path / "images.tar"
    archive.write_bytes(data)
    return Delivery(ArchiveFile(str(archive), lambda: nullcontext(str(archive)), verify), str(path))


def test_many_processes_make_a_file_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    begin, made = context.Event(), tmp_path / "made"

    def make(file: BinaryIO) -> None:
        with made.open("a") as counted:
            counted.write("x")
        file.write(b"content" * 100_000)

    def ask() -> None:
        begin.wait()
        path = made_once(str(tmp_path / "file"), make)
        assert os.path.getsize(path) == 700_000

    processes = [context.Process(target=ask) for _number in range(8)]
    for process in processes:
        process.start()
    begin.set()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    assert made.read_text() == "x"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_who_fails_leaves_nothing_and_the_next_one_makes_it(tmp_path: Path) -> None:
    def fail(file: BinaryIO) -> None:
        file.write(b"a part")
        raise GantryError("No.")

    with pytest.raises(GantryError, match="No"):
        made_once(str(tmp_path / "file"), fail)
    assert {entry.name for entry in tmp_path.iterdir()} == {"file.lock"}
    # Who is killed can't tidy up.
    (tmp_path / "file.part").write_bytes(b"much more than the content")

    def succeed(file: BinaryIO) -> None:
        file.write(b"content")

    path = made_once(str(tmp_path / "file"), succeed)
    assert Path(path).read_bytes() == b"content"


def test_no_space_on_the_controller(tmp_path: Path) -> None:
    def fail(_file: BinaryIO) -> None:
        with open("/dev/full", "wb") as full:
            full.write(bytes(1 << 20))

    with pytest.raises(GantryError, match=r"Can't write .*/file on the controller: No space left.*local_tmp"):
        made_once(str(tmp_path / "file"), fail)


def test_archives_for_hosts_that_lack_the_same_are_one(tmp_path: Path) -> None:
    data = archives.tar(archives.both(APP, TOOL))
    delivery = delivery_of(tmp_path, data)
    held = delivery.held()
    one, other, *_rest = sorted(held)
    first = delivery.thin([one, other], "gzip")
    before = os.stat(first)
    again = Delivery(delivery._source, str(tmp_path)).thin([other, one], "gzip")
    assert first == again and os.stat(again) == before
    assert delivery.thin([one], "gzip") != first != delivery.thin([one, other], "none")
    assert read_index(first).left_out.keys() == held.keys() - {one, other}


def test_another_archive_at_the_same_path_is_another_one(tmp_path: Path) -> None:
    first = delivery_of(tmp_path, archives.tar(archives.both(APP))).documents()
    second = delivery_of(tmp_path, archives.tar(archives.both(TOOL))).documents()
    assert first != second


def test_a_layer_that_is_damaged_is_not_sent(tmp_path: Path) -> None:
    data = archives.tar(archives.both(APP)).replace(b"base", b"BASE")
    delivery = delivery_of(tmp_path, data)
    good, bad = archives.blob(APP.layers[1]), archives.blob(APP.layers[0])
    delivery.thin([good], "none")
    with pytest.raises(GantryError, match=rf"images.tar can't be used: its {bad} is damaged"):
        delivery.thin([bad], "none")
    with pytest.raises(GantryError, match="is damaged"):
        delivery_of(tmp_path, data, verify=True).documents()


def test_a_file_that_is_changed_meanwhile(tmp_path: Path) -> None:
    delivery = delivery_of(tmp_path, archives.tar(archives.both(APP)))
    held = delivery.held()
    (tmp_path / "images.tar").write_bytes(archives.tar(archives.both(APP)) + bytes(512))
    with pytest.raises(GantryError, match="changed meanwhile"):
        delivery.thin(held, "none")


def test_a_host_that_needs_what_a_thin_archive_leaves_out(tmp_path: Path) -> None:
    delivery = delivery_of(tmp_path, archives.tar(archives.both(APP)))
    one, other = sorted(delivery.held())
    thin = Path(delivery.thin([one], "none")).read_bytes()
    with pytest.raises(GantryError, match=rf"is thin: .*\({other}\)"):
        delivery_of(tmp_path, thin).thin([one, other], "none")


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_is_made_of_a_hostile_archive(name: str, tmp_path: Path) -> None:
    row = HOSTILE[name]
    delivery = delivery_of(tmp_path, row.build(), verify=not row.refused)
    with pytest.raises(GantryError, match=row.refused or row.damaged):
        delivery.documents()
    assert all(path.name == "images.tar" or path.suffix == ".lock" for path in tmp_path.iterdir())


def test_compression_for_a_host() -> None:
    assert compression_for("auto", zstd=True) == "zstd"
    assert compression_for("auto", zstd=False) == "gzip"
    assert compression_for("none", zstd=True) == "none"
    with pytest.raises(GantryError, match="needed on this host"):
        compression_for("zstd", zstd=False)


@pytest.mark.parametrize("data", [archives.both(APP, TOOL), archives.legacy(TOOL), archives.with_artifacts()])
def test_the_verifier_is_asked_about_the_images_that_a_host_finds(
    tmp_path: Path, data: dict[str, archives.Content]
) -> None:
    delivery = delivery_of(tmp_path, archives.tar(data))
    index = read_index(delivery.documents())
    groups = groups_of(index._replace(images=images_of(index)), lambda: Platform("linux", "arm64"), lambda: False)
    assert delivery.subjects() == tuple(subject for group in groups for subject in group.subjects) != ()
