# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives with two readings are refused, by name; odd ones are read as engines read them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._archive.compressed import Unpacker
from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import archived_tags
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchiveError, read_index
from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify
from ansible_collections.gantry.docker.tests.support import archives
from ansible_collections.gantry.docker.tests.support.hostile import BOMBS, HOSTILE, ODD, Archive

REFUSED = {name: row for name, row in HOSTILE.items() if row.refused}
SOUND_INDEX = {name: row for name, row in HOSTILE.items() if not row.refused}


def promised(path: Path) -> list[str]:
    """Return the tags that an engine would show if the index is right."""
    return sorted(tag for image in read_index(path).images for tag in archived_tags(image))


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_two_readings_are_refused(name: str, compression: str, tmp_path: Path) -> None:
    row, path = HOSTILE[name], tmp_path / "images.tar"
    data = row.build()
    already = data[:2] == b"\x1f\x8b" or data[:4] == b"\x28\xb5\x2f\xfd"
    path.write_bytes(data if already else archives.packed(data, compression))
    for function in (read_index, verify):
        with pytest.raises(ArchiveError, match=row.refused) as caught:
            function(path)
        assert str(caught.value).startswith(f"The archive {path} can't be used: ")


@pytest.mark.parametrize("name", SOUND_INDEX)
def test_index_that_differs_from_the_content_promises_only_what_it_names(name: str, tmp_path: Path) -> None:
    row, path = HOSTILE[name], tmp_path / "images.tar.gz"
    path.write_bytes(row.build())
    assert promised(path) == ["small:1"]
    with pytest.raises(ArchiveError, match=row.damaged):
        verify(path)


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("form", archives.SPARSE_FORMS)
def test_sparse_files_are_read_with_their_zeros(form: str, compression: str, tmp_path: Path) -> None:
    """As GNU tar --sparse writes the layers of an archive that was unpacked."""
    tree, path = tmp_path / "tree", tmp_path / "images.tar"
    parts = {f"{name}{kind}": content for name in range(40) for kind, content in (("a", b"end"), ("b", bytes(1 << 16)))}
    layer = archives.tar(parts)
    item = {"Config": "config.json", "RepoTags": ["small:1"], "Layers": ["1/layer.tar"]}
    tree.joinpath("1").mkdir(parents=True)
    tree.joinpath("1/layer.tar").write_bytes(layer)
    tree.joinpath("config.json").write_bytes(archives.Image((layer,)).config)
    tree.joinpath("manifest.json").write_bytes(archives.encoded([item]))
    packed = archives.packed_with_tar(tree, form)
    assert len(packed) < len(layer) / 2
    path.write_bytes(archives.packed(packed, compression))
    assert promised(path) == ["small:1"]
    index = read_index(path)
    assert verify(path) == index
    with path.open("rb") as file:
        unpacker = Unpacker(file, index)
        for name, content in {"1/layer.tar": layer, "manifest.json": archives.encoded([item])}.items():
            assert index.entries[name].size == len(content)
            assert b"".join(unpacker.data(index.entries[name])) == content


@pytest.mark.parametrize("name", ODD)
def test_odd_archives_are_taken(name: str, tmp_path: Path) -> None:
    row: Archive = ODD[name]
    path = tmp_path / "images.tar"
    path.write_bytes(row.build())
    assert promised(path) == ["small:1"]
    assert all(image.missing == () for image in read_index(path).images)
    assert verify(path) == read_index(path)


def test_settings_in_another_case_are_read_as_engines_read_them(tmp_path: Path) -> None:
    path = tmp_path / "images.tar"
    path.write_bytes(ODD["settings in another case"].build())
    assert read_index(path).images[0].config == {"Cmd": ["/bin/true"], "Entrypoint": ["/bin/true"]}


@pytest.mark.parametrize("kind", ["bzip2", "xz", "zstd"])
def test_says_that_it_unpacks_to_too_much(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "images.tar"
    path.write_bytes(BOMBS[f"zeros, {kind}"]())
    with pytest.raises(ArchiveError, match=r"unpacks to more than \d+ MiB.*decompress it"):
        read_index(path)


# Bounds: a file below one MiB takes no more than 64 MiB of memory and 5 s

READ = """
import sys, time
from ansible_collections.gantry.docker.plugins.module_utils._archive import trailing_index as embedded
from ansible_collections.gantry.docker.plugins.module_utils._archive import streamed
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchiveError, read_index
import zstandard

def highest():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))

before, began = highest(), time.process_time()
try:
    read_index(sys.argv[1])
except ArchiveError as error:
    message = str(error)
    assert len(message) < 1000
print(highest() - before, time.process_time() - began)
"""


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_take_little_memory_and_time(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    data = BOMBS[name]()
    assert len(data) < 1 << 20
    path.write_bytes(data)
    done = subprocess.run([sys.executable, "-c", READ, path], capture_output=True, text=True, check=True)
    kibibytes, seconds = map(float, done.stdout.split())
    assert kibibytes < 64 << 10
    # Time of the processor, so other processes don't count. The bound itself is the promise.
    assert seconds < 5
