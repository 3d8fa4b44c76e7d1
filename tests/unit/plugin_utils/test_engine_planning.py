# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for engines: what is written, what happens to the engine, and what is refused before anything is done."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.filter.engine_plan import engine_plan
from ansible_collections.gantry.docker.plugins.plugin_utils._engine.mirrors import MARK

UNIT = (
    "ExecStart={ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS ; ignore_errors=no ; pid=0 }\n"
)
CLASSIC = {"DriverStatus": [["Backing Filesystem", "extfs"]], "Images": 3}
CONTAINERD = {"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]], "Images": 3}
TEAM = {"registry": "registry.example:5000", "mirrors": [{"url": "https://m.example"}]}
DEFAULT = {"registry": "docker.io", "mirrors": [{"url": "http://m.example:5000"}]}
SECRET = {"registry": "docker.io", "mirrors": [{"url": "http://m", "username": "me", "password": "secret"}]}
HOSTS = "/etc/docker/certs.d/registry.example:5000/hosts.toml"


def planned(wanted: dict[str, Any], **observed: Any) -> dict[str, Any]:
    """Return the plan for a host with an engine that runs."""
    running = {"is_new": False, "installed": True, "active": True, "version": "28.5.2+dfsg4", "properties": UNIT}
    return engine_plan(wanted, {**running, "info": CLASSIC, **observed})


def test_nothing_is_to_be_done_where_all_is_as_wanted() -> None:
    text = '{"mtu":   1400}'
    found = planned({"mtu": 1400}, config=text)
    assert (found["config"], found["is_changed"], found["action"], found["lines"]) == (text, False, "none", [])
    assert planned({})["config"] is None


def test_a_host_without_an_engine() -> None:
    found = engine_plan({"mtu": 1400, "users": ["me"]}, {"version": "26.1.5+dfsg1-9+b4"})
    assert found["problems"] == []
    assert (json.loads(found["config"]), found["action"]) == ({"mtu": 1400}, "restart")
    assert found["lines"] == [
        "install  Docker 26.1.5",
        "set      mtu: not set → 1400",
        "restart  the engine, for mtu",
        "add      me to the group docker",
    ]


def test_the_new_engine_is_told_of_as_before_it_came() -> None:
    wanted = {"mtu": 1400, "mirrors": [DEFAULT, TEAM]}
    before = engine_plan(wanted, {"version": "26.1.5+dfsg1-9+b4"})
    after = planned(wanted, is_new=True, version="26.1.5+dfsg1", info={**CLASSIC, "Images": 0})
    assert before["lines"][:3] == after["lines"][:3]
    assert before["action"] == after["action"]


def test_variables_become_keys() -> None:
    found = planned(
        {
            "store": "containerd",
            "insecure_registries": ["r:1"],
            "log_driver": "local",
            "log_options": {"max-file": 3},
            "mtu": 1400,
            "address_pools": [{"base": "172.30.0.0/16", "size": 24}],
            "live_restore": False,
            "mirrors": [DEFAULT],
            "config": {"features": {"buildkit": True}, "debug": None, "ipv6": True},
        },
        config='{"debug": true, "features": {"cdi": true}}',
    )
    assert found["problems"] == []
    assert json.loads(found["config"]) == {
        "features": {"cdi": True, "containerd-snapshotter": True, "buildkit": True},
        "insecure-registries": ["r:1"],
        "log-driver": "local",
        "log-opts": {"max-file": "3"},
        "mtu": 1400,
        "default-address-pools": [{"base": "172.30.0.0/16", "size": 24}],
        "live-restore": False,
        "ipv6": True,
        "registry-mirrors": ["http://m.example:5000"],
    }


@pytest.mark.parametrize(
    ("wanted", "observed", "action"),
    [
        ({"live_restore": True}, {}, "reload"),
        ({"live_restore": True, "mtu": 1}, {}, "restart"),
        ({"live_restore": True}, {"active": False}, "start"),
        ({}, {"active": False}, "start"),
        # The run before wrote the file, and was interrupted before the engine had read it.
        ({"mtu": 1400}, {"config": '{"mtu": 1400}', "applied": ""}, "restart"),
        ({"mtu": 1400}, {"config": '{"mtu": 1400}', "applied": '{"mtu": 1400}'}, "none"),
        ({"mtu": 1400}, {"config": '{"mtu": 1400}', "applied": '{"mtu": 1400, "debug": true}'}, "restart"),
    ],
)
def test_what_happens_to_the_engine(wanted: dict[str, Any], observed: dict[str, Any], action: str) -> None:
    assert planned(wanted, **observed)["action"] == action


def test_containers_are_not_stopped_unasked() -> None:
    found = planned({"mtu": 1400}, containers=["web", "db"])
    (problem,) = found["problems"]
    assert "for mtu, and that stops these 2 containers: db, web." in problem
    allowed = planned({"mtu": 1400, "stop_containers": True}, containers=["web", "db"])
    assert (allowed["problems"], allowed["stopped"]) == ([], ["db", "web"])
    assert allowed["lines"][-2:] == ["stop     db", "stop     web"]


@pytest.mark.parametrize(
    ("wanted", "info", "stopped"),
    [
        ({"mtu": 1400}, {**CLASSIC, "LiveRestoreEnabled": True}, []),
        ({"live_restore": True}, CLASSIC, []),
        ({"mtu": 1400, "live_restore": True}, CLASSIC, ["web"]),
        ({"store": "containerd"}, {**CLASSIC, "LiveRestoreEnabled": True}, ["web"]),
    ],
)
def test_which_containers_a_change_stops(wanted: dict[str, Any], info: dict[str, Any], stopped: list[str]) -> None:
    assert planned({**wanted, "stop_containers": True}, info=info, containers=["web"])["stopped"] == stopped


def test_another_store_hides_images_that_are_left() -> None:
    found = planned({"store": "containerd", "store_images": "leave"}, info={**CLASSIC, "Containers": 1})
    hidden = [
        "hide     images (3): they stay in the classic store",
        "hide     containers (1): they stay in the classic store",
    ]
    assert [line for line in found["lines"] if line.startswith("hide")] == hidden
    assert found["store"] == "containerd"
    for others in ({"store": "classic", "store_images": "leave"}, {"store": "containerd", "store_images": "move"}):
        assert not [line for line in planned(others)["lines"] if line.startswith("hide")]


USES = '{"features": {"containerd-snapshotter": %s}}'


@pytest.mark.parametrize(
    ("wanted", "observed", "running"),
    [
        ("containerd", {}, "classic"),
        ("containerd", {"info": CONTAINERD}, "containerd"),
        # It doesn't run: it has the store that its configuration names, if that names one.
        ("containerd", {"active": False, "info": {}}, "classic"),
        ("containerd", {"active": False, "info": {}, "config": USES % "true"}, "containerd"),
        ("classic", {"active": False, "info": {}, "config": USES % "true"}, "containerd"),
        ("classic", {"active": False, "info": {}, "version": "29.0.1"}, ""),
        (None, {"active": False, "info": {}, "version": "29.0.1"}, "containerd"),
    ],
)
def test_the_store_that_an_engine_has_before(wanted: str | None, observed: dict[str, Any], running: str) -> None:
    assert planned({"store": wanted}, **observed)["running"] == running


@pytest.mark.parametrize(
    ("wanted", "info", "action"),
    [
        # Its store proves that an interrupted run came as far as the restart.
        ("containerd", CONTAINERD, "none"),
        ("classic", CONTAINERD, "restart"),
        # It didn't.
        ("containerd", CLASSIC, "restart"),
        ("classic", CLASSIC, "restart"),
    ],
)
def test_after_a_run_that_was_interrupted_at_the_restart(wanted: str, info: dict[str, Any], action: str) -> None:
    found = planned({"store": wanted}, info=info, config=USES % "true", applied=USES % "false")
    assert found["action"] == action


@pytest.mark.parametrize(
    ("wanted", "observed", "said"),
    [
        ({}, {"config": '{"mtu": 1,}'}, "/etc/docker/daemon.json is no valid JSON: line 1, column 1"),
        ({"config": {"hosts": ["tcp://:1"]}}, {}, "would not start with 'hosts' in /etc/docker/daemon.json, as its"),
        ({"mtu": 1}, {"environment": "DOCKER_OPTS=--mtu=1400"}, "command line has it too (--mtu=1400)"),
        ({}, {"environment": "DOCKER_OPTS=--config-file=/x"}, "starts the engine with --config-file /x"),
        ({"store": "containerd"}, {"version": "20.10.24+dfsg1"}, "Docker 20.10.24 has no containerd store"),
        ({"mtu": 1, "config": {"mtu": 2}}, {}, "'mtu' is set by engine_mtu and by engine_config."),
        (
            {"log_options": {"tag": "a"}, "config": {"log-opts": {"tag": "b"}}},
            {},
            "'log-opts' is set by engine_log",
        ),
        ({"mirrors": [DEFAULT], "config": {"registry-mirrors": []}}, {}, "'registry-mirrors' is set by engine_mirrors"),
        ({"mirrors": [TEAM, TEAM]}, {}, "is in engine_mirrors twice"),
        ({"mirrors_check": ["team.example/app:1"]}, {}, "this engine gets no mirror of team.example"),
        ({"mirrors": [TEAM], "mirrors_check": ["registry.example:5000/a"]}, {}, "no mirror of registry.example:5000"),
        (
            {"mirrors": [DEFAULT], "mirrors_check": ["busybox"], "config": {"log-level": "warn"}},
            {},
            "with log-level warn it logs nothing",
        ),
        ({"users": ["me"]}, {"unknown_users": ["me"]}, "There is no user 'me'"),
        (
            {"mirrors": [TEAM]},
            {"info": CONTAINERD, "files": {HOSTS: "[host]"}, "certificates": [HOSTS]},
            "hosts.toml is not this role's",
        ),
        (
            {"mirrors": [TEAM]},
            {"info": CONTAINERD, "certificates": ["/etc/docker/certs.d/registry.example_5000_/hosts.toml"]},
            "reads /etc/docker/certs.d/registry.example_5000_/ in place of",
        ),
    ],
)
def test_what_is_refused(wanted: dict[str, Any], observed: dict[str, Any], said: str) -> None:
    assert [problem for problem in planned(wanted, **observed)["problems"] if said in problem]


def test_mirrors_of_any_registry_where_the_engine_reads_them() -> None:
    found = planned({"mirrors": [DEFAULT, TEAM]}, info=CONTAINERD)
    assert [file["path"] for file in found["files"]] == [HOSTS]
    assert json.loads(found["config"]) == {"registry-mirrors": ["http://m.example:5000"]}
    assert (found["unsupported"], found["action"]) == ([], "reload")
    written = {file["path"]: file["content"] for file in found["files"]}
    again = planned({"mirrors": [DEFAULT, TEAM]}, info=CONTAINERD, config=found["config"], files=written)
    assert (again["files"], again["absent"], again["lines"]) == ([], [], [])


@pytest.mark.parametrize(
    ("version", "info", "wanted", "said"),
    [
        ("20.10.24", CLASSIC, {}, "as Docker 20.10.24 is older: that takes Docker 28.0 or newer with the containerd"),
        ("26.1.5", CONTAINERD, {}, "as Docker 26.1.5 is older"),
        ("28.5.2", CLASSIC, {}, "as Docker 28.5.2 has the classic store"),
        ("28.5.2", CONTAINERD, {"store": "classic"}, "as Docker 28.5.2 has the classic store"),
        ("", {}, {}, "as the version of the engine isn't known yet"),
    ],
)
def test_mirrors_that_an_engine_can_not_have(version: str, info: Any, wanted: dict[str, Any], said: str) -> None:
    found = planned({"mirrors": [TEAM], **wanted}, version=version, info=info)
    assert (found["problems"], found["files"]) == ([], [])
    (sentence,) = found["unsupported"]
    assert said in sentence
    assert f"CAN'T    {sentence}" in found["lines"]


def test_older_engines_ask_mirrors_by_https() -> None:
    older: dict[str, Any] = {"version": "26.1.5", "info": CONTAINERD}
    found = planned({"mirrors": [DEFAULT]}, **older)
    (sentence,) = found["unsupported"]
    assert "http://m.example:5000, as Docker 26.1.5" in sentence and "m.example:5000 in engine_insecure" in sentence
    assert json.loads(found["config"]) == {"registry-mirrors": ["http://m.example:5000"]}
    assert "no mirror of docker.io" in planned({"mirrors": [DEFAULT], "mirrors_check": ["a"]}, **older)["problems"][0]
    local = {"registry": "docker.io", "mirrors": [{"url": "http://localhost:5000"}, {"url": "https://m.example"}]}
    for wanted in (
        {"mirrors": [DEFAULT], "insecure_registries": ["m.example:5000"], "mirrors_check": ["a"]},
        {"mirrors": [local], "mirrors_check": ["a"]},
    ):
        found = planned(wanted, **older)
        assert (found["unsupported"], found["problems"]) == ([], [])
    assert planned({"mirrors": [DEFAULT]}, version="26.1.5")["unsupported"] == []


def test_the_store_of_an_engine_to_come_is_known() -> None:
    assert engine_plan({"mirrors": [TEAM]}, {"version": "29.1.0-1"})["unsupported"] == []
    assert engine_plan({"mirrors": [TEAM]}, {"version": "28.5.2-1"})["unsupported"] != []
    assert engine_plan({"mirrors": [TEAM], "store": "containerd"}, {"version": "28.5.2-1"})["unsupported"] == []


def test_mirrors_with_credentials_have_a_file_of_their_own() -> None:
    found = planned({"mirrors": [SECRET]}, info=CONTAINERD)
    (file,) = found["files"]
    assert file["secret"]
    assert found["config"] is None
    elsewhere = planned({"mirrors": [SECRET]})
    assert "mirrors with credentials for docker.io" in elsewhere["unsupported"][0]
    assert "secret" not in str(elsewhere)


def test_an_empty_list_removes_what_the_role_wrote() -> None:
    empty = {"registry": "registry.example:5000", "mirrors": []}
    assert planned({"mirrors": [empty]}, info=CONTAINERD, files={HOSTS: MARK})["absent"] == [HOSTS]
    assert planned({"mirrors": [empty]}, info=CONTAINERD)["absent"] == []
    default = {"registry": "docker.io", "mirrors": []}
    found = planned({"mirrors": [default]}, config='{"registry-mirrors": ["http://a"]}')
    # Without the key, a reload would leave the old mirrors in place.
    assert (json.loads(found["config"]), found["action"]) == ({"registry-mirrors": []}, "reload")
