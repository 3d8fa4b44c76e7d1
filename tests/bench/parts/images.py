# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many images: tasks with nothing to do, pull and prune."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from ansible_collections.gantry.docker.tests.bench import figures
from ansible_collections.gantry.docker.tests.bench.content import RANDOM
from ansible_collections.gantry.docker.tests.bench.figures import MIB, Target
from ansible_collections.gantry.docker.tests.bench.parts.part import BARE, PING, Bench, Part, ours, peer
from ansible_collections.gantry.docker.tests.bench.work import PROCESSES, TASKS, Command, Group, Side

_ITEM = "{{ item }}"
_NUMBERS = (10, 100, 1000)


def _here(bench: Bench) -> Iterator[Group]:
    some, many = bench.choose(20, 2), bench.choose(100, 4)
    names = bench.small_images("bench/here", range(many))
    one = names[0]
    pull = {"name": _ITEM, "pull": "not_present"}
    yield Group(
        "pull of what is here",
        TASKS,
        (
            PING,
            BARE,
            ours("image_pull of 1", "image_pull", {"names": [one]}),
            peer("docker_image_pull of 1", "docker_image_pull", {**pull, "name": one}),
            ours(f"image_pull of {some}", "image_pull", {"names": names[:some]}),
            peer(f"docker_image_pull in a loop of {some}", "docker_image_pull", pull, loop=tuple(names[:some])),
            ours(f"image_pull of {many}", "image_pull", {"names": names}),
            *(Side(f"curl, inspect of {len(asked)}", bench.questions(asked)) for asked in (names[:some], names)),
        ),
    )
    yield from islice(_nothing_to_do(one), bench.choose(3, 1))
    if not bench.quick:
        names += bench.small_images("bench/here", range(many, 1000))
        sides = (ours(f"image_pull of {number:,}", "image_pull", {"names": names[:number]}) for number in _NUMBERS)
        yield Group("pull of many that are here, of 1,000", TASKS, (BARE, *sides))


def _nothing_to_do(image: str) -> Iterator[Group]:
    """Yield groups of other tasks with nothing to do."""
    yield Group(
        "tag that is there",
        TASKS,
        (
            ours("image_tag", "image_tag", {"name": image, "repository": [image]}),
            peer("docker_image_tag", "docker_image_tag", {"name": image, "repository": [image]}),
        ),
    )
    yield Group(
        "info of one",
        TASKS,
        (
            ours("image_info", "image_info", {"name": image}),
            peer("docker_image_info", "docker_image_info", {"name": image}),
        ),
    )
    yield Group(
        "remove of what isn't there",
        TASKS,
        (
            ours("image_remove", "image_remove", {"name": "bench/none:1"}),
            peer("docker_image_remove", "docker_image_remove", {"name": "bench/none:1"}),
        ),
    )


def _here_targets() -> Iterator[Target]:
    group = "pull of what is here"
    loop = "docker_image_pull in a loop of 20"
    yield figures.ratio("20 images that are here, by a loop", 0.10, group, "image_pull of 20", loop)
    yield figures.ratio("100 images that are here, by 20", 1.3, group, "image_pull of 100", "image_pull of 20")
    yield figures.more(
        "100 images that are here, less 20, by curl that has the engine inspect them",
        1.1,
        group,
        ("image_pull of 20", "image_pull of 100"),
        ("curl, inspect of 20", "curl, inspect of 100"),
    )
    yield figures.ratio(
        "Pull of what is here, by docker_image_pull", 1.0, group, "image_pull of 1", "docker_image_pull of 1"
    )
    others = {"tag": "tag that is there", "info": "info of one", "remove": "remove of what isn't there"}
    for verb, other in others.items():
        what = f"{other[0].upper()}{other[1:]}, by docker_image_{verb}"
        yield figures.ratio(what, 1.0, other, f"image_{verb}", f"docker_image_{verb}")


def _pull(bench: Bench) -> Iterator[Group]:
    number = bench.choose(20, 2)
    names = bench.small_images("127.0.0.1:5001/bench/pull", range(number), size=MIB)
    for name in names:
        bench.docker("push", name)
    absent = f"docker image rm -f {' '.join(names)}"
    loop: dict[str, Any] = {"loop": tuple(names), "changed": True}
    lines = "; ".join(f"docker pull {name}" for name in names)
    yield Group(
        f"{number} images",
        TASKS,
        (
            ours("image_pull", "image_pull", {"names": names}, absent, changed=True),
            peer("docker_image_pull in a loop", "docker_image_pull", {"name": _ITEM}, absent, **loop),
            Side("docker pull, one after the other", Command(lines), absent),
        ),
    )


_PULL_TARGET = figures.ratio(
    "20 small images from a registry, by a loop", 0.6, "20 images", "image_pull", "docker_image_pull in a loop"
)


def _prune(bench: Bench) -> Iterator[Group]:
    below = (bench.layers.layer(RANDOM, 64 * 1024),)
    done = 0
    free: list[str] = []
    client = bench.engine.client()
    bench.cleanup.callback(client.close)
    for number in (50,) if bench.quick else (10, 100, 500, 1000):
        for name in bench.small_images("bench/prune", range(done, number), below=below):
            if int(name.rpartition("-")[2].partition(":")[0]) % 5 == 0:
                client.api.create_container(name, ["true"])
            else:
                free.append(name)
        done = number
        yield Group(
            f"{number:,} images",
            PROCESSES,
            (
                BARE,
                ours(_DANGLING, "image_prune", {}, check=True),
                ours(_UNUSED, "image_prune", {"dangling": False}, changed=True, check=True),
                Side(_LISTS, Command(_LISTED)),
                Side(_ALL, Command(f"{_LISTED}; {bench.questions(free).line}")),
            ),
            number,
        )


_DANGLING, _UNUSED, _LISTS = "image_prune of dangling ones", "image_prune of all unused", "docker image ls; docker ps"
_ALL = f"{_LISTS}; curl, inspect of all unused"
_LISTED = "docker image ls -q; docker ps -aq"


def _prune_targets() -> Iterator[Target]:
    small, large = "500 images", "1,000 images"
    for side, kind in ((_DANGLING, "of dangling ones"), (_UNUSED, "of all unused")):
        what = f"Plan of a prune {kind}, 1,000 images and 200 containers"
        yield figures.lasts(what, 2.0, large, side)
        yield figures.grows(f"{what}: growth from 500, by a linear one", 1.15, small, large, side, BARE.name)
    what = "Plan of a prune of all unused, 1,000 images and 200 containers"
    for limit, peer_side in ((2.0, _LISTS), (1.1, _ALL)):
        target = figures.ratio(f"{what}, by {peer_side}", limit, large, _UNUSED, peer_side)
        yield replace(target, engines="*-containerd")


HERE = Part(
    "here",
    "Nothing to do",
    "Tasks that find everything as it should be. Many images are one task of ours, and a loop otherwise.",
    _here,
    tuple(_here_targets()),
    plotted=True,
)
PULL = Part(
    "pull",
    "Pull",
    "Images of 1 MiB from a registry on the engine's own loopback.",
    _pull,
    (_PULL_TARGET,),
)
PRUNE = Part(
    "prune",
    "Plan of a prune",
    "A check run of image_prune. All images share a layer; every fifth has a container. Nobody else foresees what a"
    " prune removes, so the CLI's lists stand beside it.",
    _prune,
    tuple(_prune_targets()),
)
