# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which images an archive holds, in the terms in which images are compared everywhere."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.gantry.docker.plugins.module_utils.image.archive import ArchivedImage, ArchiveIndex
from ansible_collections.gantry.docker.plugins.module_utils.image.identity import ImageIdentity, identity_of
from ansible_collections.gantry.docker.plugins.module_utils.image.reference import parse_reference


@dataclass(frozen=True)
class Held:
    """An image in an archive, or one that should be. tags: as an engine shows them."""

    identity: ImageIdentity
    tags: frozenset[str]


def held_by(index: ArchiveIndex) -> frozenset[Held]:
    """The images that an archive holds; those that aren't complete are left out.

    Raises InvalidInput for a tag that is none.
    """
    return frozenset(
        Held(archived_identity(image), archived_tags(image)) for image in index.images if not image.missing
    )


def archived_identity(image: ArchivedImage) -> ImageIdentity:
    """What the image has in common with its copies elsewhere."""
    platform_and_time = {
        "os": image.os,
        "architecture": image.architecture,
        "variant": image.variant,
        "created": image.created,
    }
    return identity_of(platform_and_time, image.diff_ids, image.config)


def archived_tags(image: ArchivedImage) -> frozenset[str]:
    """The image's tags as an engine shows them: archives have docker.io/library/busybox:latest too."""
    return frozenset(parse_reference(tag).tagged for tag in image.tags if "@" not in tag)
