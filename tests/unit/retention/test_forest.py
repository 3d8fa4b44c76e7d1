# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deletion: the effect of removed names, as in engines of both stores."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ListedName
from ansible_collections.gantry.docker.plugins.module_utils._retention.forest import Deletion, Forest, Node, changes

D = "@sha256:" + "0" * 64


def image(identifier: str, *names: str, parent: str = "", pinned: bool = False) -> Node:
    """Return an image with these tags and digests. pinned: whether a containerd store keeps its digests."""
    listed = tuple(map(ListedName, names))
    digests = tuple(name for name in listed if name.digest)
    return Node(identifier, tuple(name for name in listed if name.tag), digests, parent, digests if pinned else ())


def with_loose(names: list[str], loose: list[str]) -> Node:
    """Return an image with these tags, of which a containerd store can't find the loose ones."""
    return Node("a", tuple(map(ListedName, names)), (), "", loose=tuple(map(ListedName, loose)))


CHAIN = (image("low", "low:1"), image("middle", parent="low"), image("top", "top:1", parent="middle"))


@pytest.mark.parametrize(
    ("nodes", "of", "name", "calls"),
    [
        # The last name takes the image
        ([image("a", "a:1")], "a", "a:1", [("a:1", ["a:1"], "a")]),
        # One of several doesn't
        ([image("a", "a:1", "a:2")], "a", "a:2", [("a:2", ["a:2"], None)]),
        ([image("a", "a:1", "b:1")], "a", "a:1", [("a:1", ["a:1"], None)]),
        # The digests of a repository go with its last tag, not before; those of another repository stay
        ([image("a", "a:1", "a" + D)], "a", "a:1", [("a:1", ["a:1", "a" + D], "a")]),
        ([image("a", "a:1", "a:2", "a" + D)], "a", "a:1", [("a:1", ["a:1"], None)]),
        ([image("a", "b:1", "a" + D)], "a", "b:1", [("b:1", ["b:1"], None)]),
        ([image("a", "b:1", "a" + D)], "a", "a" + D, [("a" + D, ["a" + D], None)]),
        ([image("a", "a" + D)], "a", "a" + D, [("a" + D, ["a" + D], "a")]),
        ([image("a", "h:5001/a:1", "a" + D)], "a", "h:5001/a:1", [("h:5001/a:1", ["h:5001/a:1"], None)]),
        # A parent loses its name only, unless a containerd store loses two entries at once
        (CHAIN, "low", "low:1", [("low:1", ["low:1"], None)]),
        (
            [image("a", "a:1", "a" + D), image("b", "b:1", parent="a")],
            "a",
            "a:1",
            [("a:1", ["a:1", "a" + D], None)],
        ),
        (
            [image("a", "a:1", "a" + D, pinned=True), image("b", "b:1", parent="a")],
            "a",
            "a:1",
            [("a:1", ["a:1", "a" + D], "a")],
        ),
        # Parents without a name go with the last child, each by a call of its own
        (CHAIN, "top", "top:1", [("top:1", ["top:1"], "top"), ("middle", [], "middle")]),
        (
            [*CHAIN[:2], image("top", "top:1", parent="middle"), image("twin", parent="middle")],
            "top",
            "top:1",
            [("top:1", ["top:1"], "top")],
        ),
        # A parent that the list doesn't have
        ([image("a", "a:1", parent="gone")], "a", "a:1", [("a:1", ["a:1"], "a")]),
    ],
)
def test_one_name_goes_with_what_hangs_on_it(
    nodes: list[Node], of: str, name: str, calls: list[tuple[str, list[str], str | None]]
) -> None:
    expected = [Deletion(call, tuple(names), (gone,) if gone else ()) for call, names, gone in calls]
    forest = Forest(nodes)
    assert forest.remove_name(of, name) == expected
    assert {node.id for node in nodes if node.id not in forest} == {gone for _call, _names, gone in calls if gone}


def test_parent_that_a_container_uses_stays() -> None:
    forest = Forest(CHAIN, used={"middle"})
    assert forest.remove_name("top", "top:1") == [Deletion("top:1", ("top:1",), ("top",))]
    assert "middle" in forest


def test_parents_stay_if_they_are_to() -> None:
    forest = Forest(CHAIN, keep_parents=True)
    assert forest.remove_name("top", "top:1") == [Deletion("top:1", ("top:1",), ("top",))]
    assert forest.remove_image("middle") == [Deletion("middle", (), ("middle",))]


@pytest.mark.parametrize(
    ("nodes", "name", "untagged", "left"),
    [
        ([image("a", "a:1")], "a:1", ["a:1"], []),
        ([image("a", "a:1", "a:2")], "a:1", ["a:1"], ["a:2"]),
        ([image("a", "a:1", "a" + D)], "a:1", ["a:1", "a" + D], []),
        ([image("a", "a:1", "a" + D, pinned=True)], "a:1", ["a:1"], ["a" + D]),
        ([image("a", "a" + D, pinned=True)], "a" + D, ["a" + D], []),
        # Where a name stays, a repository's digests go as ever
        ([image("a", "a:1", "b:1", "a" + D, pinned=True)], "a:1", ["a:1", "a" + D], ["b:1"]),
    ],
)
def test_an_image_that_is_held_loses_its_names(
    nodes: list[Node], name: str, untagged: list[str], left: list[str]
) -> None:
    forest = Forest(nodes, held={"a"})
    assert forest.remove_name("a", name) == [Deletion(name, tuple(untagged), ())]
    assert forest.state() == {"a": left}


