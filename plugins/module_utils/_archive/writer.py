# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Archives in the making: the parts they are put together from, always in the same way.

Of the same images two archives have the same bytes: entries come in the order of their names, then the documents
that say what is in them; times, owners and modes are fixed, directories are left out, and lists whose order means
nothing are sorted. Engines write random orders (of several images in manifest.json) and times of the day.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.artifacts import artifacts_of, blobs_below
from ansible_collections.gantry.docker.plugins.module_utils._archive.contents import MAX_DOCUMENT, THIN
from ansible_collections.gantry.docker.plugins.module_utils._archive.digests import blob_digest, blob_name, digits_of
from ansible_collections.gantry.docker.plugins.module_utils._archive.documents import object_of, objects, parsed, texts
from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import ArchivedGroup
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
# The first of each is what an OCI layout has where nothing else is said (image-spec, manifest.md and image-index.md).
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
    """The entries of an archive can't be taken as they come: all have to be known before the first is written."""


class Head(bytes):
    """The header of an entry: a place where a reader may begin."""


class Part(NamedTuple):
    """A file to be put into an archive. data: its bytes, to be taken once and before the next part."""

    name: str
    size: int
    data: Callable[[], Iterator[bytes]]


def assembled(parts: Iterable[Part]) -> Iterator[bytes]:
    """The bytes of an archive with these files; each begins with a Head."""
    for part in parts:
        yield _head(part.name, part.size)
        yield from part.data()
        if part.size % BLOCK:
            yield bytes(-part.size % BLOCK)
    yield _END


def assembled_size(parts: Iterable[Part]) -> int:
    """The number of bytes of an archive with these files."""
    return sum(len(_head(part.name, part.size)) + part.size + -part.size % BLOCK for part in parts) + len(_END)


def parts_of_stream(pieces: Iterator[bytes]) -> Iterator[Part]:
    """The parts of an archive in canonical form, from an archive that comes once, as an engine writes it.

    Raises OutOfOrder if the entries don't come in the order of their names, or some are links: then take parts_of.
    (Since 25 engines sort them: moby walks a directory, image/tarexport/save.go, and containerd sorts by name,
    core/images/archive/exporter.go.) Raises Unreadable for what is no archive.
    """
    source = StreamSource(pieces)
    documents: dict[str, bytes] = {}
    last = ""
    for member in Tar(source):
        if member.link is not None or member.name <= last:
            raise OutOfOrder(f"The entry {shown(member.name)} is a link, or comes too late.")
        if member.name in _DOCUMENTS:
            documents[member.name] = _canonical_document(member, source)
        else:
            last = member.name
            yield Part(member.name, member.entry.size, partial(member.entry.content, source.pieces))
    source.drain()
    yield from _document_parts(documents)


def parts_of(
    index: ArchiveIndex,
    images: Sequence[ArchivedImage],
    left_out: frozenset[str],
    data: Callable[[Entry], Iterator[bytes]],
) -> Iterator[Part]:
    """The parts of an archive that holds some images of another one.

    index: what is in the other archive. images: those of its images that the new one shall have, under the tags
    they have here. left_out: the entries of layers that it shall not have; it is marked as thin then.
    data: gives the content of an entry of the other archive.
    """
    legacy = _LAYOUT not in index.documents
    # Engines give layers of the legacy layout names that are random where images share one (moby,
    # image/tarexport/save.go, saveLayer); they get such as Podman gives them.
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
    yield from _document_parts({name: canonical(value).encode() for name, value in documents.items()})


def parts_to_load(
    index: ArchiveIndex,
    groups: Sequence[ArchivedGroup],
    left_out: frozenset[str],
    data: Callable[[Entry], Iterator[bytes]],
) -> Iterator[Part]:
    """The parts of an archive for an engine: what was read of another one, so that the engine can't read it otherwise.

    The documents that name images are made anew. Manifests, indexes and configs are the bytes that were read. The rest
    is layers and attestations, which engines check by their digests, and which have the names of these.

    index: what is in the other archive. groups: its images to send, under the tags that they have here; they must be
    complete. left_out: the entries of layers that are not to be sent.
    data: gives the content of an entry of the other archive.
    Raises Unreadable.
    """
    images = [image for group in groups for image in group.images]
    names = {layer.entry: _layer_name(layer) for image in images for layer in image.layers}
    names.update((image.config_entry, _config_name(image)) for image in images if image.config_entry)
    documents: dict[str, Any] = {_LISTED: [_item(group.image._replace(tags=group.tags), names) for group in groups]}
    wanted = _files(images)
    if any(image.manifest_digest for image in images):
        documents[_INDEX] = {"schemaVersion": 2, "mediaType": _INDEX_TYPES[0], "manifests": _named(index, groups)}
        documents[_LAYOUT] = {"imageLayoutVersion": "1.0.0"}
        tops = [image.index_digest or image.manifest_digest or "" for image in images]
        others = blobs_below(index, [artifact.digest for artifact in artifacts_of(index)]) - blobs_below(index, tops)
        wanted |= _blobs(index, images) - others
    # As they lie, which is quickest to read.
    there = [name for name in wanted - left_out if name in index.entries]
    entries = {names.get(name, name): name for name in sorted(there, key=lambda name: index.entries[name].start)}
    for name, entry in entries.items():
        document = index.documents.get(entry)
        if document is None:
            yield Part(name, index.entries[entry].size, partial(data, index.entries[entry]))
        else:
            yield from _document_parts({name: document})
    yield from _document_parts({name: canonical(value).encode() for name, value in documents.items()})


