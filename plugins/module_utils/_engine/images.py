# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Images of an engine: which there are, which are whole, and the calls that change them.

A containerd store can lose a part of an image's content, and can have artifacts (charts, signatures) beside images.
Only this file decides which is which: Image.whole, Image.is_artifact, ImageSummary.whole.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import trying_to
from ansible_collections.gantry.docker.plugins.module_utils._image.identity import ImageIdentity, identity_of
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform, platform_of
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    ImageName,
    ListedName,
    Reference,
    is_reference,
    may_be_short_id,
)
from ansible_collections.gantry.docker.plugins.module_utils._image.times import parse_time
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import Unexpected
from ansible_collections.gantry.docker.plugins.module_utils._transport.client import Client, NotFound, Refused, target
from ansible_collections.gantry.docker.plugins.module_utils._transport.shapes import (
    DISK_USAGE,
    HISTORY,
    IMAGE,
    IMAGES,
    REMOVED,
)


class Manifest(NamedTuple):
    """A manifest of an image, as the engine reports it.

    kind: image, attestation or unknown. available: whether all its content is here. platform: without any part if the
    engine doesn't report it. content, unpacked: the bytes of its blobs, and of its snapshots. total: those of both.
    """

    id: str
    kind: str
    available: bool
    platform: Platform
    content: int = 0
    unpacked: int = 0
    total: int = 0

    @property
    def is_image(self) -> bool:
        """Whether it is of an image: neither an attestation nor an artifact."""
        return self.kind == "image"

    @property
    def is_attestation(self) -> bool:
        """Whether it is an attestation that is here."""
        return self.kind == "attestation" and self.available


class _ImageFields(NamedTuple):
    """The fields of an image."""

    inspected: Mapping[str, Any]
    manifests: tuple[Manifest, ...] = ()


class Image(_ImageFields):
    """An image as the engine describes it. Each part of the description is parsed once.

    inspected: the engine's own description, for results.
    manifests: the manifests of the image, if the engine had to be asked for them (containerd, from API 1.48 on).
    """

    @property
    def id(self) -> str:
        """The Id of the image on this engine."""
        return str(self.inspected["Id"])

    @cached_property
    def tags(self) -> tuple[ListedName, ...]:
        """Its tags, as repository:tag."""
        return _tags(self.inspected.get("RepoTags"))

    @cached_property
    def digests(self) -> tuple[ListedName, ...]:
        """Its digests in registries, as repository@digest."""
        return _digests(self.inspected.get("RepoDigests"))

    @cached_property
    def created(self) -> int:
        """The time of its creation in seconds since 1970; 0 if the image has none."""
        moment = parse_time(self.inspected.get("Created"))
        return moment[0] if moment else 0

    @cached_property
    def last_tagged(self) -> int:
        """The time when it last got a tag, in seconds since 1970; 0 if the engine doesn't report it."""
        moment = parse_time((self.inspected.get("Metadata") or {}).get("LastTagTime"))
        return moment[0] if moment else 0

    @cached_property
    def diff_ids(self) -> tuple[str, ...]:
        """The DiffIDs of its layers, the lowest first."""
        return tuple((self.inspected.get("RootFS") or {}).get("Layers") or ())

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings of its containers."""
        config: Mapping[str, Any] = self.inspected.get("Config") or {}
        return config

    @property
    def size(self) -> int:
        """The bytes of its layers: uncompressed in a classic store, as they came in a containerd store.

        After Docker 29.7.2 a containerd store counts the unpacked layers too (daemon/containerd/image_inspect.go).
        """
        return int(self.inspected.get("Size") or 0)

    @property
    def archived_size(self) -> int:
        """The bytes that an uncompressed archive of it has at the least; 0 if that is unknown.

        If the engine reported the manifests, they have the bytes of the layers as they came: Size may include more.
        """
        if len(set(self.diff_ids)) < len(self.diff_ids):
            return 0  # if an image has a layer twice, its archive has the layer once
        if not self.manifests:
            return self.size
        parts = [part for part in _of_images(self.manifests) if part.platform == self.platform]
        return min((part.content for part in parts), default=0)

    @cached_property
    def platform(self) -> Platform:
        """The platform that it is made for."""
        return platform_of(self.inspected)

    @cached_property
    def platforms(self) -> Mapping[Platform, bool]:
        """The platforms of its index, and whether the image for each is here; empty if the engine wasn't asked."""
        return {part.platform: part.available for part in _of_images(self.manifests)}

    @cached_property
    def identity(self) -> ImageIdentity:
        """The identity that all copies of it have in common."""
        return identity_of(self.inspected, self.diff_ids, self.config)

    @property
    def is_artifact(self) -> bool:
        """Whether it isn't an image, but an artifact in a containerd store, such as a chart."""
        if self.manifests:
            return not _of_images(self.manifests)
        # Before API 1.48 an engine doesn't report the kind. It describes no image whose config it can't read, so an
        # entry with Os but without RootFS is an artifact.
        return not self.whole and bool(self.inspected.get("Os"))

    @cached_property
    def whole(self) -> bool:
        """Whether all content of the image is here, for the platform that the engine describes.

        A containerd store may have lost a part of it. Then containers may run, but the image can't be saved or pushed.
        """
        if self.manifests:
            parts = _of_images(self.manifests)
            here = [part for part in parts if part.available]
            return any(len(parts) == 1 or part.platform == self.platform for part in here)
        # An image without layers has at least RootFS.Type. A store that can't read the config reports no RootFS.
        return bool(self.inspected.get("RootFS"))

    @property
    def flaw(self) -> str:
        """The words for its flaw, to follow its name in a message; "" for a whole image."""
        if self.is_artifact:
            return "is no image, but an artifact (such as a chart or a signature)"
        return "" if self.whole else "isn't whole: the engine's store has lost a part of its content"


