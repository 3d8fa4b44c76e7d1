# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The images of an archive, as engines see them: with identities and tags, and joined by indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchivedImage, ArchiveIndex
from ansible_collections.gantry.docker.plugins.module_utils._image.identity import ImageIdentity, identity_of
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform, platform_of
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ListedName, parse_reference


class Held(NamedTuple):
    """An image in an archive, or one that should be in it. tags: as an engine shows them."""

    identity: ImageIdentity
    tags: frozenset[str]


class ArchivedGroup(NamedTuple):
    """The archived images that become one image of an engine: one or, in a containerd store, all images of an index.

    image: the one that the engine shows. images: all. tags: as the engine shows them.
    """

    image: ArchivedImage
    images: tuple[ArchivedImage, ...]
    tags: tuple[ListedName, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names for messages: its tags or, without any, a digest."""
        return self.tags or (next(iter(self.digests), "an image without a name"),)

    @property
    def digests(self) -> tuple[str, ...]:
        """The digests that may be its Id in a store: of its config, its manifest or its index."""
        image = self.image
        return tuple(d for d in (image.config_digest, image.manifest_digest, image.index_digest) if d)

    @property
    def subjects(self) -> tuple[tuple[str, str], ...]:
        """Each of its complete names, or "" if it has none, with the digest that determines all of its content.

        That is the digest of its index, else of its manifest, else of its config.
        """
        digest = next(reversed(self.digests), "")
        return tuple((parse_reference(tag).complete if tag else "", digest) for tag in self.tags or ("",))

    @property
    def manifests(self) -> frozenset[str]:
        """The digests of its manifests, one for each platform."""
        return frozenset(image.manifest_digest for image in self.images if image.manifest_digest)

    def has(self, identity: ImageIdentity) -> bool:
        """Return whether it has an image of an identity, as the engine reports that."""
        identities = (archived_identity(image) for image in self.images)
        return any(own._replace(platform=_told(own.platform, identity.platform)) == identity for own in identities)


def has_layout(images: Sequence[ArchivedImage]) -> bool:
    """Return whether an archive for an engine has an OCI layout of these images, beside manifest.json.

    If it has one, a containerd store loads what index.json lists. Of images without a tag, Docker writes only the last
    one there (moby, image/tarexport/save.go, save): then manifest.json alone has all of them.
    """
    return any(image.index_digest for image in images) or all(image.manifest_digest for image in images)


def groups_of(
    index: ArchiveIndex, platform: Callable[[], Platform], by_index: Callable[[], bool]
) -> tuple[ArchivedGroup, ...]:
    """Return the images that an engine would have after loading an archive; raise InvalidInput for an invalid tag.

    platform: a function that returns the engine's. by_index: a function that returns whether its store can have one
    image for several platforms, as containerd's can. They are called only if the archive has such an image, because
    the engine takes some time to answer.
    """
    joined: dict[str, list[ArchivedImage]] = {}
    for number, image in enumerate(index.images):
        joined.setdefault(image.index_digest or str(number), []).append(image)
    groups = []
    for images in joined.values():
        shown, together = images[0], True
        if len(images) > 1:
            shown, together = min(images, key=_unlike(platform())), by_index()
        tags = sorted({tag for image in images for tag in archived_tags(image)})
        groups.append(ArchivedGroup(shown, tuple(images) if together else (shown,), tuple(tags)))
    return tuple(groups)


def held_by(groups: Iterable[ArchivedGroup]) -> frozenset[Held]:
    """Return the whole images of an archive."""
    return frozenset(
        Held(archived_identity(group.image), frozenset(group.tags)) for group in groups if not group.image.missing
    )


def archived_identity(image: ArchivedImage) -> ImageIdentity:
    """Return the identity of an archived image."""
    described = {**_platform(image), "created": image.created}
    return identity_of(described, image.diff_ids, image.config)


def archived_tags(image: ArchivedImage) -> frozenset[ListedName]:
    """Return the image's tags as an engine shows them."""
    return frozenset(tag for tag in map(archived_tag, image.tags) if tag)


def archived_tag(tag: str) -> ListedName | None:
    """Return a tag as an engine shows it; None for a digest. Archives have docker.io/library/busybox:latest too."""
    return None if ListedName(tag).digest else ListedName(parse_reference(tag).tagged)


def _told(platform: Platform, engines: Platform) -> Platform:
    """Return a platform as engines report it: with their own for the parts that an image of an early Docker lacks."""
    if platform.architecture:
        return platform._replace(os=platform.os or engines.os)
    return engines._replace(os=platform.os or engines.os)


def _unlike(platform: Platform) -> Callable[[ArchivedImage], tuple[bool, bool]]:
    """Return a sort key for images: the one that an engine for that platform shows comes first."""
    return lambda image: (not image.listed, not platform.includes(platform_of(_platform(image))))


def _platform(image: ArchivedImage) -> dict[str, str]:
    return {"os": image.os, "architecture": image.architecture, "variant": image.variant}
