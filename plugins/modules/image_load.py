#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_load
short_description: Load Docker images from an archive
description:
  - Loads the images of an archive as C(docker save), C(podman save) or C(skopeo) write it, plain or compressed, by
    whatever engine; where the engine can't read the compression, it is undone on the way.
  - The archive's index is read first. Where the engine has all of its images, under all of their tags, nothing is sent,
    and nothing changes. Otherwise only those images are sent that are missing, and of them the layers that are.
  - Afterwards the engine is asked for every image. If one isn't there as it should be, the task fails, and the tags
    that aren't right name again what they named before.
  - There is no limit to how long a load may take. The option O(timeout) limits how long the engine may be silent
    without answering a question in between.
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
  names:
    description:
      - Load these images only, by the tags that they have in the archive, and under no others.
    type: list
    elements: str
    aliases: [name]
  transfer:
    description:
      - With V(auto) layers that the engine has already aren't sent. If the engine turns out to need them all the same,
        everything is sent after that.
      - V(full) sends everything at once.
    type: str
    choices: [auto, full]
    default: auto
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

- name: Have one of them
  gantry.docker.image_load:
    path: /var/tmp/gantry-example-busybox.tar
    name: busybox
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
image_names:
  description: The tags that the archive's images have here, and the Ids of those without one.
  returned: success
  type: list
  elements: str
  sample: ["busybox:latest"]
bytes_sent:
  description: How many bytes were sent to the engine.
  returned: when images were loaded
  type: int
  sample: 2002432
bytes_skipped:
  description: How many bytes of layers weren't sent, because the engine has them.
  returned: when images were loaded
  type: int
  sample: 129302016
"""

from ansible_collections.gantry.docker.plugins.module_utils import task
from ansible_collections.gantry.docker.plugins.module_utils.operation import image_load


def main() -> None:
    """Run the task."""
    task.run(
        image_load,
        argument_spec={
            "path": {"type": "path", "required": True},
            "names": {"type": "list", "elements": "str", "aliases": ["name"]},
            "transfer": {"type": "str", "choices": ["auto", "full"], "default": "auto"},
        },
    )


if __name__ == "__main__":
    main()
