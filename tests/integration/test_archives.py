# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives between engines: what any of them saves, every other loads; and whatever fails, nothing is half done."""

from __future__ import annotations

import io
import multiprocessing
import os
import random
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

import docker
import pytest

from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchiveError, read_index
from ansible_collections.gantry.docker.plugins.module_utils._archive.replacement import Successor
from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify
from ansible_collections.gantry.docker.plugins.module_utils._transfer.engine_archives import Transfers
from ansible_collections.gantry.docker.tests.engines import engine as engines
from ansible_collections.gantry.docker.tests.engines.images import content
from ansible_collections.gantry.docker.tests.engines.roots import CannotBuild, root_of
from ansible_collections.gantry.docker.tests.integration.conftest import Module

NAMES = ("busybox:latest", "example/tools:1", "example/tools:stable")
Modules = Callable[[str], Module]
each_source = pytest.mark.parametrize("source", engines.NAMES)


@contextmanager
def _other(name: str) -> Iterator[tuple[engines.Engine, docker.DockerClient]]:
    """Another engine, for a while."""
    try:
        root_of(name.partition("-")[0])
    except CannotBuild as problem:
        pytest.skip(f"NOT TESTED: {name} can't be built today: {problem}")
    with engines.running(name, content()) as other, closing(other.client()) as client:
        yield other, client


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of two images with three tags, as an engine of its own made and saved them."""
    path = tmp_path_factory.mktemp("original") / "images.tar"
    with _other("sid-classic") as (_engine, client):
        client.images.pull("busybox", "latest")
        container = client.containers.run("busybox", ["sh", "-c", "seq 20000 >/tools"], detach=True)
        container.wait()
        container.commit("example/tools", "1", changes=['CMD ["wc", "-l", "/tools"]', "ENV A=1", "LABEL b=2"])
        client.api.tag("example/tools:1", "example/tools", "stable")
        _save(client, path, *NAMES)
    return path


def _save(client: docker.DockerClient, path: Path, *names: str) -> None:
    """Save as docker save does."""
    response = client.api.get(f"{client.api.base_url}/images/get", params={"names": list(names)}, stream=True)
    with path.open("wb") as file:
        for piece in response.iter_content(1 << 20):
            file.write(piece)


@pytest.fixture(scope="session")
def saved(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The archive that image_save writes with an engine of that name."""
    place = tmp_path_factory.mktemp("saved")

    def archive(name: str) -> Path:
        path = place / f"{name}.tar"
        if not path.exists():
            with _other(name) as (other, client):
                with original.open("rb") as file:
                    client.images.load(file)
                Module("image_save", other.docker_host).converges(names=list(NAMES), path=str(path))
        return path

    return archive


def _configs(path: Path) -> dict[frozenset[str], tuple[str | None, tuple[str, ...]]]:
    """What is to be the same everywhere: the digest of each image's config, and its layers."""
    return {
        frozenset(tag.removeprefix("docker.io/").removeprefix("library/") for tag in image.tags): (
            image.config_digest,
            image.diff_ids,
        )
        for image in verify(path).images
    }


def _tags(client: docker.DockerClient) -> set[str]:
    return {tag for image in client.images.list() for tag in image.tags}


@each_source
def test_from_every_engine_to_every_other(
    source: str,
    saved: Callable[[str], Path],
    original: Path,
    modules: Modules,
    clean: docker.DockerClient,
    tmp_path: Path,
) -> None:
    path = saved(source)
    assert _configs(path) == _configs(original)
    modules("image_load").converges(path=str(path))
    assert _tags(clean) == set(NAMES)
    assert clean.containers.run("example/tools:1", remove=True) == b"20000 /tools\n"
    modules("image_save").ok(names=list(NAMES), path=str(tmp_path / "again.tar"))
    assert _configs(tmp_path / "again.tar") == _configs(original)
    # Whichever engine wrote it, it is known for what is in it.
    modules("image_save").unchanged(names=list(NAMES), path=str(path))


@each_source
def test_any_damage_is_an_error_of_ours(source: str, saved: Callable[[str], Path], tmp_path: Path) -> None:
    """Thousands of truncations and flipped bits of real archives."""
    whole = saved(source).read_bytes()
    index = read_index(saved(source))
    small = [entry for entry in index.entries.values() if entry.size < 100_000]
    chance = random.Random(source)  # noqa: S311
    places = [position for entry in small for position in range(entry.start, entry.end)]
    path = tmp_path / "damaged.tar"
    outcomes = {"read": 0, "refused": 0}
    for turn in range(600):
        data = bytearray(whole)
        if turn % 2:
            del data[chance.randrange(len(data)) :]
        else:
            data[chance.choice(places)] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        try:
            read_index(path)
            outcomes["read"] += 1
        except ArchiveError:
            outcomes["refused"] += 1
    assert outcomes["refused"] > 300
    # Nobody reads repositories, which was for engines before 1.10.
    told = [entry for name, entry in index.entries.items() if name != "repositories"]
    for _turn in range(30):
        data = bytearray(whole)
        entry = chance.choice(told)
        data[chance.randrange(entry.offset, entry.offset + entry.size)] ^= 1
        path.write_bytes(data)
        try:
            # The documents that no digest vouches for may say something else than before, but not damage.
            assert verify(path) != index
        except ArchiveError:
            continue


