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
    for is_ours, name in ((True, "image_save thin, copy, image_load"), (False, "docker_image_export, copy, …_load")):
        playbook = Path(bench.file(f"{'ours' if is_ours else 'plain'}.json"))
        playbook.write_text(json.dumps(_playbook(sent, arrived, is_ours)))
        line = f"ansible-playbook --forks {size} --inventory {inventory} {playbook}"
        sides.append(Side(name, Command(line), reset, wire=arrived, ours=is_ours))
    return Group(f"{size} host{'s' if size > 1 else ''}", PROCESSES, tuple(sides), size)


def _inventory(hosts: list[engines.Engine]) -> dict[str, Any]:
    variables = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    listed = {f"host{number}": {**variables, "engine": host.docker_host} for number, host in enumerate(hosts)}
    return {"all": {"hosts": listed}}


def _playbook(sent: str, arrived: str, is_ours: bool) -> list[dict[str, Any]]:
    there = f"{arrived}/{{{{ inventory_hostname }}}}.tar"
    if is_ours:
        save = {"gantry.docker.image_save": {"name": _APP, "path": sent, "exclude_layers_of": [_BASE]}}
        load_it = "gantry.docker.image_load"
    else:
        save = {"community.docker.docker_image_export": {"name": _APP, "path": sent}}
        load_it = "community.docker.docker_image_load"
    tasks = [
        {**save, "delegate_to": "localhost", "run_once": True},
        {"ansible.builtin.copy": {"src": sent, "dest": there, "mode": "0600"}},
        {load_it: {"path": there, "docker_host": "{{ engine }}"}},
    ]
    return [{"hosts": "all", "gather_facts": False, "tasks": tasks}]


FLEET = Part(
    "fleet",
    "Delivery to a fleet",
    "An image of 10 MiB on a base of 100 MiB that the hosts have, in full runs: saved where it was made, copied to"
    " every host, and loaded there. Whole runs of ansible-playbook. Every host is a private engine on this one machine,"
    " so that copying costs no network; MiB sent are those of the archives that were copied.",
    _fleet,
)
