#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_load
short_description: Load Docker images from an archive
description:
  - Loads the images of an archive that C(docker save), C(podman save) or C(skopeo) wrote, plain or compressed,
    whichever engine it came from. A compressed archive is unpacked while it is loaded, and sparse files in it, as
    C(tar --sparse) writes them, are expanded.
  - An archive of Docker before 1.10 is accepted for every engine, also for those that don't accept it by themselves.
    It doesn't contain the digests of its layers, so all of it is read each time.
  - The archive's index is read first. If the engine has all of its images, under all of their tags, nothing is sent,
    and nothing changes. Otherwise only missing images are sent, and only their missing layers. An image that has lost a
    part of its content in a containerd store counts as missing, if the engine reports the loss (from API 1.48 on).
  - The engine receives only what was read. Documents that name images are written anew. Manifests and configs are sent
    byte for byte as they were read. Layers are sent from the file, which stays open meanwhile, and the engine verifies
    them by their digests. So an archive can't give the engine other images or tags than the check run reports.
  - Afterwards the engine is asked for every image. If one of them is missing or differs, if the engine loaded another
    one, or if the load ends with any other error, the task fails, and all tags refer again to what they referred to
    before. If even that fails, the error lists the tags that may be wrong and the commands that repair them.
  - The duration of a load isn't limited. The option O(timeout) limits how long the engine may be silent without
    answering a question in between.
  - With O(verifier), a command of yours decides by name and digest whether images may be loaded. It is asked only if
    there is something to load, but then about all images of the archive, or all of O(names). If it refuses one, nothing
    is loaded. The digest is that of the image's index, or else of its manifest, or else, if the archive has neither, of
    its config. A registry knows an image by one of the first two, if the archive was saved from a containerd store or
    by C(skopeo). An archive of a classic store has a new manifest, which no registry knows. With O(path), the command
    runs on the host. With O(src) or O(src_images) it runs on the controller, with the environment of Ansible there.
  - With O(src), the archive stays on the controller. The host first gets its documents, which are a few KiB, and
    answers which layers its engine lacks. Only these layers are sent, through the connection that Ansible has to the
    host. A host that has all images gets nothing else.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes
  - gantry.docker.connection
  - gantry.docker.verifier
attributes:
  action:
    description: Has an action plugin, so that a part of a task with O(src) or O(src_images) runs on the controller.
    support: full
  async:
    description: Can run in the background, with C(async).
    support: partial
    details: Not with O(src) or O(src_images).
options:
  path:
    description:
      - The absolute path of the archive on the managed host.
      - Exactly one of O(path), O(src) and O(src_images) must be given.
    type: path
  src:
    description:
      - The archive on the controller. A relative path is searched for as C(ansible.builtin.copy) does it, so in the
        directory C(files) of a role first.
      - An archive that Ansible Vault has encrypted is decrypted. The layers are then sent as they are without Vault.
      - In the temporary directory of the run on the controller, an archive of the layers that a host lacks is made
        once, and used for all hosts that lack the same. So that directory needs space for it, also in check mode.
        Before such an archive is sent, its layers are compared with their digests, and its size with the free space in
        the temporary directory of the host.
    type: str
  src_images:
    description:
      - Images of an engine that the controller can reach, by their tags. They are delivered as those of an archive in
        O(src), but no whole archive is stored. The engine writes one for the documents, and one for each distinct
        choice of layers that hosts lack. They pass by the controller, which keeps only these layers.
      - An engine before Docker 25 gives layers other names each time. Its archive is stored once in the temporary
        directory of the run.
      - Exactly one of O(path), O(src) and O(src_images) must be given.
    type: list
    elements: str
  src_docker_host:
    description:
      - The address of the engine for O(src_images), as a URL that O(docker_host) accepts.
      - If not given, the controller's environment, its Docker context or V(unix:///var/run/docker.sock) is used, as for
        O(docker_host) on a host.
    type: str
  transfer_compression:
    description:
      - The compression of the layers on their way from the controller to the host, with O(src) or O(src_images). Layers
        that are compressed in the archive aren't compressed again.
      - With V(auto), it is V(zstd) if the controller and the host have the Python library zstandard, and otherwise
        V(gzip).
    type: str
    choices: [auto, zstd, gzip, none]
    default: auto
  names:
    description:
      - Load only these images, by their tags in the archive, and under no other tags.
    type: list
    elements: str
    aliases: [name]
  platforms:
    description:
      - The platforms that each image must have on the engine, such as C(linux/arm64) or C(arm64). The archive must have
        each image that is to be loaded for all of them.
      - Without this option, a containerd store gets all platforms in the archive. A classic store keeps an image for
        one platform, which is the engine's own unless this option names another one.
      - Before API 1.48, an engine with a containerd store doesn't report which platforms of an image it has. There, an
        image counts as present if one of its platforms is.
    type: list
    elements: str
    aliases: [platform]
  transfer:
    description:
      - With V(auto), layers that the engine already has aren't sent. If the engine turns out to need them after all,
        everything is sent in a second attempt.
      - With V(full), everything is sent at once, if anything is missing.
    type: str
    choices: [auto, full]
    default: auto
  verify:
    description:
      - Read the whole archive before anything is sent, and compare every layer, manifest and config with its digest. A
        damaged archive fails the task, also in check mode and if the engine already has all of its images.
      - Without this option, only the archive's index is read beforehand, and the engine refuses damaged layers when it
        receives them. Layers that the controller sends are compared in any case.
      - This doesn't check signatures. See O(verifier) for that.
    type: bool
    default: false
