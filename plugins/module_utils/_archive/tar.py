# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Tar archives as engines write them, read header by header; nothing is extracted.

Python's tarfile reads pax headers, long names and maps of sparse files of any size into memory, follows global headers
and the old forms of Sun and Solaris, and takes twice as long. Archives of images need little of the format. This is
read in the same way as by Go's archive/tar, which engines use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, NamedTuple, NoReturn, Protocol, cast

from ansible_collections.gantry.docker.plugins.module_utils._errors import Unreadable

BLOCK = 512

# Far more than engines write: at most about three entries for each of an image's 127 layers.
MAX_ENTRIES = 100_000
# Far more than the images of an engine. It bounds the time that a decompression bomb takes.
MAX_UNPACKED = 1 << 40
# Names, pax records and maps of sparse files are read into memory. Engines write at most 200 bytes for each; Go has the
# same limit.
_MAX_EXTENSION = 1 << 20
# Linux allows no longer path (PATH_MAX), so no engine could unpack the entry.
_MAX_NAME = 4096

_ZEROS = bytes(BLOCK)
_HOLE = bytes(1 << 18)
_NO_TIMES = bytes(24)
_OCTAL = re.compile(rb"[ \0]*([0-7]*)[ \0]*")
_DECIMAL = re.compile(rb"[0-9]{1,18}")
# By compression: the most bytes that a file of up to one MiB may unpack to, which takes some seconds at most, and the
# most for each further byte. Deflate packs at most 1032 to 1 (zlib's technical notes). bzip2 has no such limit, and
# unpacks some content at six MiB a second; xz may have three filters, which take longer than xz itself.
_EXPANSION = {
    "none": (1 << 20, 1),
    "gzip": (1032 << 20, 1032),
    "zstd": (512 << 20, 1032),
    "xz": (128 << 20, 256),
    "bzip2": (16 << 20, 64),
}
# The same for the zeros that sparse files leave out, which take less time than with gzip.
_FILLED = _EXPANSION["gzip"]
_REFUSED = {
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
}
_LOOKS_LIKE = "It must be an archive as docker save, podman save or skopeo write it"
REPACK = "If you trust its source, convert it ('skopeo copy docker-archive:OLD docker-archive:NEW')"
_FILES = (b"0", b"\0")
_GNU = b"ustar  \0"
# The records of a sparse file in GNU tar's forms 0.0 (whose map is many records), 0.1 and 1.0 (bsdtar's too).
_SPARSE = b"GNU.sparse."
_NAME, _SIZE, _BLOCKS, _MAP = (_SPARSE + key for key in (b"name", b"size", b"numblocks", b"map"))
_MAJOR, _MINOR, _REAL_SIZE = (_SPARSE + key for key in (b"major", b"minor", b"realsize"))
_PAIR = (_SPARSE + b"offset", _SPARSE + b"numbytes")
_MAP_IN_HEAD = ({_SIZE, _BLOCKS, _MAP}, {_SIZE, _BLOCKS, _MAP, _NAME})
_MAP_IN_DATA = {_MAJOR, _MINOR, _REAL_SIZE, _NAME}
_WITHOUT_HOLES = "If you trust its source, unpack it and pack it again with tar, without --sparse"

# Headers that describe the entry after them: pax attributes, and GNU's long names and links.
_HEADS = {b"x": b"", b"L": b"path", b"K": b"linkpath"}
# The records of a global pax header that would change entries: Go ignores them, and other tools don't.
_NOT_GLOBAL = (b"path", b"linkpath", b"size", _SPARSE)


