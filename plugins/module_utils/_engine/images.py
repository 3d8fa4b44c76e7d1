# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Images of an engine: what is there, what of it is whole, and the calls that change it.

A containerd store can lose a part of an image's content, and can hold artifacts (charts, signatures) beside images.
Only this file decides which is which: Image.whole, Image.is_artifact, ImageSummary.whole.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import trying_to
from ansible_collections.gantry.docker.plugins.module_utils._image.identity import ImageIdentity, identity_of
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform, platform_of
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    ImageName,
    Reference,
    is_reference,
    may_be_short_id,
)
from ansible_collections.gantry.docker.plugins.module_utils._image.times import parse_time
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import Unexpected
from ansible_collections.gantry.docker.plugins.module_utils._transport.http import Client, NotFound, Refused, target
from ansible_collections.gantry.docker.plugins.module_utils._transport.shapes import (
    DISK_USAGE,
    HISTORY,
    IMAGE,
    IMAGES,
    REMOVED,
)


class Image(NamedTuple):
    """An image as the engine describes it.

    inspected: the engine's own description, for results.
    manifests: the parts of the image, where the engine had to be asked for them (containerd, from API 1.48 on).
    """

    inspected: Mapping[str, Any]
    manifests: tuple[Mapping[str, Any], ...] = ()

    @property
    def id(self) -> str:
        """The Id by which this engine knows it."""
        return str(self.inspected["Id"])

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags, as repository:tag."""
        return _tags(self.inspected.get("RepoTags"))

    @property
    def digests(self) -> tuple[str, ...]:
        """The digests that registries know it by, as repository@digest."""
        return _digests(self.inspected.get("RepoDigests"))

    @property
    def created(self) -> int:
        """When it was made, in seconds since 1970; 0 where the image doesn't tell."""
        moment = parse_time(self.inspected.get("Created"))
        return moment[0] if moment else 0

    @property
    def last_tagged(self) -> int:
        """When it last got a tag, in seconds since 1970; 0 where the engine doesn't tell."""
        moment = parse_time((self.inspected.get("Metadata") or {}).get("LastTagTime"))
        return moment[0] if moment else 0

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """Its layers' DiffIDs, the lowest first."""
        return tuple((self.inspected.get("RootFS") or {}).get("Layers") or ())

    @property
    def config(self) -> Mapping[str, Any]:
        """What its containers are made from."""
        config: Mapping[str, Any] = self.inspected.get("Config") or {}
        return config

    @property
    def size(self) -> int:
        """The bytes of its layers as they are stored: a classic store has them raw, containerd's as they came.

        After Docker 29.7.2 a containerd store counts them twice, unpacked too (daemon/containerd/image_inspect.go).
        """
        return int(self.inspected.get("Size") or 0)

    @property
    def archived_size(self) -> int:
        """The bytes that an uncompressed archive of it takes at the least; 0 where that isn't known.

        Where the engine told the manifests, these say what the layers take as they came; Size may count more.
        """
        if len(set(self.diff_ids)) < len(self.diff_ids):
            return 0  # an archive has a layer once that the image has twice
        if not self.manifests:
            return self.size
        parts = [part for part in _of_images(self.manifests) if _platform(part) == self.platform]
        return min((int((part.get("Size") or {}).get("Content") or 0) for part in parts), default=0)

    @property
    def platform(self) -> Platform:
        """What it runs on."""
        return platform_of(self.inspected)

    @property
    def platforms(self) -> Mapping[Platform, bool]:
        """The platforms that its index has an image for, and whether that is here; none if that wasn't asked."""
        return {_platform(part): bool(part.get("Available")) for part in _of_images(self.manifests)}

    @property
    def identity(self) -> ImageIdentity:
        """What a copy of it has in common with it elsewhere."""
        return identity_of(self.inspected, self.diff_ids, self.config)

    @property
    def is_artifact(self) -> bool:
        """Whether it is no image at all, but something else that a containerd store holds, such as a chart."""
        if self.manifests:
            return not _of_images(self.manifests)
        # Before API 1.48 an engine has no word for it. It describes no image whose config it can't read.
        return not self.whole and bool(self.inspected.get("Os"))

    @property
    def whole(self) -> bool:
        """Whether all content of the image is here, for the platform that the engine describes.

        A containerd store may have lost a part: the image may run, but can't be saved or pushed.
        """
        if self.manifests:
            parts = _of_images(self.manifests)
            here = [part for part in parts if part.get("Available")]
            return any(len(parts) == 1 or _platform(part) == self.platform for part in here)
        # An image without layers has a type of them at least; a store that can't read the config tells nothing.
        return bool(self.inspected.get("RootFS"))

    @property
    def flaw(self) -> str:
        """What is wrong with it, to follow its name; empty for a whole image."""
        if self.is_artifact:
            return "is no image, but an artifact (such as a chart or a signature)"
        return "" if self.whole else "isn't whole: the engine's store has lost a part of its content"


