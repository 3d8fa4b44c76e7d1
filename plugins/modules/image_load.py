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
    whatever engine. A compression is undone on the way, and so are the holes that C(tar --sparse) makes.
  - An archive of Docker before 1.10 is taken for every engine, also for those that don't take it by themselves. As it
    doesn't tell the digests of its layers, all of it is read each time.
  - The archive's index is read first. Where the engine has all of its images, under all of their tags, nothing is sent,
    and nothing changes. Otherwise only those images are sent that are missing, and of them the layers that are.
    An image of which a containerd store has lost a part is missing, where the engine tells (from API 1.48 on).
  - The engine gets nothing but what was read. Documents that name images are written anew; manifests and configs are
    the very bytes that were read; layers are sent from the file, which stays open meanwhile, and the engine checks
    them by their digests. So no archive can give the engine other images or tags than the check run tells.
  - Afterwards the engine is asked for every image. If one isn't there as it should be, or the engine loaded another
    one, or the load ends with any other error, the task fails, and all tags name again what they named before.
    Where even that fails, the message says which tags may be wrong, and the commands that mend them.
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
  platforms:
    description:
      - Which platforms of the archive's images must be here, as in C(linux/arm64) or C(arm64). The archive must have
        each image to load for all of them.
      - Without it, all that the archive has, where the engine has a containerd store. A classic store keeps an image
        for one platform, which is the engine's own unless another one is named.
      - Before API 1.48 an engine with a containerd store doesn't tell which platforms it has; there an image that is
        here for one of them counts as here.
    type: list
    elements: str
    aliases: [platform]
  transfer:
    description:
      - With V(auto) layers that the engine has already aren't sent. If the engine turns out to need them all the same,
        everything is sent after that.
      - V(full) sends everything at once.
    type: str
    choices: [auto, full]
    default: auto
  verify:
    description:
      - Read all of the archive before anything is sent, and compare every layer, manifest and config with its digest.
        A damaged archive fails the task, also if the engine has all of its images already, and in check mode.
      - Without it, only the archive's index is read before, and the engine refuses damaged layers as they come.
    type: bool
    default: false
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

- name: Have it for one platform, of those that the archive has
  gantry.docker.image_load:
    path: /var/tmp/gantry-example-busybox.tar
    platforms: [linux/amd64]

- name: Have its images, and be sure that the archive isn't damaged
  gantry.docker.image_load:
    path: /var/tmp/gantry-example-busybox.tar
    verify: true
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done, a sentence for each step.
  returned: success
  type: list
  elements: str
  sample: ["Loaded busybox:latest from /var/tmp/gantry-example-busybox.tar"]
loaded:
  description:
    - The names that were loaded, or in check mode would be. C(name) is a tag, or the digest of the config of an image
      without one.
    - C(before) is the Id of the image that had the name before, or null if there was none.
  returned: success
  type: list
  elements: dict
  sample: [{"name": "busybox:latest", "before": null}]
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
artifacts:
  description:
    - What the archive holds beside images, such as signatures, charts and bills of materials. It isn't loaded.
    - The C(name) is what the archive calls it, and may be empty; the C(kind) is its media type.
  returned: if there is any
  type: list
  elements: dict
  sample:
    - name: example.com/app:sha256-a28bfd8f39bd.sig
      digest: "sha256:0b1f5bdd2c1e..."
      kind: application/vnd.dev.cosign.simplesigning.v1+json
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
stdout:
  description: What the engine said, line by line.
  returned: when images were loaded
  type: str
  sample: "Loaded image: busybox:latest"
"""

from ansible_collections.gantry.docker.plugins.module_utils import _task
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_load


def main() -> None:
    """Run the task."""
    _task.run(
        image_load,
        argument_spec={
            "path": {"type": "path", "required": True},
            "names": {"type": "list", "elements": "str", "aliases": ["name"]},
            "platforms": {"type": "list", "elements": "str", "aliases": ["platform"]},
            "transfer": {"type": "str", "choices": ["auto", "full"], "default": "auto"},
            "verify": {"type": "bool", "default": False},
        },
    )


if __name__ == "__main__":
    main()
