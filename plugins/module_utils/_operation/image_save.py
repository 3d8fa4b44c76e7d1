# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Save images to an archive, unless it holds them already."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.compression import Compression, parse_compression
from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import Held, groups_of, held_by
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import (
    ArchiveIndex,
    read_index,
    read_index_of,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.leftovers import left_beside, remove_left
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.identity import described
from ansible_collections.gantry.docker.plugins.module_utils._image.layers import can_be_left_out
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform, parse_platform
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    ImageId,
    ImageName,
    Reference,
    parse_image_name,
)
from ansible_collections.gantry.docker.plugins.module_utils._plan import FILES, Files, Plan, Report, Taken

if TYPE_CHECKING:
    from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import Part

# moby, image/tarexport/save.go: until 25 archives had the legacy layout, in which layers may be links to others.
_FIRST_WITH_LAYOUT = (25,)
# From then on the size of a containerd store's image counts what is unpacked (daemon/containerd/image_inspect.go).
_FIRST_WITH_UNPACKED = (29, 7)


class Wanted(NamedTuple):
    """What the archive at path is to hold, and how.

    all_tags: whether an image keeps all of its tags there, not only those that are named. exclude: images, or
    DiffIDs, whose layers it needs not have. force: whether a file at path that is no archive of images may be replaced.
    verify: whether an archive that seems right is read whole.
    """

    names: tuple[ImageName, ...]
    all_tags: bool
    platform: Platform | None
    exclude: tuple[ImageName, ...]
    path: str
    compression: Compression
    force: bool
    files: Files
    verify: bool = False


class Found(NamedTuple):
    """What there is at path.

    held: the images in it. further_platforms: whether one of them is there for several. left_out: the DiffIDs of
    layers that a thin archive lacks. damaged: what is wrong with its content; "" as far as is known for nothing.
    foreign: whether another user can have put it there: one who could exchange it after it was found right.
    """

    held: frozenset[Held]
    further_platforms: bool
    left_out: frozenset[str]
    compression: str
    damaged: str = ""
    foreign: bool = False


class Observed(NamedTuple):
    """images: the image of each name. exclude: the DiffIDs of layers that can be left out. found: None for nothing.

    free: the bytes that the place has left. leftovers: files beside path that saves which were killed have left.
    measured: whether the images' sizes tell what an archive takes at the least.
    lacking: images that the engine saves for a platform only that is named, and those that they are here for.
    """

    images: Mapping[ImageName, Image | None]
    exclude: frozenset[str]
    found: Found | None
    free: int
    leftovers: tuple[str, ...] = ()
    measured: bool = True
    lacking: Mapping[ImageName, tuple[Platform, ...]] = {}


class Save(NamedTuple):
    """Write the archive.

    only: the platform to save. right: what the archive must be then. leftovers: as in Observed.
    """

    names: tuple[str, ...]
    only: Platform | None
    path: str
    right: Found
    compression: Compression
    files: Files
    leftovers: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"Saved {', '.join(self.names)} to {self.path}"


class Tidy(NamedTuple):
    """Remove what saves that were killed have left beside an archive. It changes nothing that anybody has asked for."""

    leftovers: tuple[str, ...]


