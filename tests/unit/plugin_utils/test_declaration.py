# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Declarations of a host's images: their consequences, and impossible ones."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.plugin_utils._images.declaration import declare

DIGEST, OTHER = f"sha256:{'0' * 64}", f"sha256:{'1' * 64}"
RULES = {"dangling": False, "keep": ["debian"], "keep_last": 3, "until": "168h", "label_not": ["keep"]}


def test_images_with_the_same_options_are_pulled_at_once() -> None:
    found = declare(
        {
            "present": [
                {"names": ["debian:12", "docker.io/library/busybox"]},
                {"names": ["example/app"], "tag": "7", "policy": "missing"},
                {"names": ["example/web"], "policy": "newer"},
                {"names": ["example/arm:1"], "platform": "linux/arm64"},
            ],
            "pinned": [f"example/pin:1@{DIGEST}"],
        }
    )
    assert found.problems == []
    assert found.pulls == {
        ("", "missing"): ["debian:12", "busybox:latest", "example/app:7", f"example/pin@{DIGEST}"],
        ("", "newer"): ["example/web:latest"],
        ("linux/arm64", "missing"): ["example/arm:1"],
    }
    assert found.tags == {f"example/pin@{DIGEST}": ["example/pin:1"]}


def test_what_is_pulled_by_digest_is_pulled_first() -> None:
    found = declare({"present": [{"names": ["app:new"], "policy": "newer"}], "pinned": [f"app@{DIGEST}"]})
    assert list(found.pulls.values()) == [[f"app@{DIGEST}"], ["app:new"]]


def test_all_names_are_known() -> None:
    found = declare(
        {
            "present": [{"names": ["debian:12", f"app@{OTHER}"]}],
            "archives": [{"path": "/a.tar", "names": ["loaded"]}, {"path": "b.tar", "from": "controller"}],
            "pinned": [f"pin:1@{DIGEST}"],
            "tagged": [
                {"name": "debian:12", "repository": ["base", "base:2"]},
                {"name": "own", "repository": ["mine"]},
            ],
        }
    )
    assert found.problems == []
    assert set(found.names) == {
        *("debian:12", f"app@{OTHER}", "loaded:latest", f"pin@{DIGEST}", "pin:1", "base:latest", "base:2"),
        *("own:latest", "mine:latest"),
    }
    assert found.tags["debian:12"] == ["base:latest", "base:2"]


@pytest.mark.parametrize(
    "declared",
    [
        {},
        {"present": [{"names": ["debian:12", "debian:12"]}, {"names": ["debian:12"]}]},
        {"present": [{"names": ["debian:12"]}], "absent": ["debian:11", "debian", "example/*", f"debian@{DIGEST}"]},
        {"pinned": [f"debian:12@{DIGEST}", f"debian:12@{DIGEST}"], "absent": ["debian:1[01]"]},
        {"pinned": [f"debian@{DIGEST}", f"debian@{OTHER}"], "absent": ["debian-tools:*"]},
        {"retention": RULES, "registries": ["registry.example:5000", "docker.io"]},
        {"retention": {"dangling": True}},
    ],
)
def test_possible_declarations_have_no_problem(declared: dict[str, Any]) -> None:
    assert declare(declared).problems == []


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"present": [{"names": ["Debian"]}]}, "'Debian' is no valid image reference"),
        ({"present": [{"names": [DIGEST]}]}, "is an image's Id"),
        ({"present": [{"names": ["debian"], "platform": "linux/"}]}, "platform"),
        (
            {"present": [{"names": ["debian"]}], "absent": ["docker.io/library/debian:latest"]},
            "debian:latest would be both",
        ),
        (
            {"present": [{"names": ["a/b:1", "a/c:2"]}], "absent": ["a/*"]},
            "a/b:1, a/c:2 would be both present and absent",
        ),
        ({"archives": [{"path": "/a.tar", "names": ["b"]}], "absent": ["b"]}, "b:latest would be both"),
        ({"archives": [{"path": "a.tar"}]}, "'a.tar' in images_archives must be an absolute path"),
        ({"pinned": ["debian:12"]}, "'debian:12' in images_pinned has no digest"),
        ({"pinned": ["debian:12@sha256:1"]}, "after @ there must be a digest"),
        (
            {"pinned": [f"debian:12@{DIGEST}", f"debian:12@{OTHER}"]},
            f"debian:12 is declared by images_pinned ({DIGEST}) and by images_pinned ({OTHER})",
        ),
        (
            {"present": [{"names": ["debian:12"], "policy": "newer"}], "pinned": [f"debian:12@{DIGEST}"]},
            f"debian:12 is declared by images_present (policy newer) and by images_pinned ({DIGEST})",
        ),
        (
            {"present": [{"names": ["debian:12"]}, {"names": ["debian:12"], "platform": "linux/arm64"}]},
            "images_present (policy missing) and by images_present (policy missing, platform linux/arm64)",
        ),
        (
            {"present": [{"names": ["b:1"]}], "archives": [{"path": "/a.tar", "names": ["b:1"]}]},
            "images_present (policy missing) and by images_archives (/a.tar)",
        ),
        (
            {"tagged": [{"name": "a:1", "repository": ["c:1"]}, {"name": "b:1", "repository": ["c:1"]}]},
            "images_tagged (a:1) and by images_tagged (b:1)",
        ),
        (
            {"tagged": [{"name": "a:1", "repository": ["b:1"]}, {"name": "b:1", "repository": ["c:1"]}]},
            "Give all of them to a:1.",
        ),
        ({"tagged": [{"name": "a:1", "repository": ["b:1"]}], "absent": ["a:1"]}, "a:1 would be both"),
        ({"tagged": [{"name": "a:1", "repository": [f"b@{DIGEST}"]}]}, "has a digest"),
        ({"pinned": [f"debian@{DIGEST}"], "absent": ["debian:11"]}, "Declare it by images_pinned with a tag"),
        ({"pinned": [f"debian@{DIGEST}"], "absent": ["deb*:1?"]}, "Declare it by images_pinned with a tag"),
        ({"absent": [DIGEST]}, "is an image's Id"),
        ({"absent": ["debian[12"]}, "can match no image's name"),
        ({"registries": ["not a host"]}, "'not a host' is no registry"),
        ({"retention": {"keep": ["Debian"]}}, "'Debian' in images_prune_keep can match no image's name"),
        ({"retention": {"until": "7d"}}, "images_prune_until is '7d'"),
        ({"retention": {"target_free": "all"}}, "images_prune_target_free is 'all'"),
        ({"retention": {"label": ["=1"]}}, "'=1' in images_prune_label has no key"),
        ({"retention": {"keep_last": -1}}, "images_prune_keep_last is -1, and must not be negative"),
        ({"retention": {"dangling": True, "keep_last": 1}}, "Set that to false"),
        ({"retention": {"dangling": True, "reference": ["a"]}}, "Set that to false"),
    ],
)
def test_impossible_declarations_have_a_problem(declared: dict[str, Any], said: str) -> None:
    (problem,) = declare(declared).problems
    assert said in problem
    assert problem.endswith(".")


def test_all_problems_are_told() -> None:
    assert len(declare({"present": [{"names": ["A", "b"]}], "pinned": ["c"], "absent": ["b"]}).problems) == 3
