# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""An engine's copies of an archive's images, and the parts of them that are there."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import ArchivedGroup, archived_identity
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image


def is_copy(group: ArchivedGroup, image: Image | None) -> bool:
    """Return whether an image of the engine is a whole copy of the archive's, for all its platforms."""
    if image is None:
        return False
    if image.manifests and group.manifests:
        absent = group.manifests - _available(image)
        if not absent or len(group.images) > 1:
            return not absent
    return image.whole and group.has(image.identity)


def lacking_platforms(group: ArchivedGroup, image: Image) -> list[str]:
    """Return the platforms of an archived image for which the engine's image has no content."""
    available = _available(image)
    absent = (archived for archived in group.images if archived.manifest_digest not in available)
    return sorted(str(archived_identity(archived).platform) for archived in absent)


def all_meant(engine: Engine, groups: Sequence[ArchivedGroup]) -> dict[str, Image | None]:
    """Return the engine's image for each name of these archived images."""
    tagged = engine.find_all(sorted({tag for group in groups for tag in group.tags}))
    here: dict[str, Image | None] = {
        tag: with_parts(engine, group, tagged.get(tag)) for group in groups for tag in group.tags
    }
    return {**here, **{group.names[0]: find_copy(engine, group) for group in groups if not group.tags}}


def meant(engine: Engine, group: ArchivedGroup, name: str) -> Image | None:
    """Return the engine's image for one name of this archived image."""
    return with_parts(engine, group, engine.images.find(name)) if group.tags else find_copy(engine, group)


def find_copy(engine: Engine, group: ArchivedGroup) -> Image | None:
    """Return the engine's copy of an image without a tag.

    A store may name it by the digest of its config, its manifest or its index. If the archive has no manifests, a
    containerd store makes an image whose digest nobody knows before, but which keeps the time of creation.
    """
    direct = (with_parts(engine, group, engine.images.find(digest)) for digest in group.digests)
    found = next((candidate for candidate in direct if is_copy(group, candidate)), None)
    created = archived_identity(group.image).created
    if found or not created:
        return found
    same_time = (row.id for row in engine.images.all() if row.created == created[0])
    candidates = (with_parts(engine, group, engine.images.find(image_id)) for image_id in same_time)
    return next((candidate for candidate in candidates if is_copy(group, candidate)), None)


def with_parts(engine: Engine, group: ArchivedGroup, image: Image | None) -> Image | None:
    """Return the engine's image with its manifests, if these decide whether it is a copy.

    The engine describes only one platform of an image for several, and reports the others only if asked for manifests.
    """
    if image is None or image.manifests or (len(group.images) == 1 and group.has(image.identity)):
        return image
    return image._replace(manifests=engine.images.manifests(image.id))


def _available(image: Image) -> set[str]:
    """Return the digests of an image's manifests whose content is completely here."""
    return {part.id for part in image.manifests if part.available}
