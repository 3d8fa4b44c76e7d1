#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_run
short_description: Create, start, stop, replace or remove a Docker container
description:
  - Creates and starts a container with a given name, stops it, or removes it.
  - A container that differs from the given options is replaced, and the diff shows the differences. Options that aren't
    given aren't compared. Of C(env) and C(labels), only the given entries are compared, because the image may set
    others. All other lists and dictionaries must be complete.
  - With O(verifier), a command of yours decides by name and digest whether a container may be made from the image,
    whether the image has to be pulled or is present. If it refuses the image, nothing is done. An image is pulled by
    the digest that was accepted, as by M(gantry.docker.image_pull). The digest of an image that is present is that by
    which its registry knows it, or its Id if it never came from that registry. The command isn't asked if no container
    has to be made.
  - If a new container can't be started, the old one is put back and runs again.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes
  - gantry.docker.connection
  - gantry.docker.registry.access
  - gantry.docker.verifier
options:
  name:
    description:
      - The name of the container. With O(state=absent), its Id is accepted too.
    type: str
    required: true
  state:
    description:
      - With V(started), the container exists and its command was started. If the command has ended, it is started
        again.
      - With V(healthy), the container is started and its health check, which the image defines, reports that it is
        healthy. The task waits for that for at most O(healthy_wait_timeout).
      - With V(stopped), the container exists and isn't running.
      - With V(present), the container exists, running or not. If it is replaced, the new one runs if the old one did.
      - With V(absent), the container doesn't exist. Its anonymous volumes are removed with it.
    type: str
    choices: [started, healthy, stopped, present, absent]
    default: started
  existing:
    description:
      - With V(replace), a container of this name that differs from the given options is replaced.
      - With V(keep), a container of this name stays as it is, whatever its options are and whether it runs or not. A
        container is created only if there is none. If several tasks do so at the same moment, one of them creates it
        and is changed. The others find it.
      - V(keep) can't be used with O(state=absent).
    type: str
    choices: [replace, keep]
    default: replace
  image:
    description:
      - The name or the Id of the image.
      - A container is replaced if the name of its image now refers to another image. If the name refers to no image,
        because the image was removed by force, the container stays.
      - A task that creates a container warns if the image on the engine is for another platform than that of the
        engine's host, because the image then runs by emulation only.
      - Required if the container has to be created.
    type: str
  pull:
    description:
      - With V(missing), the image is pulled if it is missing and a container has to be created from it, as C(docker
        run) does.
      - With V(always), the registry is asked each time. If it has another image under that name, the image is pulled
        and the container is replaced. The registry isn't asked for an image that is on the engine and is named by its
        Id or its digest.
      - With V(never), the image must be on the engine.
      - The image is pulled as by M(gantry.docker.image_pull), which has more options. A check run asks the registry
        too, so it finds a name that doesn't exist and a registry that can't be reached.
    type: str
    choices: [missing, always, never]
    default: missing
  command:
    description:
      - The command to run, as a list of words, or as one string that is split into words as a shell does. Without it,
        the image's command is used, unless O(entrypoint) is given.
    type: raw
  entrypoint:
    description:
      - The program that receives O(command) as its arguments, as a list of words, or as one string that is split into
        words as a shell does. Without it, the image's entrypoint is used. With it, the image's command isn't used.
      - An empty list or string clears the image's entrypoint, as C(docker run --entrypoint "") does. Then O(command) is
        the program to run, and is required.
    type: raw
  tty:
    description:
      - Give the command a terminal, as C(docker run -t) does.
    type: bool
  interactive:
    description:
      - Keep the standard input of the command open, as C(docker run -i) does.
    type: bool
  env:
    description:
      - Environment variables. They override those of the image.
    type: dict
  labels:
    description:
      - Labels. They override those of the image.
    type: dict
  user:
    description:
      - The user who runs the command, as a name or a number, optionally with C(:group).
    type: str
  working_dir:
    description:
      - The directory in the container in which the command runs.
    type: str
    aliases: [workdir]
  hostname:
    description:
      - The host name inside the container.
    type: str
  init:
    description:
      - Run a small first process that forwards signals and reaps processes, as C(docker run --init) does.
    type: bool
  memory:
    description:
      - The maximum memory of the container, as a number of bytes or with a unit, such as V(512M). Units are powers of
        1024.
    type: str
  cpus:
    description:
      - The maximum number of processors that the container may use, such as V(1.5).
    type: float
  capabilities:
    description:
      - Capabilities to add to the default ones, such as V(NET_ADMIN), or V(ALL).
    type: list
    elements: str
    aliases: [cap_add]
  cap_drop:
    description:
      - Capabilities to remove from the container.
    type: list
    elements: str
  restart_policy:
    description:
      - When the engine restarts the container by itself.
    type: str
    choices: ["no", on-failure, always, unless-stopped]
  restart_retries:
    description:
      - The maximum number of restarts with O(restart_policy=on-failure). V(0) sets no limit.
    type: int
  volumes:
    description:
      - Mounts, as C([SOURCE:]TARGET[:OPTIONS]). A source is a path on the engine's host or the name of a volume; either
        is created if it doesn't exist. Without a source, the volume is anonymous.
    type: list
    elements: str
  mounts:
    description:
      - Mounts, each as a dictionary.
    type: list
    elements: dict
    suboptions:
      target:
        description:
          - The path in the container.
        type: str
        required: true
      type:
        description:
          - The kind of mount.
        type: str
        choices: [bind, volume, tmpfs]
        default: volume
      source:
        description:
          - For a bind, a path on the engine's host, which must exist. For a volume, its name; without a name, the
            volume is anonymous.
        type: str
      read_only:
        description:
          - Prevent the container from writing to it.
        type: bool
        default: false
      tmpfs_size:
        description:
          - The size of a tmpfs, in the form of O(memory).
        type: str
  published_ports:
    description:
      - Ports to publish, as C([[IP:]HOST:]CONTAINER[/PROTOCOL]). Without a port of the host, the engine selects one.
    type: list
    elements: str
    aliases: [ports]
  networks:
    description:
      - The networks to connect the container to. They must exist.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The name of the network.
        type: str
        required: true
      aliases:
        description:
          - Additional names of the container in this network.
        type: list
        elements: str
      ipv4_address:
        description:
          - The address of the container in this network.
        type: str
  stop_timeout:
    description:
      - The number of seconds that a container may take to stop by itself before it is killed. Without this option, the
        value in the container's config is used, or 10.
    type: int
  healthy_wait_timeout:
    description:
      - The number of seconds to wait for the container to become healthy, with O(state=healthy).
      - If a container that this task created doesn't become healthy, it is removed, and a container that it replaced is
        put back.
    type: int
    default: 300
