# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Save images to an archive, unless it holds them already."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.compression import Compression, parse_compression
from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import Held
from ansible_collections.gantry.docker.plugins.module_utils._archive.leftovers import left_beside, remove_left
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.layers import can_be_left_out
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform, parse_platform
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    ImageId,
    ImageName,
    Reference,
    parse_image_name,
)
from ansible_collections.gantry.docker.plugins.module_utils._plan import FILES, Files, Plan, Report, Taken
from ansible_collections.gantry.docker.plugins.module_utils._transfer.found import (
    NO_ARCHIVE,
    Found,
    contents_at,
    damage_at,
    found_at,
)
from ansible_collections.gantry.docker.plugins.module_utils._transfer.obstacles import (
    check_platforms,
    check_space,
    for_others_alone,
    free_in,
    is_in_doubt,
)
from ansible_collections.gantry.docker.plugins.module_utils._transfer.save_step import Save, Saved


class Wanted(NamedTuple):
    """The archive that must be at path.

    all_tags: whether an image has all of its tags there, not only the named ones. exclude: images whose layers, or
    DiffIDs of layers, that it need not have. force: whether a file at path that is not an archive of images may be
    replaced. verify: whether to read an archive that seems right completely. checksum: whether to compute the SHA-256
    of a new archive. contents: whether to return the digests of what is in the archive.
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
    checksum: bool = False
    contents: bool = False


class Observed(NamedTuple):
    """The images, and the archive at path.

    images: the image of each name. exclude: the DiffIDs of layers that can be left out. found: the archive; None for
    nothing. free: the free bytes at path. leftovers: files that killed saves have left beside path.
    measured: whether the images' sizes are a lower bound for the size of an archive.
    for_others: images that the engine saves only for a named platform, each with the platforms that it is here for.
    """

    images: Mapping[ImageName, Image | None]
    exclude: frozenset[str]
    found: Found | None
    free: int
    leftovers: tuple[str, ...] = ()
    measured: bool = True
    for_others: Mapping[ImageName, tuple[Platform, ...]] = {}

    @property
    def there(self) -> dict[ImageName, Image]:
        """The images that are there, by name."""
        return {name: image for name, image in self.images.items() if image}


class Tidy(NamedTuple):
    """Remove files that killed saves have left beside an archive. This doesn't count as a change."""

    leftovers: tuple[str, ...]


def parse(params: Mapping[str, Any]) -> Wanted:
    """Return the wanted values, parsed from the module's parameters; raise InvalidInput."""
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
        checksum=params["checksum"],
        contents=params["contents"],
    )


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Return the images, and the archive at path."""
    _check_place(wanted)
    images = engine.ask_all(lambda one, name: one.images.meant(name, wanted.platform), wanted.names)
    leftovers = left_beside(wanted.path)
    free = free_in(os.path.dirname(wanted.path)) + sum(map(os.path.getsize, leftovers))
    observed = Observed(
        images=images,
        exclude=frozenset(diff_id for name in wanted.exclude for diff_id in _layers_of(engine, name)),
        found=_read(engine, wanted),
        free=free,
        leftovers=leftovers,
        measured=not any(is_in_doubt(engine, image, free) for image in images.values() if image),
    )
    if wanted.verify and observed.found and _is_right(wanted, observed):
        # Without a problem in it, this archive would stay.
        observed = observed._replace(found=observed.found._replace(damaged=damage_at(wanted.path)))
    if wanted.platform or _is_right(wanted, observed):
        return observed
    return observed._replace(for_others=for_others_alone(engine, observed.there))


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Plan to save, unless the archive holds exactly these images under exactly these tags."""
    images = observed.there
    _check_images(wanted, images)
    right = _right(wanted, observed)
    if observed.found == right:
        return Plan(repeats=(Tidy(observed.leftovers),) if observed.leftovers else ())
    check_platforms(observed.for_others)
    if observed.measured and not right.left_out and right.compression == "none":
        # Otherwise the size isn't known before, such as that of a compressed archive.
        check_space(wanted.path, images.values(), observed.free)
    return Plan(
        steps=(
            Save(
                names=tuple(
                    dict.fromkeys(saved for name in wanted.names for saved in _saved(name, images[name], wanted))
                ),
                only=wanted.platform,
                path=wanted.path,
                right=right,
                compression=wanted.compression,
                files=wanted.files,
                leftovers=observed.leftovers,
                checksum=wanted.checksum,
            ),
        ),
        before={wanted.path: observed.found.shown if observed.found else None},
        after={wanted.path: right.shown},
    )


