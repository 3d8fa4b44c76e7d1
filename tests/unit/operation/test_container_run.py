# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""container_run's parse and plan."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._container.changes import (
    Await,
    Make,
    Remove,
    Replace,
    Start,
    Stop,
)
from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Container
from ansible_collections.gantry.docker.plugins.module_utils._container.options import OPTIONS
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import parse_platform
from ansible_collections.gantry.docker.plugins.module_utils._operation import container_run
from ansible_collections.gantry.docker.plugins.module_utils._operation.container_run import Observed, Pull
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan
from ansible_collections.gantry.docker.plugins.module_utils._registry.credentials import Login
from ansible_collections.gantry.docker.plugins.module_utils._registry.distribution import RemoteImage
from ansible_collections.gantry.docker.plugins.module_utils._registry.pulling import Asked
from ansible_collections.gantry.docker.plugins.module_utils._verifier import Subject

ID, OTHER, NEW = (f"sha256:{digit * 64}" for digit in "123")
# An engine omits RootFS only for an image that it can't read.
WHOLE = {"Id": ID, "RootFS": {"Type": "layers"}}
IMAGE = Image(WHOLE)
LOGIN = Login("docker.io", {})
DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(OPTIONS),
    "name": "box",
    "state": "started",
    "image": "busybox",
    "pull": "never",
    "existing": "replace",
    "credentials": [],
    "config_path": None,
    "retry_for": 30,
    "stop_timeout": None,
    "healthy_wait_timeout": None,
    "verifier": None,
    "verifier_timeout": 60,
}


def box(status: str = "running", image: str = ID, name: str = "box", **config: Any) -> Container:
    """Return a container as an engine describes it."""
    state = {"Status": status, "Running": status in ("running", "paused", "restarting")}
    made_from = {"Image": "busybox", "Env": [], "Labels": {}, **config}
    return Container({"Id": "1", "Name": f"/{name}", "Image": image, "State": state, "Config": made_from})


def parsed(**params: Any) -> container_run.Wanted:
    """Return the wanted values: box, running from busybox, unless these options differ."""
    return container_run.parse({**DEFAULTS, **params})


def planned(observed: Observed, **params: Any) -> Plan:
    """Return the plan."""
    return container_run.plan(parsed(**params), observed)


@pytest.mark.parametrize(
    ("state", "start", "status"),
    [
        ("started", True, "running"),
        ("healthy", True, "running"),
        ("present", False, "created"),
        ("stopped", False, "created"),
    ],
)
def test_makes_a_container_that_is_missing(state: str, start: bool, status: str) -> None:
    plan = planned(Observed(None, IMAGE), state=state, env={"A": "1"})
    (step,) = plan.steps
    assert isinstance(step, Make) and step.start is start
    assert plan.actions == [f"{'Started' if start else 'Made'} container box from busybox:latest"]
    assert plan.before == {"box": None}
    assert plan.after == {"box": {"image": ID, "env": {"A": "1"}, "status": status}}


def test_pulls_what_is_missing_first() -> None:
    observed = Observed(None, asked=Asked(RemoteImage(OTHER, ())), login=LOGIN)
    plan = planned(observed, pull="missing", retry_for=7)
    assert [type(step) for step in plan.steps] == [Pull, Make]
    assert plan.actions[0] == "Pulled image busybox:latest"
    assert plan.steps[0].retry_for == 7
    assert plan.after["box"]["image"] == "busybox:latest"


def asked(digest: str = OTHER) -> dict[str, Any]:
    """Return the answer of a registry with the image's digest, as parts of the observed values."""
    return {"asked": Asked(RemoteImage(digest, ())), "login": LOGIN}


def known(digest: str = OTHER) -> Image:
    """Return an image that was pulled with a digest."""
    return Image({**WHOLE, "RepoDigests": [f"busybox@{digest}"], "Os": "linux", "Architecture": "amd64"})


