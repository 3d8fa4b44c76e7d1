# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Engines for the soak, and the rounds on each of them.

The seed is 1 unless --seed has another: so the tests of all commits go through the same states, and fail only because
of a change. Another seed, or random, finds more.
"""

from __future__ import annotations

import argparse
from random import SystemRandom

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines import engine as engines
from ansible_collections.gantry.docker.tests.integration.conftest import client, engine, modules
from ansible_collections.gantry.docker.tests.integration.registries import Registry
from ansible_collections.gantry.docker.tests.soak.dice import BUSYBOX, REGISTRY, SEVERAL

__all__ = ["client", "engine", "modules"]  # fixtures


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engines", default=",".join(engines.DEFAULT_NAMES), help="the names of the engines")
    parser.addoption("--rounds", type=int, default=100, help="the number of rounds on all engines together")
    parser.addoption("--seed", type=_seed, default=1, help="the seed of the first round, or random")


def _seed(text: str) -> int:
    try:
        return SystemRandom().randrange(10**6, 10**9) if text == "random" else int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is neither a number nor random") from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Distribute the rounds over the engines. Each round has a seed of its own, so it can be repeated alone."""
    if "seed" not in metafunc.fixturenames:
        return
    names, first = metafunc.config.getoption("--engines").split(","), metafunc.config.getoption("--seed")
    rounds = [(names[number % len(names)], first + number) for number in range(metafunc.config.getoption("--rounds"))]
    rounds.sort(key=lambda one: names.index(one[0]))  # one engine after the other
    metafunc.parametrize(("engine", "seed"), rounds, indirect=["engine"], scope="session")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in its own
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let several processes share the work: each takes half of an engine's rounds."""
    for number, item in enumerate(items):
        assert isinstance(item, pytest.Function)
        item.add_marker(pytest.mark.xdist_group(f"{item.callspec.params['engine']}/{number % 2}"))


@pytest.fixture(scope="session")
def digests(engine: engines.Engine, client: docker.DockerClient) -> dict[str, str]:
    """The digests of busybox and of an image for several platforms in the registry, which gets the latter."""
    client.images.pull(BUSYBOX)
    client.api.tag(BUSYBOX, SEVERAL.rpartition(":")[0], "source")
    assert "error" not in client.images.push(SEVERAL.rpartition(":")[0], "source")
    registry = Registry(engine, REGISTRY)
    several = registry.put_index("soak/several", "1", "source", ["amd64", "arm64"])
    busybox = registry.digest("library/busybox", "latest")
    assert busybox
    return {"busybox": busybox, "several": several}
