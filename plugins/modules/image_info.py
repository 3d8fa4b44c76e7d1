#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_info
short_description: List and inspect Docker images and their layers
description:
  - Tells of all images or of those named, as the engine inspects them, and on request how each was made, layer by
    layer.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes.read_only
  - gantry.docker.connection
options:
  names:
    description:
      - The images to tell of, by name or by Id. Without this option, all images that C(docker images) would list.
      - A name that means no image is no error; it is listed in RV(not_found).
    type: list
    elements: str
    aliases: [name]
  history:
    description:
      - Tell each image's history too, as C(History) in it.
    type: bool
    default: false
seealso:
  - module: gantry.docker.image_pull
  - module: gantry.docker.container_info
"""

EXAMPLES = r"""
- name: Look at an image and its layers
  gantry.docker.image_info:
    name: debian:12
    history: true
  register: debian

- name: Show which steps made layers, and how large these are
  ansible.builtin.debug:
    msg: "{{ item.Size }} bytes: {{ item.CreatedBy }} {{ item.Comment }}"
  loop: "{{ debian.image.History | selectattr('DiffID') }}"
  loop_control:
    label: "{{ item.DiffID | default('', true) }}"
"""

RETURN = r"""
images:
  description:
    - The images as inspected.
    - With O(history=true) each has C(History), a list of the steps it was made by, the newest first, as C(docker
      history)
      gives them (C(Created), C(CreatedBy), C(Size), C(Comment), C(Tags)), each with C(DiffID), the DiffID of the layer
      that it made. C(DiffID) is null for a step that made none, and where the engine doesn't tell which steps did.
  returned: success
  type: list
  elements: dict
  sample: [{"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}]
image:
  description: The image, as in RV(images).
  returned: with a single name, if there is such an image
  type: dict
  sample: {"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}
not_found:
  description: The names that mean no image.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.gantry.docker.plugins.module_utils import task
from ansible_collections.gantry.docker.plugins.module_utils.operation import image_info


def main() -> None:
    """Run the task."""
    task.run(
        image_info,
        argument_spec={
            "names": {"type": "list", "elements": "str", "aliases": ["name"]},
            "history": {"type": "bool", "default": False},
        },
    )


if __name__ == "__main__":
    main()
