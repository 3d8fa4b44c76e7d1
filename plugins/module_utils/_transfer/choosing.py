# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The images of an archive to load: those that an engine makes of it, limited to the wanted ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import (
    ArchivedGroup,
    archived_identity,
    groups_of,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchivedImage, ArchiveIndex
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform


def chosen(
    engine: Engine, path: str, index: ArchiveIndex, names: Sequence[str], platforms: Sequence[Platform]
) -> tuple[ArchivedGroup, ...]:
    """Return groups, each of which the engine makes one image of; raise GantryError if the archive lacks wanted ones.

    path: the archive's. names: the wanted tags; none for all. platforms: the wanted platforms of each image; none for
    all.
    """
    if platforms:
        for group in _under(path, groups_of(index, lambda: engine.platform, lambda: True), names):
            _check_platforms(engine, path, group, platforms)
        images = tuple(image for image in index.images if _is_for(platforms, image))
        index = index._replace(images=images)
    return _under(path, groups_of(index, lambda: engine.platform, lambda: engine.containerd_store), names)


def _under(path: str, groups: Sequence[ArchivedGroup], names: Sequence[str]) -> tuple[ArchivedGroup, ...]:
    """Return the groups; if names are given, only the groups with one of these, and with these names only."""
    if not names:
        return tuple(groups)
    there = {tag for group in groups for tag in group.tags}
    missing = [name for name in names if name not in there]
    if missing:
        raise GantryError(
            f"The archive {path} has no image {', '.join(missing)}. "
            f"It has {', '.join(sorted(there)) or 'only images without a tag'}."
        )
    named = (group._replace(tags=tuple(tag for tag in group.tags if tag in names)) for group in groups)
    return tuple(group for group in named if group.tags)


def _check_platforms(engine: Engine, path: str, group: ArchivedGroup, platforms: Sequence[Platform]) -> None:
    """Raise GantryError unless the archive has images for all these platforms, and the engine can keep all of them."""
    name = ", ".join(group.names)
    lacking = [platform for platform in platforms if not any(_is_for([platform], image) for image in group.images)]
    if lacking:
        has = sorted({str(archived_identity(image).platform) for image in group.images})
        raise GantryError(
            f"The archive {path} has {name} for {', '.join(has)}, but not for "
            f"{', '.join(map(str, lacking))}. Leave that out of platforms, or give only images that have it in names."
        )
    if sum(_is_for(platforms, image) for image in group.images) > 1 and not engine.containerd_store:
        raise GantryError(
            f"Several platforms of {name} are wanted, and this engine's classic store keeps an image for one alone. "
            "Name one in platforms."
        )


def _is_for(platforms: Iterable[Platform], image: ArchivedImage) -> bool:
    has = archived_identity(image).platform
    return any(platform.includes(has) for platform in platforms)
