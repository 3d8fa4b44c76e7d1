# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load images from an archive: those that the engine lacks, and of them the layers that it lacks."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any, BinaryIO, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils.engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils.engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils.engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils.image.archive import (
    ArchiveIndex,
    opened,
    read_index_of,
    read_pieces,
    reading,
)
from ansible_collections.gantry.docker.plugins.module_utils.image.archived import (
    ArchivedGroup,
    archived_identity,
    groups_of,
)
from ansible_collections.gantry.docker.plugins.module_utils.image.errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils.image.identity import described
from ansible_collections.gantry.docker.plugins.module_utils.image.layers import chain_ids
from ansible_collections.gantry.docker.plugins.module_utils.image.reference import parse_tag
from ansible_collections.gantry.docker.plugins.module_utils.operation.plan import Plan

_PIECE = 1024 * 1024
# moby, pkg/archive: zstd since 23.0.
_FIRST_WITH_ZSTD = (23,)


class Wanted(NamedTuple):
    """path: the archive's, on this host. names: the tags to load; none for all. full: whether to send all layers."""

    path: str
    names: tuple[str, ...]
    full: bool


class Stamp(NamedTuple):
    """What tells whether a file is still the same: the file itself, its size in bytes, when it last changed."""

    device: int
    inode: int
    size: int
    changed: int


class Observed(NamedTuple):
    """What the archive holds, and what the engine has of it.

    stamp: what tells that the archive is still the same file. groups: what the engine would make an image of each.
    here: the image that each of their names means now, if there is one; an image without a tag means its like.
    chains: the chain IDs of all layers that are here. containerd, zstd: the engine's store, and whether it reads zstd.
    These are asked for only if something has to be loaded.
    """

    archive: ArchiveIndex
    stamp: Stamp
    groups: tuple[ArchivedGroup, ...]
    here: Mapping[str, Image | None]
    chains: frozenset[str]
    containerd: bool
    zstd: bool


class Load(NamedTuple):
    """Send what is missing of the archive.

    groups: what must be there afterwards. left_out: the entries of layers that needn't be sent. as_it_is: whether
    all of the archive can be sent as it lies there. former: the Ids that its tags name before.
    """

    path: str
    stamp: Stamp
    archive: ArchiveIndex
    groups: tuple[ArchivedGroup, ...]
    left_out: frozenset[str]
    as_it_is: bool
    unpack: bool
    containerd: bool
    former: Mapping[str, str | None]

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"Loaded {', '.join(name for group in self.groups for name in group.names)} from {self.path}"

    def sends_all(self, left_out: frozenset[str]) -> bool:
        """Whether the archive goes as it lies there, when these entries are left out; it may lack them anyway."""
        return self.as_it_is and left_out <= set(self.archive.left_out)


