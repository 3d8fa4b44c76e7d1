# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_remove's parse and plan."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.docker.plugins.module_utils.engine.containers import ContainerSummary
from ansible_collections.gantry.docker.plugins.module_utils.engine.images import Image, ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils.image.errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils.operation import image_remove
from ansible_collections.gantry.docker.plugins.module_utils.operation.plan import Plan

LOW, MIDDLE, TOP = (f"sha256:{digit * 64}" for digit in "123")
DIGEST = "@sha256:" + "0" * 64
SHORT = TOP.removeprefix("sha256:")[:12]


def image(identifier: str, *names: str, parent: str = "") -> ImageSummary:
    """An image with these tags and digests."""
    tags = tuple(name for name in names if "@" not in name)
    return ImageSummary(identifier, tags, tuple(set(names) - set(tags)), parent, created=0, size=0)


CHAIN = [image(LOW, "low:1"), image(MIDDLE, parent=LOW), image(TOP, "top:1", "top:2", parent=MIDDLE)]


def planned(images: list[ImageSummary], names: list[str], used: tuple[str, ...] = ()) -> Plan:
    """The plan to remove these names; used: the Ids of images with a container each."""
    wanted = image_remove.parse({"names": names, "tag": "latest"})
    found = {name: _meant(str(name), images) for name in wanted.names}
    containers = [ContainerSummary(f"c{index}", f"c{index}", of, "", "running") for index, of in enumerate(used)]
    there = {name: Image(meant) for name, meant in found.items() if meant}
    return image_remove.plan(wanted, image_remove.Observed(there, tuple(images), tuple(containers)))


def _meant(name: str, images: list[ImageSummary]) -> dict[str, object] | None:
    """The image of a name, as an engine inspects it."""
    short = f"sha256:{name.removesuffix(':latest')}"
    for one in images:
        if name in (one.id, *one.tags, *one.digests) or (len(short) == 19 and one.id.startswith(short)):
            return {"Id": one.id, "RepoTags": list(one.tags), "RepoDigests": list(one.digests)}
    return None


@pytest.mark.parametrize(
    ("images", "names", "calls"),
    [
        ([], ["a"], []),
        (CHAIN, [], []),
        (CHAIN, ["none", MIDDLE.replace("2", "4")], []),
        (CHAIN, ["top:1"], ["top:1"]),
        (CHAIN, ["low:1"], ["low:1"]),
        (CHAIN, ["top:2", "top:1"], ["top:2", "top:1", MIDDLE]),
        (CHAIN, ["low:1", "top:2", "top:1"], ["top:2", "top:1", MIDDLE, "low:1"]),
        (CHAIN, [TOP], ["top:1", "top:2", MIDDLE]),
        (CHAIN, [SHORT], ["top:1", "top:2", MIDDLE]),
        (CHAIN, ["top:2", TOP, SHORT, "top:1"], ["top:2", "top:1", MIDDLE]),
        (CHAIN, [LOW, MIDDLE, TOP], ["top:1", "top:2", MIDDLE, "low:1"]),
        ([image(LOW)], [LOW], [LOW]),
        ([image(LOW, f"a{DIGEST}")], [f"a{DIGEST}"], [f"a{DIGEST}"]),
        ([image(LOW, f"a{DIGEST}", "b:1")], [f"a{DIGEST}"], [f"a{DIGEST}"]),
        ([image(LOW, f"a{DIGEST}", "b:1")], ["b:1"], ["b:1"]),
        ([image(LOW, f"a{DIGEST}", "b:1")], [LOW], ["b:1", f"a{DIGEST}"]),
        ([image(LOW, f"a{DIGEST}", "a:1")], ["a:1"], ["a:1"]),
    ],
)
def test_calls(images: list[ImageSummary], names: list[str], calls: list[str]) -> None:
    plan = planned(images, names)
    assert [step.deletion.name for step in plan.steps] == calls
    assert plan.changed is bool(calls)
    assert (plan.before != plan.after) is bool(calls)


def test_before_after_and_sentences() -> None:
    plan = planned(CHAIN, ["low:1", TOP])
    assert plan.before == {LOW: ["low:1"], MIDDLE: [], TOP: ["top:1", "top:2"]}
    assert plan.after == {LOW: None, MIDDLE: None, TOP: None}
    assert plan.actions == [
        "Untagged top:1",
        f"Removed image top:2 ({TOP})",
        f"Removed image ({MIDDLE})",
        f"Removed image low:1 ({LOW})",
    ]


@pytest.mark.parametrize(
    ("names", "used", "said"),
    [
        # Used images that would go
        (["top:1", "top:2"], [TOP], ["top:1, top:2 is used by c0 (running)", "Nothing was removed"]),
        (["low:1", TOP], [TOP, TOP], ["top:1, top:2 is used by c0 (running), c1 (running)"]),
        (["low:1"], [LOW], ["low:1 is used by c0 (running)"]),
        ([TOP, MIDDLE], [MIDDLE], [f"{MIDDLE} is used by c0 (running)"]),
        (["low:1", TOP], [TOP, LOW], ["low:1 is used by c1", "top:2 is used by c0"]),
        # Images that others come from, by their Id
        ([MIDDLE], [], [f"{MIDDLE} can't be removed", "top:1, top:2"]),
        ([LOW], [], [f"{LOW} can't be removed", MIDDLE]),
        ([MIDDLE, "top:1"], [], ["others were made from it: top:2"]),
    ],
)
def test_refusals(names: list[str], used: list[str], said: list[str]) -> None:
    with pytest.raises(GantryError) as raised:
        planned(CHAIN, names, tuple(used))
    assert all(words in raised.value.message for words in said), raised.value.message


@pytest.mark.parametrize(
    ("names", "used", "gone"),
    [
        # One name of a used image may go as long as another stays; so may the name of a used one's parent
        (["top:1"], [TOP], []),
        (["low:1"], [TOP], []),
        # A used parent stays without its child
        ([TOP], [MIDDLE], [TOP]),
        ([TOP], [LOW], [TOP, MIDDLE]),
        # The container of an image that is gone already
        (["low:1"], ["sha256:" + "9" * 64], []),
    ],
)
def test_used_ones_that_are_in_no_danger(names: list[str], used: list[str], gone: list[str]) -> None:
    plan = planned(CHAIN, names, tuple(used))
    assert [identifier for step in plan.steps for identifier in step.deletion.deleted] == gone


def test_digest_that_is_tagged() -> None:
    with pytest.raises(GantryError) as raised:
        planned([image(LOW, f"a{DIGEST}", "a:1", "a:2", "b:1")], [f"a{DIGEST}"])
    assert f"a{DIGEST} is tagged as a:1, a:2" in raised.value.message
    assert LOW in raised.value.message


@pytest.mark.parametrize("name", ["", " ", "A", "a:", "a:*", "a@sha256:1", "sha256:1"])
def test_bad_names(name: str) -> None:
    with pytest.raises(InvalidInput):
        image_remove.parse({"names": ["busybox", name], "tag": "latest"})
