# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives between engines: each engine loads the archives of all others, and a failure leaves nothing half done."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import NamedTuple

import docker
import pytest

from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchiveError, read_index
from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify
from ansible_collections.gantry.docker.tests.engines import engine as engines
from ansible_collections.gantry.docker.tests.engines.images import content
from ansible_collections.gantry.docker.tests.engines.roots import CannotBuild, root_of
from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.scenes import save
from ansible_collections.gantry.docker.tests.support import archives
from ansible_collections.gantry.docker.tests.support.relay import Relay, relay

NAMES = ("busybox:latest", "example/tools:1", "example/tools:stable")
Modules = Callable[[str], Module]
each_source = pytest.mark.parametrize("source", engines.NAMES)


@contextmanager
def _other(name: str) -> Iterator[tuple[engines.Engine, docker.DockerClient]]:
    """Run another engine."""
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
        save(client, path, *NAMES)
    return path


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
    """Return the digest of each image's config, and its layers, by the tags: these are the same everywhere."""
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
def test_an_archive_of_any_engine_loads_on_any_other(
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
    # The content counts, not the engine that wrote the archive.
    modules("image_save").unchanged(names=list(NAMES), path=str(path))


@each_source
def test_any_damage_is_an_error_of_ours(source: str, saved: Callable[[str], Path], tmp_path: Path) -> None:
    """Truncate real archives, and flip their bits, many times."""
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
        modules("image_save").ok(names=list(names), path=str(tmp_path / f"{number}.tar"), checksum=True)["sha256"]
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
def test_layers_in_another_form_are_sent_and_kept(
    source: str, modules: Modules, saved: Callable[[str], Path], busybox: docker.DockerClient, tmp_path: Path
) -> None:
    """The engine has busybox's layer as the registry has it, the archive as another engine has it."""
    path = saved(source)
    modules("image_load").converges(path=str(path), names=["example/tools:1"])
    assert busybox.containers.run("example/tools:1", remove=True) == b"20000 /tools\n"
    again = tmp_path / "again.tar"
    modules("image_save").ok(name="example/tools:1", path=str(again))
    assert _configs(again)[frozenset({"example/tools:1"})] == _configs(path)[frozenset(NAMES[1:])]


def test_a_thin_archive_leaves_layers_out_and_loads_where_they_are(
    modules: Modules, layered: docker.DockerClient, tmp_path: Path
) -> None:
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
def test_a_thin_archive_is_refused_where_its_layers_are_not(
    modules: Modules, layered: docker.DockerClient, tmp_path: Path, check: bool
) -> None:
    thin = tmp_path / "thin.tar"
    modules("image_save").ok(name="example/tools:1", path=str(thin), exclude_layers_of=["busybox"])
    diff_ids = layered.images.get("busybox").attrs["RootFS"]["Layers"]
    for name in ("example/tools:1", "busybox:latest"):
        layered.api.remove_image(name)
    for transfer in ("auto", "full"):
        message = modules("image_load").fails(check=check, path=str(thin), transfer=transfer)
        assert "thin" in message and diff_ids[0] in message and str(thin) in message
    assert layered.images.list(all=True) == []


def test_layers_are_left_out_only_of_images_that_have_them(
    modules: Modules, busybox: docker.DockerClient, tmp_path: Path
) -> None:
    message = modules("image_save").fails(name="busybox", path=str(tmp_path / "x.tar"), exclude_layers_of=["none/such"])
    assert "none/such:latest" in message and "exclude_layers_of" in message
    modules("image_save").converges(
        name="busybox", path=str(tmp_path / "x.tar"), exclude_layers_of=[f"sha256:{64 * '0'}"]
    )
    assert not read_index(tmp_path / "x.tar").left_out


def test_an_image_without_all_its_layers_is_not_saved(
    modules: Modules, engine: engines.Engine, saved: Callable[[str], Path], clean: docker.DockerClient, tmp_path: Path
) -> None:
    """A containerd store doesn't fetch a layer that it has unpacked from another blob. Then it can't save the image."""
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


class Mortal(NamedTuple):
    """An engine that may be killed, with a relay before it."""

    engine: engines.Engine
    client: docker.DockerClient
    between: Relay

    def module(self, name: str) -> Module:
        """A module that reaches the engine through the relay."""
        return Module(name, self.between.docker_host)

    def kill(self) -> None:
        os.kill(self.engine.pid, signal.SIGKILL)


@pytest.fixture
def mortal(engine: engines.Engine) -> Iterator[Mortal]:
    """An engine of the same kind that may be killed, with example/large:1."""
    with _other(engine.name) as (other, client):
        _have_large(client)
        with relay(other.socket, other.socket.with_name("between.sock")) as between:
            yield Mortal(other, client, between)


def _have_large(client: docker.DockerClient) -> None:
    """Import example/large:1, an image of 16 MiB, whose transfer takes a while."""
    noise = archives.tar({"noise": os.urandom(16 << 20)})
    client.api.import_image_from_data(noise, repository="example/large", tag="1")


def test_engine_is_killed_while_it_saves(mortal: Mortal, tmp_path: Path) -> None:
    path = tmp_path / "large.tar"
    path.write_bytes(b"precious")
    mortal.between.amid_answer("GET /images/get", 1 << 20, mortal.kill)
    message = mortal.module("image_save").fails(name="example/large:1", path=str(path), force=True)
    assert "Can't save example/large:1: the engine closed the connection. Look at the engine's log" in message
    assert path.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == ["large.tar"]


def test_engine_is_killed_while_it_loads(mortal: Mortal, tmp_path: Path) -> None:
    path = tmp_path / "large.tar"
    mortal.module("image_save").ok(name="example/large:1", path=str(path))
    mortal.client.api.remove_image("example/large:1")
    mortal.between.amid_request("POST /images/load", 1 << 20, mortal.kill)
    message = mortal.module("image_load").fails(path=str(path))
    assert f"Can't load {path}" in message
    assert "Restore the former images with: docker image rm example/large:1." in message


def test_engine_stalls_while_it_loads(mortal: Mortal, tmp_path: Path) -> None:
    """An engine that sends nothing, and doesn't answer either, isn't waited for; a retry succeeds."""
    path, load = tmp_path / "large.tar", mortal.module("image_load")
    mortal.module("image_save").ok(name="example/large:1", path=str(path))
    mortal.client.api.remove_image("example/large:1")
    daemon = mortal.engine.daemon
    mortal.between.amid_request("POST /images/load", 1 << 20, lambda: os.kill(daemon, signal.SIGSTOP))
    begun = time.monotonic()
    assert "option timeout" in load.fails(path=str(path), timeout=2)
    assert time.monotonic() - begun < 30  # the option promises a time
    os.kill(daemon, signal.SIGCONT)
    # A load that takes longer than the timeout is no stall.
    load.converges(path=str(path), timeout=1)


@pytest.mark.parametrize("how", ["truncated", "overwritten"])
def test_archive_is_changed_while_it_is_read(
    how: str, between: Relay, clean: docker.DockerClient, tmp_path: Path
) -> None:
    _have_large(clean)
    path = tmp_path / "large.tar"
    load = Module("image_load", between.docker_host)
    Module("image_save", between.docker_host).ok(name="example/large:1", path=str(path))
    clean.api.remove_image("example/large:1")
    whole = path.read_bytes()

    def spoil() -> None:
        if how == "truncated":
            os.truncate(path, 2 << 20)
        else:
            with path.open("r+b") as file:
                file.seek(3 << 20)
                file.write(b"x" * (4 << 20))

    between.amid_request("POST /images/load", 1 << 20, spoil)
    assert str(path) in load.fails(path=str(path))
    assert clean.images.list() == []
    path.write_bytes(whole)
    load.converges(path=str(path))


def test_archive_is_replaced_while_it_is_read(between: Relay, clean: docker.DockerClient, tmp_path: Path) -> None:
    """A task that has opened the old one loads the old one."""
    _have_large(clean)
    path = tmp_path / "large.tar"
    Module("image_save", between.docker_host).ok(name="example/large:1", path=str(path))
    clean.api.remove_image("example/large:1")
    (tmp_path / "new").write_bytes(b"something else")
    between.amid_request("POST /images/load", 1 << 20, lambda: os.replace(tmp_path / "new", path))
    Module("image_load", between.docker_host).ok(path=str(path))
    assert _tags(clean) == {"example/large:1"}


def _save_in_a_process(docker_host: str, name: str, path: str) -> None:
    Module("image_save", docker_host).ok(name=name, path=path)


def _process(docker_host: str, name: str, path: Path) -> ForkProcess:
    return multiprocessing.get_context("fork").Process(target=_save_in_a_process, args=(docker_host, name, str(path)))


def test_of_two_saves_at_once_one_is_whole(
    engine: engines.Engine, busybox: docker.DockerClient, tmp_path: Path
) -> None:
    _have_large(busybox)
    path = tmp_path / "one.tar"
    both = [_process(engine.docker_host, name, path) for name in ("busybox:latest", "example/large:1")]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
        assert process.exitcode == 0
    (image,) = verify(path).images
    assert image.tags in (("busybox:latest",), ("example/large:1",))
    assert os.listdir(tmp_path) == ["one.tar"]


def test_a_save_that_is_killed_leaves_nothing(between: Relay, busybox: docker.DockerClient, tmp_path: Path) -> None:
    _have_large(busybox)
    path = tmp_path / "good.tar"
    Module("image_save", between.docker_host).ok(name="busybox", path=str(path))
    good = path.read_bytes()
    process = _process(between.docker_host, "example/large:1", path)

    def kill_once_it_is_written() -> None:
        # After an archive the module asks whether the engine is still there: by then all of the file is written.
        between.before("GET /_ping", process.kill)

    between.before("GET /images/get", kill_once_it_is_written)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert path.read_bytes() == good
    assert os.listdir(tmp_path) == ["good.tar"]
