# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of image_load with src, which takes a controller: ansible-playbook, for one host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.support import playbooks


class Delivery(Module):
    """The module image_load with its part on the controller, on one engine."""

    def __init__(self, docker_host: str, place: Path) -> None:
        super().__init__("image_load", docker_host)
        self._place = place

    def __call__(self, check: bool = False, **params: Any) -> dict[str, Any]:
        """Run the task; return its result, also after a failure."""
        arguments = {"docker_host": self._docker_host, **params}
        task = {"gantry.docker.image_load": arguments, "register": "answer", "ignore_errors": True}
        result = self._place / "result.json"
        keep = {"ansible.builtin.copy": {"content": "{{ answer | to_json }}", "dest": str(result)}, "check_mode": False}
        play = {"hosts": "all", "gather_facts": False, "tasks": [task, keep]}
        playbooks.write(self._place, [play], {"one": playbooks.LOCAL})
        result.unlink(missing_ok=True)
        done = playbooks.run(self._place, "--diff", *(["--check"] if check else []), ANSIBLE_PIPELINING="true")
        assert result.exists(), done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(result.read_text())
        return answer
