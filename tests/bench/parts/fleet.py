# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Delivery of an image to a fleet of hosts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.gantry.docker.tests.bench.content import RANDOM, load
from ansible_collections.gantry.docker.tests.bench.figures import MIB, Target, ratio
from ansible_collections.gantry.docker.tests.bench.parts.part import Bench, Part
from ansible_collections.gantry.docker.tests.bench.work import PROCESSES, Command, Group, Side
from ansible_collections.gantry.docker.tests.engines import engine as engines

_BASE, _APP = "bench/base:1", "bench/app:1"


def _fleet(bench: Bench) -> Iterator[Group]:
    below = bench.layers.layer(RANDOM, bench.choose(1024, 16) * MIB)
    above = bench.layers.layer(RANDOM, bench.choose(10, 1) * MIB, 1)
    bench.load({_APP: (below, above)})
    bench.docker("save", "--output", bench.file("app.tar"), _APP)
    hosts: list[engines.Engine] = []
    for number in (1,) if bench.quick else (1, 10):
        while len(hosts) < number:
            hosts.append(bench.cleanup.enter_context(engines.running(bench.engine.name, None)))
            load(hosts[-1], {_BASE: (below,)})
        yield _group(bench, hosts)


def _group(bench: Bench, hosts: list[engines.Engine]) -> Group:
    size = len(hosts)
    arrived, said = bench.file("arrived"), bench.file("said")
    absent = [f"DOCKER_HOST={host.docker_host} {host.socket.parent}/bin/docker image rm -f {_APP}" for host in hosts]
    reset = "; ".join([f"rm -rf {arrived}; mkdir {arrived}", *absent])
    inventory = Path(bench.file("inventory.json"))
    inventory.write_text(json.dumps(_inventory(hosts)))
    sides = []
    for number, (name, tasks) in enumerate(_ways(bench, arrived).items()):
        playbook = Path(bench.file(f"way{number}.json"))
        playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
        line = f"ansible-playbook --forks {min(size, _FORKS)} --inventory {inventory} {playbook}"
        ours = name in (_SRC, _SRC_IMAGES)
        if ours:
            line = f"{line} -v >{said} && {_noted(said, arrived)}"
        sides.append(Side(name, Command(line), reset, wire=arrived, ours=ours))
    return Group(_named(size), PROCESSES, tuple(sides), size)


def _named(size: int) -> str:
    return f"{size} host{'s' if size > 1 else ''}"


def _noted(said: str, arrived: str) -> str:
    """Return a command that makes a file of the size that each result says was sent: none is left on a host."""
    told = f"grep -o '\"bytes_transferred\": [0-9]*' {said}"
    return f'{told} | while read -r _key size; do truncate -s "$size" "$(mktemp -p {arrived})"; done'


def _inventory(hosts: list[engines.Engine]) -> dict[str, Any]:
    variables = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    listed = {f"host{number}": {**variables, "engine": host.docker_host} for number, host in enumerate(hosts)}
    return {"all": {"hosts": listed}}


def _ways(bench: Bench, arrived: str) -> dict[str, list[dict[str, Any]]]:
    """Return the tasks by the names of the sides."""
    archive, there = bench.file("app.tar"), f"{arrived}/{{{{ inventory_hostname }}}}.tar"
    images = {"src_images": _APP, "src_docker_host": bench.engine.docker_host}
    return {
        _PING: [{"ansible.builtin.ping": {}}, {"ansible.builtin.ping": {}}],
        _SRC: [{"gantry.docker.image_load": {"src": archive, "docker_host": "{{ engine }}"}}],
        _SRC_IMAGES: [{"gantry.docker.image_load": {**images, "docker_host": "{{ engine }}"}}],
        _WHOLE: [
            {"ansible.builtin.copy": {"src": archive, "dest": there, "mode": "0600"}},
            {"community.docker.docker_image_load": {"path": there, "docker_host": "{{ engine }}"}},
        ],
    }


# Ansible's own choice.
_FORKS = 5
_SRC, _SRC_IMAGES, _WHOLE = "image_load src", "image_load src_images", "copy, docker_image_load"
# A delivery runs its module twice.
_PING = "ping, twice"


def _targets() -> Iterator[Target]:
    for group in (_named(1), _named(10)):
        yield ratio(f"Delivery to {group}, by copy and load of the whole", 0.05, group, _SRC, _WHOLE)
        what = f"Delivery to {group}, less two pings, by copy and load of the whole"
        yield ratio(what, 0.05, group, _SRC, _WHOLE, less=_PING)


FLEET = Part(
    "fleet",
    "Delivery to a fleet",
    "An image of 10 MiB on a base of 1 GiB that the hosts have, in full runs: an archive of it copied to every host and"
    " loaded there; or delivered by image_load, from the archive with src, or from the engine with src_images. Whole"
    " runs of ansible-playbook, for 5 hosts at a time. Every host is a private engine on this one machine, so that"
    " copying costs no network, and all hosts share its processors; MiB sent are those of the archives that were sent."
    " A playbook with two pings is the floor.",
    _fleet,
    tuple(_targets()),
)
