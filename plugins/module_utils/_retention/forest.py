# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The effects on an engine's images when names are removed, foreseen without an engine.

The rules are those of moby's daemon/images/image_delete.go and daemon/containerd/image_delete.go, and were checked
against engines of both stores: an image goes with its last name unless another one was made from it; a repository's
digests go with its last tag; parents without a name go with their last child.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ListedName


class Node(NamedTuple):
    """An image among others.

    parent: the Id of the image that it was made from, or "".
    pinned: the digests that a containerd store keeps as it keeps tags; none in a classic store.
    loose: the tags that a containerd store lists, but can't find. They go together with the first other name; without
    another name, only a removal by the image's Id removes them.
    """

    id: str
    tags: tuple[ListedName, ...]
    digests: tuple[ListedName, ...]
    parent: str
    pinned: tuple[ListedName, ...] = ()
    loose: tuple[ListedName, ...] = ()


class Deletion(NamedTuple):
    """One call that removes a name, or an image without any, and its effects.

    name: the name, or the Id, to remove. untagged: the names that go. deleted: the Id of the image if it goes.
    The engine must not remove parents by itself: a containerd store removes them with the first child.
    """

    name: str
    untagged: tuple[str, ...]
    deleted: tuple[str, ...]


class Forest:
    """The images of an engine, each with the images made from it; names are removed one after the other.

    used: the Ids of images that containers use: these don't go with their children.
    held: the Ids of images that containers hold while names are removed by force: they stay without any.
    keep_parents: whether parents without a name stay when their last child goes.
    """

    def __init__(
        self,
        nodes: Iterable[Node],
        used: Collection[str] = (),
        held: Collection[str] = (),
        keep_parents: bool = False,
    ) -> None:
        self._used, self._held, self._keep_parents = used, held, keep_parents
        self._parent: dict[str, str] = {}
        self._children: dict[str, dict[str, None]] = defaultdict(dict)
        self._tags: dict[str, list[ListedName]] = {}
        self._digests: dict[str, list[ListedName]] = {}
        self._pinned: dict[str, tuple[ListedName, ...]] = {}
        self._loose: dict[str, tuple[ListedName, ...]] = {}
        for node in nodes:
            self._parent[node.id] = node.parent
            self._children[node.parent][node.id] = None
            self._tags[node.id] = list(node.tags)
            self._digests[node.id] = list(node.digests)
            self._pinned[node.id] = node.pinned
            self._loose[node.id] = node.loose

    def __contains__(self, image_id: object) -> bool:
        return image_id in self._parent

    def names(self, image_id: str) -> tuple[ListedName, ...]:
        """Return the image's tags, or its digests if it has no tags."""
        return tuple(self._tags[image_id] or self._digests[image_id])

    def tags(self, image_id: str) -> tuple[ListedName, ...]:
        """Return the image's tags."""
        return tuple(self._tags[image_id])

    def digests(self, image_id: str) -> tuple[ListedName, ...]:
        """Return the image's digests, including those beside a tag."""
        return tuple(self._digests[image_id])

    def all_names(self, image_id: str) -> tuple[ListedName, ...]:
        """Return the names that the image can be removed by: see own_names()."""
        return own_names(self._tags[image_id], self._digests[image_id])

    def state(self) -> dict[str, list[ListedName]]:
        """Return all images that are there, each with its names."""
        return {image_id: list(self.all_names(image_id)) for image_id in self._parent}

    def children(self, image_id: str) -> tuple[str, ...]:
        """Return the images that were made from this one and are still there."""
        return tuple(self._children.get(image_id, ()))

    def ancestors(self, image_id: str) -> Iterator[str]:
        """Yield the images that this one was made from, as far as they are there, the nearest first."""
        seen = {image_id}
        while (image_id := self._parent.get(image_id, "")) in self._parent and image_id not in seen:
            seen.add(image_id)
            yield image_id

    def depth(self, image_id: str) -> int:
        """Return the number of images that this one was made from, as far as they are there; the lowest has 0."""
        return sum(1 for _ancestor in self.ancestors(image_id))

    def remove_name(self, image_id: str, name: str) -> list[Deletion]:
        """Remove one of the image's tags or digests, and delete images that are useless then; return the calls.

        A loose name must be among the last names of the image, see hangs_on(): all of these go at once.
        """
        if name in self._loose[image_id]:
            return self.remove_at_once(image_id)
        own = next(own for own in (*self._tags[image_id], *self._digests[image_id]) if own == name)
        if own in self._tags[image_id]:
            gone = [own, *self._drop_tag(image_id, own)]
        else:
            self._digests[image_id].remove(own)
            gone = [own]
        for loose in [tag for tag in self._tags[image_id] if tag in self._loose[image_id]]:
            gone += [loose, *self._drop_tag(image_id, loose)]
        if image_id in self._held and not self.all_names(image_id):
            # By force a containerd store removes only the entry that was named.
            back = [digest for digest in gone[1:] if digest in self._pinned[image_id]]
            self._digests[image_id] += back
            return [Deletion(name, tuple(lost for lost in gone if lost not in back), ())]
        # A containerd store keeps a parent without a name, but not if it loses several entries at once.
        lost = not self.all_names(image_id) and any(digest in gone[1:] for digest in self._pinned[image_id])
        return self._deletions(name, gone, self._delete_if_useless(image_id, even_parents=lost))

    def remove_image(self, image_id: str) -> list[Deletion]:
        """Remove all of the image's names, one after the other, or delete it if it has none; return the calls."""
        if not self.names(image_id):
            return self._deletions(image_id, [], self._delete_if_useless(image_id))
        calls = []
        while image_id in self and self.names(image_id):
            calls += self.remove_name(image_id, (*self._findable(image_id), *self.names(image_id))[0])
        return calls

    def remove_at_once(self, image_id: str) -> list[Deletion]:
        """Delete an image with all of its names by one call, and return that; no other image was made from it."""
        gone = [*self._tags[image_id], *self._digests[image_id]]
        self._tags[image_id], self._digests[image_id] = [], []
        return self._deletions(image_id, gone, self._delete_if_useless(image_id))

    def hangs_on(self, image_id: str, name: str) -> tuple[ListedName, ...]:
        """Return the names that must be removed before a loose one can be; none for any other name."""
        return self._findable(image_id) if name in self._loose[image_id] else ()

    def _findable(self, image_id: str) -> tuple[ListedName, ...]:
        return tuple(name for name in self.names(image_id) if name not in self._loose[image_id])

    @staticmethod
    def _deletions(name: str, gone: Sequence[str], deleted: list[str]) -> list[Deletion]:
        """Return the call that removes the name, and one for each parent that goes with the image."""
        first = Deletion(name, tuple(gone), tuple(deleted[:1]))
        return [first, *(Deletion(parent, (), (parent,)) for parent in deleted[1:])]

    def _drop_tag(self, image_id: str, tag: ListedName) -> list[ListedName]:
        """Drop a tag; return the digests that go with it if it was the last tag of its repository."""
        self._tags[image_id].remove(tag)
        repository = tag.repository
        if any(other.repository == repository for other in self._tags[image_id]):
            return []
        gone = [digest for digest in self._digests[image_id] if digest.repository == repository]
        self._digests[image_id] = [digest for digest in self._digests[image_id] if digest not in gone]
        return gone

    def _delete_if_useless(self, image_id: str, even_parents: bool = False) -> list[str]:
        """Delete the image and its ancestors, as far up as they have no name, no other child and no container.

        Return the Ids of the deleted images. even_parents: whether the image itself goes even if it has children.
        """
        deleted: list[str] = []
        while image_id in self and not self.all_names(image_id):
            if self.children(image_id) and (deleted or not even_parents):
                break
            if deleted and (self._keep_parents or image_id in self._used):
                break
            deleted.append(image_id)
            parent = self._parent.pop(image_id)
            self._children[parent].pop(image_id, None)
            image_id = parent
        return deleted


def own_names(tags: Sequence[ListedName], digests: Sequence[ListedName]) -> tuple[ListedName, ...]:
    """Return an image's tags, and its digests in other repositories than those of the tags.

    The digests beside a tag aren't names of their own: containerd stores derive them from the tags, and list them for
    one repository only.
    """
    tagged = {tag.repository for tag in tags}
    return (*tags, *(digest for digest in digests if digest.repository not in tagged))


def changes(before: Mapping[str, Sequence[str]], forest: Forest) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the names before and now of all images that changed; None for an image that is gone.

    before: the earlier state of the forest.
    """
    now = forest.state()
    differing = [image_id for image_id, names in before.items() if now.get(image_id) != names]
    return {changed: before[changed] for changed in differing}, {changed: now.get(changed) for changed in differing}
