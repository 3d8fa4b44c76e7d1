# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_pull's parse and plan."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform, parse_platform
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_pull
from ansible_collections.gantry.docker.plugins.module_utils._operation.image_pull import Local, Observed
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan, Report, Taken
from ansible_collections.gantry.docker.plugins.module_utils._registry.credentials import Login
from ansible_collections.gantry.docker.plugins.module_utils._registry.distribution import RemoteImage
from ansible_collections.gantry.docker.plugins.module_utils._registry.pulling import Asked
from ansible_collections.gantry.docker.plugins.module_utils._verifier import subject_of

ID, OLD, NEW = (f"sha256:{digit * 64}" for digit in "123")
AMD, ARM = parse_platform("linux/amd64"), parse_platform("linux/arm64")
OPTIONS: dict[str, Any] = {
    "tag": "latest",
    "platform": None,
    "credentials": [],
    "config_path": None,
    "parallel": 4,
    "retry_for": 30,
    "verifier": None,
    "verifier_timeout": 60,
}
VERIFIER = ["verifier", "{digest}"]


def here(*digests: str, architecture: str = "amd64") -> Image:
    """Return an image on the engine."""
    return Image({"Id": ID, "RepoDigests": list(digests), "Os": "linux", "Architecture": architecture})


def parsed(**params: Any) -> image_pull.Wanted:
    """Return the wanted values: busybox, unless these options differ."""
    return image_pull.parse({**OPTIONS, "names": ["busybox"], "policy": "newer", **params})


def planned(
    image: Image | None, remote: str | None, known: Platform | None = None, own: Platform | None = None, **params: Any
) -> Plan:
    """Return the plan to pull busybox. image: the one here. remote: the digest in the registry, if that was asked."""
    wanted = parsed(**params)
    (reference,) = wanted.references
    fits = image is not None and (wanted.platform is None or wanted.platform.includes(image.platform))
    asked = {reference: Asked(RemoteImage(remote, (AMD, ARM)), known)} if remote else {}
    logins = {"docker.io": Login("docker.io", {})}
    local = Local(image, image if fits else None)
    return image_pull.plan(wanted, Observed({reference: local}, asked, logins, own))


def reported(plan: Plan, steps: Sequence[image_pull.Pull]) -> Report:
    """Return the report after these steps, on an engine without images."""
    wanted = parsed()
    (reference,) = wanted.references
    engine: Any = SimpleNamespace(ask_all=lambda _ask, names: dict.fromkeys(names))
    observed = Observed({reference: Local(None, None)}, {}, {})
    return image_pull.report(engine, wanted, observed, plan, [Taken(step) for step in steps])


@pytest.mark.parametrize(
    ("image", "remote", "platform", "before"),
    [
        (None, NEW, None, None),
        (None, NEW, "linux/arm64", None),
        (here(f"busybox@{OLD}"), NEW, None, OLD),
        (here(f"a@{NEW}", f"busybox@{OLD}"), NEW, None, OLD),
        (here(), NEW, None, ID),
        (here(f"busybox@{OLD}"), NEW, "linux/arm64", OLD),
        (here(f"busybox@{NEW}"), NEW, "linux/arm64", None),
    ],
)
def test_pulls_what_is_missing_or_older(
    image: Image | None, remote: str, platform: str | None, before: str | None
) -> None:
    plan = planned(image, remote, platform=platform)
    assert plan.actions == ["Pulled image busybox:latest" + (f" for {platform}" if platform else "")]
    assert plan.before == {"busybox:latest": before}
    assert plan.after == {"busybox:latest": NEW}
    told = reported(plan, plan.steps)
    assert told.diff == {"before": plan.before, "after": plan.after}
    assert told.results["pulled"] == [{"name": "busybox:latest", "before": before, "after": NEW}]
    told = reported(plan, ())
    assert told.diff == {"before": {}, "after": {}} and told.results["pulled"] == []
    assert plan.at_once == 4


