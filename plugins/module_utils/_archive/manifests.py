# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Manifests, indexes and configs: the documents of an archive that describe its images.

Images are listed in one of two ways, and newer engines use both: in manifest.json (moby, image/tarexport), which
classic stores read, and in an OCI layout's index.json (image-spec, image-layout.md), which containerd prefers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive import digests, documents
from ansible_collections.gantry.docker.plugins.module_utils._archive.contents import THIN, Contents
from ansible_collections.gantry.docker.plugins.module_utils._archive.digests import blob_name
from ansible_collections.gantry.docker.plugins.module_utils._archive.tar import MAX_ENTRIES, clean_name, shown
from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput, Unreadable
from ansible_collections.gantry.docker.plugins.module_utils._image.identity import EFFECTIVE_CONFIG
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import parse_reference

_LISTED = "manifest.json"
INDEX = "index.json"
REPOSITORIES = "repositories"
_LAYOUT = "oci-layout"

# containerd, core/images/annotations.go, and image-spec, annotations.md
_FULL_NAME = "io.containerd.image.name"
_SUBJECT = "io.containerd.manifest.subject"
_REF_NAME = "org.opencontainers.image.ref.name"
# BuildKit's attestations, docs/attestations/attestation-storage.md
_REFERENCE_TYPE = "vnd.docker.reference.type"

_INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_CONFIG_TYPES = (
    "",
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)
_LAYER_TYPES = ("application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs.")
# containerd, core/images/mediatypes.go, IsNonDistributable: the base layers of Windows, which engines don't save.
_NOT_DISTRIBUTED = (
    "application/vnd.oci.image.layer.nondistributable.",
    "application/vnd.docker.image.rootfs.foreign.",
)

_MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)

# The fields of the documents that engines read (moby, image/tarexport/tarexport.go; image-spec, specs-go/v1).
_ITEM_FIELDS = frozenset({"Config", "RepoTags", "Layers", "Parent", "LayerSources"})
_LAYOUT_FIELDS = frozenset({"imageLayoutVersion"})
_MANIFEST_FIELDS = frozenset(
    {
        "schemaVersion",
        "mediaType",
        "artifactType",
        "manifests",
        "config",
        "layers",
        "fsLayers",
        "subject",
        "annotations",
    }
)
_DESCRIPTOR_FIELDS = frozenset(
    {"mediaType", "digest", "size", "urls", "annotations", "data", "platform", "artifactType"}
)
_PLATFORM_FIELDS = frozenset({"architecture", "os", "os.version", "os.features", "variant"})
# moby, image/image.go (Image, V1Image), image/rootfs.go, and the effective config (identity.py).
_IMAGE_FIELDS = frozenset(
    {"created", "author", "architecture", "variant", "os", "os.version", "os.features", "config", "rootfs", "history"}
)
_ROOTFS_FIELDS = frozenset({"type", "diff_ids"})
_CONFIG_FIELDS = frozenset(EFFECTIVE_CONFIG)

# An index lists manifests. Indexes in indexes are allowed, but nobody makes them.
_MAX_DEPTH = 4
_MAX_DESCRIPTORS = 10_000


class Listed(NamedTuple):
    """An image as manifest.json lists it: the names of entries, and its tags as written."""

    config: str
    layers: tuple[str, ...]
    tags: tuple[str, ...]


class Descriptor(NamedTuple):
    """A descriptor: a reference to a blob (image-spec, descriptor.md)."""

    digest: str
    size: int | None
    media_type: str
    platform: Mapping[str, Any]
    annotations: Mapping[str, Any]

    @property
    def blob(self) -> str:
        """The name of the blob's entry."""
        return blob_name(self.digest)

    @property
    def distributed(self) -> bool:
        """Whether archives may hold such a blob."""
        return not self.media_type.startswith(_NOT_DISTRIBUTED)


class Manifest(NamedTuple):
    """An image of an OCI layout.

    digest: of the manifest; None if there is only an index, and none of its manifests.
    index_digest: the digest of the index that index.json points at; None if it points at the manifest.
    names: its full names in index.json.
    platform: as in the descriptor.
    config: None if the manifest is missing. missing: the missing entries if the manifest is one of them.
    """

    digest: str | None
    index_digest: str | None
    names: tuple[str, ...]
    platform: Mapping[str, Any]
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    missing: tuple[str, ...] = ()