class ImageSummary(NamedTuple):
    """A row of the engine's list of images.

    parent: the Id of the image that it was made from; "" if the store doesn't know it.
    created: seconds since 1970. size: bytes, with the layers that other images share.
    pinned: the digests that the store keeps in the same way as tags (containerd).
    shared: the bytes of layers that other images have too; -1 if the engine wasn't asked or doesn't report it.
    manifests: the manifests of the image; empty if the engine wasn't asked or doesn't report them (containerd does).
    index_size: the bytes of the index document, which size doesn't include; 0 if the image isn't an index.
    whole: False if the engine can't describe it, because a part of it is lost or it never had an image in it. Then
    its labels, size and time of creation are unknown.
    """

    id: str
    tags: tuple[ListedName, ...]
    digests: tuple[ListedName, ...]
    parent: str
    created: int
    size: int
    pinned: tuple[ListedName, ...] = ()
    labels: Mapping[str, str] = {}
    shared: int = -1
    manifests: tuple[Manifest, ...] = ()
    index_size: int = 0
    whole: bool = True


class Removal(NamedTuple):
    """An engine's answer to a removal: the names that it removed, and the Ids of the content that it deleted."""

    untagged: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()


class ImageSize(NamedTuple):
    """The space of an image on the engine's disk: all bytes, and the bytes that it shares with other images."""

    total: int
    shared: int


class _Usage(NamedTuple):
    """The space of all images on the engine's disk: a row for each visible image, and the bytes of all images."""

    images: Sequence[Mapping[str, Any]]
    total: int