@pytest.mark.parametrize(
    ("image", "remote", "platform"),
    [
        (here(f"busybox@{OLD}"), None, None),
        (here(), None, "linux/amd64"),
        (here(f"busybox@{NEW}"), NEW, None),
        (here(f"busybox@{OLD}", f"busybox@{NEW}"), NEW, "linux/x86_64"),
    ],
)
def test_leaves_what_is_current(image: Image, remote: str | None, platform: str | None) -> None:
    assert planned(image, remote, platform=platform) == Plan(at_once=4)


def test_always_pulls_again_what_is_current() -> None:
    plan = planned(here(f"busybox@{NEW}"), NEW, policy="always", own=AMD)
    assert not plan.changed and plan.actions == []
    assert [str(step.reference) for step in plan.repeats] == ["busybox:latest"]


def test_always_fetches_the_engines_own_platform() -> None:
    plan = planned(here(f"busybox@{NEW}", architecture="arm64"), NEW, policy="always", own=AMD)
    assert plan.changed and not plan.repeats


def test_a_digest_that_a_classic_store_remembers_counts_for_its_platform() -> None:
    image = here(architecture="arm64")
    assert not planned(image, NEW, known=AMD).changed
    assert planned(image, NEW, known=ARM).changed
    assert planned(here(f"busybox@{OLD}", architecture="arm64"), NEW, known=AMD).changed


def test_what_cannot_be_had_does_not_keep_the_rest_from_being_pulled() -> None:
    wanted = parsed(names=["a", "b", "c"], platform="linux/s390x")
    first, second, third = wanted.references
    asked: dict[Any, Any] = {
        first: GantryError("No a."),
        second: Asked(RemoteImage(NEW, (AMD, ARM))),
        third: Asked(RemoteImage(NEW, ())),
    }
    nothing = dict.fromkeys(wanted.references, Local())
    plan = image_pull.plan(wanted, Observed(nothing, asked, {"docker.io": Login("docker.io", {})}))
    assert plan.problems == (
        "No a.",
        "The registry has no b:latest for linux/s390x; it has it for linux/amd64, linux/arm64.",
    )
    assert plan.actions == ["Pulled image c:latest for linux/s390x"]
    assert plan.after == {"c:latest": NEW}


@pytest.mark.parametrize("remote", [None, RemoteImage(NEW, ())])
@pytest.mark.parametrize("policy", ["newer", "always"])
def test_what_a_mirror_may_have_otherwise_is_pulled(policy: str, remote: RemoteImage | None) -> None:
    wanted = parsed(names=["here", "away"], policy=policy)
    here_ref, away = wanted.references
    asked: Any = dict.fromkeys(wanted.references, Asked(remote, doubt="Nobody knows."))
    image = here(f"here@{NEW}")
    observed = Observed(
        {here_ref: Local(image, image), away: Local()}, asked, {"docker.io": Login("docker.io", {})}, AMD
    )
    plan = image_pull.plan(wanted, observed)
    assert plan.actions == ["Pulled image away:latest"] and plan.after == {"away:latest": remote and NEW}
    assert [str(step.reference) for step in plan.repeats] == ["here:latest"]
    engine: Any = SimpleNamespace(ask_all=lambda _ask, names: dict.fromkeys(names))
    told = image_pull.report(engine, wanted, observed, plan, [Taken(plan.steps[0], OLD)])
    assert told.warnings == ("Nobody knows.",) and told.results["pulled"][0]["after"] == OLD


def test_an_image_that_the_verifier_refuses_is_not_pulled_and_the_others_are() -> None:
    wanted = parsed(names=["a", "b", f"c:1@{OLD}"], policy="always", verifier=VERIFIER)
    asked = {reference: Asked(RemoteImage(NEW, ())) for reference in wanted.references}
    here_now = dict.fromkeys(wanted.references, Local())
    observed = Observed(here_now, asked, {"docker.io": Login("docker.io", {})})
    assert all(step.accepted for step in image_pull.plan(wanted, observed).steps)
    verdicts = {subject_of(ref, ref.digest or NEW): "No b." if "b" in str(ref) else "" for ref in wanted.references}
    plan = image_pull.plan(wanted, observed._replace(verdicts=verdicts))
    assert plan.problems == ("No b.",)
    assert [(str(step.reference), step.digest) for step in plan.steps] == [("a:latest", NEW), (f"c:1@{OLD}", OLD)]


