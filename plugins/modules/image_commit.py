#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_commit
short_description: Commit a Docker container to an image, if the image would be a new one
description:
  - Commits a container to an image. If the image that has the name already has the same layers and the same config,
    nothing changes, and nothing is left behind.
  - Only a commit shows what a commit would give. So the module makes a trial commit, also in check mode, compares, and
    removes the trial if it isn't needed. A trial takes the time of one C(docker commit). The container's processes are
    paused for that time and no longer, unless O(pause=false).
  - "No trial is made if its result can be proved. That requires a container that isn't running, has a read-only root
    (C(docker run --read-only)), and in which nothing has run since the commit that made the image, according to the
    engine's events (the engine remembers the last 256). It also requires that O(changes) is empty. Nothing can prove it
    for other containers: C(docker diff), sizes, times and events miss a file that was edited again without a change of
    its size, and a copy into the container that failed halfway."
  - Some containerd stores pack the same deletions differently each time, such as those with containerd before 2.0.
    There, the contents of both layers are compared. For that, both are read from the engine, with the layers below
    them. The diff can't foresee the DiffID of such a layer, but everything else in it is as foreseen.
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
      - The names for the image, each as C([registry/]repository[:tag]). The default tag is V(latest).
    type: list
    elements: str
    required: true
    aliases: [name]
  author:
    description:
      - The author of the image.
    type: str
  comment:
    description:
      - A comment for the image's history, as C(docker commit --message) adds it.
    type: str
  changes:
    description:
      - Dockerfile instructions that change the image's config. Allowed are C(CMD), C(ENTRYPOINT), C(ENV), C(EXPOSE),
        C(HEALTHCHECK), C(LABEL), C(ONBUILD), C(STOPSIGNAL), C(USER), C(VOLUME) and C(WORKDIR).
      - Docker Engine 20.10 doesn't accept C(STOPSIGNAL) here.
      - Settings that no instruction changes are those of the container. An empty C(CMD []) changes nothing.
    type: list
    elements: str
    default: []
  labels:
    description:
      - Labels for the image, in addition to those of the container, as names and values. A C(LABEL) of the same name in
        O(changes) takes precedence.
      - A value that isn't text, such as V(true) or V(1.10), must be in quotes.
    type: dict
    default: {}
  pause:
    description:
      - Pause the container during the commit, so that no file is committed halfway through a change.
    type: bool
    default: true
notes:
  - While a trial exists, it has a name of the repository C(gantry.docker.trial), so that no prune removes it as a
    dangling image. A task that is ended by a signal removes its trial. If a process was killed, the next real run of
    this module on that engine, for any container, removes its trial. It does so if the process ran on the same host and
    no longer exists, or if the image is older than a day.
  - A difference in author, comment or time of creation alone doesn't make a new image. To change only these, remove the
    name first.
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
  description: A sentence for each step that was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample: ["Committed container workshop as example/welcome:1"]
images:
  description: A list with one element, the image of the first name as inspected, with its digests.
  returned: success
  type: list
  elements: dict
  sample: [{"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["example/welcome:1"], "RepoDigests": []}]
image:
  description: The image of the first name as inspected, with its digests. In check mode, it is the image that has the
    name now.
  returned: success, if there is one
  type: dict
  sample: {"Id": "sha256:a28bfd8f39bd...", "RepoTags": ["example/welcome:1"], "RepoDigests": []}
layer_size:
  description: The size in bytes of the layer that the commit adds to the container's image, or 0 if it adds none.
  returned: success
  type: int
  sample: 13214
layer_paths:
  description:
    - The numbers of paths that are added, changed and deleted in that layer, as C(docker diff) reports them.
    - The diff lists the first hundred of them.
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
