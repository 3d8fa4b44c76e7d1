#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_pull
short_description: Pull Docker images from their registries
description:
  - Pulls images, several in one task, and changes nothing where they are there already.
  - Before it pulls, also in check mode, it asks the registry what the name means. So a check run knows a name that
    doesn't exist and a registry that can't be reached, and the diff tells the digest that will be here.
  - If an image can't be pulled, the others are pulled nevertheless. Then the task fails, and names those that failed.
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
      - The images, each as C([registry/]repository[:tag][@digest]).
      - Without a tag or digest, O(tag) is meant. With both, the digest counts.
    type: list
    elements: str
    required: true
    aliases: [name]
  platform:
    description:
      - The platform to pull the images for, as C(os/architecture[/variant]), or an architecture alone, which is
        Linux's.
      - An image that is here for another platform counts as not there.
      - Without it, what is here counts whatever its platform, and the engine pulls for its own.
      - With the containerd store, an engine before Docker 28.1 tells whether it has an image for this platform, but
        describes it for one platform only, its own if it has that. So do the results.
    type: str
  policy:
    description:
      - With V(missing), pull what is not there. V(not_present) means the same.
      - An image that has lost a part of its content, as a containerd store can lose it, counts as not there, and a pull
        repairs it. If that can't be, as the engine fetches no layer that it has unpacked, the task fails and says what
        to do. A check run can't tell that, as no engine tells which part is lost, or what it has unpacked. An engine
        before Docker 28 doesn't tell that anything is lost.
      - With V(newer), also ask the registry for the digest of each tag, and pull those that have moved.
      - With V(always), pull them all. The task is changed only by those that have moved, or weren't there.
      - An image that is named by its digest and is there needs no registry, whatever the policy.
    type: str
    choices: [missing, not_present, newer, always]
    default: missing
    aliases: [pull]
notes:
  - With the containerd store, Docker 28.0 and newer pull from mirrors that C(certs.d/REGISTRY/hosts.toml) on the
    engine's host names, but ask only the registry itself what a name means, and tell nobody of such mirrors. So the
    task fails for what only a mirror has, and where the registry can't be reached; pull by the mirror's own name there.
    If a mirror has another image than the registry, a check run foresees the registry's, and RV(spared) tells what
    came.
  - The mirrors of docker.io that the engine's C(daemon.json) names are asked as they are pulled from.
seealso:
  - module: gantry.docker.image_info
  - module: gantry.docker.image_push
  - module: gantry.docker.image_tag
"""

EXAMPLES = r"""
- name: Have two images on the host
  gantry.docker.image_pull:
    names:
      - busybox
      - debian:12

- name: Have the newest debian:12, as the registry has it now
  gantry.docker.image_pull:
    name: debian:12
    policy: newer
    platform: linux/amd64

- name: Pull from registries that want a login, eight at a time
  gantry.docker.image_pull:
    names: "{{ images_of_the_site }}"
    parallel: 8
    credentials:
      - registry: registry.example:5000
        username: deployer
        password: "{{ deployers_password }}"
  vars:
    images_of_the_site: [busybox, "debian:12"]
    deployers_password: from a vault
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done, a sentence for each step.
  returned: success
  type: list
  elements: str
  sample: ["Pulled image busybox:latest"]
pulled:
  description:
    - The images that were pulled, or in check mode would be. C(name) is the image's name.
    - C(before) is the digest by which the registry knows the image that had the name here, its Id if it never came from
      there, or null if there was none. C(after) is the digest of the one that was pulled.
  returned: success, and failure after the first pull
  type: list
  elements: dict
  sample:
    - name: busybox:latest
      before: null
      after: "sha256:9ae97d36d26566ff84e8893c64a6dc4fe8ca6d1144bf5b87b2b85a32def253c7"
images:
  description: The images as inspected for O(platform), where the engine can describe them for it; in check mode, those
    that are here already. C(Id) is the image's also where it is for several platforms.
  returned: success
  type: list
  elements: dict
  sample: [{"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}]
spared:
  description: Which images aren't those of the registry, as a tag has just moved or as a mirror has another one.
  returned: if there are such images
  type: list
  elements: str
  sample:
    - "registry.example/app:1 stays as it is: the registry has it as sha256:8b2..., but a pull brings sha256:07f..."
image:
  description: The image as inspected.
  returned: with a single name, if the image is here
  type: dict
  sample: {"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}
"""

from ansible_collections.gantry.docker.plugins.module_utils import _task
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_pull


def main() -> None:
    """Run the task."""
    _task.run(
        image_pull,
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True, "aliases": ["name"]},
            "platform": {"type": "str"},
            "policy": {
                "type": "str",
                "choices": ["missing", "not_present", "newer", "always"],
                "default": "missing",
                "aliases": ["pull"],
            },
            **_task.REGISTRY_SPEC,
        },
    )


if __name__ == "__main__":
    main()
