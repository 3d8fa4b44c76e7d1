# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of ansible-playbook with this checkout's collection and none of the user's settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# The collections tree through which Python found this file. The checkout itself may be elsewhere.
TREE = next(path for path in map(Path, sys.path) if (path / "ansible_collections" / "gantry" / "docker").is_dir())
PROGRAM = str(Path(sys.executable).with_name("ansible-playbook"))
# A host that is this machine.
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}


def write(directory: Path, playbook: str | Sequence[Mapping[str, Any]], hosts: Mapping[str, Any]) -> None:
    """Write a playbook and its inventory. playbook: YAML, or its plays. hosts: their variables by their names."""
    text = playbook if isinstance(playbook, str) else json.dumps(playbook)
    (directory / "playbook.yml").write_text(text)
    (directory / "inventory.yml").write_text(json.dumps({"all": {"hosts": hosts}}))


def settings(directory: Path) -> dict[str, str]:
    """Return the environment of ansible-playbook; all that it keeps lies in this directory."""
    config = directory / "ansible.cfg"
    config.touch()  # else Ansible looks for others
    return {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(TREE),
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_HOME": str(directory),
        "ANSIBLE_NOCOLOR": "true",
    }


def command(*options: str) -> list[str]:
    """Return the command that runs a written playbook in its directory."""
    return [PROGRAM, "-i", "inventory.yml", "playbook.yml", *options]


def run(directory: Path, *options: str, timeout: float = 300, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a written playbook."""
    return subprocess.run(
        command(*options),
        cwd=directory,
        env={**settings(directory), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
