# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""How the step of a save is taken: the archive is written beside its place, checked, and only then put there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from typing import BinaryIO

from ansible_collections.gantry.docker.plugins.module_utils._archive.compressed import Packer, Unpacker
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchiveIndex, read_index_of
from ansible_collections.gantry.docker.plugins.module_utils._archive.replacement import successor, sync
from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify_pieces
from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import (
    OutOfOrder,
    Part,
    assembled,
    parts_of,
    parts_of_stream,
)
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._transfer.engine_archives import Transfers
from ansible_collections.gantry.docker.plugins.module_utils._transfer.found import Found, check_complete, found_in
from ansible_collections.gantry.docker.plugins.module_utils._transfer.save_step import Save, Saved

# moby, image/tarexport/save.go: before 25 archives had the legacy layout. A layer that is met again is a link there.
_FIRST_WITH_LAYOUT = (25,)
# The words for the archive in messages.
_WRITTEN = "that the engine wrote"


def save(engine: Engine, step: Save) -> Saved:
    """Write the archive and put it in its place; return its SHA-256 if the step asks for it.

    Raise GantryError unless it is complete and holds the right images; the file that was there before stays then.
    """
    directory = os.path.dirname(step.path)
    with successor(step.path) as new:
        sha256 = _write(engine, step, new.file, directory)
        step.files.put(new.named(), step.path)
        sync(directory)
    return Saved(sha256)


def _write(engine: Engine, step: Save, file: BinaryIO, directory: str) -> str | None:
    """Write the archive while it arrives or, if that is impossible, after all of it is here."""
    if not step.right.left_out and (engine.version >= _FIRST_WITH_LAYOUT or not _repeats_layers(step.right)):
        try:
            return _pack(engine, step, parts_of_stream(Transfers(engine).save(step.names, step.only)), file)
        except OutOfOrder:
            file.seek(0)
            file.truncate()
    with tempfile.TemporaryFile(dir=directory) as whole:
        for piece in Transfers(engine).save(step.names, step.only):
            whole.write(piece)
        whole.flush()
        index = read_index_of(whole, _WRITTEN)
        check_complete(index)
        layers = (layer for image in index.images for layer in image.layers)
        left_out = frozenset(layer.entry for layer in layers if layer.diff_id in step.right.left_out)
        return _pack(engine, step, parts_of(index, index.images, left_out, Unpacker(whole, index).data), file)


def _repeats_layers(right: Found) -> bool:
    """Return whether images have a layer twice."""
    layers = [layer for image in right.held for layer in image.identity.diff_ids]
    return len(set(layers)) < len(layers)


def _pack(engine: Engine, step: Save, parts: Iterable[Part], file: BinaryIO) -> str | None:
    """Write an archive of these parts; return and raise as save() does."""
    with Packer(file, step.compression, step.checksum) as packer:
        index = verify_pieces(packer.tee(assembled(parts)), _WRITTEN)
        _check_right(engine, index, step)
        packer.finish(index)
    return packer.sha256


def _check_right(engine: Engine, index: ArchiveIndex, step: Save) -> None:
    """Raise GantryError unless the archive is complete and holds the right images."""
    check_complete(index)
    written = found_in(index, step.compression.kind, lambda: step.only or engine.platform)
    if step.only is None:
        written = written._replace(further_platforms=step.right.further_platforms)
    if written != step.right:
        raise GantryError(f"The engine wrote other images than {', '.join(step.names)}: they changed. Try again.")
