# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_load against a real engine: it sends nothing that is there, and no failure looks like success."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import tarfile
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import docker
import pytest
import zstandard

from ansible_collections.gantry.docker.plugins.module_utils._archive.contents import PlainContents
from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import archived_tag
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import index_of, read_index
from ansible_collections.gantry.docker.plugins.module_utils._archive.trailing_index import embedded_section
from ansible_collections.gantry.docker.tests.engines import engine as engines
from ansible_collections.gantry.docker.tests.engines.images import content
from ansible_collections.gantry.docker.tests.integration.conftest import Module, wipe
from ansible_collections.gantry.docker.tests.integration.scenes import dated, id_of, save, state
from ansible_collections.gantry.docker.tests.support import archives
from ansible_collections.gantry.docker.tests.support.hostile import HOSTILE, ODD
from ansible_collections.gantry.docker.tests.support.relay import ALWAYS, Relay, refusal


def _forget(client: docker.DockerClient) -> None:
    for image in client.images.list(all=True):
        client.images.remove(str(image.id), force=True)


@pytest.fixture
def archive(busybox: docker.DockerClient, tmp_path: Path) -> Path:
    """An archive of busybox:latest and example/tools:1, whose images were removed from the engine."""
    container = busybox.containers.run("busybox", ["touch", "/tools"], detach=True)
    container.wait()
    container.commit("example/tools", "1")
    container.remove()
    path = save(busybox, tmp_path / "images.tar", "busybox:latest", "example/tools:1")
    _forget(busybox)
    return path


def test_loads_and_then_sends_nothing(module: Module, clean: docker.DockerClient, archive: Path) -> None:
    done = module.converges(path=str(archive))
    assert 0 < archive.stat().st_size - done["bytes_sent"] < 20_000
    assert {tag for image in clean.images.list() for tag in image.tags} == {"busybox:latest", "example/tools:1"}
    assert set(done["diff"]["after"]) == {"busybox:latest", "example/tools:1"}
    assert "bytes_sent" not in module.unchanged(path=str(archive))
    assert clean.containers.run("example/tools:1", ["ls", "/tools"], remove=True) == b"/tools\n"


def test_only_a_missing_tag_is_loaded(module: Module, clean: docker.DockerClient, archive: Path) -> None:
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


def test_an_image_without_tags_is_loaded(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    path = save(busybox, tmp_path / "untagged.tar", str(busybox.images.get("busybox").id))
    _forget(busybox)
    module.converges(path=str(path))
    assert [image.tags for image in busybox.images.list()] == [[]]


def test_several_images_without_tags_are_loaded(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    container = busybox.containers.create("busybox")
    made = [str(container.commit(conf={"Labels": {"number": str(number)}}).id) for number in range(2)]
    container.remove()
    path = save(busybox, tmp_path / "untagged.tar", *made)
    _forget(busybox)
    done = module.converges(path=str(path))
    assert {image["Config"]["Labels"]["number"] for image in done["images"]} == {"0", "1"}
    assert {image.id for image in busybox.images.list(all=True)} == {image["Id"] for image in done["images"]}


def test_images_without_tags_that_a_classic_store_saved_are_loaded(
    module: Module, clean: docker.DockerClient, tmp_path: Path
) -> None:
    path = tmp_path / "untagged.tar"
    path.write_bytes(archives.tar(archives.forgetful(archives.APP, *archives.WITHOUT_TAGS)))
    module.converges(path=str(path))
    loaded = {tuple(image.attrs["RootFS"]["Layers"]) for image in clean.images.list()}
    assert loaded == {image.diff_ids for image in (archives.APP, *archives.WITHOUT_TAGS)}


@pytest.mark.parametrize(
    ("ending", "compress"),
    [("gz", gzip.compress), ("xz", lzma.compress), ("bz2", bz2.compress), ("zst", zstandard.compress)],
)
def test_compressed_archives_are_loaded(
    module: Module, clean: docker.DockerClient, archive: Path, ending: str, compress: Callable[[bytes], bytes]
) -> None:
    packed = archive.with_suffix(f".{ending}")
    packed.write_bytes(compress(archive.read_bytes()))
    module.converges(path=str(packed))


def test_an_archive_of_another_engine_is_loaded(
    module: Module, engine: engines.Engine, clean: docker.DockerClient, tmp_path: Path
) -> None:
    other_name = "bookworm-classic" if engine.store == "containerd" else "sid-containerd"
    with engines.running(other_name, content()) as other, closing(other.client()) as theirs:
        theirs.images.pull("debian", "12")
        container = theirs.containers.run("debian:12", ["touch", "/x"], detach=True)
        container.wait()
        container.commit("example/from", "1", changes=['CMD ["true"]', "ENV A=1", "LABEL b=2"])
        container.remove()
        path = save(theirs, tmp_path / "foreign.tar", "example/from:1", "debian:12")
        layers = theirs.images.get("example/from:1").attrs["RootFS"]["Layers"]
    module.converges(path=str(path))
    assert clean.images.get("example/from:1").attrs["RootFS"]["Layers"] == layers


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.95])
def test_a_truncated_archive_is_refused(
    module: Module, clean: docker.DockerClient, archive: Path, keep: float, check: bool
) -> None:
    size = archive.stat().st_size
    os.truncate(archive, int(keep if keep >= 1 else keep * size))
    message = module.fails(check=check, path=str(archive))
    assert str(archive) in message
    assert clean.images.list(all=True) == []