def parse(params: Mapping[str, Any]) -> Wanted:
    """What is wanted, from the module's parameters; raises InvalidInput."""
    path = params["path"]
    if not os.path.isabs(path):
        raise InvalidInput(f"path is '{path}', and must be an absolute path, as /var/lib/images/all.tar.")
    return Wanted(
        names=tuple(dict.fromkeys(parse_image_name(name, params["tag"]) for name in params["names"])),
        all_tags=params["tags"] == "all",
        platform=parse_platform(params["platform"]) if params["platform"] else None,
        exclude=tuple(parse_image_name(name) for name in params["exclude_layers_of"] or ()),
        path=path,
        compression=parse_compression(
            path, params["compression"], params["compression_level"], params["compression_threads"]
        ),
        force=params["force"],
        files=params[FILES],
        verify=params["verify"],
    )


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Look up the images, and read what is at path."""
    _check_place(wanted)
    images = engine.ask_all(lambda one, name: one.images.meant(name, wanted.platform), wanted.names)
    leftovers = left_beside(wanted.path)
    free = _free(os.path.dirname(wanted.path)) + sum(map(os.path.getsize, leftovers))
    observed = Observed(
        images=images,
        exclude=frozenset(diff_id for name in wanted.exclude for diff_id in _layers_of(engine, name)),
        found=_read(engine, wanted) if os.path.lexists(wanted.path) else None,
        free=free,
        leftovers=leftovers,
        measured=not any(_is_in_doubt(engine, image, free) for image in images.values() if image),
    )
    if wanted.verify:
        observed = _proved(engine, wanted, observed)
    if wanted.platform or _is_right(wanted, observed):
        return observed
    return observed._replace(lacking=dict(_lacking(engine, _there(observed))))


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Save, unless the archive holds exactly these images under exactly these tags."""
    images = _there(observed)
    missing = [str(name) for name in wanted.names if name not in images]
    if missing:
        place = f" for {wanted.platform}" if wanted.platform else ""
        raise GantryError(
            f"There is no image {', '.join(missing)}{place} on this engine to save. Pull or load it first."
        )
    flaws = [f"{name} {image.flaw}" for name, image in images.items() if image.flaw]
    if flaws:
        raise GantryError(
            f"Can't save without all of an image's content: {'; '.join(flaws)}. Bring it back (image_pull, "
            "image_load), then save it."
        )
    right = _right(wanted, images, observed)
    if observed.found == right:
        return Plan(repeats=(Tidy(observed.leftovers),) if observed.leftovers else ())
    _check_platforms(observed)
    _check_space(wanted, images, right, observed)
    return Plan(
        steps=(
            Save(
                names=tuple(dict.fromkeys(saved for name in wanted.names for saved in _saved(name, images, wanted))),
                only=wanted.platform,
                path=wanted.path,
                right=right,
                compression=wanted.compression,
                files=wanted.files,
                leftovers=observed.leftovers,
            ),
        ),
        before={wanted.path: _shown(observed.found) if observed.found else None},
        after={wanted.path: _shown(right)},
    )


def apply(engine: Engine, step: Save | Tidy) -> str | None:
    """Write the archive beside its place, check it, and only then put it there; or remove what others left there."""
    remove_left(step.leftovers)
    if isinstance(step, Tidy):
        return None
    # As in _write: only a task that has something to save needs it.
    from ansible_collections.gantry.docker.plugins.module_utils._archive.replacement import successor, sync

    with successor(step.path) as new:
        sha256 = _write(engine, step, new.file)
        step.files.put(new.named(), step.path)
        sync(os.path.dirname(step.path))
    return sha256


def report(engine: Engine, wanted: Wanted, observed: Observed, planned: Plan, taken: Sequence[Taken]) -> Report:
    """Return the images as inspected, and the archive's path, size and, if it was written, its SHA-256."""
    images = [dict(image.inspected) for image in observed.images.values() if image]
    single = {"image": images[0]} if len(wanted.names) == 1 else {}
    size = os.path.getsize(wanted.path) if os.path.isfile(wanted.path) else 0
    written = [{"sha256": sha256} for _step, sha256 in taken if sha256]
    return Report({"images": images, **single, "path": wanted.path, "size": size, **(written[0] if written else {})})


def _check_place(wanted: Wanted) -> None:
    """Refuse a place where no file can be; raises InvalidInput."""
    path = wanted.path
    directory = os.path.dirname(path)
    if not os.path.isdir(directory):
        raise InvalidInput(f"There is no directory {directory} on this host to save to. Create it first.")
    if os.path.isdir(path):
        raise InvalidInput(f"{path} is a directory; path must name the archive, as {path.rstrip('/')}/images.tar.")
    if not os.access(directory, os.W_OK):
        raise InvalidInput(f"This user can't write to {directory}. Use 'become: true', or save elsewhere.")
    if os.geteuid() and wanted.files.is_foreign(path):
        raise InvalidInput(
            f"{path} belongs to another user, who alone can replace it there. Use 'become: true', or save elsewhere."
        )


def _layers_of(engine: Engine, name: ImageName) -> tuple[str, ...]:
    """The DiffIDs of an image's layers; what looks like an Id, and is none here, is a DiffID itself."""
    image = engine.images.meant(name)
    if image is not None:
        return image.diff_ids
    if isinstance(name, ImageId):
        return (str(name),)
    raise GantryError(
        f"There is no image {name} on this engine whose layers could be left out. Pull it, correct exclude_layers_of, "
        "or give the layers themselves (RootFS.Layers of the image where it is)."
    )


