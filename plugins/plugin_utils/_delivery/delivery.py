# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""An archive on the controller that is delivered to hosts: its documents, and thin archives of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from typing import BinaryIO, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.compressed import Packer, Unpacker
from ansible_collections.gantry.docker.plugins.module_utils._archive.compression import LEVELS, Compression
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import (
    ArchiveIndex,
    opened,
    read_index,
    read_index_of,
    unusable,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.thin import (
    document_archive,
    held_layers,
    thin_archive,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify_of, verify_pieces
from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import Part, assembled
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, Unreadable
from ansible_collections.gantry.docker.plugins.plugin_utils._delivery.once import made_once

# The documents that any archive may have, however small it is: see the limits in docs/archives.md.
_MOST_DOCUMENTS = 4 << 20


class Source(NamedTuple):
    """The archive.

    path: where it was found. content: gives the path of its content, which is another one if Vault has encrypted it.
    verify: whether all of it is read and verified first.
    """

    path: str
    content: Callable[[], AbstractContextManager[str]]
    verify: bool


class Delivery:
    """Makes the archives for hosts in a directory that all processes of a run share, each once."""

    def __init__(self, source: Source, directory: str) -> None:
        self._source = source
        self._directory = directory
        self._stamp = _stamp(source.path)

    @property
    def path(self) -> str:
        """The path of the archive."""
        return self._source.path

    def documents(self) -> str:
        """Return the path of an archive with the documents and no layers; raise GantryError."""

        def make(file: BinaryIO) -> None:
            with self._opened() as (archive, index):
                if self._source.verify:
                    verify_of(archive, self._source.path)
                self._pack(document_archive(index), file, index, "gzip")

        return made_once(self._path("documents"), make)

    def held(self) -> dict[str, int]:
        """Return the sizes of the layers that the archive holds, as the document archive calls them."""
        return held_layers(read_index(self.documents()))

    def thin(self, names: Collection[str], kind: str) -> str:
        """Return the path of an archive with these layers, whose content is verified; raise GantryError.

        names: as the document archive calls the layers. kind: none, gzip or zstd.
        """
        gone = sorted(set(names) - set(self.held()))
        if gone:
            raise GantryError(
                f"The archive {self._source.path} is thin: it leaves out layers that this host's engine doesn't have "
                f"({', '.join(gone)}). Load or pull an image with them there first, or save the archive whole "
                "(without exclude_layers_of)."
            )

        def make(file: BinaryIO) -> None:
            with self._opened() as (archive, index):
                self._pack(thin_archive(index, names, Unpacker(archive, index).data), file, index, kind)

        return made_once(self._path("thin", kind, *sorted(names)), make)

    def _path(self, *parts: str) -> str:
        """Return the path for what is made of the archive: another one for each content."""
        told = repr((self._source.path, self._stamp, self._source.verify, parts))
        return os.path.join(self._directory, f"gantry-docker-{hashlib.sha256(told.encode()).hexdigest()}.tar")

    @contextmanager
    def _opened(self) -> Iterator[tuple[BinaryIO, ArchiveIndex]]:
        """Open the archive, and read its index; raise GantryError if the file was changed since the task began."""
        path = self._source.path
        with self._source.content() as content, opened(content) as file:
            index = read_index_of(file, path)
            try:
                yield file, index
            except Unreadable as error:
                raise unusable(path, error) from error
            if _stamp(path) != self._stamp:
                raise GantryError(f"The archive {path} was changed meanwhile. Try again when it is complete.")

    def _pack(self, parts: Iterable[Part], file: BinaryIO, index: ArchiveIndex, kind: str) -> None:
        """Write an archive, and verify it on the way; raise GantryError."""
        if sum(map(len, index.documents.values())) > _MOST_DOCUMENTS:
            # A reader takes so many documents only from a large file.
            kind = "none"
        level = LEVELS[kind][1] if kind in LEVELS else 0
        with Packer(file, Compression(kind, level, 0)) as packer:
            packer.finish(verify_pieces(packer.tee(assembled(parts)), self._source.path))


def compression_for(choice: str, zstd: bool) -> str:
    """Return the compression for a host. choice: of the option transfer_compression. zstd: whether the host reads it.

    Raise GantryError if zstd is chosen and the controller or the host doesn't have it.
    """
    here = find_spec("zstandard") is not None
    if choice == "zstd" and not (zstd and here):
        place = "this host" if here else "the controller"
        raise GantryError(
            f"For transfer_compression zstd, the Python library zstandard is needed on {place}. Install it "
            "(python3-zstandard, or zstandard from PyPI), or choose 'transfer_compression: auto'."
        )
    if choice == "auto":
        return "zstd" if zstd and here else "gzip"
    return choice


def _stamp(path: str) -> tuple[int, ...]:
    """Return what is another for another file, or another content of it; raise GantryError if there is none."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise GantryError(f"The archive {path} can't be read: {error.strerror}. Check src.") from error
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
