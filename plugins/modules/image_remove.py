#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_remove
short_description: Remove Docker images
description:
  - Removes images by name, by Id or by patterns of names, several in one task. What means no image is fine.
  - By a name, only that name is taken away, and with an image's last name the image goes. By its Id, an image goes
    with all of its names.
  - If containers use an image that would go, running or not, or mount it, nothing at all is removed, and the error
    names them.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes
  - gantry.docker.connection
options:
  names:
    description:
      - The images, each as C([registry/]repository[:tag]), as C(repository@digest), as an Id, or as a pattern.
      - Without a tag or digest, O(tag) is meant.
      - A pattern has C(*), C(?) or C([]), as in a shell, where C(*) matches slashes too. It is compared with the
        whole of each name as C(docker images) shows it; each that matches is taken away, and other names of the same
        image stay.
      - Without a tag, a pattern means every tag, so V(example/*) means C(example/a:1) and C(example/b/c:2).
        V(docker.io/*) means all names of the default registry, V(library/*) those of them that have no slash.
      - Images without a name match no pattern (M(gantry.docker.image_prune) removes them).
    type: list
    elements: str
    required: true
    aliases: [name]
  tag:
    description:
      - The tag of those O(names) that come with neither a tag nor a digest, and are no patterns.
    type: str
    default: latest
  force:
    description:
      - Take images away from under containers, as far as the engine lets itself be forced. What comes of that depends
        on the image store; a check run says what it will be.
      - "By its last name, an image that only containers use which don't run: a classic store deletes it, and the
        containers are left without their image (they can be started, but not committed). A containerd store takes
        the name away, and the image stays without one, dangling."
      - "By its last name, an image that a container runs of: both stores only take the name away, and the image stays
        dangling. On a containerd store a digest that it was pulled by stays as its name."
      - "By its Id, an image that only containers use which don't run: both stores delete it with all of its names."
      - "By its Id, an image that a container runs of: no engine can be forced to do that. The task fails before
        anything is removed."
      - An image with several names needs no force to be removed by its Id, unlike with C(docker image rm). For images
        that no container uses, force changes nothing.
      - An image that containers only mount goes, even while they run; but by its last name a containerd store takes the
        name away alone.
    type: bool
    default: false
  prune:
    description:
      - Whether images without a name go too when the last image goes that was made from them.
    type: bool
    default: true
  containers:
    description:
      - With V(keep), containers stay.
      - With V(remove_stopped), containers that don't run are removed first if their image would go; not if any other
        of its containers runs. Those that mount the image count as its containers. Their volumes stay. One that is
        started meanwhile stays, and the task fails before any image is removed.
    type: str
    choices: [keep, remove_stopped]
    default: keep
notes:
  - An image that others were made from loses its name only; it goes with the last of them. So do the images without a
    name that a removed image was made from.
  - All or nothing as far as that can be foreseen. An engine removes one name at a time, though, and what is removed
    can't be brought back. If it refuses in the middle, as a container of an image was made meanwhile, or if it stops
    to answer, what went before that is gone; the error says what it was.
  - An image with a part of its content lost, as a containerd store can lose it, goes like any other. So does what is no
    image, such as a chart.
  - A containerd store may list a name that it can't find, as another tool stored it in a form of its own. It can't be
    taken away alone. It goes with the image's Id, or with another of its names, as the check run tells.
seealso:
  - module: gantry.docker.image_prune
"""

EXAMPLES = r"""
- name: Have these images no more
  gantry.docker.image_remove:
    names:
      - example/tools:1
      - example/tools:stable

- name: Remove what was built for tests, with the containers that were tried with it
  gantry.docker.image_remove:
    names:
      - example/test-*
      - example/tools:*-rc?
    containers: remove_stopped
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
image:
  description: The image as inspected before; empty if there was none.
  returned: with a single name that is no pattern
  type: dict
  sample: {"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}
spared:
  description: Which names were gone already, and which images stay without a name, as something changed meanwhile.
  returned: if there are such
  type: list
  elements: str
  sample: ["example/tools:1 is gone already"]
deleted:
  description: The Ids of the images that were deleted, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: ["sha256:a28bfd8f39bd..."]
untagged:
  description: The tags and digests that were taken away, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: ["busybox:latest", "busybox@sha256:1651bda035e7..."]
containers:
  description: The containers that were removed, or in check mode would be.
  returned: success
  type: list
  elements: dict
  sample: [{"Id": "f00fd47c1d2a...", "Name": "trial", "Image": "example/tools:1", "State": "exited"}]
"""

from ansible_collections.gantry.docker.plugins.module_utils import _task
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_remove


def main() -> None:
    """Run the task."""
    _task.run(
        image_remove,
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True, "aliases": ["name"]},
            "tag": {"type": "str", "default": "latest"},
            "force": {"type": "bool", "default": False},
            "prune": {"type": "bool", "default": True},
            "containers": {"type": "str", "choices": ["keep", "remove_stopped"], "default": "keep"},
        },
    )


if __name__ == "__main__":
    main()
