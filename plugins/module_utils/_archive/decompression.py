# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Compressed streams, unpacked piece by piece in constant memory."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from ansible_collections.gantry.docker.plugins.module_utils._archive.compression import (
    ZSTD_BLOCK,
    ZSTD_FRAME,
    ZSTD_SKIPPABLE,
)
from ansible_collections.gantry.docker.plugins.module_utils._errors import Unreadable

# The bytes that are unpacked and read at a time. Bytes after the end of a compressed stream are copied, so little is
# read where there may be many short streams.
PIECE = 1 << 18
_PACKED_PIECE = 1 << 15

# The most memory for a decompressor. xz -9 needs 65 MiB, zstd -22 a window of 128 MiB. A file that needs more is
# hostile, or was made with options that other hosts couldn't unpack either.
_XZ_MEMORY = 256 << 20
_ZSTD_WINDOW = 128 << 20


class Reader(Protocol):
    """A source of bytes. An empty result means the end, a short one doesn't."""

    def read(self, size: int, /) -> bytes:
        """Up to size bytes."""


class _Decompressor(Protocol):
    """The common methods of BZ2Decompressor and LZMADecompressor."""

    @property
    def eof(self) -> bool:
        """Whether the compressed stream has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether it needs more input to return more."""

    @property
    def unused_data(self) -> bytes:
        """The input after the end of the stream."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Return up to max_length unpacked bytes."""


class Rejoined(io.RawIOBase):
    """A stream whose head was read to detect its compression, with that head put back."""

    def __init__(self, head: bytes, rest: Reader) -> None:
        super().__init__()
        self._head = head
        self._rest = rest

    def read(self, size: int = -1) -> bytes:
        """Up to size bytes."""
        if self._head:
            piece, self._head = self._head[:size], self._head[size:]
            return piece
        return self._rest.read(size)


def read_exactly(source: Reader, size: int) -> bytes:
    """Return size bytes, or all that come before the end."""
    piece = source.read(size)
    if len(piece) == size or not piece:
        return piece
    pieces = [piece]
    missing = size - len(piece)
    while missing > 0 and piece:
        piece = source.read(missing)
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def pieces_of(source: Reader, size: int) -> Iterator[bytes]:
    """Yield the next size bytes, in pieces of at most PIECE bytes; raise Unreadable if there are fewer."""
    while size:
        piece = source.read(min(size, PIECE))
        if not piece:
            raise Unreadable("it is truncated, or was changed while it was read")
        size -= len(piece)
        yield piece


def unpacked(source: Reader, compression: str) -> Iterator[bytes]:
    """Yield the unpacked content of a stream, in pieces of at most PIECE bytes.

    source: at its beginning. compression: as detect() returns it.
    Raise Unreadable for a damaged or truncated stream, for one that would take too much memory, and if the library
    zstandard is needed and missing.
    """
    if compression == "none":
        return iter(lambda: source.read(PIECE), b"")
    if compression == "zstd":
        return _zstd_frames(source)
    return _streams(source, compression, _DECOMPRESSORS[compression])


class _Gzip:
    """zlib with the methods of the other decompressors."""

    def __init__(self) -> None:
        # wbits from 16 on: zlib reads gzip's header and trailer, and compares checksum and length.
        self._inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self._full = False

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    @property
    def needs_input(self) -> bool:
        # zlib may keep output although it has taken all input: more may come after a full piece.
        return not self._full and not self._inflate.unconsumed_tail

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        piece = self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)
        self._full = len(piece) == max_length
        return piece


def _xz() -> _Decompressor:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)


_DECOMPRESSORS: dict[str, Callable[[], _Decompressor]] = {"gzip": _Gzip, "bzip2": bz2.BZ2Decompressor, "xz": _xz}


