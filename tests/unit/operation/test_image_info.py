# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_info's parse and plan."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.patterns import Pattern
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ImageId, Reference
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_info
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan

ID = "sha256:" + "1" * 64
PLAIN: dict[str, Any] = {"names": None, "required": False, "filters": None, "history": False, "sizes": False}


def parsed(**params: Any) -> image_info.Wanted:
    return image_info.parse({**PLAIN, **params})


def test_names_ids_and_patterns_are_parsed() -> None:
    names = parsed(names=["a", "docker.io/library/a:latest", ID, "a:*", "[ab]/c"]).names
    a = Reference("docker.io", "library/a", "latest")
    assert names == (a, ImageId(ID), Pattern("a:*"), Pattern("[ab]/c"))
    assert parsed().names is None
    assert parsed(names=[]).names == ()


@pytest.mark.parametrize(
    ("given", "filters"),
    [
        (None, image_info.Filters()),
        ({"label": None, "dangling": None, "before": None}, image_info.Filters()),
        ({"label": "a=b,c"}, image_info.Filters(labels=("a=b,c",))),
        ({"label": ["a", "b="], "dangling": False}, image_info.Filters(labels=("a", "b="), dangling=False)),
        ({"reference": r"a[^b-c]\*?:[0-9]*"}, image_info.Filters(references=(r"a[^b-c]\*?:[0-9]*",))),
        ({"before": ID, "since": "a:1"}, image_info.Filters(before=ImageId(ID), since=parsed(names=["a:1"]).names[0])),  # type: ignore[index, arg-type]
    ],
)
def test_filters_are_parsed(given: dict[str, Any] | None, filters: image_info.Filters) -> None:
    assert parsed(filters=given).filters == filters


@pytest.mark.parametrize(
    "filters",
    [
        {"label": ""},
        {"label": ["a", "=b"]},
        {"label": 1},
        {"label": {"a": "b"}},
        {"reference": ""},
        {"reference": "a["},
        {"reference": "a[]"},
        {"reference": "a\\"},
        {"reference": [["a"]]},
        {"before": "A"},
        {"since": ""},
    ],
)
def test_bad_filters_are_refused(filters: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        parsed(filters=filters)


@pytest.mark.parametrize(
    ("params", "not_found", "problems"),
    [
        ({}, ("a:1", "b:*"), ()),
        ({"required": True}, (), ()),
        (
            {"required": True},
            ("a:1", "b:*"),
            ("This engine has no image for: a:1, b:*. Pull, load or commit it first.",),
        ),
        (
            {"required": True, "filters": {"dangling": False}},
            ("a:1",),
            ("This engine has no image that matches the filters for: a:1. Pull, load or commit it first.",),
        ),
    ],
)
def test_missing_ones_are_a_problem_if_required(
    params: dict[str, Any], not_found: tuple[str, ...], problems: tuple[str, ...]
) -> None:
    plan = image_info.plan(parsed(**params), image_info.Observed((), not_found))
    assert plan.problems == problems
    assert not plan.changed


def test_what_is_no_whole_image_is_told() -> None:
    whole = Image({"Id": ID, "RepoTags": ["a:1"], "Os": "linux", "RootFS": {"Type": "layers"}})
    lost = Image({"Id": ID.replace("1", "2"), "RepoTags": ["b:1"], "RootFS": {}})
    nobody: Any = None
    told = image_info.report(nobody, parsed(), image_info.Observed((whole, lost, lost), ()), Plan(), []).results
    assert told["flawed"] == [
        {
            "Id": lost.id,
            "RepoTags": ["b:1"],
            "Reason": "It isn't whole: the engine's store has lost a part of its content.",
        }
    ]
    assert len(told["images"]) == 3
