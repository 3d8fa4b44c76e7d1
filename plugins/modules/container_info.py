#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_info
short_description: List and inspect Docker containers
description:
  - Tells of all containers or of those named, as the engine inspects them, whether a container's image is still the
    one that its name means, and on request what runs in them.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes.read_only
  - gantry.docker.connection
options:
  names:
    description:
      - The containers to tell of, by name or by Id. Without this option, all, running or not.
      - A name that means no container is no error; it is listed in RV(not_found).
    type: list
    elements: str
    aliases: [name]
  processes:
    description:
      - Tell each container's processes too, as C(Processes) in it.
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
    - The containers as inspected.
    - Each has C(ImageName), the name that its image was called by when it was made (null if that was an Id), and
      C(ImageIsCurrent), whether that name still means the image that it was made from (null if it means none any
      more, or there is none).
    - With O(processes=true) each has C(Processes), a list of its processes by the columns of C(ps -ef) as the
      engine's host sees them (C(PID), C(CMD), ...); it is empty for a container that doesn't run.
  returned: success
  type: list
  elements: dict
  sample: [{"Id": "0458df13512c...", "Name": "/sleeper", "State": {"Status": "running"}}]
container:
  description: The container, as in RV(containers).
  returned: with a single name, if there is such a container
  type: dict
  sample: {"Id": "0458df13512c...", "Name": "/sleeper", "State": {"Status": "running"}}
not_found:
  description: The names that mean no container.
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
