# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives of Docker before 1.10, as they are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._archive.compressed import Unpacker
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchiveError, ArchiveIndex, read_index
from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify
from ansible_collections.gantry.docker.tests.support import archives
from ansible_collections.gantry.docker.tests.support.archives import APP, TOOL, Content, Image

ONE = Image((archives.layer("one"),), tags=("one:1",))
ROOTFS = f'"rootfs":{{"type":"layers","diff_ids":["{ONE.diff_ids[0]}"]}}'
TIME = "2015-01-02T03:04:05.678901234Z"
# A container's config as Go writes it of an empty one.
EMPTY = (
    '{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"Tty":false,'
    '"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,"Image":"","Volumes":null,"WorkingDir":"",'
    '"Entrypoint":null,"OnBuild":null,"Labels":null}'
)


def index_of(entries: dict[str, Content], path: Path, compression: str = "none") -> ArchiveIndex:
    path.write_bytes(archives.packed(archives.tar(entries), compression))
    return read_index(path)


def config_of(tmp_path: Path, said: str) -> str:
    """Return the config that is made from an image's description."""
    index = index_of(archives.ancient(ONE, write=lambda _described: said.encode()), tmp_path / "images.tar")
    (image,) = index.images
    config = index.documents[image.config_entry or ""]
    assert archives.digest(config) == image.config_digest
    return config.decode()


