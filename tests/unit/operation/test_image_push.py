# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_push's parse and plan."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_push
from ansible_collections.gantry.docker.plugins.module_utils._operation.image_push import Here, Observed
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan
from ansible_collections.gantry.docker.plugins.module_utils._registry.credentials import Login

ID, OLD, NEW = (f"sha256:{digit * 64}" for digit in "123")
OPTIONS: dict[str, Any] = {"tag": "latest", "credentials": [], "config_path": None, "parallel": 4, "retry_for": 30}
HOST = "registry.example:5000"


def parsed(*names: str, **params: Any) -> image_push.Wanted:
    """Return the wanted values for these tags."""
    return image_push.parse({**OPTIONS, "names": list(names), **params})


def planned(*known: tuple[str, set[str] | None, str | GantryError | None], **params: Any) -> Plan:
    """The plan to push.

    known: each tag, with the digests of the image here (None for none), and what its registry has or says.
    """
    wanted = parsed(*(name for name, _here, _remote in known), **params)
    here = {
        reference: None if digests is None else Here(Image({"Id": ID}), frozenset(digests))
        for reference, (_name, digests, _remote) in zip(wanted.references, known)
    }
    remote = {ref: there for ref, (_name, digests, there) in zip(wanted.references, known) if digests is not None}
    logins = {reference.registry: Login(reference.registry, {}) for reference in wanted.references}
    return image_push.plan(wanted, Observed(here, remote, logins))


@pytest.mark.parametrize(
    ("digests", "remote", "pushed"),
    [
        (set(), None, True),
        (set(), OLD, True),
        ({NEW}, OLD, True),
        ({NEW}, None, True),
        ({NEW}, NEW, False),
        ({OLD, NEW}, OLD, False),
    ],
)
def test_pushes_what_differs(digests: set[str], remote: str | None, pushed: bool) -> None:
    plan = planned((f"{HOST}/a:1", digests, remote))
    assert plan.actions == ([f"Pushed image {HOST}/a:1"] if pushed else [])
    assert plan.before == ({f"{HOST}/a:1": remote} if pushed else {})
    assert plan.after == ({f"{HOST}/a:1": ID} if pushed else {})
    assert plan.problems == ()


def test_what_cannot_be_pushed_does_not_keep_the_rest_from_it() -> None:
    plan = planned(
        (f"{HOST}/missing", None, None),
        (f"{HOST}/a:1", set(), GantryError("No answer.")),
        (f"{HOST}/b:1", {NEW}, OLD),
        (f"{HOST}/c:1", {NEW}, NEW),
    )
    assert plan.actions == [f"Pushed image {HOST}/b:1"]
    missing, unanswered = plan.problems
    assert f"There is no image {HOST}/missing:latest on this engine" in missing
    assert unanswered == "No answer."


@pytest.mark.parametrize(
    ("names", "at_once"),
    [
        (["a:1", "b:1"], 4),
        (["a:1", "a:2"], 1),
        (["a:1", f"{HOST}/a:1"], 4),
        ([f"{HOST}/a:1", "b:1", f"{HOST}/a:2"], 1),
    ],
)
def test_tags_of_one_repository_go_one_after_the_other(names: list[str], at_once: int) -> None:
    assert planned(*((name, set(), None) for name in names)).at_once == at_once


def test_only_what_is_pushed_counts_for_that() -> None:
    assert planned(("a:1", {NEW}, NEW), ("a:2", set(), None), parallel=3).at_once == 3


def test_step_has_its_registrys_login_and_patience() -> None:
    (step,) = planned((f"{HOST}/a:1", set(), None), retry_for=7).steps
    assert (step.login.registry, step.retry_for) == (HOST, 7)


def test_names_are_told_apart_by_meaning() -> None:
    wanted = parsed("busybox", "docker.io/library/busybox:2", "busybox:1", tag="2")
    assert [str(reference) for reference in wanted.references] == ["busybox:2", "busybox:1"]


@pytest.mark.parametrize(
    "params",
    [
        {"names": ["busybox", ""]},
        {"names": [f"busybox@{NEW}"]},
        {"names": [f"busybox:1@{NEW}"]},
        {"names": [ID.removeprefix("sha256:")]},
        {"names": ["busybox:*"]},
        {"tag": "-", "names": ["a"]},
        {"parallel": 0, "names": ["a"]},
        {"retry_for": -1, "names": ["a"]},
    ],
)
def test_bad_input_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        image_push.parse({**OPTIONS, **params})
