# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""container_info's parse and report, as far as they need no engine."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Container
from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._operation import container_info
from ansible_collections.gantry.docker.plugins.module_utils._operation.container_info import Observed
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan

OLD, NEW = (f"sha256:{digit * 64}" for digit in "12")
DIGEST = "sha256:" + "0" * 64


def box(image: str) -> Container:
    """Return a container that was made from the old image, by this name."""
    return Container({"Id": "1", "Name": "/box", "Image": OLD, "Config": {"Image": image}})


def told(image: str, images: dict[str, str | None]) -> dict[str, Any]:
    """Return a container as reported. images: the Ids of names now."""
    wanted = container_info.parse({"names": ["box"], "processes": False})
    nobody: Any = None  # nothing is asked of an engine where no processes are wanted
    result = container_info.report(nobody, wanted, Observed((box(image),), (), images), Plan(), []).results
    assert result["containers"] == [result["container"]]
    return dict(result["container"])


@pytest.mark.parametrize(
    ("image", "images", "name", "current"),
    [
        ("tools", {"tools:latest": OLD}, "tools:latest", True),
        ("tools:1", {"tools:1": NEW}, "tools:1", False),
        ("tools:1", {"tools:1": None}, "tools:1", None),
        (f"tools@{DIGEST}", {f"tools@{DIGEST}": OLD}, f"tools@{DIGEST}", True),
        # By its Id, or the beginning of that, or by nothing that could be a name
        (OLD, {}, None, None),
        ("1" * 12, {}, None, None),
        ("2" * 12, {f"{'2' * 12}:latest": NEW}, f"{'2' * 12}:latest", False),
        ("", {}, None, None),
    ],
)
def test_the_image_has_a_name_that_is_current_or_not(
    image: str, images: dict[str, str | None], name: str | None, current: bool | None
) -> None:
    described = told(image, images)
    assert (described["ImageName"], described["ImageIsCurrent"]) == (name, current)
    assert described["Id"] == "1" and "Processes" not in described


@pytest.mark.parametrize("names", [None, [], ["box", "other"]])
def test_several_are_no_single_one(names: list[str] | None) -> None:
    wanted = container_info.parse({"names": names, "processes": False})
    nobody: Any = None
    result = container_info.report(nobody, wanted, Observed((box(""),), ("other",), {}), Plan(), []).results
    assert "container" not in result
    assert result["not_found"] == ["other"]


def test_changes_nothing() -> None:
    wanted = container_info.parse({"names": ["box", "box"], "processes": True})
    assert wanted.names == ("box",)
    assert container_info.plan(wanted, Observed((), ("box",), {})) == Plan()


@pytest.mark.parametrize("name", ["", "a b", "/box", "x"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        container_info.parse({"names": ["box", name], "processes": False})
