# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random states of an engine: recipes, and the world that carries them out."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import docker
import requests

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration import scenes
from ansible_collections.gantry.docker.tests.soak.dice import (
    ARCHIVES,
    BUSYBOX,
    CONTAINERS,
    DIGESTS,
    MIRRORED,
    SEVERAL,
    Dice,
)

# The Id of a label whose image doesn't exist.
_NONE = f"sha256:{64 * '0'}"


class Step(NamedTuple):
    """One step of a recipe: a method of World and its arguments. label: that of the image which it makes."""

    what: str
    given: tuple[Any, ...]
    label: str = ""

    def __str__(self) -> str:
        return f"{self.label or '-'}: {self.what}({', '.join(map(repr, self.given))})"


class World:
    """An engine on which states are made and read.

    files: a directory for archives. known: the values of names in braces: Ids by labels, the registry's digests.
    """

    def __init__(self, engine: Engine, client: docker.DockerClient, files: Path, digests: dict[str, str]) -> None:
        self.engine, self.client, self.files = engine, client, files
        # Before 28 a containerd store doesn't list an image that lacks a part or is for another platform. So the
        # effect on it can't be observed.
        self.hides = engine.name == "trixie-containerd"
        self.known: dict[str, str] = defaultdict(lambda: _NONE, {**digests, "files": str(files)})

    def resolve(self, given: Any) -> Any:
        """Return drawn values with all names in braces replaced."""
        if isinstance(given, str):
            return given.format_map(self.known)
        if isinstance(given, dict):
            left_out = {"platform"} if self.hides else set()
            return {key: self.resolve(value) for key, value in given.items() if key not in left_out}
        return [self.resolve(value) for value in given] if isinstance(given, (list, tuple)) else given

    def take(self, step: Step) -> None:
        """Take a step. It is left out if the engine refuses it, as something is missing."""
        try:
            image = getattr(self, step.what)(*self.resolve(step.given))
        # docker.errors.APIError is an HTTPError. Lost content can't be lost again.
        except (requests.HTTPError, subprocess.CalledProcessError) as error:
            print(f"    left out: {error}")
            return
        if step.label:
            digits = image.partition(":")[2]
            self.known.update({step.label: image, f"{step.label}_short": digits[:12]})

    def pull(self, name: str, platform: str | None) -> str:
        """Pull an image; return its Id."""
        repository, _separator, tag = name.rpartition("@" if "@" in name else ":")
        return str(self.client.images.pull(repository, tag, platform=None if self.hides else platform).id)

    def dated(self, name: str, day: int, label: str) -> str:
        """Load an image that was made on a day of January 2020; return its Id."""
        return scenes.dated(self.client, name, day, {"kind": label})

    def child(self, parent: str, name: str | None) -> str:
        """Make an image from another one; return its Id."""
        return scenes.child(self.client, parent, name)

    def grown(self, parent: str, name: str, size: int) -> str:
        """Make an image from another one, with a layer of this size; return its Id."""
        return scenes.grown(self.client, parent, name, size)

    def tag(self, source: str, name: str) -> None:
        """Tag an image, even if another image has the name."""
        repository, _colon, tag = name.rpartition(":")
        self.client.api.tag(source, repository, tag, force=True)

    def remove(self, name: str, force: bool) -> None:
        """Remove a name, or an image by its Id."""
        self.client.api.remove_image(name, force=force, noprune=True)

    def container(self, name: str, image: str, state: str) -> None:
        """Make a container."""
        made = self.client.containers.create(image, ["tail", "-f", "/dev/null"], name=name, stop_signal="KILL")
        if state != "created":
            made.start()
        if state == "exited":
            made.kill()
            made.wait()

    def lose(self, image: str, part: str) -> None:
        """Lose a part of an image's content in a containerd store, as a removal during a pull can do."""
        if self.engine.store == "containerd" and not self.hides:
            scenes.lose(self.engine, self.client, image, part)

    def archive(self, path: str, names: list[str]) -> None:
        """Save images as docker save does."""
        scenes.save(self.client, Path(path), *names)


def draw(dice: Dice) -> list[Step]:
    """Return a recipe: the steps that make a state."""
    steps: list[Step] = []
    for number in range(dice.number(5, 12)):
        step = dice.weighted(_KINDS)(dice, f"i{number}") if steps else Step("pull", (BUSYBOX, None), "i0")
        steps.append(step)
        if step.label:
            dice.labels.append(step.label)
        if step.what != "remove":
            dice.made += [given for given in step.given if isinstance(given, str)]
        if step.what == "archive" and dice.maybe(0.6):  # then there is something to load
            steps.append(Step("remove", (step.given[1][0], True)))
    return steps


def _pull(dice: Dice, label: str) -> Step:
    name = dice.weighted({BUSYBOX: 2, MIRRORED: 2, SEVERAL: 3, dice.one(DIGESTS): 3})
    platform = dice.one((None, "linux/amd64", "linux/arm64")) if "several" in name else None
    return Step("pull", (name, platform), label)


def _dated(dice: Dice, label: str) -> Step:
    return Step("dated", (dice.name(), dice.number(1, 9), dice.one(("base", "tool"))), label)


def _child(dice: Dice, label: str) -> Step:
    return Step("child", (dice.image(), dice.name() if dice.maybe(0.6) else None), label)


def _grown(dice: Dice, label: str) -> Step:
    return Step("grown", (dice.image(), dice.name(), dice.one((10_000, 700_000))), label)


def _tag(dice: Dice, _label: str) -> Step:
    return Step("tag", (dice.image(), dice.name()))


def _remove(dice: Dice, _label: str) -> Step:
    return Step("remove", (dice.image(), dice.maybe(0.5)))


def _container(dice: Dice, _label: str) -> Step:
    return Step("container", (dice.one(CONTAINERS), dice.image(), dice.one(("created", "running", "exited"))))


def _archive(dice: Dice, _label: str) -> Step:
    return Step("archive", (dice.one(ARCHIVES), dice.several(dice.image, 3)))


def _lose(dice: Dice, _label: str) -> Step:
    return Step("lose", (dice.image(), dice.one(("manifest", "config", "layer"))))


_KINDS = {_pull: 4, _dated: 3, _child: 4, _grown: 2, _tag: 4, _remove: 4, _container: 4, _archive: 3, _lose: 3}
