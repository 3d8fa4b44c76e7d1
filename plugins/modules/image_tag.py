#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_tag
short_description: Add names to a Docker image
description:
  - Adds one or several names to an image, and changes nothing if they already refer to it.
  - A name that refers to another image is moved or kept, depending on O(existing).
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes
  - gantry.docker.connection
options:
  name:
    description:
      - The image to tag, by name or by Id. It must be on the engine. An image that has lost its config, as can happen
        in a containerd store, can't be tagged; a check run reports that too.
    type: str
    required: true
  tag:
    description:
      - The tag for each O(name) or O(repository) that has neither a tag nor a digest.
    type: str
    default: latest
  repository:
    description:
      - The names to add, each as C([registry/]repository[:tag]). Without a tag, O(tag) is used.
    type: list
    elements: str
    required: true
  existing:
    description:
      - With V(move), a name that refers to another image is moved. That image stays, without this name. V(overwrite)
        has the same meaning.
      - With V(keep), such a name stays as it is.
    type: str
    choices: [move, keep, overwrite]
    default: move
    aliases: [existing_images]
seealso:
  - module: gantry.docker.image_pull
  - module: gantry.docker.image_remove
"""

EXAMPLES = r"""
- name: Know busybox by two more names
  gantry.docker.image_tag:
    name: busybox:latest
    repository:
      - example/tools:stable
      - example/tools:1
  register: tagged

- name: Tell which images lost a name to it
  ansible.builtin.debug:
    msg: "{{ item.name }} was {{ item.former }}"
  loop: "{{ tagged.moved }}"
"""

RETURN = r"""
actions:
  description: A sentence for each step that was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample: ["Tagged image busybox:latest as example/tools:1"]
moved:
  description:
    - The names that referred to another image before, or in check mode those that would be moved. C(former) is the Id
      of that image, which may have no name left. C(image) is the Id of the image that the name refers to now.
  returned: success
  type: list
  elements: dict
  sample:
    - name: example/tools:stable
      former: sha256:5b7abace...
      image: sha256:a28bfd8f39bd...
images:
  description: A list with one element, the tagged image as inspected.
  returned: success
  type: list
  elements: dict
  sample: [{"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}]
image:
  description: The tagged image as inspected.
  returned: success
  type: dict
  sample: {"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}
tagged_images:
  description: The names that were added to the image, or in check mode would be, without those that it already had.
  returned: success
  type: list
  elements: str
  sample: ["example/tools:stable", "example/tools:1"]
"""

from ansible_collections.gantry.docker.plugins.module_utils import _task
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_tag


def main() -> None:
    """Run the task."""
    _task.run(
        image_tag,
        argument_spec={
            "name": {"type": "str", "required": True},
            "tag": {"type": "str", "default": "latest"},
            "repository": {"type": "list", "elements": "str", "required": True},
            "existing": {
                "type": "str",
                "choices": ["move", "keep", "overwrite"],
                "default": "move",
                "aliases": ["existing_images"],
            },
        },
    )


if __name__ == "__main__":
    main()
