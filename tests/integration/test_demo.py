# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo on an engine with other people's images: they stay, and nothing else does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration.scenes import child, state, used

pytestmark = [pytest.mark.one_engine, pytest.mark.timeout(1800)]


def test_the_demo_leaves_somebody_elses_engine_as_it_was(
    engine: Engine, busybox: docker.DockerClient, tmp_path: Path
) -> None:
    busybox.api.tag("busybox", "mine", "1")
    child(busybox, "busybox")  # dangles
    used(busybox, "busybox", running=True)
    before = state(busybox)
    # By another address the engine isn't known as a private one.
    address = tmp_path / "docker.sock"
    address.symlink_to(engine.socket)
    done = subprocess.run(
        [sys.executable, "-m", "ansible_collections.gantry.docker.tests.demo"],
        env={**os.environ, "DOCKER_HOST": f"unix://{address}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=1700,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert "Changed by the second run: nothing." in said
    assert re.search(r"Foreseen exactly by a check run: \d\d steps\.$", said, re.MULTILINE)
    assert re.search(r"^Commit it to a new image +yes, foreseen +none → 2 layers +[\d,]+ +[\d.]+$", said, re.MULTILINE)
    assert state(busybox) == before
    assert [container.name for container in busybox.containers.list(all=True)] == ["user"]
