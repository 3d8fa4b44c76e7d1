# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Images that come from an engine of the controller, whose archive passes by and isn't stored."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from typing import BinaryIO

from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchiveIndex, read_pieces, unusable
from ansible_collections.gantry.docker.plugins.module_utils._archive.thin import thin_archive_of_stream
from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify_pieces
from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import Part
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine, connect
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, Unreadable
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import parse_tag
from ansible_collections.gantry.docker.plugins.module_utils._transfer.engine_archives import Transfers
from ansible_collections.gantry.docker.plugins.module_utils._transfer.found import check_complete
from ansible_collections.gantry.docker.plugins.module_utils._transport.address import CONNECTION_SPEC, place
from ansible_collections.gantry.docker.plugins.plugin_utils._delivery.delivery import Source
from ansible_collections.gantry.docker.plugins.plugin_utils._delivery.file import ArchiveFile
from ansible_collections.gantry.docker.plugins.plugin_utils._delivery.once import made_once, path_in

# From this version on, an archive has its layers as blobs. Before, the names of layers differ from save to save.
_FIRST_WITH_BLOBS = (25,)
_WRITTEN = "that the controller's engine wrote"


class EngineImages:
    """Images of an engine, as a source. ids: their Ids."""

    archive = _WRITTEN

    def __init__(self, engine: Engine, names: Sequence[str], ids: Sequence[str], verify: bool) -> None:
        self._engine, self._names, self._verify = engine, names, verify
        self.stamp: tuple[object, ...] = (str(engine.options["address"]), tuple(names), tuple(ids), verify)

    @contextmanager
    def read(self) -> Iterator[ArchiveIndex]:
        """Give the index of the archive; raise GantryError."""
        index = (verify_pieces if self._verify else read_pieces)(self.pieces(), _WRITTEN)
        check_complete(index)
        yield index

    @contextmanager
    def thin(self, documents: ArchiveIndex, names: Collection[str]) -> Iterator[Iterator[Part]]:
        """Give the parts of an archive with these layers; raise GantryError."""
        try:
            yield thin_archive_of_stream(documents, names, self.pieces())
        except Unreadable as error:
            raise unusable(_WRITTEN, error) from error

    def pieces(self) -> Iterator[bytes]:
        """Yield the archive as it comes."""
        return Transfers(self._engine).save(self._names)


@contextmanager
def images_of_engine(docker_host: str | None, names: Sequence[str], verify: bool, directory: str) -> Iterator[Source]:
    """Give the source of an engine's images by their tags; raise GantryError if the engine doesn't have them.

    docker_host: the address of the engine; None for that of the environment. directory: of all processes of a run, for
    the archive of an engine that writes no blobs.
    """
    tags = tuple(dict.fromkeys(parse_tag(name).tagged for name in names))
    try:
        engine = connect(dict.fromkeys(CONNECTION_SPEC) | {"docker_host": docker_host})
    except EngineError as error:
        raise GantryError(f"{error.message} This is the controller's engine, for src_images.") from error
    with closing(engine):
        found = engine.find_all(tags)
        absent = [tag for tag in tags if tag not in found]
        if absent:
            raise GantryError(
                f"The controller's engine ({place(engine.options)}) has no {', '.join(absent)}. Pull or load it there, "
                "or correct src_images or src_docker_host."
            )
        images = EngineImages(engine, tags, [found[tag].id for tag in tags], verify)
        yield images if engine.version >= _FIRST_WITH_BLOBS else _stored(images, verify, directory)


def _stored(images: EngineImages, verify: bool, directory: str) -> ArchiveFile:
    """Return the archive of an engine as a file."""

    def make(file: BinaryIO) -> None:
        file.writelines(images.pieces())

    path = made_once(path_in(directory, images.stamp), make)
    return ArchiveFile(path, lambda: nullcontext(path), verify)