def test_nothing_is_done_with_an_image_that_the_verifier_refuses() -> None:
    observed = Observed(box(Tty=False), IMAGE, verdicts={Subject("docker.io/library/busybox:latest", ID): "No."})
    with pytest.raises(GantryError, match=r"^No\.$"):
        planned(observed, tty=True)


def test_no_verifier_can_decide_about_an_unknown_digest() -> None:
    observed = Observed(None, asked=Asked(None, doubt="Nobody knows."), login=LOGIN)
    assert planned(observed, pull="missing").changed
    with pytest.raises(GantryError, match=r"busybox:latest can't be pulled with verifier.*Nobody knows"):
        planned(observed, pull="missing", verifier=["verifier", "{digest}"])


def test_the_accepted_digest_is_pulled() -> None:
    observed = Observed(None, **asked(NEW))
    (pull, _make) = planned(observed, pull="missing", verifier=["verifier", "{digest}"]).steps
    assert pull.accepted and pull.digest == NEW
    assert not planned(observed, pull="missing").steps[0].accepted


def test_pulls_for_a_replacement_and_tells_the_image_by_its_name() -> None:
    plan = planned(Observed(box(image=OTHER, Tty=False), **asked()), pull="missing", tty=True)
    assert plan.actions == [
        "Pulled image busybox:latest",
        "Replaced container box, as it differed in tty",
    ]
    assert plan.before["box"]["image"] == OTHER and plan.after["box"]["image"] == "busybox:latest"


def test_always_pulls_and_replaces_what_has_moved() -> None:
    plan = planned(Observed(box(), known(), **asked(NEW)), pull="always")
    assert plan.actions == [
        "Pulled image busybox:latest",
        "Replaced container box, as it differed in image",
    ]
    assert plan.before == {"box": {"image": ID, "status": "running"}}
    assert plan.after == {"box": {"image": "busybox:latest", "status": "running"}}
    assert planned(Observed(box(image=OTHER), None, **asked(NEW)), pull="always").actions == plan.actions


def test_always_leaves_what_is_current() -> None:
    assert planned(Observed(box(), known(), **asked()), pull="always") == Plan()
    assert planned(Observed(box(image=OTHER), known(), **asked()), pull="always").actions == [
        "Replaced container box, as it differed in image"
    ]
    assert planned(Observed(None, known(), **asked()), pull="always").actions == [
        "Started container box from busybox:latest"
    ]


def test_always_comes_to_the_engines_own_platform() -> None:
    own = parse_platform("linux/arm64")
    here = Asked(RemoteImage(OTHER, (own, parse_platform("linux/amd64"))))
    plan = planned(Observed(box(), known(), asked=here, login=LOGIN, own=own), pull="always")
    assert plan.actions[0] == "Pulled image busybox:latest"


def test_a_short_id_is_run_by_the_id_that_it_means() -> None:
    (step,) = planned(Observed(None, Image(WHOLE)), image="1" * 12).steps
    assert step.image == ID
    (step,) = planned(Observed(None, Image({**WHOLE, "RepoTags": ["111111111111:latest"]})), image="1" * 12).steps
    assert step.image == "111111111111:latest"
    assert not planned(Observed(box(Image=ID), None), image="1" * 12, pull="missing").changed


@pytest.mark.parametrize(
    ("config", "params"),
    [
        ({"Cmd": ["sh"]}, {}),
        ({"Entrypoint": ["sh"]}, {}),
        ({}, {"command": "sh"}),
        ({"Env": ["A=1"]}, {"entrypoint": ["sh"]}),
        ({"Cmd": ["sh"], "Entrypoint": ["sh"]}, {"entrypoint": "", "command": "sh"}),
        ({}, {}),
    ],
)
def test_something_says_what_to_run(config: dict[str, Any], params: dict[str, Any]) -> None:
    """An engine that reports no config of an image isn't trusted."""
    assert planned(Observed(None, Image({**WHOLE, "Config": config})), **params).changed


