# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Thin archives for a host: the documents of an archive, with none or some of its layers.

A host that reads one finds the same images as in the archive itself. The documents are those that were read, byte for
byte. Only manifest.json is written anew, as layers get the names of their digests.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from itertools import chain
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._archive.artifacts import artifacts_of, blobs_below
from ansible_collections.gantry.docker.plugins.module_utils._archive.compression import HEAD, detect
from ansible_collections.gantry.docker.plugins.module_utils._archive.contents import THIN
from ansible_collections.gantry.docker.plugins.module_utils._archive.digests import blob_digest
from ansible_collections.gantry.docker.plugins.module_utils._archive.documents import object_of, objects, parsed
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchivedLayer, ArchiveIndex
from ansible_collections.gantry.docker.plugins.module_utils._archive.manifests import REPOSITORIES
from ansible_collections.gantry.docker.plugins.module_utils._archive.tar import Entry, StreamSource, Tar
from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import (
    Part,
    config_name,
    document_parts,
    layer_name,
)
from ansible_collections.gantry.docker.plugins.module_utils._errors import Unreadable
from ansible_collections.gantry.docker.plugins.module_utils._image.identity import canonical

_LISTED = "manifest.json"

Data = Callable[[Entry], Iterator[bytes]]


def document_archive(index: ArchiveIndex) -> Iterator[Part]:
    """Yield the parts of an archive that holds the documents of another one, and leaves out all layers."""
    yield from _documents(index, ())


def thin_archive(index: ArchiveIndex, names: Collection[str], data: Data) -> Iterator[Part]:
    """Yield the parts of an archive that holds the documents of another one, and some of its layers.

    index: the content of the other archive. names: the layers, as a document archive calls them. data: returns the
    content of an entry of the other archive. Attestations come along, as they belong to no image that could tell which
    of them a host has. Raise Unreadable.
    """
    kept = {layer.entry: name for name, layer in _layers(index).items() if name in names and layer.present}
    no_attestations = _no_attestations(index)
    kept.update((name, name) for name in index.entries if blob_digest(name) and name not in no_attestations)
    # The order of the other archive is the quickest to read.
    for entry in sorted(kept, key=lambda entry: index.entries[entry].start):
        yield _file(kept[entry], index.entries[entry].size, data(index.entries[entry]))
    yield from _documents(index, names)


def thin_archive_of_stream(documents: ArchiveIndex, names: Collection[str], pieces: Iterator[bytes]) -> Iterator[Part]:
    """Do the same as thin_archive for an archive that comes once, in pieces, and has blobs.

    documents: the content of its document archive, as what describes the layers may come after them. Raise Unreadable
    also if the archive lacks one of the layers.
    """
    index = _described(documents)
    lacking, unwanted = set(names), _no_attestations(index) - set(names)
    source = StreamSource(pieces)
    for member in Tar(source):
        if member.link is None and blob_digest(member.name) and member.name not in unwanted:
            lacking.discard(member.name)
            yield _file(member.name, member.entry.size, member.entry.content(source.pieces))
    source.drain()
    if lacking:
        raise Unreadable(f"it lacks {', '.join(sorted(lacking))}, unlike a moment ago", "Try again")
    yield from _documents(index, names)


def _file(name: str, size: int, content: Iterator[bytes]) -> Part:
    head = b""
    while len(head) < HEAD and (piece := next(content, b"")):
        head += piece
    return Part(name, size, partial(chain, (head,), content), detect(head[:HEAD]) != "none")


def held_layers(documents: ArchiveIndex) -> dict[str, int]:
    """Return the sizes of the layers that an archive holds, by their names, from its document archive."""
    if THIN not in documents.documents:
        return {}
    rows = objects(object_of(parsed(documents.documents[THIN], THIN), THIN).get("left_out"), THIN)
    return {row["entry"]: row["size"] for row in rows if row.get("size") is not None}


def _described(documents: ArchiveIndex) -> ArchiveIndex:
    """Return the index of an archive from its document archive. The places of its entries aren't known."""
    held = held_layers(documents)

    def layer_of(layer: ArchivedLayer) -> ArchivedLayer:
        size = held.get(layer.entry)
        return layer if size is None else layer._replace(size=size, present=True)

    return documents._replace(
        images=tuple(image._replace(layers=tuple(map(layer_of, image.layers))) for image in documents.images),
        left_out={entry: diff_id for entry, diff_id in documents.left_out.items() if entry not in held},
    )


def _documents(index: ArchiveIndex, names: Collection[str]) -> Iterator[Part]:
    """Yield the documents, with a mark for the layers that aren't among these.

    In the mark, a layer that the archive itself leaves out has no size.
    """
    documents = {name: data for name, data in index.documents.items() if name not in (_LISTED, REPOSITORIES, THIN)}
    if index.format != "oci":
        documents = {_config_names(index).get(name, name): data for name, data in documents.items()}
        documents[_LISTED] = canonical(_listed(index)).encode()
    left_out = [
        {"diff_id": layer.diff_id, "entry": name, "size": layer.size if layer.present else None}
        for name, layer in sorted(_layers(index).items())
        if not (name in names and layer.present) and (layer.present or layer.entry in index.left_out)
    ]
    if left_out:
        documents[THIN] = canonical({"left_out": left_out, "version": 1}).encode()
    yield from document_parts(documents)


def _layers(index: ArchiveIndex) -> dict[str, ArchivedLayer]:
    """Return the layers of all images whose configs are there, by their names in a document archive.

    A hostile archive may name one of its documents as a layer, which is sent as a document.
    """
    layers = (layer for image in index.images for layer in image.layers)
    return {layer_name(layer): layer for layer in layers if layer.diff_id and layer.entry not in index.documents}


def _config_names(index: ArchiveIndex) -> dict[str, str]:
    return {image.config_entry: config_name(image) for image in index.images if image.config_entry}


def _listed(index: ArchiveIndex) -> list[dict[str, Any]]:
    """Return manifest.json, with each pair of a config and its layers once, as the archive has it."""
    tags: dict[tuple[str, ...], list[str]] = {}
    configs = _config_names(index)
    for image in index.images:
        if image.listed:
            layers = (layer_name(layer) if layer.diff_id else layer.entry for layer in image.layers)
            config = configs.get(image.config_entry or "", image.config_entry or "")
            tags.setdefault((config, *layers), []).extend(image.tags)
    return [{"Config": config, "Layers": layers, "RepoTags": own} for (config, *layers), own in tags.items()]


def _no_attestations(index: ArchiveIndex) -> set[str]:
    """Return the names of documents, layers, and parts of artifacts. The other blobs are attestations."""
    tops = {digest for image in index.images for digest in (image.index_digest, image.manifest_digest) if digest}
    images = blobs_below(index, tops)
    others = blobs_below(index, [artifact.digest for artifact in artifacts_of(index)]) - images
    return {*others, *index.documents, *(layer.entry for image in index.images for layer in image.layers)}
