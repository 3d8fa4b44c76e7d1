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
  - A command's effect is nobody's to know, so the task is changed whenever the command runs, and check mode doesn't
    run it. Say O(creates) or O(removes), or C(changed_when), where you know better.
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
  stdin:
    description:
      - What to give it as input. Without this option, it has none.
    type: str
  stdin_add_newline:
    description:
      - Whether O(stdin) gets a line end at its end.
    type: bool
    default: true
  strip_empty_ends:
    description:
      - Whether line ends at the end of RV(stdout) and RV(stderr) are left out.
    type: bool
    default: true
  creates:
    description:
      - A path in the container. If it is there, nothing is run, and nothing is changed.
      - It is looked up from outside, and nothing is run in the container for that; what the container mounts from
        inside, such as a tmpfs, can't be seen.
    type: str
  removes:
    description:
      - A path in the container. If it is not there, nothing is run, and nothing is changed. See O(creates).
    type: str
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

- name: Write a file, if it isn't there yet
  gantry.docker.container_exec:
    container: sleeper
    command: sh -c 'cat >/note'
    stdin: "Water the plants."
    creates: /note

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
  description: What the command wrote.
  returned: with O(detach=false), not in check mode
  type: str
  sample: "PID USER COMMAND"
stderr:
  description: What it wrote to standard error.
  returned: with O(detach=false), not in check mode
  type: str
  sample: ""
exec_id:
  description: The Id that the engine gave to the command.
  returned: with O(detach=true), not in check mode
  type: str
  sample: 4b4f6b9cb49b...
rc:
  description: The code it ended with.
  returned: with O(detach=false), not in check mode
  type: int
  sample: 0
"""

from ansible_collections.gantry.docker.plugins.module_utils import _task
from ansible_collections.gantry.docker.plugins.module_utils._operation import container_exec


def main() -> None:
    """Run the task."""
    _task.run(
        container_exec,
        argument_spec={
            "container": {"type": "str", "required": True},
            "argv": {"type": "list", "elements": "str"},
            "command": {"type": "str"},
            "chdir": {"type": "str"},
            "env": {"type": "dict"},
            "user": {"type": "str"},
            "tty": {"type": "bool", "default": False},
            "stdin": {"type": "str"},
            "stdin_add_newline": {"type": "bool", "default": True},
            "strip_empty_ends": {"type": "bool", "default": True},
            "creates": {"type": "str"},
            "removes": {"type": "str"},
            "detach": {"type": "bool", "default": False},
        },
        required_one_of=[("argv", "command")],
        mutually_exclusive=[("argv", "command")],
    )


if __name__ == "__main__":
    main()
