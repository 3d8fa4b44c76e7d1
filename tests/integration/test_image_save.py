# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_save against a real engine: exact, and never half an archive."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest

from ansible_collections.gantry.docker.plugins.module_utils.image.archive import verify
from ansible_collections.gantry.docker.tests.integration.conftest import Module


def _loaded(client: docker.DockerClient, path: Path) -> set[str]:
    """The tags that the engine finds in an archive when everything else is gone."""
    for image in client.images.list():
        client.images.remove(str(image.id), force=True)
    with path.open("rb") as file:
        return {tag for image in client.images.load(file) for tag in image.tags}


def test_one(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "one.tar"
    done = module.converges(name="busybox", path=str(path))
    assert done["actions"] == [f"Saved busybox:latest to {path}"]
    assert done["size"] == path.stat().st_size
    assert done["image"]["Id"] == busybox.images.get("busybox").id
    assert done["diff"]["before"] == {str(path): None}
    assert os.listdir(tmp_path) == ["one.tar"]
    assert _loaded(busybox, path) == {"busybox:latest"}


def test_several_with_all_tags_named(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "several.tar"
    busybox.api.tag("busybox", "example/tools", "1")
    busybox.api.tag("busybox", "example/tools", "2")
    busybox.images.pull("debian", "12")
    names = ["busybox", "debian:12", "example/tools:1"]
    module.converges(names=names, path=str(path))
    assert _loaded(busybox, path) == {"busybox:latest", "debian:12", "example/tools:1"}


def test_by_id_has_no_tag(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
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
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o600)
    os.chown(path, 65534, 65534)
    busybox.api.tag("busybox", "example/other", "1")
    module.ok(name="example/other:1", path=str(path))
    assert (path.stat().st_mode & 0o777, path.stat().st_uid) == (0o600, 65534)


@pytest.mark.parametrize("check", [True, False])
def test_missing_image(module: Module, busybox: docker.DockerClient, tmp_path: Path, check: bool) -> None:
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
def test_bad_path(
    module: Module, busybox: docker.DockerClient, tmp_path: Path, path: str, words: list[str], check: bool
) -> None:
    message = module.fails(check=check, name="busybox", path=path.format(tmp=tmp_path))
    assert all(word in message for word in words), message


@pytest.mark.parametrize("content", [b"precious notes", b""], ids=["text", "empty"])
def test_something_else_at_path(module: Module, busybox: docker.DockerClient, tmp_path: Path, content: bytes) -> None:
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


@contextmanager
def _small_disk(at: Path, size: str) -> Iterator[Path]:
    at.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at)], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True)


def test_full_disk_leaves_the_old_archive(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    busybox.images.pull("debian", "12")
    with _small_disk(tmp_path / "small", "8m") as disk:
        path = disk / "images.tar"
        module.ok(name="busybox", path=str(path))
        good = path.read_bytes()
        message = module.fails(names=["busybox", "debian:12"], path=str(path))
        assert "space" in message and "as it was" in message
        assert path.read_bytes() == good
        assert os.listdir(disk) == ["images.tar"]
        module.unchanged(name="busybox", path=str(path))


def test_every_reader_takes_it(module: Module, busybox: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "plain.tar"
    module.ok(name="busybox", path=str(path))
    with tarfile.open(path) as tar:
        assert "manifest.json" in tar.getnames()