class Config(NamedTuple):
    """An image's config (image-spec, config.md)."""

    digest: str
    os: str
    architecture: str
    variant: str
    created: str | None
    diff_ids: tuple[str, ...]
    config: Mapping[str, Any]
    history: tuple[Mapping[str, Any], ...]


def read_listed(contents: Contents) -> list[Listed] | None:
    """Return the images that manifest.json lists; None without this file. Raise Unreadable."""
    data = contents.document(_LISTED)
    if data is None:
        return None
    listed = [_listed(item) for item in documents.objects(documents.parsed(data, _LISTED), _LISTED)]
    if sum(1 + len(image.layers) + len(image.tags) for image in listed) > MAX_ENTRIES:
        raise Unreadable(f"its {_LISTED} names more than {MAX_ENTRIES} files and tags")
    return listed


def read_layout(contents: Contents, listed: frozenset[str]) -> list[Manifest] | None:
    """Return the images of an OCI layout; None if there is no layout. Raise Unreadable.

    listed: the digests of the configs that manifest.json names.
    Attestations, referrers and artifacts are left out, and the platforms of an index that were not saved.
    """
    data = contents.document(_LAYOUT)
    if data is None:
        # Without this file containerd reads manifest.json alone (core/images/archive/importer.go).
        return None
    version = documents.fields(documents.parsed(data, _LAYOUT), _LAYOUT_FIELDS, _LAYOUT).get("imageLayoutVersion")
    if version != "1.0.0":
        raise Unreadable(f"its OCI layout has a version other than 1.0.0: {shown(str(version))}")
    data = contents.document(INDEX)
    if data is None:
        raise Unreadable(f"it has an {_LAYOUT} file, but no {INDEX}")
    return list(_Layout(contents, listed).images(documents.parsed(data, INDEX)))


def read_config(contents: Contents, name: str) -> Config | None:
    """Return an image's config; None if there is no entry of that name. Raise Unreadable."""
    data = contents.document(name)
    if data is None:
        return None
    claimed = digests.config_digest(name)
    if claimed:
        digests.check_digest(data, claimed, name)
    config = documents.renamed(documents.parsed(data, name), _IMAGE_FIELDS, name)
    rootfs = documents.renamed(config.get("rootfs"), _ROOTFS_FIELDS, name)
    return Config(
        digest=claimed or digests.digest_of(data),
        os=documents.text(config.get("os"), name),
        architecture=documents.text(config.get("architecture"), name),
        variant=documents.text(config.get("variant"), name),
        created=documents.text(config.get("created"), name) or None,
        diff_ids=tuple(documents.digest(diff_id, name) for diff_id in documents.texts(rootfs.get("diff_ids"), name)),
        config=documents.renamed(documents.mapping(config.get("config"), name), _CONFIG_FIELDS, name),
        history=tuple(documents.objects(config.get("history"), name)),
    )


def read_left_out(contents: Contents) -> dict[str, str]:
    """Return the layers that a thin archive leaves out: their DiffIDs, by their entries. Raise Unreadable."""
    data = contents.document(THIN)
    if data is None:
        return {}
    mark = documents.object_of(documents.parsed(data, THIN), THIN)
    if mark.get("version") != 1:
        raise Unreadable("it is a thin archive of a newer format", "Update this collection, or save it again")
    rows = documents.objects(mark.get("left_out"), THIN)
    return {documents.text(row.get("entry"), THIN): documents.digest(row.get("diff_id"), THIN) for row in rows}