class Images:
    """The engine's images."""

    def __init__(self, api: Client) -> None:
        self._api = api

    def find(self, name: str) -> Image | None:
        """Return the image of a reference or Id; None if there is none.

        An image for several platforms is described for the engine's platform, or else for one that is here.
        """
        # A containerd store needs time to find the manifests. Docker 28 doesn't describe an image that isn't whole, so
        # it is asked for them only then. Docker 29 describes an image for its own platform, whatever parts it has
        # (daemon/containerd/image_inspect.go), so it is always asked.
        image = self._with_manifests(name) if self._api.speaks(1, 52) else self._plain(name)
        if image is not None and not image.whole and not image.manifests and self._api.speaks(1, 48):
            image = self._with_manifests(name)
        here = [part for part in _of_images(image.manifests if image else ()) if part.available]
        if image is None or not here or image.whole or not self.tells_platforms:
            return image
        return self._described_for(image, here[0].platform) or image

    def find_listed(self, row: ImageSummary) -> Image | None:
        """Return the image of a row of the list; None if it is gone.

        It is found by a tag if it has one. To find an Id, a containerd store reads all its names
        (daemon/containerd/image.go, resolveImage). With a thousand names that takes a third of the time.
        """
        image = self.find(row.tags[0]) if row.tags and is_reference(row.tags[0]) else None
        return image if image and image.id == row.id else self.find(row.id)

    @property
    def tells_platforms(self) -> bool:
        """Whether the engine reports which platforms of an image it has; else it describes only one of them."""
        return self._api.speaks(1, 49)

    def described_for(self, image: Image | None, platform: Platform | None) -> Image | None:
        """Return the image for a platform; None if it isn't there for it, or if the engine can't describe it."""
        if image is None or platform is None or platform.includes(image.platform):
            return image
        if not self.tells_platforms:
            return None
        found = self._described_for(image, platform)
        # A classic store doesn't look at the platform (daemon/images/image.go).
        return found if found and platform.includes(found.platform) else None

    def is_here_for(self, image: Image, platform: Platform) -> bool:
        """Return whether a containerd store has an image for a platform, even if the engine can't describe it.

        The engine is asked to create a container without a command, and creates none: it first looks for the image for
        the platform, and then for a command (daemon/create.go).
        """
        # Without a version in the path, because api_version may be older than 1.41, the first API that knows the
        # platform. Every engine with such a store knows it.
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
        """Return the image that the user means by a name: as find(), but the beginning of an Id is a name too.

        platform: the platform that the image must be for; a containerd store may have one image for several.
        """
        image = self.find(str(name))
        if image is None and isinstance(name, Reference) and may_be_short_id(name):
            image = self.find(f"sha256:{name.name}")
        return self.described_for(image, platform)

    def manifests(self, name: str) -> tuple[Manifest, ...]:
        """Return the manifests of an image's index; none if the engine can't report them, or if there is no index."""
        image = self._with_manifests(name) if self._api.speaks(1, 48) else None
        return image.manifests if image else ()

    def all(self, details: bool = False) -> tuple[ImageSummary, ...]:
        """Return all images, with those that are only parents of others and those without a tag, sorted as visible().

        details: whether to ask for shared sizes and manifests too.
        """
        # Engines that don't know these two ignore them.
        asked = {"shared-size": "1", "manifests": "1"} if details else {}
        with trying_to("list the images"):
            rows = IMAGES(self._api.get("/images/json", all="1", **asked))
        return _ordered(_summary(row, details) for row in rows)

    def visible(self, filters: Mapping[str, Sequence[str]] | None = None) -> tuple[ImageSummary, ...]:
        """Return the images that docker images shows: without those that are only parents of others.

        filters: as the API takes them (docker images --filter).
        The newest come first, and the order is always the same: classic stores shuffle images of the same second.
        """
        with trying_to("list the images" + (f" with the filters {_told(filters)}" if filters else "")):
            rows = IMAGES(self._api.get("/images/json", filters=json.dumps(filters) if filters else None))
        return _ordered({row["Id"]: _summary(row) for row in rows}.values())

    def sizes(self) -> Mapping[str, ImageSize]:
        """Return the sizes of the images that docker images shows, by their Ids (docker system df -v)."""
        return {row["Id"]: ImageSize(row["Size"], row["SharedSize"]) for row in self._usage().images}

    def history(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """Return the history of an image, the newest step first (docker history); empty if the engine has none."""
        with trying_to(f"read the history of the image {name}"):
            try:
                # The answer is null for an artifact.
                return tuple(HISTORY(self._api.get("/images/{}/history", name)) or ())
            except NotFound:
                return ()

    def tags(self, image_id: str) -> tuple[ListedName, ...]:
        """Return the tags that an image has now."""
        image = self.find(image_id)
        return image.tags if image else ()

    def tag(self, image: str, reference: Reference) -> None:
        """Give a reference to an image; another image that had it loses it."""
        with trying_to(f"tag the image {image} as {reference}"):
            self._api.ask("POST", target("/images/{}/tag", image, repo=reference.name, tag=reference.tag))

    def remove(self, name: str, delete_parents: bool = True, force: bool = False) -> Removal:
        """Remove a reference, and the image too if it was the last one; or remove an image by its Id.

        delete_parents: whether to remove also the images without a tag that it was made from. force: whether to remove
        it even if containers use it, as far as the engine allows that.
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
        """Remove the last name of an image, and the image with it, but not the images that it was made from.

        A containerd store may list a name that it can't find, because another tool wrote it in another form (app:1,
        where Docker writes docker.io/library/app:1). Such a name is removed with the image by its Id.
        names: all names that the image had. Return the engine's answer.
        """
        removal = self.remove(name, delete_parents=False, force=force)
        image = None if any(removal) else self.find(image_id)
        if image is None or not set(image.tags) <= set(names):
            return removal
        return self.remove(image_id, delete_parents=False, force=force)

    def discard(self, image_id: str) -> None:
        """Remove an image if it has no tag, but not the images that it was made from."""
        image = self.find(image_id)
        if image is not None and not image.tags:
            self.remove(image_id, delete_parents=False)

    def disk_usage(self) -> int:
        """Return the bytes of all layers of all images, each layer counted once (docker system df)."""
        return self._usage().total

    def _usage(self) -> _Usage:
        with trying_to("ask for the disk usage"):
            # Engines that don't know the parameters report containers and volumes too, and all details of each.
            return _used(DISK_USAGE(self._api.get("/system/df", type="image", verbose="1")))

    def _described_for(self, image: Image, platform: Platform) -> Image | None:
        """Return the image as the engine describes it for a platform; None if it isn't there for that.

        The Id in the answer is the manifest's, and the engine finds nothing by that. So the image keeps its own.
        """
        answer = self._inspect(image.id, {"platform": encoded(platform)})
        return None if answer is None else Image({**answer, "Id": image.id}, image.manifests)

    def _plain(self, name: str) -> Image | None:
        answer = self._inspect(name, {})
        return None if answer is None else Image(answer)

    def _with_manifests(self, name: str) -> Image | None:
        """Return the image with its manifests. They aren't in a plain answer, so they are left out of `inspected`."""
        answer = self._inspect(name, {"manifests": "1"})
        if answer is None:
            return None
        return Image(answer, manifests_of(answer.pop("Manifests", None)))

    def _inspect(self, name: str, params: Mapping[str, str]) -> dict[str, Any] | None:
        with trying_to(f"inspect the image {name}"):
            try:
                described: dict[str, Any] = IMAGE(self._api.get("/images/{}/json", name, **params))
            except NotFound:
                return None
        return described


