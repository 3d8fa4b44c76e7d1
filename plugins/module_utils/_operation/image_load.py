# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Load images from an archive: those that the engine lacks, and of them the layers that it lacks."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.artifacts import Artifact, artifacts_of, images_of
from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import (
    ArchivedGroup,
    archived_identity,
    archived_tag,
    groups_of,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import (
    ArchivedImage,
    ArchiveIndex,
    opened,
    read_index_of,
    read_pieces,
    reading,
)
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image, ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.identity import described
from ansible_collections.gantry.docker.plugins.module_utils._image.layers import chain_ids
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform, parse_platform
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import parse_tag
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan, Report, Taken

if TYPE_CHECKING:
    from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import Part

# moby, image/tarexport/load.go and daemon/containerd/image_exporter.go
_LOADED_TAG, _LOADED_ID = "Loaded image: ", "Loaded image ID: "


class Wanted(NamedTuple):
    """What the user wants.

    path: the archive's, on this host. names: the tags to load; none for all. platforms: those to have of each image;
    none for all. full: whether to send all layers. verify: whether to read all of the archive first.
    """

    path: str
    names: tuple[str, ...]
    platforms: tuple[Platform, ...]
    full: bool
    verify: bool


class Source(NamedTuple):
    """The archive's file, open from the first reading to the last sending, so that both are of the same file.

    stamp: its size in bytes, and when its content and its attributes last changed, as it was opened.
    """

    path: str
    file: BinaryIO
    stamp: tuple[int, ...]

    @property
    def changed(self) -> bool:
        """Whether the file was written to since it was opened."""
        return _stamp(self.file) != self.stamp


class Former(NamedTuple):
    """The engine's images before a load: the Ids that all tags name, and the Ids of all images."""

    tags: Mapping[str, str]
    ids: frozenset[str]


class Observed(NamedTuple):
    """What the archive holds, and what the engine has of it.

    artifacts: what it holds beside images. groups: what the engine would make an image of each. here: the image that
    each of their names means now, if there is one; an image without a tag means its like.
    former, chains (the chain IDs of all layers that are here), containerd: what the engine has and is. These are asked
    for only if something has to be loaded.
    """

    source: Source
    archive: ArchiveIndex
    artifacts: tuple[Artifact, ...]
    groups: tuple[ArchivedGroup, ...]
    here: Mapping[str, Image | None]
    former: Former
    chains: frozenset[str]
    containerd: bool


class Load(NamedTuple):
    """Send what is missing of the archive.

    groups: what must be there afterwards. left_out: the entries of layers that needn't be sent.
    former: what there was before, which a load that fails brings back.
    """

    source: Source
    archive: ArchiveIndex
    groups: tuple[ArchivedGroup, ...]
    left_out: frozenset[str]
    containerd: bool
    former: Former

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"Loaded {', '.join(name for group in self.groups for name in group.names)} from {self.source.path}"

    @property
    def task(self) -> str:
        """What is tried, as in errors.trying_to."""
        return f"load {self.source.path}"

    @property
    def tags(self) -> frozenset[str]:
        """The tags that it gives."""
        return frozenset(tag for group in self.groups for tag in group.tags)


class Loaded(NamedTuple):
    """How a load came out: the bytes of the archive that were sent and that were not, and the engine's own words."""

    bytes_sent: int
    bytes_skipped: int
    stdout: str


def parse(params: Mapping[str, Any]) -> Wanted:
    """What is wanted, from the module's parameters; raises InvalidInput."""
    path = params["path"]
    if not os.path.isabs(path):
        raise InvalidInput(f"path is '{path}', and must be an absolute path, as /var/lib/images/all.tar.")
    names = tuple(dict.fromkeys(parse_tag(name).tagged for name in params["names"] or ()))
    platforms = tuple(dict.fromkeys(parse_platform(platform) for platform in params["platforms"] or ()))
    return Wanted(path, names, platforms, params["transfer"] == "full", params["verify"])


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Read the archive's index, look for its images, and for their layers where some are missing."""
    if not os.path.exists(wanted.path):
        raise GantryError(f"There is no file {wanted.path} on this host. Copy the archive there, or correct path.")
    file = cleanup.enter_context(opened(wanted.path))
    source = Source(wanted.path, file, _stamp(file))
    index = _read(wanted, file)
    with reading(wanted.path):
        images, artifacts = images_of(index), artifacts_of(index)
    groups = _groups(engine, wanted, index._replace(images=images))
    tags = sorted({tag for group in groups for tag in group.tags})
    tagged = engine.find_all(tags)
    untagged = {group.names[0]: _find(engine, group) for group in groups if not group.tags}
    here = {tag: _with_parts(engine, group, tagged.get(tag)) for group in groups for tag in group.tags}
    here.update(untagged)
    complete = all(_is_here(group, here) for group in groups)
    rows = () if complete else engine.images.all()
    needed = not complete and (not wanted.full or bool(index.left_out))
    return Observed(
        source=source,
        archive=index,
        artifacts=artifacts,
        groups=groups,
        here=here,
        former=Former({tag: row.id for row in rows for tag in row.tags}, frozenset(row.id for row in rows)),
        chains=_chains(engine, rows) if needed else frozenset(),
        containerd=not complete and engine.containerd_store,
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
    step = Load(
        source=observed.source,
        archive=index,
        groups=absent,
        left_out=frozenset() if wanted.full else frozenset(there),
        containerd=observed.containerd,
        former=observed.former,
    )
    return Plan(
        steps=(step,),
        before={name: _before(group, observed.here[name]) for group in absent for name in group.names},
        after={name: described(archived_identity(group.image)) for group in absent for name in group.names},
    )


def apply(engine: Engine, step: Load) -> Loaded:
    """Send the archive, at first without the layers that the engine has, and see what came of it.

    A load that fails leaves the tags as they were.
    """
    sent = _Sent()
    must_be_left_out = frozenset(step.archive.left_out)
    skipped = step.left_out - must_be_left_out
    try:
        if skipped:
            try:
                said = _send(engine, step, step.left_out | must_be_left_out, sent)
            except EngineError:
                # The store has these layers in another form, or not any more.
                skipped = frozenset()
        if not skipped:
            said = _send(engine, step, must_be_left_out, sent)
    except BaseException as problem:  # pylint: disable=broad-exception-caught
        wrong = _undo(engine, step, sent.said)
        if not isinstance(problem, GantryError):
            raise
        advice = "The file was changed meanwhile: try again when it is complete." if step.source.changed else ""
        raise GantryError(" ".join(part for part in (problem.message, advice, wrong) if part)) from problem
    bytes_skipped = sum(step.archive.entries[entry].size for entry in skipped)
    return Loaded(sent.bytes, bytes_skipped, "\n".join(said))


def report(engine: Engine, wanted: Wanted, observed: Observed, planned: Plan, taken: Sequence[Taken]) -> Report:
    """The archive's images that are here now, as inspected; those that nothing was loaded of as they were observed."""
    found = [
        observed.here[group.names[0]] if _is_here(group, observed.here) else _named(engine, group, group.names[0])
        for group in observed.groups
    ]
    images = [dict(image.inspected) for image in found if image]
    names = [name for group, image in zip(observed.groups, found) if image for name in group.tags or (image.id,)]
    told: dict[str, Any] = {"images": images, "image_names": names}
    if len(found) == len(images) == 1:
        told["image"] = images[0]
    if observed.artifacts:
        told["artifacts"] = [artifact._asdict() for artifact in observed.artifacts]
    told["loaded"] = [
        {"name": name, "before": former.id if (former := observed.here[name]) else None}
        for step, _loaded in taken
        for group in step.groups
        for name in group.names
    ]
    for _step, loaded in taken:
        told.update(loaded._asdict() if loaded else {})
    return Report(told)


class _Sent:
    """Counts bytes on their way, and keeps what the engine says to them."""

    def __init__(self) -> None:
        self.bytes = 0
        self.said: list[str] = []

    def counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.bytes += len(piece)
            yield piece


def _read(wanted: Wanted, file: BinaryIO) -> ArchiveIndex:
    """The archive's index, after all of it was read if that is wanted."""
    if not wanted.verify:
        return read_index_of(file, wanted.path)
    # Without it, nobody reads layers before they are sent.
    from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify_of

    return verify_of(file, wanted.path)


def _stamp(file: BinaryIO) -> tuple[int, ...]:
    status = os.fstat(file.fileno())
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _chains(engine: Engine, rows: Iterable[ImageSummary]) -> frozenset[str]:
    """The chain IDs of all layers of those of these images that are whole."""
    whole = (image for image in engine.find_listed(rows).values() if image.whole)
    return frozenset(chain for image in whole for chain in chain_ids(image.diff_ids))


def _same(group: ArchivedGroup, image: Image | None) -> bool:
    """Whether an image of the engine is the archive's, for all its platforms, and whole."""
    if image is None:
        return False
    if image.manifests and group.manifests:
        lacking = group.manifests - _available(image)
        if not lacking or len(group.images) > 1:
            return not lacking
    return image.whole and group.has(image.identity)


def _with_parts(engine: Engine, group: ArchivedGroup, image: Image | None) -> Image | None:
    """The image, with what it consists of where that matters.

    Of an image for several platforms the engine describes one, and only asked so tells of the others.
    """
    if image is None or image.manifests or (len(group.images) == 1 and group.has(image.identity)):
        return image
    return image._replace(manifests=engine.images.manifests(image.id))


def _available(image: Image) -> set[str]:
    """The digests of those manifests of an image whose content is all here."""
    return {str(part["ID"]) for part in image.manifests if part.get("Available")}


def _before(group: ArchivedGroup, image: Image | None) -> dict[str, Any] | None:
    """An image in the diff; with what is to be mended of it, if it is the archive's and not whole."""
    if image is None:
        return None
    told = described(image.identity)
    if told == described(archived_identity(group.image)) and not _same(group, image):
        available = _available(image)
        lacking = [archived for archived in group.images if archived.manifest_digest not in available]
        told["lacks"] = sorted(str(archived_identity(archived).platform) for archived in lacking)
    return told


def _groups(engine: Engine, wanted: Wanted, index: ArchiveIndex) -> tuple[ArchivedGroup, ...]:
    """What the engine would make an image of each, of what is wanted."""
    if wanted.platforms:
        for group in _chosen(wanted, groups_of(index, lambda: engine.platform, lambda: True)):
            _check_platforms(engine, wanted, group)
        images = tuple(image for image in index.images if _is_for(wanted.platforms, image))
        index = index._replace(images=images)
    return _chosen(wanted, groups_of(index, lambda: engine.platform, lambda: engine.containerd_store))


def _is_for(platforms: Iterable[Platform], image: ArchivedImage) -> bool:
    has = archived_identity(image).platform
    return any(platform.includes(has) for platform in platforms)


def _check_platforms(engine: Engine, wanted: Wanted, group: ArchivedGroup) -> None:
    """Raise GantryError unless the archive has an image for all platforms that are wanted, and the engine can too."""
    name = ", ".join(group.names)
    lacking = [platform for platform in wanted.platforms if not any(_is_for([platform], i) for i in group.images)]
    if lacking:
        has = sorted({str(archived_identity(image).platform) for image in group.images})
        raise GantryError(
            f"The archive {wanted.path} has {name} for {', '.join(has)}, and not for "
            f"{', '.join(map(str, lacking))}. Leave that out of platforms, or name the images that have it in names."
        )
    if sum(_is_for(wanted.platforms, image) for image in group.images) > 1 and not engine.containerd_store:
        raise GantryError(
            f"Several platforms of {name} are wanted, and this engine's classic store keeps an image for one alone. "
            "Name one in platforms."
        )


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


def _send(engine: Engine, step: Load, left_out: frozenset[str], sent: _Sent) -> tuple[str, ...]:
    """Load the archive without some layers; what the engine said.

    Raises GantryError unless all images are here then, and no others.
    """
    # As in _parts: only a task that has something to load needs it.
    from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import assembled_size
    from ansible_collections.gantry.docker.plugins.module_utils._engine.transfers import Transfers

    parts = _parts(step, left_out)
    begun = len(sent.said)
    Transfers(engine).load(sent.counted(_pieces(step, parts)), assembled_size(parts), step.task, sent.said)
    said = tuple(sent.said[begun:])
    answer = f" It said: {'; '.join(said)}." if said else ""
    others = _unexpected(engine, step, said)
    if others:
        raise GantryError(
            f"Can't {step.task}: the engine loaded {', '.join(others)} too, which it wasn't sent.{answer} "
            "Is something between this host and the engine?"
        )
    bad = [name for group in step.groups for name in _wrong(engine, step, group, bool(left_out))]
    if bad:
        raise EngineError(
            f"Can't {step.task}: the engine took it, but has no {', '.join(bad)} as in it.{answer} "
            "Look at the engine's log ('journalctl -u docker'), then try again."
        )
    return said


def _parts(step: Load, left_out: frozenset[str]) -> list[Part]:
    """What to send: what was read of the archive, and of the file the layers that are wanted."""
    # With what it takes to write archives, which a task that has nothing to load need not wait for.
    from ansible_collections.gantry.docker.plugins.module_utils._archive.compressed import Unpacker
    from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import parts_to_load

    data = Unpacker(step.source.file, step.archive).data
    with reading(step.source.path):
        return list(parts_to_load(step.archive, step.groups, left_out, data))


def _pieces(step: Load, parts: Iterable[Part]) -> Iterator[bytes]:
    """The bytes to send, put together on the way."""
    from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import assembled

    with reading(step.source.path):
        yield from assembled(parts)


def _reported(said: Iterable[str]) -> tuple[list[str], list[str]]:
    """The tags, and the Ids of images without one, that an engine says it has loaded."""
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


def _unexpected(engine: Engine, step: Load, said: Iterable[str]) -> list[str]:
    """What the engine says it has loaded that is not to be loaded."""
    tags, ids = _reported(said)
    untagged = [group for group in step.groups if not group.tags]
    others = []
    for image_id in ids:
        image = engine.images.find(image_id)
        known = (image_id in group.digests or _same(group, _with_parts(engine, group, image)) for group in untagged)
        if not any(known):
            others.append(image_id)
    return [*(tag for tag in tags if tag not in step.tags), *others]


def _wrong(engine: Engine, step: Load, group: ArchivedGroup, thin: bool) -> list[str]:
    """The names under which the image isn't here as it should be."""
    wrong = []
    for name in group.names:
        here = _named(engine, group, name)
        if here is None or not _same(group, here) or (thin and step.containerd and not _is_whole(engine, here)):
            wrong.append(name)
    return wrong


def _is_whole(engine: Engine, image: Image) -> bool:
    """Whether a containerd store has all that the image is made of: it may run, and not be saved again."""
    parts = image.manifests or engine.images.manifests(image.id)
    if parts:
        return image._replace(manifests=parts).whole
    from ansible_collections.gantry.docker.plugins.module_utils._engine.transfers import Transfers

    # Before 28 an engine doesn't tell, but it can be asked for the image.
    pieces = Transfers(engine).save([image.id])
    return not any(archived.missing for archived in read_pieces(pieces, "that the engine wrote").images)


def _find(engine: Engine, group: ArchivedGroup) -> Image | None:
    """The engine's copy of an image without a tag.

    A store may name it by the digest of its config, its manifest or its index. What a containerd store makes of an
    archive without manifests has a digest that nobody knows before, but keeps the time of creation.
    """
    direct = (_with_parts(engine, group, engine.images.find(digest)) for digest in group.digests)
    found = next((candidate for candidate in direct if _same(group, candidate)), None)
    created = archived_identity(group.image).created
    if found or not created:
        return found
    same_time = (row.id for row in engine.images.all() if row.created == created[0])
    candidates = (_with_parts(engine, group, engine.images.find(image_id)) for image_id in same_time)
    return next((candidate for candidate in candidates if _same(group, candidate)), None)


def _named(engine: Engine, group: ArchivedGroup, name: str) -> Image | None:
    """What one of the image's names means on the engine."""
    return _with_parts(engine, group, engine.images.find(name)) if group.tags else _find(engine, group)


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


def _undo(engine: Engine, step: Load, said: Iterable[str]) -> str:
    """Let all tags that the load may have moved name again what they named, and remove what came without a tag.

    Returns what is still wrong and how to mend it, as sentences; nothing if all is as before.
    """
    tags, ids = _reported(said)
    names = sorted(step.tags.union(tags))
    try:
        now = {tag: row.id for row in engine.images.all() for tag in row.tags}
    except GantryError:
        return _to_mend(step.former, names)
    made = {now[name] for name in names if name in now}.union(ids)
    wrong = [name for name in names if not _restored(engine, name, step.former.tags.get(name), now.get(name))]
    with suppress(GantryError):
        untagged = (_find(engine, group) for group in step.groups if not group.tags)
        made.update(image.id for image in untagged if image)
    for image_id in made - step.former.ids:
        try:
            engine.images.discard(image_id)
        except GantryError:
            wrong.append(image_id)
    return _to_mend(step.former, wrong)


def _restored(engine: Engine, name: str, former: str | None, now: str | None) -> bool:
    """Let a tag name again what it named; whether it does."""
    try:
        if former and now != former:
            engine.images.tag(former, parse_tag(name))
        elif not former:
            # The list may lack an image that is broken.
            engine.images.remove(name, delete_parents=False)
    except EngineError as error:
        return former is None and error.status == 404
    except GantryError:
        return False
    return True


def _to_mend(former: Former, names: Sequence[str]) -> str:
    if not names:
        return ""
    commands = [
        f"docker tag {former.tags[name]} {name}" if name in former.tags else f"docker image rm {name}" for name in names
    ]
    return (
        f"What came of it couldn't be undone: {', '.join(names)} may be another image now than before. "
        f"Bring back what was there with: {'; '.join(commands)}."
    )
