#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_remove
short_description: Remove Docker images
description:
  - Removes images by name or by Id, several in one task. A name that means none is fine.
  - By a name, only that name is taken away, and with an image's last name the image goes. By its Id, an image goes
    with all of its names.
  - If containers use an image that would go, running or not, nothing at all is removed, and the error names them.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes
  - gantry.docker.connection
options:
  names:
    description:
      - The images, each as C([registry/]repository[:tag]), as C(repository@digest), or as an Id.
      - Without a tag or digest, O(tag) is meant.
    type: list
    elements: str
    required: true
    aliases: [name]
  tag:
    description:
      - The tag of those O(names) that come with neither a tag nor a digest.
    type: str
    default: latest
notes:
  - An image that others were made from loses its name only; it goes with the last of them. So do the images without a
    name that a removed image was made from.
seealso:
  - module: gantry.docker.image_prune
"""

EXAMPLES = r"""
- name: Have these images no more
  gantry.docker.image_remove:
    names:
      - example/tools:1
      - example/tools:stable
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done, a sentence for each step.
  returned: success
  type: list
  elements: str
  sample: ["Untagged example/tools:1"]
images:
  description: The images that the names meant, as inspected before.
  returned: success
  type: list
  elements: dict
  sample: [{"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}]
"""

from ansible_collections.gantry.docker.plugins.module_utils import task
from ansible_collections.gantry.docker.plugins.module_utils.operation import image_remove


def main() -> None:
    """Run the task."""
    task.run(
        image_remove,
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True, "aliases": ["name"]},
            "tag": {"type": "str", "default": "latest"},
        },
    )


if __name__ == "__main__":
    main()
