# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers: commits, commands in them, and tasks in them."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.gantry.docker.tests.bench import figures
from ansible_collections.gantry.docker.tests.bench.figures import MIB, Target
from ansible_collections.gantry.docker.tests.bench.parts.part import BARE, Bench, Part, ours, peer, sized
from ansible_collections.gantry.docker.tests.bench.work import PROCESSES, TASKS, Command, Group, Module, Side


def _commit(bench: Bench) -> Iterator[Group]:
    bench.docker("pull debian:12")
    for size in (MIB,) if bench.quick else (10 * MIB, 100 * MIB):
        yield from _commits(bench, size)
    bench.docker("create --name proof --read-only debian:12 true")
    proved = ours("image_commit", "image_commit", {"container": "proof", "name": "bench/proof:1"})
    bench.runner.do(proved.work)
    info = ours("image_info", "image_info", {"name": "bench/proof:1"})
    yield Group("proved to change nothing", PROCESSES, (BARE, proved, info))


def _commits(bench: Bench, size: int) -> Iterator[Group]:
    container = f"bench-{size}"
    bench.docker(f"run --detach --name {container} debian:12 sleep infinity")
    bench.docker(f"exec {container} sh -c 'head -c {size} /dev/urandom >/data'")
    arguments = {"container": container, "name": "bench/commit:1"}
    same = ours("image_commit", "image_commit", arguments)
    bench.runner.do(same.work)
    line = Command(f"docker commit {container} bench/peer:1")
    # Without its image, the CLI starts from the same state as the module's trial.
    rid = "docker image rm -f bench/peer:1"
    sides = (BARE, same, Side("docker commit", line, rid))
    yield Group(f"unchanged, {sized(size)}", PROCESSES, sides, size)
    write = f"docker exec {container} sh -c 'date +%s%N >/moment'"
    changed = ours("image_commit", "image_commit", arguments, write, changed=True)
    sides = (BARE, changed, Side("docker commit", line, f"{rid}; {write}"))
    yield Group(f"changed, {sized(size)}", PROCESSES, sides, size)
    bench.docker("rm --force", container)


def _commit_targets() -> Iterator[Target]:
    for size in ("10 MiB", "100 MiB"):
        what = f"Commit that changes nothing, {size} written, less a bare module, by docker commit"
        yield figures.ratio(what, 1.0, f"unchanged, {size}", "image_commit", "docker commit", less=BARE.name)
    what = "Commit that is proved to change nothing, by image_info"
    yield figures.ratio(what, 2.0, "proved to change nothing", "image_commit", "image_info")


def _exec(bench: Bench) -> Iterator[Group]:
    bench.docker("run --detach --name bench busybox sleep 1000000")
    word = {"container": "bench", "argv": ["true"]}
    yield Group(
        "true",
        TASKS,
        (
            BARE,
            ours("container_exec", "container_exec", word, changed=True),
            peer("docker_container_exec", "docker_container_exec", word, changed=True),
            Side("shell: docker exec", Command("docker exec bench true")),
        ),
    )


_OURS, _BY_CLI, _BY_API = "gantry.docker.container", "community.docker.docker", "community.docker.docker_api"


def _connection(bench: Bench) -> Iterator[Group]:
    bench.docker("run --detach --name bench 127.0.0.1:5000/gantry/python:3 sleep infinity")
    for state in ("on",) if bench.quick else ("on", "off"):
        variables = {
            "ansible_host": "bench",
            "ansible_pipelining": state == "on",
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_docker_docker_host": bench.engine.docker_host,
        }
        sides = tuple(
            Side(
                plugin,
                Module("ansible.builtin.ping"),
                host={**variables, "ansible_connection": plugin},
                ours=plugin == _OURS,
            )
            for plugin in (_OURS, _BY_CLI, _BY_API)
        )
        yield Group(f"ping, pipelining {state}", TASKS, sides)


def _connection_targets() -> Iterator[Target]:
    for state in ("on", "off"):
        for other in (_BY_CLI, _BY_API):
            what = f"A task in a container, pipelining {state}, by {other}"
            yield figures.ratio(what, 1.0, f"ping, pipelining {state}", _OURS, other)


COMMIT = Part(
    "commit",
    "Commit",
    "A running container of debian:12 with a file of random bytes, committed again and again: unchanged, and with a"
    " small file written anew. At last one whose container can't have changed.",
    _commit,
    tuple(_commit_targets()),
)
EXEC = Part("exec", "A command in a container", "`true` in a container that runs.", _exec)
CONNECTION = Part(
    "connection",
    "Tasks in a container",
    "A ping in a container that runs, by connection plugin.",
    _connection,
    tuple(_connection_targets()),
)