class ImageSummary(NamedTuple):
    """A row of the engine's list of images.

    parent: the Id of the image that it was made from, where the store knows that; else "".
    created: seconds since 1970. size: bytes, layers shared with others included.
    pinned: those of the digests that the store keeps as it keeps tags (containerd).
    shared: the bytes of layers that others have too, where the engine was asked and tells; else -1.
    manifests: what the image consists of, where the engine was asked and tells (containerd).
    index_size: the bytes of the index that the image is, which size leaves out; 0 if it is none.
    whole: False where the engine doesn't know the image, as it has lost a part of it or has never had an image in it.
    Then its labels, size and time of creation are unknown.
    """

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    parent: str
    created: int
    size: int
    pinned: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    shared: int = -1
    manifests: tuple[Mapping[str, Any], ...] = ()
    index_size: int = 0
    whole: bool = True


class Removal(NamedTuple):
    """The answer of an engine to a removal: the names that it took away, and the Ids of what it deleted."""

    untagged: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()


class ImageSize(NamedTuple):
    """What an image takes on the engine's disk: the bytes in all, and those that it shares with others."""

    total: int
    shared: int


class _Usage(NamedTuple):
    """What images take on the engine's disk: the rows of all that are shown, and the bytes of all together."""

    images: Sequence[Mapping[str, Any]]
    total: int