def _head(name: str, size: int) -> Head:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return Head(member.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict"))


def _document_parts(documents: Mapping[str, bytes]) -> Iterator[Part]:
    for name in sorted(documents):
        yield Part(name, len(documents[name]), partial(iter, [documents[name]]))


def _canonical_document(member: Member, source: StreamSource) -> bytes:
    name, size = member.name, member.entry.size
    if size > MAX_DOCUMENT:
        raise Unreadable(f"its description of images in {shown(name)} is too large ({size} bytes)")
    value = parsed(b"".join(member.entry.content(source.pieces)), name)
    if name == _LISTED:
        value = _sorted_items(objects(value, name))
    elif name == _INDEX:
        value = {**object_of(value, name), "manifests": sorted(value.get("manifests") or [], key=canonical)}
    return canonical(value).encode()


def _sorted_items(items: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """manifest.json in an order that doesn't depend on chance."""
    sorted_tags = ({**item, "RepoTags": sorted(texts(item.get("RepoTags"), _LISTED)) or None} for item in items)
    return sorted(sorted_tags, key=canonical)


def _item(image: ArchivedImage, names: Mapping[str, str]) -> dict[str, Any]:
    layers = [names[layer.entry] for layer in image.layers]
    config = names.get(image.config_entry or "", image.config_entry)
    return {"Config": config, "RepoTags": list(image.tags), "Layers": layers}


def _layer_name(layer: ArchivedLayer) -> str:
    return layer.entry if layer.digest else f"{digits_of(layer.diff_id or '')}.tar"


def _config_name(image: ArchivedImage) -> str:
    entry = image.config_entry or ""
    return entry if blob_digest(entry) else f"{digits_of(image.config_digest or '')}.json"


def _named(index: ArchiveIndex, groups: Iterable[ArchivedGroup]) -> list[dict[str, Any]]:
    """What index.json says of these images: what they are, from what was read of them, and their full names."""
    items = []
    for group in groups:
        digest = group.image.index_digest or group.image.manifest_digest
        if digest:
            descriptor = _described(index, digest)
            items += [{**descriptor, "annotations": _annotations(tag)} for tag in group.tags] or [descriptor]
    return items


def _annotations(tag: ListedName) -> dict[str, str]:
    """A name as containerd keeps it: it takes any other for what it is, and the engine can't find that."""
    return {_FULL_NAME: normal(tag) or tag, _REF_NAME: tag.tag}


def _described(index: ArchiveIndex, digest: str) -> dict[str, Any]:
    """The descriptor of a manifest or index: containerd goes by its media type, which is that of the content here."""
    name = blob_name(digest)
    data = index.documents[name]
    body = object_of(parsed(data, name), name)
    types = _INDEX_TYPES if "manifests" in body else _MANIFEST_TYPES
    kind = body.get("mediaType")
    return {"mediaType": kind if kind in types else types[0], "digest": digest, "size": len(data)}


def _selected(index: ArchiveIndex, images: Sequence[ArchivedImage]) -> dict[str, Any]:
    """The index.json with no other images than these, and under no other names."""
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
    """The entries that images are made of."""
    files = {layer.entry for image in images for layer in image.layers}
    files.update(image.config_entry for image in images if image.config_entry)
    digests = {digest for image in images for digest in (image.index_digest, image.manifest_digest) if digest}
    return files | {blob_name(digest) for digest in digests}


def _blobs(index: ArchiveIndex, images: Sequence[ArchivedImage]) -> set[str]:
    """The blobs of an OCI layout but for those of other images; attestations belong to none, and stay."""
    chosen = {image.manifest_digest or image.config_digest for image in images}
    others = [image for image in index.images if (image.manifest_digest or image.config_digest) not in chosen]
    return {name for name in index.entries if blob_digest(name)} - (_files(others) - _files(images))


def _thin_mark(images: Sequence[ArchivedImage], names: Mapping[str, str], left_out: frozenset[str]) -> dict[str, Any]:
    layers = {layer.entry: layer for image in images for layer in image.layers if layer.entry in left_out}
    rows = [
        {"entry": names[entry], "diff_id": layer.diff_id, "size": layer.size} for entry, layer in sorted(layers.items())
    ]
    return {"version": 1, "left_out": rows}
