# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The archive that is found at a path: the images in it, and its flaws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import (
    Held,
    archived_identity,
    archived_tags,
    groups_of,
    held_by,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchiveIndex, read_index
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._image.identity import described
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform


class Found(NamedTuple):
    """The archive that is at a path, or should be there.

    held: the images in it. further_platforms: whether it has one of them for several platforms. left_out: the DiffIDs
    of layers that a thin archive lacks. damaged: the problem with its content; "" if none is known. foreign: whether
    another user may have put it there, who could exchange it after it was found right.
    """

    held: frozenset[Held]
    further_platforms: bool
    left_out: frozenset[str]
    compression: str
    damaged: str = ""
    foreign: bool = False

    @property
    def shown(self) -> dict[str, Any]:
        """The archive's description in a diff."""
        rows = [{"tags": sorted(image.tags), **described(image.identity)} for image in self.held]
        return {
            "images": sorted(rows, key=lambda row: (row["tags"], row["layers"])),
            "further_platforms": self.further_platforms,
            "left_out": sorted(self.left_out),
            "compression": self.compression or None,
            **({"damaged": self.damaged} if self.damaged else {}),
            **({"of_another_user": True} if self.foreign else {}),
        }


NO_ARCHIVE = Found(frozenset(), False, frozenset(), "")


def found_at(path: str, platform: Callable[[], Platform]) -> Found:
    """Return the archive at a path, by its index; raise GantryError if it isn't one. platform: as in found_in."""
    index = read_index(path)
    return found_in(index, index.compression, platform)


def found_in(index: ArchiveIndex, compression: str, platform: Callable[[], Platform]) -> Found:
    """Return the description of an archive.

    platform: returns the platform that selects an image if there are several.
    """
    groups = groups_of(index, platform, by_index=lambda: True)
    several = any(len(group.images) > 1 for group in groups)
    return Found(held_by(groups), several, frozenset(index.left_out.values()), compression)


def contents_at(path: str) -> list[dict[str, Any]]:
    """Return the digests of what is in the archive at a path; raise GantryError if it isn't one."""
    return [
        {
            "tags": sorted(archived_tags(image)),
            "platform": str(archived_identity(image).platform),
            "config_digest": image.config_digest,
            "manifest_digest": image.manifest_digest,
            "index_digest": image.index_digest,
            "layers": [
                {"diff_id": layer.diff_id, "digest": layer.digest, "size": layer.size, "left_out": not layer.present}
                for layer in image.layers
            ],
        }
        for image in read_index(path).images
    ]


def damage_at(path: str) -> str:
    """Verify the archive at a path, and return the problem with its content; "" if it is right."""
    # Only a task that verifies needs this import.
    from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify

    try:
        index = verify(path)
        check_complete(index)
        same = _told_by(index) == _told_by(read_index(path))
    except GantryError as error:
        return error.message
    return "" if same else "Its index differs from its content."


def check_complete(index: ArchiveIndex) -> None:
    """Raise GantryError if the engine left out content that the manifests name."""
    for image in index.images:
        if image.missing:
            raise GantryError(
                f"The engine wrote an archive without all of {', '.join(image.tags) or image.config_digest}: it lacks "
                f"{', '.join(image.missing)}. Its store has lost these, as it can when images share layers. "
                "Remove that image and pull or load it again, then save it."
            )


def _told_by(index: ArchiveIndex) -> ArchiveIndex:
    """Return an index without the parts that depend on how it was read: the kept documents, and where to unpack."""
    return index._replace(documents={}, breaks=())
