# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The images of an engine after the changes that earlier tasks foresee."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    ListedName,
    parse_reference,
)
from ansible_collections.gantry.docker.plugins.module_utils._retention.forest import Forest, Node

# The first versions whose containerd store keeps an image if a pull, or a load, gives its last name to another one:
# moby/moby#48374 (backported by #48380), #49650.
_PULL_KEEPS = (27, 2, 1)


_LOAD_KEEPS = (28, 1)


# An image that is to come counts as the newest, and takes no bytes on the disk.
TO_COME = sys.maxsize


_UNKNOWN: Mapping[str, Any] = {"parent": "", "created": TO_COME, "size": 0, "shared": 0}


class Expected(NamedTuple):
    """The changes that are to be made before, in this order.

    removed: names that are gone. arrived: names of images that have come, each with the registry's digest if it came
    from one. tagged: names of images, each with the image's further names.
    """

    removed: tuple[ListedName, ...] = ()
    arrived: Mapping[ListedName, str] = {}
    tagged: Mapping[ListedName, tuple[ListedName, ...]] = {}


def parse_expected(given: Mapping[str, Any]) -> Expected:
    """Return the expected changes, parsed from the option; raise InvalidInput for a text that is not a name."""

    def spelt(name: str) -> ListedName:
        return ListedName(parse_reference(name).listed)

    return Expected(
        removed=tuple(spelt(name) for name in given.get("removed") or ()),
        arrived={spelt(name): digest or "" for name, digest in (given.get("arrived") or {}).items()},
        tagged={spelt(name): tuple(map(spelt, more)) for name, more in (given.get("tagged") or {}).items()},
    )


def as_expected(
    engine: Engine, images: tuple[ImageSummary, ...], used: Collection[str], expected: Expected
) -> tuple[ImageSummary, ...]:
    """Return the images as they are after all expected changes.

    used: the Ids of the images that containers are made from.
    """
    rows = _without(images, used, expected.removed)
    for name, digest in expected.arrived.items():
        owner = next(
            (row.id for row in rows if digest and digest in (row.id, *(known.digest for known in row.digests))),
            name,
        )
        left = _named(rows, owner, (name,), engine.containerd_store)
        lost = engine.containerd_store and engine.version < (_PULL_KEEPS if digest else _LOAD_KEEPS)
        rows = [row for row in left if row in rows or row.tags or row.digests] if lost else left
    for source, names in expected.tagged.items():
        owner = next((row.id for row in rows if source in row.tags or source in row.digests), source)
        rows = _named(rows, owner, names, engine.containerd_store)
    return tuple(rows)


def _named(
    rows: Sequence[ImageSummary], owner: str, names: Sequence[ListedName], containerd: bool
) -> list[ImageSummary]:
    """Return the images after one of them, the owner, was given these names, which others may have had.

    owner: its Id. If there is no such image, one that is to come is added.
    """
    others = [_losing(row, names, containerd) for row in rows if row.id != owner]
    found = next((row for row in rows if row.id == owner), ImageSummary(owner, (), (), **_UNKNOWN))
    tags = dict.fromkeys((*found.tags, *(name for name in names if not name.digest)))
    digests = dict.fromkeys((*found.digests, *(name for name in names if name.digest)))
    return [*others, found._replace(tags=tuple(tags), digests=tuple(digests))]


def _without(images: Sequence[ImageSummary], used: Collection[str], names: Sequence[str]) -> list[ImageSummary]:
    """Return the images that are left after names were removed."""
    if not names:
        return list(images)
    forest = Forest((Node(image.id, image.tags, image.digests, image.parent, image.pinned) for image in images), used)
    for name in names:
        owner = next((image.id for image in images if image.id in forest and name in forest.all_names(image.id)), None)
        if owner:
            forest.remove_name(owner, name)
    rows = (image for image in images if image.id in forest)
    return [row._replace(tags=forest.tags(row.id), digests=forest.digests(row.id)) for row in rows]


def _losing(image: ImageSummary, names: Sequence[str], containerd: bool) -> ImageSummary:
    """Return an image without the tags that refer to another image now.

    A classic store keeps all of its digests. A containerd store keeps only digests that are names of their own, and
    digests in the repositories of the tags that are left.
    """
    tags = tuple(tag for tag in image.tags if tag not in names)
    if tags == image.tags:
        return image
    repositories = {tag.repository for tag in tags}
    digests = (
        digest
        for digest in image.digests
        if not containerd or digest in image.pinned or digest.repository in repositories
    )
    return image._replace(tags=tags, digests=tuple(digests))