def _used(answer: Mapping[str, Any]) -> _Usage:
    """Return the usage by images in an answer about disk usage; raise Unexpected if it has none.

    Engines leave out an empty list and a size of 0 (api/types/image/disk_usage.go,
    daemon/server/router/system/disk_usage.go). So a missing field is empty or 0 if the other field is there.
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
    """Return the images sorted: the newest first, and images of the same second by their Ids."""
    return tuple(sorted(images, key=lambda image: (-image.created, image.id)))


def _summary(row: Mapping[str, Any], details: bool = False) -> ImageSummary:
    """Return the summary for a row of the engine's list. details: whether the engine was asked for shared sizes."""
    manifests = manifests_of(row.get("Manifests"))
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


def _is_described(row: Mapping[str, Any], manifests: Sequence[Manifest]) -> bool:
    """Return whether the engine can describe the image of a row of its list.

    If it can't, Docker 28 lists the digest without a repository (daemon/containerd/image_list.go).
    """
    if not all(name.digest for name in map(ListedName, row.get("RepoDigests") or ())):
        return False
    return not manifests or any(part.available for part in _of_images(manifests))


def manifests_of(rows: Iterable[Mapping[str, Any]] | None) -> tuple[Manifest, ...]:
    """Return the manifests of an image, parsed from the engine's answer."""
    return tuple(_manifest(row) for row in rows or ())


def _manifest(row: Mapping[str, Any]) -> Manifest:
    image, size = row.get("ImageData") or {}, row.get("Size") or {}
    return Manifest(
        id=str(row.get("ID") or ""),
        kind=str(row.get("Kind") or ""),
        available=bool(row.get("Available")),
        platform=platform_of(image.get("Platform") or {}),
        content=int(size.get("Content") or 0),
        unpacked=int((image.get("Size") or {}).get("Unpacked") or 0),
        total=int(size.get("Total") or 0),
    )


def _of_images(manifests: Iterable[Manifest]) -> list[Manifest]:
    """Return the manifests of an index that are images."""
    return [part for part in manifests if part.is_image]


def _told(filters: Mapping[str, Sequence[str]]) -> str:
    """Return filters in the form of docker images, for messages."""
    return ", ".join(f"{name}={value}" for name, values in filters.items() for value in values)


def encoded(platform: Platform) -> str:
    """Return a platform as the API takes it (image-spec, descriptor.md)."""
    parts = {"os": platform.os, "architecture": platform.architecture, "variant": platform.variant}
    return json.dumps({name: part for name, part in parts.items() if part})


def _tags(names: Iterable[str] | None) -> tuple[ListedName, ...]:
    """Return the sorted tags among RepoTags: without C(<none>) (20.10) and pulled digests (containerd stores)."""
    listed = {ListedName(name) for name in names or () if name != "<none>:<none>"}
    return tuple(sorted(name for name in listed if not name.digest))


def _pinned(names: Iterable[str] | None) -> tuple[ListedName, ...]:
    """Return the sorted digests among RepoTags: containerd stores list pulled ones there, not all in RepoDigests."""
    return tuple(sorted(name for name in map(ListedName, names or ()) if name.digest))


def _digests(names: Iterable[str] | None) -> tuple[ListedName, ...]:
    """Return the sorted digests, each once: 26 lists a digest for every tag, 28 some without a repository."""
    listed = {ListedName(name) for name in names or () if name != "<none>@<none>"}
    return tuple(sorted(name for name in listed if name.digest))


def _index_size(descriptor: Mapping[str, Any]) -> int:
    """Return the size of a descriptor's index (image-spec, image-index.md, or Docker's own); 0 for all else."""
    kind = str(descriptor.get("mediaType") or "")
    return int(descriptor.get("size") or 0) if kind.endswith((".index.v1+json", ".manifest.list.v2+json")) else 0
