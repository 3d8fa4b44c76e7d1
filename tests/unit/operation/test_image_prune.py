# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_prune's parse and plan."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._container.containers import ContainerSummary
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image, ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.patterns import Pattern
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ListedName
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_prune
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan, Report, Taken
from ansible_collections.gantry.docker.plugins.module_utils._retention.disk import Disk, Footprint
from ansible_collections.gantry.docker.plugins.module_utils._retention.file_system import FileSystem
from ansible_collections.gantry.docker.plugins.module_utils._retention.forest import Deletion
from ansible_collections.gantry.docker.plugins.module_utils._retention.pruning import Prune

DEFAULTS: dict[str, Any] = {
    "keep_last": 0,
    "reference": [],
    "label": [],
    "label_not": [],
    "until": None,
    "target_size": None,
    "target_free": None,
    "images": True,
    "images_filters": None,
    "builder_cache": False,
    "builder_cache_all": False,
    "builder_cache_filters": None,
    "builder_cache_keep_storage": None,
    "explain": False,
    "expect": None,
}
DIGEST = "@sha256:" + "0" * 64
CALLS_FOR_ONE = 800  # of functions, for each image


def image(identifier: str, *names: str, parent: str = "") -> ImageSummary:
    """Return an image with these tags and digests."""
    listed = tuple(map(ListedName, names))
    tags = tuple(name for name in listed if name.tag)
    return ImageSummary(identifier, tags, tuple(set(listed) - set(tags)), parent, created=0, size=0)


# low ← middle ← top:1, and two dangling images, of which one was made from middle.
IMAGES = [
    image("low", "low:1", "base:1"),
    image("middle", parent="low"),
    image("top", "top:1", parent="middle"),
    image("twin", parent="middle"),
    image("alone"),
    image("pinned", f"pinned{DIGEST}"),
]


def planned(dangling: bool, keep: tuple[str, ...] = (), used: tuple[str, ...] = ()) -> Plan:
    """Return the plan to prune the images above. used: the Ids of images with a container each."""
    containers = tuple(ContainerSummary(f"c{of}", f"c{of}", of, "", "exited") for of in used)
    return image_prune.plan(wanted(dangling, keep), image_prune.Observed(tuple(IMAGES), containers))


def wanted(dangling: bool, keep: tuple[str, ...] = (), **more: Any) -> image_prune.Wanted:
    """Return the wanted values of these options."""
    return image_prune.parse({**DEFAULTS, "dangling": dangling, "keep": list(keep), **more})


@pytest.mark.parametrize(
    ("dangling", "keep", "used", "gone"),
    [
        (True, [], [], {"twin", "alone"}),
        (True, ["*"], [], {"twin", "alone"}),
        (True, [], ["twin"], {"alone"}),
        (True, [], ["twin", "alone"], set()),
        (False, [], [], {"low", "middle", "top", "twin", "alone", "pinned"}),
        (False, ["*"], [], {"twin", "alone"}),
        (False, ["pinned"], [], {"low", "middle", "top", "twin", "alone"}),
        (False, ["base"], [], {"middle", "top", "twin", "alone", "pinned"}),
        (False, ["top"], [], {"twin", "alone", "pinned"}),
        (False, [], ["top"], {"twin", "alone", "pinned"}),
        (False, [], ["middle"], {"top", "twin", "alone", "pinned"}),
        (False, [], ["low"], {"middle", "top", "twin", "alone", "pinned"}),
        (False, [], ["elsewhere"], {"low", "middle", "top", "twin", "alone", "pinned"}),
    ],
)
def test_only_unneeded_images_go(dangling: bool, keep: list[str], used: list[str], gone: set[str]) -> None:
    plan = planned(dangling, tuple(keep), tuple(used))
    assert {identifier for identifier, names in plan.after.items() if names is None} == gone
    assert {identifier for step in plan.steps for identifier in step.deleted} == gone
    assert not gone & set(used)
    assert plan.changed is bool(plan.after)


def test_parent_of_a_kept_one_loses_its_names() -> None:
    plan = planned(False, keep=("top", "pinned"), used=("alone",))
    assert plan.before == {"low": ["low:1", "base:1"], "twin": []}
    assert plan.after == {"low": [], "twin": None}
    assert plan.actions[1] == "Pruned unused image low:1, base:1 (stays as a part of others)"


def test_children_go_before_their_parents() -> None:
    calls = [deletion.name for step in planned(False).steps for deletion in step.deletions]
    assert calls == ["twin", "top:1", "middle", "alone", "low:1", "base:1", f"pinned{DIGEST}"]


def test_each_step_has_a_sentence() -> None:
    assert planned(False).actions == [
        "Pruned dangling image (twin)",
        "Pruned unused image top:1 (top)",
        "Pruned no longer needed image (middle)",
        "Pruned dangling image (alone)",
        "Pruned unused image low:1, base:1 (low)",
        f"Pruned unused image pinned{DIGEST} (pinned)",
    ]