# From 1.8.3 on, everything in the document stays; before, only the fields that Go knew.
CONFIGS = {
    "text as it is written": (
        '{ "docker_version": "1.9.1",\n\t"z": "\\u0041\\/ \\" <&>\u2028é", "a b" : [1.50, {"y": {}, "x": null}] }',
        '{"a b":[1.50,{"y":{},"x":null}],"docker_version":"1.9.1","history":[{}],'
        f'{ROOTFS},"z":"\\u0041\\/ \\" \\u003c\\u0026\\u003e\\u2028é"}}',
    ),
    "what is left out": (
        '{"docker_version":"1.10.0","id":"x","parent_id":"x","layer_id":"x","throwaway":true,"Size":1,"parent":"","v":0}',
        f'{{"docker_version":"1.10.0","history":[{{}}],{ROOTFS},"v":0}}',
    ),
    "key that Go escapes": (
        '{"docker_version":"1.8.3","a<\u00e9":0}',
        f'{{"a\\u003cé":0,"docker_version":"1.8.3","history":[{{}}],{ROOTFS}}}',
    ),
    "history": (
        '{"author":"<a@b>","comment":"c\\u0001\\n","container_config":{"Cmd":["/bin/sh","-c","#(nop) \\"é"]},'
        '"created":"2015-01-02T03:04:05.670Z","docker_version":"1.9.1"}',
        '{"author":"\\u003ca@b\\u003e","comment":"c\\u0001\\n","container_config":{"Cmd":["/bin/sh","-c",'
        '"#(nop) \\"é"]},"created":"2015-01-02T03:04:05.670Z","docker_version":"1.9.1","history":[{"created":'
        '"2015-01-02T03:04:05.67Z","created_by":"/bin/sh -c #(nop) \\"é","author":"\\u003ca@b\\u003e",'
        f'"comment":"c\\u0001\\n"}}],{ROOTFS}}}',
    ),
    "older": (
        '{"id":"x","docker_version":"1.3.2","created":"2014-01-02T03:04:05.5000+00:00","config":{"Memory":1,"Cmd":"sh",'
        '"ExposedPorts":{"80/tcp":{},"443/tcp":{}},"Labels":{"b":"2","a":"<1>"},"Env":[],"Tty":true},"Size":7,"x":1}',
        '{"config":{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,'
        '"ExposedPorts":{"443/tcp":{},"80/tcp":{}},"Tty":true,"OpenStdin":false,"StdinOnce":false,"Env":[],"Cmd":["sh"],'
        '"Image":"","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,'
        f'"Labels":{{"a":"\\u003c1\\u003e","b":"2"}}}},"container_config":{EMPTY},"created":"2014-01-02T03:04:05.5Z",'
        f'"docker_version":"1.3.2","history":[{{"created":"2014-01-02T03:04:05.5Z"}}],{ROOTFS}}}',
    ),
    "much older": ("{}", f'{{"container_config":{EMPTY},"created":null,"history":[{{}}],{ROOTFS}}}'),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_config_is_the_one_that_docker_makes(name: str, tmp_path: Path) -> None:
    said, config = CONFIGS[name]
    assert config_of(tmp_path, said) == config


@pytest.mark.parametrize(
    ("version", "as_written"),
    [
        ("", False),
        ("1.8.2", False),
        ("1.8", False),
        ("0.12", False),
        ("1.8.3", True),
        ("1.10.0-rc1", True),
        ("2", True),
    ],
)
def test_all_is_kept_from_1_8_3_on(version: str, as_written: bool, tmp_path: Path) -> None:
    assert ("more" in json.loads(config_of(tmp_path, json.dumps({"docker_version": version, "more": 1})))) == as_written


@pytest.mark.parametrize("compression", ["none", "gzip", "xz", "zstd"])
def test_images_share_their_parents(compression: str, tmp_path: Path) -> None:
    path = tmp_path / "images.tar"
    index = index_of(archives.ancient(APP, TOOL), path, compression)
    assert {image.tags: image.diff_ids for image in index.images} == {
        APP.tags: APP.diff_ids,
        TOOL.tags: TOOL.diff_ids,
    }
    assert all(image.listed and not image.missing and image.created == TIME for image in index.images)
    assert len([name for name in index.entries if name.endswith("/layer.tar")]) == 4
    assert verify(path) == index
    with path.open("rb") as file:
        unpacker = Unpacker(file, index)
        for image in index.images:
            data = [b"".join(unpacker.data(index.entries[layer.entry])) for layer in image.layers]
            assert tuple(map(archives.digest, data)) == image.diff_ids


def test_images_without_a_tag_are_those_that_are_nobodys_parent(tmp_path: Path) -> None:
    entries = archives.ancient(APP, Image(TOOL.layers))
    index = index_of(entries, tmp_path / "images.tar")
    assert {(image.tags, image.diff_ids) for image in index.images} == {(APP.tags, APP.diff_ids), ((), TOOL.diff_ids)}


def test_parent_with_a_tag_is_an_image_too(tmp_path: Path) -> None:
    entries = archives.ancient(APP)
    base = next(name for name, data in entries.items() if data == APP.layers[0])[:64]
    tops = json.loads(bytes(entries["repositories"]))  # type: ignore[arg-type]
    entries["repositories"] = archives.encoded({**tops, "base": {"1": base}})
    images = index_of(entries, tmp_path / "images.tar").images
    assert {image.tags: len(image.layers) for image in images} == {APP.tags: 2, ("base:1",): 1}


def test_images_that_become_one_have_the_tags_of_both(tmp_path: Path) -> None:
    twin = Image(ONE.layers, tags=("two:2",), settings={})
    same: dict[str, Any] = {"config": {}, "container_config": {}}
    (image,) = index_of(archives.ancient(ONE, twin, **same), tmp_path / "images.tar").images
    assert sorted(image.tags) == ["one:1", "two:2"]


def test_without_repositories_it_is_none(tmp_path: Path) -> None:
    """Engines read it in the same way."""
    entries = archives.ancient(ONE)
    del entries["repositories"]
    with pytest.raises(ArchiveError, match=r"neither a manifest\.json nor"):
        index_of(entries, tmp_path / "images.tar")


def test_manifest_counts_where_there_is_one(tmp_path: Path) -> None:
    """Since 1.10 archives have also the files for older versions."""
    entries = {**archives.ancient(ONE), **archives.podman(APP)}
    assert [image.tags for image in index_of(entries, tmp_path / "images.tar").images] == [APP.tags]
