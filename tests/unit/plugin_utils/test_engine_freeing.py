# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may go of a store after a move: only what is known to be nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.filter.engine_freeing import engine_freeing

CLASSIC = {"from": "classic", "root": "/var/lib/docker", "driver": "overlay2", "known": ["sha256:a"], "cache": 0}
CONTAINERD = {**CLASSIC, "from": "containerd", "driver": "overlayfs"}
HEAD = "REF TYPE DIGEST SIZE PLATFORMS LABELS"
A = "docker.io/library/a:1 application/vnd.oci.image.manifest.v1+json sha256:a 2.0 MiB linux/amd64 -"
B = "moby-dangling@sha256:b application/vnd.oci.image.manifest.v1+json sha256:b 2.0 MiB linux/amd64 -"


def mount(point: str) -> str:
    """Return mounts, one of them at this place."""
    return f"1 2 0:3 / /var/lib/docker rw - ext4 /dev/a rw\n4 1 0:5 / {point} rw,relatime - overlay overlay rw\n"


@pytest.mark.parametrize("left", [{}, {"images": ["a"], "mounts": mount("/var/lib/docker/overlay2x")}])
def test_a_classic_store_with_nothing_else_is_freed(left: dict[str, Any]) -> None:
    found = engine_freeing(CLASSIC, left)
    paths = ["/var/lib/docker/image/overlay2", "/var/lib/docker/overlay2"]
    assert found == {"paths": paths, "names": [], "reason": ""}


@pytest.mark.parametrize(
    ("state", "left", "said"),
    [
        ({"driver": "vfs"}, {}, "it has the storage driver vfs"),
        ({"cache": 12}, {}, "it has the build cache (12 bytes) too"),
        ({}, {"containers": ["c"]}, "it has containers: c"),
        ({}, {"images": ["a", "b"]}, "it has images that were not moved: b."),
        ({}, {"mounts": mount("/var/lib/docker/overlay2")}, "something is mounted there: /var/lib/docker/overlay2."),
        ({}, {"mounts": mount("/var/lib/docker/overlay2/x/merged")}, "something is mounted there"),
    ],
)
def test_a_classic_store_with_anything_else_stays(state: dict[str, Any], left: dict[str, Any], said: str) -> None:
    found = engine_freeing({**CLASSIC, **state}, {"size": 5, **left})
    assert (found["paths"], found["names"]) == ([], [])
    assert found["reason"].startswith(f"free the classic store: {said}")
    assert "(5 bytes)" in found["reason"]


def test_a_containerd_store_with_nothing_else_is_freed() -> None:
    found = engine_freeing(CONTAINERD, {"listed": [HEAD, A]})
    assert found == {"paths": [], "names": ["docker.io/library/a:1"], "reason": ""}


@pytest.mark.parametrize(
    ("listed", "said"),
    [(None, "there is no ctr"), ([HEAD, A, B], "images that were not moved: moby-dangling@sha256:b.")],
)
def test_a_containerd_store_with_anything_else_stays(listed: list[str] | None, said: str) -> None:
    found = engine_freeing(CONTAINERD, {"listed": listed})
    assert (found["paths"], found["names"]) == ([], [])
    assert said in found["reason"]
