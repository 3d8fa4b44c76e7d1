#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_prune
short_description: Remove unused Docker images
description:
  - Removes images that no container uses, running or not. By default, it removes only dangling images, which have no
    name. On request, it removes all unused images except those to keep.
  - A check run reports exactly the images that a real run removes, and the bytes that this frees.
  - An image is removed only if all given rules allow it.
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
      - With V(false), remove all images that no container uses, if the other options allow it.
    type: bool
    default: true
  keep:
    description:
      - Names to keep, as patterns with C(*), C(?) and C([]), as in a shell, but C(*) also matches slashes.
      - A pattern is compared with the whole name as C(docker images) shows it. A pattern without a tag matches every
        tag, so V(debian) keeps C(debian:12). V(docker.io/*) matches all names of the default registry, and V(library/*)
        those of them without a slash.
      - An image is kept with all of its names if one of them matches.
    type: list
    elements: str
    default: []
  keep_last:
    description:
      - The number of images of each repository to keep, the newest first by their time of creation. Images that are
        kept for another reason are included in this number.
      - An image with names in several repositories is kept if it is among the newest of one of them.
    type: int
    default: 0
  reference:
    description:
      - Remove only images that have names, all of which match one of these patterns. The patterns are those of O(keep).
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
      - Keep images that have one of these labels, each as V(key) or V(key=value).
    type: list
    elements: str
    default: []
  until:
    description:
      - Remove only images that were created before this time.
      - The time is a duration before now in Docker's form (V(72h), V(1h30m); days aren't supported), a date
        (V(2026-01-31), V(2026-01-31T12:00:00Z)), or a number of seconds since 1970. The engine's clock is used, and a
        date without a time zone is in the engine's time zone.
    type: str
  target_size:
    description:
      - Remove only as many images as needed so that all images together take at most this size, as C(docker system df)
        counts it, including those that must stay. It is a number of bytes, or a number with a unit such as V(20GB) or
        V(500MB), where a kilobyte has 1024 bytes.
      - "The least recently used images are removed first. The last use of an image is the latest of three times: when a
        container of it was last started, as far as the engine remembers (it remembers the last 256 events since its own
        start), when the image was last tagged, and when it was created."
      - Without this option, all images are removed that the other rules allow.
    type: bytes
  target_free:
    description:
      - Remove only as many images as needed so that this much is free on the file system that the images are on. It is
        a number of bytes, a number with a unit such as V(20GB) or V(500MB), where a kilobyte has 1024 bytes, or a
        share of the file system's size such as V(15%). Free and size are those that C(df) shows as C(Avail) and
        C(Size).
      - The least recently used images are removed first, as with O(target_size). With both options, images are removed
        until both are reached. If all images that may go aren't enough, they are removed all the same.
      - An engine doesn't report this space. So the module must run as root on the engine's host, in no container, and
        connect to the engine's own socket. Where it can't be sure which file system it is, it fails before anything is
        removed.
      - The bytes that a removal frees are counted as C(docker system df) counts them. A file takes whole blocks of the
        disk, so somewhat more is free afterwards; on a file system that compresses, it may be less.
      - A containerd store needs Docker 28.2 or newer, because older ones don't count all bytes that a removal frees.
    type: str
  images:
    description:
      - Prune images. With V(false), this module does nothing.
      - This option and O(images_filters) are for playbooks that were written for C(docker_prune) of community.docker.
    type: bool
    default: true
  images_filters:
    description:
      - Rules under the names of Docker's filters V(dangling), V(until), V(label) and V(label!), which other options
        have too. V(dangling) replaces O(dangling). The labels are added to those of O(label) and O(label_not).
    type: dict
  builder_cache:
    description:
      - Prune the build cache too, that is the records that the builder of the engine (BuildKit) keeps for later builds.
      - Records that a build uses stay, and records that others were made from which stay.
      - The options of the build cache have the names that they have in C(docker_prune) of community.docker.
    type: bool
    default: false
  builder_cache_all:
    description:
      - Also remove records that images share, and records that the builder keeps for itself. Without this option, a
        record that an image shares goes in the task after the one that removes the last such image.
    type: bool
    default: false
  builder_cache_filters:
    description:
      - Remove only records that were last used before the time V(until), which has the forms of O(until), that are of
        a V(type), or that have a V(description), each as C(docker system df --verbose) shows it.
    type: dict
  builder_cache_keep_storage:
    description:
      - Remove only as many records as needed so that the others together take at most this size, without those that
        images share. The least recently used records are removed first.
    type: bytes
  explain:
    description:
      - Also return the images that stay, each with the reason, as RV(kept).
    type: bool
    default: false
  expect:
    description:
      - The changes that earlier tasks will have made. In a check run they haven't made them, so this option lets the
        module foresee the result of a prune after them. The role P(gantry.docker.images#role) uses it.
      - It isn't useful in a real run. There, an image that doesn't have the names that it should have stays.
    type: dict
    suboptions:
      removed:
        description: Names that M(gantry.docker.image_remove) would have removed. An image is removed with its last
          name.
        type: list
        elements: str
        default: []
      arrived:
        description:
          - The names of images that would have been pulled or loaded. Each has as its value the digest of the manifest
            or index, as the diff of M(gantry.docker.image_pull) shows it, or an empty value. Images that have these
            names now lose them.
          - Nothing is known of an image that isn't on the engine under its digest yet. It counts as the newest of its
            repository, and as taking no space.
        type: dict
        default: {}
      tagged:
        description:
          - The names that M(gantry.docker.image_tag) would have added after that, as a list for each image.
        type: dict
        default: {}
notes:
  - A container uses an image if it was created from it, if it was created from a name that the image has now, if it
    mounts it, or if it does so with an image that was made from it, as far as the engine knows which image was made
    from which.
  - A containerd store can lose a part of an image's content, and can hold artifacts that aren't images, such as charts
    and signatures. The engine knows neither the age nor the labels of these. They stay if O(until), O(label),
    O(label_not), O(keep_last), O(target_size) or O(target_free) requires one of the two. Otherwise they are removed
    like images. No freed bytes are foreseen for them.
  - Before each removal, the module looks again whether the image is used or its tags have changed. If so, the image
    stays, and RV(spared) reports it. Nothing is forced. An image that the engine refuses to remove stays too, and the
    others are removed. If an image stays after some of its names were removed, these are given back.
  - The engine may list a name that it can't find, because another tool stored it in its own form. Such a name is
    removed together with the image's Id.
  - An image that others were made from loses only its names. It is removed with the last of the others.
  - Unlike C(docker image prune), the module never treats an image that was pulled by its digest as dangling.
  - With a containerd store, the reported bytes are too few if an image is present for several platforms and shares
    layers with others, because the sizes of its other platforms can't be told apart. With Docker 28.2 or newer, where
    blobs count, they are also too few if images hold the same layer compressed in different ways, or if layers were
    committed on that engine on top of images that are gone.
  - With a containerd store, the reported bytes can be too many by some kilobytes for each image that was committed from
    a container that still exists or, with Docker before 28, from the same container as another image.
  - The module makes one call for each image that shares layers, which a containerd store answers in about 20 ms. These
    calls aren't made if there is nothing to prune.
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

- name: Keep a tenth of the disk free
  gantry.docker.image_prune:
    dangling: false
    target_free: 10%

- name: Remove dangling images, and build cache that wasn't used for a day
  gantry.docker.image_prune:
    builder_cache: true
    builder_cache_filters:
      until: 24h

- name: Show it
  ansible.builtin.debug:
    msg: "{{ room.space_reclaimed }} bytes by {{ room.images | map(attribute='RepoTags') | flatten }}"
"""

RETURN = r"""
actions:
  description: A sentence for each step that was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample: ["Pruned dangling image (sha256:5b7abace...)"]
images:
  description:
    - The images that were pruned, or in check mode would be, in this order. C(Size) is the size of the image with the
      layers that it shares, and C(SpaceReclaimed) is the number of bytes that its removal frees after the removals
      before it.
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
  description: The images that were to be removed and stay, because something changed meanwhile or the engine refused.
  returned: if there are such images
  type: list
  elements: str
  sample: ["example/tools:1 stays, as it is used by now: web (running)"]
space_reclaimed:
  description:
    - The number of bytes by which the size of all images, as C(docker system df) counts it, has decreased, or in check
      mode would decrease. Layers that remaining images have too don't count.
  returned: success
  type: int
  sample: 4194304
images_space_reclaimed:
  description: The same as RV(space_reclaimed).
  returned: success
  type: int
  sample: 4194304
builder_cache_space_reclaimed:
  description: The number of bytes of the removed build cache, without records that images share.
  returned: success
  type: int
  sample: 1048576
builder_cache_caches_deleted:
  description: The Ids of the records of the build cache that were removed, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: ["q4mnyxa8p2vg5m3cfhd0x1j7s"]
images_size:
  description: The number of bytes that all images together take when the plan is done.
  returned: with O(target_size) or O(target_free)
  type: int
  sample: 19327352832
store_free:
  description:
    - The number of bytes that are free on the file system of the images when the plan is done, if nothing else is
      written or removed there.
  returned: with O(target_free)
  type: int
  sample: 32212254720
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
            "target_free": {"type": "str"},
            "images": {"type": "bool", "default": True},
            "images_filters": {"type": "dict"},
            "builder_cache": {"type": "bool", "default": False},
            "builder_cache_all": {"type": "bool", "default": False},
            "builder_cache_filters": {"type": "dict"},
            "builder_cache_keep_storage": {"type": "bytes"},
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