class Images:
    """The engine's images."""

    def __init__(self, api: Client) -> None:
        self._api = api

    def find(self, name: str) -> Image | None:
        """The image of a reference or Id; None if there is none.

        Of an image for several platforms: as it is for the engine's own, or for one that is here.
        """
        # What a containerd store has of an image costs time to find out. 28 describes no image of which it hasn't all;
        # Docker 29 describes that for its own platform whatever it has (daemon/containerd/image_inspect.go).
        image = self._with_manifests(name) if self._api.speaks(1, 52) else self._plain(name)
        if image is not None and not image.whole and not image.manifests and self._api.speaks(1, 48):
            image = self._with_manifests(name)
        here = [part for part in _of_images(image.manifests if image else ()) if part.get("Available")]
        if image is None or not here or image.whole or not self.tells_platforms:
            return image
        return self._described_for(image, _platform(here[0])) or image

    def find_listed(self, row: ImageSummary) -> Image | None:
        """The image of a row of the list; None if it is gone.

        By a tag where it has one. For an Id a containerd store goes through all names that it has
        (daemon/containerd/image.go, resolveImage), which takes a third of the time if there are a thousand.
        """
        image = self.find(row.tags[0]) if row.tags and is_reference(row.tags[0]) else None
        return image if image and image.id == row.id else self.find(row.id)

    @property
    def tells_platforms(self) -> bool:
        """Whether the engine says which platforms it has of an image; without, it shows one of them."""
        return self._api.speaks(1, 49)

    def described_for(self, image: Image | None, platform: Platform | None) -> Image | None:
        """The image as it is for a platform; None if it isn't there for that, or the engine can't describe it."""
        if image is None or platform is None or platform.includes(image.platform):
            return image
        if not self.tells_platforms:
            return None
        found = self._described_for(image, platform)
        # A classic store doesn't look at the platform (daemon/images/image.go).
        return found if found and platform.includes(found.platform) else None

    def is_here_for(self, image: Image, platform: Platform) -> bool:
        """Return whether a containerd store has an image for a platform, also where the engine can't describe that.

        The engine is asked for a container without a command, and makes none. It looks first whether the image is there
        for the platform, and then for a command (daemon/create.go).
        """
        # Without a version, as the API has the platform from 1.41 on, and so has every engine with such a store.
        path = target("/containers/create", platform=str(platform))
        body = {"Image": image.id, "Entrypoint": [""], "HostConfig": {}}
        with trying_to(f"ask for the image {image.id} for {platform}"):
            try:
                self._api.ask("POST", path, body, versioned=False)
            except NotFound:
                return False
            except Refused as error:
                if "no command specified" not in error.message:
                    raise
                return True
            raise Unexpected("has a container without a command")

    def meant(self, name: ImageName, platform: Platform | None = None) -> Image | None:
        """The image that the user means by a name: as find, and by the beginning of its Id too.

        platform: the platform that it must be for; a containerd store may have one image for several.
        """
        image = self.find(str(name))
        if image is None and isinstance(name, Reference) and may_be_short_id(name):
            image = self.find(f"sha256:{name.name}")
        return self.described_for(image, platform)

    def manifests(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """The manifests of an image's index that the engine tells of; none where it can't, or there is no index."""
        image = self._with_manifests(name) if self._api.speaks(1, 48) else None
        return image.manifests if image else ()

    def all(self, details: bool = False) -> tuple[ImageSummary, ...]:
        """All images, those between others and without a tag included, in the order of visible().

        details: whether to ask for what else of disk usage the list can tell.
        """
        # Engines that don't know these two ignore them.
        asked = {"shared-size": "1", "manifests": "1"} if details else {}
        with trying_to("list the images"):
            rows = IMAGES(self._api.get("/images/json", all="1", **asked))
        return _ordered(_summary(row, details) for row in rows)

    def visible(self, filters: Mapping[str, Sequence[str]] | None = None) -> tuple[ImageSummary, ...]:
        """The images that docker images shows: not those that are only a part of another.

        filters: as the API takes them (docker images --filter).
        The newest first, and always in the same order: classic stores shuffle those of the same second.
        """
        with trying_to("list the images" + (f" with the filters {_told(filters)}" if filters else "")):
            rows = IMAGES(self._api.get("/images/json", filters=json.dumps(filters) if filters else None))
        return _ordered({row["Id"]: _summary(row) for row in rows}.values())

    def sizes(self) -> Mapping[str, ImageSize]:
        """What each image that docker images shows takes, by its Id (docker system df -v)."""
        return {row["Id"]: ImageSize(row["Size"], row["SharedSize"]) for row in self._usage().images}

    def history(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """The steps an image was made by, the newest first (docker history); none where the engine can't tell."""
        with trying_to(f"read the history of the image {name}"):
            try:
                # None for what is no image.
                return tuple(HISTORY(self._api.get("/images/{}/history", name)) or ())
            except NotFound:
                return ()

    def tags(self, image_id: str) -> tuple[str, ...]:
        """The tags that an image has now."""
        image = self.find(image_id)
        return image.tags if image else ()

    def tag(self, image: str, reference: Reference) -> None:
        """Let a reference name an image; it names no other one afterwards."""
        with trying_to(f"tag the image {image} as {reference}"):
            self._api.ask("POST", target("/images/{}/tag", image, repo=reference.name, tag=reference.tag))

    def remove(self, name: str, delete_parents: bool = True, force: bool = False) -> Removal:
        """Take a reference away, and the image too if it was the last one; or an image by its Id.

        delete_parents: whether images without a tag that it was made from go with it. force: even if containers
        use it, as far as the engine lets itself be forced.
        Return the engine's answer; an empty one if there is no such name.
        """
        with trying_to(f"remove the image {name}"):
            path = target("/images/{}", name, force=int(force), noprune=int(not delete_parents))
            try:
                rows = REMOVED(self._api.ask("DELETE", path).value)
            except NotFound:
                return Removal()
        return Removal(*(tuple(row[kind] for row in rows or () if row.get(kind)) for kind in ("Untagged", "Deleted")))

    def remove_last(self, name: str, image_id: str, names: Collection[str], force: bool = False) -> Removal:
        """Take the last of an image's names away, and the image with it; not what it was made from.

        A containerd store may list a name that it can't find: one that another tool put there in a form of its own
        (app:1 where Docker's is docker.io/library/app:1). Such a name goes with the image's Id.
        names: all that the image had. Return the engine's answer.
        """
        removal = self.remove(name, delete_parents=False, force=force)
        image = None if any(removal) else self.find(image_id)
        if image is None or not set(image.tags) <= set(names):
            return removal
        return self.remove(image_id, delete_parents=False, force=force)

    def discard(self, image_id: str) -> None:
        """Remove an image if no tag names it; what it was made from stays."""
        image = self.find(image_id)
        if image is not None and not image.tags:
            self.remove(image_id, delete_parents=False)

    def disk_usage(self) -> int:
        """The bytes that all layers of all images take, each counted once (docker system df)."""
        return self._usage().total

    def _usage(self) -> _Usage:
        with trying_to("ask for the disk usage"):
            # Engines that don't know the parameters tell of containers and volumes too, and all of each anyway.
            return _used(DISK_USAGE(self._api.get("/system/df", type="image", verbose="1")))

    def _described_for(self, image: Image, platform: Platform) -> Image | None:
        """The image as the engine describes it for a platform; None if it isn't there for that.

        The answer's Id is the manifest's, by which nothing can be found: the image keeps its own.
        """
        answer = self._inspect(image.id, {"platform": encoded(platform)})
        return None if answer is None else Image({**answer, "Id": image.id}, image.manifests)

    def _plain(self, name: str) -> Image | None:
        answer = self._inspect(name, {})
        return None if answer is None else Image(answer)

    def _with_manifests(self, name: str) -> Image | None:
        """The image, and what it consists of: that isn't in the answer to a plain question, and so in no result."""
        answer = self._inspect(name, {"manifests": "1"})
        if answer is None:
            return None
        return Image(answer, tuple(answer.pop("Manifests", None) or ()))

    def _inspect(self, name: str, params: Mapping[str, str]) -> dict[str, Any] | None:
        with trying_to(f"inspect the image {name}"):
            try:
                described: dict[str, Any] = IMAGE(self._api.get("/images/{}/json", name, **params))
            except NotFound:
                return None
        return described


def _used(answer: Mapping[str, Any]) -> _Usage:
    """Return what an answer to a question for the disk usage tells; raise Unexpected if it tells nothing of images.

    Engines leave out a list that is empty and a size of 0 (api/types/image/disk_usage.go,
    daemon/server/router/system/disk_usage.go). So what is missing is 0 if there is anything beside it.
    """
    usage = answer.get("ImageUsage")
    if usage is not None:
        rows = usage.get("Items") or ()
        if usage.get("TotalCount") and not rows:
            raise Unexpected("has no ImageUsage.Items")
        return _Usage(rows, usage.get("TotalSize") or 0)
    if "Images" not in answer and "LayersSize" not in answer:
        raise Unexpected("has neither ImageUsage nor Images")
    return _Usage(answer.get("Images") or (), answer.get("LayersSize") or 0)


def _ordered(images: Iterable[ImageSummary]) -> tuple[ImageSummary, ...]:
    """The newest first, and those of one second by their Ids."""
    return tuple(sorted(images, key=lambda image: (-image.created, image.id)))


def _summary(row: Mapping[str, Any], details: bool = False) -> ImageSummary:
    """A row of the engine's list. details: whether it was asked for what only they tell."""
    manifests = tuple(row.get("Manifests") or ())
    return ImageSummary(
        id=row["Id"],
        tags=_tags(row.get("RepoTags")),
        digests=_digests([*(row.get("RepoDigests") or ()), *_pinned(row.get("RepoTags"))]),
        parent=row.get("ParentId") or "",
        created=int(row.get("Created") or 0),
        size=int(row.get("Size") or 0),
        pinned=_pinned(row.get("RepoTags")),
        labels=row.get("Labels") or {},
        shared=int(row["SharedSize"]) if details and row.get("SharedSize") is not None else -1,
        manifests=manifests,
        index_size=_index_size(row.get("Descriptor") or {}),
        whole=_is_described(row, manifests),
    )


def _is_described(row: Mapping[str, Any], manifests: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the engine knows the image of a row of its list.

    28 lists the digest of one that it doesn't know without a repository (daemon/containerd/image_list.go).
    """
    if any("@" not in name for name in row.get("RepoDigests") or ()):
        return False
    return not manifests or any(part.get("Available") for part in _of_images(manifests))


def _of_images(manifests: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of an index's manifests that are images: neither attestations nor artifacts."""
    return [part for part in manifests if part.get("Kind") == "image"]


def _platform(manifest: Mapping[str, Any]) -> Platform:
    """The platform of an image's manifest, as the engine tells it."""
    return platform_of((manifest.get("ImageData") or {}).get("Platform") or {})


def _told(filters: Mapping[str, Sequence[str]]) -> str:
    """Filters as docker images takes them."""
    return ", ".join(f"{name}={value}" for name, values in filters.items() for value in values)


def encoded(platform: Platform) -> str:
    """A platform as the API takes it (image-spec, descriptor.md)."""
    parts = {"os": platform.os, "architecture": platform.architecture, "variant": platform.variant}
    return json.dumps({name: part for name, part in parts.items() if part})


def _tags(names: Iterable[str] | None) -> tuple[str, ...]:
    """Tags in order: 20.10 lists C(<none>) for none, and containerd stores list digests that were pulled too."""
    return tuple(sorted({name for name in names or () if "@" not in name and name != "<none>:<none>"}))


def _pinned(names: Iterable[str] | None) -> tuple[str, ...]:
    """The digests among tags: containerd stores list those that were pulled there, and not all where they belong."""
    return tuple(sorted(name for name in names or () if "@" in name))


def _digests(names: Iterable[str] | None) -> tuple[str, ...]:
    """Digests in order, each once: 26 lists one for every tag, 28 some without a repository."""
    return tuple(sorted({name for name in names or () if "@" in name and name != "<none>@<none>"}))


def _index_size(descriptor: Mapping[str, Any]) -> int:
    """The size of what a descriptor points at, if that is an index (image-spec, image-index.md) or Docker's own."""
    kind = str(descriptor.get("mediaType") or "")
    return int(descriptor.get("size") or 0) if kind.endswith((".index.v1+json", ".manifest.list.v2+json")) else 0
