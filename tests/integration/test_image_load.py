# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_load against a real engine: nothing for nothing, and no failure that looks like success."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import docker
import pytest
import zstandard

from ansible_collections.gantry.docker.plugins.module_utils.image.archive import read_index
from ansible_collections.gantry.docker.tests.engines import engine as engines
from ansible_collections.gantry.docker.tests.engines.images import content
from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.scenes import tar_of
from ansible_collections.gantry.docker.tests.unit.image import archives


def _save(client: docker.DockerClient, path: Path, *names: str) -> Path:
    """An archive as the engine itself writes it."""
    response = client.api.get(f"{client.api.base_url}/images/get", params={"names": list(names)}, stream=True)
    with path.open("wb") as file:
        for piece in response.iter_content(1 << 20):
            file.write(piece)
    return path


def _forget(client: docker.DockerClient) -> None:
    for image in client.images.list(all=True):
        client.images.remove(str(image.id), force=True)


@pytest.fixture
def archive(busybox: docker.DockerClient, tmp_path: Path) -> Path:
    """An archive of busybox:latest and example/tools:1, whose images the engine has no more."""
    container = busybox.containers.run("busybox", ["touch", "/tools"], detach=True)
    container.wait()
    container.commit("example/tools", "1")
    container.remove()
    path = _save(busybox, tmp_path / "images.tar", "busybox:latest", "example/tools:1")
    _forget(busybox)
    return path


def test_loads_and_then_sends_nothing(module: Module, clean: docker.DockerClient, archive: Path) -> None:
    done = module.converges(path=str(archive))
    assert done["bytes_sent"] == archive.stat().st_size
    assert {tag for image in clean.images.list() for tag in image.tags} == {"busybox:latest", "example/tools:1"}
    assert set(done["diff"]["after"]) == {"busybox:latest", "example/tools:1"}
    assert "bytes_sent" not in module.unchanged(path=str(archive))
    assert clean.containers.run("example/tools:1", ["ls", "/tools"], remove=True) == b"/tools\n"


def test_one_tag_is_missing(module: Module, clean: docker.DockerClient, archive: Path) -> None:
    module.ok(path=str(archive))
    clean.api.remove_image("busybox:latest")
    done = module.converges(path=str(archive))
    assert list(done["diff"]["after"]) == ["busybox:latest"]


def test_a_tag_moves_back(module: Module, clean: docker.DockerClient, archive: Path) -> None:
    module.ok(path=str(archive))
    clean.api.tag("busybox", "example/tools", "1", force=True)
    done = module.converges(path=str(archive))
    before, after = done["diff"]["before"]["example/tools:1"], done["diff"]["after"]["example/tools:1"]
    assert len(after["layers"]) == len(before["layers"]) + 1


def test_without_tags(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    path = _save(busybox, tmp_path / "untagged.tar", str(busybox.images.get("busybox").id))
    _forget(busybox)
    module.converges(path=str(path))
    assert [image.tags for image in busybox.images.list()] == [[]]


def test_several_without_tags(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    container = busybox.containers.create("busybox")
    made = [str(container.commit(conf={"Labels": {"number": str(number)}}).id) for number in range(2)]
    container.remove()
    path = _save(busybox, tmp_path / "untagged.tar", *made)
    _forget(busybox)
    done = module.converges(path=str(path))
    assert {image["Config"]["Labels"]["number"] for image in done["images"]} == {"0", "1"}
    assert {image.id for image in busybox.images.list(all=True)} == {image["Id"] for image in done["images"]}


@pytest.mark.parametrize(
    ("ending", "compress"),
    [("gz", gzip.compress), ("xz", lzma.compress), ("bz2", bz2.compress), ("zst", zstandard.compress)],
)
def test_compressed(
    module: Module, clean: docker.DockerClient, archive: Path, ending: str, compress: Callable[[bytes], bytes]
) -> None:
    packed = archive.with_suffix(f".{ending}")
    packed.write_bytes(compress(archive.read_bytes()))
    module.converges(path=str(packed))


def test_from_every_other_engine(
    module: Module, engine: engines.Engine, clean: docker.DockerClient, tmp_path: Path
) -> None:
    other_name = "bookworm-classic" if engine.store == "containerd" else "sid-containerd"
    with engines.running(other_name, content()) as other, closing(other.client()) as theirs:
        theirs.images.pull("debian", "12")
        container = theirs.containers.run("debian:12", ["touch", "/x"], detach=True)
        container.wait()
        container.commit("example/from", "1", changes=['CMD ["true"]', "ENV A=1", "LABEL b=2"])
        container.remove()
        path = _save(theirs, tmp_path / "foreign.tar", "example/from:1", "debian:12")
        layers = theirs.images.get("example/from:1").attrs["RootFS"]["Layers"]
    module.converges(path=str(path))
    assert clean.images.get("example/from:1").attrs["RootFS"]["Layers"] == layers


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.95])
def test_truncated(module: Module, clean: docker.DockerClient, archive: Path, keep: float, check: bool) -> None:
    size = archive.stat().st_size
    os.truncate(archive, int(keep if keep >= 1 else keep * size))
    message = module.fails(check=check, path=str(archive))
    assert str(archive) in message
    assert clean.images.list(all=True) == []


