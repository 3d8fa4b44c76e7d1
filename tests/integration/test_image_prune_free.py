# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_prune with target_free: just enough becomes free on a small disk that the engine has for itself."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines import engine as engines
from ansible_collections.gantry.docker.tests.engines.images import content
from ansible_collections.gantry.docker.tests.integration.conftest import Module, says, wipe
from ansible_collections.gantry.docker.tests.integration.scenes import grown, state
from ansible_collections.gantry.docker.tests.support import playbooks
from ansible_collections.gantry.docker.tests.support.relay import Relay

MIB = 1 << 20
EACH = 10 * MIB
AGES = (3, 1, 2)  # the number of each image, the least recently used first


@pytest.fixture(scope="module")
def cramped(engine: engines.Engine) -> Iterator[engines.Engine]:
    """Another engine of the kind, with a small disk."""
    with engines.running(engine.name, content(), disk="256m") as running:
        yield running


@pytest.fixture
def full(cramped: engines.Engine) -> Iterator[docker.DockerClient]:
    """The engine with a small disk, and images of random bytes on it."""
    client = cramped.client()
    wipe(client)
    client.images.pull("busybox", "latest")
    for number in AGES:
        grown(client, "busybox", f"app:{number}", EACH)
        time.sleep(1.1)  # tags are compared by the second
    yield client
    wipe(client)
    client.close()


def disk(engine: engines.Engine) -> os.statvfs_result:
    """Return what the engine's own file system reports."""
    return os.statvfs(f"/proc/{engine.daemon}/root/var/lib/docker")


def free(engine: engines.Engine) -> int:
    """Return the free bytes of that file system."""
    found = disk(engine)
    return found.f_bavail * found.f_frsize


def apps(client: docker.DockerClient) -> list[str]:
    """Return the names of the images that were made here."""
    return sorted(name for image in state(client).values() for name in image if name.startswith("app"))


def prune(engine: engines.Engine) -> Module:
    """Return the module for an engine."""
    return Module("image_prune", engine.docker_host)


def test_just_enough_becomes_free(cramped: engines.Engine, full: docker.DockerClient) -> None:
    """The least recently used images go, and the file system itself has as much free as was foreseen."""
    module = prune(cramped)
    before = free(cramped)
    nothing = module.unchanged(dangling=False, keep=["busybox"], target_free=str(before - MIB))
    assert abs(nothing["store_free"] - before) < MIB
    enough = str(before + EACH // 2)
    foreseen = module.ok(check=True, dangling=False, keep=["busybox"], target_free=enough)
    done = module.converges(dangling=False, keep=["busybox"], target_free=enough)
    assert apps(full) == ["app:1", "app:2"]
    assert done["images"] == foreseen["images"]
    assert done["images_size"] == foreseen["images_size"]
    assert done["store_free"] >= int(enough)
    # The store's own books, and other files of the engine, take some of it.
    assert abs(free(cramped) - done["store_free"]) < MIB


def test_a_share_is_of_the_whole_disk(cramped: engines.Engine, full: docker.DockerClient) -> None:
    size = disk(cramped).f_blocks * disk(cramped).f_frsize
    assert size == 256 * MIB
    module = prune(cramped)
    every = module.ok(check=True, dangling=False, keep=["busybox"], target_free="100%")["images"]
    (first,) = (image["SpaceReclaimed"] for image in every if image["RepoTags"] == ["app:3"])
    two = 100 * (free(cramped) + first + MIB) / size
    done = module.converges(dangling=False, keep=["busybox"], target_free=f"{two:.4f}%")
    assert apps(full) == ["app:2"]
    assert done["store_free"] >= size * two / 100


def test_what_cant_be_reached_takes_all_that_may_go(cramped: engines.Engine, full: docker.DockerClient) -> None:
    prune(cramped).converges(dangling=False, keep=["busybox", "app:1"], target_free="100%")
    assert apps(full) == ["app:1"]


def test_another_program_at_the_socket_is_refused(between: Relay, busybox: docker.DockerClient) -> None:
    """A directory of the same name may be on another disk."""
    message = Module("image_prune", between.docker_host).fails(dangling=False, target_free="100%")
    says(message, "target_free", between.docker_host, "isn't dockerd", "Nothing was removed")
    assert state(busybox)


def test_an_engine_that_cant_be_seen_is_refused(
    engine: engines.Engine, busybox: docker.DockerClient, tmp_path: Path
) -> None:
    """As from a container that has the socket: the engine's process has no number there."""
    options = {"docker_host": engine.docker_host, "dangling": False, "target_free": "100%"}
    play = {"hosts": "all", "gather_facts": False, "tasks": [{"gantry.docker.image_prune": options}]}
    playbooks.write(tmp_path, [play], {"here": playbooks.LOCAL})
    command = ["unshare", "--pid", "--fork", "--mount-proc", *playbooks.command()]
    done = subprocess.run(
        command, cwd=tmp_path, env=playbooks.settings(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode
    says(" ".join(done.stdout.split()), "isn't visible from here", "outside of containers", "Nothing was removed")
    assert state(busybox)
