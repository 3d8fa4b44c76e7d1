# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of an engine: what is there, and the calls that change it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils.engine.errors import (
    EngineError,
    engine_said,
    trying_to,
)
from ansible_collections.gantry.docker.plugins.module_utils.engine.sdk import docker
from ansible_collections.gantry.docker.plugins.module_utils.engine.stream import (
    bound_waits,
    messages,
    pieces,
    waiting_for,
)
from ansible_collections.gantry.docker.plugins.module_utils.image.identity import ImageIdentity, identity_of, parse_time
from ansible_collections.gantry.docker.plugins.module_utils.image.layers import chain_ids
from ansible_collections.gantry.docker.plugins.module_utils.image.platform import Platform, platform_of
from ansible_collections.gantry.docker.plugins.module_utils.image.reference import (
    ImageName,
    Reference,
    may_be_short_id,
)

if TYPE_CHECKING:
    from ansible_collections.gantry.docker.plugins.module_utils.engine.credentials import Login

# The end of what an engine says of a push: distribution/push_v2.go, daemon/containerd/image_push.go.
_PUSHED = re.compile(r"digest: (sha256:[0-9a-f]{64}) size: ")


class Image(NamedTuple):
    """An image as the engine describes it.

    inspected: the engine's own description, for results.
    """

    inspected: Mapping[str, Any]

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
        """The bytes of its layers as they are stored: a classic store has them raw, containerd's as they came."""
        return int(self.inspected.get("Size") or 0)

    @property
    def platform(self) -> Platform:
        """What it runs on."""
        return platform_of(self.inspected)

    @property
    def identity(self) -> ImageIdentity:
        """What a copy of it has in common with it elsewhere."""
        return identity_of(self.inspected, self.diff_ids, self.config)


class ImageSummary(NamedTuple):
    """A row of the engine's list of images.

    parent: the Id of the image that it was made from, where the store knows that; else "".
    created: seconds since 1970. size: bytes, layers shared with others included.
    pinned: those of the digests that the store keeps as it keeps tags (containerd).
    shared: the bytes of layers that others have too, where the engine was asked and tells; else -1.
    manifests: what the image consists of, where the engine was asked and tells (containerd).
    index_size: the bytes of the index that the image is, which size leaves out; 0 if it is none.
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


class ImageSize(NamedTuple):
    """What an image takes on the engine's disk: the bytes in all, and those that it shares with others."""

    total: int
    shared: int


class RemoteImage(NamedTuple):
    """What a registry tells of an image: the digest of its manifest or index, and its platforms."""

    digest: str
    platforms: tuple[Platform, ...]


class Commit(NamedTuple):
    """How to make an image from a container.

    changes: instructions of a Dockerfile, as docker commit --change takes them; they come after the labels.
    pause: whether the container's processes stand still meanwhile.
    """

    author: str
    comment: str
    changes: tuple[str, ...]
    labels: Mapping[str, str]
    pause: bool