def test_order_of_the_list_makes_no_difference() -> None:
    backwards = image_prune.Observed(tuple(IMAGES[::-1]), ())
    assert image_prune.plan(wanted(False), backwards).steps == planned(False).steps


def test_each_pattern_is_taken_once() -> None:
    assert wanted(True, ("debian", "busybox", "debian")).rules.keep == (Pattern("debian"), Pattern("busybox"))


@pytest.mark.parametrize("pattern", ["", " ", "Debian", "sha256:" + "0" * 64])
def test_bad_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(InvalidInput):
        wanted(False, ("debian", pattern))


@pytest.mark.parametrize(
    ("filters", "options"),
    [
        ({}, {}),
        ({"dangling": False}, {"dangling": False}),
        ({"dangling": "0"}, {"dangling": False}),
        ({"dangling": "True"}, {}),
        ({"dangling": ["false"]}, {"dangling": False}),
        ({"until": "24h"}, {"until": "24h"}),
        ({"until": 1767225600}, {"until": "1767225600"}),
        ({"label": "a=b"}, {"label": ["a=b"]}),
        ({"label": ["a", "b"], "label!": ["c"]}, {"label": ["a", "b"], "label_not": ["c"]}),
    ],
)
def test_dockers_filters_are_options(filters: dict[str, Any], options: dict[str, Any]) -> None:
    assert wanted(True, images_filters=filters) == wanted(**{"dangling": True, **options})


def test_filters_come_in_addition() -> None:
    rules = wanted(True, label=["a"], label_not=["x"], images_filters={"label": "b", "label!": "y"}).rules
    assert (rules.labels, rules.no_labels) == (("a", "b"), ("x", "y"))
    assert not wanted(True, images_filters={"dangling": False}, keep_last=1).rules.dangling_only


