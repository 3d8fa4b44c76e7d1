# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of the role report's tasks on a small fleet, as its modules return them."""

from __future__ import annotations

from typing import Any

# Text that a page must show as it stands.
HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">{{ 7*7 }}"

KIB = 1024
SIZES = {"base": 2000 * KIB, "app": 500 * KIB, "tools": 90 * KIB, "own": 40 * KIB}
STACKS = {"base:1": "base", "app:1": "base app", "app:2": "base app own", "tools:1": "base tools", "alone:1": "own"}


def image(name: str, created: str = "2026-01-01T00:00:00Z", **labels: str) -> dict[str, Any]:
    """Return an image as image_info returns it, with its layers' history."""
    layers = STACKS[name].split()
    size = sum(SIZES[layer] for layer in layers)
    return {
        "Id": f"sha256:{name}",
        "RepoTags": [name],
        "RepoDigests": [],
        "Os": "linux",
        "Architecture": "amd64",
        "Created": created,
        "Size": size,
        "Config": {"Labels": labels, "Cmd": ["true"]},
        "RootFS": {"Layers": [f"sha256:{layer}" for layer in layers]},
        "History": [{"Size": SIZES[layer], "CreatedBy": f"COPY {layer} /"} for layer in reversed(layers)],
        "Sizes": {"Total": size, "Shared": size - SIZES[layers[-1]], "Unique": SIZES[layers[-1]]},
    }


def row(found: dict[str, Any], reason: str, freed: int = 0) -> dict[str, Any]:
    """Return an image as image_prune returns it."""
    return {"Id": found["Id"], "RepoTags": found["RepoTags"], "Reason": reason, "SpaceReclaimed": freed}


def results(images: list[dict[str, Any]], goes: str = "", equal: str = "web", **pulled: Any) -> dict[str, Any]:
    """Return the results of one host. goes: the name of the image that a prune would remove. One container runs."""
    user = {"Image": images[0]["Id"], "Name": "/web", "State": {"Status": "running"}}
    gone = [row(found, "unused", 40 * KIB) for found in images if found["RepoTags"] == [goes]]
    kept = [row(found, "has a name") for found in images if found["RepoTags"] != [goes]]
    return {
        "images": {"images": images, "flawed": []},
        "containers": {"containers": [user]},
        "pruned": {"images": gone, "kept": kept, "space_reclaimed": 40 * KIB * len(gone)},
        "pulled": pulled,
        "equal": equal,
    }


def fleet() -> dict[str, dict[str, Any]]:
    """Return the results of three hosts: two that should be equal and aren't, and one with hostile text."""
    mine = [image(name) for name in STACKS]
    moved = [image("app:1", created="2026-02-02T00:00:00Z") if "app:1" in one["RepoTags"] else one for one in mine[:-1]]
    hostile = [image("base:1", note=HOSTILE), {**image("alone:1"), "RepoTags": [HOSTILE]}]
    return {
        "one": results(mine, "app:2", pulled=[{"name": "base:1", "before": "sha256:old", "after": "sha256:new"}]),
        "two": results(moved, msg="The registry doesn't answer for tools:1."),
        "three": results(hostile, equal=HOSTILE, msg=HOSTILE),
    }
