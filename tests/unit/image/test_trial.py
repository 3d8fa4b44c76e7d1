# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of trials, and of leftover trials."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._image import trial
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ListedName, parse_tag
from ansible_collections.gantry.docker.plugins.module_utils._image.trial import is_left, trial_name

CONTAINER = "0123456789ab" + 52 * "c"
DAY = 24 * 60 * 60


def test_a_name_is_a_name_that_can_be_given() -> None:
    name = trial_name(CONTAINER)
    assert parse_tag(str(name)) == name
    assert str(name).startswith("gantry.docker.trial:0123456789ab-")
    assert trial_name(CONTAINER) != name


@pytest.mark.parametrize("age", [0, 2 * DAY])
def test_a_living_process_keeps_its_trial(age: float) -> None:
    assert not is_left(ListedName(str(trial_name(CONTAINER))), age)


@pytest.mark.parametrize("waited_for", [True, False])
def test_a_process_that_has_ended_leaves_it(waited_for: bool) -> None:
    program = f"from {trial.__name__} import trial_name; print(trial_name('{CONTAINER}'), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = ListedName(process.stdout.readline().strip())
        assert not is_left(name, 0)
        process.kill()
        if waited_for:
            process.wait()
        else:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_left(name, 0)


def test_another_process_of_the_same_number_keeps_nothing() -> None:
    first, machine, process, _started, last = str(trial_name(CONTAINER)).split("-")
    assert is_left(ListedName("-".join([first, machine, process, "1", last])), 0)


@pytest.mark.parametrize(("age", "left"), [(0, False), (DAY - 1, False), (DAY + 1, True)])
def test_of_another_machine_the_age_decides(age: float, left: bool) -> None:
    assert is_left(ListedName(f"gantry.docker.trial:{12 * '0'}-{12 * '0'}-1-1-{6 * '0'}"), age) is left


@pytest.mark.parametrize(
    "name",
    [
        "gantry.docker.trial:latest",
        "gantry.docker.trial",
        f"gantry.docker.trial:{12 * '0'}-{12 * '0'}-1-1-{7 * '0'}",
        f"other:{12 * '0'}-{12 * '0'}-1-1-{6 * '0'}",
        f"localhost:1/gantry.docker.trial:{12 * '0'}-{12 * '0'}-1-1-{6 * '0'}",
    ],
)
def test_what_is_no_trial_is_not_left(name: str) -> None:
    assert not is_left(ListedName(name), 100 * DAY)
