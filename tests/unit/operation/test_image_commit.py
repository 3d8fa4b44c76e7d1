# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_commit's parse and plan, and whether a container's root is read-only."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._container.containers import ChangedPaths, Container
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_commit
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan

PARAMS: dict[str, Any] = {
    "container": "box",
    "author": None,
    "comment": None,
    "changes": [],
    "labels": {},
    "pause": True,
}


def image(number: int, layer: str = "sha256:layer", **config: Any) -> Image:
    """Return an image with this digit in its Id, this newest layer, and this config."""
    platform = {"Os": "linux", "Architecture": "amd64"}
    return Image({"Id": f"sha256:{number}", "RootFS": {"Layers": ["sha256:base", layer]}, "Config": config, **platform})


TRIAL = image(0, Cmd=["sh"])
SAME = image(1, Cmd=["sh"], Env=[])
OTHER_LAYER = image(2, "sha256:other", Cmd=["sh"])
OTHER_CONFIG = image(3, Cmd=["bash"])


def planned(targets: dict[str, Image | None], alike: frozenset[str] = frozenset(), paths: int = 1) -> Plan:
    """Return the plan to commit box. targets: the names' images now."""
    wanted = image_commit.parse({**PARAMS, "names": list(targets)})
    former = dict(zip(wanted.targets, targets.values()))
    changed = ChangedPaths(tuple(f"/{number:03}" for number in range(paths)), (), ())
    return image_commit.plan(wanted, image_commit.Observed(TRIAL, former, alike, 7, changed))


@pytest.mark.parametrize(
    ("targets", "named"),
    [
        ({"a": None}, [("a:latest", TRIAL)]),
        ({"a": SAME}, []),
        ({"a": OTHER_LAYER}, [("a:latest", TRIAL)]),
        ({"a": OTHER_CONFIG}, [("a:latest", TRIAL)]),
        ({"a": SAME, "b": None}, [("b:latest", SAME)]),
        ({"a": OTHER_LAYER, "b": SAME, "c": OTHER_CONFIG}, [("a:latest", SAME), ("c:latest", SAME)]),
        ({"a": OTHER_LAYER, "b": None}, [("a:latest", TRIAL), ("b:latest", TRIAL)]),
    ],
)
def test_only_names_of_other_images_move(targets: dict[str, Image | None], named: list[tuple[str, Image]]) -> None:
    plan = planned(targets)
    assert [(str(step.target), step.image_id) for step in plan.steps] == [(name, moved.id) for name, moved in named]
    assert list(plan.before) == list(plan.after) == [name for name, _image in named]


def test_layers_of_the_same_content_are_the_same() -> None:
    assert not planned({"a": OTHER_LAYER}, alike=frozenset({OTHER_LAYER.id})).changed


def test_a_diff_tells_a_hundred_paths() -> None:
    paths = [planned({"a": None}, paths=number).after["a:latest"]["paths"] for number in (0, 1, 100, 101)]
    assert [len(told) for told in paths] == [0, 1, 100, 101]
    assert paths[1] == ["/000 (added)"]
    assert paths[3][-2:] == ["/099 (added)", "and 1 more"]


@pytest.mark.parametrize("change", ["CMD x", "cmd x", "ENV a=b \\\n c=d", "  LABEL a=b", "EXPOSE 1\nUSER 2"])
def test_instructions_of_a_commit_are_taken(change: str) -> None:
    assert image_commit.parse({**PARAMS, "names": ["a"], "changes": [change]}).how.changes == (change,)


@pytest.mark.parametrize("change", ["", " ", "RUN x", "FROM x", "x", "COPY a b", "CMD x\nRUN y", "MAINTAINER x"])
def test_other_instructions_are_refused(change: str) -> None:
    with pytest.raises(InvalidInput, match="in place 2, but a commit accepts only"):
        image_commit.parse({**PARAMS, "names": ["a"], "changes": ["USER x", change]})


def test_labels_are_text() -> None:
    labels = {"a": "b", "number": 1, "empty": ""}
    how = image_commit.parse({**PARAMS, "names": ["a"], "labels": labels}).how
    assert how.labels == {"a": "b", "number": "1", "empty": ""}


@pytest.mark.parametrize("value", [True, 1.1, None, ["a"], {"a": "b"}])
def test_labels_that_are_no_text_are_refused(value: Any) -> None:
    with pytest.raises(InvalidInput, match="label a is no text"):
        image_commit.parse({**PARAMS, "names": ["a"], "labels": {"a": value}})


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ({}, False),
        ({"ReadonlyRootfs": False}, False),
        ({"ReadonlyRootfs": True}, True),
        ({"ReadonlyRootfs": True, "Privileged": True}, False),
        ({"ReadonlyRootfs": True, "CapAdd": None}, True),
        ({"ReadonlyRootfs": True, "CapAdd": ["NET_ADMIN"]}, True),
        ({"ReadonlyRootfs": True, "CapAdd": ["SYS_ADMIN"]}, False),
        ({"ReadonlyRootfs": True, "CapAdd": ["CAP_SYS_ADMIN"]}, False),
        ({"ReadonlyRootfs": True, "CapAdd": ["all"]}, False),
    ],
)
def test_read_only_is_what_nobody_can_write(host: dict[str, Any], expected: bool) -> None:
    assert Container({"HostConfig": host}).read_only is expected
