# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_remove's parse and plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._container.containers import ContainerSummary
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image, ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.patterns import Pattern
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ListedName
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_remove
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan, Report, Taken

LOW, MIDDLE, TOP = (f"sha256:{digit * 64}" for digit in "123")
DIGEST = "@sha256:" + "0" * 64
SHORT = TOP.removeprefix("sha256:")[:12]


OPTIONS = {"tag": "latest", "force": False, "prune": True, "containers": "keep"}


def image(identifier: str, *names: str, parent: str = "", pinned: bool = False) -> ImageSummary:
    """Return an image with these tags and digests. pinned: whether a containerd store keeps its digests."""
    listed = tuple(map(ListedName, names))
    tags = tuple(name for name in listed if name.tag)
    digests = tuple(set(listed) - set(tags))
    return ImageSummary(identifier, tags, digests, parent, created=0, size=0, pinned=digests if pinned else ())


CHAIN = [image(LOW, "low:1"), image(MIDDLE, parent=LOW), image(TOP, "top:1", "top:2", parent=MIDDLE)]


def planned(
    images: list[ImageSummary],
    names: list[str],
    used: Sequence[tuple[str, str] | str] = (),
    containerd: bool = False,
    **options: Any,
) -> Plan:
    """The plan to remove these names.

    used: the Ids of images with a container each, that runs unless another state is told with it.
    """
    wanted = image_remove.parse({**OPTIONS, "names": names, **options})
    found = {name: _meant(str(name), images) for name in wanted.selections if not isinstance(name, Pattern)}
    states = [(of, "running") if isinstance(of, str) else of for of in used]
    containers = [ContainerSummary(f"c{index}", f"c{index}", of, "", state) for index, (of, state) in enumerate(states)]
    there = {name: Image(meant) for name, meant in found.items() if meant}
    return image_remove.plan(wanted, image_remove.Observed(there, tuple(images), tuple(containers), containerd))


def _meant(name: str, images: list[ImageSummary]) -> dict[str, object] | None:
    """Return the image of a name, as an engine inspects it."""
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
        # Patterns take the names that match, also if another pattern or a name has taken them before
        (CHAIN, ["none*", "?"], []),
        (CHAIN, ["top*"], ["top:1", "top:2", MIDDLE]),
        (CHAIN, ["*:1"], ["top:1", "low:1"]),
        (CHAIN, ["top:1", "t*:1"], ["top:1"]),
        (CHAIN, ["*"], ["top:1", "top:2", MIDDLE, "low:1"]),
        (CHAIN, ["top:[!1]", "top:1", "t?p"], ["top:2", "top:1", MIDDLE]),
        (CHAIN, ["docker.io/library/l*"], ["low:1"]),
        ([image(LOW)], ["*"], []),
        ([image(LOW, f"a{DIGEST}", "b:1")], ["[a]"], [f"a{DIGEST}"]),
        ([image(LOW, f"a{DIGEST}", "a:1", "a:2")], ["[a]*"], ["a:1", "a:2"]),
        ([image(LOW, f"a{DIGEST}", "a:1")], ["*@*"], []),
    ],
)
def test_names_become_calls(images: list[ImageSummary], names: list[str], calls: list[str]) -> None:
    plan = planned(images, names)
    assert [step.deletion.name for step in plan.steps] == calls
    assert plan.changed is bool(calls)
    assert (plan.before != plan.after) is bool(calls)


def test_order_of_the_list_makes_no_difference() -> None:
    images = [image("1", "b:1"), image("2", "a:1", "c:1"), image("3", "d:1")]
    calls = [[step.deletion.name for step in planned(listed, ["*"]).steps] for listed in (images, images[::-1])]
    assert calls == [["a:1", "b:1", "c:1", "d:1"]] * 2


def test_a_plan_has_before_after_and_sentences() -> None:
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
def test_images_in_use_and_parents_are_refused(names: list[str], used: list[str], said: list[str]) -> None:
    with pytest.raises(GantryError) as raised:
        planned(CHAIN, names, used)
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
def test_used_ones_that_are_in_no_danger_may_lose_a_name(names: list[str], used: list[str], gone: list[str]) -> None:
    plan = planned(CHAIN, names, used)
    assert [identifier for step in plan.steps for identifier in step.deletion.deleted] == gone


STOPPED, PAUSED = (TOP, "exited"), (TOP, "paused")


