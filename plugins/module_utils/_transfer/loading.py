# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""How the step of a load is taken: the archive is sent, the images are checked, and a load that failed is undone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress

from ansible_collections.gantry.docker.plugins.module_utils._archive.compressed import Unpacker
from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import ArchivedGroup, archived_tag
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import read_pieces, reading
from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import (
    Part,
    assembled,
    assembled_size,
    parts_to_load,
)
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import parse_tag
from ansible_collections.gantry.docker.plugins.module_utils._transfer.copies import (
    find_copy,
    is_copy,
    meant,
    with_parts,
)
from ansible_collections.gantry.docker.plugins.module_utils._transfer.engine_archives import Transfers
from ansible_collections.gantry.docker.plugins.module_utils._transfer.load_step import Former, Load, Loaded

# moby, image/tarexport/load.go and daemon/containerd/image_exporter.go
_LOADED_TAG, _LOADED_ID = "Loaded image: ", "Loaded image ID: "


def load(engine: Engine, step: Load) -> Loaded:
    """Send the archive, at first without the layers that the engine has, and return the outcome.

    Raise GantryError unless all images are here then, and no others. A load that fails leaves the tags as they were.
    """
    if step.lacking:
        raise GantryError(
            f"Can't {step.task}: layers that the engine had are gone meanwhile ({', '.join(step.lacking.values())}). "
            "Was something removed there? Try again."
        )
    sent = _Sent()
    must_be_left_out = frozenset(step.archive.left_out)
    skipped = step.left_out - must_be_left_out
    try:
        if skipped:
            try:
                said = _send(engine, step, step.left_out | must_be_left_out, sent)
            except EngineError:
                # The store has these layers in another form, or no longer has them.
                skipped = frozenset()
        if not skipped:
            said = _send(engine, step, must_be_left_out, sent)
    except BaseException as problem:  # pylint: disable=broad-exception-caught
        wrong = _undo(engine, step, sent.said)
        if not isinstance(problem, GantryError):
            raise
        advice = "The file was changed meanwhile: try again when it is complete." if step.source.changed else ""
        error = GantryError(" ".join(part for part in (problem.message, advice, wrong) if part))
        if isinstance(problem, EngineError) and step.there & must_be_left_out:
            # The store may have these layers in another form. The controller has them, if the archive came from there.
            error.results = {"delivery": {"again": True}}
        raise error from problem
    bytes_skipped = sum(step.archive.entries[entry].size for entry in skipped)
    return Loaded(sent.bytes, bytes_skipped, "\n".join(said))


class _Sent:
    """A counter of the bytes that were sent, with the engine's messages about them."""

    def __init__(self) -> None:
        self.bytes = 0
        self.said: list[str] = []

    def archive(self, path: str, parts: Iterable[Part]) -> Iterator[bytes]:
        """Yield the bytes to send of the archive at path, assembled on the way."""
        with reading(path):
            for piece in assembled(parts):
                self.bytes += len(piece)
                yield piece


def _send(engine: Engine, step: Load, left_out: frozenset[str], sent: _Sent) -> tuple[str, ...]:
    """Load the archive without some layers, and return the engine's messages; raise GantryError as load() does."""
    path, begun = step.source.path, len(sent.said)
    data = Unpacker(step.source.file, step.archive).data
    with reading(path):
        parts = list(parts_to_load(step.archive, step.groups, left_out, data))
    Transfers(engine).load(sent.archive(path, parts), assembled_size(parts), step.task, sent.said)
    said = tuple(sent.said[begun:])
    answer = f" It said: {'; '.join(said)}." if said else ""
    others = _unexpected(engine, step, said)
    if others:
        raise GantryError(
            f"Can't {step.task}: the engine loaded {', '.join(others)} too, which weren't sent to it.{answer} "
            "Does a proxy between this host and the engine change the archive?"
        )
    doubted = bool(left_out) and step.containerd
    named = ((group, name) for group in step.groups for name in group.names)
    bad = [name for group, name in named if not _is_there(engine, group, name, doubted)]
    if bad:
        raise EngineError(
            f"Can't {step.task}: the engine accepted it, but has no {', '.join(bad)} with the same content.{answer} "
            "Look at the engine's log ('journalctl -u docker'), then try again."
        )
    return said


