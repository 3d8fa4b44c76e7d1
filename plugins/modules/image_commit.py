#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_commit
short_description: Make a Docker image from a container, if it would be a new one
description:
  - Commits a container to an image. Where the image that the name means already has the same layers and the same
    config, nothing changes, and nothing is left behind.
  - Nothing short of a commit tells what a commit would give. So the module commits on trial, also in check mode,
    compares, and removes the trial if it is not needed. A trial costs the time of one C(docker commit). The container's
    processes stand still for that time and no longer, unless O(pause=false).
  - There is no trial where it is proved what it would give. That takes a container that doesn't run, with a read-only
    root (C(docker run --read-only)), in which nothing has run since the commit that made the image, as the engine's
    events tell (it remembers the last 256), and no O(changes). Nothing proves it for any other container. What
    C(docker diff), sizes, times and events tell misses a file that was edited again at the same size, or a copy into
    the container that failed halfway.
  - Where an engine's containerd store packs the same deletions differently each time, as with containerd before 2.0,
    the content of both layers is compared. Both are read from the engine for that, with the layers below them. A diff
    can't foretell the DiffID of such a layer there, but the rest of it is as foretold.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes
  - gantry.docker.connection
options:
  container:
    description:
      - The container to commit, by name or by Id. It may be running or stopped.
    type: str
    required: true
  names:
    description:
      - The names that the image gets, each as C([registry/]repository[:tag]). Without a tag, V(latest) is meant.
    type: list
    elements: str
    required: true
    aliases: [name]
  author:
    description:
      - Who made the image.
    type: str
  comment:
    description:
      - What to say of it in its history, as C(docker commit --message) does.
    type: str
  changes:
    description:
      - Instructions of a Dockerfile that shape the image's config. Allowed are C(CMD), C(ENTRYPOINT), C(ENV),
        C(EXPOSE), C(HEALTHCHECK), C(LABEL), C(ONBUILD), C(STOPSIGNAL), C(USER), C(VOLUME) and C(WORKDIR).
      - Docker Engine 20.10 doesn't take C(STOPSIGNAL) here.
      - What no instruction sets is as in the container. An empty C(CMD []) sets nothing.
    type: list
    elements: str
    default: []
  labels:
    description:
      - Labels that the image gets beside those of the container, as names and values. A C(LABEL) of the same name in
        O(changes) has the last word.
      - A value that isn't text, such as V(true) or V(1.10), must be in quotes.
    type: dict
    default: {}
  pause:
    description:
      - Let the container stand still during the commit, so that no file changes halfway.
    type: bool
    default: true
notes:
  - As long as it is one, a trial has a name of the repository C(gantry.docker.trial), so that no prune takes it for a
    dangling image. A task that is ended by a signal removes it. What a killed one has left is removed by the next real
    run of this module on that engine, for whatever container, if the process was of the same host and lives no more, or
    if the image is older than a day.
  - Author, comment and time of creation make no difference by themselves. To change them alone, remove the name first.
seealso:
  - module: gantry.docker.container_run
  - module: gantry.docker.image_save
"""

EXAMPLES = r"""
- name: Start a container to work in
  gantry.docker.container_run:
    name: workshop
    image: debian:12
    command: tail -f /dev/null

- name: Work in it
  gantry.docker.container_exec:
    container: workshop
    argv: [sh, -c, "echo Welcome > /etc/motd"]

- name: Keep the result as an image
  gantry.docker.image_commit:
    container: workshop
    name: example/welcome:1
    comment: With a welcome
    changes:
      - CMD ["cat", "/etc/motd"]
    labels:
      org.opencontainers.image.title: Welcome, "stranger"
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done, a sentence for each step.
  returned: success
  type: list
  elements: str
  sample: ["Committed container workshop as example/welcome:1"]
images:
  description: The image of the first name as inspected, with its digests, alone.
  returned: success
  type: list
  elements: dict
  sample: [{"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["example/welcome:1"], "RepoDigests": []}]
image:
  description: The image of the first name as inspected, with its digests; in check mode, the one that has the name now.
  returned: success, if there is one
  type: dict
  sample: {"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["example/welcome:1"], "RepoDigests": []}
layer_size:
  description: The size in bytes of the layer that the commit adds to the container's image; 0 if it adds none.
  returned: success
  type: int
  sample: 13214
layer_paths:
  description:
    - How many paths are added, changed and deleted in that layer, as C(docker diff) tells it.
    - The diff names the first hundred of them.
  returned: when the image is a new one, also in check mode
  type: dict
  sample: {"added": 12, "changed": 3, "deleted": 0}
"""

from ansible_collections.gantry.docker.plugins.module_utils import _task
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_commit


def main() -> None:
    """Run the task."""
    _task.run(
        image_commit,
        argument_spec={
            "container": {"type": "str", "required": True},
            "names": {"type": "list", "elements": "str", "required": True, "aliases": ["name"]},
            "author": {"type": "str"},
            "comment": {"type": "str"},
            "changes": {"type": "list", "elements": "str", "default": []},
            "labels": {"type": "dict", "default": {}},
            "pause": {"type": "bool", "default": True},
        },
    )


if __name__ == "__main__":
    main()
