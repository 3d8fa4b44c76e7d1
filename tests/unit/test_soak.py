# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The soak's draws: the same seed gives the same draws in every process, and all kinds are drawn."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

from ansible_collections.gantry.docker.tests.soak import calls, state
from ansible_collections.gantry.docker.tests.soak.dice import Dice

_PROGRAM = f"""
from {Dice.__module__} import Dice
from {state.__name__.rpartition(".")[0]} import calls, state
for seed in range(20):
    dice = Dice(seed)
    print(*state.draw(dice), *[calls.draw(dice) for _index in range(9)], sep="\\n")
"""


def test_a_seed_gives_the_same_in_every_process() -> None:
    said = [
        subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert said[0] == said[1] and len(set(said[0].splitlines())) > 200


def test_a_hundred_rounds_have_all_kinds_of_steps_and_calls() -> None:
    drawn: Counter[str] = Counter()
    for seed in range(1, 101):
        dice = Dice(seed)
        drawn.update(step.what for step in state.draw(dice))
        drawn.update(calls.draw(dice).module for _index in range(3))
    kinds = {"pull", "dated", "child", "grown", "tag", "remove", "container", "archive", "lose"}
    modules = {"image_tag", "image_remove", "image_prune", "image_pull", "image_save", "image_load", "image_commit"}
    assert drawn.keys() >= {*kinds, *modules, "container_run"}
    assert min(drawn.values()) >= 10
