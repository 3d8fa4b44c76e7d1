# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The writing of archives in canonical form.

Two archives of the same images have the same bytes: the entries are in the order of their names, with the documents
that describe the images at the end; times, owners and modes are fixed, directories are left out, and lists whose order
means nothing are sorted. Engines write some lists in random order (images in manifest.json), and the time of day.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.artifacts import artifacts_of, blobs_below
from ansible_collections.gantry.docker.plugins.module_utils._archive.contents import MAX_DOCUMENT, THIN
from ansible_collections.gantry.docker.plugins.module_utils._archive.digests import blob_digest, blob_name, digits_of
from ansible_collections.gantry.docker.plugins.module_utils._archive.documents import object_of, objects, parsed, texts
from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import ArchivedGroup, has_layout
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import (
    ArchivedImage,
    ArchivedLayer,
    ArchiveIndex,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.manifests import (
    REPOSITORIES,
    described_names,
    normal,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.tar import (
    BLOCK,
    Entry,
    Member,
    StreamSource,
    Tar,
    shown,
)
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, Unreadable
from ansible_collections.gantry.docker.plugins.module_utils._image.identity import canonical
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ListedName

_INDEX, _LISTED, _LAYOUT = "index.json", "manifest.json", "oci-layout"
_DOCUMENTS = (_INDEX, _LISTED, _LAYOUT, REPOSITORIES, THIN)
_END = bytes(2 * BLOCK)
# What is in the legacy layout for Docker before 1.10.
_FOR_ANCIENT = re.compile(r"[0-9a-f]{64}/(?:VERSION|json)")
# The first of each is the default of an OCI layout (image-spec, manifest.md and image-index.md).
_INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
# containerd, core/images/annotations.go, and image-spec, annotations.md
_FULL_NAME = "io.containerd.image.name"
_REF_NAME = "org.opencontainers.image.ref.name"


class OutOfOrder(GantryError):
    """An error: the entries of an archive can't be written in the order in which they come."""


class Head(bytes):
    """The header of an entry: a place where a reader may begin. packed: as in Part."""

    packed = False


class Part(NamedTuple):
    """A file for an archive.

    data: a function that returns its bytes, to be called once and before the next part. packed: whether these are
    compressed already.
    """

    name: str
    size: int
    data: Callable[[], Iterator[bytes]]
    packed: bool = False


def assembled(parts: Iterable[Part]) -> Iterator[bytes]:
    """Yield the bytes of an archive with these files; each file begins with a Head."""
    for part in parts:
        head = _head(part.name, part.size)
        head.packed = part.packed
        yield head
        yield from part.data()
        if part.size % BLOCK:
            yield bytes(-part.size % BLOCK)
    yield _END


def assembled_size(parts: Iterable[Part]) -> int:
    """Return the size of an archive with these files."""
    return sum(len(_head(part.name, part.size)) + part.size + -part.size % BLOCK for part in parts) + len(_END)


def parts_of_stream(pieces: Iterator[bytes]) -> Iterator[Part]:
    """Yield the parts of an archive in canonical form, from an archive as an engine writes it, which comes once.

    Raise OutOfOrder if the entries aren't in the order of their names, or if some are links: then use parts_of. Engines
    sort entries: moby walks a directory (image/tarexport/save.go), and containerd sorts by name
    (core/images/archive/exporter.go). Raise Unreadable if it is no archive.
    """
    source = StreamSource(pieces)
    documents: dict[str, bytes] = {}
    last = ""
    for member in Tar(source):
        if member.link is not None or member.name <= last:
            raise OutOfOrder(f"The entry {shown(member.name)} is a link, or comes too late.")
        if member.name in _DOCUMENTS:
            documents[member.name] = _canonical_document(member, source)
        elif not _FOR_ANCIENT.fullmatch(member.name):
            last = member.name
            yield Part(member.name, member.entry.size, partial(member.entry.content, source.pieces))
    source.drain()
    if _LAYOUT not in documents:
        documents.pop(REPOSITORIES, None)
    yield from document_parts(documents)


def parts_of(
    index: ArchiveIndex,
    images: Sequence[ArchivedImage],
    left_out: frozenset[str],
    data: Callable[[Entry], Iterator[bytes]],
) -> Iterator[Part]:
    """Yield the parts of an archive with some images of another one.

    index: of the other archive. images: the images for the new one, with their new tags. left_out: the entries of
    layers to leave out, which makes it a thin archive. data: a function that returns the content of an entry of the
    other archive.
    """
    legacy = _LAYOUT not in index.documents
    # In the legacy layout, engines give a layer that images share a random name (moby, image/tarexport/save.go,
    # saveLayer). Here layers are named as by Podman.
    names = {
        layer.entry: f"{digits_of(layer.diff_id)}.tar" if legacy and layer.diff_id else layer.entry
        for image in images
        for layer in image.layers
    }
    documents: dict[str, Any] = {_LISTED: _sorted_items([_item(image, names) for image in images])}
    if not legacy:
        documents[_INDEX] = _selected(index, images)
        documents[_LAYOUT] = json.loads(index.documents[_LAYOUT])
    if left_out:
        documents[THIN] = _thin_mark(images, names, left_out)
    wanted = (_files(images) if legacy else _blobs(index, images)) - left_out
    entries = {names.get(name, name): index.entries[name] for name in wanted if name in index.entries}
    for name in sorted(entries):
        yield Part(name, entries[name].size, partial(data, entries[name]))
    yield from document_parts({name: canonical(value).encode() for name, value in documents.items()})


def parts_to_load(
    index: ArchiveIndex,
    groups: Sequence[ArchivedGroup],
    left_out: frozenset[str],
    data: Callable[[Entry], Iterator[bytes]],
) -> Iterator[Part]:
    """Yield the parts of an archive for an engine, with some images of another one; raise Unreadable.

    The engine can't read them in another way than they were read here: the documents that name images are new ones;
    manifests, indexes and configs are the bytes that were read. The rest is layers and attestations, which are named by
    their digests, and which engines verify.

    index: of the other archive. groups: the images to send, with their new tags; they must be whole. left_out: the
    entries of layers to leave out. data: a function that returns the content of an entry of the other archive.
    """
    images = [image for group in groups for image in group.images]
    names = {layer.entry: layer_name(layer) for image in images for layer in image.layers}
    names.update((image.config_entry, config_name(image)) for image in images if image.config_entry)
    documents: dict[str, Any] = {_LISTED: [_item(group.image._replace(tags=group.tags), names) for group in groups]}
    wanted = _files(images)
    if has_layout(images):
        documents[_INDEX] = {"schemaVersion": 2, "mediaType": _INDEX_TYPES[0], "manifests": _named(index, groups)}
        documents[_LAYOUT] = {"imageLayoutVersion": "1.0.0"}
        tops = [image.index_digest or image.manifest_digest or "" for image in images]
        others = blobs_below(index, [artifact.digest for artifact in artifacts_of(index)]) - blobs_below(index, tops)
        wanted |= _blobs(index, images) - others
    # In the order of the other archive, which is the fastest to read.
    there = [name for name in wanted - left_out if name in index.entries]
    entries = {names.get(name, name): name for name in sorted(there, key=lambda name: index.entries[name].start)}
    for name, entry in entries.items():
        document = index.documents.get(entry)
        if document is None:
            yield Part(name, index.entries[entry].size, partial(data, index.entries[entry]))
        else:
            yield from document_parts({name: document})
    yield from document_parts({name: canonical(value).encode() for name, value in documents.items()})


def _head(name: str, size: int) -> Head:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return Head(member.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict"))


def document_parts(documents: Mapping[str, bytes]) -> Iterator[Part]:
    """Yield the parts for documents, in the order of their names."""
    for name in sorted(documents):
        yield Part(name, len(documents[name]), partial(iter, [documents[name]]))


def _canonical_document(member: Member, source: StreamSource) -> bytes:
    name, size = member.name, member.entry.size
    if size > MAX_DOCUMENT:
        raise Unreadable(f"its document {shown(name)} is too large ({size} bytes)")
    value = parsed(b"".join(member.entry.content(source.pieces)), name)
    if name == _LISTED:
        value = _sorted_items(objects(value, name))
    elif name == _INDEX:
        value = {**object_of(value, name), "manifests": sorted(value.get("manifests") or [], key=canonical)}
    return canonical(value).encode()


def _sorted_items(items: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the content of manifest.json, sorted."""
    sorted_tags = ({**item, "RepoTags": sorted(texts(item.get("RepoTags"), _LISTED)) or None} for item in items)
    return sorted(sorted_tags, key=canonical)


def _item(image: ArchivedImage, names: Mapping[str, str]) -> dict[str, Any]:
    layers = [names[layer.entry] for layer in image.layers]
    config = names.get(image.config_entry or "", image.config_entry)
    return {"Config": config, "RepoTags": list(image.tags), "Layers": layers}


def layer_name(layer: ArchivedLayer) -> str:
    """Return the name that a layer has in an archive of ours: that of its digest or its DiffID."""
    return layer.entry if layer.digest else f"{digits_of(layer.diff_id or '')}.tar"


def config_name(image: ArchivedImage) -> str:
    """Return the name that the config of an image has in an archive of ours: that of its digest."""
    entry = image.config_entry or ""
    return entry if blob_digest(entry) else f"{digits_of(image.config_digest or '')}.json"


def _named(index: ArchiveIndex, groups: Iterable[ArchivedGroup]) -> list[dict[str, Any]]:
    """Return the descriptors of these images for index.json, with their full names."""
    items = []
    for group in groups:
        digest = group.image.index_digest or group.image.manifest_digest
        if digest:
            descriptor = _described(index, digest)
            items += [{**descriptor, "annotations": _annotations(tag)} for tag in group.tags] or [descriptor]
    return items


def _annotations(tag: ListedName) -> dict[str, str]:
    """Return the annotations for a name. containerd keeps a name in any form, but the engine finds only full names."""
    return {_FULL_NAME: normal(tag) or tag, _REF_NAME: tag.tag}


def _described(index: ArchiveIndex, digest: str) -> dict[str, Any]:
    """Return the descriptor of a manifest or index. containerd trusts the media type, so it is that of the content."""
    name = blob_name(digest)
    data = index.documents[name]
    body = object_of(parsed(data, name), name)
    types = _INDEX_TYPES if "manifests" in body else _MANIFEST_TYPES
    kind = body.get("mediaType")
    return {"mediaType": kind if kind in types else types[0], "digest": digest, "size": len(data)}


def _selected(index: ArchiveIndex, images: Sequence[ArchivedImage]) -> dict[str, Any]:
    """Return the index.json with these images and names alone."""
    digests = {digest for image in images for digest in (image.index_digest, image.manifest_digest)}
    tags = {normal(tag) for image in images for tag in image.tags}
    document = parsed(index.documents[_INDEX], _INDEX)
    kept = [
        item
        for item in objects(document.get("manifests"), _INDEX)
        if item.get("digest") in digests and all(normal(name) in tags for name in described_names(item))
    ]
    return {**document, "manifests": sorted(kept, key=canonical)}


def _files(images: Iterable[ArchivedImage]) -> set[str]:
    """Return the names of the entries of images."""
    files = {layer.entry for image in images for layer in image.layers}
    files.update(image.config_entry for image in images if image.config_entry)
    digests = {digest for image in images for digest in (image.index_digest, image.manifest_digest) if digest}
    return files | {blob_name(digest) for digest in digests}


def _blobs(index: ArchiveIndex, images: Sequence[ArchivedImage]) -> set[str]:
    """Return the blobs of an OCI layout without those of other images. Attestations belong to no image, and stay."""
    chosen = {image.manifest_digest or image.config_digest for image in images}
    others = [image for image in index.images if (image.manifest_digest or image.config_digest) not in chosen]
    return {name for name in index.entries if blob_digest(name)} - (_files(others) - _files(images))


def _thin_mark(images: Sequence[ArchivedImage], names: Mapping[str, str], left_out: frozenset[str]) -> dict[str, Any]:
    layers = {layer.entry: layer for image in images for layer in image.layers if layer.entry in left_out}
    rows = [
        {"entry": names[entry], "diff_id": layer.diff_id, "size": layer.size} for entry, layer in sorted(layers.items())
    ]
    return {"version": 1, "left_out": rows}