seealso:
  - module: gantry.docker.container_exec
  - module: gantry.docker.container_info
"""

EXAMPLES = r"""
- name: Have a container that stays up
  gantry.docker.container_run:
    name: sleeper
    image: busybox
    command: tail -f /dev/null

- name: Have one with a terminal and a name
  gantry.docker.container_run:
    name: shell
    image: debian:12
    tty: true
    interactive: true
    env:
      LANG: C.UTF-8

- name: Have one from the newest image of that name, without the image's entrypoint
  gantry.docker.container_run:
    name: newest
    image: busybox
    pull: always
    entrypoint: ""
    command: sleep infinity

- name: Have one from an image that a command accepts by name and digest
  gantry.docker.container_run:
    name: accepted
    image: busybox
    command: sleep infinity
    verifier: [/bin/sh, -c, 'echo "$1" | grep -q @sha256:', accept, "{name}@{digest}"]

- name: Have a small server
  gantry.docker.container_run:
    name: server
    image: busybox
    command: httpd -f -h /srv
    init: true
    memory: 64M
    restart_policy: unless-stopped
    published_ports: ["127.0.0.1:8080:80"]
    volumes: ["srv:/srv:ro"]

- name: Have none of them
  gantry.docker.container_run:
    name: "{{ item }}"
    state: absent
    stop_timeout: 0
  loop: [sleeper, shell, newest, accepted, server]
"""

RETURN = r"""
spared:
  description: The reasons why a step was not done, or had another effect than foreseen. With O(existing=keep), another
    task may create a container of the same name at the same moment. With O(pull), a mirror may have another image than
    the registry, as described for M(gantry.docker.image_pull).
  returned: if this happened
  type: list
  elements: str
  sample: ["lock stays, as it was made meanwhile"]
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
actions:
  description: A sentence for each step that was done, or in check mode would be done.
  returned: success
  type: list
  elements: str
  sample: ["Started container sleeper from busybox:latest"]
container:
  description: The container as inspected, or null if there is none.
  returned: success
  type: dict
  sample: {"Id": "0458df13512c...", "Name": "/sleeper", "State": {"Status": "running"}}
"""

from ansible_collections.gantry.docker.plugins.module_utils import _task
from ansible_collections.gantry.docker.plugins.module_utils._operation import container_run

MOUNT = {
    "target": {"type": "str", "required": True},
    "type": {"type": "str", "choices": ["bind", "volume", "tmpfs"], "default": "volume"},
    "source": {"type": "str"},
    "read_only": {"type": "bool", "default": False},
    "tmpfs_size": {"type": "str"},
}
NETWORK = {
    "name": {"type": "str", "required": True},
    "aliases": {"type": "list", "elements": "str"},
    "ipv4_address": {"type": "str"},
}


def main() -> None:
    """Run the task."""
    states = ["started", "healthy", "stopped", "present", "absent"]
    policies = ["no", "on-failure", "always", "unless-stopped"]
    _task.run(
        container_run,
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": states, "default": "started"},
            "pull": {"type": "str", "choices": ["missing", "always", "never"], "default": "missing"},
            "existing": {"type": "str", "choices": ["replace", "keep"], "default": "replace"},
            **{name: {"type": "raw"} for name in ("command", "entrypoint")},
            **{name: {"type": "bool"} for name in ("tty", "interactive", "init")},
            **{name: {"type": "str"} for name in ("image", "user", "hostname", "memory")},
            **{name: {"type": "dict"} for name in ("env", "labels")},
            "working_dir": {"type": "str", "aliases": ["workdir"]},
            "cpus": {"type": "float"},
            "capabilities": {"type": "list", "elements": "str", "aliases": ["cap_add"]},
            "cap_drop": {"type": "list", "elements": "str"},
            "restart_policy": {"type": "str", "choices": policies},
            "restart_retries": {"type": "int"},
            "volumes": {"type": "list", "elements": "str"},
            "mounts": {"type": "list", "elements": "dict", "options": MOUNT},
            "published_ports": {"type": "list", "elements": "str", "aliases": ["ports"]},
            "networks": {"type": "list", "elements": "dict", "options": NETWORK},
            "stop_timeout": {"type": "int"},
            "healthy_wait_timeout": {"type": "int", "default": 300},
            "verifier": {"type": "list", "elements": "str"},
            "verifier_timeout": {"type": "int", "default": 60},
            **_task.ACCESS_SPEC,
        },
    )


if __name__ == "__main__":
    main()