@pytest.mark.parametrize(
    ("names", "used", "containerd", "calls", "left"),
    [
        # By the last name, an image with stopped containers goes, but only on a classic store
        (["top*"], [STOPPED], False, [("top:1", True), ("top:2", True), (MIDDLE, False)], None),
        (["top*"], [STOPPED], True, [("top:1", True), ("top:2", True)], []),
        (["top*"], [STOPPED, PAUSED], False, [("top:1", True), ("top:2", True)], []),
        (["top*"], [TOP], True, [("top:1", True), ("top:2", True)], []),
        # By one of several names nothing has to be forced
        (["top:1"], [TOP], True, [("top:1", False)], ["top:2"]),
        # By its Id an image goes in one call
        ([TOP], [STOPPED], False, [(TOP, True), (MIDDLE, False)], None),
        (["top:1", SHORT], [STOPPED], True, [("top:1", True), (TOP, True), (MIDDLE, False)], None),
        # No force for an image that nothing uses, nor for one that only loses a name
        ([TOP], [], False, [("top:1", False), ("top:2", False), (MIDDLE, False)], None),
        (["low:1"], [(TOP, "exited")], False, [("low:1", False)], ["top:1", "top:2"]),
        # A parent that a container uses stays
        ([TOP], [STOPPED, (MIDDLE, "exited")], False, [(TOP, True)], None),
    ],
)
def test_force_is_used_where_it_is_needed(
    names: list[str],
    used: list[tuple[str, str] | str],
    containerd: bool,
    calls: list[tuple[str, bool]],
    left: list[str] | None,
) -> None:
    plan = planned(CHAIN, names, used, containerd, force=True)
    assert [(step.deletion.name, step.force) for step in plan.steps] == calls
    assert plan.after.get(TOP, ["top:1", "top:2"]) == left


def test_force_by_id_is_refused_while_a_container_runs() -> None:
    for state in ("running", "paused", "restarting"):
        with pytest.raises(GantryError) as raised:
            planned(CHAIN, [TOP], [(TOP, "exited"), (TOP, state)], force=True)
        assert f"top:1, top:2 is used by c0 (exited), c1 ({state})" in raised.value.message
        assert "no engine can be forced" in raised.value.message and "Stop these containers" in raised.value.message


def test_force_leaves_a_containerd_store_its_pins() -> None:
    pinned, made_up = (image(LOW, "a:1", f"a{DIGEST}", pinned=pin) for pin in (True, False))
    assert planned([pinned], ["a:1"], [LOW], True, force=True).after == {LOW: [f"a{DIGEST}"]}
    assert planned([made_up], ["a:1"], [LOW], True, force=True).after == {LOW: []}
    assert planned([pinned], ["a:1"], [], True, force=True).after == {LOW: None}


def test_stopped_containers_go_first() -> None:
    plan = planned(
        CHAIN, ["top*", "low:1"], [STOPPED, (TOP, "created"), (MIDDLE, "exited")], containers="remove_stopped"
    )
    assert plan.actions[:2] == ["Removed container c0 (exited)", "Removed container c1 (created)"]
    assert [step.force for step in plan.steps[2:]] == [False] * 3
    assert plan.before == {LOW: ["low:1"], TOP: ["top:1", "top:2"], "container c0": "exited", "container c1": "created"}
    assert plan.after == {LOW: [], TOP: None, "container c0": None, "container c1": None}
    assert reported(plan, plan.steps).results == {
        "images": [],
        "deleted": [TOP],
        "untagged": ["low:1", "top:1", "top:2"],
        "containers": [
            {"Id": "c0", "Name": "c0", "Image": "", "State": "exited"},
            {"Id": "c1", "Name": "c1", "Image": "", "State": "created"},
        ],
    }


@pytest.mark.parametrize("names", [["top:1"], ["none"], ["low:1"]])
def test_containers_of_images_that_stay_do_too(names: list[str]) -> None:
    plan = planned(CHAIN, names, [STOPPED], containers="remove_stopped")
    assert not any(isinstance(step, image_remove.RemoveContainer) for step in plan.steps)


def test_stopped_containers_stay_beside_one_that_runs() -> None:
    with pytest.raises(GantryError, match=r"c0 \(exited\), c1 \(running\)"):
        planned(CHAIN, [TOP], [STOPPED, TOP], containers="remove_stopped")
    plan = planned(CHAIN, ["top*"], [STOPPED, TOP], containers="remove_stopped", force=True)
    assert plan.actions == ["Untagged top:1", "Untagged top:2"]


def test_containers_that_go_need_no_force() -> None:
    plan = planned(CHAIN, [TOP], [STOPPED], True, containers="remove_stopped", force=True)
    assert [step.deletion.name for step in plan.steps[1:]] == ["top:1", "top:2", MIDDLE]
    assert not any(step.force for step in plan.steps[1:])