@pytest.mark.parametrize("check", [True, False])
def test_no_archive(module: Module, clean: docker.DockerClient, tmp_path: Path, check: bool) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(os.urandom(100_000))
    assert str(garbage) in module.fails(check=check, path=str(garbage))
    assert "/none/such.tar" in module.fails(check=check, path="/none/such.tar")
    assert "absolute" in module.fails(check=check, path="images.tar")
    assert str(tmp_path) in module.fails(check=check, path=str(tmp_path))
    assert clean.images.list(all=True) == []


def _archive_with_a_wrong_layer(path: Path) -> Path:
    """An archive of example/wrong:1 and example/tools:1 whose layer isn't the one that their config names."""
    layer, config = tar_of({"wrong": os.urandom(1000)}), _config(os.urandom(32).hex())
    name = hashlib.sha256(config).hexdigest()
    manifest = [
        {"Config": f"{name}.json", "RepoTags": ["example/wrong:1", "example/tools:1"], "Layers": ["one/layer.tar"]}
    ]
    files = {f"{name}.json": config, "one/layer.tar": layer, "manifest.json": json.dumps(manifest).encode()}
    path.write_bytes(tar_of(files))
    return path


def _config(diff_id: str) -> bytes:
    return json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": "2024-05-06T07:08:09Z",
            "config": {"Cmd": ["true"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
        }
    ).encode()


