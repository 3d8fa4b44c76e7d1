# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The containers that use an image, and the time of its last use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Containers, ContainerSummary
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image, ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import listed_name
from ansible_collections.gantry.docker.plugins.module_utils._retention.foresight import TO_COME


def users_of(images: Sequence[ImageSummary], containers: Iterable[ContainerSummary]) -> dict[str, list[str]]:
    """Return the users of each image as text: containers, and a task before this one for an image that is to come.

    A container uses the image that it was made from, the one that has its image's name now, its mounted images, and all
    images that these were made from.
    """
    parents = {image.id: image.parent for image in images}
    named = _by_name(images)
    users: dict[str, list[str]] = defaultdict(list)
    users.update({image.id: ["a task before this one"] for image in images if image.created == TO_COME})
    for container in containers:
        used = (container.image_id, named.get(listed_name(container.image), ""), *container.mounted(images))
        for image_id in dict.fromkeys(used):
            seen: set[str] = set()
            while image_id in parents and image_id not in seen:
                if str(container) not in users[image_id]:
                    users[image_id].append(str(container))
                seen.add(image_id)
                image_id = parents[image_id]
    return users


def last_used(engine: Engine, images: Sequence[ImageSummary], known: Mapping[str, Image]) -> dict[str, float]:
    """Return the time of each image's last use in seconds since 1970: a container's start, a tag, or its creation.

    The engine remembers the starts of some containers that are gone, for a while.
    """
    named = _by_name(images)
    started: dict[str, float] = defaultdict(float)
    for name, at in Containers(engine).starts(engine.now):
        image_id = named.get(listed_name(name), "")
        started[image_id] = max(started[image_id], at)
    return {
        image.id: max(image.created, started[image.id], known[image.id].last_tagged if image.id in known else 0)
        for image in images
    }


def _by_name(images: Sequence[ImageSummary]) -> dict[str, str]:
    """Return the image's Id for each name, and for each Id."""
    return {name: image.id for image in images for name in (*image.tags, *image.digests, image.id)}