@pytest.mark.parametrize("ending", ["tar.gz", "tar.zst"])
def test_docker_loads_our_compressed_archives(
    ending: str, modules: Modules, engine: engines.Engine, busybox: docker.DockerClient, tmp_path: Path
) -> None:
    path = tmp_path / f"images.{ending}"
    modules("image_save").converges(name="busybox", path=str(path))
    busybox.api.remove_image("busybox:latest")
    if ending != "tar.zst" or engine.release >= (23,):
        with path.open("rb") as file:
            assert [image.tags for image in busybox.images.load(file)] == [["busybox:latest"]]
        busybox.api.remove_image("busybox:latest")
    modules("image_load").converges(path=str(path))


def test_the_same_images_give_the_same_bytes(
    modules: Modules, original: Path, clean: docker.DockerClient, tmp_path: Path
) -> None:
    with original.open("rb") as file:
        clean.images.load(file)
    sums = {
        modules("image_save").ok(names=list(names), path=str(tmp_path / f"{number}.tar"))["sha256"]
        for number, names in enumerate([NAMES, NAMES[::-1], [NAMES[1], NAMES[0], NAMES[2]], NAMES, NAMES])
    }
    assert len(sums) == 1
    assert (
        subprocess.run(["sha256sum", tmp_path / "0.tar"], capture_output=True, check=True).stdout[:64].decode() in sums
    )


# Thin archives, and thin transfers


@pytest.fixture
def layered(busybox: docker.DockerClient) -> docker.DockerClient:
    """An engine with example/tools:1, a small layer on top of busybox."""
    container = busybox.containers.run("busybox", ["sh", "-c", "seq 20000 >/tools"], detach=True)
    container.wait()
    container.commit("example/tools", "1", changes=['CMD ["wc", "-l", "/tools"]'])
    container.remove()
    return busybox


def _works(client: docker.DockerClient) -> bool:
    return bool(client.containers.run("example/tools:1", remove=True) == b"20000 /tools\n")


def test_sends_what_is_missing(modules: Modules, layered: docker.DockerClient, tmp_path: Path) -> None:
    for ending in ("tar", "tar.zst"):
        path = tmp_path / f"tools.{ending}"
        modules("image_save").ok(name="example/tools:1", path=str(path))
        layered.api.remove_image("example/tools:1")
        done = modules("image_load").converges(path=str(path))
        assert 0 < done["bytes_sent"] < done["bytes_skipped"]
        assert _works(layered)
        # It is whole: it can be saved.
        modules("image_save").unchanged(name="example/tools:1", path=str(path))
        modules("image_save").ok(name="example/tools:1", path=str(tmp_path / "again.tar"))


def test_sends_everything_if_told_so(modules: Modules, layered: docker.DockerClient, tmp_path: Path) -> None:
    path = tmp_path / "tools.tar"
    modules("image_save").ok(name="example/tools:1", path=str(path))
    layered.api.remove_image("example/tools:1")
    done = modules("image_load").converges(path=str(path), transfer="full")
    assert 0 <= path.stat().st_size - done["bytes_sent"] < 10_000
    assert done["bytes_skipped"] == 0


@pytest.mark.parametrize("source", ["bookworm-classic", "sid-classic", "sid-containerd"])
def test_layers_in_another_form(
    source: str, modules: Modules, saved: Callable[[str], Path], busybox: docker.DockerClient, tmp_path: Path
) -> None:
    """The engine has busybox's layer as the registry has it, the archive as another engine has it."""
    path = saved(source)
    modules("image_load").converges(path=str(path), names=["example/tools:1"])
    assert busybox.containers.run("example/tools:1", remove=True) == b"20000 /tools\n"
    again = tmp_path / "again.tar"
    modules("image_save").ok(name="example/tools:1", path=str(again))
    assert _configs(again)[frozenset({"example/tools:1"})] == _configs(path)[frozenset(NAMES[1:])]