def test_a_wrong_layer_leaves_the_old_tags(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    busybox.api.tag("busybox", "example/tools", "1")
    before = busybox.images.get("busybox").id
    archive = _archive_with_a_wrong_layer(tmp_path / "wrong.tar")
    message = module.fails(path=str(archive))
    assert str(archive) in message
    tags = {tag: image.id for image in busybox.images.list() for tag in image.tags}
    assert tags == {"busybox:latest": before, "example/tools:1": before}


def test_some_of_them(module: Module, clean: docker.DockerClient, archive: Path) -> None:
    done = module.converges(path=str(archive), name="example/tools:1")
    assert [tag for image in clean.images.list() for tag in image.tags] == ["example/tools:1"]
    assert done["bytes_sent"] < archive.stat().st_size
    assert clean.containers.run("example/tools:1", ["ls", "/tools"], remove=True) == b"/tools\n"
    module.converges(path=str(archive), names=["example/tools:1", "busybox"])
    module.unchanged(path=str(archive))


def test_one_of_an_images_tags(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    busybox.api.tag("busybox", "example/tools", "1")
    path = _save(busybox, tmp_path / "two.tar", "busybox:latest", "example/tools:1")
    _forget(busybox)
    module.converges(path=str(path), name="example/tools:1")
    assert [image.tags for image in busybox.images.list()] == [["example/tools:1"]]


@pytest.mark.parametrize("check", [True, False])
def test_name_that_is_not_in_it(module: Module, clean: docker.DockerClient, archive: Path, check: bool) -> None:
    message = module.fails(check=check, path=str(archive), names=["busybox", "none/such:1"])
    assert "none/such:1" in message and "busybox:latest, example/tools:1" in message
    assert "digest" in module.fails(check=check, path=str(archive), name=f"busybox@sha256:{64 * '0'}")
    assert clean.images.list(all=True) == []


def test_only_what_is_missing_is_sent(module: Module, clean: docker.DockerClient, archive: Path) -> None:
    """The engine lacks one image of two; the other isn't loaded a second time."""
    module.ok(path=str(archive), name="busybox")
    before = {row["Id"]: row["RepoTags"] for row in clean.api.images(all=True)}
    done = module.converges(path=str(archive))
    assert done["bytes_sent"] < archive.stat().st_size < done["bytes_sent"] + done["bytes_skipped"] + 100_000
    assert done["actions"] == [f"Loaded example/tools:1 from {archive}"]
    after = {row["Id"]: row["RepoTags"] for row in clean.api.images(all=True)}
    assert before.items() <= after.items() and len(after) == len(before) + 1


def test_oci_layout_alone(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    """As skopeo writes it, without the manifest.json that classic stores read; its layers are compressed."""
    layer = _layer_of_busybox(busybox, tmp_path)
    _forget(busybox)
    image = archives.Image((layer,), tags=("skopeo:1",), settings={"Cmd": ["sh"]})
    path = tmp_path / "oci.tar"
    path.write_bytes(archives.tar(archives.oci(image, compression="gzip")))
    module.converges(path=str(path))
    assert busybox.containers.run("skopeo:1", ["echo", "yes"], remove=True) == b"yes\n"


def _layer_of_busybox(client: docker.DockerClient, place: Path) -> bytes:
    path = _save(client, place / "busybox.tar", "busybox:latest")
    index = read_index(path)
    entry = index.entries[index.images[0].layers[0].entry]
    layer = path.read_bytes()[entry.offset : entry.offset + entry.size]
    return gzip.decompress(layer) if layer.startswith(b"\x1f\x8b") else layer


def test_several_platforms(
    module: Module, engine: engines.Engine, busybox: docker.DockerClient, tmp_path: Path
) -> None:
    """A containerd store takes all of them, a classic one that of the engine."""
    layer = _layer_of_busybox(busybox, tmp_path)
    _forget(busybox)
    host = archives.Image((layer,), tags=("both:1",), settings={"Cmd": ["sh"]})
    arm = replace(host, architecture="arm64", layers=(layer, archives.layer("arm")))
    path, index = tmp_path / "both.tar", archives.index_of(host, arm)
    path.write_bytes(archives.tar(archives.multi_platform(index, ["both:1"], host, arm)))
    module.converges(path=str(path))
    assert busybox.containers.run("both:1", ["echo", "yes"], remove=True) == b"yes\n"
    if engine.store == "containerd":
        saved = _save(busybox, tmp_path / "again.tar", "both:1")
        assert {image.architecture for image in read_index(saved).images} == {"amd64", "arm64"}


def test_what_was_loaded_before_an_error(
    module: Module, engine: engines.Engine, clean: docker.DockerClient, archive: Path
) -> None:
    """Of two images the second has another layer than its config says."""
    good, bad = archives.Image((archives.layer("good"),)), archives.Image((archives.layer("bad"),))
    entries = archives.both(replace(good, tags=("good:1",)), replace(bad, tags=("bad:1",)))
    entries[archives.blob(bad.layers[0])] = bad.layers[0].replace(b"bad", b"BAD")
    path = archive.with_name("half.tar")
    path.write_bytes(archives.tar(entries))
    message = module.fails(path=str(path))
    tags = {tag for image in clean.images.list() for tag in image.tags}
    assert tags == ({"good:1"} if engine.store == "classic" else set())
    assert ("Loaded all the same: good:1" in message) == (engine.store == "classic")
