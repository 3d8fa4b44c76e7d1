# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Retention: the images that may go."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._image.patterns import Pattern
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ListedName
from ansible_collections.gantry.docker.plugins.module_utils._retention.disk import Disk, Footprint
from ansible_collections.gantry.docker.plugins.module_utils._retention.forest import Forest, Node
from ansible_collections.gantry.docker.plugins.module_utils._retention.rules import (
    Candidate,
    Rules,
    least_that_fits,
    verdicts,
)

DIGEST = "sha256:" + "0" * 64


def candidate(*names: str, **more: Any) -> Candidate:
    """Return an image, unused and without children unless these values differ."""
    return identified("image", *names, **more)


def identified(image_id: str, *names: str, **more: Any) -> Candidate:
    """Return an image of this Id."""
    return Candidate(image_id, tuple(map(ListedName, names)), **more)


def patterns(*texts: str) -> tuple[Pattern, ...]:
    """Return these patterns."""
    return tuple(map(Pattern, texts))


@pytest.mark.parametrize(
    ("image", "keep", "goes_when_dangling", "goes_when_all"),
    [
        (candidate(), [], True, True),
        (candidate(users=("web",)), [], False, False),
        (candidate(parent=True), [], False, False),
        (candidate(), ["*"], True, True),
        (candidate("a:1"), [], False, True),
        (candidate("a:1"), ["b"], False, True),
        (candidate("a:1"), ["a"], False, False),
        (candidate("a:1", "b:1"), ["c", "b"], False, False),
        (candidate("a:1", users=("web",)), [], False, False),
        (candidate("a:1", parent=True), [], False, True),
        (candidate(f"a@{DIGEST}"), [], False, True),
        (candidate(f"a@{DIGEST}"), ["a"], False, False),
        (candidate("b:1", f"a@{DIGEST}"), ["a"], False, False),
    ],
)
def test_keep_keeps_names_that_match(
    image: Candidate, keep: list[str], goes_when_dangling: bool, goes_when_all: bool
) -> None:
    assert verdicts([image], Rules(True, patterns(*keep)))["image"].goes is goes_when_dangling
    assert verdicts([image], Rules(False, patterns(*keep)))["image"].goes is goes_when_all


LABELLED = {"stage": "test", "empty": ""}


@pytest.mark.parametrize(
    ("image", "rules", "reason"),
    [
        (candidate(), {"dangling_only": True}, None),
        (candidate("a:1"), {}, None),
        (candidate("a:1", users=("web (running)", "db (exited)")), {}, "used by web (running), db (exited)"),
        (candidate(parent=True), {}, "a part of other images"),
        (candidate("a:1"), {"dangling_only": True}, "has a name"),
        (candidate("a:1"), {"keep": patterns("b", "a")}, "kept by a"),
        (candidate("a:1"), {"keep_last": 1}, "among the newest 1 of a"),
        (candidate("a:1"), {"references": patterns("a:*", "b")}, None),
        (candidate("a:1", "c:1"), {"references": patterns("a", "b")}, "not all of its names match a, b"),
        (candidate(), {"references": patterns("*")}, "not all of its names match *"),
        (candidate(labels=LABELLED), {"labels": ("stage", "stage=test", "empty", "empty=")}, None),
        (candidate(labels=LABELLED), {"labels": ("stage", "stage=live")}, "has no label stage=live"),
        (candidate(labels=LABELLED), {"labels": ("stag",)}, "has no label stag"),
        (candidate(labels=LABELLED), {"no_labels": ("other", "stage=live")}, None),
        (candidate(labels=LABELLED), {"no_labels": ("other", "stage")}, "has the label stage"),
        (candidate(created=9), {"until": 10.0}, None),
        (candidate(created=10), {"until": 10.0}, "too new"),
    ],
)
def test_each_verdict_has_a_reason(image: Candidate, rules: dict[str, Any], reason: str | None) -> None:
    verdict = verdicts([image], Rules(**{"dangling_only": False, **rules}))["image"]
    assert verdict.goes is (reason is None)
    assert verdict.reason == (reason or ("unused" if image.names else "dangling"))