def test_a_parent_goes_with_its_container_and_its_child() -> None:
    plan = planned(CHAIN, [TOP, MIDDLE], [(MIDDLE, "exited")], containers="remove_stopped")
    assert plan.actions[0] == "Removed container c0 (exited)"
    assert plan.after == {MIDDLE: None, TOP: None, "container c0": None}


def test_parents_may_stay() -> None:
    plan = planned(CHAIN, [TOP], prune=False)
    assert plan.after == {TOP: None}
    assert planned(CHAIN, [TOP, MIDDLE], prune=False).after == {TOP: None, MIDDLE: None}


def test_a_digest_that_is_tagged_is_refused() -> None:
    with pytest.raises(GantryError) as raised:
        planned([image(LOW, f"a{DIGEST}", "a:1", "a:2", "b:1")], [f"a{DIGEST}"])
    assert f"a{DIGEST} is tagged as a:1, a:2" in raised.value.message
    assert LOW in raised.value.message


@pytest.mark.parametrize("name", ["", " ", "A", "a:", "A*", "a[1", "sha256:*", "a@sha256:1", "sha256:1"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        image_remove.parse({**OPTIONS, "names": ["busybox", name]})


def test_a_name_that_cannot_be_found_is_refused_where_others_stay() -> None:
    with pytest.raises(GantryError, match=r"app:1 can't be removed alone.*good:1, good:2"):
        loose(["app*"])


@pytest.mark.parametrize(
    ("names", "calls"),
    [
        (["good:1"], ["good:1"]),
        (["app:*", "good:1"], ["good:1"]),
        (["good:1", "good:2"], ["good:1", "good:2"]),
        (["*"], ["good:1", "good:2"]),
        ([LOW], ["good:1", "good:2"]),
    ],
)
def test_a_name_that_cannot_be_found_goes_along(names: list[str], calls: list[str]) -> None:
    plan = loose(names)
    assert [step.deletion.name for step in plan.steps] == calls
    assert "app:1" in plan.steps[0].deletion.untagged
    assert plan.after == {LOW: None if len(calls) == 2 else ["good:2"]}


def loose(names: list[str]) -> Plan:
    """Return the plan to remove these names of an image with another name that a containerd store can't find."""
    images = [image(LOW, "app:1", "good:1", "good:2")]
    wanted = image_remove.parse({**OPTIONS, "names": names})
    found = {name: _meant(str(name), images) for name in wanted.selections if not isinstance(name, Pattern)}
    there = {name: Image(meant) for name, meant in found.items() if meant}
    return image_remove.plan(
        wanted, image_remove.Observed(there, tuple(images), (), containerd=True, loose={LOW: [ListedName("app:1")]})
    )


@pytest.mark.parametrize("force", [False, True])
def test_an_image_that_a_container_mounts_is_in_use(force: bool) -> None:
    images = (image(LOW, "data:1"), image(TOP, "top:1"))
    wanted = image_remove.parse({**OPTIONS, "names": ["data:*"], "force": force})
    users = (ContainerSummary("c", "web", TOP, "top:1", "running", mounts=("data:1",)),)
    observed = image_remove.Observed({}, images, users)
    if force:
        assert image_remove.plan(wanted, observed).after == {LOW: None}
        return
    with pytest.raises(GantryError, match=r"data:1 is used by web \(running\)"):
        image_remove.plan(wanted, observed)


def test_what_the_engine_kept_is_reported() -> None:
    plan = planned([image(LOW, "a:1"), image(TOP, "top:1")], ["a:1", "top:1"])
    kept, gone = plan.steps
    told = reported(plan, [kept._replace(deletion=kept.deletion._replace(deleted=()), kept=LOW), gone])
    assert (told.results["deleted"], told.results["untagged"]) == ([TOP], ["a:1", "top:1"])
    assert told.diff == {"before": {LOW: ["a:1"], TOP: ["top:1"]}, "after": {LOW: [], TOP: None}}
    assert reported(plan, plan.steps).diff == {"before": plan.before, "after": plan.after}
    assert reported(plan, ()).diff == {"before": {}, "after": {}}


def reported(plan: Plan, steps: Sequence[image_remove.Step]) -> Report:
    """Return the report after these steps."""
    nobody: Any = None
    wanted = image_remove.parse({**OPTIONS, "names": ["a:*"]})
    return image_remove.report(nobody, wanted, image_remove.Observed({}), plan, [Taken(step) for step in steps])