def parse(params: Mapping[str, Any]) -> Wanted:
    """What is wanted, from the module's parameters; raises InvalidInput."""
    path = params["path"]
    if not os.path.isabs(path):
        raise InvalidInput(f"path is '{path}', and must be an absolute path, as /var/lib/images/all.tar.")
    names = tuple(dict.fromkeys(parse_tag(name).tagged for name in params["names"] or ()))
    return Wanted(path, names, params["transfer"] == "full")


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Read the archive's index, look for its images, and for their layers where some are missing."""
    if not os.path.exists(wanted.path):
        raise GantryError(f"There is no file {wanted.path} on this host. Copy the archive there, or correct path.")
    with opened(wanted.path) as file:
        index, stamp = read_index_of(file, wanted.path), _stamp(file)
    groups = _chosen(wanted, groups_of(index, lambda: engine.platform, lambda: engine.containerd_store))
    tags = sorted({tag for group in groups for tag in group.tags})
    tagged = engine.find_all(tags)
    untagged = {group.names[0]: _find(engine, group) for group in groups if not group.tags}
    here = {**{tag: tagged.get(tag) for tag in tags}, **untagged}
    complete = all(_is_here(group, here) for group in groups)
    needed = not complete and (not wanted.full or bool(index.left_out))
    return Observed(
        archive=index,
        stamp=stamp,
        groups=groups,
        here=here,
        chains=_chains(engine) if needed else frozenset(),
        containerd=not complete and engine.containerd_store,
        zstd=not complete and engine.version >= _FIRST_WITH_ZSTD,
    )


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Load what isn't here under each of its tags."""
    _refuse_incomplete(wanted.path, observed.groups)
    absent = tuple(group for group in observed.groups if not _is_here(group, observed.here))
    if not absent:
        return Plan()
    index = observed.archive
    there = _entries_there(absent, observed)
    lacking = {entry: diff_id for entry, diff_id in _left_out_of(index, absent).items() if entry not in there}
    if lacking:
        raise GantryError(_needs(wanted.path, lacking, observed))
    everything = sum(len(group.images) for group in absent) == len(index.images) and not wanted.names
    names = [name for group in absent for name in group.names]
    step = Load(
        path=wanted.path,
        stamp=observed.stamp,
        archive=index,
        groups=absent,
        left_out=frozenset() if wanted.full else frozenset(there),
        # A classic store reads manifest.json alone.
        as_it_is=everything and (observed.containerd or all(image.listed for image in index.images)),
        unpack=index.compression == "zstd" and not observed.zstd,
        containerd=observed.containerd,
        former={name: image.id if (image := observed.here[name]) else None for name in names},
    )
    return Plan(
        steps=(step,),
        before={name: described(image.identity) if (image := observed.here[name]) else None for name in names},
        after={name: described(archived_identity(group.image)) for group in absent for name in group.names},
    )


def apply(engine: Engine, step: Load) -> Mapping[str, Any]:
    """Send the archive, at first without the layers that the engine has, and see what came of it."""
    sent = _Sent()
    must_be_left_out = frozenset(step.archive.left_out)
    skipped = step.left_out - must_be_left_out
    try:
        if skipped:
            try:
                _send(engine, step, step.left_out | must_be_left_out, sent)
            except EngineError:
                # The store has these layers in another form, or not any more.
                skipped = frozenset()
        if not skipped:
            _send(engine, step, must_be_left_out, sent)
    except GantryError as problem:
        raise _after_cleaning_up(engine, step, problem) from problem
    return {"bytes_sent": sent.bytes, "bytes_skipped": sum(step.archive.entries[entry].size for entry in skipped)}


def report(engine: Engine, wanted: Wanted, observed: Observed) -> Mapping[str, Any]:
    """The archive's images that are here now, as inspected; those that nothing was loaded of as they were observed."""
    found = [
        observed.here[group.names[0]] if _is_here(group, observed.here) else _named(engine, group, group.names[0])
        for group in observed.groups
    ]
    images = [dict(image.inspected) for image in found if image]
    names = [name for group, image in zip(observed.groups, found) if image for name in group.tags or (image.id,)]
    return {"images": images, "image_names": names, **({"image": images[0]} if len(found) == len(images) == 1 else {})}


class _Sent:
    """Counts bytes on their way."""

    def __init__(self) -> None:
        self.bytes = 0

    def counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.bytes += len(piece)
            yield piece


