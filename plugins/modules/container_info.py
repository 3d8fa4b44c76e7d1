#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_info
short_description: List and inspect Docker containers
description:
  - Returns all containers, or those named, as the engine inspects them. For each, it returns whether the name of its
    image still refers to the image that the container was made from and, on request, the processes in it.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes.read_only
  - gantry.docker.connection
options:
  names:
    description:
      - The containers to return, by name or by Id. Without this option, all containers are returned, running or not.
      - A name without a container isn't an error; it is listed in RV(not_found).
    type: list
    elements: str
    aliases: [name]
  processes:
    description:
      - Also return the processes of each container, as C(Processes).
    type: bool
    default: false
seealso:
  - module: gantry.docker.container_run
  - module: gantry.docker.image_info
"""

EXAMPLES = r"""
- name: Look at all containers and what runs in them
  gantry.docker.container_info:
    processes: true
  register: found

- name: Name those whose image has been replaced by a newer one of its name
  ansible.builtin.debug:
    msg: "{{ found.containers | selectattr('ImageIsCurrent', 'false') | map(attribute='Name') }}"

- name: Show them
  ansible.builtin.debug:
    msg: "{{ item.Name }} is {{ item.State.Status }} and has {{ item.Processes | length }} processes"
  loop: "{{ found.containers }}"
  loop_control:
    label: "{{ item.Id }}"
"""

RETURN = r"""
containers:
  description:
    - The containers as inspected, with additional keys.
    - C(ImageName) is the name of the image that was used to create the container, or null if it was created from an Id.
    - C(ImageIsCurrent) is true if that name still refers to the image of the container, and false if it refers to
      another one. It is null if the name refers to no image any more, or if there is no name.
    - With O(processes=true), C(Processes) lists the container's processes by the columns of C(ps -ef) as the engine's
      host sees them (C(PID), C(CMD), ...). It is empty for a container that isn't running.
  returned: success
  type: list
  elements: dict
  sample: [{"Id": "0458df13512c...", "Name": "/sleeper", "State": {"Status": "running"}}]
container:
  description: The container, as in RV(containers).
  returned: with a single name, if that container exists
  type: dict
  sample: {"Id": "0458df13512c...", "Name": "/sleeper", "State": {"Status": "running"}}
not_found:
  description: The names for which there is no container.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.gantry.docker.plugins.module_utils import _task
from ansible_collections.gantry.docker.plugins.module_utils._operation import container_info


def main() -> None:
    """Run the task."""
    _task.run(
        container_info,
        argument_spec={
            "names": {"type": "list", "elements": "str", "aliases": ["name"]},
            "processes": {"type": "bool", "default": False},
        },
    )


if __name__ == "__main__":
    main()
