# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of the role report: layers and who shares them, verdicts, and drift."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._image.layers import chain_ids
from ansible_collections.gantry.docker.plugins.plugin_utils._report.model import drift, model, shared_layers
from ansible_collections.gantry.docker.tests.support.fleet import KIB, STACKS, fleet, image, results


def test_layers_of_the_same_images_are_one_entry() -> None:
    found = {run.images: run for run in shared_layers([image(name) for name in STACKS])}
    base, app = chain_ids(["sha256:base"])[0], chain_ids(["sha256:base", "sha256:app"])[1]
    assert {images: (run.below, run.layers, run.size // KIB) for images, run in found.items()} == {
        ("app:1", "app:2", "base:1", "tools:1"): ("", 1, 2000),
        ("app:1", "app:2"): (base, 1, 500),
        ("app:2",): (app, 1, 40),
        ("tools:1",): (base, 1, 90),
        ("alone:1",): ("", 1, 40),
    }


def test_a_stack_that_one_image_has_is_one_entry() -> None:
    (run,) = shared_layers([image("app:2")])
    assert (run.layers, run.size // KIB, run.below) == (3, 2540, "")


def test_the_bytes_of_all_entries_are_those_of_all_layers() -> None:
    images = [image(name) for name in STACKS]
    sizes: dict[str, int] = {}
    for one in images:
        layers = chain_ids(one["RootFS"]["Layers"])
        sizes.update(zip(layers, (step["Size"] for step in reversed(one["History"])), strict=True))
    assert sum(run.size for run in shared_layers(images)) == sum(sizes.values())


def test_an_image_without_layers_takes_no_place() -> None:
    assert shared_layers([{"Id": "chart", "RepoTags": ["chart:1"], "RootFS": {}, "History": []}]) == ()


def test_each_image_has_its_verdict_and_users() -> None:
    host = model(fleet(), "now")["hosts"]["one"]
    assert {one["names"][0]: (one["goes"], one["reason"], one["freed"]) for one in host["images"]} == {
        "base:1": (False, "has a name", 0),
        "app:1": (False, "has a name", 0),
        "app:2": (True, "unused", 40 * KIB),
        "tools:1": (False, "has a name", 0),
        "alone:1": (False, "has a name", 0),
    }
    assert [one["names"] for one in host["images"] if one["containers"]] == [["base:1"]]
    assert host["pruned"] == {"images": 1, "bytes": 40 * KIB}
    assert [row["name"] for row in host["stale"]] == ["base:1"] and not host["problems"]


def test_a_registry_that_fails_is_a_problem_and_no_more() -> None:
    host = model(fleet(), "now")["hosts"]["two"]
    assert host["problems"] == ["The registry doesn't answer for tools:1."] and not host["stale"]


def test_a_host_whose_registries_were_not_asked_has_neither() -> None:
    skipped: dict[str, Any] = {"changed": False, "skipped": True, "skip_reason": "Conditional result was False"}
    (host,) = model({"one": results([image("base:1")], **skipped)}, "now")["hosts"].values()
    assert (host["stale"], host["problems"]) == ([], [])


def test_names_drift_that_are_missing_or_other_images() -> None:
    found = {row["name"]: row["hosts"] for row in drift(fleet()) if row["group"] == "web"}
    assert set(found) == {"app:1", "alone:1"}
    assert found["alone:1"]["two"] is None and found["alone:1"]["one"]
    assert found["app:1"]["one"] != found["app:1"]["two"]


def test_the_same_image_in_another_store_is_no_drift() -> None:
    mine, other = image("app:1"), {**image("app:1"), "Id": "sha256:other", "Size": 7, "RepoDigests": ["app@sha256:1"]}
    other["Config"] = {**other["Config"], "Hostname": "builder", "Env": []}
    assert list(drift({"one": results([mine]), "two": results([other])})) == []


def test_hosts_with_other_names_need_not_be_equal() -> None:
    hosts = {"one": results([image("app:1")], equal="web"), "two": results([image("tools:1")], equal="database")}
    assert list(drift(hosts)) == []


def test_an_image_with_several_names_that_is_returned_for_each_is_one() -> None:
    twice = [image("app:1"), image("app:1")]
    assert len(model({"one": results(twice)}, "now")["hosts"]["one"]["images"]) == 1


def test_the_content_is_plain_data() -> None:
    content = model(fleet(), "now")
    assert set(json.loads(json.dumps(content))) == {"made", "hosts", "drift"}
