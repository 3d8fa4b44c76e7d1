# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""What a store has left on the disk after all its images were moved, and whether it may go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._errors import printable

# The storage driver whose directories have nothing but layers in them.
_DRIVER = "overlay2"


class Seen(NamedTuple):
    """What is left of a store.

    images: of a classic store, the digests of the configs of its images. containers: those that it has. mounts: the
    text of /proc/self/mountinfo. listed: of a containerd store, the lines of its images as ctr lists them; None without
    ctr. size: bytes, 0 if unknown.
    """

    images: Sequence[str] = ()
    containers: Sequence[str] = ()
    mounts: str = ""
    listed: Sequence[str] | None = ()
    size: int = 0


class Freeing(NamedTuple):
    """What to remove: paths, or names of images in containerd; or the reason why nothing may be removed."""

    paths: list[str]
    names: list[str]
    reason: str


def plan_freeing(state: Mapping[str, Any], seen: Seen) -> Freeing:
    """Return what may go of the store that the images were moved from. state: of the move, when it was done."""
    plan = _plan_classic if state["from"] == "classic" else _plan_containerd
    found = plan(state, seen)
    return found._replace(paths=[], names=[], reason=printable(found.reason)) if found.reason else found


def _plan_classic(state: Mapping[str, Any], seen: Seen) -> Freeing:
    # What it knows of images, and their layers.
    paths = [f"{state['root']}/image/{state['driver']}", f"{state['root']}/{state['driver']}"]
    further = sorted(image for image in seen.images if f"sha256:{image}" not in state["known"])
    mounted = [point for line in seen.mounts.splitlines() if _is_below(point := line.split(" ")[4], paths)]
    what = f"{' and '.join(paths)} ({seen.size} bytes)"
    reason = ""
    if state["driver"] != _DRIVER:
        reason = f"it has the storage driver {state['driver']}, and only {_DRIVER} is known to keep nothing else there"
    elif state["cache"]:
        reason = f"it has the build cache ({state['cache']} bytes) too, which a classic store would miss"
    elif seen.containers:
        reason = f"it has containers: {', '.join(sorted(seen.containers))}"
    elif further:
        reason = f"it has images that were not moved: {', '.join(further)}"
    elif mounted:
        reason = f"something is mounted there: {', '.join(mounted)}"
    if reason:
        reason = f"free the classic store: {reason}. If you need nothing of it, remove {what}"
    return Freeing(paths, [], reason)


def _is_below(point: str, paths: Sequence[str]) -> bool:
    return any(f"{point}/".startswith(f"{path}/") for path in paths)


def _plan_containerd(state: Mapping[str, Any], seen: Seen) -> Freeing:
    if seen.listed is None:
        return Freeing([], [], "free the containerd store: there is no ctr on the host. Install containerd's own tool")
    # The columns are name, media type, digest, size, platforms and labels.
    rows = [line.split() for line in seen.listed[1:]]
    digests = {row[0]: row[2] for row in rows if len(row) > 2}
    further = sorted(name for name, digest in digests.items() if digest not in state["known"])
    if further:
        return Freeing(
            [],
            [],
            f"free the containerd store: it has images that were not moved: {', '.join(further)}. If you need none of "
            "them, remove them with ctr --namespace moby images rm",
        )
    return Freeing([], sorted(digests), "")
