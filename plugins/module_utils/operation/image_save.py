# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Save images to an archive, unless it holds them already."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils.engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils.engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils.image.archive import ArchiveIndex, read_index, verify
from ansible_collections.gantry.docker.plugins.module_utils.image.archived import Held, held_by
from ansible_collections.gantry.docker.plugins.module_utils.image.errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils.image.identity import described
from ansible_collections.gantry.docker.plugins.module_utils.image.reference import (
    ImageName,
    Reference,
    parse_image_name,
)
from ansible_collections.gantry.docker.plugins.module_utils.operation.plan import Plan


@dataclass(frozen=True)
class Wanted:
    """force: whether a file at path that is no archive of images may be replaced."""

    names: tuple[ImageName, ...]
    path: str
    force: bool


@dataclass(frozen=True)
class Observed:
    """images: the image of each name. held: what the archive at path holds, None if there is none."""

    images: Mapping[ImageName, Image | None]
    held: frozenset[Held] | None


@dataclass(frozen=True)
class Save:
    """Write the archive. held: what it must hold to be right."""

    names: tuple[str, ...]
    path: str
    held: frozenset[Held]

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"Saved {', '.join(self.names)} to {self.path}"


def parse(params: Mapping[str, Any]) -> Wanted:
    """What is wanted, from the module's parameters; raises InvalidInput."""
    path = params["path"]
    if not os.path.isabs(path):
        raise InvalidInput(f"path is '{path}', and must be an absolute path, as /var/lib/images/all.tar.")
    return Wanted(tuple(dict.fromkeys(parse_image_name(name) for name in params["names"])), path, params["force"])


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Look up the images, and read what is at path."""
    _check_place(wanted.path)
    return Observed(
        images={name: engine.images.find(str(name)) for name in wanted.names},
        held=_read(wanted) if os.path.lexists(wanted.path) else None,
    )


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Save, unless the archive holds exactly these images under exactly these tags."""
    images = {name: image for name, image in observed.images.items() if image}
    missing = [str(name) for name in wanted.names if name not in images]
    if missing:
        raise GantryError(f"There is no image {', '.join(missing)} on this engine to save. Pull or load it first.")
    held = _expected(images)
    if observed.held == held:
        return Plan()
    return Plan(
        steps=(Save(tuple(str(name) for name in wanted.names), wanted.path, held),),
        before={wanted.path: None if observed.held is None else _shown(observed.held)},
        after={wanted.path: _shown(held)},
    )


def apply(engine: Engine, step: Save) -> Mapping[str, Any]:
    """Write the archive beside its place, check it, and only then put it there."""
    with _beside(step.path) as part:
        _write(part, engine.images.save(step.names))
        _check(verify(part), step)
    return {}


def report(engine: Engine, wanted: Wanted, observed: Observed) -> Mapping[str, Any]:
    """The images as inspected, and the archive's path and size."""
    images = [dict(image.inspected) for image in observed.images.values() if image]
    single = {"image": images[0]} if len(wanted.names) == 1 else {}
    size = os.path.getsize(wanted.path) if os.path.isfile(wanted.path) else 0
    return {"images": images, **single, "path": wanted.path, "size": size}


def _check_place(path: str) -> None:
    """Refuse a place where no file can be; raises InvalidInput."""
    directory = os.path.dirname(path)
    if not os.path.isdir(directory):
        raise InvalidInput(f"There is no directory {directory} on this host to save to. Create it first.")
    if os.path.isdir(path):
        raise InvalidInput(f"{path} is a directory; path must name the archive, as {path.rstrip('/')}/images.tar.")
    if not os.access(directory, os.W_OK):
        raise InvalidInput(f"This user can't write to {directory}. Use 'become: true', or save elsewhere.")


def _read(wanted: Wanted) -> frozenset[Held]:
    try:
        return held_by(read_index(wanted.path))
    except GantryError as error:
        if wanted.force:
            return frozenset()
        raise GantryError(
            f"There is something at {wanted.path} already, and it is no archive of images that is whole: "
            f"{error.message} Remove it, or replace it by 'force: true'."
        ) from error


def _expected(images: Mapping[ImageName, Image]) -> frozenset[Held]:
    """What a right archive holds: an image that is named by its Id or digest has no tag there."""
    tags: dict[str, set[str]] = {}
    for name, image in images.items():
        named = isinstance(name, Reference) and not name.digest and name.tagged in image.tags
        tags.setdefault(image.id, set()).update({name.tagged} if named and isinstance(name, Reference) else ())
    by_id = {image.id: image for image in images.values()}
    return frozenset(Held(image.identity, frozenset(tags[image_id])) for image_id, image in by_id.items())


def _shown(held: frozenset[Held]) -> list[dict[str, Any]]:
    """What an archive holds, in a diff."""
    rows = [{"tags": sorted(image.tags), **described(image.identity)} for image in held]
    return sorted(rows, key=lambda row: (row["tags"], row["layers"]))


@contextmanager
def _beside(path: str) -> Iterator[str]:
    """A new file beside path, which takes its place if all goes well, and else is gone."""
    try:
        descriptor, part = tempfile.mkstemp(dir=os.path.dirname(path), prefix=f".{os.path.basename(path)}.")
        os.close(descriptor)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        yield part
        _take_place(part, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(part)


def _write(part: str, pieces: Iterable[bytes]) -> None:
    """Write and sync; what the engine fails in passes through."""
    with open(part, "wb") as file:
        for piece in pieces:
            try:
                file.write(piece)
            except OSError as error:
                raise _cannot_write(part, error) from error
        try:
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            raise _cannot_write(part, error) from error


def _check(index: ArchiveIndex, step: Save) -> None:
    """Raise GantryError unless an archive as the engine wrote it is complete and holds what it should."""
    for image in index.images:
        if image.missing:
            raise GantryError(
                f"The engine wrote an archive without all of {', '.join(image.tags) or image.config_digest}: it lacks "
                f"{', '.join(image.missing)}. Its store has lost these, as it can when images share layers. "
                "Remove that image and pull or load it again, then save it."
            )
    if held_by(index) != step.held:
        raise GantryError(f"The engine wrote other images than {', '.join(step.names)}: they changed. Try again.")


def _take_place(part: str, path: str) -> None:
    """Rename, with the owner and mode of the file that is replaced, or those of any new file."""
    try:
        if os.path.exists(path):
            former = os.stat(path)
            os.chown(part, former.st_uid, former.st_gid)
            os.chmod(part, stat.S_IMODE(former.st_mode))
        else:
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(part, 0o666 & ~mask)
        os.replace(part, path)
        directory = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path: str, error: OSError) -> GantryError:
    return GantryError(
        f"Can't write {path}: {error.strerror or error}. What was there before is as it was. "
        "Check the space and the permissions there."
    )
