# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prepare the scenario's registry, archives and host: world.py make DIRECTORY; world.py move."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import docker

from ansible_collections.gantry.docker.tests.engines.engine import assert_private
from ansible_collections.gantry.docker.tests.integration.scenes import dated, id_of

# The same content as that of the registry with users at 192.0.2.1:5002 (tests/engines/inside).
PUSH_TO, SEEN_AS = "127.0.0.1:5001", "192.0.2.1:5002"


def make(client: docker.DockerClient, place: Path) -> None:
    """Fill a registry, two archives, and the engine."""
    digests = {}
    for name, day in (("team/app:1", 1), ("team/app:stable", 1), ("team/app:2", 2), ("team/tools:3", 3)):
        digests[f"{SEEN_AS}/{name}"] = push(client, name, day)
    (place / "digests.json").write_text(json.dumps(digests))
    for name, day in (("archived/one:4", 4), ("archived/two:3", 5)):
        dated(client, name, day)
        archive = place / f"{name.partition(':')[0].rpartition('/')[2]}.tar"
        archive.write_bytes(b"".join(client.api.get_image(name)))
        client.api.remove_image(name)
    for day in range(10, 16):
        dated(client, f"legacy/app:{day}", day, {"keep": "yes"} if day == 11 else None)
    dated(client, "old/app:1", 6)
    dated(client, "old/app:2", 7)
    client.api.tag("old/app:2", "older/app", "2")
    client.containers.create("legacy/app:10", name="user")


def move(client: docker.DockerClient) -> None:
    """Let tags move in the registry."""
    push(client, "team/app:stable", 2)
    push(client, "team/tools:3", 8)


def push(client: docker.DockerClient, name: str, day: int) -> str:
    """Push an image that was made on that day, and leave nothing of it on the engine; its digest."""
    full = f"{PUSH_TO}/{name}"
    dated(client, full, day)
    assert '"error"' not in client.api.push(full)
    (name_and_digest,) = client.images.get(full).attrs["RepoDigests"]
    client.api.remove_image(full)
    return str(name_and_digest).partition("@")[2]


def main() -> None:
    """Obey the command line."""
    assert_private(os.environ["DOCKER_HOST"])
    client = docker.from_env()
    if sys.argv[1] == "make":
        make(client, Path(sys.argv[2]))
        assert id_of(client, "old/app:2") == id_of(client, "older/app:2")
    else:
        move(client)
    client.close()


if __name__ == "__main__":
    main()
