#!/usr/bin/python

# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_run
short_description: Have a Docker container, running or not, or have it not
description:
  - Makes and starts a container of a given name, stops it, or removes it.
  - A container that differs from what is asked for is replaced, and the diff says in what. What is not asked for
    isn't compared. Of C(env) and C(labels) those are compared that are asked for, as the image gives others; a list or
    dictionary is otherwise meant to be whole.
  - If a new container can't be started, the old one is put back and runs again.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
extends_documentation_fragment:
  - gantry.docker.attributes
  - gantry.docker.connection
  - gantry.docker.registry.access
options:
  name:
    description:
      - The container's name. With O(state=absent), its Id will do too.
    type: str
    required: true
  state:
    description:
      - With V(started), the container is there and its command was started. Where the command has ended, it is started
        again.
      - With V(healthy), it is started and its health check, which is the image's, says that it is well. That is waited
        for, at most for O(healthy_wait_timeout).
      - With V(stopped), it is there and doesn't run.
      - With V(present), it is there, running or not. One that is replaced runs if the former one did.
      - With V(absent), there is no such container; its anonymous volumes go with it.
    type: str
    choices: [started, healthy, stopped, present, absent]
    default: started
  existing:
    description:
      - With V(replace), a container of the name that differs from what is asked for is replaced.
      - With V(keep), a container of the name stays as it is, in whatever it differs and whether it runs or not. Only
        where there is none, one is made. Of several tasks that do so at the same moment, one makes it and is changed;
        the others find it there.
      - V(keep) doesn't go with O(state=absent).
    type: str
    choices: [replace, keep]
    default: replace
  image:
    description:
      - The image, by name or by Id.
      - A container whose image's name means another image now is replaced. While the name means none, as its image was
        removed by force, the container stays.
      - If the image is here for another platform than that of the engine's host, on which it runs by emulation only, a
        task that makes a container of it warns.
      - Required where a container has to be made.
    type: str
  pull:
    description:
      - With V(missing), an image that isn't there is pulled if a container has to be made from it, as C(docker run)
        does.
      - With V(always), the registry is asked each time, and if it has another image under that name now, this is
        pulled and the container is replaced. An image that is there and is named by its Id or its digest needs no
        registry.
      - With V(never), the image must be on the engine.
      - A pull works as that of M(gantry.docker.image_pull), which knows more ways. A check run asks the registry too,
        so it knows a name that doesn't exist and a registry that can't be reached.
    type: str
    choices: [missing, always, never]
    default: missing
  command:
    description:
      - What to run, as a list of words, or as one string that is split like a shell does. Without it, what the image
        says, unless O(entrypoint) is given.
    type: raw
  entrypoint:
    description:
      - The program that O(command) is given to, as a list of words, or as one string that is split like a shell does.
        Without it, what the image says; with it, the image's command is not used.
      - An empty list or string clears the image's entrypoint, as C(docker run --entrypoint "") does. Then O(command) is
        what is run, and must be given.
    type: raw
  tty:
    description:
      - Give the command a terminal, as C(docker run -t).
    type: bool
  interactive:
    description:
      - Keep its standard input open, as C(docker run -i).
    type: bool
  env:
    description:
      - Environment variables, over those of the image.
    type: dict
  labels:
    description:
      - Labels, over those of the image.
    type: dict
  user:
    description:
      - The user to run it as, by name or number, with C(:group) if you like.
    type: str
  working_dir:
    description:
      - The directory in the container to run it in.
    type: str
    aliases: [workdir]
  hostname:
    description:
      - The name that the container has for itself.
    type: str
  init:
    description:
      - Run a small first process that hands on signals and reaps processes, as C(docker run --init).
    type: bool
  memory:
    description:
      - The most memory that it may use, as a number of bytes or with a unit, such as V(512M). Units are powers of 1024.
    type: str
  cpus:
    description:
      - How much of how many processors it may use, such as V(1.5).
    type: float
  capabilities:
    description:
      - Capabilities to give it beyond the usual ones, such as V(NET_ADMIN), or V(ALL).
    type: list
    elements: str
    aliases: [cap_add]
  cap_drop:
    description:
      - Capabilities to take from it.
    type: list
    elements: str
  restart_policy:
    description:
      - When the engine starts it again by itself.
    type: str
    choices: ["no", on-failure, always, unless-stopped]
  restart_retries:
    description:
      - How often to try with O(restart_policy=on-failure); V(0) for without end.
    type: int
  volumes:
    description:
      - What to mount, as C([SOURCE:]TARGET[:OPTIONS]). A source is a path of the engine's host or a volume's name;
        both are made if they aren't there. Without one, the volume is anonymous.
    type: list
    elements: str
  mounts:
    description:
      - What to mount, part by part.
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
          - For a bind a path of the engine's host, which must be there; for a volume its name, or nothing for an
            anonymous one.
        type: str
      read_only:
        description:
          - Whether the container can't write to it.
        type: bool
        default: false
      tmpfs_size:
        description:
          - The size of a tmpfs, as O(memory).
        type: str
  published_ports:
    description:
      - Ports to open to others, as C([[IP:]HOST:]CONTAINER[/PROTOCOL]). Without a port of the host, the engine chooses
        one.
    type: list
    elements: str
    aliases: [ports]
  networks:
    description:
      - The networks that it is connected to. They must be there.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The network's name.
        type: str
        required: true
      aliases:
        description:
          - Further names that the container has in the network.
        type: list
        elements: str
      ipv4_address:
        description:
          - The address that it has there.
        type: str
  stop_timeout:
    description:
      - How many seconds a container may take to stop by itself before it is killed. Without it, what the container
        says, or 10.
    type: int
  healthy_wait_timeout:
    description:
      - How many seconds to wait with O(state=healthy).
      - One that doesn't become healthy is removed if it was made by this task; a container that it replaced is put
        back.
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
  loop: [sleeper, shell, newest, server]
"""

RETURN = r"""
spared:
  description: Why something was not done after all, or otherwise than foreseen. With O(existing=keep) another may make
    a container of the name at the same moment. With O(pull) a mirror may have another image than the registry, as with
    M(gantry.docker.image_pull).
  returned: if that happened
  type: list
  elements: str
  sample: ["lock stays, as it was made meanwhile"]
actions:
  description: What was done, or in check mode what would be done, a sentence for each step.
  returned: success
  type: list
  elements: str
  sample: ["Started container sleeper from busybox:latest"]
container:
  description: The container as inspected; null if there is none.
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
            **_task.ACCESS_SPEC,
        },
    )


if __name__ == "__main__":
    main()