def described_names(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the full names of an image in a descriptor of index.json: one, or none. Raise Unreadable."""
    return tuple(_names(_descriptor(item, INDEX)))


def normal(name: str) -> str | None:
    """Return a name with registry, repository and tag, so that names can be compared; None if it isn't a tag's."""
    try:
        reference = parse_reference(name)
    except InvalidInput:
        return None
    return None if reference.digest else f"{reference.registry}/{reference.repository}:{reference.tag}"


def check_tag(tag: str, name: str) -> str:
    """Return a name with a tag; raise Unreadable if it isn't valid. name: of the document that has it."""
    if normal(tag) is None:
        raise Unreadable(f"its {name} names an image {shown(tag)}, which is no valid name with a tag")
    return tag


def _listed(item: dict[str, Any]) -> Listed:
    documents.fields(item, _ITEM_FIELDS, _LISTED)
    tags = documents.texts(item.get("RepoTags"), _LISTED)
    for tag in tags:
        check_tag(tag, _LISTED)
    layers = tuple(_entry_name(layer) for layer in documents.texts(item.get("Layers"), _LISTED))
    return Listed(_entry_name(documents.text(item.get("Config"), _LISTED)), layers, tags)


def _entry_name(name: str) -> str:
    cleaned = clean_name(name)
    if not cleaned:
        raise Unreadable(f"its {_LISTED} lists an image without the names of its parts")
    return cleaned


class _Layout:
    """A walk from index.json to the manifests."""

    def __init__(self, contents: Contents, listed: frozenset[str]) -> None:
        self._contents = contents
        self._listed = listed
        self._descriptors = 0
        self._layers = 0
        self._bodies: dict[str, Mapping[str, Any]] = {}

    def images(self, index: Any) -> Iterator[Manifest]:
        """Yield the images, each once, in the index's order."""
        names: dict[str, list[str]] = {}
        tops: dict[str, Descriptor] = {}
        for item in documents.objects(documents.fields(index, _MANIFEST_FIELDS, INDEX).get("manifests"), INDEX):
            top = _descriptor(item, INDEX)
            if _SUBJECT in top.annotations:
                continue
            # Every tag of an image has a descriptor of its own.
            tops.setdefault(top.digest, top)
            names.setdefault(top.digest, []).extend(_names(top))
        for top in tops.values():
            yield from self._under(top, tuple(dict.fromkeys(names[top.digest])))

    def _under(self, top: Descriptor, names: tuple[str, ...]) -> Iterator[Manifest]:
        body = self._body(top)
        is_index = "manifests" in body if body else top.media_type in _INDEX_TYPES
        index = top.digest if is_index else None
        found: dict[str | None, Manifest] = {}
        absent: list[str] = []
        for descriptor in self._leaves(top, absent, _MAX_DEPTH):
            manifest = self._manifest(descriptor, index, names)
            if manifest is None:
                continue
            if index and not self._is_there(manifest):
                absent.extend(_parts(manifest))
            else:
                found[manifest.digest] = manifest
        yield from found.values()
        if absent and not found:
            missing = tuple(dict.fromkeys(absent))
            yield Manifest(None if is_index else top.digest, index, names, top.platform, missing=missing)

    def _leaves(self, descriptor: Descriptor, absent: list[str], depth: int) -> Iterator[Descriptor]:
        """Yield the manifests at and below a descriptor, and add the missing blobs to absent."""
        self._descriptors += 1
        if self._descriptors > _MAX_DESCRIPTORS or not depth:
            raise Unreadable("its indexes name too many manifests")
        if _is_attestation(descriptor):
            return
        body = self._body(descriptor)
        if body is None:
            absent.append(descriptor.blob)
        elif "manifests" in body:
            for item in documents.objects(body["manifests"], descriptor.blob):
                yield from self._leaves(_descriptor(item, descriptor.blob), absent, depth - 1)
        else:
            yield descriptor

    def _manifest(self, found: Descriptor, index: str | None, names: tuple[str, ...]) -> Manifest | None:
        body = self._body(found) or {}
        if "config" not in body:
            # An artifact manifest, as in image-spec 1.1 before its release.
            return None
        config = _descriptor(body.get("config"), found.blob)
        if config.media_type not in _CONFIG_TYPES:
            return None
        items = documents.objects(body.get("layers"), found.blob)
        # Many indexes may list the same manifest.
        self._layers += len(items)
        if self._layers > MAX_ENTRIES:
            raise Unreadable(f"its manifests name more than {MAX_ENTRIES} layers")
        layers = tuple(_descriptor(item, found.blob) for item in items)
        if config.digest not in self._listed and layers and all(map(_is_no_layer, layers)):
            return None
        for part in (config, *layers):
            self._check_size(part)
        return Manifest(found.digest, index, names, found.platform, config, layers)

    def _is_there(self, manifest: Manifest) -> bool:
        """Return whether this platform of an index was saved.

        containerd writes all manifests of an index that it has, and no part of an image that isn't whole
        (core/images/archive/exporter.go, WithSkipMissing). This is right for a platform that was never pulled. But an
        image that manifest.json lists should be there.
        """
        listed = manifest.config is not None and manifest.config.digest in self._listed
        return listed or any(part in self._contents.files for part in _parts(manifest))

    def _body(self, descriptor: Descriptor) -> Mapping[str, Any] | None:
        """Return the manifest or index that a descriptor points at; None if it isn't there."""
        if descriptor.digest not in self._bodies:
            data = self._contents.document(descriptor.blob)
            if data is None:
                return None
            digests.check_digest(data, descriptor.digest, descriptor.blob)
            body = documents.fields(documents.parsed(data, descriptor.blob), _MANIFEST_FIELDS, descriptor.blob)
            if "manifests" in body and ("config" in body or "layers" in body):
                # A document that is both would be different images for different engines (CVE-2021-41190).
                raise Unreadable(f"its {shown(descriptor.blob)} must be either a manifest or an index")
            _check_types(body, descriptor)
            self._bodies[descriptor.digest] = body
        return self._bodies[descriptor.digest]

    def _check_size(self, part: Descriptor) -> None:
        entry = self._contents.files.get(part.blob)
        if entry and part.size is not None and entry.size != part.size:
            raise Unreadable(f"its {part.blob} has {entry.size} bytes, but a manifest says {part.size}")


def _check_types(body: Mapping[str, Any], descriptor: Descriptor) -> None:
    """Raise Unreadable for a manifest with the media type of an index, or the reverse: containerd trusts that type."""
    wrong = _MANIFEST_TYPES if "manifests" in body else _INDEX_TYPES
    if descriptor.media_type in wrong or documents.text(body.get("mediaType"), descriptor.blob) in wrong:
        raise Unreadable(f"its {shown(descriptor.blob)} has the wrong media type")


def _descriptor(item: Any, name: str) -> Descriptor:
    item = documents.fields(item, _DESCRIPTOR_FIELDS, name)
    size = item.get("size")
    return Descriptor(
        documents.digest(item.get("digest"), name),
        size if isinstance(size, int) and size >= 0 else None,
        documents.text(item.get("mediaType"), name),
        documents.fields(documents.mapping(item.get("platform"), name), _PLATFORM_FIELDS, name),
        documents.mapping(item.get("annotations"), name),
    )


def _is_no_layer(part: Descriptor) -> bool:
    """Return whether a blob is certainly no layer: signatures have an image's config (cosign, SIGNATURE_SPEC.md)."""
    return bool(part.media_type) and not part.media_type.startswith(_LAYER_TYPES)


def _parts(manifest: Manifest) -> tuple[str, ...]:
    config = (manifest.config.blob,) if manifest.config else ()
    return (*config, *(layer.blob for layer in manifest.layers if layer.distributed))


def _is_attestation(descriptor: Descriptor) -> bool:
    platform = descriptor.platform
    unknown = platform.get("os") == "unknown" and platform.get("architecture") == "unknown"
    return unknown or _REFERENCE_TYPE in descriptor.annotations


def _names(descriptor: Descriptor) -> Iterator[str]:
    """Yield the full name of an image in index.json, if it has one.

    The reference name may be a tag alone (image-spec, annotations.md). containerd takes it for a full name if it has
    one of the characters /:@ (core/images/archive/reference.go, refTranslator).
    """
    name = descriptor.annotations.get(_FULL_NAME)
    if not name:
        name = descriptor.annotations.get(_REF_NAME)
        name = name if isinstance(name, str) and any(mark in name for mark in "/:@") else None
    if isinstance(name, str) and normal(name) is not None:
        yield name