def apply(engine: Engine, step: Save | Tidy) -> Saved | None:
    """Write the archive beside its place, check it, and only then put it there; before that, remove leftovers.

    Return the archive's SHA-256 if the step asks for it.
    """
    remove_left(step.leftovers)
    if isinstance(step, Tidy):
        return None
    # This imports the code that fetches and writes archives, which a task with nothing to save doesn't need.
    from ansible_collections.gantry.docker.plugins.module_utils._transfer.saving import save

    return save(engine, step)


def report(engine: Engine, wanted: Wanted, observed: Observed, planned: Plan, taken: Sequence[Taken]) -> Report:
    """Return the images as inspected, and the archive's path, size, and the further results that were asked for."""
    images = [dict(image.inspected) for image in observed.images.values() if image]
    single = {"image": images[0]} if len(wanted.names) == 1 else {}
    size = os.path.getsize(wanted.path) if os.path.isfile(wanted.path) else 0
    told: dict[str, Any] = {"images": images, **single, "path": wanted.path, "size": size}
    written = [saved for _step, saved in taken if saved]
    for saved in written:
        told.update({"sha256": saved.sha256} if saved.sha256 else {})
    if wanted.contents and (written or not planned.steps):
        told["contents"] = contents_at(wanted.path)
    return Report(told)


def _check_place(wanted: Wanted) -> None:
    """Raise InvalidInput for a path where no file can be written."""
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
    """Return the DiffIDs of an image's layers. An Id without an image here is itself a DiffID."""
    image = engine.images.meant(name)
    if image is not None:
        return image.diff_ids
    if isinstance(name, ImageId):
        return (str(name),)
    raise GantryError(
        f"There is no image {name} on this engine whose layers could be left out. Pull it, correct exclude_layers_of, "
        "or give the layers themselves (RootFS.Layers of the image where it is)."
    )


def _read(engine: Engine, wanted: Wanted) -> Found | None:
    """Return the archive at path, None for nothing; raise GantryError for a file that may not be replaced."""
    if not os.path.lexists(wanted.path):
        return None
    foreign = wanted.files.is_foreign(wanted.path)
    try:
        found = found_at(wanted.path, lambda: wanted.platform or engine.platform)
    except GantryError as error:
        if not wanted.force:
            raise GantryError(
                f"There is something at {wanted.path} already, and it is no archive of images that is whole: "
                f"{error.message} Remove it, or replace it by 'force: true'."
            ) from error
        found = NO_ARCHIVE
    return found._replace(foreign=foreign)


def _check_images(wanted: Wanted, images: Mapping[ImageName, Image]) -> None:
    """Raise GantryError unless all images are here, and whole."""
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


def _is_right(wanted: Wanted, observed: Observed) -> bool:
    """Return whether the archive is there and right, as far as observed."""
    return None not in observed.images.values() and observed.found == _right(wanted, observed)


def _right(wanted: Wanted, observed: Observed) -> Found:
    """Return the right archive. An image that is named by its Id or digest has no tag there.

    further_platforms is taken from the archive that was found: not every engine reports how many platforms of an image
    its containerd store has.
    """
    tags: dict[str, set[str]] = {}
    for name, image in observed.there.items():
        tags.setdefault(image.id, set()).update(_tags(name, image, wanted))
    by_id = {image.id: image for image in observed.there.values()}
    return Found(
        held=frozenset(Held(image.identity, frozenset(tags[image_id])) for image_id, image in by_id.items()),
        further_platforms=not wanted.platform and observed.found is not None and observed.found.further_platforms,
        left_out=can_be_left_out([image.diff_ids for image in by_id.values()], observed.exclude),
        compression=wanted.compression.kind,
    )


def _tags(name: ImageName, image: Image, wanted: Wanted) -> tuple[str, ...]:
    """Return the tags under which an image with this name is saved."""
    if wanted.all_tags:
        return image.tags
    named = isinstance(name, Reference) and not name.digest and name.tagged in image.tags
    return (name.tagged,) if named and isinstance(name, Reference) else ()


def _saved(name: ImageName, image: Image, wanted: Wanted) -> tuple[str, ...]:
    """Return the names that the engine is asked for to save an image with this name.

    An image that is asked for by its Id has no tag in the archive. A name in the form of a tag may be the beginning of
    an Id.
    """
    pinned = isinstance(name, Reference) and name.digest and not wanted.all_tags
    return _tags(name, image, wanted) or (str(name) if pinned else image.id,)