class Bounds(NamedTuple):
    """The limits for reading an archive, in proportion to the size of its file, as for memory and time.

    entries: the number of entries. names: the bytes of all their names. document: the bytes of one document, and
    documents of all. values: the number of values in all documents. unpacked: the bytes of the tar. sparse: the bytes
    of all sparse files, with their zeros.
    """

    entries: int
    names: int
    document: int
    documents: int
    values: int
    unpacked: int
    sparse: int

    @staticmethod
    def of(size: int, compression: str = "none") -> Bounds:
        """Return the bounds for a file of a size.

        Names are digests, which no compression makes shorter than half. The documents of real images unpack to about
        five times their compressed size.
        """

        def unpacked(least: int, times: int) -> int:
            return min(MAX_UNPACKED, least + times * max(0, size - (1 << 20)))

        return Bounds(
            entries=min(MAX_ENTRIES, 20_000 + size // 32),
            names=(4 << 20) + size,
            document=min(8 << 20, (1 << 20) + 4 * size),
            documents=min(64 << 20, (4 << 20) + 8 * size),
            values=min(4_000_000, 150_000 + size // 16),
            unpacked=unpacked(*_EXPANSION[compression]),
            sparse=unpacked(*_FILLED),
        )


class Unmarked(Unreadable):
    """An error: the archive ends after an entry, without the blocks of zeros that mark the end."""


class Truncated(Unreadable):
    """An error: the archive ends within an entry."""


class Source(Protocol):
    """The bytes of a tar archive, from its first to its last."""

    position: int

    def read(self, size: int, /) -> bytes:
        """Return the next size bytes; fewer only at the end."""

    def skip(self, size: int) -> None:
        """Skip size bytes; raise Truncated if there are fewer."""


class FileSource:
    """An uncompressed archive in a file: skipped bytes aren't read."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.position = 0
        self._file = file
        self._size = size
        file.seek(0)

    def read(self, size: int, /) -> bytes:
        """Return the next size bytes; fewer only at the end."""
        data = self._file.read(size)
        self.position += len(data)
        return data

    def skip(self, size: int) -> None:
        """Skip size bytes; raise Truncated if there are fewer."""
        if size > self._size - self.position:
            raise Truncated("it is truncated")
        if size:
            self.position += size
            self._file.seek(self.position)


class StreamSource:
    """An archive that comes in pieces, and only once. most: its most bytes; None for MAX_UNPACKED."""

    def __init__(self, pieces: Iterator[bytes], most: int | None = None) -> None:
        self.position = 0
        self._most = MAX_UNPACKED if most is None else most
        self._pieces = pieces
        self._rest = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """Return the next size bytes; fewer only at the end."""
        if size <= len(self._rest):
            return bytes(self._take(size))
        taken = bytearray()
        while len(taken) < size:
            piece = self._take(size - len(taken))
            if not piece:
                break
            taken += piece
        return bytes(taken)

    def pieces(self, size: int) -> Iterator[bytes]:
        """Yield the next size bytes as they come; fewer only at the end.

        They are views of the pieces, without a copy: they can be hashed, compressed and written like bytes.
        """
        while size > 0:
            piece = self._take(size)
            if not piece:
                return
            size -= len(piece)
            yield cast(bytes, piece)

    def skip(self, size: int) -> None:
        """Skip size bytes; raise Truncated if there are fewer."""
        if sum(map(len, self.pieces(size))) < size:
            raise Truncated("it is truncated")

    def drain(self) -> None:
        """Read to the end, because compressed streams have their checksums there."""
        while self._take(1 << 30):
            pass

    def _take(self, size: int) -> memoryview:
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        piece, self._rest = self._rest[:size], self._rest[size:]
        self.position += len(piece)
        if self.position > self._most:
            raise Unreadable(
                f"it unpacks to more than {self._most >> 20} MiB, far more than expected from its size",
                "If you trust its source, decompress it first, and name the result",
            )
        return piece


class Entry(NamedTuple):
    """A file in an archive: the places of its headers (start) and of its data (offset) in the uncompressed tar.

    size: of its content. fragments: the parts of a sparse file's content that are in the data, one after the other: the
    offset and the length of each. The rest is zeros.
    """

    start: int
    offset: int
    size: int
    fragments: tuple[tuple[int, int], ...] | None = None

    @property
    def end(self) -> int:
        """The end of this entry: its headers, data and padding are from start to end."""
        stored = self.size if self.fragments is None else sum(length for _offset, length in self.fragments)
        return self.offset + stored + -stored % BLOCK

    def content(self, data: Callable[[int], Iterator[bytes]]) -> Iterator[bytes]:
        """Yield its content. data: a function that returns the next bytes of the archive, from offset on, by number."""
        return data(self.size) if self.fragments is None else self._filled(self.fragments, data)

    def _filled(self, fragments: Iterable[tuple[int, int]], data: Callable[[int], Iterator[bytes]]) -> Iterator[bytes]:
        position = 0
        for offset, length in (*fragments, (self.size, 0)):
            for hole in range(position, offset, len(_HOLE)):
                yield _HOLE[: offset - hole]
            yield from data(length)
            position = offset + length


class Member(NamedTuple):
    """An entry of a tar archive.

    name: relative, and without dots. link: the name that a link leads to, in the same form; None for a file. entry: its
    place. hard: whether it is a hard link.
    """

    name: str
    link: str | None
    entry: Entry
    hard: bool = False


class Tar:
    """An iterator over an archive's files and links, for use once.

    The data of a file can be read from the source before the next step.
    end: the end of the last entry, after the iteration. others: the names of directories and of global headers.
    Raises Unreadable if it is no tar archive, is truncated, has names that lead out of it, or has entries that archives
    of images don't have or that tools read differently; Unmarked after the last entry if no end mark follows.
    """

    def __init__(self, source: Source, bounds: Bounds | None = None) -> None:
        self.end = 0
        self.others: set[str] = set()
        self._bounds = bounds or Bounds.of(MAX_UNPACKED)
        self._names = 0
        self._source = source
        self._headers = 0
        self._sparse_size = 0

    def __iter__(self) -> Iterator[Member]:
        while True:
            start = self._source.position
            member = self._next(start)
            if member is None:
                return
            if member.name:
                yield member
            end = member.entry.end
            try:
                self._source.skip(end - self._source.position)
            except Truncated as error:
                raise Unreadable(f"it is truncated: it ends within {shown(member.name)}") from error
            self.end = end

    def _next(self, start: int) -> Member | None:
        """Return the next entry; one without a name for entries that aren't needed; None at the end."""
        heads: dict[bytes, dict[bytes, bytes]] = {}
        while True:
            header = self._header(bool(heads))
            if header is None:
                return None
            kind = header[156:157]
            if kind not in _HEADS:
                break
            if heads and (kind in heads or b"x" in (kind, *heads)):
                # If there are several such headers, Go uses one of them, and other tools join them.
                raise Unreadable(f"an entry has several headers at byte {start}, which tools read differently", REPACK)
            data = self._extension(_number(header[124:136]))
            heads[kind] = _pax_records(data) if kind == b"x" else {_HEADS[kind]: _field(data)}
        if kind == b"g":
            return self._global(start, header, bool(heads))
        # For Go, an empty value is no value.
        overrides = {key: value for head in heads.values() for key, value in head.items() if value}
        return self._member(start, header, kind, overrides)

    def _global(self, start: int, header: bytes, after_head: bool) -> Member:
        """Skip global records, such as git archive's comment. Engines ignore them."""
        records = _pax_records(self._extension(_number(header[124:136])))
        if after_head or any(key.startswith(_NOT_GLOBAL) for key in records):
            raise Unreadable("it has attributes for all its entries, which tools read differently", REPACK)
        # Docker 20.10 removes a file of that name.
        self.others.add(clean_name(_text(_name(header))))
        return Member("", None, Entry(start, self._source.position, 0))

    def _header(self, after_head: bool) -> bytes | None:
        block = self._source.read(BLOCK)
        self._headers += 1
        if block == _ZEROS:
            # Two such blocks end an archive. For Go's reader, one block at the end of the file is enough.
            if self._source.read(BLOCK).strip(b"\0"):
                raise Unreadable("it is damaged: further data follows its end mark")
            if after_head:
                raise Unreadable("it is damaged: it ends after the header of an entry")
            return None
        if len(block) < BLOCK:
            # Go's reader needs no end mark, but engines write one. Without it, an archive may have been truncated
            # between two entries, and may lack its manifest.json or index.json.
            if self._headers == 1:
                raise Unreadable("it is no tar archive", _LOOKS_LIKE)
            raise Unreadable("it is truncated") if block or after_head else Unmarked("it is truncated")
        self._check_number()
        self._check(block)
        return block

    def _check_number(self, fragments: int = 0) -> None:
        """Raise Unreadable for too many entries. The fragments of sparse files count too, as each takes memory."""
        self._headers += fragments
        if self._headers > self._bounds.entries:
            raise Unreadable(f"it has more than {self._bounds.entries} entries", _LOOKS_LIKE)

    def _check(self, block: bytes) -> None:
        # The sum of all bytes, with spaces in place of the sum itself.
        if _number(block[148:156], default=-1) == sum(block) - sum(block[148:156]) + 8 * 32:
            return
        if self._headers > 1:
            raise Unreadable(f"it is damaged at byte {self._source.position - BLOCK}")
        raise Unreadable("it is neither a tar archive nor one compressed with gzip, xz, bzip2 or zstd", _LOOKS_LIKE)

    def _extension(self, size: int) -> bytes:
        if size > _MAX_EXTENSION:
            raise Unreadable(f"it has an entry whose name or attributes take {size} bytes", _LOOKS_LIKE)
        self._count(size)
        data = self._source.read(size)
        if len(data) < size:
            raise Unreadable("it is truncated")
        self._source.skip(-size % BLOCK)
        return data

    def _member(self, start: int, header: bytes, kind: bytes, overrides: dict[bytes, bytes]) -> Member:
        if kind == b"S" or any(key.startswith(_SPARSE) for key in overrides):
            return self._sparse(start, header, kind, overrides)
        raw = overrides.get(b"path") or _name(header)
        self._count(_weight(raw))
        offset = self._source.position
        if kind == b"5" or (kind == b"\0" and raw.endswith(b"/")):
            self.others.add(clean_name(_text(raw)))
            return Member("", None, Entry(start, offset, 0))
        name = _file_name(raw)
        if kind in (b"1", b"2"):
            # As in Go's reader, a link has no data, whatever size it claims.
            target = overrides.get(b"linkpath") or _field(header[157:257])
            self._count(_weight(target))
            if kind == b"1":
                return Member(name, _file_name(target), Entry(start, offset, 0), hard=True)
            return Member(name, _link_target(name, _text(target)), Entry(start, offset, 0))
        if kind not in _FILES:
            _refuse(name, kind)
        return Member(name, None, Entry(start, offset, _size(header, overrides)))

    def _sparse(self, start: int, header: bytes, kind: bytes, overrides: dict[bytes, bytes]) -> Member:
        """Return a sparse file; raise Unreadable for a map that Go, GNU tar and bsdtar don't read in the same way."""
        raw = overrides.get(_NAME) or overrides.get(b"path") or _name(header)
        self._count(_weight(raw))
        name, stored, begun = _file_name(raw), _size(header, overrides), self._source.position
        keys = {key for key in overrides if key.startswith(_SPARSE)}
        if kind == b"S" and not keys and b"size" not in overrides and header[257:265] == _GNU:
            numbers, size = self._map_of_gnu(header), _number(header[483:495])
        elif kind in _FILES and keys in _MAP_IN_HEAD:
            self._check_number(_decimal(overrides[_BLOCKS]))
            texts = overrides[_MAP].split(b",")
            numbers, size = list(map(_decimal, texts)), _decimal(overrides[_SIZE])
            if len(numbers) != 2 * _decimal(overrides[_BLOCKS]):
                raise _contradicts_itself(name)
        elif kind in _FILES and keys == _MAP_IN_DATA and (overrides[_MAJOR], overrides[_MINOR]) == (b"1", b"0"):
            numbers, size = self._map_in_data(), _decimal(overrides[_REAL_SIZE])
            stored -= self._source.position - begun
        else:
            raise Unreadable(
                f"its entry {shown(name)} is a sparse file of a form that tools read differently", _WITHOUT_HOLES
            )
        fragments = tuple(zip(numbers[::2], numbers[1::2]))
        if not _is_sound(fragments, size, stored):
            raise _contradicts_itself(name)
        self._sparse_size += size
        if self._sparse_size > self._bounds.sparse:
            most = f"{self._bounds.sparse >> 20} MiB"
            raise Unreadable(
                f"its sparse files unpack to more than {most}, far more than expected from its size",
                _WITHOUT_HOLES,
            )
        return Member(name, None, Entry(start, self._source.position, size, fragments))

    def _map_of_gnu(self, header: bytes) -> list[int]:
        """Return the map in GNU's own form: four pairs in the header, and 21 in each block that follows it."""
        places, full, more = bytearray(header[386:482]), 0, header[482]
        while more:
            block = self._extension(BLOCK)
            self._check_number(21)
            full, more = len(places), block[504]
            places += block[:504]
        pairs = [places[place : place + 24] for place in range(0, len(places), 24)]
        while pairs and not pairs[-1].strip(b"\0"):
            pairs.pop()
        # For some readers an empty offset ends the map, for others an empty length.
        if not all(pair[0] and pair[12] for pair in pairs) or (full and 24 * len(pairs) <= full):
            raise Unreadable("it is damaged: the map of a sparse file has gaps", _WITHOUT_HOLES)
        return [_number(bytes(pair[place : place + 12])) for pair in pairs for place in (0, 12)]

    def _map_in_data(self) -> list[int]:
        """Return the map in form 1.0: a number in each line; the first one is the number of pairs."""
        text, lines, wanted = bytearray(), 0, 1
        while lines < wanted:
            block = self._extension(BLOCK)
            text += block
            lines += block.count(b"\n")
            if wanted == 1 and lines:
                pairs = _decimal(bytes(text.partition(b"\n")[0]))
                self._check_number(pairs)
                wanted += 2 * pairs
            if len(text) > _MAX_EXTENSION:
                raise Unreadable("it is damaged: the map of a sparse file has no end", _WITHOUT_HOLES)
        return [_decimal(line) for line in bytes(text).split(b"\n", wanted)[1:wanted]]

    def _count(self, size: int) -> None:
        self._names += size
        if self._names > self._bounds.names:
            raise Unreadable(f"it has names and attributes of more than {self._bounds.names} bytes in all", _LOOKS_LIKE)


def clean_name(name: str) -> str:
    """Return a name without needless dots and slashes; "" for the archive's root.

    Raise Unreadable for a name that leads out of the archive, or could.
    """
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise Unreadable(f"it has an entry named {shown(name)}, which is no path within the archive", _LOOKS_LIKE)
    if len(name) > _MAX_NAME:
        raise Unreadable(f"it has an entry with a name of {len(name)} characters", _LOOKS_LIKE)
    return "/".join(part for part in parts if part not in ("", "."))


def shown(name: str) -> str:
    """Return a name from an archive in a form for messages: quoted, escaped, and not too long."""
    return repr(name if len(name) <= 200 else f"{name[:200]}…")


def _link_target(name: str, target: str) -> str:
    """Return the name that a symbolic link leads to, from the archive's root.

    Legacy archives have links: Docker 20.10 writes a layer that occurs again as a link to the first one (moby,
    image/tarexport/save.go, saveLayer), Podman and skopeo a link for each layer's old name (containers/image,
    docker/internal/tarfile/writer.go).
    """
    parents, parts = name.split("/")[:-1], target.split("/")
    if target.startswith("/") or "\0" in target:
        raise _leads_out(name, target)
    while parts and parts[0] in ("..", ".", ""):
        if parts.pop(0) == "..":
            if not parents:
                raise _leads_out(name, target)
            parents.pop()
    # The parent of a directory depends on whether that is itself a link.
    if ".." in parts:
        raise _leads_out(name, target)
    return "/".join([*parents, *(part for part in parts if part not in ("", "."))])


def _leads_out(name: str, target: str) -> Unreadable:
    return Unreadable(
        f"its entry {shown(name)} is a link that leads out of the archive, to {shown(target)}", _LOOKS_LIKE
    )


def _refuse(name: str, kind: bytes) -> NoReturn:
    what = _REFUSED.get(kind, f"of the type {kind!r}")
    raise Unreadable(f"its entry {shown(name)} is {what}, which archives of images don't have", _LOOKS_LIKE)


def _contradicts_itself(name: str) -> Unreadable:
    return Unreadable(f"its entry {shown(name)} is a sparse file with a contradictory map", _WITHOUT_HOLES)


def _is_sound(fragments: Iterable[tuple[int, int]], size: int, stored: int) -> bool:
    """Return whether the parts of a sparse file are in order and within it, and have the size of the stored data."""
    end = total = 0
    for offset, length in fragments:
        # GNU tar reads each part from the beginning of a block, Go from the end of the last one.
        if offset < end or (length and total % BLOCK):
            return False
        end, total = offset + length, total + length
    return end <= size and total == stored


def _file_name(raw: bytes) -> str:
    name = clean_name(_text(raw))
    if not name:
        raise Unreadable("it has a file without a name", _LOOKS_LIKE)
    return name


def _name(header: bytes) -> bytes:
    name = _field(header[:100])
    magic = header[257:265]
    # The forms of POSIX and star have a prefix; GNU's has other data there.
    if magic.startswith(b"ustar\0") and header[345] != 0:
        return _field(header[345 : 476 if header[508:] == b"tar\0" else 500]) + b"/" + name
    if magic == _GNU and header[345:369] != _NO_TIMES:
        for time in (header[345:357], header[357:369]):
            if time[0] and _number(time, default=-1) < 0:
                # Go before 1.8 wrote a prefix in GNU's form too. Go's reader looks for one if this field is no time.
                raise Unreadable(f"its entry {shown(_text(name))} has a name that tools read differently", REPACK)
    return name


def _field(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _weight(name: bytes) -> int:
    """Return the bytes of memory that a name takes: with one wide character, four for each character."""
    return len(name) if name.isascii() else 4 * len(name)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"it has an entry whose name is not UTF-8: {raw[:200]!r}", _LOOKS_LIKE) from error


def _number(field: bytes, default: int | None = None) -> int:
    """Return an octal number, or GNU's binary one for sizes from 8 GiB on; raise Unreadable for a negative one."""
    if field[0] & 0x80:
        # The next bit is the sign.
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
        if value < 1 << 62:
            return value
    else:
        match = _OCTAL.fullmatch(field)
        if match:
            return int(match.group(1) or b"0", 8)
    if default is not None:
        return default
    raise Unreadable("it is damaged: an entry has no valid size")


def _size(header: bytes, overrides: dict[bytes, bytes]) -> int:
    return _decimal(overrides[b"size"]) if b"size" in overrides else _number(header[124:136])


def _decimal(digits: bytes) -> int:
    if not _DECIMAL.fullmatch(digits):
        raise Unreadable("it is damaged: an entry has no valid size")
    return int(digits)


def _pax_records(data: bytes) -> dict[bytes, bytes]:
    r"""Return records of the form "length key=value\\n" (POSIX, pax Extended Header)."""
    records: dict[bytes, bytes] = {}
    numbers: list[bytes] = []
    position = 0
    while position < len(data):
        digits = data[position : position + 8].partition(b" ")[0]
        length = int(digits) if _DECIMAL.fullmatch(digits) else 0
        record = data[position + len(digits) + 1 : position + length]
        key, equals, value = record.partition(b"=")
        ends = value.endswith(b"\n") and position + length <= len(data)
        if not key or b"\0" in key or not equals or not ends:
            raise Unreadable("it is damaged: an entry has invalid attributes")
        position += length
        if key not in _PAIR:
            records[key] = value[:-1]
            continue
        numbers.append(value[:-1])
        if key != _PAIR[len(numbers) % 2 - 1] or not _DECIMAL.fullmatch(value[:-1]):
            raise Unreadable("it is damaged: the map of a sparse file has gaps", _WITHOUT_HOLES)
    if numbers and _MAP in records:
        raise Unreadable("it is damaged: a sparse file has two maps", _WITHOUT_HOLES)
    if numbers:
        records[_MAP] = b",".join(numbers)
    return records
