#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_remove
short_description: Remove Docker images
description:
  - Removes images by name, by Id or by patterns of names, one or several in one task. A name without an image isn't an
    error.
  - By name, only that name is removed, and the image is removed with its last name. By Id, an image is removed with all
    of its names.
  - If containers, running or not, were created from an image that would be removed, or mount it, nothing is removed,
    and the error lists the containers.
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
      - Without a tag or digest, O(tag) is used.
      - A pattern contains C(*), C(?) or C([]), as in a shell, but C(*) also matches slashes. It is compared with each
        whole name as C(docker images) shows it. Each name that matches is removed, and other names of the same image
        stay.
      - A pattern without a tag matches every tag, so V(example/*) matches C(example/a:1) and C(example/b/c:2).
        V(docker.io/*) matches all names of the default registry, and V(library/*) those of them without a slash.
      - Images without a name match no pattern (M(gantry.docker.image_prune) removes them).
    type: list
    elements: str
    required: true
    aliases: [name]
  tag:
    description:
      - The tag for each of O(names) that has neither a tag nor a digest and isn't a pattern.
    type: str
    default: latest
  force:
    description:
      - Remove images that containers use, as far as the engine can be forced. The effect depends on the image store,
        and a check run reports it.
      - "By its last name, an image whose containers aren't running: a classic store deletes it, and the containers are
        left without their image (they can be started, but not committed). A containerd store removes the name, and the
        image stays as a dangling image."
      - "By its last name, an image of which a container is running: both stores only remove the name, and the image
        stays as a dangling image. In a containerd store, a digest that the image was pulled by stays as its name."
      - "By its Id, an image whose containers aren't running: both stores delete it with all of its names."
      - "By its Id, an image of which a container is running: no engine can be forced to remove it. The task fails
        before anything is removed."
      - Unlike with C(docker image rm), an image with several names can be removed by its Id without force. For images
        that no container uses, force makes no difference.
      - An image that containers only mount is removed, even while they run. But by its last name, a containerd store
        only removes the name.
    type: bool
    default: false
  prune:
    description:
      - Also remove images without a name when the last image that was made from them is removed.
    type: bool
    default: true
  containers:
    description:
      - With V(keep), containers stay.
      - With V(remove_stopped), the containers of an image that would be removed are removed first, unless one of them
        is running. Containers that mount the image count as its containers. The volumes of the containers stay. A
        container that is started meanwhile stays, and the task fails before any image is removed.
    type: str
    choices: [keep, remove_stopped]
    default: keep
notes:
  - An image that others were made from loses only its name. It is removed with the last of the others, as are images
    without a name that a removed image was made from.
  - Either everything is removed or nothing, as far as this can be foreseen. However, an engine removes one name at a
    time, and a removal can't be undone. The engine may refuse a removal in the middle, for example because a container
    was created from an image meanwhile, or it may stop answering. Then the images and names before that are gone, and
    the error lists them.
  - An image that has lost a part of its content, as can happen in a containerd store, is removed like any other. So are
    artifacts that aren't images, such as charts.
  - A containerd store may list a name that it can't find, because another tool stored it in its own form. Such a name
    can't be removed alone. It is removed with the image's Id, or with another name of the image, as the check run
    reports.
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
  description: A sentence for each step that was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample: ["Untagged example/tools:1"]
images:
  description: The images that the names referred to, as inspected before the removal.
  returned: success
  type: list
  elements: dict
  sample: [{"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}]
image:
  description: The image as inspected before the removal; empty if there was none.
  returned: with a single name that isn't a pattern
  type: dict
  sample: {"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}
spared:
  description: The names that were removed already, and the images that stay without a name, because something changed
    meanwhile.
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
  description: The tags and digests that were removed, or in check mode would be.
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
