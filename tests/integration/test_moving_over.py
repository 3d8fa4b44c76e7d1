# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A playbook for community.docker's image modules runs after a change of their names alone."""

from __future__ import annotations

import re
from pathlib import Path

import docker

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration.registries import Registry
from ansible_collections.gantry.docker.tests.support import playbooks

OURS = {
    "docker_image_export": "image_save",
    "docker_image_info": "image_info",
    "docker_image_load": "image_load",
    "docker_image_pull": "image_pull",
    "docker_image_push": "image_push",
    "docker_image_remove": "image_remove",
    "docker_image_tag": "image_tag",
    "docker_prune": "image_prune",
}


def test_only_the_names_change(engine: Engine, clean: docker.DockerClient, tmp_path: Path) -> None:
    theirs = Path(__file__).with_name("moving_over.yml").read_text()
    ours, names = re.subn(r"community\.docker\.(\w+):", lambda name: f"gantry.docker.{OURS[name[1]]}:", theirs)
    assert names == len(re.findall("^    - name:", theirs, re.MULTILINE)) - 1, "all tasks but the assertions"
    playbooks.write(tmp_path, ours, {"localhost": playbooks.LOCAL})
    registry = Registry(engine, "127.0.0.1:5001")
    registry.empty()
    done = playbooks.run(tmp_path, "-e", f"place={tmp_path}", timeout=200, **engine.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[WARNING]: " not in done.stderr, done.stderr
    assert {tag for image in clean.images.list() for tag in image.tags} == {"127.0.0.1:5001/moved/one:latest"}
    pushed = registry.digest("moved/one", "latest")
    assert pushed is not None
    assert pushed == registry.digest("moved/two", "latest")
