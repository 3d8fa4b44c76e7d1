# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make thirty images and some containers: world.py make. Print the size of all images: world.py size."""

from __future__ import annotations

import os
import sys
import time

import docker

from ansible_collections.gantry.docker.tests.engines.engine import assert_private
from ansible_collections.gantry.docker.tests.integration.scenes import child, dated, grown, id_of, state


def make(client: docker.DockerClient) -> None:
    """Fill the engine; what is made first was used least recently, though engines tell the second alone."""
    client.images.pull("busybox", "latest")
    for _number in range(3):
        child(client, "busybox")
    for number in range(1, 5):
        time.sleep(1)
        grown(client, "busybox", f"example/sized:{number}", 100_000 if number == 1 else 1_000_000)
    for day in range(1, 11):
        dated(client, f"example/app:{day}", day)
    for number in range(1, 7):
        labels = {1: {"keep": "yes"}, 2: {"stage": "test"}, 3: {"stage": "test"}, 4: {"stage": "test"}}
        dated(client, f"example/web:{number}", 10 + number, labels.get(number, {"stage": "live"}))
    for day in range(1, 5):
        dated(client, f"example/tools:{day}", day)
    grown(client, "busybox", "example/base:1", 200_000)
    grown(client, "example/base:1", "example/derived:1", 50_000)
    client.containers.run("busybox", ["tail", "-f", "/dev/null"], name="running", detach=True)
    client.containers.create("example/tools:1", name="by-name")
    client.containers.create(id_of(client, "example/app:1"), name="by-id")
    client.containers.create("example/derived:1", name="of-a-child")
    assert len(state(client)) == 30


def main() -> None:
    """Obey the command line."""
    assert_private(os.environ["DOCKER_HOST"])
    client = docker.from_env()
    if sys.argv[1] == "make":
        make(client)
    else:
        print(client.api.df()["LayersSize"])
    client.close()


if __name__ == "__main__":
    main()