@pytest.mark.parametrize(
    ("container", "state", "step", "status"),
    [
        (box("exited"), "started", Start, "running"),
        (box("created"), "healthy", Start, "running"),
        (box("running"), "stopped", Stop, "exited"),
    ],
)
def test_lets_it_run_or_not(container: Container, state: str, step: type, status: str) -> None:
    plan = planned(Observed(container, IMAGE), state=state, healthy_wait_timeout=9)
    assert [type(one) for one in plan.steps] == [step]
    assert plan.before == {"box": {"image": ID, "status": container.status}}
    assert plan.after == {"box": {"image": ID, "status": status}}


@pytest.mark.parametrize(
    ("container", "state", "image"),
    [
        (box("running"), "started", "busybox"),
        (box("running"), "started", None),
        (box("running"), "present", "busybox"),
        (box("exited"), "present", "busybox"),
        (box("exited"), "stopped", "busybox"),
        (box("created"), "stopped", "busybox"),
        (None, "absent", None),
    ],
)
def test_leaves_a_container_that_is_right(container: Container | None, state: str, image: str | None) -> None:
    assert planned(Observed(container, IMAGE if image else None), state=state, image=image) == Plan()


@pytest.mark.parametrize("state", ["started", "healthy", "present", "stopped"])
@pytest.mark.parametrize("found", [box("running", image=OTHER), box("exited", Env=["A=2"]), box("paused")])
def test_keeps_whatever_is_there(state: str, found: Container) -> None:
    assert planned(Observed(found, IMAGE), state=state, existing="keep", env={"A": "1"}) == Plan()


def test_keep_makes_what_is_not_there() -> None:
    (step,) = planned(Observed(None, IMAGE), existing="keep").steps
    assert isinstance(step, Make) and step.keep


def test_removes_by_id() -> None:
    plan = planned(Observed(box(name="other")), name="0458df13512c", state="absent")
    assert plan.steps == (Remove("0458df13512c", True, None),)


def test_healthy_waits_for_what_runs_and_changes_nothing() -> None:
    plan = planned(Observed(box(), IMAGE), state="healthy", healthy_wait_timeout=9)
    assert not plan.changed and plan.repeats == (Await("box", 9),)
    assert planned(Observed(box(), IMAGE), healthy_wait_timeout=9).repeats == ()


@pytest.mark.parametrize(
    ("container", "state", "runs"),
    [
        (box("running", OTHER), "started", True),
        (box("exited", OTHER), "started", True),
        (box("running", OTHER), "present", True),
        (box("exited", OTHER), "present", False),
        (box("running", OTHER), "stopped", False),
    ],
)
def test_replaces_one_from_another_image(container: Container, state: str, runs: bool) -> None:
    plan = planned(Observed(container, IMAGE), state=state)
    (step,) = plan.steps
    assert isinstance(step, Replace) and step.make.start is runs and step.was_running is container.running
    assert plan.actions == ["Replaced container box, as it differed in image"]
    assert plan.before == {"box": {"image": OTHER, "status": container.status}}
    assert plan.after == {"box": {"image": ID, "status": "running" if runs else "created"}}


def test_replaces_one_that_differs_in_what_was_asked_for_only() -> None:
    container = box(Env=["A=1", "B=2"], Labels={"x": "1"})
    assert not planned(Observed(container, IMAGE), env={"A": "1"}).changed
    plan = planned(Observed(container, IMAGE), env={"A": "2"}, labels={"x": "1"})
    assert plan.actions == ["Replaced container box, as it differed in env"]


def test_an_image_that_is_gone_is_no_difference_if_its_name_is_the_same() -> None:
    assert not planned(Observed(box(image=OTHER), None)).changed
    with pytest.raises(GantryError, match="no image debian:latest on this engine to run"):
        planned(Observed(box(image=OTHER), None), image="debian")


@pytest.mark.parametrize(("asked", "own", "grace"), [(None, None, None), (None, 5, 5), (0, 5, 0), (3, None, 3)])
def test_a_container_has_its_time_to_stop(asked: int | None, own: int | None, grace: int | None) -> None:
    observed = Observed(box(StopTimeout=own), IMAGE)
    for state in ("stopped", "absent"):
        (step,) = planned(observed, state=state, stop_timeout=asked).steps
        assert step.stop_timeout == grace


