# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of an archive that engines get: documents of our own, the checked bytes, and blobs."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._archive.artifacts import artifacts_of, images_of
from ansible_collections.gantry.docker.plugins.module_utils._archive.compressed import Unpacker
from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import groups_of
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchiveIndex, read_index
from ansible_collections.gantry.docker.plugins.module_utils._archive.tar import Entry
from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import (
    assembled,
    assembled_size,
    parts_to_load,
)
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform
from ansible_collections.gantry.docker.tests.support import archives
from ansible_collections.gantry.docker.tests.support.archives import APP, ARM, TOOL, Content

Read = Callable[[Entry], Iterator[bytes]]


def sent(path: Path, entries: Mapping[str, Content], spoil: bool = False) -> dict[str, bytes]:
    """Return the files that an engine gets of an archive. spoil: whether the file has only zeros when it is sent."""
    archive = path / "images.tar"
    archive.write_bytes(archives.tar(entries))
    index = read_index(archive)
    if spoil:
        archive.write_bytes(bytes(archive.stat().st_size))
    with archive.open("rb") as file:
        return _sent(index, Unpacker(file, index).data)


def _sent(index: ArchiveIndex, read: Read) -> dict[str, bytes]:
    images = index._replace(images=images_of(index))
    groups = groups_of(images, lambda: Platform("linux", "amd64"), lambda: True)
    parts = list(parts_to_load(index, groups, frozenset(), read))
    data = b"".join(assembled(parts))
    assert assembled_size(parts) == len(data)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        names = tar.getnames()
        assert len(set(names)) == len(names)
        return {name: cast(Any, tar.extractfile(name)).read() for name in names}


def described(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    return cast(list[dict[str, Any]], json.loads(files["index.json"])["manifests"])


def layout(*items: Mapping[str, Any], **more: Any) -> bytes:
    return archives.encoded({"schemaVersion": 2, "manifests": items, **more})


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({archives.REF_NAME: "tool:2"}, ("docker.io/library/tool:2", "2")),
        ({archives.REF_NAME: "team/tool:2"}, ("docker.io/team/tool:2", "2")),
        ({archives.FULL_NAME: "tool"}, ("docker.io/library/tool:latest", "latest")),
        ({archives.FULL_NAME: "tool:2", archives.REF_NAME: "other:1"}, ("docker.io/library/tool:2", "2")),
        # A tag alone is no name, nor is a text that Docker doesn't accept as one.
        ({archives.REF_NAME: "latest"}, None),
        ({archives.REF_NAME: "No:Name"}, None),
        ({}, None),
    ],
)
def test_names_are_those_that_engines_find(
    annotations: dict[str, str], expected: tuple[str, str] | None, tmp_path: Path
) -> None:
    target = archives.descriptor(archives.manifest(TOOL), archives.OCI_MANIFEST)
    entries = {**archives.oci(TOOL), "index.json": layout({**target, "annotations": {**annotations, "x": "y"}})}
    (item,) = described(sent(tmp_path, entries))
    assert item == {
        **target,
        **({"annotations": dict(zip((archives.FULL_NAME, archives.REF_NAME), expected))} if expected else {}),
    }


def test_all_names_are_sent(tmp_path: Path) -> None:
    """These include names in manifest.json, which a containerd store doesn't read beside an index.json."""
    target = archives.descriptor(archives.manifest(APP), archives.OCI_MANIFEST)
    files = sent(tmp_path, {**archives.both(APP), "index.json": layout(target)})
    assert {item["annotations"][archives.FULL_NAME] for item in described(files)} == set(map(archives.full, APP.tags))
    assert json.loads(files["manifest.json"])[0]["RepoTags"] == sorted(APP.tags)


