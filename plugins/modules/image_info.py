#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_info
short_description: List and inspect Docker images and their layers
description:
  - Tells of all images, of those named, or of those that filters let through, as the engine inspects them; and on
    request how each was made, layer by layer, which images share these layers, and what all that takes.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes.read_only
  - gantry.docker.connection
options:
  names:
    description:
      - The images to tell of, by name, by Id, or by a pattern of names. Without this option, all images that C(docker
        images) would list.
      - A name with C(*), C(?) or C([]) is a pattern, as in a shell, where C(*) matches slashes too. It is compared with
        the whole name as C(docker images) shows it; without a tag it means every tag. So V(debian:*) means all tags of
        V(debian), and V(*/app) every repository C(app) of any registry or user. V(docker.io/*) means all names of the
        default registry, V(library/*) those of them that have no slash.
      - An image that several names mean is told of for each of them; a pattern adds those that none before it meant.
      - A name that means no image is listed in RV(not_found); it is an error with O(required=true) only.
    type: list
    elements: str
    aliases: [name]
  required:
    description:
      - Fail if one of O(names) means no image, or with O(filters) none that these let through. The error names all that
        are missing, and the others are returned with it.
    type: bool
    default: false
  filters:
    description:
      - Tell only of images that C(docker images) would list with these filters. All that are given must let an image
        through.
    type: dict
    suboptions:
      label:
        description:
          - A label that the image must have, as V(key) or V(key=value); or a list of labels, all of which it must have.
        type: raw
      dangling:
        description:
          - With V(true), only images without a tag, with V(false) only others.
        type: bool
      reference:
        description:
          - A pattern that one of the image's names must match; or a list of patterns, of which one is enough.
          - The patterns are Docker's here. Unlike in O(names), C(*) doesn't match slashes.
        type: raw
      before:
        description:
          - An image, by name or by Id, which must be on the engine; only images that were made before it.
        type: str
      since:
        description:
          - An image, by name or by Id, which must be on the engine; only images that were made after it.
        type: str
  history:
    description:
      - Tell each image's history too, as C(History) in it. For that all images of the engine are inspected, which
        containerd stores take some milliseconds for each.
    type: bool
    default: false
  sizes:
    description:
      - Tell what each image takes on the engine's disk, as C(Sizes) in it. The engine computes its whole disk usage for
        that, on Docker 20.10 that of volumes too.
    type: bool
    default: false
seealso:
  - module: gantry.docker.image_pull
  - module: gantry.docker.image_prune
  - module: gantry.docker.image_save
  - module: gantry.docker.container_info
"""

EXAMPLES = r"""
- name: Look at an image and its layers
  gantry.docker.image_info:
    name: debian:12
    history: true
  register: debian

- name: Show which steps made layers, how large these are, and who has them too
  ansible.builtin.debug:
    msg: >-
      {{ item.Size }} bytes: {{ item.CreatedBy }} {{ item.Comment }};
      also in {{ item.SharedWith | map(attribute='RepoTags') | flatten | join(', ') }}
  loop: "{{ debian.image.History | selectattr('DiffID') }}"
  loop_control:
    label: "{{ item.DiffID | default('', true) }}"

- name: Have the task fail unless both images are here
  gantry.docker.image_info:
    names:
      - busybox
      - debian:12
    required: true

- name: Look at those images of a project that were made since its base, and at what they take
  gantry.docker.image_info:
    names: example/*
    filters:
      since: debian:12
    sizes: true
  register: project

- name: Show what each has of its own
  ansible.builtin.debug:
    msg: "{{ item.RepoTags | join(', ') }}: {{ item.Sizes.Unique }} bytes"
  loop: "{{ project.images }}"
  loop_control:
    label: "{{ item.Id }}"

- name: See which layers another host has
  gantry.docker.image_info:
  delegate_to: "{{ other_host | default(inventory_hostname) }}"
  register: there

- name: Save an image for it without these
  gantry.docker.image_save:
    name: debian:12
    path: /var/tmp/gantry-example-for-other-host.tar
    exclude_layers_of: "{{ there.images | map(attribute='RootFS.Layers') | flatten }}"
"""

RETURN = r"""
images:
  description:
    - The images as inspected. C(RootFS.Layers) in each are its layers' DiffIDs, the lowest first, which are the same on
      every host and may go to O(gantry.docker.image_save#module:exclude_layers_of) on another.
    - With O(history=true) each has C(History), a list of the steps it was made by, the newest first, as C(docker
      history) gives them (C(Created), C(CreatedBy), C(Size), C(Comment), C(Tags)). C(DiffID) in each is that of the
      layer that the step made, and C(SharedWith) are the other images that have this layer on top of the same ones, as
      far as C(docker images) lists them, each with C(Id) and C(RepoTags). Both are null for a step that made no layer,
      and where the engine doesn't tell which steps did.
    - With O(sizes=true) each has C(Sizes), in bytes, as C(docker system df -v) has them. C(Total) is all that the image
      takes, C(Shared) what other images have too, C(Unique) the rest. It is null for an image that is only a part of
      another, as Docker doesn't list it.
    - What C(Sizes) counts is up to the engine's store. A classic one counts unpacked layers. A containerd store counts
      these and the blobs they came in, but as shared it counts unpacked layers only, so removing an image may free less
      than C(Unique). M(gantry.docker.image_prune) in check mode tells how much would be freed.
  returned: success, and with O(required=true) also if some are missing
  type: list
  elements: dict
  sample:
    - Id: sha256:a28bfd8f39bd...
      RepoTags: ["busybox:latest"]
      RootFS: {"Layers": ["sha256:6e10cd5a34f3..."], "Type": "layers"}
      History:
        - Comment: Imported from -
          Created: 1767225600
          CreatedBy: ""
          DiffID: sha256:6e10cd5a34f3...
          Id: sha256:a28bfd8f39bd...
          SharedWith: [{"Id": "sha256:5b7abace...", "RepoTags": ["example/tools:1"]}]
          Size: 2002432
          Tags: ["busybox:latest"]
      Sizes: {"Total": 2002432, "Shared": 2002432, "Unique": 0}
image:
  description: The image, as in RV(images).
  returned: with a single name, if it means a single image
  type: dict
  sample: {"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}
flawed:
  description:
    - Those of the images that can't be used as such, each with the reason. A containerd store can lose a part of an
      image's content, which M(gantry.docker.image_pull) or M(gantry.docker.image_load) repairs; and it can hold what is
      no image, such as charts and signatures. Their C(RootFS) and C(Config) are empty.
  returned: success, and with O(required=true) also if some are missing
  type: list
  elements: dict
  sample:
    - Id: sha256:5b7abace...
      RepoTags: ["example/chart:1"]
      Reason: It is no image, but an artifact (such as a chart or a signature).
not_found:
  description: The names that mean no image, or none that O(filters) let through, with the tag that they mean.
  returned: success, and with O(required=true) also if some are missing
  type: list
  elements: str
  sample: []
"""

from ansible_collections.gantry.docker.plugins.module_utils import _task
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_info


def main() -> None:
    """Run the task."""
    _task.run(
        image_info,
        argument_spec={
            "names": {"type": "list", "elements": "str", "aliases": ["name"]},
            "required": {"type": "bool", "default": False},
            "filters": {
                "type": "dict",
                "options": {
                    "label": {"type": "raw"},
                    "dangling": {"type": "bool"},
                    "reference": {"type": "raw"},
                    "before": {"type": "str"},
                    "since": {"type": "str"},
                },
            },
            "history": {"type": "bool", "default": False},
            "sizes": {"type": "bool", "default": False},
        },
    )


if __name__ == "__main__":
    main()
