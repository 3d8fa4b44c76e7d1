#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_save
short_description: Save Docker images to an archive
description:
  - Saves one or several images to one archive, as C(docker save) does. It changes nothing if the archive at O(path)
    holds exactly these images under exactly these tags, in this compression, whichever engine wrote it.
  - The archive is written beside its final place, verified, and only then moved there. If anything fails, or a signal
    ends the task, the file at O(path) stays as it was, and nothing else is left.
  - Every part of every image is proved to be present and correct. (Engines may report success for an archive that lacks
    some parts.)
  - The same images of the same engine give the same bytes, so checksums, signatures and rsync work.
  - A compressed archive contains an index that lets M(gantry.docker.image_load) and this module read its contents at
    once. All other programs can read it as an ordinary compressed tar.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes
  - gantry.docker.connection
  - ansible.builtin.files
options:
  names:
    description:
      - The images, by name or by Id. With O(tags=named), an image that is named by its Id or digest has no tag in the
        archive.
    type: list
    elements: str
    required: true
    aliases: [name]
  tag:
    description:
      - The tag for each of O(names) that has neither a tag nor a digest.
    type: str
    default: latest
  path:
    description:
      - The absolute path of the archive on the managed host. Its directory must exist.
    type: path
    required: true
  tags:
    description:
      - The tags under which the images are saved.
      - V(named) selects the tags in O(names), and V(all) all tags that these images have on the engine.
    type: str
    choices: [named, all]
    default: named
  platform:
    description:
      - "Save the images for this platform only, such as C(linux/arm64) or C(arm64). This matters for an image that a
        containerd store has for several platforms: without this option, it is saved with all of them. A platform other
        than the engine's own requires Docker 28.1."
      - The option is required if an image for several platforms is present without the engine's own, because the engine
        can't save it as a whole. The error then lists the platforms that are present.
    type: str
  compression:
    description:
      - The compression of the archive.
      - "Without this option, the extension of O(path) selects it: C(.gz) and C(.tgz), or C(.zst) and C(.tzst). All
        others select V(none)."
    type: str
    choices: [none, gzip, zstd]
  compression_level:
    description:
      - The compression level, from 1 to 9 for C(gzip) (default 6), and from 1 to 19 for C(zstd) (default 3).
      - An archive that is up to date isn't written again for another level.
      - With C(zstd), all threads together use less than 64 MiB of memory up to level 9, and about 100 MiB each at
        higher levels.
    type: int
  compression_threads:
    description:
      - The number of threads that compress at the same time with C(zstd). V(0) uses one for each processor, but at most
        four. The number of threads doesn't change the archive.
    type: int
    default: 0
  exclude_layers_of:
    description:
      - Leave out the layers of these images, for a host that already has them. The result is a thin archive.
      - An element is an image of this engine, by name or by Id, or the DiffID of a layer, as C(RootFS.Layers) in the
        result of M(gantry.docker.image_info) has it for another host.
      - A layer is left out only if all layers below it are left out too.
      - A thin archive is marked as such, and M(gantry.docker.image_load) refuses it if the engine lacks these layers. A
        containerd store must have these layers in exactly the form in which this engine has them.
    type: list
    elements: str
  force:
    description:
      - Replace the file at O(path) even if it isn't an archive of images, or if it is damaged.
    type: bool
    default: false
  checksum:
    description:
      - Compute the SHA-256 checksum of the archive while it is written, for programs that copy or sign the archive. The
        parts of the images are compared with their digests in any case.
      - An archive that is up to date isn't read, so its checksum isn't returned.
    type: bool
    default: false
  contents:
    description:
      - Return RV(contents), the digests of what is in the archive.
    type: bool
    default: false
  verify:
    description:
      - Read the whole of an archive that seems to be up to date. Compare every blob with its digest and the content of
        a compressed archive with its index, and write the archive again if it is damaged.
      - Without this option, only the headers of an archive, or the index of a compressed one, determine whether it is
        up to date. So it counts as up to date even if the content that these describe is damaged. To read the content
        takes about as long as to unpack the archive.
    type: bool
    default: false
  mode:
    description:
      - The permissions of the archive, in the form that C(ansible.builtin.file) accepts. The archive has them before it
        is moved to its place.
      - Without this option, only the owner can access a new archive, with V('0600') whatever the umask is, as with
        C(docker save --output), because images contain secrets. An archive that replaces another one gets its
        permissions, if they may be inherited (see the notes), but never setuid, setgid or the sticky bit.
    type: raw
  owner:
    description:
      - The owner of the archive, by name or Id.
      - Without this option, it is the user who runs the module or, if it may be inherited (see the notes), the owner of
        the archive that is replaced.
    type: str
  group:
    description:
      - The group of the archive, by name or Id.
      - Without this option, it is the group that new files get in that directory or, if it may be inherited (see the
        notes), the group of the archive that is replaced.
    type: str