def _read(engine: Engine, wanted: Wanted) -> Found:
    foreign = wanted.files.is_foreign(wanted.path)
    try:
        index = read_index(wanted.path)
        found = _found(index, index.compression, lambda: wanted.platform or engine.platform)
        return found._replace(foreign=foreign)
    except GantryError as error:
        if wanted.force:
            return Found(frozenset(), False, frozenset(), "", foreign=foreign)
        raise GantryError(
            f"There is something at {wanted.path} already, and it is no archive of images that is whole: "
            f"{error.message} Remove it, or replace it by 'force: true'."
        ) from error


def _proved(engine: Engine, wanted: Wanted, observed: Observed) -> Observed:
    """What was observed, after an archive that would be left alone was read whole."""
    found = observed.found
    if found is None or not _is_right(wanted, observed):
        return observed
    from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify

    try:
        index = verify(wanted.path)
        _check_complete(index)
        same = _told_by(index) == _told_by(read_index(wanted.path))
        damage = "" if same else "Its index tells something else than its content."
    except GantryError as error:
        damage = error.message
    return observed._replace(found=found._replace(damaged=damage))


def _told_by(index: ArchiveIndex) -> ArchiveIndex:
    """What an index tells however it was read: not which documents were kept, and from where one can unpack."""
    return index._replace(documents={}, breaks=())


def _there(observed: Observed) -> dict[ImageName, Image]:
    """The images of those names that have one."""
    return {name: image for name, image in observed.images.items() if image}


def _found(index: ArchiveIndex, compression: str, platform: Callable[[], Platform]) -> Found:
    """What the archive is. platform: tells the one that says which image is meant where there are several."""
    groups = groups_of(index, platform, by_index=lambda: True)
    several = any(len(group.images) > 1 for group in groups)
    return Found(held_by(groups), several, frozenset(index.left_out.values()), compression)


def _free(directory: str) -> int:
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize


def _is_in_doubt(engine: Engine, image: Image, free: int) -> bool:
    """Whether an image seems larger than the place, and its size may count what is unpacked.

    It may on Docker 29 if an older version of the API is asked for, which tells no manifests.
    """
    if image.archived_size <= free or image.manifests:
        return False
    return engine.version >= _FIRST_WITH_UNPACKED and engine.containerd_store


def _lacking(engine: Engine, images: Mapping[ImageName, Image]) -> Iterator[tuple[ImageName, tuple[Platform, ...]]]:
    """The images whose index names the engine's own platform, for which they aren't here; and where they are.

    Without a platform a containerd store saves an index with a manifest.json for its own platform's image, and ends in
    404 if that is named but not here (containerd, core/images/archive/exporter.go).
    """
    for name, image in images.items():
        if image.platform == engine.platform:
            continue
        platforms = image.platforms or Image(image.inspected, engine.images.manifests(image.id)).platforms
        if platforms.get(engine.platform) is False:
            yield name, tuple(platform for platform, here in platforms.items() if here)


def _is_right(wanted: Wanted, observed: Observed) -> bool:
    """Whether the archive is there and as it should be."""
    images = _there(observed)
    return len(images) == len(observed.images) and observed.found == _right(wanted, images, observed)


def _right(wanted: Wanted, images: Mapping[ImageName, Image], observed: Observed) -> Found:
    """What a right archive is: an image that is named by its Id or digest has no tag there.

    For how many platforms a containerd store has an image, not every engine tells.
    """
    tags: dict[str, set[str]] = {}
    for name, image in images.items():
        tags.setdefault(image.id, set()).update(_tags(name, image, wanted))
    by_id = {image.id: image for image in images.values()}
    return Found(
        held=frozenset(Held(image.identity, frozenset(tags[image_id])) for image_id, image in by_id.items()),
        further_platforms=not wanted.platform and observed.found is not None and observed.found.further_platforms,
        left_out=can_be_left_out([image.diff_ids for image in by_id.values()], observed.exclude),
        compression=wanted.compression.kind,
    )


def _tags(name: ImageName, image: Image, wanted: Wanted) -> tuple[str, ...]:
    """The tags under which an image is saved that is named so."""
    if wanted.all_tags:
        return image.tags
    named = isinstance(name, Reference) and not name.digest and name.tagged in image.tags
    return (name.tagged,) if named and isinstance(name, Reference) else ()


def _saved(name: ImageName, images: Mapping[ImageName, Image], wanted: Wanted) -> tuple[str, ...]:
    """What the engine is asked for to save an image that is named so.

    By its Id it has no tag in the archive. What looked like a tag may be the beginning of that.
    """
    pinned = isinstance(name, Reference) and name.digest and not wanted.all_tags
    return _tags(name, images[name], wanted) or (str(name) if pinned else images[name].id,)