def test_nothing_unread_is_sent(tmp_path: Path) -> None:
    entries = archives.both(TOOL)
    target = archives.descriptor(archives.manifest(TOOL), "x/y", annotations={archives.REF_NAME: "tool:2"})
    entries["index.json"] = layout({**target, "platform": {"os": "plan9"}, "data": "eHg="}, note="x")
    entries["oci-layout"] = b'{"imageLayoutVersion": "1.0.0", "note": "x"}'
    entries["notes"] = b"x"
    files = sent(tmp_path, entries)
    expected = {*map(archives.blob, TOOL.layers), archives.blob(TOOL.config), archives.blob(archives.manifest(TOOL))}
    assert set(files) == expected | {"index.json", "manifest.json", "oci-layout"}
    assert described(files)[0]["mediaType"] == archives.OCI_MANIFEST
    assert set(json.loads(files["index.json"])) == {"schemaVersion", "mediaType", "manifests"}
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    assert [set(item) for item in json.loads(files["manifest.json"])] == [{"Config", "RepoTags", "Layers"}]


@pytest.mark.parametrize("layout", ["legacy", "both"])
def test_documents_are_the_bytes_that_were_read(layout: str, tmp_path: Path) -> None:
    write = {"legacy": archives.legacy, "both": archives.both}[layout]
    files = sent(tmp_path, write(APP), spoil=True)
    (item,) = json.loads(files["manifest.json"])
    assert files[item["Config"]] == APP.config
    assert {files[layer] for layer in item["Layers"]} == {bytes(len(layer)) for layer in APP.layers}
    if layout == "both":
        assert files[archives.blob(archives.manifest(APP))] == archives.manifest(APP)


def test_files_are_called_by_their_digests(tmp_path: Path) -> None:
    """Their names in the archive don't matter: a layer may have the name of a document."""
    entries: dict[str, Content] = {"repositories": TOOL.layers[0], "a/b": TOOL.layers[1], "c": TOOL.config}
    item = {"Config": "c", "RepoTags": ["tool:2"], "Layers": ["repositories", "a/b", "repositories"]}
    files = sent(tmp_path, {**entries, "manifest.json": archives.encoded([item])})
    names = [f"{diff_id[7:]}.tar" for diff_id in TOOL.diff_ids]
    (item,) = json.loads(files["manifest.json"])
    assert item == {"Config": f"{TOOL.config_digest[7:]}.json", "RepoTags": ["tool:2"], "Layers": names}
    assert set(files) == {*names, item["Config"], "manifest.json"}


def test_all_platforms_of_one_image_are_sent(tmp_path: Path) -> None:
    host = archives.Image(APP.layers)
    index = archives.index_of(host, ARM)
    files = sent(tmp_path, archives.multi_platform(index, ["app:1"], host, ARM))
    (item,) = described(files)
    assert (item["mediaType"], item["digest"]) == (archives.OCI_INDEX, archives.digest(index))
    assert files[archives.blob(index)] == index
    assert {archives.blob(archives.manifest(image)) for image in (host, ARM)} <= set(files)
    assert len(json.loads(files["manifest.json"])) == 1


def test_images_that_the_index_forgets_are_sent_by_manifest_json_alone(tmp_path: Path) -> None:
    files = sent(tmp_path, archives.forgetful(APP, *archives.WITHOUT_TAGS))
    assert "index.json" not in files
    assert len(json.loads(files["manifest.json"])) == 3


# Artifacts beside images


def test_artifacts_are_left_out_and_told(tmp_path: Path) -> None:
    entries = archives.with_artifacts()
    files = sent(tmp_path, entries)
    assert [item["annotations"][archives.FULL_NAME] for item in described(files)] == ["docker.io/library/tool:2"]
    assert set(files) == {*archives.oci(TOOL), "manifest.json"}
    found = artifacts_of(read_index(tmp_path / "images.tar"))
    assert [(artifact.name, artifact.kind) for artifact in found] == [
        ("example.com/tool:sha256-1.sig", archives.SIGNATURE),
        ("chart:1", "application/vnd.cncf.helm.chart.content.v1.tar+gzip"),
    ]