attributes:
  safe_file_operations:
    description: Uses Ansible's strict file operation functions to move files to their places.
    support: full
notes:
  - An archive inherits owner, group, permissions and SELinux context from the regular file that it replaces, unless
    another user can have put that file there. In a directory that its group or everybody can write to, such as
    C(/var/tmp), or that belongs to a user other than V(root), the archive inherits only from a file that belongs to the
    user who runs the module and has no further hard links.
  - In a sticky directory such as C(/tmp), a file at O(path) never counts as up to date if it belongs to a user other
    than V(root), the user who runs the module, or O(owner), because its owner could exchange it. It is replaced. If it
    is a link, the link is replaced, not its target.
  - O(unsafe_writes) lets the module write into a file that can't be replaced, such as one that is mounted into a
    container, but only if the attributes of that file may be inherited.
  - A task that is known to need more space than is free fails before it writes anything. An uncompressed archive takes
    at least as much space as the largest of its images. If the space runs out while the archive is written, the file at
    O(path) stays as it was.
  - If a process is killed between writing and replacing, it can leave a file C(.NAME.HEX) beside the archive. The next
    run for the same O(path) removes the file, unless its process still exists.
requirements:
  - zstandard, on the managed host, for archives that are compressed with zstd
seealso:
  - module: gantry.docker.image_load
"""

EXAMPLES = r"""
- name: Have an archive of two images
  gantry.docker.image_save:
    names:
      - busybox
      - debian:12
    path: /var/tmp/gantry-example.tar
    mode: "0600"

- name: Have a compressed one with all tags of an image
  gantry.docker.image_save:
    name: debian:12
    tags: all
    path: /var/tmp/gantry-example-debian.tar.zst

- name: Have a thin one, for hosts that have debian:12
  gantry.docker.image_save:
    name: debian:12
    exclude_layers_of: debian:12
    path: /var/tmp/gantry-example-thin.tar
"""

RETURN = r"""
actions:
  description: A sentence for each step that was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample: ["Saved busybox:latest to /var/tmp/gantry-example.tar"]
images:
  description: The images as inspected.
  returned: success
  type: list
  elements: dict
  sample: [{"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}]
image:
  description: The image as inspected.
  returned: with a single name
  type: dict
  sample: {"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["busybox:latest"]}
path:
  description: The path of the archive.
  returned: success
  type: str
  sample: /var/tmp/gantry-example.tar
size:
  description: The size of the archive in bytes. In check mode, the size of the file that is there now, or 0.
  returned: success
  type: int
  sample: 2002432
sha256:
  description: The SHA-256 checksum of the archive.
  returned: with O(checksum), when the archive was written
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
contents:
  description:
    - The images in the archive, one for each platform.
    - C(config_digest), C(manifest_digest) and C(index_digest) are the digests by which a store may know the image. The
      last two are null if the archive has no such document.
    - C(layers) lists the layers, the lowest first. C(digest) is that of the blob as it is in the archive. It is null if
      the engine is older than Docker 25. C(size) is that of the blob in bytes, and null if it isn't known. C(left_out)
      is true for a layer that O(exclude_layers_of) leaves out.
  returned: with O(contents). Not in check mode if the archive would be written.
  type: list
  elements: dict
  sample:
    - tags: ["busybox:latest"]
      platform: linux/amd64
      config_digest: "sha256:a28bfd8f39bd..."
      manifest_digest: "sha256:1651bda035e7..."
      index_digest: null
      layers:
        - diff_id: "sha256:6e10cd5a34f3..."
          digest: "sha256:6e10cd5a34f3..."
          size: 2002432
          left_out: false
"""

from ansible_collections.gantry.docker.plugins.module_utils import _task
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_save


def main() -> None:
    """Run the task."""
    _task.run(
        image_save,
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True, "aliases": ["name"]},
            "tag": {"type": "str", "default": "latest"},
            "path": {"type": "path", "required": True},
            "tags": {"type": "str", "choices": ["named", "all"], "default": "named"},
            "platform": {"type": "str"},
            "compression": {"type": "str", "choices": ["none", "gzip", "zstd"]},
            "compression_level": {"type": "int"},
            "compression_threads": {"type": "int", "default": 0},
            "exclude_layers_of": {"type": "list", "elements": "str"},
            "force": {"type": "bool", "default": False},
            "checksum": {"type": "bool", "default": False},
            "contents": {"type": "bool", "default": False},
            "verify": {"type": "bool", "default": False},
        },
        add_file_common_args=True,
    )


if __name__ == "__main__":
    main()
