# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The trailing index: the list of a compressed archive's content at its end, which is read without unpacking.

docs/archives.md describes its form. All other readers ignore it: in zstd it is in skippable frames (RFC 8878, 3.1.2),
in gzip in the extra fields of empty members (RFC 1952, 2.3.1.1). It is the last thing in the file. So a truncated
archive has no index, and is read up to its end.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from ansible_collections.gantry.docker.plugins.module_utils._archive.contents import Contents
from ansible_collections.gantry.docker.plugins.module_utils._archive.decompression import pieces_of
from ansible_collections.gantry.docker.plugins.module_utils._archive.digests import blob_digest, check_digest
from ansible_collections.gantry.docker.plugins.module_utils._archive.documents import (
    object_of,
    parsed,
    text,
    values,
    weight,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.tar import (
    BLOCK,
    MAX_UNPACKED,
    Bounds,
    Entry,
    clean_name,
)
from ansible_collections.gantry.docker.plugins.module_utils._errors import Unreadable

Breaks = Sequence[tuple[int, int]]

# The largest index that is read into memory: packed, and unpacked. That of a hundred images has a hundredth of this.
_MAX_SECTION = 16 << 20
_MAX_INDEX = 64 << 20

_MAGIC = b"gantryIX"
_FOOTER = struct.Struct("<8sQ")
_NAME = "trailing index"

_SKIPPABLE = 0x184D2A5D
_FRAME = struct.Struct("<II")

# RFC 1952, 2.3: the head of a member with an extra field, which has one subfield, ours; and an empty content.
_MEMBER = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff"
_EMPTY = b"\x03\0" + bytes(8)
_SUBFIELD = b"GD"
_MAX_SUBFIELD = 0xFFFF - 4


class EmbeddedContents(Contents):
    """The files and documents of an archive, from its trailing index. breaks: as in ArchiveIndex."""

    def __init__(self, value: Any, bounds: Bounds | None = None) -> None:
        super().__init__(bounds)
        index = object_of(value, _NAME)
        if index.get("version") != 1:
            raise Unreadable(
                "its trailing index has a newer format", "Update this collection, or decompress the archive"
            )
        rows = index.get("entries")
        if not isinstance(rows, list) or len(rows) > self.bounds.entries:
            raise _damaged()
        for row in rows:
            name, start, offset, size = _row(row, 4)
            start, offset, size = _places([start, offset, size])
            self.files[text(name, _NAME)] = Entry(start, offset, size)
        (self.end,) = _places([index.get("end")])
        self._check_entries(len(rows))
        documents = object_of(index.get("documents"), _NAME)
        self._kept = {name: text(value, _NAME).encode() for name, value in documents.items()}
        self._check_documents()
        pairs = index.get("breaks")
        if not isinstance(pairs, list) or len(pairs) > self.bounds.entries:
            raise _damaged()
        places = [_places(_row(pair, 2)) for pair in pairs]
        self.breaks = tuple((tar, file) for tar, file in places)

    def _check_entries(self, number: int) -> None:
        """Raise Unreadable unless the entries follow one another without gaps, as in every archive of ours."""
        end = 0
        for entry in sorted(self.files.values()):
            if entry.start != end or entry.start + BLOCK > entry.offset or entry.offset % BLOCK:
                raise _damaged()
            end = entry.end
        if end != self.end or len(self.files) != number or not all(clean_name(name) == name for name in self.files):
            raise _damaged()
        self._check_paths(frozenset())

    def _check_documents(self) -> None:
        for name, data in self._kept.items():
            if name not in self.files or len(data) != self.files[name].size:
                raise _damaged()
            claimed = blob_digest(name)
            if claimed:
                check_digest(data, claimed, name)

    def _read(self, file: str) -> bytes:
        if file not in self._kept:
            raise _damaged()
        return self._kept[file]


def embedded_section(
    compression: str, entries: Mapping[str, Entry], end: int, documents: Mapping[str, bytes], breaks: Breaks
) -> bytes:
    """Return the trailing index of an archive that is compressed with gzip or zstd.

    entries, end, documents, breaks: as in ArchiveIndex.
    """
    rows = [[name, entry.start, entry.offset, entry.size] for name, entry in entries.items()]
    texts = {name: data.decode() for name, data in documents.items()}
    index = {"version": 1, "end": end, "entries": rows, "documents": texts, "breaks": breaks}
    return packed_section(compression, index)


def packed_section(compression: str, index: Mapping[str, Any]) -> bytes:
    """Return the index and its footer, in the form that other readers of that compression ignore."""
    return section(compression, json.dumps(index, separators=(",", ":")).encode())


def section(compression: str, text: bytes) -> bytes:
    """Return the index and its footer, from the JSON of the index."""
    packed = zlib.compress(text, 9)
    if compression == "zstd":
        frame = _FRAME.pack(_SKIPPABLE, len(packed)) + packed
        footer = _FOOTER.pack(_MAGIC, len(frame))
        return frame + _FRAME.pack(_SKIPPABLE, len(footer)) + footer
    pieces = (packed[start : start + _MAX_SUBFIELD] for start in range(0, len(packed), _MAX_SUBFIELD))
    members = b"".join(_member(piece) for piece in pieces)
    return members + _member(_FOOTER.pack(_MAGIC, len(members)))


def read_embedded(file: BinaryIO, size: int, compression: str) -> EmbeddedContents | None:
    """Return the trailing index of a compressed archive; None if it has none. Raise Unreadable for a bad one."""
    frame = _FRAME.pack(_SKIPPABLE, _FOOTER.size)
    member = _member(bytes(_FOOTER.size))
    before = member[: len(member) - _FOOTER.size - len(_EMPTY)]
    head, tail = (frame, b"") if compression == "zstd" else (before, _EMPTY)
    length = len(head) + _FOOTER.size + len(tail)
    if size < length:
        return None
    file.seek(size - length)
    footer = b"".join(pieces_of(file, length))
    magic, section_size = _FOOTER.unpack_from(footer, len(head))
    if magic != _MAGIC or not footer.startswith(head) or not footer.endswith(tail):
        return None
    if not 0 < section_size <= min(_MAX_SECTION, size - length):
        raise _damaged()
    file.seek(size - length - section_size)
    data = b"".join(pieces_of(file, section_size))
    packed = data[len(frame) :] if compression == "zstd" else _of_members(data)
    bounds = Bounds.of(size)
    text = _inflated(packed, min(_MAX_INDEX, bounds.documents))
    if values(text) > bounds.values or weight(text) > bounds.documents:
        raise _damaged()
    return EmbeddedContents(parsed(text, _NAME), bounds)


def _member(data: bytes) -> bytes:
    """Return an empty member of gzip that has the data in an extra field."""
    subfield = _SUBFIELD + struct.pack("<H", len(data)) + data
    return _MEMBER + struct.pack("<H", len(subfield)) + subfield + _EMPTY


def _of_members(members: bytes) -> bytes:
    pieces = []
    before = len(_MEMBER) + 6
    position = 0
    while position < len(members):
        size = int.from_bytes(members[position + before - 2 : position + before], "little")
        piece = members[position + before : position + before + size]
        if members[position : position + before + size + len(_EMPTY)] != _member(piece):
            raise _damaged()
        pieces.append(piece)
        position += before + size + len(_EMPTY)
    return b"".join(pieces)


def _inflated(packed: bytes, most: int) -> bytes:
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(packed, most)
    except zlib.error as error:
        raise _damaged() from error
    if not inflate.eof:
        raise _damaged()
    return data


def _row(row: Any, length: int) -> list[Any]:
    if not isinstance(row, list) or len(row) != length:
        raise _damaged()
    return row


def _places(numbers: list[Any]) -> list[int]:
    if not all(
        isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= MAX_UNPACKED for number in numbers
    ):
        raise _damaged()
    return numbers


def _damaged() -> Unreadable:
    return Unreadable("its trailing index is damaged")