def test_an_image_goes_at_once_by_its_id() -> None:
    forest = Forest([*CHAIN[:2], image("top", "top:1", "b:1", "top" + D, parent="middle")], held={"top"})
    calls = [Deletion("top", ("top:1", "b:1", "top" + D), ("top",)), Deletion("middle", (), ("middle",))]
    assert forest.remove_at_once("top") == calls
    assert forest.state() == {"low": ["low:1"]}


@pytest.mark.parametrize(
    ("nodes", "calls"),
    [
        ([image("a")], ["a"]),
        ([image("a", "a:1")], ["a:1"]),
        ([image("a", "a:1", "a:2", "b:1", "a" + D, "c" + D)], ["a:1", "a:2", "b:1", "c" + D]),
        ([image("a", "a" + D, "b" + D)], ["a" + D, "b" + D]),
        ([image("a", parent="low"), image("low")], ["a", "low"]),
    ],
)
def test_an_image_goes_with_all_names(nodes: list[Node], calls: list[str]) -> None:
    forest = Forest(nodes)
    assert [deletion.name for deletion in forest.remove_image("a")] == calls
    assert forest.state() == {}


def test_parent_with_all_names_stays() -> None:
    forest = Forest([image("a", "a:1", "b:1"), image("child", "c:1", parent="a")])
    assert [deletion.deleted for deletion in forest.remove_image("a")] == [(), ()]
    assert forest.state() == {"a": [], "child": ["c:1"]}
    forest.remove_image("child")
    assert forest.state() == {}


def test_parents_that_form_a_circle_come_to_an_end() -> None:
    """No engine should report this, and none may cause an endless loop."""
    forest = Forest([image("a", "a:1", parent="b"), image("b", parent="a"), image("c", parent="c")])
    assert forest.depth("a") == 1
    forest.remove_name("a", "a:1")
    forest.remove_image("c")


def test_images_have_depth_and_children() -> None:
    forest = Forest(CHAIN)
    assert [forest.depth(node.id) for node in CHAIN] == [0, 1, 2]
    assert [forest.children(node.id) for node in CHAIN] == [("middle",), ("top",), ()]


@pytest.mark.parametrize(
    ("names", "own"),
    [
        (["a:1"], ["a:1"]),
        (["a:1", "a" + D], ["a:1"]),
        (["a:1", "b" + D], ["a:1", "b" + D]),
        (["a" + D], ["a" + D]),
        (["h:5001/a:1", "h:5001/a" + D], ["h:5001/a:1"]),
    ],
)
def test_digests_beside_a_tag_are_no_names(names: list[str], own: list[str]) -> None:
    assert Forest([image("a", *names)]).state() == {"a": own}


def test_changes_have_before_and_after() -> None:
    forest = Forest([*CHAIN, image("other", "other:1", "other:2")])
    before = forest.state()
    assert changes(before, forest) == ({}, {})
    forest.remove_name("top", "top:1")
    forest.remove_name("other", "other:2")
    assert changes(before, forest) == (
        {"middle": [], "top": ["top:1"], "other": ["other:1", "other:2"]},
        {"middle": None, "top": None, "other": ["other:1"]},
    )


@pytest.mark.parametrize(
    ("names", "loose", "taken", "calls"),
    [
        # By another name a loose one goes too, and the image if that was its last
        (["app:1", "good:1"], ["app:1"], "good:1", [("good:1", {"good:1", "app:1"}, "a")]),
        (["app:1", "good:1", "good:2"], ["app:1"], "good:1", [("good:1", {"good:1", "app:1"}, None)]),
        # Alone by the Id, all at once
        (["app:1"], ["app:1"], "app:1", [("a", {"app:1"}, "a")]),
        (["app:1", "latest"], ["app:1", "latest"], "latest", [("a", {"app:1", "latest"}, "a")]),
        # All names: first the names that can be found
        (["app:1"], ["app:1"], None, [("a", {"app:1"}, "a")]),
        (["app:1", "good:1"], ["app:1"], None, [("good:1", {"good:1", "app:1"}, "a")]),
        (["app:1", "b:1", "c:1"], ["app:1"], None, [("b:1", {"b:1", "app:1"}, None), ("c:1", {"c:1"}, "a")]),
    ],
)
def test_names_that_cannot_be_found_go_along(
    names: list[str], loose: list[str], taken: str | None, calls: list[tuple[str, set[str], str | None]]
) -> None:
    forest = Forest([with_loose(names, loose)])
    made = forest.remove_name("a", taken) if taken else forest.remove_image("a")
    assert [(one.name, set(one.untagged), next(iter(one.deleted), None)) for one in made] == calls


def test_a_loose_name_hangs_on_others() -> None:
    forest = Forest([with_loose(["app:1", "good:1"], ["app:1"])])
    assert forest.hangs_on("a", "app:1") == ("good:1",)
    assert forest.hangs_on("a", "good:1") == ()