@pytest.mark.parametrize(
    ("filters", "options", "words"),
    [
        ({"reference": "a"}, {}, "images_filters has 'reference'"),
        ({"dangling": "perhaps"}, {}, "dangling in images_filters is 'perhaps'"),
        ({"dangling": [True, False]}, {}, "dangling is given 2 in images_filters"),
        ({"until": []}, {}, "until is given no value"),
        ({"until": "1h"}, {"until": "2h"}, "until is given"),
        ({"until": "7d"}, {}, "until is '7d'"),
        ({"label!": ["=x"]}, {}, "'=x' in label_not"),
    ],
)
def test_bad_filters_are_refused(filters: dict[str, Any], options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        wanted(True, images_filters=filters, **options)


def test_without_images_nothing_goes() -> None:
    plan = image_prune.plan(wanted(False, images=False, explain=True), image_prune.Observed(tuple(IMAGES), ()))
    assert not plan.changed
    assert {image["Reason"] for image in reported(plan, []).results["kept"]} == {
        "no images are to be pruned",
        "a part of other images",
    }


def reported(plan: Plan, steps: Sequence[Prune], observed: image_prune.Observed | None = None) -> Report:
    """Return the report after these steps."""
    nobody: Any = None
    seen = observed or image_prune.Observed((), (), disk=Disk({"pinned": Footprint((), 0)}))
    return image_prune.report(nobody, wanted(False), seen, plan, [Taken(step) for step in steps])


def fitting(free: int, size: int, **options: Any) -> tuple[set[str], Any]:
    """Return the images that go so that enough is free, and the sizes in the plan.

    There are three images of 100 bytes on a disk of this size, the last used one last.
    """
    names = ("a", "b", "c")
    observed = image_prune.Observed(
        tuple(image(name, f"{name}:1") for name in names),
        (),
        disk=Disk({name: Footprint((), 100) for name in names}),
        used={name: float(time) for time, name in enumerate(names)},
        file_system=FileSystem(free, size) if options.get("target_free") else None,
    )
    plan = image_prune.plan(wanted(False, **options), observed)
    return set(plan.after), plan.facts


@pytest.mark.parametrize(
    ("options", "gone", "left", "free"),
    [
        ({"target_free": "50"}, "", 300, 50),
        ({"target_free": "51"}, "a", 200, 150),
        ({"target_free": "150"}, "a", 200, 150),
        ({"target_free": "15.1%"}, "ab", 100, 250),
        ({"target_free": "15%"}, "a", 200, 150),
        ({"target_free": "100%"}, "abc", 0, 350),
        ({"target_free": "0", "target_size": 299}, "a", 200, 150),
        ({"target_free": "151", "target_size": 299}, "ab", 100, 250),
        ({"target_free": "151", "target_size": 0}, "abc", 0, 350),
        ({"target_free": "50", "keep": ("a",)}, "", 300, 50),
        ({"target_free": "51", "keep": ("a",)}, "b", 200, 150),
    ],
)
def test_no_more_goes_than_must_be_free(options: dict[str, Any], gone: str, left: int, free: int) -> None:
    assert fitting(50, 1000, **options) == (set(gone), {"images_size": left, "store_free": free})


def test_free_space_is_reported_only_if_it_matters() -> None:
    assert fitting(50, 1000, target_size=100) == ({"a", "b"}, {"images_size": 100})


def many(count: int) -> image_prune.Observed:
    """Return this number of images, in chains of ten, with a container for every fifth."""
    ids = [f"sha256:{number:064}" for number in range(count)]
    rows = [
        image(own, f"app{n // 10}:{n % 10}", f"twin{n}:1", parent=ids[n - 1] if n % 10 else "")._replace(
            created=n, size=1000
        )
        for n, own in enumerate(ids)
    ]
    boxes = [ContainerSummary(f"c{n}", f"c{n}", ids[n], f"twin{n}:1", "exited") for n in range(0, count, 5)]
    layers = {own: tuple(f"layer{n // 10}.{depth}" for depth in range(n % 10 + 1)) for n, own in enumerate(ids)}
    footprints = {own: Footprint(held, 1000 * len(held)) for own, held in layers.items()}
    below = {held[-1]: 1000 * len(held) for held in layers.values()}
    return image_prune.Observed(tuple(rows), tuple(boxes), disk=Disk(footprints, below), used=dict.fromkeys(ids, 0.0))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"target_size": 1},
        {"keep_last": 3, "keep": [f"app{n}*" for n in range(10)], "reference": ["app*", "twin*"], "explain": True},
    ],
)
def test_cost_grows_with_the_number_of_images(options: dict[str, Any]) -> None:
    """Four times as many take four times as many calls, and one image takes few."""
    asked = image_prune.parse({**DEFAULTS, "dangling": False, "keep": [], **options})

    def cost(count: int) -> int:
        observed, calls = many(count), 0

        def count_calls(_frame: object, event: str, _argument: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        sys.setprofile(count_calls)
        try:
            plan = image_prune.plan(asked, observed)
            reported(plan, plan.steps, observed)
        finally:
            sys.setprofile(None)
        return calls

    some, all_of_them = cost(250), cost(1000)
    assert 3.5 < all_of_them / some < 4.5
    assert all_of_them / 1000 < CALLS_FOR_ONE


class Asked:
    """An engine that describes images of these Ids."""

    def __init__(self, *images: Image) -> None:
        self._images = {image.id: image for image in images}

    def find_listed(self, rows: Iterable[ImageSummary]) -> dict[str, Image]:
        """Return the images of rows."""
        return {row.id: self._images[row.id] for row in rows if row.id in self._images}


@pytest.mark.parametrize(
    "rule", [{"until": "2020-01-01"}, {"label_not": ["protect"]}, {"keep_last": 1}, {"label": ["old"]}]
)
def test_what_a_list_does_not_tell_is_asked_for(rule: dict[str, Any]) -> None:
    """Docker 29 lists an image for another platform alone with the year 1970, and without labels or size."""
    described = {"RootFS": {"Type": "layers"}, "Os": "linux", "Created": "2026-01-01T00:00:00Z"}
    labels = {"Config": {"Labels": {"protect": ""}}}
    lost = {"RootFS": {}, "Os": ""}
    asked: Any = Asked(
        *(Image({"Id": name, **what}) for name, what in (("arm", {**described, **labels}), ("lost", lost)))
    )
    listed = (image("arm", "arm:1"), image("lost", "lost:1"), image("gone", "gone:1"))
    rows = image_prune._known(asked, listed)
    assert [(row.created, dict(row.labels), row.whole) for row in rows] == [
        (1767225600, {"protect": ""}, True),
        (0, {}, False),
        (0, {}, False),
    ]
    plan = image_prune.plan(wanted(False, **rule), image_prune.Observed(rows, (), "2026-06-01T00:00:00Z"))
    assert not plan.changed
    assert image_prune.plan(wanted(False), image_prune.Observed(rows, ())).changed


def test_a_list_that_tells_all_is_believed() -> None:
    nobody: Any = Asked()
    rows = (image("known", "a:1")._replace(created=1),)
    assert image_prune._known(nobody, rows) == rows


def test_what_the_engine_kept_is_reported() -> None:
    plan = planned(False, keep=("base", "top"))
    step = next(step for step in plan.steps if step.image.id == "pinned")
    untagged = Deletion("pinned", (f"pinned{DIGEST}",), ())
    kept = step._replace(deletions=(untagged,), freed=0, stays="as the engine keeps it")
    told = reported(plan, [kept])
    assert told.diff == {"before": {"pinned": [f"pinned{DIGEST}"]}, "after": {"pinned": []}}
    assert kept.sentence == f"Pruned unused image pinned{DIGEST} (stays as the engine keeps it)"
