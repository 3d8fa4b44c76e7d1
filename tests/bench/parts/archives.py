# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Save and load: of archives that are up to date, that aren't, and of images that are there in part."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from ansible_collections.gantry.docker.tests.bench import figures
from ansible_collections.gantry.docker.tests.bench.content import DEBIAN, RANDOM
from ansible_collections.gantry.docker.tests.bench.figures import MIB, Target
from ansible_collections.gantry.docker.tests.bench.parts.part import (
    BARE,
    GIB,
    PATIENCE,
    Bench,
    LeftOut,
    Part,
    ours,
    peer,
    sized,
)
from ansible_collections.gantry.docker.tests.bench.work import PROCESSES, TASKS, Command, Group, Side

_ENDINGS = {"plain": ".tar", "zstd": ".tar.zst", "gzip": ".tar.gz"}


def _unchanged(bench: Bench) -> Iterator[Group]:
    for kind in (RANDOM,) if bench.quick else (RANDOM, DEBIAN):
        for size in bench.sizes:
            yield from _unchanged_of(bench, kind, size)


def _unchanged_of(bench: Bench, kind: str, size: int) -> Iterator[Group]:
    image = bench.image(kind, size)
    bench.layers.discard(kind, size)
    for form, ending in _ENDINGS.items():
        # The archive is written only once here, but gzip takes too long.
        if (bench.quick and form != "zstd") or (form == "gzip" and size > PATIENCE):
            continue
        path, other = bench.file(f"unchanged{ending}"), bench.file("other.tar")
        save = ours("image_save", "image_save", {"name": image, "path": path})
        bench.runner.do(save.work)
        load = ours("image_load", "image_load", {"path": path})
        export = peer("docker_image_export", "docker_image_export", {"name": image, "path": other}, changed=None)
        upload = peer("docker_image_load", "docker_image_load", {"path": path}, changed=None)
        compared = size <= PATIENCE and form == "plain"
        for verb, side, others in (("save", save, [export]), ("load", load, [upload])):
            sides = (BARE, side, *(others if compared else []))
            yield Group(f"{verb}, {form}, {kind}, {sized(size)}", TASKS, sides, size)
        for file in (path, other):
            Path(file).unlink(missing_ok=True)
    bench.docker("image rm", image)


def _growth(bench: Bench) -> Iterator[Group]:
    if bench.quick:
        raise LeftOut("small runs can't show it")
    size = 10 * GIB
    # The engine may hold it packed and unpacked, and writes it once more to save it; then there is the archive.
    needed = 4.2 * size
    if shutil.disk_usage(bench.engine.files).free < needed:
        raise LeftOut(f"it takes {needed / GIB:.0f} GiB of free disk")
    yield from _unchanged_of(bench, RANDOM, size)


def _unchanged_targets(label: str) -> Iterator[Target]:
    sentences = {"save": "Save to an archive that is up to date", "load": "Load of an image that is there"}
    for verb, sentence in sentences.items():
        for form in ("plain", "zstd"):
            what = f"{sentence}, {label}, {form}, by a bare module"
            yield figures.ratio(what, 1.25, f"{verb}, {form}, {RANDOM}, {label}", f"image_{verb}", BARE.name)


_LINES = {"plain": "docker save -o", "zstd": "docker save | zstd -3 -T0 >", "gzip": "docker save | gzip >"}


def _by_cli(what: str, limit: float, group: str, side: str, line: str) -> Iterator[Target]:
    """Yield targets for a module beside the CLI: as it is, and without the start of Python and Ansible."""
    yield figures.ratio(f"{what}, by {line}", limit, group, side, line)
    yield figures.ratio(f"{what}, less a bare module, by {line}", limit, group, side, line, less=BARE.name)


def _save(bench: Bench, form: str) -> Iterator[Group]:
    for kind in (RANDOM, DEBIAN):
        for size in bench.sizes:
            if form == "gzip" and size > PATIENCE:
                continue
            image = bench.image(kind, size)
            sides = (BARE, *_saves(bench, image, form, size))
            yield Group(f"{form}, {kind}, {sized(size)}", PROCESSES, sides, size)
            bench.docker("image rm", image)


