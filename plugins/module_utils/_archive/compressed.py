# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Archives that are compressed while they are written, and read from the middle."""

from __future__ import annotations

import hashlib
import os
import signal
import struct
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, BinaryIO, Protocol, cast

from ansible_collections.gantry.docker.plugins.module_utils._archive.compression import (
    ZSTD_BLOCK,
    ZSTD_FRAME,
    Compression,
    zstandard,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.decompression import Reader, pieces_of, unpacked
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchiveIndex
from ansible_collections.gantry.docker.plugins.module_utils._archive.tar import Entry, StreamSource
from ansible_collections.gantry.docker.plugins.module_utils._archive.trailing_index import embedded_section
from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import Head

# No engine writes faster than this number of threads compresses at the default level.
_MOST_THREADS = 4
# The bytes that a thread compresses at a time. The library's own choice would take 64 MiB of memory, for half a percent
# of size. At high levels, where threads look back further than this, it would take most of the time.
_JOB = 2 << 20
_LAST_QUICK_LEVEL = 9
# The bytes that are handed to the packing thread at a time, and the most such batches that wait for it.
_BATCH = 1 << 20
_MOST_WAITING = 4
# The bytes that are written before the kernel is asked to write them to the disk.
_BACKLOG = 8 << 20
# The fewest bytes of a frame. Frames begin with an entry, but each costs bytes and time.
_SMALLEST_FRAME = 1 << 20


class _Frame(Protocol):
    def compress(self, data: bytes, /) -> bytes:
        """Return compressed bytes for the data; further ones may come later."""

    def flush(self) -> bytes:
        """Return the last bytes."""


class _Plain:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


class _StoredZstd:
    """A frame of zstd whose blocks are kept as they are (RFC 8878, 3.1.1), which the library doesn't write."""

    def __init__(self) -> None:
        # No checksum, no dictionary, no size, and a window as large as a block.
        self._head = struct.pack("<IBB", ZSTD_FRAME, 0, 7 << 3)

    def compress(self, data: bytes, /) -> bytes:
        blocks = (data[start : start + ZSTD_BLOCK] for start in range(0, len(data), ZSTD_BLOCK))
        head, self._head = self._head, b""
        return head + b"".join((len(block) << 3).to_bytes(3, "little") + block for block in blocks)

    def flush(self) -> bytes:
        # The last block, which is empty.
        return self._head + b"\1\0\0"


class Packer:
    """A writer of an archive to a file. It must be used as a context.

    checksum: whether to compute the SHA-256 of the file. size, sha256: of the file, after finish().
    Compressing, hashing and writing have a thread of their own, so that further pieces can be read and verified
    meanwhile. An error in that thread is raised later, by tee() or finish().
    """

    def __init__(self, file: BinaryIO, compression: Compression, checksum: bool = False) -> None:
        self.size = 0
        self._begun = 0
        self._file = file
        self._compression = compression
        self._hash = hashlib.sha256() if checksum else None
        self._library: Any = None
        self._breaks: list[tuple[int, int]] = []
        self._position = 0
        # Whether the frame keeps its content as it is.
        self._stores = False
        self._frame = self._new_frame()
        # Signals must come to the main thread, to wake it.
        self._writer = ThreadPoolExecutor(
            1, initializer=signal.pthread_sigmask, initargs=(signal.SIG_BLOCK, signal.valid_signals())
        )
        self._batch: list[bytes] = []
        self._batch_size = 0
        self._waiting: deque[Future[None]] = deque()

    def __enter__(self) -> Packer:
        return self

    def __exit__(self, *_problem: object) -> None:
        self._writer.shutdown(cancel_futures=True)

    @property
    def sha256(self) -> str | None:
        """The SHA-256 of the file; None if it isn't computed."""
        return self._hash.hexdigest() if self._hash else None

    def tee(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Write pieces, and yield each of them."""
        for piece in pieces:
            self._batch.append(piece)
            self._batch_size += len(piece)
            if self._batch_size >= _BATCH:
                self._hand_over()
                self._wait_for(_MOST_WAITING)
            yield piece

    def finish(self, index: ArchiveIndex) -> None:
        """Write the rest and, if the archive is compressed, the trailing index."""
        self._hand_over()
        self._wait_for(0)
        self._write(self._frame.flush())
        if self._compression.kind != "none":
            kind, entries, documents = self._compression.kind, index.entries, index.documents
            self._write(embedded_section(kind, entries, index.end, documents, self._breaks))

    def _hand_over(self) -> None:
        self._waiting.append(self._writer.submit(self._pack, self._batch))
        self._batch, self._batch_size = [], 0

    def _wait_for(self, most: int) -> None:
        """Wait until at most this number of batches is unwritten; raise the error of their writing."""
        while len(self._waiting) > most:
            self._waiting.popleft().result()

    def _pack(self, batch: list[bytes]) -> None:
        for piece in batch:
            if isinstance(piece, Head) and self._ends_frame(piece):
                self._break(piece.packed)
            self._write(self._frame.compress(piece))
            self._position += len(piece)

    def _ends_frame(self, head: Head) -> bool:
        """Return whether a new frame begins with an entry: content that is compressed already has its own."""
        begun = (self._breaks or [(0, 0)])[-1][0]
        return head.packed != self._stores or self._position - begun >= _SMALLEST_FRAME

    def _break(self, stores: bool) -> None:
        if self._compression.kind != "none":
            self._write(self._frame.flush())
            self._breaks.append((self._position, self.size))
            self._stores = stores
            self._frame = self._new_frame()

    def _new_frame(self) -> _Frame:
        kind, level = self._compression.kind, self._compression.level
        if kind == "gzip":
            return cast(_Frame, zlib.compressobj(0 if self._stores else level, wbits=16 + zlib.MAX_WBITS))
        if kind == "zstd" and self._stores:
            return _StoredZstd()
        if kind == "zstd":
            if self._library is None:
                self._library = _zstd_compressor(level, self._compression.threads)
            return cast(_Frame, self._library.compressobj())
        return _Plain()

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        if self._hash:
            self._hash.update(data)
        self.size += len(data)
        if self.size - self._begun >= _BACKLOG:
            # Linux begins to write these bytes, as they are no longer needed in memory (mm/fadvise.c). So the wait for
            # the disk at the end is short.
            os.posix_fadvise(self._file.fileno(), self._begun, self.size - self._begun, os.POSIX_FADV_DONTNEED)
            self._begun = self.size


class Unpacker:
    """A reader of single files in an archive. It is fastest if the files are read in their order."""

    def __init__(self, file: BinaryIO, index: ArchiveIndex) -> None:
        self._file = file
        self._compression = index.compression
        self._breaks = ((0, 0), *index.breaks)
        self._source: StreamSource | None = None
        self._begun = 0

    def data(self, entry: Entry) -> Iterator[bytes]:
        """Yield a file's content; raise Unreadable if the archive ends before."""
        return entry.content(partial(pieces_of, self._at(entry.offset)))

    def _at(self, offset: int) -> Reader:
        if self._compression == "none":
            self._file.seek(offset)
            return self._file
        tar, place = max(pair for pair in self._breaks if pair[0] <= offset)
        position = self._begun + self._source.position if self._source else -1
        if self._source is None or not tar <= position <= offset:
            self._file.seek(place)
            self._source, self._begun = StreamSource(unpacked(self._file, self._compression)), tar
        self._source.skip(offset - self._begun - self._source.position)
        return self._source


def _zstd_compressor(level: int, threads: int) -> Any:
    library = zstandard()
    parameters = library.ZstdCompressionParameters.from_level(
        level,
        # Always with worker threads, even if it is one: without them the same content gives other bytes.
        threads=threads or min(os.cpu_count() or 1, _MOST_THREADS),
        job_size=_JOB if level <= _LAST_QUICK_LEVEL else 0,
        write_checksum=True,
    )
    return library.ZstdCompressor(compression_params=parameters)
