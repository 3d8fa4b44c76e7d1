# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Images on the controller that are delivered to hosts: their documents, and thin archives of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import BinaryIO, Protocol

from ansible_collections.gantry.docker.plugins.module_utils._archive.artifacts import images_of
from ansible_collections.gantry.docker.plugins.module_utils._archive.compressed import Packer
from ansible_collections.gantry.docker.plugins.module_utils._archive.compression import LEVELS, Compression
from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import groups_of
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchiveIndex, read_index
from ansible_collections.gantry.docker.plugins.module_utils._archive.thin import document_archive, held_layers
from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify_pieces
from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import Part, assembled
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform
from ansible_collections.gantry.docker.plugins.plugin_utils._delivery.once import made_once, path_in

# The documents that any archive may have, however small it is: see the limits in docs/archives.md.
_MOST_DOCUMENTS = 4 << 20


class Source(Protocol):
    """The archive that images come from."""

    @property
    def archive(self) -> str:
        """The words for it in messages, after "The archive"."""

    @property
    def stamp(self) -> tuple[object, ...]:
        """A value that is another one for other content."""

    def read(self) -> AbstractContextManager[ArchiveIndex]:
        """Give its index; raise GantryError."""

    def thin(self, documents: ArchiveIndex, names: Collection[str]) -> AbstractContextManager[Iterator[Part]]:
        """Give the parts of an archive with these layers, which the reader verifies; raise GantryError.

        documents: the content of the document archive, which has these names for the layers.
        """


class Delivery:
    """Makes the archives for hosts in a directory that all processes of a run share, each once."""

    def __init__(self, source: Source, directory: str) -> None:
        self._source = source
        self._directory = directory

    def documents(self) -> str:
        """Return the path of an archive with the documents and no layers; raise GantryError."""

        def make(file: BinaryIO) -> None:
            with self._source.read() as index:
                self._pack(document_archive(index), file, index, "gzip")

        return made_once(self._path("documents"), make)

    def held(self) -> dict[str, int]:
        """Return the sizes of the layers that the archive holds, as the document archive calls them."""
        return held_layers(read_index(self.documents()))

    def subjects(self) -> tuple[tuple[str, str], ...]:
        """Return the names and digests of all images in the archive, as the verifier gets them."""
        index = read_index(self.documents())
        # Images of one index have one digest, so it doesn't matter which of them the engine shows.
        groups = groups_of(index._replace(images=images_of(index)), lambda: Platform("", "", ""), lambda: True)
        return tuple(subject for group in groups for subject in group.subjects)

    def thin(self, names: Collection[str], kind: str) -> str:
        """Return the path of an archive with these layers, whose content is verified; raise GantryError.

        names: as the document archive calls the layers. kind: none, gzip or zstd.
        """
        documents = read_index(self.documents())
        gone = sorted(set(names) - set(held_layers(documents)))
        if gone:
            raise GantryError(
                f"The archive {self._source.archive} is thin: it leaves out layers that this host's engine doesn't "
                f"have ({', '.join(gone)}). Load or pull an image with them there first, or save the archive whole "
                "(without exclude_layers_of)."
            )

        def make(file: BinaryIO) -> None:
            with self._source.thin(documents, names) as parts:
                self._pack(parts, file, documents, kind)

        return made_once(self._path("thin", kind, *sorted(names)), make)

    def _path(self, *parts: str) -> str:
        """Return the path for what is made of the archive: another one for each content."""
        return path_in(self._directory, self._source.stamp, *parts)

    def _pack(self, parts: Iterable[Part], file: BinaryIO, index: ArchiveIndex, kind: str) -> None:
        """Write an archive, and verify it on the way; raise GantryError."""
        if sum(map(len, index.documents.values())) > _MOST_DOCUMENTS:
            # A reader takes so many documents only from a large file.
            kind = "none"
        level = LEVELS[kind][1] if kind in LEVELS else 0
        with Packer(file, Compression(kind, level, 0)) as packer:
            packer.finish(verify_pieces(packer.tee(assembled(parts)), self._source.archive))


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
