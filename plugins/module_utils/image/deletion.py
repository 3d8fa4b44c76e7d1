# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an engine does to its images when names are taken away, foreseen without an engine.

The rules are those of moby's daemon/images/image_delete.go and daemon/containerd/image_delete.go, and
were checked against engines of both stores: an image goes with its last name unless another one was
made from it; a repository's digests go with its last tag; parents without a name go with their last child.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Node:
    """An image among others. names: its tags and its digests. parent: the Id it was made from, or ""."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    parent: str


@dataclass(frozen=True)
class Deletion:
    """One call that removes a name, or an image without any, and what comes of it.

    name: what is to be removed. untagged: the names that go. deleted: the Ids of the images that go.
    """

    name: str
    untagged: tuple[str, ...]
    deleted: tuple[str, ...]


class Forest:
    """The images of an engine, each with those made from it; names are taken away one after the other.

    used: the Ids of images that containers use: these don't go with their children.
    """

    def __init__(self, nodes: Iterable[Node], used: Collection[str] = ()) -> None:
        self._used = used
        self._parent: dict[str, str] = {}
        self._tags: dict[str, list[str]] = {}
        self._digests: dict[str, list[str]] = {}
        for node in nodes:
            self._parent[node.id] = node.parent
            self._tags[node.id] = list(node.tags)
            self._digests[node.id] = list(node.digests)

    def __contains__(self, image_id: object) -> bool:
        return image_id in self._parent

    def names(self, image_id: str) -> tuple[str, ...]:
        """The image's tags, or its digests if it has no tags."""
        return tuple(self._tags[image_id] or self._digests[image_id])

    def all_names(self, image_id: str) -> tuple[str, ...]:
        """The image's tags, and its digests in other repositories than theirs.

        The digests beside a tag aren't names of their own: containerd stores make them up from the tags,
        and list them for one repository only.
        """
        tagged = {_repository(tag) for tag in self._tags[image_id]}
        own = [digest for digest in self._digests[image_id] if _repository(digest) not in tagged]
        return tuple(self._tags[image_id] + own)

    def state(self) -> dict[str, list[str]]:
        """All images that are there, each with its names."""
        return {image_id: list(self.all_names(image_id)) for image_id in self._parent}

    def children(self, image_id: str) -> tuple[str, ...]:
        """The images that were made from this one and are still there."""
        return tuple(child for child, parent in self._parent.items() if parent == image_id)

    def depth(self, image_id: str) -> int:
        """How many images stand between this one and the first it comes from; the lowest has 0."""
        return sum(1 for _ancestor in self._ancestors(image_id))

    def remove_name(self, image_id: str, name: str) -> Deletion:
        """Take one of the image's tags or digests away."""
        if name in self._tags[image_id]:
            gone = [name, *self._drop_tag(image_id, name)]
        else:
            self._digests[image_id].remove(name)
            gone = [name]
        return Deletion(name, tuple(gone), self._delete_if_useless(image_id))

    def remove_image(self, image_id: str) -> list[Deletion]:
        """Take all of the image's names away, one after the other; or delete it if it has none."""
        calls = []
        while image_id in self and self.names(image_id):
            calls.append(self.remove_name(image_id, self.names(image_id)[0]))
        return calls or [Deletion(image_id, (), self._delete_if_useless(image_id))]

    def _drop_tag(self, image_id: str, tag: str) -> list[str]:
        """Drop a tag; the digests that go with it, because it was its repository's last."""
        self._tags[image_id].remove(tag)
        repository = _repository(tag)
        if any(_repository(other) == repository for other in self._tags[image_id]):
            return []
        gone = [digest for digest in self._digests[image_id] if _repository(digest) == repository]
        self._digests[image_id] = [digest for digest in self._digests[image_id] if digest not in gone]
        return gone

    def _delete_if_useless(self, image_id: str) -> tuple[str, ...]:
        """Delete the image and its ancestors, as far up as they have no name, no other child and no container."""
        deleted: list[str] = []
        while image_id in self and not self.all_names(image_id) and not self.children(image_id):
            if deleted and image_id in self._used:
                break
            deleted.append(image_id)
            image_id = self._parent.pop(image_id)
        return tuple(deleted)

    def _ancestors(self, image_id: str) -> Iterator[str]:
        seen = {image_id}
        while (image_id := self._parent.get(image_id, "")) in self._parent and image_id not in seen:
            seen.add(image_id)
            yield image_id


def changes(before: Mapping[str, list[str]], forest: Forest) -> tuple[dict[str, Any], dict[str, Any]]:
    """The names before and now of all images that changed; None for one that is gone.

    before: the forest's state then.
    """
    now = forest.state()
    differing = [image_id for image_id, names in before.items() if now.get(image_id) != names]
    return {changed: before[changed] for changed in differing}, {changed: now.get(changed) for changed in differing}


def _repository(name: str) -> str:
    """The repository of a tag or digest."""
    return name.partition("@")[0] if "@" in name else name.rpartition(":")[0]
