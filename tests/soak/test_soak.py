# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random states and calls: a check run is exact, a diff is true, and a second run changes nothing.

A round prints what it does, and pytest shows that if the round fails.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration.conftest import Module, wipe
from ansible_collections.gantry.docker.tests.soak import calls, state
from ansible_collections.gantry.docker.tests.soak.delivery import Delivery
from ansible_collections.gantry.docker.tests.soak.dice import Dice
from ansible_collections.gantry.docker.tests.soak.state import World
from ansible_collections.gantry.docker.tests.soak.truth import judge, judge_what_came, look

_CALLS = 3
# The results of a check run that the real run must repeat.
_FORESEEN = ("changed", "actions", "diff", "deleted", "untagged", "space_reclaimed", "moved", "tagged_images", "kept")


@pytest.fixture
def world(engine: Engine, client: docker.DockerClient, digests: dict[str, str], tmp_path: Path) -> World:
    """The engine, without images and containers."""
    wipe(client)
    return World(engine, client, tmp_path, digests)


@pytest.fixture
def controller(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for the files of a controller, which are none of the world."""
    return tmp_path_factory.mktemp("controller")


def test_a_round_tells_the_truth(world: World, seed: int, modules: Callable[[str], Module], controller: Path) -> None:
    print(f"Repeat it: ./dev test soak --engines {world.engine.name} --rounds 1 --seed {seed}\n\nThe state:")
    dice = Dice(seed)
    recipe = state.draw(dice)
    drawn = [calls.draw(dice) for _index in range(_CALLS)]
    for step in recipe:
        print(f"    {step}")
        world.take(step)
    for call in drawn:
        print(f"\nThe call: {call}")
        module = Delivery(world.engine.docker_host, controller) if "src" in call.params else modules(call.module)
        _run(world, module, call.module, world.resolve(call.params))


def _run(world: World, module: Module, name: str, params: dict[str, Any]) -> None:
    """Run a module in check mode, for real, and both again; compare all results with the engine's state."""
    before = look(world)
    print(f"    with {params}\n    on {before.images}\n    and {before.containers}")
    foreseen = module(check=True, **params)
    assert look(world) == before, "a check run changed something"
    done = module(**params)
    after = look(world)
    print(f"    said {done.get('msg') or done['actions']}")
    assert "Traceback" not in str(done)
    if done.get("failed") and not foreseen.get("failed") and _could_not_know(name, done["msg"]):
        if name == "image_pull":
            judge_what_came(world, before, after, params)
        else:
            assert after == before, "a failure changed something"
        return
    said, expected = done.get("msg"), foreseen.get("msg")
    assert said == expected
    assert _told(done) == _told(foreseen)
    assert "spared" not in done
    if "diff" not in done:
        assert after == before, "a refusal changed something"
        return
    judge(world, name, before, after, done["diff"])
    if not done["changed"]:
        assert after == before, "it changed, and says it didn't"
    for check in (True, False):
        again = module(check=check, **params)
        repeated = again.get("msg")
        assert repeated == said
        assert (again["changed"], again["actions"]) == (False, []), "a second run changes something"
    assert look(world) == after, "a second run changed something"


def _told(result: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a result that a check run must foresee."""
    return {key: result.get(key) for key in _FORESEEN}


def _could_not_know(name: str, message: str) -> bool:
    """Return whether only a real run could find this error.

    That is so for a program that the image lacks, and for a pulled image one of whose layers the engine has unpacked
    for another image, and lost.
    """
    if name == "image_pull":
        return "was pulled, but isn't whole" in message
    return name == "container_run" and ("executable file not found" in message or "no such file" in message)
