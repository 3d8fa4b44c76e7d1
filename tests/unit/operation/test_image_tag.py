# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_tag's parse and plan."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_tag
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan, Taken

ID = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64


def parsed(targets: Sequence[str] = (), existing: str = "move") -> image_tag.Wanted:
    """Return the wanted values for busybox."""
    return image_tag.parse({"name": "busybox", "tag": "latest", "repository": list(targets), "existing": existing})


def planned(targets: dict[str, str | None], source: str | None = ID, existing: str = "move") -> Plan:
    """Return the plan to tag busybox. targets: the Id of each target's image now."""
    wanted = parsed([*targets], existing)
    former = {target: Image({"Id": now}) if now else None for target, now in zip(wanted.targets, targets.values())}
    return image_tag.plan(wanted, image_tag.Observed(Image({"Id": source}) if source else None, former))


@pytest.mark.parametrize(
    ("targets", "existing", "actions"),
    [
        ({}, "move", []),
        ({"a:1": None}, "move", ["Tagged image busybox:latest as a:1"]),
        ({"a:1": ID}, "move", []),
        ({"a:1": OTHER}, "move", [f"Tagged image busybox:latest as a:1, which named {OTHER}"]),
        ({"a:1": None}, "keep", ["Tagged image busybox:latest as a:1"]),
        ({"a:1": ID}, "keep", []),
        ({"a:1": OTHER}, "keep", []),
        ({"a:1": OTHER, "b": None, "c": ID}, "keep", ["Tagged image busybox:latest as b:latest"]),
    ],
)
def test_only_names_of_other_images_move(targets: dict[str, str | None], existing: str, actions: list[str]) -> None:
    plan = planned(targets, existing=existing)
    assert plan.actions == actions
    assert plan.changed is bool(actions)


def test_a_plan_has_before_and_after() -> None:
    plan = planned({"a:1": None, "b:1": OTHER, "c:1": ID})
    assert plan.before == {"a:1": None, "b:1": OTHER}
    assert plan.after == {"a:1": ID, "b:1": ID}
    assert [step.image_id for step in plan.steps] == [ID, ID]
    moved = [{"name": "b:1", "former": OTHER, "image": ID}]
    source = Image({"Id": ID})
    engine: Any = SimpleNamespace(images=SimpleNamespace(find=lambda _id: source))
    observed = image_tag.Observed(source, {})
    told = image_tag.report(engine, parsed(), observed, plan, [Taken(step) for step in plan.steps])
    assert told.results == {
        "image": {"Id": ID},
        "images": [{"Id": ID}],
        "moved": moved,
        "tagged_images": ["a:1", "b:1"],
    }
    told = image_tag.report(engine, parsed(), observed, plan, [])
    assert (told.results["moved"], told.results["tagged_images"]) == ([], [])


def test_a_missing_source_is_refused() -> None:
    with pytest.raises(GantryError, match="no image busybox:latest on this engine to tag"):
        planned({"a:1": None}, source=None)


def test_targets_are_told_apart_by_meaning() -> None:
    wanted = image_tag.parse(
        {"name": ID, "tag": "latest", "repository": ["a", "docker.io/a:latest", "a:1"], "existing": "move"}
    )
    assert [str(target) for target in wanted.targets] == ["a:latest", "a:1"]
    assert str(wanted.source) == ID


@pytest.mark.parametrize(
    ("name", "repository"),
    [("A", []), ("", []), ("a", ["A"]), ("a", [f"a@{ID}"]), ("a", [ID]), ("a", ["b", ""]), ("sha256:1", ["b"])],
)
def test_bad_input_is_refused(name: str, repository: list[str]) -> None:
    with pytest.raises(InvalidInput):
        image_tag.parse({"name": name, "tag": "latest", "repository": repository, "existing": "move"})


def test_a_source_whose_config_is_lost_is_refused() -> None:
    """An engine refuses to tag it; its names stay."""
    wanted = image_tag.parse({"name": "busybox", "tag": "latest", "repository": ["a:1"], "existing": "move"})
    (target,) = wanted.targets
    source = Image({"Id": ID, "RootFS": {}})
    assert not image_tag.plan(wanted, image_tag.Observed(source, {target: source}, readable=False)).changed
    with pytest.raises(GantryError, match=r"busybox:latest can't be tagged: it isn't whole.* Pull or load it again"):
        image_tag.plan(wanted, image_tag.Observed(source, {target: None}, readable=False))
