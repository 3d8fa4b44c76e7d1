#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_run
short_description: Have a Docker container running, or have it not
description:
  - Makes and starts a container of a given name, or removes it.
  - A container that differs from what is asked for is replaced, and the diff says in what. What is not asked for
    isn't compared.
  - If a new container can't be started, the old one is put back and runs again.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes
  - gantry.docker.connection
options:
  name:
    description:
      - The container's name.
    type: str
    required: true
  state:
    description:
      - With V(started), the container is there and its command was started. Where the command has ended, it is started
        again.
      - With V(absent), there is no such container; its anonymous volumes go with it.
    type: str
    choices: [started, absent]
    default: started
  image:
    description:
      - The image, by name or by Id. It must be on the engine; M(gantry.docker.image_pull) brings it there.
      - A container whose image's name means another image now is replaced.
      - Required with O(state=started).
    type: str
  command:
    description:
      - What to run, as a list of words, or as one string that is split like a shell does. Without it, what the image
        says.
    type: raw
  tty:
    description:
      - Give the command a terminal, as C(docker run -t).
    type: bool
    default: false
  interactive:
    description:
      - Keep its standard input open, as C(docker run -i).
    type: bool
    default: false
  env:
    description:
      - Environment variables, over those of the image.
    type: dict
  stop_timeout:
    description:
      - How many seconds a container may take to stop by itself before it is killed. Without it, what the container
        says,
        or 10.
    type: int
seealso:
  - module: gantry.docker.container_exec
  - module: gantry.docker.container_info
"""

EXAMPLES = r"""
- name: Have a container that stays up
  gantry.docker.container_run:
    name: sleeper
    image: busybox
    command: tail -f /dev/null

- name: Have one with a terminal and a name
  gantry.docker.container_run:
    name: shell
    image: debian:12
    tty: true
    interactive: true
    env:
      LANG: C.UTF-8

- name: Have neither
  gantry.docker.container_run:
    name: "{{ item }}"
    state: absent
    stop_timeout: 0
  loop: [sleeper, shell]
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done, a sentence for each step.
  returned: success
  type: list
  elements: str
  sample: ["Started container sleeper from busybox:latest"]
container:
  description: The container as inspected; null if there is none.
  returned: success
  type: dict
  sample: {"Id": "0458df13512c...", "Name": "/sleeper", "State": {"Status": "running"}}
"""

from ansible_collections.gantry.docker.plugins.module_utils import task
from ansible_collections.gantry.docker.plugins.module_utils.operation import container_run


def main() -> None:
    """Run the task."""
    task.run(
        container_run,
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["started", "absent"], "default": "started"},
            "image": {"type": "str"},
            "command": {"type": "raw"},
            "tty": {"type": "bool", "default": False},
            "interactive": {"type": "bool", "default": False},
            "env": {"type": "dict"},
            "stop_timeout": {"type": "int"},
        },
        required_if=[("state", "started", ["image"])],
    )


if __name__ == "__main__":
    main()