def _is_there(engine: Engine, group: ArchivedGroup, name: str, doubted: bool) -> bool:
    """Return whether the image is here under one of its names. doubted: whether the store may lack a part of it."""
    here = meant(engine, group, name)
    return here is not None and is_copy(group, here) and (not doubted or _is_whole(engine, here))


def _is_whole(engine: Engine, image: Image) -> bool:
    """Return whether a containerd store has all parts of the image. Without some it may run, but can't be saved."""
    parts = image.manifests or engine.images.manifests(image.id)
    if parts:
        return image._replace(manifests=parts).whole
    # Engines before 28 don't report the parts, but can be asked for the image.
    pieces = Transfers(engine).save([image.id])
    return not any(archived.missing for archived in read_pieces(pieces, "that the engine wrote").images)


def _unexpected(engine: Engine, step: Load, said: Iterable[str]) -> list[str]:
    """Return the tags and Ids that the engine reports as loaded, but that the step doesn't load."""
    tags, ids = _reported(said)
    others = []
    for image_id in ids:
        image = engine.images.find(image_id)
        # A classic store also reports the Ids of images with tags if the last image has none (moby,
        # image/tarexport/load.go, Load).
        known = (image_id in group.digests or is_copy(group, with_parts(engine, group, image)) for group in step.groups)
        if not any(known):
            others.append(image_id)
    return [*(tag for tag in tags if tag not in step.tags), *others]


def _reported(said: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the tags, and the Ids of images without a tag, that an engine reports as loaded."""
    tags, ids = [], []
    for line in said:
        if line.startswith(_LOADED_TAG):
            name = line[len(_LOADED_TAG) :]
            with suppress(InvalidInput):
                name = archived_tag(name) or name
            tags.append(name)
        elif line.startswith(_LOADED_ID):
            ids.append(line[len(_LOADED_ID) :])
    return tags, ids


def _undo(engine: Engine, step: Load, said: Iterable[str]) -> str:
    """Move all tags that the load may have moved back to their images, and remove images that came without a tag.

    Return the remaining problems and their remedies, as sentences; "" if all is as before.
    """
    tags, ids = _reported(said)
    names = sorted(step.tags.union(tags))
    try:
        rows = engine.images.all()
    except GantryError:
        return _to_mend(step.former, names)
    now: dict[str, str] = {tag: row.id for row in rows for tag in row.tags}
    made = {now[name] for name in names if name in now}.union(ids)
    wrong = [name for name in names if not _restore(engine, name, step.former.tags.get(name), now.get(name))]
    with suppress(GantryError):
        untagged = (find_copy(engine, group) for group in step.groups if not group.tags)
        made.update(image.id for image in untagged if image)
    for image_id in made - step.former.ids:
        try:
            engine.images.discard(image_id)
        except GantryError:
            wrong.append(image_id)
    # The containerd store of Docker 26.1 forgets an image with its last tag.
    lost = set(step.former.tags.values()) - {row.id for row in rows}
    return _to_mend(step.former, wrong, lost)


def _restore(engine: Engine, name: str, former: str | None, now: str | None) -> bool:
    """Move a tag back to its former image, or remove it if it had none; return whether that succeeded."""
    try:
        if former and now != former:
            engine.images.tag(former, parse_tag(name))
        elif not former:
            # The list may lack an image that is flawed.
            engine.images.remove(name, delete_parents=False)
    except EngineError as error:
        return former is None and error.status == 404
    except GantryError:
        return False
    return True


def _to_mend(former: Former, names: Sequence[str], lost: Collection[str] = ()) -> str:
    """Return the possible problems with these names and their remedies, as sentences; "" for no names.

    lost: the Ids of former images that the engine no longer has.
    """
    if not names:
        return ""
    gone = [name for name in names if former.tags.get(name) in lost]
    commands = [
        f"docker tag {former.tags[name]} {name}" if name in former.tags else f"docker image rm {name}"
        for name in names
        if name not in gone
    ]
    sentences = [f"It couldn't be undone: {', '.join(names)} may be another image now than before."]
    if commands:
        sentences.append(f"Restore the former images with: {'; '.join(commands)}.")
    if gone:
        sentences.append(f"The engine no longer has the former image of {', '.join(gone)}: pull or load it again.")
    return " ".join(sentences)
