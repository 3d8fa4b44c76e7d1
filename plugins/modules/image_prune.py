#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_prune
short_description: Remove Docker images that nothing needs
description:
  - Removes images that no container uses, running or not. By default only the dangling ones, those without any name;
    on request all, but for those to keep.
  - A check run names exactly the images that a real run removes.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes
  - gantry.docker.connection
options:
  dangling:
    description:
      - With V(true), remove only images that have neither a tag nor a digest.
      - With V(false), remove all images that no container uses, and that O(keep) doesn't name.
    type: bool
    default: true
  keep:
    description:
      - Names to keep, as patterns with C(*), C(?) and C([]). C(*) matches slashes too. A pattern is compared with the
        whole name; without a tag it means every tag, so V(debian) keeps C(debian:12).
      - An image with one name to keep is kept with all of its names.
    type: list
    elements: str
    default: []
notes:
  - An image that others were made from loses its names only; it goes with the last of them.
  - Unlike C(docker image prune), it never takes an image that was pulled by its digest for dangling.
seealso:
  - module: gantry.docker.image_remove
"""

EXAMPLES = r"""
- name: Remove dangling images
  gantry.docker.image_prune:

- name: Remove all unused images but some
  gantry.docker.image_prune:
    dangling: false
    keep:
      - debian
      - busybox:latest
      - example/*
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done, a sentence for each step.
  returned: success
  type: list
  elements: str
  sample: ["Pruned dangling image (sha256:5b7abace...)"]
space_reclaimed:
  description:
    - The bytes that all images' layers take less than before, as C(docker system df) counts them; 0 in check mode.
  returned: success
  type: int
  sample: 4194304
"""

from ansible_collections.gantry.docker.plugins.module_utils import task
from ansible_collections.gantry.docker.plugins.module_utils.operation import image_prune


def main() -> None:
    """Run the task."""
    task.run(
        image_prune,
        argument_spec={
            "dangling": {"type": "bool", "default": True},
            "keep": {"type": "list", "elements": "str", "default": []},
        },
    )


if __name__ == "__main__":
    main()