def _check_platforms(observed: Observed) -> None:
    """Refuse what the engine can't save without a platform; raises GantryError."""
    told = [
        f"{name} is here for {', '.join(map(str, sorted(here)))} alone"
        for name, here in observed.lacking.items()
        if here
    ]
    if told:
        raise GantryError(
            f"Can't save every platform: {'; '.join(told)}, and not for the engine's own. Name one that is here in "
            "platform, or pull the image for the engine's own too."
        )


def _check_space(wanted: Wanted, images: Mapping[ImageName, Image], right: Found, observed: Observed) -> None:
    """Refuse to begin what can't end well; raises GantryError.

    An archive has the images' layers as they are stored, and those that images share once: so the largest image is
    what it takes at the least. What isn't known before doesn't count, such as what compression makes of it.
    """
    if right.left_out or right.compression != "none" or not observed.measured:
        return
    needed = max(image.archived_size for image in images.values())
    if needed > observed.free:
        raise GantryError(
            f"Can't write {wanted.path}: it takes {needed} bytes or more, and the space left there is {observed.free}. "
            "Free some, or save elsewhere. What was there before is as it was."
        )


def _shown(found: Found) -> dict[str, Any]:
    """What an archive is, in a diff."""
    rows = [{"tags": sorted(image.tags), **described(image.identity)} for image in found.held]
    return {
        "images": sorted(rows, key=lambda row: (row["tags"], row["layers"])),
        "further_platforms": found.further_platforms,
        "left_out": sorted(found.left_out),
        "compression": found.compression or None,
        **({"damaged": found.damaged} if found.damaged else {}),
        **({"of_another_user": True} if found.foreign else {}),
    }


def _write(engine: Engine, step: Save, file: BinaryIO) -> str:
    """Write the archive; its checksum. Raises GantryError unless it is complete and holds what it should."""
    # With what it takes to get and write archives, which a task that has nothing to save need not wait for.
    from ansible_collections.gantry.docker.plugins.module_utils._archive.compressed import Packer, Unpacker
    from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify_pieces
    from ansible_collections.gantry.docker.plugins.module_utils._archive.writer import (
        OutOfOrder,
        assembled,
        parts_of,
        parts_of_stream,
    )
    from ansible_collections.gantry.docker.plugins.module_utils._transfer.engine_archives import Transfers

    def pack(parts: Iterable[Part]) -> str:
        with Packer(file, step.compression) as packer:
            index = verify_pieces(packer.tee(assembled(parts)), "that the engine wrote")
            _check_right(engine, index, step)
            packer.finish(index)
        return packer.sha256

    if engine.version >= _FIRST_WITH_LAYOUT and not step.right.left_out:
        try:
            return pack(parts_of_stream(Transfers(engine).save(step.names, step.only)))
        except OutOfOrder:
            file.seek(0)
            file.truncate()
    with tempfile.TemporaryFile(dir=os.path.dirname(step.path)) as whole:
        for piece in Transfers(engine).save(step.names, step.only):
            whole.write(piece)
        whole.flush()
        index = read_index_of(whole, "that the engine wrote")
        _check_complete(index)
        left_out = frozenset(
            layer.entry for image in index.images for layer in image.layers if layer.diff_id in step.right.left_out
        )
        return pack(parts_of(index, index.images, left_out, Unpacker(whole, index).data))


def _check_right(engine: Engine, index: ArchiveIndex, step: Save) -> None:
    """Raise GantryError unless the archive is complete and holds what it should."""
    _check_complete(index)
    written = _found(index, step.compression.kind, lambda: step.only or engine.platform)
    if step.only is None:
        written = written._replace(further_platforms=step.right.further_platforms)
    if written != step.right:
        raise GantryError(f"The engine wrote other images than {', '.join(step.names)}: they changed. Try again.")


def _check_complete(index: ArchiveIndex) -> None:
    """Raise GantryError if the engine left out what the manifests name."""
    for image in index.images:
        if image.missing:
            raise GantryError(
                f"The engine wrote an archive without all of {', '.join(image.tags) or image.config_digest}: it lacks "
                f"{', '.join(image.missing)}. Its store has lost these, as it can when images share layers. "
                "Remove that image and pull or load it again, then save it."
            )
