# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a delivery and its log, and the names of images in a site's registry."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.manifest import Bundle, File, ImageRow
from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.report import delivery, registry_names

OLD, NEW, LAYER, OTHER = (f"sha256:{digit * 64}" for digit in "abcd")
BUNDLE = Bundle(File("images.tar", 1, "0" * 64), (), (ImageRow(("app:1",), (LAYER,), 0),), {})
ABOUT = {"host": "site", "at": "2026-01-01T00:00:00Z", "check": False, "bundle": "f" * 64, "signed": True}


def image(image_id: str, *layers: str) -> dict[str, Any]:
    """Return an image as inspected."""
    return {"Id": image_id, "RepoTags": ["app:1"], "RootFS": {"Layers": list(layers)}}


LOADED = {"loaded": [{"name": "app:1", "before": OLD}], "images": [image(NEW, LAYER)], "bytes_transferred": 7}


def test_nothing_was_delivered() -> None:
    done = delivery({**ABOUT, "loaded": {"loaded": [], "images": [image(NEW, LAYER)]}}, BUNDLE)
    assert not done["changed"]
    assert done["lines"] == done["problems"] == []
    assert done["log"] == ""


def test_each_image_has_a_line_in_the_report_and_in_the_log() -> None:
    done = delivery({**ABOUT, "loaded": LOADED}, BUNDLE)
    assert done["changed"]
    assert done["lines"] == [f"load  app:1 ({NEW[:19]}), which was {OLD[:19]}", "send  7 bytes"]
    (line,) = done["log"].splitlines()
    assert json.loads(line) == {
        "at": "2026-01-01T00:00:00Z",
        "host": "site",
        "bundle": "f" * 64,
        "signed": True,
        "action": "load",
        "name": "app:1",
        "id": NEW,
        "before": OLD,
    }


def test_a_check_run_takes_the_former_image_for_no_new_one() -> None:
    foreseen = {**LOADED, "images": [image(OLD, OTHER)]}
    done = delivery({**ABOUT, "check": True, "loaded": foreseen}, BUNDLE)
    assert done["loaded"] == [{"name": "app:1", "id": None, "before": OLD}]
    assert done["problems"] == []


def test_an_image_that_the_manifest_does_not_describe_is_a_problem() -> None:
    (problem,) = delivery({**ABOUT, "loaded": {**LOADED, "images": [image(NEW, OTHER)]}}, BUNDLE)["problems"]
    assert problem.startswith("app:1 has other layers on site than the bundle's manifest says.")


TARGETS = {"app:1": "127.0.0.1:5000/app:1", "busybox:latest": "127.0.0.1:5000/busybox:latest"}


def test_only_what_was_pushed_is_reported() -> None:
    pushed = {
        "changed": True,
        "actions": ["Pushed"],
        "diff": {"after": {"127.0.0.1:5000/app:1": NEW}},
        "digests": {"127.0.0.1:5000/app:1": NEW, "127.0.0.1:5000/busybox:latest": OLD},
    }
    done = delivery({**ABOUT, "loaded": {}, "pushed": pushed, "targets": TARGETS}, BUNDLE)
    assert done["pushed"] == [{"name": "127.0.0.1:5000/app:1", "digest": NEW}]
    assert done["lines"] == [f"push  127.0.0.1:5000/app:1 ({NEW[:19]})"]
    assert json.loads(done["log"])["digest"] == NEW


def test_a_check_run_foresees_pushes_of_images_that_would_come() -> None:
    done = delivery({**ABOUT, "check": True, "loaded": LOADED, "pushed": {}, "targets": TARGETS}, BUNDLE)
    assert [row["name"] for row in done["pushed"]] == list(TARGETS.values())
    assert not delivery({**ABOUT, "check": True, "pushed": {}, "targets": {}}, BUNDLE)["changed"]


def test_text_from_a_bundle_cannot_rewrite_a_terminal() -> None:
    hostile = {"loaded": [{"name": "app:1\x1b[2J", "before": None}]}
    assert delivery({**ABOUT, "loaded": hostile}, BUNDLE)["lines"] == ["load  app:1\\x1b[2J"]


@pytest.mark.parametrize(
    ("name", "registry", "target"),
    [
        ("busybox:1", "127.0.0.1:5000", "127.0.0.1:5000/busybox:1"),
        ("team/app:1", "registry.example/mirror", "registry.example/mirror/team/app:1"),
        ("registry.example:5000/team/app:1", "site.example", "site.example/team/app:1"),
        ("registry.example/library/app:1", "site.example", "site.example/library/app:1"),
    ],
)
def test_an_image_keeps_its_path_in_another_registry(name: str, registry: str, target: str) -> None:
    assert registry_names([name], registry) == {name: target}


@pytest.mark.parametrize(
    ("names", "registry", "reason"),
    [
        (["app:1"], "team/mirror", "must begin with the host"),
        (["app:1"], "https://site.example", "is no valid image reference"),
        (["team/app:1", "registry.example/team/app:1"], "site.example", "Two images of the bundle would be"),
    ],
)
def test_a_registry_that_can_not_take_them_is_refused(names: list[str], registry: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        registry_names(names, registry)
