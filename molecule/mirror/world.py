# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registries, mirrors before them, and hosts: world.py DIRECTORY make NAME=SUITE... | move | stop."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import docker

from ansible_collections.gantry.docker.tests.engines.engine import Engine, assert_private, find
from ansible_collections.gantry.docker.tests.engines.machines import run_machine, start_registry, stop_registry
from ansible_collections.gantry.docker.tests.integration.scenes import dated

# The registries behind the mirrors have the content of those that take pushes (tests/engines/inside). The first stands
# for docker.io.
CONTENT = {"127.0.0.1:5013": "/var/lib/registry", "127.0.0.1:5014": "/var/lib/pushed"}
PUSHED = ("127.0.0.1:5000/library/tools:1", "127.0.0.1:5001/team/app:1")
PLAIN, SECURE = "192.0.2.1:5003", "192.0.2.1:5004"
CERTIFICATE = "/etc/docker/certs.d/192.0.2.1:5002/ca.crt"


def make(engine: Engine, client: docker.DockerClient, place: Path, hosts: list[str]) -> None:
    """Make everything."""
    push(client, 1)
    (place / "ca.crt").write_bytes(Path(f"/proc/{engine.pid}/root{CERTIFICATE}").read_bytes())
    for address, directory in CONTENT.items():
        start_registry(engine, address, directory)
    tls = f"  tls: {{certificate: {CERTIFICATE}, key: /run/registry.key}}\n"
    for mirror, registry, more in zip((PLAIN, SECURE), CONTENT, ("", tls)):
        start_registry(engine, mirror, f"/var/lib/{mirror}", f"{more}proxy: {{remoteurl: 'http://{registry}'}}\n")
    for host in hosts:
        name, _is, suite = host.partition("=")
        run_machine(engine, client, name, suite)


def push(client: docker.DockerClient, day: int) -> None:
    """Let the tags in the registries be those of images that were made on that day."""
    for name in PUSHED:
        dated(client, name, day)
        assert '"error"' not in client.api.push(name)


def main() -> None:
    """Obey the command line."""
    place, order, *hosts = sys.argv[1:]
    assert_private(os.environ["DOCKER_HOST"])
    engine = find(Path(os.environ["DOCKER_HOST"].removeprefix("unix://")).parent.name)
    assert engine
    client = engine.client()
    if order == "make":
        make(engine, client, Path(place), hosts)
    elif order == "move":
        push(client, 2)
    else:
        for address in CONTENT:
            stop_registry(engine, address)
    client.close()


if __name__ == "__main__":
    main()