@pytest.mark.parametrize("check", [True, False])
def test_what_is_no_archive_is_refused(module: Module, clean: docker.DockerClient, tmp_path: Path, check: bool) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(os.urandom(100_000))
    assert str(garbage) in module.fails(check=check, path=str(garbage))
    assert "/none/such.tar" in module.fails(check=check, path="/none/such.tar")
    assert "absolute" in module.fails(check=check, path="images.tar")
    assert str(tmp_path) in module.fails(check=check, path=str(tmp_path))
    assert clean.images.list(all=True) == []


def _archive_with_a_wrong_layer(path: Path) -> Path:
    """Write an archive of example/wrong:1 and example/tools:1 with another layer than their config names."""
    image = archives.Image((archives.layer("named"),), tags=("example/wrong:1", "example/tools:1"))
    entries = archives.legacy(image)
    layer = next(name for name, content in entries.items() if content == image.layers[0])
    path.write_bytes(archives.tar({**entries, layer: archives.layer("wrong")}))
    return path


def test_a_wrong_layer_leaves_the_old_tags(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    busybox.api.tag("busybox", "example/tools", "1")
    before = busybox.images.get("busybox").id
    archive = _archive_with_a_wrong_layer(tmp_path / "wrong.tar")
    message = module.fails(path=str(archive))
    assert str(archive) in message
    tags = {tag: image.id for image in busybox.images.list() for tag in image.tags}
    assert tags == {"busybox:latest": before, "example/tools:1": before}


def test_only_named_images_are_loaded(module: Module, clean: docker.DockerClient, archive: Path) -> None:
    done = module.converges(path=str(archive), name="example/tools:1")
    assert [tag for image in clean.images.list() for tag in image.tags] == ["example/tools:1"]
    assert done["bytes_sent"] < archive.stat().st_size
    assert clean.containers.run("example/tools:1", ["ls", "/tools"], remove=True) == b"/tools\n"
    module.converges(path=str(archive), names=["example/tools:1", "busybox"])
    module.unchanged(path=str(archive))


def test_only_a_named_tag_is_loaded(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    busybox.api.tag("busybox", "example/tools", "1")
    path = save(busybox, tmp_path / "two.tar", "busybox:latest", "example/tools:1")
    _forget(busybox)
    module.converges(path=str(path), name="example/tools:1")
    assert [image.tags for image in busybox.images.list()] == [["example/tools:1"]]


@pytest.mark.parametrize("check", [True, False])
def test_a_name_that_the_archive_lacks_is_refused(
    module: Module, clean: docker.DockerClient, archive: Path, check: bool
) -> None:
    message = module.fails(check=check, path=str(archive), names=["busybox", "none/such:1"])
    assert "none/such:1" in message and "busybox:latest, example/tools:1" in message
    assert "digest" in module.fails(check=check, path=str(archive), name=f"busybox@sha256:{64 * '0'}")
    assert clean.images.list(all=True) == []


def test_only_what_is_missing_is_sent(module: Module, clean: docker.DockerClient, archive: Path) -> None:
    """The engine lacks one of two images; the other isn't loaded again."""
    module.ok(path=str(archive), name="busybox")
    before = {row["Id"]: row["RepoTags"] for row in clean.api.images(all=True)}
    done = module.converges(path=str(archive))
    assert done["bytes_sent"] < archive.stat().st_size < done["bytes_sent"] + done["bytes_skipped"] + 100_000
    assert done["actions"] == [f"Loaded example/tools:1 from {archive}"]
    after = {row["Id"]: row["RepoTags"] for row in clean.api.images(all=True)}
    assert before.items() <= after.items() and len(after) == len(before) + 1


def test_an_oci_layout_alone_is_loaded(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    """As skopeo writes it, without the manifest.json that classic stores read; its layers are compressed."""
    layer = _layer_of_busybox(busybox, tmp_path)
    _forget(busybox)
    image = archives.Image((layer,), tags=("skopeo:1",), settings={"Cmd": ["sh"]})
    path = tmp_path / "oci.tar"
    path.write_bytes(archives.tar(archives.oci(image, compression="gzip")))
    module.converges(path=str(path))
    assert busybox.containers.run("skopeo:1", ["echo", "yes"], remove=True) == b"yes\n"


def _layer_of_busybox(client: docker.DockerClient, place: Path) -> bytes:
    path = save(client, place / "busybox.tar", "busybox:latest")
    index = read_index(path)
    entry = index.entries[index.images[0].layers[0].entry]
    layer = path.read_bytes()[entry.offset : entry.offset + entry.size]
    return gzip.decompress(layer) if layer.startswith(b"\x1f\x8b") else layer


def test_images_for_several_platforms_are_loaded(
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
        saved = save(busybox, tmp_path / "again.tar", "both:1")
        assert {image.architecture for image in read_index(saved).images} == {"amd64", "arm64"}


def test_an_error_undoes_what_was_loaded_before_it(module: Module, clean: docker.DockerClient, archive: Path) -> None:
    """The second of two images has another layer than its config names."""
    good, bad = archives.Image((archives.layer("good"),)), archives.Image((archives.layer("bad"),))
    entries = archives.both(replace(good, tags=("good:1",)), replace(bad, tags=("bad:1",)))
    entries[archives.blob(bad.layers[0])] = bad.layers[0].replace(b"bad", b"BAD")
    path = archive.with_name("half.tar")
    path.write_bytes(archives.tar(entries))
    message = module.fails(path=str(path))
    assert clean.api.images(all=True) == []
    assert str(path) in message


# Archives that an engine would read otherwise than we do

SMALL = archives.Image((archives.layer("small"),), tags=("small:1",))
EVIL = archives.Image((archives.layer("evil"),), tags=("prod:latest",))


def _with(entries: dict[str, archives.Content], name: str, old: bytes, new: bytes) -> dict[str, archives.Content]:
    """Return entries with a replaced text in one of them."""
    content = entries[name]
    assert isinstance(content, bytes) and old in content
    return {**entries, name: content.replace(old, new)}


def _other_index_at_the_end(compression: str) -> bytes:
    """Return an archive of two images, with a trailing index of the first alone."""
    body, told = archives.tar(archives.both(SMALL, EVIL)), archives.both(SMALL)
    index = index_of(PlainContents(io.BytesIO(body), len(body)), "none")
    documents = {name: content for name, content in told.items() if name in index.documents or name == "oci-layout"}
    sizes = {name: content for name, content in documents.items() if isinstance(content, bytes)}
    entries = {
        name: entry._replace(size=len(sizes[name])) if name in sizes else entry for name, entry in index.entries.items()
    }
    section = embedded_section(compression, entries, index.end + (1 << 20), sizes, ())
    return archives.packed(body, compression) + section


def _headed(*heads: tuple[bytes, bytes]) -> bytes:
    """Return a tar whose last entry is evil's manifest.json, after headers with these types and data."""
    entries = {**archives.legacy(EVIL), **archives.legacy(SMALL)}
    evil = archives.legacy(EVIL)["manifest.json"]
    assert isinstance(evil, bytes)
    last = tarfile.TarInfo("manifest.json")
    last.size = len(evil)
    parts = [archives.tar(entries)[:-1024]]
    for kind, data in heads:
        head = tarfile.TarInfo("././@head")
        head.type, head.size = kind, len(data)
        parts += [head.tobuf(tarfile.GNU_FORMAT), data, bytes(-len(data) % 512)]
    parts += [last.tobuf(tarfile.GNU_FORMAT), evil, bytes(-len(evil) % 512), bytes(1024)]
    return b"".join(parts)


def _pax(key: str, value: str) -> bytes:
    record = f" {key}={value}\n".encode()
    length = len(record) + len(str(len(record) + 2))
    return str(length).encode() + record


def _below_a_link() -> bytes:
    entries = {**archives.legacy(EVIL), **archives.legacy(SMALL), "x": archives.Link(".")}
    return archives.tar({**entries, "x/manifest.json": archives.legacy(EVIL)["manifest.json"]})


def _other_case(letters: bytes) -> bytes:
    more = b'"Layers":', b'"' + letters + b'":["prod:latest"],"Layers":'
    return archives.tar(_with(archives.legacy(SMALL), "manifest.json", *more))


def _other_case_in_the_layout() -> bytes:
    name = f'"Annotations":{{"{archives.FULL_NAME}":"docker.io/library/prod:latest"}}'.encode()
    layout = archives.oci(SMALL)["index.json"]
    assert isinstance(layout, bytes)
    end = b"}}]}"
    assert layout.endswith(end)
    return archives.tar({**archives.both(SMALL), "index.json": layout[: -len(end)] + b"}," + name + b"}]}"})


TWO_READINGS: dict[str, Callable[[], bytes]] = {
    "another index at the end, gzip": partial(_other_index_at_the_end, "gzip"),
    "another index at the end, zstd": partial(_other_index_at_the_end, "zstd"),
    "a key in another case": partial(_other_case, b"repotags"),
    "a key with a long s": partial(_other_case, "RepoTag\u017f".encode()),
    "a key in another case, in index.json": _other_case_in_the_layout,
    "two pax headers": partial(_headed, (b"x", _pax("path", "y")), (b"x", _pax("comment", "z"))),
    "a long name, then a pax header": partial(_headed, (b"L", b"manifest.json\0"), (b"x", _pax("path", "y"))),
    "below a link": _below_a_link,
}


@pytest.fixture
def prod(busybox: docker.DockerClient) -> docker.DockerClient:
    """An engine with prod:latest, which is busybox."""
    busybox.api.tag("busybox", "prod", "latest")
    return busybox


def _tags(client: docker.DockerClient) -> dict[str, str]:
    return {tag: str(image.id) for image in client.images.list(all=True) for tag in image.tags}


def _moves_what_it_foresees(module: Module, client: docker.DockerClient, path: Path) -> None:
    before = _tags(client)
    foreseen = module(check=True, path=str(path))
    done = module(path=str(path))
    after = _tags(client)
    moved = {tag for tag in before.keys() | after.keys() if before.get(tag) != after.get(tag)}
    assert bool(foreseen.get("failed")) <= bool(done.get("failed")), done
    assert moved == (set() if done.get("failed") else set(foreseen["diff"]["after"])), done
    assert after["prod:latest"] == before["prod:latest"]


@pytest.mark.parametrize("name", TWO_READINGS)
def test_no_tag_moves_that_was_not_foreseen(
    name: str, module: Module, prod: docker.DockerClient, tmp_path: Path
) -> None:
    path = tmp_path / "images.tar"
    path.write_bytes(TWO_READINGS[name]())
    _moves_what_it_foresees(module, prod, path)


def test_no_hostile_archive_moves_a_tag_that_was_not_foreseen(
    module: Module, prod: docker.DockerClient, subtests: pytest.Subtests, tmp_path: Path
) -> None:
    path = tmp_path / "images.tar"
    for name, row in {**HOSTILE, **ODD}.items():
        path.write_bytes(row.build())
        with subtests.test(name):
            _moves_what_it_foresees(module, prod, path)
        if "small:1" in _tags(prod):
            prod.api.remove_image("small:1")


@pytest.mark.parametrize("how", ["in its place", "written over"])
def test_a_file_that_is_exchanged_after_it_was_judged_is_not_loaded(
    how: str, between: Relay, prod: docker.DockerClient, tmp_path: Path
) -> None:
    """Size and time of the last change are put back."""
    path, other = tmp_path / "images.tar", tmp_path / "other.tar"
    path.write_bytes(archives.tar(archives.both(SMALL)) + bytes(8192))
    evil = archives.tar(archives.both(EVIL))
    before, status = _tags(prod), path.stat()

    def exchange() -> None:
        target = other if how == "in its place" else path
        target.write_bytes(evil + bytes(status.st_size - len(evil)))
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
        if target == other:
            os.replace(other, path)

    # The engine is asked for an archive's images once the archive was judged.
    between.before("GET /images/small:1/json", exchange)
    load = Module("image_load", between.docker_host)
    if how == "in its place":
        assert list(load.ok(path=str(path))["diff"]["after"]) == ["small:1"]
        assert {tag: image for tag, image in _tags(prod).items() if tag != "small:1"} == before
    else:
        assert "changed meanwhile" in load.fails(path=str(path))
        assert _tags(prod) == before


def _loads(client: docker.DockerClient, *images: archives.Image) -> bytes:
    """Load images; return the engine's answer."""
    answer: Any = client.api.post(
        f"{client.api.base_url}/images/load?quiet=0", data=archives.tar(archives.both(*images))
    )
    answer.raise_for_status()
    content: bytes = answer.content
    return content


@pytest.mark.parametrize(
    "tags",
    [("prod:latest",), ("alone:1",), ("new:1",), ()],
    ids=["one of two tags", "the only tag", "a new tag", "no tag"],
)
def test_what_the_engine_loads_beyond_that_is_undone(
    tags: tuple[str, ...], engine: engines.Engine, between: Relay, prod: docker.DockerClient, tmp_path: Path
) -> None:
    """Something between this host and the engine adds an image."""
    dated(prod, "alone:1", 1)
    path, before = tmp_path / "images.tar", state(prod)
    path.write_bytes(archives.tar(archives.both(SMALL)))
    between.answer("POST /images/load", 200, lambda: _loads(prod, SMALL) + _loads(prod, replace(EVIL, tags=tags)))
    message = Module("image_load", between.docker_host).fails(path=str(path))
    assert "which weren't sent to it" in message and (tags or ("sha256:",))[0] in message
    if engine.name == "trixie-containerd" and tags == ("alone:1",):
        # Nobody can undo that there: this engine forgets an image with its last tag.
        assert message.endswith(
            "It couldn't be undone: alone:1 may be another image now than before. The engine no longer has the former "
            "image of alone:1: pull or load it again."
        )
    else:
        assert state(prod) == before


def test_what_cannot_be_undone_is_told(between: Relay, prod: docker.DockerClient, tmp_path: Path) -> None:
    path, was = tmp_path / "images.tar", id_of(prod, "prod:latest")
    image = replace(SMALL, tags=("small:1", "prod:latest"))
    path.write_bytes(archives.tar(archives.both(image)))

    def break_off() -> bytes:
        _loads(prod, image)
        for question in ("POST /images/.*/tag", "DELETE /images/"):
            between.refuse(question, 500, "Can't do that.", times=ALWAYS)
        return refusal("The engine broke off.")

    between.answer("POST /images/load", 500, break_off)
    message = Module("image_load", between.docker_host).fails(path=str(path))
    assert "The engine broke off. It couldn't be undone: prod:latest, small:1" in message
    assert f"docker tag {was} prod:latest; docker image rm small:1" in message


# Archives that are read whole


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("check", [True, False])
def test_verify_finds_damage(
    check: bool, compression: str, module: Module, prod: docker.DockerClient, tmp_path: Path
) -> None:
    path, damaged = tmp_path / "images.tar", tmp_path / "damaged.tar"
    entries = archives.both(SMALL)
    path.write_bytes(archives.packed(archives.tar(entries), compression))
    layer = archives.blob(SMALL.layers[0])
    bad = archives.tar({**entries, layer: SMALL.layers[0].replace(b"small", b"SMALL")})
    damaged.write_bytes(archives.packed(bad, compression))
    before = state(prod)
    for transfer in ("auto", "full"):
        message = module.fails(check=check, path=str(damaged), verify=True, transfer=transfer)
        assert str(damaged) in message and "damaged" in message
    assert state(prod) == before
    module.converges(path=str(path), verify=True)
    assert not module.ok(check=check, path=str(damaged))["changed"]
    assert "damaged" in module.fails(check=check, path=str(damaged), verify=True)
    # So is one whose index tells of something else than its content.
    other = tmp_path / "other.tar"
    other.write_bytes(_other_index_at_the_end("gzip"))
    assert str(other) in module.fails(check=check, path=str(other), verify=True)


def test_tells_what_the_engine_said(module: Module, clean: docker.DockerClient, archive: Path) -> None:
    said = module.ok(path=str(archive))["stdout"].splitlines()
    assert {"Loaded image: busybox:latest", "Loaded image: example/tools:1"} <= set(said)
    assert "stdout" not in module.ok(path=str(archive))


# Archives of other tools


@pytest.mark.parametrize(("written", "tag"), [("app:1", "app:1"), ("latest", None), ("team/app:2", "team/app:2")])
def test_names_are_read_as_other_tools_write_them(
    written: str, tag: str | None, module: Module, clean: docker.DockerClient, tmp_path: Path
) -> None:
    """As skopeo writes oci-archive:f.tar:app:1. A tag alone is no name: its image is listed without one."""
    image = archives.Image(SMALL.layers)
    target = archives.descriptor(archives.manifest(image), archives.OCI_MANIFEST)
    path = tmp_path / "images.tar"
    entries = archives.layout([{**target, "annotations": {archives.REF_NAME: written}}])
    path.write_bytes(archives.tar({**archives.oci(image), **entries}))
    done = module.converges(path=str(path))
    (listed,) = clean.images.list()
    assert listed.tags == ([tag] if tag else [])
    assert listed.id == done["image"]["Id"]
    if tag:
        assert clean.images.get(tag).id == listed.id
    clean.images.remove(str(listed.id), force=True)
    assert clean.api.images(all=True) == []


OLD = archives.Image((archives.layer("old"), archives.layer("older")), tags=("old:1", "example.com/old:2"))
OLDER = archives.Image((OLD.layers[0], archives.layer("oldest")), tags=("older:1",))
# The description of each image by the Docker that wrote it. From 1.8.3 on, engines keep it as it is.
SAID_BEFORE_1_10: dict[str, dict[str, Any]] = {
    "1.9": {
        "Size": 1,
        "throwaway": True,
        "comment": "a\tb \x7f",
        "container_config": {"Cmd": ["<&>\u2028", '"\u00e9\\']},
    },
    "1.9, indented": {"write": partial(json.dumps, indent=2, ensure_ascii=False), "x<": ["<\u2029>", 1.50, {}, None]},
    "1.3": {
        "docker_version": "1.3.2",
        "created": "2014-10-01T01:02:03.120300000+02:00",
        "config": {
            **{
                "Hostname": "h",
                "Memory": 0,
                "Tty": True,
                "PortSpecs": None,
                "Cmd": "sh",
                "Entrypoint": [],
                "Env": ["A=<"],
            },
            **{
                "ExposedPorts": {"80/tcp": {}, "443/tcp": {}},
                "Volumes": {"/b": {}, "/a": {}},
                "Labels": {"b": "", "a": "&"},
            },
            **{"NetworkDisabled": False, "MacAddress": "", "OnBuild": ["RUN x"], "WorkingDir": "/", "User": "u"},
        },
    },
    "nobody": {
        "docker_version": "",
        "config": None,
        "os": None,
        "architecture": None,
        "container": "c",
        "Size": 5,
        "x": 1,
    },
    "with an author": {"author": "A <a@example.com>", "container_config": {"Cmd": ["sh"]}},
}


@pytest.mark.parametrize("said", SAID_BEFORE_1_10)
def test_the_layout_of_docker_before_1_10_is_loaded(
    said: str, module: Module, engine: engines.Engine, clean: docker.DockerClient, tmp_path: Path
) -> None:
    """Every engine accepts it from image_load. An engine that reads this layout itself gives the image the same Id."""
    more = dict(SAID_BEFORE_1_10[said])
    write = more.pop("write", json.dumps)
    data = archives.tar(archives.ancient(OLD, OLDER, write=lambda value: write(value).encode(), **more))
    path = tmp_path / "old.tar"
    path.write_bytes(data)
    tags = {tag: image.config_digest for image in read_index(path).images for tag in image.tags}
    assert sorted(tags) == sorted([*OLD.tags, *OLDER.tags])
    takes_it = engine.store == "classic" and engine.release < (29,)
    # Before 25 engines wrote the author into the history before the command.
    if takes_it and (said != "with an author" or engine.release >= (25,)):
        # The engine says nothing then, which the SDK's own load can't read.
        clean.api.post(f"{clean.api.base_url}/images/load", data=data).raise_for_status()
        assert _tags(clean) == tags
        module.unchanged(path=str(path))
        wipe(clean)
    done = module.converges(path=str(path))
    assert set(done["diff"]["after"]) == set(tags) and done["diff"]["before"] == dict.fromkeys(tags)
    for image in (OLD, OLDER):
        assert clean.images.get(image.tags[0]).attrs["RootFS"]["Layers"] == list(image.diff_ids)
    saved = read_index(save(clean, tmp_path / "saved.tar", *tags))
    assert {archived_tag(tag): image.config_digest for image in saved.images for tag in image.tags} == tags
    module.unchanged(path=str(path), verify=True)


def test_an_image_of_docker_before_1_10_without_a_tag_is_loaded(
    module: Module, clean: docker.DockerClient, tmp_path: Path
) -> None:
    path = tmp_path / "old.tar"
    path.write_bytes(archives.tar(archives.ancient(OLD, replace(OLDER, tags=()))))
    assert len(module.converges(path=str(path))["images"]) == 2
    assert len(clean.images.list()) == 2
    wipe(clean)
    assert module.converges(path=str(path), name="old:1")["image_names"] == ["old:1"]
    assert len(clean.images.list()) == 1


def test_what_else_is_in_a_layout_is_left_out(module: Module, clean: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "images.tar"
    path.write_bytes(archives.tar(archives.with_artifacts()))
    done = module.converges(path=str(path))
    assert list(_tags(clean)) == ["tool:2"] and len(clean.api.images(all=True)) == 1
    names = ["example.com/tool:sha256-1.sig", "chart:1"]
    assert [artifact["name"] for artifact in done["artifacts"]] == names
    assert [artifact["name"] for artifact in module.unchanged(path=str(path))["artifacts"]] == names


@pytest.mark.parametrize("form", archives.SPARSE_FORMS)
def test_an_archive_that_was_packed_without_its_zeros_is_loaded(
    form: str, module: Module, clean: docker.DockerClient, tmp_path: Path
) -> None:
    """It was unpacked and packed again by tar --sparse; the engine gets all of the layer."""
    image = archives.Image((archives.tar({"zeros": bytes(1 << 20), "end": b"end"}),), tags=("zeros:1",))
    with tarfile.open(fileobj=io.BytesIO(archives.tar(archives.both(image)))) as tar:
        tar.extractall(tmp_path / "tree", filter="data")
    path = tmp_path / "images.tar"
    path.write_bytes(archives.packed_with_tar(tmp_path / "tree", form))
    assert path.stat().st_size < 1 << 20
    assert module.converges(path=str(path), verify=True)["bytes_sent"] > 1 << 20
    assert "bytes_sent" not in module.unchanged(path=str(path))
    assert clean.images.get("zeros:1").attrs["RootFS"]["Layers"] == list(image.diff_ids)


# Images of which a containerd store has a part


def _tells_parts(engine: engines.Engine) -> bool:
    return engine.store == "containerd" and engine.release >= (28,)


@pytest.mark.parametrize("transfer", ["auto", "full"])
def test_an_image_that_lost_content_is_mended(
    transfer: str, module: Module, engine: engines.Engine, busybox: docker.DockerClient, tmp_path: Path
) -> None:
    if not _tells_parts(engine):
        pytest.skip("only a containerd store loses content, and engines tell it since 28")
    layer = _layer_of_busybox(busybox, tmp_path)
    _forget(busybox)
    image = archives.Image((layer,), tags=("lost:1",), settings={"Cmd": ["sh"]})
    entries = archives.both(image)
    path = tmp_path / "whole.tar"
    path.write_bytes(archives.tar(entries))
    del entries[archives.blob(layer)]
    with suppress(docker.errors.ImageLoadError):
        busybox.images.load(archives.tar(entries))
    assert busybox.images.get("lost:1").tags == ["lost:1"]
    module.converges(path=str(path), transfer=transfer)
    assert busybox.containers.run("lost:1", ["echo", "yes"], remove=True) == b"yes\n"
    saved = save(busybox, tmp_path / "again.tar", "lost:1")
    assert [image.missing for image in read_index(saved).images] == [()]


def test_only_chosen_platforms_are_loaded(
    module: Module, engine: engines.Engine, clean: docker.DockerClient, tmp_path: Path
) -> None:
    host = archives.Image((archives.layer("host"),), tags=("both:1",))
    arm = replace(host, architecture="arm64", layers=(archives.layer("arm"),))
    path = tmp_path / "both.tar"
    path.write_bytes(archives.tar(archives.multi_platform(archives.index_of(host, arm), ["both:1"], host, arm)))
    assert "not for linux/s390x" in module.fails(path=str(path), platforms=["s390x"])
    if engine.store == "classic":
        assert "classic store" in module.fails(path=str(path), platforms=["amd64", "arm64"])
        done = module.converges(path=str(path), platform="linux/arm64")
        assert done["image"]["Architecture"] == "arm64"
        done = module.converges(path=str(path))
        assert done["image"]["Architecture"] == "amd64"
        return
    module.converges(path=str(path), platforms=["amd64"])
    if not _tells_parts(engine):
        return
    done = module.converges(path=str(path))
    assert done["diff"]["before"]["both:1"]["lacks"] == ["linux/arm64"]
    module.unchanged(path=str(path), platforms=["linux/arm64"])
    saved = save(clean, tmp_path / "again.tar", "both:1")
    assert {image.architecture for image in read_index(saved).images} == {"amd64", "arm64"}