requirements:
  - zstandard, on the managed host, for archives that are compressed with zstd; with O(src), on the controller
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

- name: Have its images, if a command accepts them by name and digest
  gantry.docker.image_load:
    path: /var/tmp/gantry-example-busybox.tar
    verifier: [/bin/sh, -c, 'echo "$1" | grep -q @sha256:', accept, "{name}@{digest}"]

- name: Have an archive on the controller
  ansible.builtin.fetch:
    src: /var/tmp/gantry-example-busybox.tar
    dest: /var/tmp/gantry-example-delivery.tar
    flat: true

- name: Have its images on each host, and send only the layers that a host lacks
  gantry.docker.image_load:
    src: /var/tmp/gantry-example-delivery.tar

- name: Have an image of the controller's engine on each host, without an archive
  gantry.docker.image_load:
    src_images: busybox
"""

RETURN = r"""
actions:
  description: A sentence for each step that was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample: ["Loaded busybox:latest from /var/tmp/gantry-example-busybox.tar"]
loaded:
  description:
    - The names that were loaded, or in check mode would be. C(name) is a tag, or the digest of the config for an image
      without a tag.
    - C(before) is the Id of the image that had the name before, or null if there was none.
  returned: success
  type: list
  elements: dict
  sample: [{"name": "busybox:latest", "before": null}]
images:
  description: The images of the archive as inspected. In check mode, only those that are already on the engine.
  returned: success
  type: list
  elements: dict
  sample: [{"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}]
image:
  description: The image as inspected.
  returned: with a single image in the archive, if it is on the engine
  type: dict
  sample: {"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}
image_names:
  description: The tags of the archive's images on the engine, and the Ids of those without a tag.
  returned: success
  type: list
  elements: str
  sample: ["busybox:latest"]
artifacts:
  description:
    - What the archive holds in addition to images, such as signatures, charts and bills of materials. It isn't loaded.
    - C(name) is the name in the archive, and may be empty. C(kind) is the media type.
  returned: if there is any
  type: list
  elements: dict
  sample:
    - name: example.com/app:sha256-a28bfd8f39bd.sig
      digest: "sha256:0b1f5bdd2c1e..."
      kind: application/vnd.dev.cosign.simplesigning.v1+json
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
bytes_sent:
  description: The number of bytes that were sent to the engine.
  returned: when images were loaded
  type: int
  sample: 2002432
bytes_transferred:
  description: The number of bytes that the controller sent to the host, or in check mode would send.
  returned: with O(src) or O(src_images)
  type: int
  sample: 1048576
bytes_skipped:
  description: The number of bytes of layers that weren't sent, because the engine has them.
  returned: when images were loaded
  type: int
  sample: 129302016
stdout:
  description: The engine's messages, one per line.
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
            "path": {"type": "path"},
            "src": {"type": "str"},
            "src_images": {"type": "list", "elements": "str"},
            "src_docker_host": {"type": "str"},
            "transfer_compression": {
                "type": "str",
                "choices": ["auto", "zstd", "gzip", "none"],
                "default": "auto",
            },
            "names": {"type": "list", "elements": "str", "aliases": ["name"]},
            "platforms": {"type": "list", "elements": "str", "aliases": ["platform"]},
            "transfer": {"type": "str", "choices": ["auto", "full"], "default": "auto"},
            "verify": {"type": "bool", "default": False},
            "verifier": {"type": "list", "elements": "str"},
            "verifier_timeout": {"type": "int", "default": 60},
        },
    )


if __name__ == "__main__":
    main()
