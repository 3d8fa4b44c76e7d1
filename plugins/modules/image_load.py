#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_load
short_description: Load Docker images from an archive
description:
  - Loads the images of an archive as C(docker save), C(podman save) or C(skopeo) write it, plain or compressed.
  - The archive's index is read first. Where the engine has all of its images, under all of their tags, nothing is sent,
    and nothing changes.
  - Afterwards the engine is asked for every image. If one isn't there as it should be, the task fails, and the tags
    name
    again what they named before.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes
  - gantry.docker.connection
options:
  path:
    description:
      - The archive, on the managed host, as an absolute path.
    type: path
    required: true
requirements:
  - zstandard, on the managed host, for archives that are compressed with zstd
seealso:
  - module: gantry.docker.image_save
"""

EXAMPLES = r"""
- name: Have an archive
  gantry.docker.image_save:
    name: busybox
    path: /var/tmp/gantry-example-busybox.tar

- name: Have its images
  gantry.docker.image_load:
    path: /var/tmp/gantry-example-busybox.tar
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done, a sentence for each step.
  returned: success
  type: list
  elements: str
  sample: ["Loaded busybox:latest from /var/tmp/gantry-example-busybox.tar"]
images:
  description: The archive's images as inspected; in check mode, those that are here already.
  returned: success
  type: list
  elements: dict
  sample: [{"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}]
image:
  description: The image as inspected.
  returned: with a single image in the archive, if it is here
  type: dict
  sample: {"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}
bytes_sent:
  description: How much was sent to the engine.
  returned: when the archive was sent
  type: int
  sample: 2002432
"""

from ansible_collections.gantry.docker.plugins.module_utils import task
from ansible_collections.gantry.docker.plugins.module_utils.operation import image_load


def main() -> None:
    """Run the task."""
    task.run(
        image_load,
        argument_spec={
            "path": {"type": "path", "required": True},
        },
    )


if __name__ == "__main__":
    main()
