# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scenario's host and images: world.py make DIRECTORY, world.py look, world.py power."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import docker
from docker.models.containers import Container

from ansible_collections.gantry.docker.tests.engines.engine import assert_private, find
from ansible_collections.gantry.docker.tests.engines.machines import run_in, run_machine, wait_for_systemd
from ansible_collections.gantry.docker.tests.support import archives

# What the host is asked: its store, its images by the digests of their configs with their tags, and what a move left.
_LOOK = """
import http.client, json, os, socket, subprocess


def ask(path):
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect("/run/docker.sock")
    connection.request("GET", path)
    return json.load(connection.getresponse())


def config(image):
    content = subprocess.check_output(["ctr", "--namespace=moby", "content", "get", image])
    return json.loads(content)["config"]["digest"]


store = "containerd" if "io.containerd.snapshotter.v1" in str(ask("/info")["DriverStatus"]) else "classic"
images = {}
for row in ask("/images/json"):
    # A containerd store may have an image twice, under two manifests.
    key = config(row["Id"]) if store == "containerd" else row["Id"]
    images[key] = sorted(images.get(key, []) + (row["RepoTags"] or []))
left = [name for name in os.listdir("/etc/docker") + os.listdir("/var/lib") if "before" in name or "move" in name]
print(json.dumps({"store": store, "images": images, "left": left}))
"""


def images() -> list[archives.Image]:
    """Return thirty images: with a layer in common, with several tags, upon each other, without a tag."""
    common = archives.layer("common")
    shared = [_image(f"shared {number}", f"shared:{number}", below=(common,)) for number in range(10)]
    names = ("multi{}:1", "multi{}:latest", "registry.example:5000/team/multi{}:1")
    multi = [_image(f"multi {number}", *(name.format(number) for name in names)) for number in range(6)]
    steps = tuple(archives.layer(f"step {number}") for number in range(4))
    stacked = [archives.Image(steps[: number + 1], tags=(f"stacked:{number}",)) for number in range(4)]
    untagged = [_image(f"untagged {number}", below=(common,)) for number in range(9)]
    foreign = archives.Image((archives.layer("foreign"),), architecture="arm64", tags=("foreign:1",))
    return [*shared, *multi, *stacked, *untagged, foreign]


def _image(content: str, *tags: str, below: tuple[bytes, ...] = ()) -> archives.Image:
    # A layer that takes a moment to load.
    large = archives.tar({content: os.urandom(1 << 20)})
    return archives.Image((*below, large), tags=tags)


def make(client: docker.DockerClient, place: Path) -> None:
    """Run a host, and write an archive of the images, and the digests of their configs with their tags."""
    made = images()
    assert len(made) == 30
    (place / "images.tar").write_bytes(archives.tar(archives.legacy(*made)))
    (place / "images.json").write_text(json.dumps({image.config_digest: sorted(image.tags) for image in made}))
    engine = find(Path(os.environ["DOCKER_HOST"].removeprefix("unix://")).parent.name)
    assert engine
    run_machine(engine, client, "machine", "sid")


def look(machine: Container) -> str:
    """Return what _LOOK tells, as JSON."""
    code, said = run_in(machine, "python3", "-c", _LOOK)
    assert code == 0, said
    assert said, "the host said nothing"
    return said


def main() -> None:
    """Obey the command line."""
    assert_private(os.environ["DOCKER_HOST"])
    client = docker.from_env()
    if sys.argv[1] == "make":
        make(client, Path(sys.argv[2]))
    elif sys.argv[1] == "look":
        print(look(client.containers.get("machine")))
    else:
        machine = client.containers.get("machine")
        machine.start()
        wait_for_systemd(machine)
    client.close()


if __name__ == "__main__":
    main()