class Images:
    """The engine's images."""

    def __init__(self, api: Any) -> None:
        self._api = api

    def find(self, name: str) -> Image | None:
        """The image of a reference or Id; None if there is none."""
        with trying_to(f"inspect the image {name}"):
            try:
                return Image(self._api.inspect_image(name))
            except docker.errors.NotFound:
                return None

    @property
    def tells_platforms(self) -> bool:
        """Whether the engine says which platforms it has of an image; without, it shows one of them."""
        return self._speaks(1, 49)

    def find_for(self, name: str, platform: Platform | None) -> Image | None:
        """The image of a reference or Id for a platform; None if there is none for it. Without a platform as find."""
        return self._for(self.find(name), platform)

    def meant(self, name: ImageName, platform: Platform | None = None) -> Image | None:
        """The image that the user means by a name: as find, and by the beginning of its Id too.

        platform: the platform that it must be for; a containerd store may have one image for several.
        """
        image = self.find(str(name))
        if image is None and isinstance(name, Reference) and may_be_short_id(name):
            image = self.find(f"sha256:{name.name}")
        return self._for(image, platform)

    def manifests(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """The manifests of an image's index that the engine tells of; none where it can't, or there is no index."""
        if not self._speaks(1, 48):
            return ()
        api = self._api
        with trying_to(f"inspect the image {name}"):
            answer = api._result(api._get(api._url("/images/{0}/json", name), params={"manifests": "1"}), json=True)
        return tuple(answer.get("Manifests") or ())

    def all(self, details: bool = False) -> tuple[ImageSummary, ...]:
        """All images, those between others and without a tag included.

        details: whether to ask for what else of disk usage the list can tell.
        """
        asked = {"shared-size": "1", "manifests": "1"} if details else {}
        with trying_to("list the images"):
            # The SDK's own images() can't ask for these two. Engines that don't know them ignore them.
            url = self._api._url("/images/json")
            rows = self._api._result(self._api._get(url, params={"all": "1", **asked}), json=True)
        return tuple(_summary(row, details) for row in rows)

    def chains(self) -> frozenset[str]:
        """The chain IDs of all layers of all images."""
        found = (self.find(row.id) for row in self.all())
        return frozenset(chain for image in found if image for chain in chain_ids(image.diff_ids))

    def available(self, image_id: str) -> frozenset[str] | None:
        """The digests of those manifests of an image all of whose parts a containerd store has.

        None where the engine doesn't tell: before API 1.48.
        """
        if not self._speaks(1, 48):
            return None
        api = self._api
        with trying_to("list the images"):
            rows = api._result(api._get(api._url("/images/json"), params={"manifests": "1"}), json=True)
        manifests = [manifest for row in rows if row["Id"] == image_id for manifest in row.get("Manifests") or ()]
        return frozenset(manifest["ID"] for manifest in manifests if manifest.get("Available"))

    def visible(self, filters: Mapping[str, Sequence[str]] | None = None) -> tuple[ImageSummary, ...]:
        """The images that docker images shows: not those that are only a part of another.

        filters: as the API takes them (docker images --filter).
        The newest first, and always in the same order: classic stores shuffle those of the same second.
        """
        params = {"filters": json.dumps(filters)} if filters else {}
        with trying_to("list the images" + (f" with the filters {_told(filters)}" if filters else "")):
            rows = self._api._result(self._api._get(self._api._url("/images/json"), params=params), json=True)
        listed = {row["Id"]: _summary(row) for row in rows}
        return tuple(sorted(listed.values(), key=lambda image: (-image.created, image.id)))

    def sizes(self) -> Mapping[str, ImageSize]:
        """What each image that docker images shows takes, by its Id (docker system df -v)."""
        with trying_to("ask for the disk usage"):
            # Engines that don't know the parameter tell of containers and volumes too.
            url = self._api._url("/system/df")
            rows = self._api._result(self._api._get(url, params={"type": "image"}), json=True)["Images"]
        return {row["Id"]: ImageSize(int(row["Size"]), int(row["SharedSize"])) for row in rows or ()}

    def history(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """The steps an image was made by, the newest first (docker history)."""
        with trying_to(f"read the history of the image {name}"):
            return tuple(self._api.history(name))

    def blob_sizes(self, image_id: str, layers: int) -> tuple[int, ...]:
        """The sizes of an image's layers as a containerd store holds them, the lowest first.

        No call tells them, but the image's manifest does, and an archive has that among its first entries:
        containerd sorts them by name, that is by digest (core/images/archive/exporter.go). No more is read.
        None are given for an image without its manifest.
        """
        # With what it takes to read archives, which most tasks need not wait for.
        from ansible_collections.gantry.docker.plugins.module_utils.image.usage import blob_sizes

        api = self._api
        with trying_to(f"read the manifest of the image {image_id}"):
            response = api._get(api._url("/images/get"), params={"names": image_id}, stream=True)
            with closing(response):
                api._raise_for_status(response)
                return blob_sizes(pieces(response), image_id, layers)

    def remote(self, reference: Reference, login: Login) -> RemoteImage | None:
        """What the reference's registry has, asked through the engine; None if it has none. Nothing is pulled."""
        api = self._api
        path = api._url("/distribution/{0}/json", reference.listed)
        with trying_to(f"ask the registry {reference.registry} for {reference}"):
            try:
                answer = api._result(api.get(path, headers=login.header), json=True)
            except docker.errors.NotFound:
                return None
        platforms = answer.get("Platforms") or []
        return RemoteImage(answer["Descriptor"]["digest"], tuple(platform_of(entry) for entry in platforms))

    def pull(self, reference: Reference, platform: Platform | None, login: Login) -> None:
        """Pull one image; by its digest if the reference has one."""
        task = f"pull {reference}"
        params = {"fromImage": reference.name, "tag": reference.digest or reference.tag}
        if platform:
            params["platform"] = str(platform)
        with trying_to(task):
            response = self._post("/images/create", params=params, headers=login.header)
            for _message in messages(self._api, response, task):
                pass

    def push(self, reference: Reference, login: Login) -> str:
        """Push one tag to its registry; the digest that the registry knows it by now."""
        task = f"push {reference}"
        digest: str | None = None
        with trying_to(task):
            path = f"/images/{reference.name}/push"
            response = self._post(path, params={"tag": reference.tag}, headers=login.header)
            for message in messages(self._api, response, task):
                found = _PUSHED.search(message.get("status") or "")
                digest = found.group(1) if found else digest
        if digest is None:
            raise EngineError(f"The engine pushed {reference}, but didn't say what its digest is. Try again.")
        return digest

    def tags(self, image_id: str) -> tuple[str, ...]:
        """The tags that an image has now."""
        image = self.find(image_id)
        return image.tags if image else ()

    def tag(self, image: str, target: Reference) -> None:
        """Let a reference name an image; it names no other one afterwards."""
        with trying_to(f"tag the image {image} as {target}"):
            self._api.tag(image, target.name, target.tag, force=True)

    def remove(self, name: str, delete_parents: bool = True, force: bool = False) -> None:
        """Take a reference away, and the image too if it was the last one; or an image by its Id.

        delete_parents: whether images without a tag that it was made from go with it. force: even if containers
        use it, as far as the engine lets itself be forced.
        """
        with trying_to(f"remove the image {name}"):
            self._api.remove_image(name, force=force, noprune=not delete_parents)

    def save(self, names: Sequence[str], platform: Platform | None = None) -> Iterator[bytes]:
        """The archive of these images, piece by piece.

        platform: the only one to save, where a containerd store has an image for several.
        """
        api = self._api
        params: dict[str, Any] = {"names": list(names)}
        if platform and self._speaks(1, 48):
            params["platform"] = _encoded(platform)

        def first() -> tuple[Any, Iterator[bytes], bytes]:
            # A classic store writes a copy of its own first and sends nothing meanwhile.
            response = api.get(api._url("/images/get"), params=params, stream=True, timeout=None)
            api._raise_for_status(response)
            rest = pieces(response)
            return response, rest, next(rest, b"")

        with trying_to(f"save {', '.join(names)}"):
            response, rest, piece = waiting_for(first, api.ping, api.timeout)
            bound_waits(api, response, api.timeout)
            yield piece
            yield from rest

    def load(self, archive: Iterable[bytes], task: str) -> tuple[str, ...]:
        """Load an archive; what the engine said of it, line by line.

        task: as in errors.trying_to. Raises EngineError for an error inside the answer too. Not
        every failure is told there: who calls checks what is there afterwards.
        """
        api = self._api

        def call() -> list[str]:
            # Without quiet=0 nothing is said before all is done.
            response = self._post("/images/load", timeout=None, params={"quiet": "0"}, data=archive)
            return [message.get("stream", "").strip() for message in messages(api, response, task)]

        with trying_to(task):
            # While it unpacks a layer an engine says nothing, for as long as its disk takes.
            said = waiting_for(call, api.ping, api.timeout)
        # A containerd store says so in plain words, after "Loaded image": daemon/containerd/image_exporter.go.
        failed = [line for line in said if line.startswith("Error unpacking image")]
        if failed:
            raise engine_said(task, "; ".join(failed))
        return tuple(line for line in said if line)

    def commit(self, container: str, how: Commit) -> str:
        """Make an image without a name from a container; its Id."""
        # api/server/router/container/container_routes.go, postCommit: one parameter for each change.
        params = [("container", container), ("author", how.author), ("comment", how.comment)]
        params += [("pause", "1" if how.pause else "0"), *(("changes", change) for change in how.changes)]
        api = self._api

        def call() -> str:
            # The labels go in the config, where nothing in them has to be quoted as it would in an instruction.
            response = api.post(api._url("/commit"), params=params, json={"Labels": dict(how.labels)}, timeout=None)
            return str(api._result(response, json=True)["Id"])

        with trying_to(f"commit the container {container}"):
            return waiting_for(call, api.ping, api.timeout)

    def discard(self, image_id: str) -> None:
        """Remove an image if no tag names it; what it was made from stays."""
        image = self.find(image_id)
        if image is not None and not image.tags:
            self.remove(image_id, delete_parents=False)

    def disk_usage(self) -> int:
        """The bytes that all layers of all images take, each counted once (docker system df)."""
        with trying_to("ask for the disk usage"):
            return int(self._api.df().get("LayersSize") or 0)

    def _for(self, image: Image | None, platform: Platform | None) -> Image | None:
        """The image as it is for a platform; None if it isn't there for that."""
        if image is None or platform is None or platform.includes(image.platform):
            return image
        if not self.tells_platforms:
            return None
        api = self._api
        with trying_to(f"inspect the image {image.id} for {platform}"):
            try:
                answer = api._get(api._url("/images/{0}/json", image.id), params={"platform": _encoded(platform)})
                image = Image(api._result(answer, json=True))
            except docker.errors.NotFound:
                return None
        # A classic store doesn't look at the platform (daemon/images/image.go).
        return image if platform.includes(image.platform) else None

    def _speaks(self, major: int, minor: int) -> bool:
        """Whether the engine, as it was agreed with, speaks that version of the API."""
        return tuple(int(part) for part in str(self._api._version).split(".")) >= (major, minor)

    def _post(self, path: str, **arguments: Any) -> Any:
        """A request whose answer is a stream; the timeout bounds each wait for more of it, unless another is given.

        The SDK's own pull and load bound nothing or the whole, so the request is made here.
        """
        api = self._api
        response = api.post(api._url(path), stream=True, **{"timeout": api.timeout, **arguments})
        api._raise_for_status(response)
        return response


def _summary(row: Mapping[str, Any], details: bool = False) -> ImageSummary:
    """A row of the engine's list. details: whether it was asked for what only they tell."""
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
        manifests=tuple(row.get("Manifests") or ()),
        index_size=_index_size(row.get("Descriptor") or {}),
    )


def _told(filters: Mapping[str, Sequence[str]]) -> str:
    """Filters as docker images takes them."""
    return ", ".join(f"{name}={value}" for name, values in filters.items() for value in values)


def _encoded(platform: Platform) -> str:
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
    """Digests in order, each once: 26 lists one for every tag."""
    return tuple(sorted({name for name in names or () if name != "<none>@<none>"}))


def _index_size(descriptor: Mapping[str, Any]) -> int:
    """The size of what a descriptor points at, if that is an index (image-spec, image-index.md) or Docker's own."""
    kind = str(descriptor.get("mediaType") or "")
    return int(descriptor.get("size") or 0) if kind.endswith((".index.v1+json", ".manifest.list.v2+json")) else 0
