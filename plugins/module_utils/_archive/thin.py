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
from ansible_collections.gantry.docker.plugins.module_utils._archive.tar import Entry
from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import (
    Part,
    config_name,
    document_parts,
    layer_name,
)
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
    layers = _layers(index)
    kept = {layer.entry: name for name, layer in layers.items() if name in names and layer.present}
    kept.update((name, name) for name in _attestations(index))
    # The order of the other archive is the quickest to read.
    for entry in sorted(kept, key=lambda entry: index.entries[entry].start):
        content = data(index.entries[entry])
        head = next(content, b"")
        packed = detect(head[:HEAD]) != "none"
        yield Part(kept[entry], index.entries[entry].size, partial(chain, (head,), content), packed)
    yield from _documents(index, names)


def held_layers(documents: ArchiveIndex) -> dict[str, int]:
    """Return the sizes of the layers that an archive holds, by their names, from its document archive."""
    if THIN not in documents.documents:
        return {}
    rows = objects(object_of(parsed(documents.documents[THIN], THIN), THIN).get("left_out"), THIN)
    return {row["entry"]: row["size"] for row in rows if row.get("size") is not None}


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


def _attestations(index: ArchiveIndex) -> set[str]:
    """Return the names of blobs that are neither documents nor layers, nor parts of artifacts."""
    tops = {digest for image in index.images for digest in (image.index_digest, image.manifest_digest) if digest}
    images = blobs_below(index, tops)
    others = blobs_below(index, [artifact.digest for artifact in artifacts_of(index)]) - images
    layers = {layer.entry for image in index.images for layer in image.layers}
    return {name for name in index.entries if blob_digest(name)} - others - layers - set(index.documents)
