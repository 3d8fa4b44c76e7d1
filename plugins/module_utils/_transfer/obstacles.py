# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Obstacles to a save that are known before it begins: too little space, and images for other platforms alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ImageName

# The first version in which an image's size in a containerd store includes unpacked layers
# (daemon/containerd/image_inspect.go).
_FIRST_WITH_UNPACKED = (29, 7)


def free_in(directory: str) -> int:
    """Return the free bytes on the disk of a directory."""
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize


def is_in_doubt(engine: Engine, image: Image, free: int) -> bool:
    """Return whether an image seems larger than the free space, but its size may include unpacked layers.

    This is possible on Docker 29 with an older version of the API, which doesn't report manifests.
    """
    if image.archived_size <= free or image.manifests:
        return False
    return engine.version >= _FIRST_WITH_UNPACKED and engine.containerd_store


def check_space(path: str, images: Iterable[Image], free: int) -> None:
    """Raise GantryError if there is too little space at a path for a whole, uncompressed archive of these images.

    It contains the images' layers as they are stored, and shared layers only once: so it takes at least the bytes of
    the largest image.
    """
    needed = max(image.archived_size for image in images)
    if needed > free:
        raise GantryError(
            f"Can't write {path}: it takes {needed} bytes or more, and only {free} are free there. "
            "Free some space, or save elsewhere. Nothing there was changed."
        )


def for_others_alone(engine: Engine, images: Mapping[ImageName, Image]) -> dict[ImageName, tuple[Platform, ...]]:
    """Return the images whose index names the engine's own platform, but which are here only for other platforms.

    Each comes with the platforms that it is here for. Without a platform a containerd store saves an index with a
    manifest.json for the image of its own platform. It answers 404 if the index names that image, but it isn't here
    (containerd, core/images/archive/exporter.go).
    """
    found = {}
    for name, image in images.items():
        if image.platform == engine.platform:
            continue
        platforms = image.platforms or Image(image.inspected, engine.images.manifests(image.id)).platforms
        if platforms.get(engine.platform) is False:
            found[name] = tuple(platform for platform, here in platforms.items() if here)
    return found


def check_platforms(for_others: Mapping[ImageName, Sequence[Platform]]) -> None:
    """Raise GantryError for images that the engine can't save without a platform. for_others: as for_others_alone."""
    told = [
        f"{name} is here for {', '.join(map(str, sorted(here)))} alone" for name, here in for_others.items() if here
    ]
    if told:
        raise GantryError(
            f"Can't save every platform: {'; '.join(told)}, and not for the engine's own. Name one that is here in "
            "platform, or pull the image for the engine's own too."
        )
