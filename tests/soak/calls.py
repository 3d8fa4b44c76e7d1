# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random calls of modules. Most make sense, and some must be refused."""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible_collections.gantry.docker.tests.soak.dice import DIGESTS, NAMES, REGISTRY, SEVERAL, Dice

_PATTERNS = ("a", "a:*", "*:1", "b:[12]", "example/*", "busybox", f"{REGISTRY}/*", "docker.io/*", "?:2", "*")


class Call(NamedTuple):
    """A module and its parameters, with names in braces as in recipes."""

    module: str
    params: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.module}({', '.join(f'{key}={value!r}' for key, value in self.params.items())})"


def draw(dice: Dice) -> Call:
    """Return a call."""
    drawn = dice.weighted(_CALLS)
    return Call(drawn.__name__.lstrip("_"), {key: value for key, value in drawn(dice).items() if value is not None})


def _image_tag(dice: Dice) -> dict[str, Any]:
    return {"name": dice.image(), "repository": dice.several(dice.name, 3), "existing": dice.one(("move", "keep"))}


def _image_remove(dice: Dice) -> dict[str, Any]:
    def selection() -> str:
        return dice.one(_PATTERNS[:-1]) if dice.maybe(0.25) else dice.image()

    return {
        "names": dice.several(selection, 3),
        "force": dice.maybe(0.3),
        "prune": dice.maybe(0.8),
        "containers": dice.weighted({"keep": 2, "remove_stopped": 1}),
    }


def _image_prune(dice: Dice) -> dict[str, Any]:
    def some(*choices: str) -> list[str]:
        return dice.several(lambda: dice.one(choices), 2)

    rules: dict[str, Any] = {
        "label": some("kind", "kind=base", "kind=tool") if dice.maybe(0.1) else None,
        "label_not": some("kind=base", "kind=tool") if dice.maybe(0.1) else None,
        "until": dice.one(("2020-01-05", "24h", "1578009600")) if dice.maybe(0.15) else None,
        "keep": some(*_PATTERNS[:-1]) if dice.maybe(0.3) else None,
        "target_size": dice.one(("0", "10KB", "2MB", "3MB", "1GB")) if dice.maybe(0.2) else None,
        "explain": dice.maybe(0.3),
    }
    if dice.maybe(0.2):
        return {**rules, "dangling": True}
    return {
        **rules,
        "dangling": False,
        "keep_last": dice.number(1, 2) if dice.maybe(0.2) else None,
        "reference": some(*_PATTERNS) if dice.maybe(0.2) else None,
    }


def _image_pull(dice: Dice) -> dict[str, Any]:
    def remote() -> str:
        return dice.likely(DIGESTS) if dice.maybe(0.2) else dice.one((*NAMES[:3], *NAMES[:3], "nosuch:1"))

    names = dice.several(remote, 2)
    platform = dice.one((None, "linux/amd64", "linux/arm64")) if SEVERAL in names else None
    return {"names": names, "policy": dice.one(("missing", "newer", "always")), "platform": platform}


def _image_save(dice: Dice) -> dict[str, Any]:
    return {
        "names": dice.several(dice.image, 3),
        "path": dice.archive(),
        "tags": dice.one(("named", "all")),
        "platform": dice.one(("linux/amd64", "linux/arm64")) if dice.maybe(0.1) else None,
        "exclude_layers_of": dice.several(dice.image, 2) if dice.maybe(0.3) else None,
        "force": dice.maybe(0.3),
    }


def _image_load(dice: Dice) -> dict[str, Any]:
    return {
        "src" if dice.maybe(0.3) else "path": dice.archive(),
        "names": dice.several(lambda: dice.likely(NAMES), 2) if dice.maybe(0.3) else None,
        "transfer": dice.weighted({"auto": 3, "full": 1}),
    }


def _image_commit(dice: Dice) -> dict[str, Any]:
    changes = ["CMD true"], ["ENV a=1"], ["LABEL kind=tool", "USER 1"]
    return {
        "container": dice.container(),
        "names": dice.several(dice.name, 2),
        "changes": dice.one(changes) if dice.maybe(0.4) else None,
        "labels": {"kind": "base"} if dice.maybe(0.3) else None,
    }


def _container_run(dice: Dice) -> dict[str, Any]:
    states = {"started": 3, "stopped": 1, "present": 2, "absent": 2}
    return {
        "name": dice.container(),
        "image": dice.image() if dice.maybe(0.9) else None,
        "state": dice.weighted(states),
        "command": ["tail", "-f", "/dev/null"],
        "env": {"a": dice.one(("1", "2"))} if dice.maybe(0.3) else None,
        "stop_timeout": 0,
    }


_CALLS = {
    _image_tag: 3,
    _image_remove: 5,
    _image_prune: 5,
    _image_pull: 4,
    _image_save: 3,
    _image_load: 4,
    _image_commit: 2,
    _container_run: 2,
}
