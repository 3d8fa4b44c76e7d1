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
  - A check run names exactly the images that a real run removes, and the bytes that this frees.
  - Every rule that is given must let an image go; one is enough for it to stay.
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
      - With V(false), remove all images that no container uses, as far as the other options let them go.
    type: bool
    default: true
  keep:
    description:
      - Names to keep, as patterns with C(*), C(?) and C([]), as in a shell, where C(*) matches slashes too.
      - A pattern is compared with the whole name as C(docker images) shows it. Without a tag it means every tag, so
        V(debian) keeps C(debian:12). V(docker.io/*) means all names of the default registry, V(library/*) those of
        them that have no slash.
      - An image with one name to keep is kept with all of its names.
    type: list
    elements: str
    default: []
  keep_last:
    description:
      - How many images of each repository to keep, the newest first, by when they were made. Those that stay for
        another reason count.
      - An image with names in several repositories is kept if it is among the newest of one of them.
    type: int
    default: 0
  reference:
    description:
      - Remove only images with a name that is like one of these patterns; all of an image's names must be. The patterns
        are those of O(keep).
    type: list
    elements: str
    default: []
  label:
    description:
      - Remove only images that have all of these labels, each as V(key) or V(key=value).
    type: list
    elements: str
    default: []
  label_not:
    description:
      - Remove no image that has one of these labels, each as V(key) or V(key=value).
    type: list
    elements: str
    default: []
  until:
    description:
      - Remove only images that were made before this time.
      - A duration before now, as Docker takes them (V(72h), V(1h30m); there are no days in them), a date
        (V(2026-01-31), V(2026-01-31T12:00:00Z)), or seconds since 1970. The time is the engine's, and a date without a
        time zone is in its zone.
    type: str
  target_size:
    description:
      - Remove no more than is needed for all images together to take at most so many bytes, as C(docker system df)
        counts them, those that must stay included. A number of bytes, or one with a unit such as V(20GB) or V(500MB),
        where a kilobyte has 1024 bytes.
      - The least recently used go first. An image was used when a container of it was last started, as far as the
        engine remembers (it does the last 256 events since its own start), when it was last tagged, and when it was
        made.
      - Without this option, all go that may go.
    type: bytes
  images:
    description:
      - Whether to prune images. With V(false) this module does nothing.
      - This and O(images_filters) are for playbooks that were written for C(docker_prune) of community.docker.
    type: bool
    default: true
  images_filters:
    description:
      - What other options say too, under the names of Docker's filters V(dangling), V(until), V(label) and V(label!).
        V(dangling) counts in place of O(dangling); labels come in addition to those of O(label) and O(label_not).
    type: dict
  explain:
    description:
      - Tell of the images that stay too, and why, as RV(kept).
    type: bool
    default: false
  expect:
    description:
      - What tasks before this one are to have changed. In a check run they haven't, so what a prune after them would do
        is foretold with their changes as they are told here. The role P(gantry.docker.images#role) does so.
      - In a real run it is of no use. There, an image that doesn't have the names that it should have stays.
    type: dict
    suboptions:
      removed:
        description: Names that M(gantry.docker.image_remove) would have removed, and with its last name an image.
        type: list
        elements: str
        default: []
      arrived:
        description:
          - The names of images that would have been pulled or loaded, each with the digest of its manifest or index, as
            the diff of M(gantry.docker.image_pull) tells it, or with nothing. Images that have such names now don't
            have them then.
          - What an image is that isn't here under its digest already, nobody knows. It counts as the newest of its
            repository, and as using no space.
        type: dict
        default: {}
      tagged:
        description:
          - The further names that M(gantry.docker.image_tag) would have given after that, as a list for each image.
        type: dict
        default: {}
notes:
  - An image is used by a container that was made of it, by one that was made by a name that it has now, by one that
    mounts it, and by one of an image that was made from it, so far as the engine knows what was made from what.
  - A containerd store can lose a part of an image's content, and can hold what is no image, such as charts and
    signatures. The engine knows neither the age nor the labels of these. They stay where O(until), O(label),
    O(label_not), O(keep_last) or O(target_size) asks for one of them; otherwise they go like images. No bytes are
    promised for them.
  - Before each removal it is looked again whether the image is used or its tags have changed. If so it stays, and
    RV(spared) tells it. Nothing is forced. What the engine refuses to remove stays too, and the others go. Names that
    were taken from an image that stays are given back.
  - A name that the engine lists, but can't find, as another tool stored it in a form of its own, goes with the image's
    Id.
  - An image that others were made from loses its names only; it goes with the last of them.
  - Unlike C(docker image prune), it never takes an image that was pulled by its digest for dangling.
  - On containerd stores the bytes are too few if an image is there for several platforms and shares layers with others,
    as what the further platforms take can't be told apart. With Docker 28.2 or newer, where blobs count, they are also
    too few if images hold the same layer compressed in different ways, or if layers were committed on that engine on
    top of images that are gone.
  - On containerd stores they can be too many by some kilobytes for each image that was committed from a container that
    is still there, or, with Docker before 28, from the same container as another one.
  - It takes one call for each image that shares layers, which containerd stores answer in about 20 ms. Where nothing
    is to be pruned these calls aren't made.
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

- name: Remove what is older than a week, but the three newest of each repository
  gantry.docker.image_prune:
    dangling: false
    until: 168h
    keep_last: 3
    label_not:
      - keep

- name: See what would have to go so that all images fit into 20 gigabytes
  gantry.docker.image_prune:
    dangling: false
    target_size: 20GB
    explain: true
  check_mode: true
  register: room

- name: Show it
  ansible.builtin.debug:
    msg: "{{ room.space_reclaimed }} bytes by {{ room.images | map(attribute='RepoTags') | flatten }}"
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done, a sentence for each step.
  returned: success
  type: list
  elements: str
  sample: ["Pruned dangling image (sha256:5b7abace...)"]
images:
  description:
    - The images that were pruned, or in check mode would be, in that order. C(Size) is what an image takes with the
      layers that it shares, C(SpaceReclaimed) the bytes that go with it after those before it.
  returned: success
  type: list
  elements: dict
  sample:
    - Id: sha256:5b7abace...
      RepoTags: []
      RepoDigests: []
      Created: 1767225600
      Size: 4194304
      Reason: dangling
      SpaceReclaimed: 2097152
kept:
  description: The images that stay, each as in RV(images), with the reason.
  returned: with O(explain=true)
  type: list
  elements: dict
  sample:
    - Id: sha256:a28bfd8f39bd...
      RepoTags: ["busybox:latest"]
      RepoDigests: []
      Created: 1767225600
      Size: 4194304
      Reason: used by web (running)
spared:
  description: Which images stay though they were to go, as something changed meanwhile, or as the engine refused.
  returned: if there are such images
  type: list
  elements: str
  sample: ["example/tools:1 stays, as it is used by now: web (running)"]
space_reclaimed:
  description:
    - The bytes that all images take less than before, as C(docker system df) counts them; in check mode those that
      would be freed. Layers that images which stay have too don't count.
  returned: success
  type: int
  sample: 4194304
images_space_reclaimed:
  description: The same as RV(space_reclaimed).
  returned: success
  type: int
  sample: 4194304
images_size:
  description: The bytes that all images together take when the plan is done.
  returned: with O(target_size)
  type: int
  sample: 19327352832
"""

from ansible_collections.gantry.docker.plugins.module_utils import _task
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_prune


def main() -> None:
    """Run the task."""
    _task.run(
        image_prune,
        argument_spec={
            "dangling": {"type": "bool", "default": True},
            "keep": {"type": "list", "elements": "str", "default": []},
            "keep_last": {"type": "int", "default": 0},
            "reference": {"type": "list", "elements": "str", "default": []},
            "label": {"type": "list", "elements": "str", "default": []},
            "label_not": {"type": "list", "elements": "str", "default": []},
            "until": {"type": "str"},
            "target_size": {"type": "bytes"},
            "images": {"type": "bool", "default": True},
            "images_filters": {"type": "dict"},
            "explain": {"type": "bool", "default": False},
            "expect": {
                "type": "dict",
                "options": {
                    "removed": {"type": "list", "elements": "str", "default": []},
                    "arrived": {"type": "dict", "default": {}},
                    "tagged": {"type": "dict", "default": {}},
                },
            },
        },
    )


if __name__ == "__main__":
    main()
