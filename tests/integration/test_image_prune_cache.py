# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_prune with builder_cache: it removes exactly the foreseen records of a real build cache."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.scenes import state
from ansible_collections.gantry.docker.tests.support import archives
from ansible_collections.gantry.docker.tests.support.relay import Relay
from ansible_collections.gantry.docker.tests.support.waiting import wait_for

EACH = 300_000


@pytest.fixture
def module(engine: Engine) -> Module:
    """The module image_prune."""
    return Module("image_prune", engine.docker_host)


def cache(client: docker.DockerClient) -> dict[str, dict[str, Any]]:
    """Return the records of the build cache, by their Ids."""
    used = client.api.df()
    rows = used.get("BuildCache") or (used.get("BuildCacheUsage") or {}).get("Items") or []
    return {row["ID"]: row for row in rows}


def is_settled(client: docker.DockerClient) -> bool:
    """Return whether the builder has let go of its records; some get another Id then."""
    before = set(cache(client))
    time.sleep(0.5)
    after = cache(client)
    return before == set(after) and not any(row["InUse"] for row in after.values())


def wipe_cache(client: docker.DockerClient) -> None:
    """Remove the whole build cache."""
    client.api.prune_builds(all=True)
    assert not cache(client)


def built(client: docker.DockerClient, *words: str, name: str = "") -> None:
    """Build an image from files of random bytes that have these names; without a name, it leaves just its cache."""
    lines = ["FROM scratch", *(f"COPY {word} /{word}" for word in words)]
    files = {word: os.urandom(EACH) for word in words}
    context = archives.tar({"Dockerfile": "\n".join(lines).encode(), **files})
    api: Any = client.api
    params = {"version": "2", **({"t": name} if name else {})}
    response = api.post(api._url("/build"), data=context, params=params, headers={"Content-Type": "application/x-tar"})
    said = [json.loads(line) for line in response.text.splitlines() if line]
    assert response.ok and said and not any("error" in line for line in said), response.text
    if not name:
        (image,) = {line["aux"]["ID"] for line in said if line.get("id") == "moby.image.id"}
        client.api.remove_image(image)


@pytest.fixture
def cached(clean: docker.DockerClient) -> Iterator[docker.DockerClient]:
    """The engine with a build cache of three builds, of which an image is left of the last alone."""
    wipe_cache(clean)
    built(clean, "a", "b")
    time.sleep(1.1)
    built(clean, "c")
    built(clean, "d", name="app:1")
    wait_for(lambda: is_settled(clean), 20)
    yield clean
    wipe_cache(clean)


def pruned(module: Module, client: docker.DockerClient, **params: Any) -> dict[str, Any]:
    """Prune, and compare the forecast of the check run with the records that are gone."""
    before, images = cache(client), state(client)
    foreseen = module.ok(check=True, builder_cache=True, **params)
    assert set(cache(client)) == set(before)
    done = module.converges(builder_cache=True, **params)
    gone = set(before) - set(cache(client))
    assert set(done["builder_cache_caches_deleted"]) == gone
    assert foreseen["builder_cache_caches_deleted"] == done["builder_cache_caches_deleted"]
    freed = sum(before[one]["Size"] for one in gone if not before[one]["Shared"])
    assert done["builder_cache_space_reclaimed"] == foreseen["builder_cache_space_reclaimed"] == freed
    assert set(done["diff"]["after"]) == {f"build cache {one}" for one in gone}
    assert state(client) == images
    assert "spared" not in done
    return done


def test_cache_that_no_image_shares_goes(module: Module, cached: docker.DockerClient) -> None:
    done = pruned(module, cached)
    assert done["builder_cache_space_reclaimed"] >= 3 * EACH
    assert all(row["Shared"] or row["Type"] in ("internal", "frontend") for row in cache(cached).values())


def test_all_cache_goes(module: Module, cached: docker.DockerClient) -> None:
    pruned(module, cached, builder_cache_all=True)
    assert cache(cached) == {}
    assert state(cached)


def test_only_as_much_cache_goes_as_is_needed(module: Module, cached: docker.DockerClient) -> None:
    size = sum(row["Size"] for row in cache(cached).values() if not row["Shared"])
    module.unchanged(builder_cache=True, builder_cache_keep_storage=str(size))
    done = pruned(module, cached, builder_cache_keep_storage=str(size - 1))
    assert 0 < done["builder_cache_space_reclaimed"] < size


def test_filters_choose_cache(module: Module, cached: docker.DockerClient) -> None:
    module.unchanged(builder_cache=True, builder_cache_filters={"until": "1h"})
    told = Counter(row["Description"] for row in cache(cached).values() if not row["Shared"])
    described = max(name for name, times in told.items() if times == 1 and "build-context" in name)
    (only,) = pruned(module, cached, builder_cache_filters={"description": described})["builder_cache_caches_deleted"]
    assert only not in cache(cached)


def test_cache_is_left_alone_unless_asked_for(module: Module, cached: docker.DockerClient) -> None:
    before = set(cache(cached))
    module.ok(dangling=False)
    assert set(cache(cached)) == before


def test_cache_that_is_gone_meanwhile_is_spared(between: Relay, cached: docker.DockerClient) -> None:
    between.before("POST /build/prune", lambda: wipe_cache(cached))
    done = Module("image_prune", between.docker_host).ok(builder_cache=True, builder_cache_all=True)
    assert not done["changed"] and "gone already" in done["spared"][0]
    assert done["builder_cache_space_reclaimed"] == 0
