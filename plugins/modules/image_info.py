#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_info
short_description: List and inspect Docker images and their layers
description:
  - Returns all images, those named, or those that match filters, as the engine inspects them. On request, it also
    returns the history of each image by layers, the images that share these layers, and the disk space that the images
    take.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes.read_only
  - gantry.docker.connection
options:
  names:
    description:
      - The images to return, by name, by Id, or by a pattern of names. Without this option, all images are returned
        that C(docker images) lists.
      - A name with C(*), C(?) or C([]) is a pattern, as in a shell, but C(*) also matches slashes. It is compared with
        the whole name as C(docker images) shows it. A pattern without a tag matches every tag. So V(debian:*) matches
        all tags of V(debian), and V(*/app) matches every repository C(app) of any registry or user. V(docker.io/*)
        matches all names of the default registry, and V(library/*) those of them without a slash.
      - An image to which several names refer is returned once for each of them. A pattern adds only images to which
        none of the names before it referred.
      - A name without an image is listed in RV(not_found). It is an error with O(required=true) only.
    type: list
    elements: str
    aliases: [name]
  required:
    description:
      - Fail if one of O(names) refers to no image or, with O(filters), to no image that matches them. The error lists
        all missing names, and the images that were found are returned with it.
    type: bool
    default: false
  filters:
    description:
      - Return only images that C(docker images) lists with these filters. An image must match all of them.
    type: dict
    suboptions:
      label:
        description:
          - A label that the image must have, as V(key) or V(key=value), or a list of labels, all of which it must have.
        type: raw
      dangling:
        description:
          - With V(true), only images without a tag; with V(false), only the others.
        type: bool
      reference:
        description:
          - A pattern that one of the image's names must match, or a list of patterns, of which one must match.
          - The patterns are those of Docker. Unlike in O(names), C(*) doesn't match slashes.
        type: raw
      before:
        description:
          - An image, by name or by Id, which must be on the engine. Only images that were created before it are
            returned.
        type: str
      since:
        description:
          - An image, by name or by Id, which must be on the engine. Only images that were created after it are
            returned.
        type: str
  history:
    description:
      - Also return the history of each image, as C(History). For this, all images of the engine are inspected, which
        takes some milliseconds for each with a containerd store.
    type: bool
    default: false
  sizes:
    description:
      - Also return the disk space that each image takes on the engine, as C(Sizes). For this, the engine computes its
        whole disk usage; Docker 20.10 includes that of volumes.
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
    - The images as inspected. C(RootFS.Layers) of each lists the DiffIDs of its layers, the lowest first. They are the
      same on every host, so they can be given to O(gantry.docker.image_save#module:exclude_layers_of) on another one.
    - With O(history=true), C(History) of each lists the steps that made the image, the newest first, as C(docker
      history) returns them (C(Created), C(CreatedBy), C(Size), C(Comment), C(Tags)). In each step, C(DiffID) is that of
      the layer that the step made, and C(SharedWith) lists the other images that have this layer on top of the same
      layers, each with C(Id) and C(RepoTags). Only images that C(docker images) lists are included. Both are null for a
      step that made no layer, and if the engine doesn't report which steps did.
    - With O(sizes=true), C(Sizes) of each has sizes in bytes, as in C(docker system df -v). C(Total) is the size of the
      whole image, C(Shared) the part that other images have too, and C(Unique) the rest. C(Sizes) is null for an image
      that is only a part of another one, because Docker doesn't list it.
    - What C(Sizes) counts depends on the engine's store. A classic store counts unpacked layers. A containerd store
      counts these and the blobs that they came in, but as shared it counts unpacked layers only. So removing an image
      may free less than C(Unique). M(gantry.docker.image_prune) in check mode returns how much would be freed.
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
  returned: with a single name, if it refers to a single image
  type: dict
  sample: {"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}
flawed:
  description:
    - The images that can't be used as images, each with the reason.
    - A containerd store can lose a part of an image's content, which M(gantry.docker.image_pull) or
      M(gantry.docker.image_load) repairs. It can also hold artifacts that aren't images, such as charts and signatures.
    - C(RootFS) and C(Config) of a flawed image are empty.
  returned: success, and with O(required=true) also if some are missing
  type: list
  elements: dict
  sample:
    - Id: sha256:5b7abace...
      RepoTags: ["example/chart:1"]
      Reason: It is no image, but an artifact (such as a chart or a signature).
not_found:
  description: The names that refer to no image, or to none that matches O(filters), each with the tag that it refers
    to.
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
