# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""container_exec's parse and plan."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Container
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._operation import container_exec
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan

OPTIONS: dict[str, Any] = {
    "container": "box",
    "command": None,
    "argv": ["echo", "two words"],
    "chdir": None,
    "env": None,
    "user": None,
    "tty": False,
    "detach": False,
    "stdin": None,
    "stdin_add_newline": True,
    "strip_empty_ends": True,
    "creates": None,
    "removes": None,
}


def parsed(**params: Any) -> container_exec.Wanted:
    """Return the wanted values: to run echo in box, unless these options differ."""
    return container_exec.parse({**OPTIONS, **params})


def planned(status: str | None, needless: str | None = None, **params: Any) -> Plan:
    """Return the plan. status: that of the container; None for no container."""
    container = Container({"Id": "1", "Name": "/box", "State": {"Status": status}}) if status else None
    return container_exec.plan(parsed(**params), container_exec.Observed(container, needless))


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({}, "Ran echo 'two words' in container box"),
        ({"command": "sh -c 'a b'", "argv": None}, "Ran sh -c 'a b' in container box"),
        ({"command": "unused"}, "Ran echo 'two words' in container box"),
        ({"detach": True}, "Started echo 'two words' in container box"),
    ],
)
def test_runs_a_command(params: dict[str, Any], sentence: str) -> None:
    assert planned("running", **params).actions == [sentence]


@pytest.mark.parametrize("status", ["running", "exited", "paused"])
def test_runs_nothing_that_is_needless(status: str) -> None:
    assert planned(status, "/done is there.", creates="/done") == Plan()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (None, "There is no container box.*container_run"),
        ("paused", "is paused.*docker unpause box"),
        ("exited", "is exited.*state: started"),
        ("created", "is created"),
        ("restarting", "is restarting"),
    ],
)
def test_refuses_a_container_that_does_not_run(status: str | None, words: str) -> None:
    with pytest.raises(GantryError, match=words):
        planned(status)


@pytest.mark.parametrize(
    ("params", "stdin"),
    [
        ({}, None),
        ({"stdin": "a"}, b"a\n"),
        ({"stdin": ""}, b"\n"),
        ({"stdin": "a", "stdin_add_newline": False}, b"a"),
        ({"stdin": "ü", "stdin_add_newline": False}, "ü".encode()),
    ],
)
def test_a_command_gets_its_input(params: dict[str, Any], stdin: bytes | None) -> None:
    assert parsed(**params).command.stdin == stdin


@pytest.mark.parametrize(
    "params",
    [
        {"container": ""},
        {"container": "a b"},
        {"argv": []},
        {"argv": [""]},
        {"argv": [True]},
        {"argv": None, "command": ""},
        {"argv": None, "command": "a 'b"},
        {"env": {"A=B": "1"}},
        {"env": {"A": True}},
        {"creates": "relative"},
        {"removes": "relative"},
        {"stdin": "a", "tty": True},
        {"stdin": "a", "detach": True},
    ],
)
def test_bad_input_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        parsed(**params)
