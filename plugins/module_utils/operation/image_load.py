# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load images from an archive, unless the engine has them already."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from ansible_collections.gantry.docker.plugins.module_utils.engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils.engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils.engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils.image.archive import ArchivedImage, ArchiveIndex, read_index
from ansible_collections.gantry.docker.plugins.module_utils.image.archived import archived_identity, archived_tags
from ansible_collections.gantry.docker.plugins.module_utils.image.compression import unpacked
from ansible_collections.gantry.docker.plugins.module_utils.image.errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils.image.identity import described
from ansible_collections.gantry.docker.plugins.module_utils.image.reference import parse_tag
from ansible_collections.gantry.docker.plugins.module_utils.operation.plan import Plan

_PIECE = 1024 * 1024
# moby, pkg/archive: zstd since 23.0.
_FIRST_WITH_ZSTD = (23,)


@dataclass(frozen=True)
class Wanted:
    """path: the archive's, on this host."""

    path: str


@dataclass(frozen=True)
class Observed:
    """What the archive holds, what each of its tags names now, and which of its images without a tag are here.

    unpack: whether the engine can't read the archive's compression.
    """

    index: ArchiveIndex
    named: Mapping[str, Image | None]
    untagged: Mapping[str | None, Image | None]
    unpack: bool


@dataclass(frozen=True)
class Load:
    """Send the archive. images: what must be there afterwards. former: the Ids that its tags name before."""

    path: str
    compression: str
    images: tuple[ArchivedImage, ...]
    former: Mapping[str, str | None]
    unpack: bool

    @property
    def sentence(self) -> str:
        """What the step does."""
        names = [tag for image in self.images for tag in sorted(archived_tags(image)) or [str(image.config_digest)]]
        return f"Loaded {', '.join(names)} from {self.path}"


def parse(params: Mapping[str, Any]) -> Wanted:
    """What is wanted, from the module's parameters; raises InvalidInput."""
    path = params["path"]
    if not os.path.isabs(path):
        raise InvalidInput(f"path is '{path}', and must be an absolute path, as /var/lib/images/all.tar.")
    return Wanted(path)


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Read the archive's index, and look for its images."""
    if not os.path.exists(wanted.path):
        raise GantryError(f"There is no file {wanted.path} on this host. Copy the archive there, or correct path.")
    index = read_index(wanted.path)
    tags = sorted({tag for image in index.images for tag in archived_tags(image)})
    return Observed(
        index=index,
        named={tag: engine.images.find(tag) for tag in tags},
        untagged={image.config_digest: _find(engine, image) for image in index.images if not image.tags},
        unpack=index.compression == "zstd" and engine.version < _FIRST_WITH_ZSTD,
    )


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Load, unless every image is here under each of its tags."""
    images = observed.index.images
    _refuse_incomplete(wanted.path, images)
    absent = [image for image in images if not _is_here(image, observed)]
    if not absent:
        return Plan()
    former = {tag: image.id if image else None for tag, image in observed.named.items()}
    step = Load(wanted.path, observed.index.compression, images, former, observed.unpack)
    return Plan(
        steps=(step,),
        before={name: _before(name, image, observed) for image in absent for name in _names(image)},
        after={name: described(archived_identity(image)) for image in absent for name in _names(image)},
    )


def apply(engine: Engine, step: Load) -> Mapping[str, Any]:
    """Send the archive and see what came of it; if it isn't right, the tags name again what they named."""
    sent = _Sent()
    try:
        with open(step.path, "rb") as file:
            said = engine.images.load(sent.counted(_pieces(file, step)), f"load {step.path}")
        _check(engine, step, said)
    except GantryError:
        _restore(engine, step.former)
        raise
    return {"bytes_sent": sent.bytes}


def report(engine: Engine, wanted: Wanted, observed: Observed) -> Mapping[str, Any]:
    """The archive's images that are here now, as inspected."""
    found = [_find_any(engine, image) for image in observed.index.images]
    images = [dict(image.inspected) for image in found if image]
    return {"images": images, **({"image": images[0]} if len(found) == len(images) == 1 else {})}


class _Sent:
    """Counts bytes on their way."""

    def __init__(self) -> None:
        self.bytes = 0

    def counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.bytes += len(piece)
            yield piece


def _pieces(file: BinaryIO, step: Load) -> Iterator[bytes]:
    """The archive's bytes; unpacked where the engine couldn't do it."""
    if step.unpack:
        return unpacked(file, step.compression)
    return iter(lambda: file.read(_PIECE), b"")


def _names(image: ArchivedImage) -> list[str]:
    return sorted(archived_tags(image)) or [str(image.config_digest)]


def _before(name: str, image: ArchivedImage, observed: Observed) -> dict[str, Any] | None:
    here = observed.named.get(name) if archived_tags(image) else observed.untagged.get(image.config_digest)
    return described(here.identity) if here else None


def _is_here(image: ArchivedImage, observed: Observed) -> bool:
    """Whether the image is here, and all of its tags name it."""
    tags = archived_tags(image)
    if not tags:
        return observed.untagged[image.config_digest] is not None
    identity = archived_identity(image)
    here = [observed.named[tag] for tag in tags]
    return all(candidate is not None and candidate.identity == identity for candidate in here)


def _find(engine: Engine, image: ArchivedImage) -> Image | None:
    """The engine's copy of an image without a tag.

    A store may name it by the digest of its config, its manifest or its index. What a containerd store makes of an
    archive without manifests has a digest that nobody knows before, but keeps the time of creation.
    """
    identity = archived_identity(image)
    digests = [image.config_digest, image.manifest_digest, image.index_digest]
    direct = (engine.images.find(digest) for digest in digests if digest)
    found = next((candidate for candidate in direct if candidate and candidate.identity == identity), None)
    if found or not identity.created:
        return found
    same_time = (row.id for row in engine.images.all() if row.created == identity.created[0])
    candidates = (engine.images.find(image_id) for image_id in same_time)
    return next((candidate for candidate in candidates if candidate and candidate.identity == identity), None)


def _find_any(engine: Engine, image: ArchivedImage) -> Image | None:
    tags = sorted(archived_tags(image))
    return engine.images.find(tags[0]) if tags else _find(engine, image)


def _refuse_incomplete(path: str, images: tuple[ArchivedImage, ...]) -> None:
    if not images:
        raise GantryError(f"The archive {path} holds no image. Save it again.")
    for image in images:
        if image.missing:
            raise GantryError(
                f"The archive {path} can't be loaded: {', '.join(image.tags) or image.config_digest} isn't complete "
                f"in it, it lacks {', '.join(image.missing)}. Save it again where the image is whole."
            )


def _check(engine: Engine, step: Load, said: tuple[str, ...]) -> None:
    """Raise EngineError unless all images are here: an engine may say so in plain words only, or not at all."""
    for image in step.images:
        identity = archived_identity(image)
        for name in _names(image):
            here = engine.images.find(name) if archived_tags(image) else _find(engine, image)
            if here is None or here.identity != identity:
                answer = f" It said: {'; '.join(said)}." if said else ""
                raise EngineError(f"Can't load {step.path}: the engine took it, but has no {name} as in it.{answer}")


def _restore(engine: Engine, former: Mapping[str, str | None]) -> None:
    """Let every tag name again what it named, as far as the engine still answers."""
    for tag, image_id in former.items():
        with suppress(GantryError):
            now = engine.images.find(tag)
            if image_id and (now is None or now.id != image_id):
                engine.images.tag(image_id, parse_tag(tag))
            elif now is not None and not image_id:
                engine.images.remove(tag, delete_parents=False)
