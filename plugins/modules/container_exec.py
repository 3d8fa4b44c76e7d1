#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_exec
short_description: Run a command in a Docker container
description:
  - Runs a command in a running container, and returns its output and its exit code. The task fails if the exit code
    isn't 0.
  - The module can't know what a command changes. So the task is changed whenever the command runs, and check mode
    doesn't run it. Use O(creates), O(removes) or C(changed_when) to be more precise.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes
  - gantry.docker.connection
options:
  container:
    description:
      - The name or the Id of the container. It must be running.
    type: str
    required: true
  argv:
    description:
      - The command as a list of words. No shell interprets it.
    type: list
    elements: str
  command:
    description:
      - The command as one string, which is split into words as a shell does. No shell runs it; to use one, write C(sh
        -c '...').
    type: str
  chdir:
    description:
      - The directory in the container in which the command runs.
    type: str
  env:
    description:
      - Environment variables for the command.
    type: dict
  user:
    description:
      - The user who runs the command, as a name or a number, optionally with C(:group).
    type: str
  tty:
    description:
      - Give the command a terminal. Then all of its output is in RV(stdout).
    type: bool
    default: false
  stdin:
    description:
      - The text for the command's standard input. Without this option, the command gets no input.
    type: str
  stdin_add_newline:
    description:
      - Add a newline to the end of O(stdin).
    type: bool
    default: true
  strip_empty_ends:
    description:
      - Remove the line ends at the end of RV(stdout) and RV(stderr).
    type: bool
    default: true
  creates:
    description:
      - A path in the container. If it exists, the command isn't run, and nothing is changed.
      - "The path is looked up from outside: no process is run in the container for it. So a path on a file system that
        the container mounts from inside, such as a tmpfs, isn't found."
    type: str
  removes:
    description:
      - A path in the container. If it doesn't exist, the command isn't run, and nothing is changed. The notes on
        O(creates) apply.
    type: str
  detach:
    description:
      - Start the command and don't wait for its end. Then neither output nor exit code is returned.
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
  description: A sentence for each step that was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample: ["Ran ps in container sleeper"]
stdout:
  description: The standard output of the command.
  returned: with O(detach=false), not in check mode
  type: str
  sample: "PID USER COMMAND"
stderr:
  description: The standard error output of the command.
  returned: with O(detach=false), not in check mode
  type: str
  sample: ""
exec_id:
  description: The Id that the engine gave to the command.
  returned: with O(detach=true), not in check mode
  type: str
  sample: 4b4f6b9cb49b...
rc:
  description: The exit code of the command.
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
