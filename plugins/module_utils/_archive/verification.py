# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The verification of archives: they are read whole, and compared with their digests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from ansible_collections.gantry.docker.plugins.module_utils._archive.compression import HEAD, LEVELS
from ansible_collections.gantry.docker.plugins.module_utils._archive.decompression import (
    Reader,
    Rejoined,
    read_exactly,
    unpacked,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.digests import blob_digest
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import (
    ArchivedImage,
    ArchiveIndex,
    compression_of,
    index_of,
    opened,
    reading,
    unusable,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.streamed import StreamedContents
from ansible_collections.gantry.docker.plugins.module_utils._archive.tar import Bounds, StreamSource, shown
from ansible_collections.gantry.docker.plugins.module_utils._archive.trailing_index import (
    EmbeddedContents,
    read_embedded,
)
from ansible_collections.gantry.docker.plugins.module_utils._errors import Unreadable


def verify(path: str | os.PathLike[str]) -> ArchiveIndex:
    """Verify the archive at path, and return its index.

    Each blob of an OCI layout must have the digest in its name, and each layer of the legacy layout its DiffID. Missing
    files are no error; the index lists them. Raise ArchiveError as read_index does, and for content with another
    digest.
    """
    with opened(path) as file:
        return verify_of(file, os.fspath(path))


def verify_of(file: BinaryIO, path: str) -> ArchiveIndex:
    """Do the same as verify for an archive in a regular file that is open. path: for messages.

    If the file has a trailing index, that must be equal to the index of the content.
    """
    with reading(path):
        said = _embedded(file)
        file.seek(0)
        index = _verify(file, Bounds.of(os.fstat(file.fileno()).st_size))
        if said and not _same(said, index):
            raise Unreadable("its trailing index differs from its content")
        return index._replace(breaks=said.breaks) if said else index


def _embedded(file: BinaryIO) -> EmbeddedContents | None:
    file.seek(0)
    compression = compression_of(file.read(HEAD))
    return read_embedded(file, os.fstat(file.fileno()).st_size, compression) if compression in LEVELS else None


def _same(said: EmbeddedContents, index: ArchiveIndex) -> bool:
    """Return whether a trailing index has the entries, in their places, and the documents that the content has."""
    places = said.files == index.entries and said.end == index.end and not index.links
    return places and all(said.document(name) == data for name, data in index.documents.items())


def verify_pieces(pieces: Iterator[bytes], path: str) -> ArchiveIndex:
    """Do the same as verify for an uncompressed archive in pieces; raise other errors from the pieces unchanged."""
    try:
        return _verify_tar(StreamSource(pieces), "none")
    except Unreadable as error:
        raise unusable(path, error) from error


def _verify(stream: Reader, bounds: Bounds) -> ArchiveIndex:
    head = read_exactly(stream, HEAD)
    compression = compression_of(head)
    return _verify_tar(StreamSource(unpacked(Rejoined(head, stream), compression)), compression, bounds)


def _verify_tar(source: StreamSource, compression: str, bounds: Bounds | None = None) -> ArchiveIndex:
    contents = StreamedContents(source, bounds, hashes=True)
    index = index_of(contents, compression, contents.of_layers)
    for name, digests in contents.digests.items():
        claimed = blob_digest(name)
        if claimed and claimed not in digests:
            raise Unreadable(f"its {name} is damaged or was altered: it doesn't have the digest in its name")
    for image in index.images:
        _verify_layers(image, contents)
    return index


def _verify_layers(image: ArchivedImage, contents: StreamedContents) -> None:
    for layer in image.layers:
        if not layer.present or layer.digest is not None or layer.diff_id is None:
            # A blob was compared with its own digest. The engine compares the unpacked layer with the DiffID.
            continue
        if layer.diff_id not in contents.digests[layer.entry]:
            name = shown(layer.entry)
            raise Unreadable(f"its layer {name} is damaged or was altered: it doesn't have the DiffID {layer.diff_id}")
