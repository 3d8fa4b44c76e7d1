#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_pull
short_description: Pull Docker images from their registries
description:
  - Pulls one or several images in one task, and changes nothing if they are present.
  - Before a pull, also in check mode, the module asks the registry what the name refers to. So a check run finds a name
    that doesn't exist and a registry that can't be reached, and the diff shows the digest that a pull brings.
  - With O(verifier), a command of yours decides by name and digest whether images may be pulled. It gets the digest
    that the registry has for the name, or that the name contains. Then the engine pulls the image by that digest, and
    the module gives it its tag. So the image that comes is the one that was accepted, even if the tag moves meanwhile,
    or if a mirror has another image. As every image that was pulled by its digest, it isn't dangling after the tag has
    moved. The command isn't asked about an image that is present and isn't pulled.
  - The command of O(verifier) runs where the module runs. To run it on the controller, delegate the task to the
    controller, and name the engine of the host in O(docker_host).
  - If an image can't be pulled, the others are pulled nevertheless. Then the task fails, and the error lists the images
    that failed.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes
  - gantry.docker.connection
  - gantry.docker.registry
  - gantry.docker.registry.access
  - gantry.docker.verifier
options:
  names:
    description:
      - The images, each as C([registry/]repository[:tag][@digest]).
      - Without a tag or digest, O(tag) is used. With both, the digest selects the image.
    type: list
    elements: str
    required: true
    aliases: [name]
  platform:
    description:
      - The platform to pull the images for, as C(os/architecture[/variant]), or as an architecture alone, which implies
        Linux.
      - An image that is present for another platform counts as missing.
      - Without this option, an image that is present counts for whatever platform it is, and the engine pulls for its
        own platform.
      - With the containerd store, an engine before Docker 28.1 reports whether it has an image for this platform, but
        describes it for one platform only, which is the engine's own if the image is present for that. The results have
        the same limit.
    type: str
  policy:
    description:
      - With V(missing), pull the images that are missing. V(not_present) has the same meaning.
      - An image that has lost a part of its content, as can happen in a containerd store, counts as missing, and a pull
        repairs it. If the pull can't repair it, because the engine fetches no layer that it has unpacked, the task
        fails and the error describes what to do. A check run can't foresee that, because no engine reports which part
        is lost, or what it has unpacked. An engine before Docker 28 doesn't report that anything is lost.
      - With V(newer), also ask the registry for the digest of each tag, and pull the images whose tags have moved.
      - With V(always), pull all images. Only images that were missing or whose tags have moved make the task changed.
      - With every policy, the registry isn't asked for an image that is present and is named by its digest.
    type: str
    choices: [missing, not_present, newer, always]
    default: missing
    aliases: [pull]
notes:
  - With the containerd store, Docker 28.0 and newer pull from the mirrors in C(certs.d/REGISTRY/hosts.toml) on the
    engine's host, but they don't report these, and don't ask them what a name refers to. A module that runs as root on
    that host reads the file, and lets the engine ask each mirror by the mirror's own name, in the order of a pull. So a
    check run foresees the image that a pull brings, also if the registry itself can't be reached.
  - An engine can't ask some mirrors in the same way as at a pull. These are mirrors with a path, with headers for
    anything but basic authentication, with plain HTTP without an entry in C(insecure-registries), and with certificates
    outside of C(certs.d/HOST). And Python before 3.11 can't read the file. In these cases, a warning says that a check
    run can't know what a pull brings. A real run then pulls in order to find out, with O(policy=newer) also an image
    that is present, and RV(spared) reports another image than foreseen.
  - A module that can't see the file, because the engine is elsewhere or because it isn't root, lets the engine ask the
    registry alone. Then the task fails for an image that only a mirror has, and if the registry can't be reached.
  - The mirrors of docker.io in the engine's C(daemon.json) are used both for questions and for pulls. But with the
    containerd store, Docker before 28.0 pulls from mirrors by HTTPS, also if their addresses begin with C(http://),
    unless they are in C(insecure-registries). There too, a warning says that a check run can't know what a pull brings.
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

- name: Have an image that a command accepts by name and digest
  gantry.docker.image_pull:
    name: busybox
    verifier: [/bin/sh, -c, 'echo "$1" | grep -q @sha256:', accept, "{name}@{digest}"]

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
  description: A sentence for each step that was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample: ["Pulled image busybox:latest"]
pulled:
  description:
    - The images that were pulled, or in check mode would be. C(name) is the name of the image.
    - C(before) is the digest by which the registry knows the image that had the name on the engine, its Id if it never
      came from that registry, or null if there was none. C(after) is the digest of the image that was pulled,
      or null in a check run that can't know it.
  returned: success, and failure after the first pull
  type: list
  elements: dict
  sample:
    - name: busybox:latest
      before: null
      after: "sha256:9ae97d36d26566ff84e8893c64a6dc4fe8ca6d1144bf5b87b2b85a32def253c7"
images:
  description: The images as inspected for O(platform), if the engine can describe them for it. In check mode, only
    those that are already present. C(Id) is that of the whole image, even if the image is for several platforms.
  returned: success
  type: list
  elements: dict
  sample: [{"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}]
spared:
  description: The images that differ from those of the registry, because a tag has just moved or a mirror has another
    image.
  returned: if there are such images
  type: list
  elements: str
  sample:
    - "registry.example/app:1 stays as it is: the registry has it as sha256:8b2..., but a pull brings sha256:07f..."
accepted:
  description:
    - The images that O(verifier) has accepted. Images that it wasn't asked about aren't listed.
    - C(name) is the name with its registry and its tag, or empty for an image without a name. C(digest) determines the
      content of the image.
  returned: with O(verifier)
  type: list
  elements: dict
  sample:
    - name: docker.io/library/busybox:latest
      digest: "sha256:9ae97d36d26566ff84e8893c64a6dc4fe8ca6d1144bf5b87b2b85a32def253c7"
image:
  description: The image as inspected.
  returned: with a single name, if the image is present
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
            "verifier": {"type": "list", "elements": "str"},
            "verifier_timeout": {"type": "int", "default": 60},
            **_task.REGISTRY_SPEC,
        },
    )


if __name__ == "__main__":
    main()