@pytest.mark.parametrize("status", ["running", "exited", "paused"])
def test_removes_a_container(status: str) -> None:
    plan = planned(Observed(box(status)), state="absent")
    assert plan.steps == (Remove("box", running=status != "exited", stop_timeout=None),)
    assert (plan.before, plan.after) == ({"box": {"status": status}}, {"box": None})


@pytest.mark.parametrize(
    ("observed", "params", "words"),
    [
        (Observed(None), {}, "no image busybox:latest on this engine to run.*image_pull.*pull: missing"),
        (Observed(None), {"image": ID}, f"no image {ID} on this engine to run. An Id can't be pulled"),
        (Observed(None, Image({**WHOLE, "Config": {"Env": ["A=1"]}})), {}, "doesn't say what to run. Name a command"),
        (Observed(None, Image({**WHOLE, "Config": {"Cmd": ["sh"]}})), {"entrypoint": []}, "clears.*name a command"),
        (Observed(None, **asked()), {"pull": "missing", "entrypoint": [""]}, "clears.*name a command"),
        (Observed(None, Image({"Id": ID})), {}, "No container can be made of busybox:latest: it isn't whole"),
        (Observed(None), {"image": None}, "no image is given to make it from"),
        (Observed(None, IMAGE, former=box(name="box.gantry-former")), {}, "box.gantry-former is in the way"),
        (Observed(box(image=OTHER), IMAGE, former=box(name="box.gantry-former")), {}, "is in the way"),
        (Observed(box("paused"), IMAGE), {}, "is paused.*docker unpause box"),
        (Observed(box(name="other"), IMAGE), {}, "'box' is the Id of the container other"),
    ],
)
def test_refuses_what_cannot_be(observed: Observed, params: dict[str, Any], words: str) -> None:
    with pytest.raises(GantryError, match=words):
        planned(observed, **params)


def test_networks_must_be_there() -> None:
    networks = [{"name": name, "aliases": None, "ipv4_address": None} for name in ("back", "front", "side")]
    with pytest.raises(GantryError, match=r"There is no network back, side on this engine"):
        planned(Observed(None, IMAGE, networks=frozenset({"front"})), networks=networks)


@pytest.mark.parametrize(
    "params",
    [
        {"name": "a b"},
        {"image": "Busybox"},
        {"stop_timeout": -1},
        {"healthy_wait_timeout": -1},
        {"restart_retries": 3},
        {"restart_retries": 3, "restart_policy": "always"},
        {"env": {"A": True}},
        {"command": []},
        {"retry_for": -1},
        {"credentials": [{"registry": "a b", "username": "u", "password": "p"}]},
    ],
)
def test_bad_input_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        parsed(**params)


ARM = Image({**WHOLE, "Os": "linux", "Architecture": "arm64"})


@pytest.mark.parametrize(
    ("observed", "params", "warned"),
    [
        (Observed(None, ARM), {}, True),
        (Observed(box(image=OTHER), ARM), {}, True),
        (Observed(box(), ARM), {}, False),
        (Observed(None, known()), {}, False),
        (Observed(None, IMAGE), {}, False),
        (Observed(box(), ARM), {"state": "absent"}, False),
        # The pull is for the engine's own platform if the registry has it
        (Observed(None, ARM, **asked(NEW)), {"pull": "always"}, False),
    ],
)
def test_warns_of_an_image_for_another_platform(observed: Observed, params: dict[str, Any], warned: bool) -> None:
    engine: Any = SimpleNamespace(platform=parse_platform("linux/amd64"))
    wanted = parsed(**params)
    told = list(container_run._doubts(engine, wanted, observed, container_run.plan(wanted, observed)))
    assert [True for text in told if "here for linux/arm64" in text and "host is linux/amd64" in text] == [
        True
    ] * warned
    assert len(told) == warned
