#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_exec
short_description: Run a command in a Docker container
description:
  - Runs a command in a running container, and gives its output and its code. A code other than 0 is a failure.
  - A command's effect is nobody's to know, so the task is always changed, and check mode doesn't run the command.
    Say C(changed_when) where you know better.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes
  - gantry.docker.connection
options:
  container:
    description:
      - The container, by name or by Id. It must be running.
    type: str
    required: true
  argv:
    description:
      - The command as a list of words. No shell reads it.
    type: list
    elements: str
  command:
    description:
      - The command as one string, split into words as a shell does. No shell runs it; for one, write C(sh -c '...').
    type: str
  chdir:
    description:
      - The directory in the container to run it in.
    type: str
  env:
    description:
      - Environment variables for it.
    type: dict
  user:
    description:
      - The user to run it as, by name or number, with C(:group) if you like.
    type: str
  tty:
    description:
      - Give it a terminal. All of its output is RV(stdout) then.
    type: bool
    default: false
  detach:
    description:
      - Start it and leave it to itself; there is no output and no code.
    type: bool
    default: false
seealso:
  - module: gantry.docker.container_run
  - module: gantry.docker.container_info
"""

EXAMPLES = r"""
- name: Have a container that stays up
  gantry.docker.container_run:
    name: sleeper
    image: busybox
    command: tail -f /dev/null

- name: Start a second process in it
  gantry.docker.container_exec:
    container: sleeper
    argv: [sleep, "600"]
    detach: true

- name: List its processes
  gantry.docker.container_exec:
    container: sleeper
    command: ps
  register: processes
  changed_when: false
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done, a sentence for each step.
  returned: success
  type: list
  elements: str
  sample: ["Ran ps in container sleeper"]
stdout:
  description: What the command wrote, without the line ends at its end.
  returned: with O(detach=false), not in check mode
  type: str
  sample: "PID USER COMMAND"
stderr:
  description: What it wrote to standard error.
  returned: with O(detach=false), not in check mode
  type: str
  sample: ""
rc:
  description: The code it ended with.
  returned: with O(detach=false), not in check mode
  type: int
  sample: 0
"""

from ansible_collections.gantry.docker.plugins.module_utils import task
from ansible_collections.gantry.docker.plugins.module_utils.operation import container_exec


def main() -> None:
    """Run the task."""
    task.run(
        container_exec,
        argument_spec={
            "container": {"type": "str", "required": True},
            "argv": {"type": "list", "elements": "str"},
            "command": {"type": "str"},
            "chdir": {"type": "str"},
            "env": {"type": "dict"},
            "user": {"type": "str"},
            "tty": {"type": "bool", "default": False},
            "detach": {"type": "bool", "default": False},
        },
        required_one_of=[("argv", "command")],
        mutually_exclusive=[("argv", "command")],
    )


if __name__ == "__main__":
    main()