def test_thin_archive(modules: Modules, layered: docker.DockerClient, tmp_path: Path) -> None:
    thin, whole = tmp_path / "thin.tar.gz", tmp_path / "whole.tar.gz"
    diff_ids = layered.images.get("busybox").attrs["RootFS"]["Layers"]
    save = modules("image_save")
    save.ok(name="example/tools:1", path=str(whole), compression_level=1)
    save.converges(name="example/tools:1", path=str(thin), compression_level=1, exclude_layers_of=["busybox"])
    save.unchanged(name="example/tools:1", path=str(thin), exclude_layers_of=diff_ids)
    assert thin.stat().st_size < whole.stat().st_size
    assert set(read_index(thin).left_out.values()) == set(diff_ids)
    layered.api.remove_image("example/tools:1")
    modules("image_load").converges(path=str(thin))
    assert _works(layered)
    save.ok(name="example/tools:1", path=str(tmp_path / "again.tar"))
    # A whole one is another archive, and so is a thin one after it.
    save.converges(name="example/tools:1", path=str(thin), compression_level=1)


@pytest.mark.parametrize("check", [True, False])
def test_thin_archive_elsewhere(modules: Modules, layered: docker.DockerClient, tmp_path: Path, check: bool) -> None:
    thin = tmp_path / "thin.tar"
    modules("image_save").ok(name="example/tools:1", path=str(thin), exclude_layers_of=["busybox"])
    diff_ids = layered.images.get("busybox").attrs["RootFS"]["Layers"]
    for name in ("example/tools:1", "busybox:latest"):
        layered.api.remove_image(name)
    for transfer in ("auto", "full"):
        message = modules("image_load").fails(check=check, path=str(thin), transfer=transfer)
        assert "thin" in message and diff_ids[0] in message and str(thin) in message
    assert layered.images.list(all=True) == []


def test_nothing_to_leave_out(modules: Modules, busybox: docker.DockerClient, tmp_path: Path) -> None:
    message = modules("image_save").fails(name="busybox", path=str(tmp_path / "x.tar"), exclude_layers_of=["none/such"])
    assert "none/such:latest" in message and "exclude_layers_of" in message
    modules("image_save").converges(
        name="busybox", path=str(tmp_path / "x.tar"), exclude_layers_of=[f"sha256:{64 * '0'}"]
    )
    assert not read_index(tmp_path / "x.tar").left_out


def test_an_engine_that_lost_layers(
    modules: Modules, engine: engines.Engine, saved: Callable[[str], Path], clean: docker.DockerClient, tmp_path: Path
) -> None:
    """A containerd store doesn't fetch what it has unpacked from other blobs, and can't save the image then."""
    modules("image_load").ok(path=str(saved("sid-classic")), names=["example/tools:1"])
    clean.images.pull("busybox", "latest")
    path = tmp_path / "busybox.tar"
    result = modules("image_save")(name="busybox", path=str(path))
    if engine.store == "classic":
        assert result["changed"], result
        return
    assert result["failed"], result
    assert "busybox:latest" in result["msg"] and "without all of" in result["msg"] and "pull" in result["msg"]
    assert os.listdir(tmp_path) == []
    for name in ("busybox:latest", "example/tools:1"):
        clean.api.remove_image(name)
    clean.images.pull("busybox", "latest")
    modules("image_save").converges(name="busybox", path=str(path))


# Faults


def _after(pieces: Iterator[bytes], size: int, do: Callable[[], object]) -> Iterator[bytes]:
    """Pieces, with something happening after so many bytes of them."""
    for piece in pieces:
        yield piece
        if size > 0 >= (size := size - len(piece)):
            do()


