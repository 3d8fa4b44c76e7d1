# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes hosts with systemd and no engine, and what they can pull from: world.py DIRECTORY NAME=SUITE..."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ansible_collections.gantry.docker.tests.engines.engine import assert_private, find
from ansible_collections.gantry.docker.tests.engines.machines import run_in, run_machine, start_registry
from ansible_collections.gantry.docker.tests.integration.scenes import dated

# The same content as that of the registry with users at 192.0.2.1:5002 (tests/engines/inside).
TEAM = "127.0.0.1:5001/team/app:1"


def main() -> None:
    """Do it."""
    place, hosts = Path(sys.argv[1]), sys.argv[2:]
    assert_private(os.environ["DOCKER_HOST"])
    socket = Path(os.environ["DOCKER_HOST"].removeprefix("unix://"))
    engine = find(socket.parent.name)
    assert engine
    client = engine.client()
    dated(client, TEAM, 1)
    assert '"error"' not in client.api.push(TEAM)
    certificate = Path(f"/proc/{engine.pid}/root/etc/docker/certs.d/192.0.2.1:5002/ca.crt")
    (place / "ca.crt").write_bytes(certificate.read_bytes())
    start_registry(engine, "192.0.2.1:5003", "/var/lib/registry")
    for host in hosts:
        name, _is, suite = host.partition("=")
        code, said = run_in(run_machine(engine, client, name, suite), "useradd", "deployer")
        assert code == 0, said
    client.close()


if __name__ == "__main__":
    main()