def _stamp(file: BinaryIO) -> Stamp:
    status = os.fstat(file.fileno())
    return Stamp(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _chains(engine: Engine) -> frozenset[str]:
    """The chain IDs of all layers of all images."""
    images = engine.find_listed(engine.images.all())
    return frozenset(chain for image in images.values() for chain in chain_ids(image.diff_ids))


def _same(group: ArchivedGroup, image: Image | None) -> bool:
    return image is not None and group.has(image.identity)


def _chosen(wanted: Wanted, groups: Sequence[ArchivedGroup]) -> tuple[ArchivedGroup, ...]:
    """The groups, or those that have one of the names that are wanted, under these only."""
    if not wanted.names:
        return tuple(groups)
    there = {tag for group in groups for tag in group.tags}
    missing = [name for name in wanted.names if name not in there]
    if missing:
        raise GantryError(
            f"The archive {wanted.path} has no image {', '.join(missing)}. "
            f"It has {', '.join(sorted(there)) or 'only images without a tag'}."
        )
    chosen = (group._replace(tags=tuple(tag for tag in group.tags if tag in wanted.names)) for group in groups)
    return tuple(group for group in chosen if group.tags)


def _is_here(group: ArchivedGroup, here: Mapping[str, Image | None]) -> bool:
    """Whether all of its names mean the image."""
    return all(_same(group, here[name]) for name in group.names)


def _entries_there(groups: Collection[ArchivedGroup], observed: Observed) -> set[str]:
    """The entries of the layers that the engine has for each image that needs them.

    What is left out is looked for in a containerd store by the blobs' digests, which the legacy layout doesn't have.
    """
    if observed.containerd and observed.archive.format == "legacy":
        return set()
    there: set[str] = set()
    needed: set[str] = set()
    for image in (image for group in groups for image in group.images):
        for layer, chain in zip(image.layers, chain_ids(image.diff_ids)):
            (there if chain in observed.chains else needed).add(layer.entry)
    return there - needed


def _left_out_of(index: ArchiveIndex, groups: Collection[ArchivedGroup]) -> dict[str, str]:
    """What a thin archive leaves out of these images."""
    entries = {layer.entry for group in groups for image in group.images for layer in image.layers}
    return {entry: diff_id for entry, diff_id in index.left_out.items() if entry in entries}


def _needs(path: str, lacking: Mapping[str, str], observed: Observed) -> str:
    if observed.containerd and observed.archive.format == "legacy":
        return (
            f"The archive {path} is thin, and of a form that this engine's containerd store can't complete. Save it "
            "whole (without exclude_layers_of), or on an engine that is newer than 24."
        )
    return (
        f"The archive {path} is thin: it leaves out layers that this engine doesn't have "
        f"({', '.join(sorted(set(lacking.values())))}). Load or pull an image with them first, or save the archive "
        "whole (without exclude_layers_of)."
    )


def _send(engine: Engine, step: Load, left_out: frozenset[str], sent: _Sent) -> None:
    """Load the archive without some layers; raises GantryError unless all images are here then."""
    # As in _pieces: only a task that has something to load needs it.
    from ansible_collections.gantry.docker.plugins.module_utils.engine.archives import Archives

    with opened(step.path) as file:
        _check_same(file, step)
        size = step.stamp.size if step.sends_all(left_out) and not step.unpack else None
        said = Archives(engine).load(sent.counted(_pieces(file, step, left_out)), f"load {step.path}", size)
        _check_same(file, step)
    bad = [name for group in step.groups for name in _wrong(engine, step, group, bool(left_out))]
    if bad:
        answer = f" It said: {'; '.join(said)}." if said else ""
        raise EngineError(
            f"Can't load {step.path}: the engine took it, but has no {', '.join(bad)} as in it.{answer} "
            "Look at the engine's log ('journalctl -u docker'), then try again."
        )


def _check_same(file: BinaryIO, step: Load) -> None:
    if _stamp(file) != step.stamp:
        raise GantryError(f"The archive {step.path} was changed while it was read. Try again when it is complete.")


def _pieces(file: BinaryIO, step: Load, left_out: frozenset[str]) -> Iterator[bytes]:
    """The bytes to send: the file, or what of it is wanted, put together on the way."""
    # With what it takes to write archives, which a task that has nothing to load need not wait for.
    from ansible_collections.gantry.docker.plugins.module_utils.image.assembly import assembled, parts_of
    from ansible_collections.gantry.docker.plugins.module_utils.image.decompression import pieces_of, unpacked
    from ansible_collections.gantry.docker.plugins.module_utils.image.packing import Unpacker

    with reading(step.path):
        file.seek(0)
        if step.sends_all(left_out):
            as_it_lies = pieces_of(file, step.stamp.size)
            yield from unpacked(file, step.archive.compression) if step.unpack else as_it_lies
        else:
            images = [image for group in step.groups for image in group.under_its_tags()]
            data = Unpacker(file, step.archive).data
            yield from assembled(parts_of(step.archive, images, left_out, data, as_they_lie=True))


def _wrong(engine: Engine, step: Load, group: ArchivedGroup, thin: bool) -> list[str]:
    """The names under which the image isn't here as it should be."""
    wrong = []
    for name in group.names:
        here = _named(engine, group, name)
        whole = here is not None and (not thin or not step.containerd or _is_whole(engine, here, group))
        if not whole or not _same(group, here):
            wrong.append(name)
    return wrong


def _is_whole(engine: Engine, image: Image, group: ArchivedGroup) -> bool:
    """Whether a containerd store has all that the image is made of: it may run, and not be saved again."""
    known = engine.images.available(image.id)
    if known is not None:
        return all(digest in known for digest in group.manifests)
    from ansible_collections.gantry.docker.plugins.module_utils.engine.archives import Archives

    # Before 28 an engine doesn't tell, but it can be asked for the image.
    pieces = Archives(engine).save([image.id])
    return not any(archived.missing for archived in read_pieces(pieces, "that the engine wrote").images)


def _find(engine: Engine, group: ArchivedGroup) -> Image | None:
    """The engine's copy of an image without a tag.

    A store may name it by the digest of its config, its manifest or its index. What a containerd store makes of an
    archive without manifests has a digest that nobody knows before, but keeps the time of creation.
    """
    direct = (engine.images.find(digest) for digest in group.digests)
    found = next((candidate for candidate in direct if _same(group, candidate)), None)
    created = archived_identity(group.image).created
    if found or not created:
        return found
    same_time = (row.id for row in engine.images.all() if row.created == created[0])
    candidates = (engine.images.find(image_id) for image_id in same_time)
    return next((candidate for candidate in candidates if _same(group, candidate)), None)


def _named(engine: Engine, group: ArchivedGroup, name: str) -> Image | None:
    """What one of the image's names means on the engine."""
    return engine.images.find(name) if group.tags else _find(engine, group)


def _refuse_incomplete(path: str, groups: Sequence[ArchivedGroup]) -> None:
    if not groups:
        raise GantryError(f"The archive {path} holds no image. Save it again.")
    for group in groups:
        for image in group.images:
            if image.missing:
                raise GantryError(
                    f"The archive {path} can't be loaded: {', '.join(group.names)} isn't complete in it, it lacks "
                    f"{', '.join(image.missing)}. Save it again where the image is whole."
                )


def _after_cleaning_up(engine: Engine, step: Load, problem: GantryError) -> GantryError:
    """Let tags that aren't right name again what they named, and say which images came all the same.

    A classic store loads and checks one image after the other, so those that are there are right. A containerd store
    takes them all in before it unpacks any, and one that can't be unpacked looks like any other: there none stays.
    """
    loaded: list[str] = []
    broken: set[str] = set()
    with suppress(GantryError):
        for group in step.groups:
            wrong = list(group.names) if step.containerd else _wrong(engine, step, group, thin=False)
            loaded += [name for name in group.names if name not in wrong]
            broken |= {found for name in wrong for found in _restore(engine, group, name, step.former.get(name))}
        for image_id in broken:
            engine.images.discard(image_id)
    if not loaded:
        return problem
    return GantryError(f"{problem.message} Loaded all the same: {', '.join(loaded)}.")


def _restore(engine: Engine, group: ArchivedGroup, name: str, former: str | None) -> list[str]:
    """Let a name that isn't right name again what it named; the Ids of what may be left over."""
    here = _named(engine, group, name)
    if here is None and not former:
        return []
    if former and (here is None or here.id != former):
        engine.images.tag(former, parse_tag(name))
    elif group.tags and not former:
        engine.images.remove(name, delete_parents=False)
    return [here.id] if here and here.id != former else []