def test_the_newest_of_each_repository_stay() -> None:
    """Images in use count. Two repositories may keep one image. Of two equally old images, the lower Id is newer."""
    images = [
        identified("1", "a:1", created=1),
        identified("2", "a:2", "b:2", created=2),
        identified("3", "a:3", created=3, users=("web",)),
        identified("4", "a:4", created=4),
        identified("5", f"c@{DIGEST}", created=1),
        identified("6", "c:6", created=1),
        identified("7", created=9),
    ]

    def going(count: int) -> set[str]:
        return {found for found, verdict in verdicts(images, Rules(False, keep_last=count)).items() if verdict.goes}

    assert going(0) == {"1", "2", "4", "5", "6", "7"}
    assert going(1) == {"1", "6", "7"}
    assert going(2) == {"1", "7"}
    assert going(4) == {"7"}


def three_on_a_base() -> tuple[Forest, Disk]:
    """Return base (100) with b (10) and c (20) made from it, and a (5) that shares nothing."""
    nodes = [Node("base", (ListedName("base:1"),), (), ""), Node("a", (ListedName("a:1"),), (), "")]
    nodes += [Node(image, (ListedName(f"{image}:1"),), (), "base") for image in "bc"]
    footprints = {
        "base": Footprint(("base",), 100),
        "b": Footprint(("base", "b"), 110),
        "c": Footprint(("base", "c"), 120),
        "a": Footprint(("a",), 5),
    }
    return Forest(nodes), Disk(footprints, {"base": 100})


@pytest.mark.parametrize(
    ("order", "target", "gone", "size"),
    [
        (["base", "a", "b", "c"], 135, [], 135),
        (["base", "a", "b", "c"], 134, ["a"], 130),
        (["base", "a", "b", "c"], 125, ["a", "b"], 120),
        (["base", "a", "b", "c"], 100, ["a", "b", "c"], 100),
        (["base", "a", "b", "c"], 0, ["a", "b", "c", "base"], 0),
        (["c", "b", "a", "base"], 110, ["c", "b"], 105),
        (["c", "b", "base", "a"], 104, ["c", "b", "base"], 5),
        (["b", "a"], 0, ["b", "a"], 120),
        ([], 0, [], 135),
    ],
)
def test_the_least_that_fits_goes(order: list[str], target: int, gone: list[str], size: int) -> None:
    assert least_that_fits(order, *three_on_a_base(), target) == (tuple(gone), size)


@pytest.mark.parametrize(
    ("rules", "goes"),
    [
        (Rules(dangling_only=False), True),
        (Rules(dangling_only=False, references=patterns("a")), True),
        (Rules(dangling_only=False, until=1e12), False),
        (Rules(dangling_only=False, labels=("stage",)), False),
        (Rules(dangling_only=False, no_labels=("protect",)), False),
        (Rules(dangling_only=False, keep_last=1), False),
        (Rules(dangling_only=False, by_use=True), False),
    ],
)
def test_what_is_unknown_is_neither_old_nor_unlabelled(rules: Rules, goes: bool) -> None:
    verdict = verdicts([candidate("a:1", known=False)], rules)["image"]
    assert verdict.goes is goes
    assert ("unknown" in verdict.reason) is not goes


def test_what_is_unknown_takes_no_place_among_the_newest() -> None:
    images = [identified("known", "a:1", created=1), identified("unknown", "a:2", created=9, known=False)]
    found = verdicts(images, Rules(dangling_only=False, keep_last=1))
    assert not found["known"].goes and not found["unknown"].goes


def test_a_name_that_no_engine_can_remove_keeps_its_image() -> None:
    verdict = verdicts([candidate("A:1", stuck=("A:1",))], Rules(dangling_only=False))["image"]
    assert verdict == (False, "the engine can't remove the name A:1")