def _saves(bench: Bench, image: str, form: str, size: int) -> Iterator[Side]:
    path = bench.file("saved")
    reset = f"rm -f {path}"
    arguments = {"name": image, "path": path}
    compression = {"compression": "none" if form == "plain" else form}
    yield ours("image_save", "image_save", {**arguments, **compression}, reset, changed=True)
    line = _LINES[form]
    yield Side(line, Command(f"{line.replace('docker save', f'docker save {image}')} {path}"), reset)
    if form == "plain" and size <= PATIENCE:
        yield peer("docker_image_export", "docker_image_export", arguments, reset, changed=True)


def _save_targets(form: str) -> Iterator[Target]:
    for kind in (RANDOM, DEBIAN):
        group = f"{form}, {kind}, 1 GiB"
        # The CLI that comes with the old engine doesn't have its file on the disk when it ends.
        for limit, engines in ((1.05, "[!b]*"), (1.15, "bookworm-*")):
            for target in _by_cli(f"Save, {group}", limit, group, "image_save", _LINES[form]):
                yield replace(target, engines=engines)
        yield figures.holds(f"Memory of it above a bare module's, {group}", 64, group, "image_save", BARE.name)


def _load(bench: Bench) -> Iterator[Group]:
    for kind in (RANDOM, DEBIAN):
        for size in bench.sizes:
            image, path = bench.image(kind, size), bench.file("archive.tar")
            bench.docker("save -o", path, image)
            absent = f"docker image rm -f {image}"
            full = {"path": path, "transfer": "full"}
            upload = peer("docker_image_load", "docker_image_load", {"path": path}, absent, changed=True)
            sides = [
                BARE,
                ours("image_load", "image_load", full, absent, changed=True),
                Side("docker load -i", Command(f"docker load -i {path}"), absent),
                *([upload] if size <= PATIENCE else []),
            ]
            yield Group(f"{kind}, {sized(size)}", PROCESSES, tuple(sides), size)
            bench.docker("image rm", image)


def _load_targets() -> Iterator[Target]:
    for kind in (RANDOM, DEBIAN):
        group = f"{kind}, 1 GiB"
        yield from _by_cli(f"Full load, {group}", 1.05, group, "image_load", "docker load -i")
        yield figures.holds(f"Memory of it above a bare module's, {group}", 64, group, "image_load", BARE.name)


def _thin(bench: Bench) -> Iterator[Group]:
    base, more = bench.choose(GIB, 10 * MIB), bench.choose(10 * MIB, MIB)
    below = bench.layers.layer(RANDOM, base)
    bench.load({"bench/base:1": (below,)})
    bench.load({"bench/app:1": (below, bench.layers.layer(RANDOM, more, 1))})
    path = bench.file("app.tar")
    bench.docker("save -o", path, "bench/app:1")
    absent = "docker image rm -f bench/app:1"
    yield Group(
        f"{sized(more)} on {sized(base)}",
        PROCESSES,
        (
            BARE,
            ours("image_load", "image_load", {"path": path}, absent, changed=True),
            Side("docker load -i", Command(f"docker load -i {path}"), absent),
        ),
        base,
    )


_THIN_GROUP = "10 MiB on 1 GiB"

UNCHANGED = Part(
    "unchanged",
    "Archives that are up to date",
    "Save to an archive that holds the images already, and load of one whose images are there.",
    _unchanged,
    tuple(_unchanged_targets("1 GiB")),
)
GROWTH = Part(
    "growth",
    "Large archives that are up to date",
    "As above, with 10 GiB: the cost must not grow with the size.",
    _growth,
    tuple(_unchanged_targets("10 GiB")),
    plotted=True,
)
SAVES = tuple(
    Part(
        f"save-{form}",
        f"Save, {form}",
        "Save to a file that isn't there, of random bytes and of Debian's files. The module verifies what it writes,"
        " and has it on the disk before it ends.",
        partial(_save, form=form),
        tuple(_save_targets(form)) if form != "gzip" else (),
    )
    for form in _LINES
)
LOAD = Part(
    "load",
    "Full load",
    "Load of an archive of which nothing is there, as `docker save` of that engine wrote it.",
    _load,
    tuple(_load_targets()),
)
THIN = Part(
    "thin",
    "Load of what is missing",
    "Load of an image whose lower layer is there.",
    _thin,
    (
        *_by_cli(f"Load of {_THIN_GROUP}", 0.1, _THIN_GROUP, "image_load", "docker load -i"),
        figures.sends(f"What load of {_THIN_GROUP} sends", 11, _THIN_GROUP, "image_load"),
    ),
    plotted=True,
)