def _streams(source: Reader, name: str, create: Callable[[], _Decompressor]) -> Iterator[bytes]:
    """Yield the content of all compressed streams, one after the other; skip zeros between them (gzip, bzip2, xz)."""
    data = source.read(_PACKED_PIECE)
    while data:
        decompressor = create()
        while not decompressor.eof:
            if decompressor.needs_input and not data:
                data = source.read(_PACKED_PIECE)
                if not data:
                    raise Unreadable(f"its {name} data is truncated")
            piece = _decompressed(decompressor, data, name)
            data = b""
            if piece:
                yield piece
        data = _without_padding(decompressor.unused_data, source)


def _decompressed(decompressor: _Decompressor, data: bytes, name: str) -> bytes:
    try:
        return decompressor.decompress(data, PIECE)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise Unreadable(f"its {name} data is damaged ({error})") from error


def _without_padding(data: bytes, source: Reader) -> bytes:
    """Return the bytes after the zeros; b"" at the end."""
    data = data.lstrip(b"\0")
    while not data:
        piece = source.read(_PACKED_PIECE)
        if not piece:
            return b""
        data = piece.lstrip(b"\0")
    return data


def _zstd_frames(source: Reader) -> Iterator[bytes]:
    """Yield the content of all zstd frames, one after the other (RFC 8878, 3.1).

    The library is given one block at a time, because it can't limit its output and doesn't report a truncated stream. A
    block unpacks to 128 KiB at most, and the last one is marked.
    """
    while True:
        head = read_exactly(source, 4)
        if not head:
            return
        magic = int.from_bytes(head, "little")
        if magic in ZSTD_SKIPPABLE and len(head) == 4:
            _skip(source, int.from_bytes(_zstd_bytes(source, 4), "little"))
        elif magic == ZSTD_FRAME:
            yield from _zstd_frame(source, head)
        else:
            raise Unreadable("its zstd data is truncated or damaged")


def _zstd_frame(source: Reader, magic: bytes) -> Iterator[bytes]:
    decompress = _zstd_decompressor()
    descriptor = _zstd_bytes(source, 1)
    yield from decompress(magic + descriptor + _zstd_bytes(source, _zstd_header_size(descriptor[0])))
    last = False
    while not last:
        header = _zstd_bytes(source, 3)
        # 3.1.1.2: one bit that says whether it is the last, two bits of type, and the size. A block
        # of type 1 repeats a single byte.
        fields = int.from_bytes(header, "little")
        last, repeats, size = bool(fields & 1), fields >> 1 & 3 == 1, fields >> 3
        if size > ZSTD_BLOCK:
            raise Unreadable("its zstd data is damaged")
        yield from decompress(header + _zstd_bytes(source, 1 if repeats else size))
    if descriptor[0] & 4:
        yield from decompress(_zstd_bytes(source, 4))


def _zstd_header_size(descriptor: int) -> int:
    """Return the number of bytes between the frame's descriptor and its first block (3.1.1.1)."""
    single_segment = bool(descriptor & 0x20)
    window = 0 if single_segment else 1
    dictionary = (0, 1, 2, 4)[descriptor & 3]
    content = (1 if single_segment else 0, 2, 4, 8)[descriptor >> 6]
    return window + dictionary + content


def _zstd_decompressor() -> Callable[[bytes], Iterator[bytes]]:
    try:
        import zstandard
    except ImportError as error:
        raise Unreadable(
            "it is compressed with zstd, and the Python library zstandard is missing on this host",
            "Install it (python3-zstandard, or zstandard from PyPI), or decompress the archive with zstd -d",
        ) from error
    frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()

    def decompress(data: bytes) -> Iterator[bytes]:
        try:
            piece = frame.decompress(data)
        except zstandard.ZstdError as error:
            raise Unreadable(f"its zstd data is damaged ({error})") from error
        if piece:
            yield piece

    return decompress


def _zstd_bytes(source: Reader, size: int) -> bytes:
    data = read_exactly(source, size)
    if len(data) < size:
        raise Unreadable("its zstd data is truncated")
    return data


def _skip(source: Reader, size: int) -> None:
    while size > 0:
        piece = source.read(min(size, PIECE))
        if not piece:
            raise Unreadable("its zstd data is truncated")
        size -= len(piece)
