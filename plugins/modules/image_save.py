#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_save
short_description: Save Docker images to an archive
description:
  - Saves images, several to one archive, as C(docker save) does, and changes nothing where the archive at O(path) holds
    exactly these images under exactly these tags, in this compression, whichever engine wrote it.
  - The archive is written beside its place, checked, and only then put there. Whatever fails, or if a signal ends the
    task, what was at O(path) before stays as it was, and nothing else is left.
  - Every part of every image is proved to be there and right. (Engines may write archives that lack some, and call that
    success.)
  - The same images of the same engine give the same bytes, so that checksums, signatures and rsync work.
  - Compressed archives carry an index that lets M(gantry.docker.image_load) and this module see what is in them at
    once; every other program takes them as any compressed tar.
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
      - The images, by name or by Id. With O(tags=named), one that is named by its Id or digest has no tag in the
        archive.
    type: list
    elements: str
    required: true
    aliases: [name]
  tag:
    description:
      - The tag of those O(names) that come with neither a tag nor a digest.
    type: str
    default: latest
  path:
    description:
      - The archive, on the managed host, as an absolute path. Its directory must exist.
    type: path
    required: true
  tags:
    description:
      - Under which tags the images are saved.
      - V(named) means those that O(names) has, V(all) means all that the engine has of these images.
    type: str
    choices: [named, all]
    default: named
  platform:
    description:
      - Save the images for this platform only, as in C(linux/arm64) or C(arm64). It matters where a containerd store
        has one image for several, which is saved with all of them otherwise. One that isn't the engine's own takes
        Docker 28.1.
      - It must be named where an image for several platforms is here without the engine's own, as the engine can't save
        it as a whole. The task says then which platforms are here.
    type: str
  compression:
    description:
      - How the archive is compressed.
      - Without this option the ending of O(path) tells it, C(.gz), C(.tgz), C(.zst) or C(.tzst); others mean V(none).
    type: str
    choices: [none, gzip, zstd]
  compression_level:
    description:
      - How hard to compress, from 1 to 9 for C(gzip), where 6 is usual, and from 1 to 19 for C(zstd), where 3 is.
      - An archive that is there already isn't written anew for another level.
      - With C(zstd) up to level 9 all threads together take less than 64 MiB of memory, beyond that about 100 MiB each.
    type: int
  compression_threads:
    description:
      - How many threads compress at once with C(zstd); V(0) means one for each processor, and at most four. The archive
        is the same with any number.
    type: int
    default: 0
  exclude_layers_of:
    description:
      - Leave out the layers of these images, for a host that has them already; what is written is a thin archive.
      - An element is an image of this engine, by name or by Id, or a layer's DiffID, as RootFS.Layers of
        M(gantry.docker.image_info) tells them of another host.
      - A layer is left out if all below it are, too.
      - A thin archive says so in itself, and M(gantry.docker.image_load) refuses it where the layers are missing. A
        containerd store must have these layers in the very form in which this engine has them.
    type: list
    elements: str
  force:
    description:
      - Replace what is at O(path) even if it is no archive of images, or a damaged one.
    type: bool
    default: false
  verify:
    description:
      - Read an archive that seems to be up to date whole, every blob against its digest and a compressed archive
        against its index, and write it anew if it is damaged.
      - Without this option an archive counts as up to date by its headers, or by its index where it is compressed, also
        where the content that these describe is damaged. Reading it takes about as long as unpacking it.
    type: bool
    default: false
  mode:
    description:
      - The permissions of the archive, as C(ansible.builtin.file) takes them. It has them before it is in its place.
      - Without this option a new archive is for its owner alone, V('0600'), whatever the umask is, as that of
        C(docker save --output) is, for images hold secrets. One that replaces another has the permissions of that one,
        if these may be inherited (see the notes), but never setuid, setgid or the sticky bit.
    type: raw
  owner:
    description:
      - The user who owns the archive, by name or Id.
      - Without this option it is the user who runs the module, or, where it may be inherited (see the notes), the owner
        of the archive that is replaced.
    type: str
  group:
    description:
      - The group of the archive, by name or Id.
      - Without this option it is the group that new files have there, or, where it may be inherited (see the notes),
        the group of the archive that is replaced.
    type: str
attributes:
  safe_file_operations:
    description: Uses Ansible's strict file operation functions to put files in their places.
    support: full
notes:
  - An archive inherits owner, group, permissions and SELinux context from the regular file that it replaces, unless
    another user can have put that there. In a directory that is writable to its group or to everybody, as C(/var/tmp)
    is, or that belongs to another user than V(root), nothing is inherited but from a file of the user who runs the
    module that has no further hard links.
  - What another user than V(root), the one who runs the module, or O(owner) has put at O(path) in a sticky directory,
    as C(/tmp) is, never counts as up to date, as that user could exchange it. It is replaced. So is a link, and not
    what it leads to.
  - O(unsafe_writes) lets the module write into a file that can't be replaced, such as one that is mounted into a
    container, but only one whose attributes may be inherited.
  - A task that is known to run out of space fails before it writes anything. An uncompressed archive takes at the least
    as much as the largest of its images. Where the space runs out on the way, what was at O(path) stays as it was.
  - A save that is killed between writing and replacing can leave a file C(.NAME.HEX) beside the archive. The next run
    for the same O(path) removes it, unless the process that it belongs to still lives.
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
  description: What was done, or in check mode what would be done, a sentence for each step.
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
  description: The archive.
  returned: success
  type: str
  sample: /var/tmp/gantry-example.tar
size:
  description: The archive's size in bytes; in check mode that of what is there now, or 0.
  returned: success
  type: int
  sample: 2002432
sha256:
  description: The archive's checksum.
  returned: when the archive was written
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
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
            "verify": {"type": "bool", "default": False},
        },
        add_file_common_args=True,
    )


if __name__ == "__main__":
    main()
