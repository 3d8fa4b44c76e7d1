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
from ansible_collections.gantry.docker.tests.bench.figures import MIB
from ansible_collections.gantry.docker.tests.bench.parts.part import Bench, Part
from ansible_collections.gantry.docker.tests.bench.work import PROCESSES, Command, Group, Side
from ansible_collections.gantry.docker.tests.engines import engine as engines

_BASE, _APP = "bench/base:1", "bench/app:1"


def _fleet(bench: Bench) -> Iterator[Group]:
    below = bench.layers.layer(RANDOM, bench.choose(100, 10) * MIB)
    above = bench.layers.layer(RANDOM, bench.choose(10, 1) * MIB, 1)
    bench.load({_BASE: (below,)})
    bench.load({_APP: (below, above)})
    hosts: list[engines.Engine] = []
    for number in (1,) if bench.quick else (1, 10):
        while len(hosts) < number:
            hosts.append(bench.cleanup.enter_context(engines.running(bench.engine.name, None)))
            load(hosts[-1], {_BASE: (below,)})
        yield _group(bench, hosts)


def _group(bench: Bench, hosts: list[engines.Engine]) -> Group:
    size = len(hosts)
    arrived, sent = bench.file("arrived"), bench.file("sent.tar")
    absent = [f"DOCKER_HOST={host.docker_host} {host.socket.parent}/bin/docker image rm -f {_APP}" for host in hosts]
    reset = "; ".join([f"rm -rf {arrived} {sent}; mkdir {arrived}", *absent])
    inventory = Path(bench.file("inventory.json"))
    inventory.write_text(json.dumps(_inventory(hosts)))
    sides = []
    for number, (name, tasks) in enumerate(_WAYS.items()):
        playbook = Path(bench.file(f"way{number}.json"))
        playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks(sent, arrived)}]))
        line = f"ansible-playbook --forks {min(size, _FORKS)} --inventory {inventory} {playbook}"
        if tasks is _src:
            line = f"{line} -v >{bench.file('said')} && {_noted(bench.file('said'), arrived)}"
        sides.append(Side(name, Command(line), reset, wire=arrived, ours="docker_image" not in name))
    return Group(f"{size} host{'s' if size > 1 else ''}", PROCESSES, tuple(sides), size)


def _noted(said: str, arrived: str) -> str:
    """Return a command that makes a file of the size that each result says was sent: none is left on a host."""
    told = f"grep -o '\"bytes_transferred\": [0-9]*' {said}"
    return f'{told} | while read -r _key size; do truncate -s "$size" "$(mktemp -p {arrived})"; done'


def _inventory(hosts: list[engines.Engine]) -> dict[str, Any]:
    variables = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    listed = {f"host{number}": {**variables, "engine": host.docker_host} for number, host in enumerate(hosts)}
    return {"all": {"hosts": listed}}


def _thin(sent: str, arrived: str) -> list[dict[str, Any]]:
    save = {"gantry.docker.image_save": {"name": _APP, "path": sent, "exclude_layers_of": [_BASE]}}
    return _copied(save, sent, arrived, "gantry.docker.image_load")


def _whole(sent: str, arrived: str) -> list[dict[str, Any]]:
    save = {"community.docker.docker_image_export": {"name": _APP, "path": sent}}
    return _copied(save, sent, arrived, "community.docker.docker_image_load")


def _copied(save: dict[str, Any], sent: str, arrived: str, load_it: str) -> list[dict[str, Any]]:
    there = f"{arrived}/{{{{ inventory_hostname }}}}.tar"
    return [
        {**save, **_ON_CONTROLLER},
        {"ansible.builtin.copy": {"src": sent, "dest": there, "mode": "0600"}},
        {load_it: {"path": there, "docker_host": "{{ engine }}"}},
    ]


def _src(sent: str, _arrived: str) -> list[dict[str, Any]]:
    return [
        {"gantry.docker.image_save": {"name": _APP, "path": sent}, **_ON_CONTROLLER},
        {"gantry.docker.image_load": {"src": sent, "docker_host": "{{ engine }}"}},
    ]


_ON_CONTROLLER = {"delegate_to": "localhost", "run_once": True}
# Ansible's own choice.
_FORKS = 5
_WAYS = {
    "image_save, image_load src": _src,
    "image_save thin, copy, image_load": _thin,
    "docker_image_export, copy, …_load": _whole,
}
FLEET = Part(
    "fleet",
    "Delivery to a fleet",
    "An image of 10 MiB on a base of 100 MiB that the hosts have, in full runs: saved where it was made, copied to"
    " every host, and loaded there; or saved whole, and delivered by image_load with src, which sends each host what it"
    " lacks. Whole runs of ansible-playbook, for up to 5 hosts at a time. Every host is a private engine on this one"
    " machine, so that copying costs no network; MiB sent are those of the archives that were copied.",
    _fleet,
)
