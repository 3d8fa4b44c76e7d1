#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_save
short_description: Save Docker images to an archive
description:
  - Saves images, several to one archive, as C(docker save) does, and changes nothing where the archive at O(path) holds
    exactly these images under exactly these tags, whichever engine wrote it.
  - The archive is written beside its place, checked, and only then put there. Whatever fails, what was at O(path)
    before
    stays as it was.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes
  - gantry.docker.connection
options:
  names:
    description:
      - The images, by name or by Id. An image that is named by its Id or digest has no tag in the archive.
    type: list
    elements: str
    required: true
    aliases: [name]
  path:
    description:
      - The archive, on the managed host, as an absolute path. Its directory must exist.
    type: path
    required: true
  force:
    description:
      - Replace what is at O(path) even if it is no archive of images, or a damaged one.
    type: bool
    default: false
seealso:
  - module: gantry.docker.image_load
"""

EXAMPLES = r"""
- name: Have an archive of two images
  gantry.docker.image_save:
    names:
      - busybox
      - debian:12
    path: /var/tmp/gantry-example.tar
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done, a sentence for each step.
  returned: success
  type: list
  elements: str
  sample: ["Saved busybox:latest to /var/tmp/gantry-example.tar"]
images:
  description: The images as inspected.
  returned: success
  type: list
  elements: dict
  sample: [{"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}]
image:
  description: The image as inspected.
  returned: with a single name
  type: dict
  sample: {"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}
path:
  description: The archive.
  returned: success
  type: str
  sample: /var/tmp/gantry-example.tar
size:
  description: The archive's size in bytes; in check mode that of what is there now, or 0.
  returned: success
  type: int
  sample: 2002432
"""

from ansible_collections.gantry.docker.plugins.module_utils import task
from ansible_collections.gantry.docker.plugins.module_utils.operation import image_save


def main() -> None:
    """Run the task."""
    task.run(
        image_save,
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True, "aliases": ["name"]},
            "path": {"type": "path", "required": True},
            "force": {"type": "bool", "default": False},
        },
    )


if __name__ == "__main__":
    main()
