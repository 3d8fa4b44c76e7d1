#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_push
short_description: Push Docker images to their registries
description:
  - Pushes one or several tags in one task, and changes nothing if the registry has the same image under that tag.
  - Before a push, also in check mode, the module asks the registry for the digest of the tag, and compares it with the
    digests by which the engine knows the image.
  - Several tags of one repository are pushed one after the other, even if O(parallel) allows more.
  - If an image can't be pushed, the others are pushed nevertheless. Then the task fails, and the error lists the images
    that failed.
  - The diff shows the registry's digest before the push, and the Id of the image after it. A new digest is known only
    after the push.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes
  - gantry.docker.connection
  - gantry.docker.registry
  - gantry.docker.registry.access
options:
  names:
    description:
      - The images, each as C([registry/]repository[:tag]). The name determines the registry. Use
        M(gantry.docker.image_tag) to give an image the name that it gets in the registry.
      - Without a tag, O(tag) is used.
    type: list
    elements: str
    required: true
    aliases: [name]
notes:
  - An engine with the classic store knows the digest of an image in a repository only after it has pushed the image to
    that repository or pulled it from there. Until then the image is pushed, even if the registry has the same one.
  - If some platforms of an image aren't on the engine, the engine pushes what it can. With the containerd store before
    Docker 28, it fails.
seealso:
  - module: gantry.docker.image_tag
  - module: gantry.docker.image_pull
"""

EXAMPLES = r"""
- name: Name an image as it shall be called in the registry
  gantry.docker.image_tag:
    name: busybox
    repository:
      - 127.0.0.1:5001/tools/busybox:latest
      - 127.0.0.1:5001/tools/busybox:1

- name: Let the registry have it
  gantry.docker.image_push:
    names:
      - 127.0.0.1:5001/tools/busybox
      - 127.0.0.1:5001/tools/busybox:1
  register: pushed

- name: Tell by which digest others can be sure to get the same
  ansible.builtin.debug:
    var: pushed.digests
"""

RETURN = r"""
actions:
  description: A sentence for each step that was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample: ["Pushed image 127.0.0.1:5001/tools:1"]
digests:
  description:
    - The digest of each image in its registry, by the name of the image with its tag.
    - In check mode, only the digests of images that needn't be pushed.
  returned: success
  type: dict
  sample: {"127.0.0.1:5001/tools:1": "sha256:1651bda035e7..."}
images:
  description: The images as inspected.
  returned: success
  type: list
  elements: dict
  sample: [{"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["127.0.0.1:5001/tools:1"]}]
image:
  description: The image as inspected.
  returned: with a single name
  type: dict
  sample: {"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["127.0.0.1:5001/tools:1"]}
"""

from ansible_collections.gantry.docker.plugins.module_utils import _task
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_push


def main() -> None:
    """Run the task."""
    _task.run(
        image_push,
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True, "aliases": ["name"]},
            **_task.REGISTRY_SPEC,
        },
    )


if __name__ == "__main__":
    main()
