# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The contents of an archive that comes as a stream, only once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from ansible_collections.gantry.docker.plugins.module_utils._archive.compression import HEAD, detect
from ansible_collections.gantry.docker.plugins.module_utils._archive.contents import MAX_DOCUMENT, Contents
from ansible_collections.gantry.docker.plugins.module_utils._archive.decompression import (
    Rejoined,
    read_exactly,
    unpacked,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.digests import algorithm_of, blob_digest
from ansible_collections.gantry.docker.plugins.module_utils._archive.tar import Bounds, Member, StreamSource, shown
from ansible_collections.gantry.docker.plugins.module_utils._errors import Unreadable

# The most bytes of documents that are kept while an archive is read.
MAX_KEPT = 32 << 20


class StreamedContents(Contents):
    """The contents of an archive that comes once. As manifests come last, all possible documents are kept until then.

    hashes: whether to hash all files. digests: then, by name, the digest of the file's content and, if it is compressed
    and no blob of an OCI layout, the digest of its unpacked content ("" if it is damaged).
    """

    def __init__(self, source: StreamSource, bounds: Bounds | None = None, hashes: bool = False) -> None:
        super().__init__(bounds)
        self.digests: dict[str, tuple[str, ...]] = {}
        self._kept: dict[str, bytes] = {}
        self._kept_size = 0
        self._source = source
        self._hashes = hashes
        self._walk(source, self._visit)
        source.drain()

    def of_layers(self, files: Iterable[str]) -> dict[str, str | None]:
        """Return the digests of files as layers; None for a compressed one."""
        return {name: None if self.digests[name][1:] else self.digests[name][0] for name in files}

    def _visit(self, member: Member) -> None:
        self._drop(member.name)
        self.digests.pop(member.name, None)
        if member.link is not None:
            return
        size = member.entry.size
        content = StreamSource(member.entry.content(self._source.pieces))
        data = _Data(content, size, _algorithm(member.name) if self._hashes else None)
        head = read_exactly(data, HEAD)
        # A layer has zero bytes, and JSON has none.
        if size <= min(MAX_DOCUMENT, self.bounds.document) and b"\0" not in head:
            head += read_exactly(data, size - len(head))
            if b"\0" not in head:
                self._keep(member.name, head)
        if self._hashes:
            of_layer = _unpacked_digest(head, data) if blob_digest(member.name) is None else ()
            self.digests[member.name] = (data.digest(), *of_layer)

    def _keep(self, name: str, document: bytes) -> None:
        self._kept[name] = document
        self._kept_size += len(document)
        most = min(MAX_KEPT, self.bounds.documents)
        if self._kept_size > most:
            # The largest documents don't describe images: they are bills of materials (attestations).
            for largest in sorted(self._kept, key=lambda kept: -len(self._kept[kept])):
                if self._kept_size > most * 3 // 4:
                    self._drop(largest)

    def _drop(self, name: str) -> None:
        self._kept_size -= len(self._kept.pop(name, b""))

    def _read(self, file: str) -> bytes:
        if file not in self._kept:
            raise Unreadable(
                f"its document {shown(file)} is no JSON, or too large for a compressed archive",
                "Decompress the archive, or make it again",
            )
        return self._kept[file]


class _Data:
    """A file's data in an archive, hashed while it is read."""

    def __init__(self, source: StreamSource, size: int, algorithm: str | None) -> None:
        self._source = source
        self._left = size
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm) if algorithm else None

    def read(self, size: int, /) -> bytes:
        piece = self._source.read(min(size, self._left))
        self._left -= len(piece)
        if self._hash:
            self._hash.update(piece)
        return piece

    def digest(self) -> str:
        """Read the rest of the data, and return the digest of all data."""
        for piece in self._source.pieces(self._left):
            if self._hash:
                self._hash.update(piece)
        self._left = 0
        return f"{self._algorithm}:{self._hash.hexdigest() if self._hash else ''}"


def _algorithm(name: str) -> str:
    digest = blob_digest(name)
    return algorithm_of(digest) if digest else "sha256"


def _unpacked_digest(head: bytes, data: _Data) -> tuple[str, ...]:
    """Return the digest of the unpacked content, if a file is compressed: engines accept such layers in any layout."""
    compression = detect(head)
    if compression == "none":
        return ()
    content = hashlib.sha256()
    try:
        for piece in unpacked(Rejoined(head, data), compression):
            content.update(piece)
    except Unreadable:
        # If it is a layer, the comparison of digests reports the damage.
        return ("",)
    return (f"sha256:{content.hexdigest()}",)