def _while_it_loads(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Let something happen when an engine has got the first MiB of an archive."""
    load = Transfers.load

    def disturbed(self: Transfers, archive: Iterator[bytes], *arguments: Any) -> None:
        load(self, _after(archive, 1 << 20, do), *arguments)

    monkeypatch.setattr(Transfers, "load", disturbed)


@pytest.fixture
def mortal(engine: engines.Engine) -> Iterator[tuple[engines.Engine, docker.DockerClient]]:
    """An engine of the same kind that may be killed, with example/large:1."""
    with _other(engine.name) as (other, client):
        _have_large(client)
        yield other, client


def _have_large(client: docker.DockerClient) -> None:
    """An image that takes a while: example/large:1, 16 MiB."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as file:
        member = tarfile.TarInfo("noise")
        member.size = 16 << 20
        file.addfile(member, io.BytesIO(os.urandom(member.size)))
    client.api.import_image_from_data(tar.getvalue(), repository="example/large", tag="1")


def test_engine_is_killed_while_it_saves(
    mortal: tuple[engines.Engine, docker.DockerClient], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    victim, _client = mortal
    path = tmp_path / "large.tar"
    path.write_bytes(b"precious")
    save = Transfers.save

    def killing(*arguments: Any) -> Iterator[bytes]:
        return _after(save(*arguments), 1 << 20, lambda: os.kill(victim.pid, signal.SIGKILL))

    monkeypatch.setattr(Transfers, "save", killing)
    message = Module("image_save", victim.docker_host).fails(name="example/large:1", path=str(path), force=True)
    assert "Can't save example/large:1: the engine closed the connection. Look at the engine's log" in message
    assert path.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == ["large.tar"]


def test_engine_is_killed_while_it_loads(
    mortal: tuple[engines.Engine, docker.DockerClient], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    victim, client = mortal
    path = tmp_path / "large.tar"
    Module("image_save", victim.docker_host).ok(name="example/large:1", path=str(path))
    client.api.remove_image("example/large:1")
    _while_it_loads(monkeypatch, lambda: os.kill(victim.pid, signal.SIGKILL))
    message = Module("image_load", victim.docker_host).fails(path=str(path))
    assert f"Can't load {path}" in message
    assert "Bring back what was there with: docker image rm example/large:1." in message


def test_engine_stalls_while_it_loads(
    mortal: tuple[engines.Engine, docker.DockerClient], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An engine that says nothing, and doesn't answer either, isn't waited for; a retry succeeds."""
    stopped, client = mortal
    path, load = tmp_path / "large.tar", Module("image_load", stopped.docker_host)
    Module("image_save", stopped.docker_host).ok(name="example/large:1", path=str(path))
    client.api.remove_image("example/large:1")
    daemon = _daemon(stopped)
    with monkeypatch.context() as patched:
        _while_it_loads(patched, lambda: os.kill(daemon, signal.SIGSTOP))
        begun = time.monotonic()
        assert "option timeout" in load.fails(path=str(path), timeout=2)
        assert time.monotonic() - begun < 30
    os.kill(daemon, signal.SIGCONT)
    # What takes longer than the timeout is no stall.
    load.converges(path=str(path), timeout=1)


def _daemon(engine: engines.Engine) -> int:
    children = Path(f"/proc/{engine.pid}/task/{engine.pid}/children").read_text().split()
    (daemon,) = (int(pid) for pid in children if Path(f"/proc/{pid}/comm").read_text() == "dockerd\n")
    return daemon


@pytest.mark.parametrize("how", ["truncated", "overwritten"])
def test_archive_is_changed_while_it_is_read(
    how: str, modules: Modules, clean: docker.DockerClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _have_large(clean)
    path = tmp_path / "large.tar"
    modules("image_save").ok(name="example/large:1", path=str(path))
    clean.api.remove_image("example/large:1")
    whole = path.read_bytes()

    def spoil() -> None:
        if how == "truncated":
            os.truncate(path, 2 << 20)
        else:
            with path.open("r+b") as file:
                file.seek(3 << 20)
                file.write(b"x" * (4 << 20))

    with monkeypatch.context() as patched:
        _while_it_loads(patched, spoil)
        assert str(path) in modules("image_load").fails(path=str(path))
    assert clean.images.list() == []
    path.write_bytes(whole)
    modules("image_load").converges(path=str(path))


def test_archive_is_replaced_while_it_is_read(
    modules: Modules, clean: docker.DockerClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Who has opened the old one loads the old one."""
    _have_large(clean)
    path = tmp_path / "large.tar"
    modules("image_save").ok(name="example/large:1", path=str(path))
    clean.api.remove_image("example/large:1")
    (tmp_path / "new").write_bytes(b"something else")
    _while_it_loads(monkeypatch, lambda: os.replace(tmp_path / "new", path))
    modules("image_load").ok(path=str(path))
    assert _tags(clean) == {"example/large:1"}


def _save_in_a_process(docker_host: str, name: str, path: str) -> None:
    Module("image_save", docker_host).ok(name=name, path=path)


def _process(engine: engines.Engine, name: str, path: Path) -> ForkProcess:
    process = multiprocessing.get_context("fork").Process(
        target=_save_in_a_process, args=(engine.docker_host, name, str(path))
    )
    process.start()
    return process


def test_two_saves_at_once(engine: engines.Engine, busybox: docker.DockerClient, tmp_path: Path) -> None:
    _have_large(busybox)
    path = tmp_path / "one.tar"
    both = [_process(engine, name, path) for name in ("busybox:latest", "example/large:1")]
    for process in both:
        process.join(60)
        assert process.exitcode == 0
    (image,) = verify(path).images
    assert image.tags in (("busybox:latest",), ("example/large:1",))
    assert os.listdir(tmp_path) == ["one.tar"]


def test_a_save_that_is_killed_leaves_nothing(
    engine: engines.Engine, busybox: docker.DockerClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _have_large(busybox)
    path = tmp_path / "good.tar"
    Module("image_save", engine.docker_host).ok(name="busybox", path=str(path))
    good = path.read_bytes()
    # All of it is written then.
    monkeypatch.setattr(Successor, "named", lambda _new: os.kill(os.getpid(), signal.SIGKILL))
    process = _process(engine, "example/large:1", path)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert path.read_bytes() == good
    assert os.listdir(tmp_path) == ["good.tar"]