def test_a_classic_store_takes_no_accepted_digest_for_a_second_platform() -> None:
    wanted = parsed(platform="linux/amd64", verifier=VERIFIER)
    (reference,) = wanted.references
    local = Local(here(f"busybox@{NEW}", architecture="arm64"), None)
    asked = {reference: Asked(RemoteImage(NEW, (AMD, ARM)))}
    observed = Observed({reference: local}, asked, {"docker.io": Login("docker.io", {})})
    assert image_pull.plan(wanted, observed).changed
    plan = image_pull.plan(wanted, observed._replace(classic=True))
    assert not plan.changed and "linux/arm64" in plan.problems[0] and NEW in plan.problems[0]
    older = Local(here(f"busybox@{OLD}", architecture="arm64"), None)
    assert image_pull.plan(wanted, observed._replace(classic=True, here={reference: older})).changed


@pytest.mark.parametrize("policy", ["missing", "newer"])
def test_no_verifier_can_decide_about_an_unknown_digest(policy: str) -> None:
    wanted = parsed(names=["a", f"b@{NEW}"], verifier=VERIFIER, policy=policy)
    asked: Any = dict.fromkeys(wanted.references, Asked(None, doubt="Nobody knows."))
    observed = Observed(dict.fromkeys(wanted.references, Local()), asked, {"docker.io": Login("docker.io", {})})
    plan = image_pull.plan(wanted, observed)
    assert "a:latest can't be pulled with verifier" in plan.problems[0] and "Nobody knows." in plan.problems[0]
    assert [(step.digest, step.accepted) for step in plan.steps] == [(NEW, True)]


def test_no_mirror_brings_another_image_than_the_accepted_one() -> None:
    wanted = parsed(verifier=VERIFIER)
    (reference,) = wanted.references
    image = here(f"busybox@{NEW}")
    asked: Any = {reference: Asked(RemoteImage(NEW, ()), doubt="Nobody knows.")}
    observed = Observed({reference: Local(image, image)}, asked, {"docker.io": Login("docker.io", {})})
    assert image_pull.plan(wanted, observed) == Plan(at_once=4)
    engine: Any = SimpleNamespace(ask_all=lambda _ask, names: dict.fromkeys(names))
    assert image_pull.report(engine, wanted, observed, Plan(), []).warnings == ()


def test_without_a_verifier_a_tag_is_pulled_as_it_is() -> None:
    assert not any(step.accepted for step in planned(None, NEW).steps)


def test_names_are_told_apart_by_meaning() -> None:
    wanted = parsed(names=["busybox", "docker.io/library/busybox:latest", "busybox:1"])
    assert [str(reference) for reference in wanted.references] == ["busybox:latest", "busybox:1"]


def test_tag_is_for_names_without() -> None:
    wanted = parsed(names=["busybox", "busybox:1", f"busybox@{NEW}"], tag="2")
    assert [str(reference) for reference in wanted.references] == ["busybox:2", "busybox:1", f"busybox@{NEW}"]


def test_not_present_is_missing() -> None:
    assert parsed(policy="not_present") == parsed(policy="missing")


@pytest.mark.parametrize(
    "params",
    [
        {"names": ["busybox", ""]},
        {"names": ["busybox", "A"]},
        {"names": ["busybox", "a:"]},
        {"names": ["busybox", ID.removeprefix("sha256:")]},
        {"platform": "linux"},
        {"tag": "-"},
        {"parallel": 0},
        {"retry_for": -1},
        {"credentials": [{"registry": "a b", "username": "u", "password": "p"}]},
    ],
)
def test_bad_input_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        parsed(**params)
