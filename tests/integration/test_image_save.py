# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_save against a real engine: its archives are exact, and never half written."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest

from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify
from ansible_collections.gantry.docker.tests.engines import engine as engines
from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.registries import multi_platform
from ansible_collections.gantry.docker.tests.integration.scenes import small_disk
from ansible_collections.gantry.docker.tests.support import archives


def _loaded(client: docker.DockerClient, path: Path) -> set[str]:
    """Remove all images and load an archive; return its tags."""
    for image in client.images.list():
        client.images.remove(str(image.id), force=True)
    with path.open("rb") as file:
        return {tag for image in client.images.load(file) for tag in image.tags}


def test_one_image_is_saved(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "one.tar"
    done = module.converges(name="busybox", path=str(path))
    assert done["actions"] == [f"Saved busybox:latest to {path}"]
    assert done["size"] == path.stat().st_size
    assert done["image"]["Id"] == busybox.images.get("busybox").id
    assert done["diff"]["before"] == {str(path): None}
    assert os.listdir(tmp_path) == ["one.tar"]
    assert _loaded(busybox, path) == {"busybox:latest"}


def test_several_are_saved_with_the_named_tags(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "several.tar"
    busybox.api.tag("busybox", "example/tools", "1")
    busybox.api.tag("busybox", "example/tools", "2")
    busybox.images.pull("debian", "12")
    names = ["busybox", "debian:12", "example/tools:1"]
    module.converges(names=names, path=str(path))
    assert _loaded(busybox, path) == {"busybox:latest", "debian:12", "example/tools:1"}


def test_an_image_saved_by_its_id_has_no_tag(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "untagged.tar"
    identifier = str(busybox.images.get("busybox").id)
    module.converges(names=[identifier], path=str(path))
    assert [image.tags for image in verify(path).images] == [()]
    # The same image under a tag is another archive.
    module.converges(names=["busybox"], path=str(path))
    assert [image.tags for image in verify(path).images] == [("busybox:latest",)]


def test_a_moved_tag_is_saved_anew(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "moving.tar"
    busybox.api.tag("busybox", "example/moving", "1")
    module.converges(name="example/moving:1", path=str(path))
    former = path.stat()
    container = busybox.containers.run("busybox", ["touch", "/new"], detach=True)
    container.wait()
    container.commit("example/moving", "1")
    done = module.converges(name="example/moving:1", path=str(path))
    before, after = (done["diff"][state][str(path)]["images"][0] for state in ("before", "after"))
    assert len(after["layers"]) == len(before["layers"]) + 1
    assert path.stat().st_ino != former.st_ino


def test_unchanged_touches_nothing(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "kept.tar"
    module.ok(name="busybox", path=str(path))
    former = path.stat()
    module.unchanged(name="busybox", path=str(path))
    assert path.stat() == former or path.stat().st_mtime_ns == former.st_mtime_ns


def test_keeps_the_mode_and_owner(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "mode.tar"
    module.ok(name="busybox", path=str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    os.chown(path, 65534, 65534)
    busybox.api.tag("busybox", "example/other", "1")
    module.ok(name="example/other:1", path=str(path))
    assert (path.stat().st_mode & 0o777, path.stat().st_uid) == (0o640, 65534)


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    former = os.umask(mask)
    try:
        yield
    finally:
        os.umask(former)


def _seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """Return a list that gets the attributes of each file at the moment when it replaces another."""
    seen: list[tuple[int, int, int]] = []
    replace = os.replace

    def watched(part: str, path: str) -> None:
        if os.path.dirname(part) == os.path.dirname(path):
            seen.append(_attributes(Path(part)))
        replace(part, path)

    monkeypatch.setattr(os, "replace", watched)
    return seen


@pytest.mark.parametrize("mask", [0, 0o022, 0o077])
@pytest.mark.parametrize("directory", [0o700, 0o777, 0o1777, 0o2777])
def test_a_new_archive_is_for_its_owner_alone(
    module: Module,
    busybox: docker.DockerClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    directory: int,
    mask: int,
) -> None:
    tmp_path.chmod(directory)
    path = tmp_path / "private.tar"
    seen = _seen(monkeypatch)
    with _umask(mask):
        module.converges(name="busybox", path=str(path))
    assert _attributes(path)[:2] == (0o600, 0)
    module.converges(name="busybox", path=str(path), mode="0644")
    path.unlink()
    with _umask(mask):
        module.converges(name="busybox", path=str(path), mode="g+r")
    assert _attributes(path)[:2] == (0o640, 0)
    assert [found[0] for found in seen] == [0o600, 0o640]


def _other_archive(module: Module, busybox: docker.DockerClient, path: Path) -> None:
    """Save another image to a path."""
    busybox.api.tag("busybox", "example/other", "1")
    module.ok(name="example/other:1", path=str(path))


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("mode", [0o666, 0o6777])
def test_what_another_user_planted_gives_nothing(
    module: Module, busybox: docker.DockerClient, tmp_path: Path, mode: int, right: bool
) -> None:
    path = tmp_path / "planted.tar"
    if right:
        module.ok(name="busybox", path=str(path))
    else:
        _other_archive(module, busybox, path)
    tmp_path.chmod(0o1777)
    os.chown(path, 65534, 65534)
    path.chmod(mode)
    done = module.converges(name="busybox", path=str(path))
    assert done["diff"]["before"][str(path)]["of_another_user"] is True
    assert _attributes(path) == (0o600, 0, 0)


@pytest.mark.parametrize(
    ("directory", "owner", "inherited"),
    [
        (0o755, 0, True),
        (0o755, 65534, False),
        (0o770, 0, False),
        (0o1770, 0, False),
        (0o777, 0, False),
        (0o1777, 0, False),
    ],
)
def test_attributes_are_inherited_where_nobody_else_can_plant_an_archive(
    module: Module, busybox: docker.DockerClient, tmp_path: Path, directory: int, owner: int, inherited: bool
) -> None:
    path = tmp_path / "theirs.tar"
    _other_archive(module, busybox, path)
    os.chown(path, 65534, 65534)
    path.chmod(0o644)
    os.chown(tmp_path, owner, -1)
    tmp_path.chmod(directory)
    module.converges(name="busybox", path=str(path))
    assert _attributes(path) == ((0o644, 65534, 65534) if inherited else (0o600, 0, 0))


def test_ours_is_inherited_in_a_shared_directory(
    module: Module, busybox: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ours.tar"
    _other_archive(module, busybox, path)
    os.chown(path, -1, 65534)
    path.chmod(0o7644)
    tmp_path.chmod(0o1777)
    seen = _seen(monkeypatch)
    module.converges(name="busybox", path=str(path))
    assert [_attributes(path)] == seen == [(0o644, 0, 65534)]


def test_a_hard_link_to_a_file_of_ours_gives_nothing(
    module: Module, busybox: docker.DockerClient, tmp_path: Path
) -> None:
    public, path = tmp_path / "public.tar", tmp_path / "linked.tar"
    _other_archive(module, busybox, public)
    public.chmod(0o644)
    os.link(public, path)
    tmp_path.chmod(0o1777)
    module.converges(name="busybox", path=str(path))
    assert (_attributes(path), _attributes(public)) == ((0o600, 0, 0), (0o644, 0, 0))


@pytest.mark.parametrize("planter", [0, 65534])
def test_a_link_is_replaced_and_what_it_leads_to_stays(
    module: Module, busybox: docker.DockerClient, tmp_path: Path, planter: int
) -> None:
    elsewhere, shared = tmp_path / "elsewhere.tar", tmp_path / "shared"
    module.ok(name="busybox", path=str(elsewhere))
    elsewhere.chmod(0o666)
    before = (elsewhere.read_bytes(), _attributes(elsewhere))
    shared.mkdir()
    shared.chmod(0o1777)
    path = shared / "link.tar"
    path.symlink_to(elsewhere)
    os.chown(path, planter, planter, follow_symlinks=False)
    if planter == 0:
        # A link of this user is intended, and followed as long as the archive is right.
        module.unchanged(name="busybox", path=str(path))
        busybox.api.tag("busybox", "example/other", "1")
    module.converges(name="example/other:1" if planter == 0 else "busybox", path=str(path), force=True)
    assert not path.is_symlink() and _attributes(path) == (0o600, 0, 0)
    assert (elsewhere.read_bytes(), _attributes(elsewhere)) == before


def test_an_owner_who_is_named_has_it_in_a_shared_directory(
    module: Module, busybox: docker.DockerClient, tmp_path: Path
) -> None:
    tmp_path.chmod(0o1777)
    path = tmp_path / "theirs.tar"
    for owner in ("nobody", "65534"):
        path.unlink(missing_ok=True)
        module.converges(name="busybox", path=str(path), owner=owner, mode="0640")
        assert _attributes(path)[:2] == (0o640, 65534)
    done = module.converges(name="busybox", path=str(path), owner="nobody", mode="0600")
    assert done["actions"] == [f"Set the attributes of {path}"]


def test_a_place_that_can_only_be_written_to_needs_unsafe_writes(
    module: Module, busybox: docker.DockerClient, tmp_path: Path
) -> None:
    """A file that is mounted, as in a container, can't be replaced."""
    mounted, path = tmp_path / "mounted.tar", tmp_path / "images.tar"
    _other_archive(module, busybox, mounted)
    path.touch()
    subprocess.run(["mount", "--bind", str(mounted), str(path)], check=True)
    try:
        good = path.read_bytes()
        message = module.fails(name="busybox", path=str(path))
        assert "busy" in message.lower() and "Nothing there was changed" in message
        assert path.read_bytes() == good
        path.chmod(0o4640)
        module.converges(name="busybox", path=str(path), unsafe_writes=True)
        assert _attributes(path) == (0o640, 0, 0)
    finally:
        subprocess.run(["umount", str(path)], check=True)
    assert sorted(os.listdir(tmp_path)) == ["images.tar", "mounted.tar"]


def _damage(path: Path) -> None:
    """Change a byte in the middle of the largest layer, in its compressed form if it has one."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "tar.zst"])
def test_a_damaged_archive_is_found_where_that_is_asked_for(
    module: Module, busybox: docker.DockerClient, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"images.{ending}"
    module.ok(name="busybox", path=str(path))
    good = path.read_bytes()
    module.unchanged(name="busybox", path=str(path), verify=True)
    _damage(path)
    module.unchanged(name="busybox", path=str(path))
    done = module.converges(name="busybox", path=str(path), verify=True)
    assert done["diff"]["before"][str(path)]["damaged"]
    assert path.read_bytes() == good
    # Any other difference is found first, without reading the archive.
    _damage(path)
    busybox.api.tag("busybox", "example/other", "1")
    done = module.converges(name="example/other:1", path=str(path), verify=True)
    assert "damaged" not in done["diff"]["before"][str(path)]


@pytest.mark.parametrize("ending", ["tar.gz", "tar.zst"])
def test_verify_finds_an_index_of_another_body(
    module: Module, busybox: docker.DockerClient, tmp_path: Path, ending: str
) -> None:
    """Each part of the file is whole, but its index belongs to another body."""
    path, other = tmp_path / f"images.{ending}", tmp_path / f"other.{ending}"
    busybox.api.tag("busybox", "example/other", "1")
    module.ok(name="busybox", path=str(path))
    module.ok(name="example/other:1", path=str(other))
    tails = {file: _index_of(file) for file in (path, other)}
    path.write_bytes(other.read_bytes()[: -len(tails[other])] + tails[path])
    module.converges(name="busybox", path=str(path), verify=True)
    assert [image.tags for image in verify(path).images] == [("busybox:latest",)]


def _index_of(path: Path) -> bytes:
    """Return the end of a compressed archive, with its trailing index: the footer has its size (docs/archives.md)."""
    content = path.read_bytes()
    footer = content.rindex(b"gantryIX")
    size = int.from_bytes(content[footer + 8 : footer + 16], "little")
    start = footer - (8 if path.suffix == ".zst" else 16)
    return content[start - size :]


@pytest.mark.parametrize("check", [True, False])
def test_a_missing_image_is_refused(module: Module, busybox: docker.DockerClient, tmp_path: Path, check: bool) -> None:
    path = tmp_path / "good.tar"
    module.ok(name="busybox", path=str(path))
    good = path.read_bytes()
    message = module.fails(check=check, names=["busybox", "none/such:1"], path=str(path))
    assert "none/such:1" in message and "Pull" in message
    assert path.read_bytes() == good
    assert os.listdir(tmp_path) == ["good.tar"]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("relative.tar", ["relative.tar", "absolute"]),
        ("/none/such/images.tar", ["/none/such", "Create it first"]),
        ("{tmp}", ["is a directory"]),
    ],
)
def test_a_bad_path_is_refused(
    module: Module, busybox: docker.DockerClient, tmp_path: Path, path: str, words: list[str], check: bool
) -> None:
    message = module.fails(check=check, name="busybox", path=path.format(tmp=tmp_path))
    assert all(word in message for word in words), message


@pytest.mark.parametrize("content", [b"precious notes", b""], ids=["text", "empty"])
def test_something_else_at_path_is_replaced_by_force_alone(
    module: Module, busybox: docker.DockerClient, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "notes"
    path.write_bytes(content)
    for check in (True, False):
        message = module.fails(check=check, name="busybox", path=str(path))
        assert str(path) in message and "force: true" in message
    assert path.read_bytes() == content
    module.converges(name="busybox", path=str(path), force=True)


def test_a_truncated_archive_is_told_and_replaced_by_force(
    module: Module, busybox: docker.DockerClient, tmp_path: Path
) -> None:
    path = tmp_path / "truncated.tar"
    module.ok(name="busybox", path=str(path))
    os.truncate(path, path.stat().st_size // 2)
    assert "force: true" in module.fails(name="busybox", path=str(path))
    module.converges(name="busybox", path=str(path), force=True)
    assert _loaded(busybox, path) == {"busybox:latest"}


def test_full_disk_leaves_the_old_archive(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    busybox.images.pull("debian", "12")
    with small_disk(tmp_path / "small", "8m") as disk:
        path = disk / "images.tar"
        module.ok(name="busybox", path=str(path))
        good = path.read_bytes()
        message = module.fails(names=["busybox", "debian:12"], path=str(path))
        assert "space" in message and "Nothing there was changed" in message
        assert path.read_bytes() == good
        assert os.listdir(disk) == ["images.tar"]
        module.unchanged(name="busybox", path=str(path))


@pytest.mark.parametrize("ending", ["tar.gz", "tar.zst"])
def test_a_disk_that_fills_up_on_the_way_leaves_the_old_archive(
    module: Module, busybox: docker.DockerClient, tmp_path: Path, ending: str
) -> None:
    """The compressed size isn't known before."""
    busybox.images.pull("debian", "12")
    with small_disk(tmp_path / "small", "8m") as disk:
        path = disk / f"images.{ending}"
        module.ok(name="busybox", path=str(path))
        good = path.read_bytes()
        message = module.fails(names=["busybox", "debian:12"], path=str(path))
        assert "space" in message and "Nothing there was changed" in message
        assert path.read_bytes() == good
        assert os.listdir(disk) == [path.name]
        module.unchanged(name="busybox", path=str(path))


@pytest.mark.parametrize("check", [True, False])
def test_a_read_only_directory_is_named(
    module: Module, busybox: docker.DockerClient, tmp_path: Path, check: bool
) -> None:
    with small_disk(tmp_path / "small", "8m") as disk:
        path = disk / "images.tar"
        module.ok(name="busybox", path=str(path))
        good = path.read_bytes()
        busybox.api.tag("busybox", "example/other", "1")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        message = module.fails(check=check, name="example/other:1", path=str(path))
        assert str(disk) in message and "can't write" in message
        assert path.read_bytes() == good
        assert os.listdir(disk) == ["images.tar"]
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        module.converges(name="example/other:1", path=str(path))


def test_attributes_are_set(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "mine.tar"
    module.converges(name="busybox", path=str(path), mode="0600", owner="nobody", group="65534")
    assert _attributes(path) == (0o600, 65534, 65534)
    done = module.converges(name="busybox", path=str(path), mode="0640", owner="root")
    assert done["actions"] == [f"Set the attributes of {path}"]
    assert done["diff"]["before"][str(path)]["mode"] == "0600"
    assert done["diff"]["after"][str(path)]["mode"] == "0640"
    assert _attributes(path) == (0o640, 0, 65534)
    # Attributes that the task does not name stay, with another archive too.
    busybox.api.tag("busybox", "example/other", "1")
    module.converges(name="example/other:1", path=str(path), owner="nobody")
    assert _attributes(path) == (0o640, 65534, 65534)


def _attributes(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_mode & 0o7777, status.st_uid, status.st_gid


@pytest.mark.parametrize("check", [True, False])
def test_bad_attributes_save_nothing(module: Module, busybox: docker.DockerClient, tmp_path: Path, check: bool) -> None:
    path = tmp_path / "mine.tar"
    for bad in ({"mode": "rw"}, {"owner": "no-such-user"}):
        module.fails(check=check, name="busybox", path=str(path), **bad)
        assert os.listdir(tmp_path) == []


def test_all_tags_are_saved_if_asked(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "tags.tar"
    busybox.api.tag("busybox", "example/tools", "1")
    identifier = str(busybox.images.get("busybox").id)
    module.converges(name=identifier, tags="all", path=str(path))
    assert _loaded(busybox, path) == {"busybox:latest", "example/tools:1"}
    module.unchanged(name="busybox", tags="all", path=str(path))
    module.converges(name="busybox", path=str(path))


def test_each_compression_is_another_archive(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "images.tar"
    sizes = {}
    for options in ({}, {"compression": "gzip"}, {"compression": "zstd", "compression_level": 12}):
        done = module.converges(name="busybox", path=str(path), **options)
        kind = options.get("compression", "none")
        assert "sha256" not in done
        assert verify(path).compression == kind
        sizes[kind] = done["size"]
    assert len(set(sizes.values())) == 3
    # Another level isn't another archive.
    module.unchanged(name="busybox", path=str(path), compression="zstd", compression_level=1)
    message = module.fails(name="busybox", path=str(path), compression="gzip", compression_level=12)
    assert "from 1 to 9" in message
    assert ".xz" in module.fails(name="busybox", path=str(tmp_path / "images.tar.xz"))


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_checksum(module: Module, busybox: docker.DockerClient, tmp_path: Path, compression: str) -> None:
    path = tmp_path / "images"
    options = {"name": "busybox", "path": str(path), "compression": compression}
    assert module.converges(**options, checksum=True)["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "sha256" not in module.unchanged(**options, checksum=True)
    # The option changes nothing in the archive.
    before = path.read_bytes()
    path.unlink()
    module.converges(**options)
    assert path.read_bytes() == before


def test_contents_are_the_digests_in_the_archive(
    module: Module, busybox: docker.DockerClient, tmp_path: Path, engine: engines.Engine
) -> None:
    path = tmp_path / "images.tar"
    image = busybox.images.get("busybox")
    options: dict[str, Any] = {"name": "busybox", "path": str(path), "contents": True}
    assert "contents" not in module.ok(check=True, **options)
    thin: dict[str, Any] = {"exclude_layers_of": ["busybox"]}
    for more in ({}, {}, thin):
        (content,) = module.ok(**options, **more)["contents"]
        (layer,) = content["layers"]
        assert content["tags"] == ["busybox:latest"]
        kinds = ("config",) if engine.store == "classic" else ("manifest", "index")
        assert image.id in [content[f"{kind}_digest"] for kind in kinds]
        assert layer["diff_id"] == image.attrs["RootFS"]["Layers"][0]
        assert layer["left_out"] == bool(more)
        assert bool(layer["digest"]) == (engine.release >= (25,))
        if layer["digest"] and not more:
            with tarfile.open(path) as archive:
                blob = archive.extractfile(f"blobs/{layer['digest'].replace(':', '/')}")
                assert blob
                data = blob.read()
            assert (layer["digest"], layer["size"]) == (archives.digest(data), len(data))
    assert "contents" not in module.unchanged(**{**options, **more, "contents": False})


def test_archive_of_docker_save_will_do(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "docker.tar"
    response = busybox.api.get_image("busybox:latest")
    path.write_bytes(b"".join(response))
    module.unchanged(name="busybox", path=str(path))
    path.with_suffix(".tgz").write_bytes(gzip.compress(path.read_bytes()))
    module.unchanged(name="busybox", path=str(path.with_suffix(".tgz")))


def test_a_platform_can_be_chosen(
    module: Module, engine: engines.Engine, busybox: docker.DockerClient, tmp_path: Path
) -> None:
    path = tmp_path / "platform.tar"
    host = busybox.images.get("busybox").attrs["Architecture"]
    module.converges(name="busybox", platform=f"linux/{host}", path=str(path))
    message = module.fails(name="busybox", platform="linux/s390x", path=str(path))
    assert "busybox:latest for linux/s390x" in message
    assert "no valid platform" in module.fails(name="busybox", platform="linux", path=str(path))


def test_one_platform_of_several_is_saved(
    module: Module, engine: engines.Engine, clean: docker.DockerClient, tmp_path: Path
) -> None:
    host = archives.Image((archives.layer("host"),), tags=("both:1",))
    arm = archives.Image((archives.layer("arm"),), architecture="arm64")
    both, index = tmp_path / "both.tar", archives.index_of(host, arm)
    both.write_bytes(archives.tar(archives.multi_platform(index, ["both:1"], host, arm)))
    with both.open("rb") as file:
        clean.images.load(file)
    everything = tmp_path / "everything.tar"
    module.converges(name="both:1", path=str(everything))
    path = tmp_path / "arm.tar"
    if engine.store == "classic" or engine.release < (28, 1):
        assert "linux/arm64" in module.fails(name="both:1", platform="linux/arm64", path=str(path))
        return
    for ours in ("arm64", "amd64"):
        module.converges(name="both:1", platform=f"linux/{ours}", path=str(path))
        assert [image.architecture for image in verify(path).images] == [ours]
    assert len(verify(everything).images) == 2
    module.converges(name="both:1", platform="linux/amd64", path=str(everything))


def test_an_image_for_another_platform_alone_is_saved_by_platform(
    module: Module,
    modules: Callable[[str], Module],
    engine: engines.Engine,
    busybox: docker.DockerClient,
    tmp_path: Path,
) -> None:
    """The engine can't save an index without its own platform's image."""
    name = multi_platform(engine, busybox, "127.0.0.1:5001")
    other = "arm64" if busybox.info()["Architecture"] == "x86_64" else "amd64"
    modules("image_pull").ok(name=name, platform=other)
    path = tmp_path / "other.tar"
    if engine.store == "classic":
        module.converges(name=name, path=str(path))
        return
    if engine.release < (28, 1):
        assert "pull it for its other platforms too" in module.fails(name=name, path=str(path))
        return
    for names in ([name], ["busybox", name], [busybox.images.get(name).id]):
        messages = [module.fails(check, names=names, path=str(path)) for check in (True, False)]
        assert messages[0] == messages[1]
        assert f"is here for linux/{other} alone" in messages[0] and "in platform" in messages[0]
        assert os.listdir(tmp_path) == []
    module.converges(name=name, platform=other, path=str(path))
    module.unchanged(name=name, path=str(path))
    modules("image_pull").ok(name=name, platform="amd64" if other == "arm64" else "arm64")
    os.unlink(path)
    module.converges(name=name, path=str(path))


def test_every_reader_takes_it(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "plain.tar"
    module.ok(name="busybox", path=str(path))
    with tarfile.open(path) as tar:
        assert "manifest.json" in tar.getnames()
