# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Load images from an archive: only the images, and the layers of these, that the engine lacks."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, BinaryIO, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.artifacts import Artifact, artifacts_of, images_of
from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import (
    ArchivedGroup,
    archived_identity,
    has_layout,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import (
    ArchiveIndex,
    opened,
    read_index_of,
    reading,
)
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image, ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.identity import described
from ansible_collections.gantry.docker.plugins.module_utils._image.layers import chain_ids
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform, parse_platform
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import parse_tag
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan, Report, Taken
from ansible_collections.gantry.docker.plugins.module_utils._transfer.choosing import chosen
from ansible_collections.gantry.docker.plugins.module_utils._transfer.copies import (
    all_meant,
    is_copy,
    lacking_platforms,
    meant,
)
from ansible_collections.gantry.docker.plugins.module_utils._transfer.delivery import delivery_of
from ansible_collections.gantry.docker.plugins.module_utils._transfer.load_step import Former, Load, Loaded, Source
from ansible_collections.gantry.docker.plugins.module_utils._verifier import (
    Subject,
    Verifier,
    accepted,
    parse_verifier,
)


class Wanted(NamedTuple):
    """The archive and the images to load from it.

    path: the archive's, on this host. names: the tags to load; none for all. platforms: the platforms to have of each
    image; none for all. full: whether to send all layers. verify: whether to read all of the archive first.
    src: the path on the controller of the archive that this one is a part of; "" for none. The action plugin sends it,
    and asks the verifier.
    """

    path: str
    names: tuple[str, ...]
    platforms: tuple[Platform, ...]
    full: bool
    verify: bool
    src: str = ""
    verifier: Verifier | None = None

    @property
    def shown(self) -> str:
        """The path of the archive that the user named."""
        return self.src or self.path


class Observed(NamedTuple):
    """The content of the archive, and the parts of it that the engine has.

    artifacts: the content that is not an image. groups: the engine makes one image of each. here: for each of their
    names the image that it refers to now; a group without a tag refers to its copy.
    former, chains, containerd: the engine's images, the chain IDs of all its layers, and whether it has a containerd
    store. The engine is asked for these only if there is something to load.
    verdicts: the verifier's, about all images that are chosen, if there is something to load.
    """

    source: Source
    archive: ArchiveIndex
    artifacts: tuple[Artifact, ...]
    groups: tuple[ArchivedGroup, ...]
    here: Mapping[str, Image | None]
    former: Former
    chains: frozenset[str]
    containerd: bool
    verdicts: Mapping[Subject, str] = {}


def parse(params: Mapping[str, Any]) -> Wanted:
    """Return the wanted values, parsed from the module's parameters; raise InvalidInput."""
    path, src = params["path"], params["src"] or ""
    if not path:
        raise InvalidInput(
            "Give path, for an archive on this host. The option src needs the action plugin of this collection, which "
            "runs if a task names gantry.docker.image_load."
        )
    if not os.path.isabs(path):
        raise InvalidInput(f"path is '{path}', and must be an absolute path, as /var/lib/images/all.tar.")
    names = tuple(dict.fromkeys(parse_tag(name).tagged for name in params["names"] or ()))
    platforms = tuple(dict.fromkeys(parse_platform(platform) for platform in params["platforms"] or ()))
    verifier = parse_verifier(params)
    return Wanted(path, names, platforms, params["transfer"] == "full", params["verify"], src, verifier)


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Return the archive's index, the engine's copies of its images and, if some are missing, the engine's layers."""
    if not os.path.exists(wanted.path):
        raise GantryError(f"There is no file {wanted.path} on this host. Copy the archive there, or correct path.")
    source = Source.of(wanted.shown, cleanup.enter_context(opened(wanted.path)))
    index = _read(wanted, source.file)
    with reading(wanted.shown):
        images, artifacts = images_of(index), artifacts_of(index)
    groups = chosen(engine, wanted.shown, index._replace(images=images), wanted.names, wanted.platforms)
    here = all_meant(engine, groups)
    complete = all(_is_here(group, here) for group in groups)
    rows = () if complete else engine.images.all()
    needed = not complete and (not wanted.full or bool(index.left_out))
    observed = Observed(
        source=source,
        archive=index,
        artifacts=artifacts,
        groups=groups,
        here=here,
        former=Former({tag: row.id for row in rows for tag in row.tags}, frozenset(row.id for row in rows)),
        chains=_chains(engine, rows) if needed else frozenset(),
        containerd=not complete and engine.containerd_store,
    )
    if wanted.verifier is None or wanted.src or _to_load(wanted, observed) is None:
        return observed
    return observed._replace(
        verdicts=wanted.verifier.verdicts(Subject(*one) for group in groups for one in group.subjects)
    )


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Plan to load the images that aren't here under each of their tags.

    Raise GantryError if that isn't possible, or if the verifier refuses one of the chosen images.
    """
    step = _to_load(wanted, observed)
    if step is None:
        return Plan()
    refusals = [refusal for refusal in observed.verdicts.values() if refusal]
    if refusals:
        raise GantryError(f"Nothing is loaded from {wanted.shown}. {' '.join(refusals)}")
    return Plan(
        steps=(step,),
        before={name: _before(group, observed.here[name]) for group in step.groups for name in group.names},
        after={name: described(archived_identity(group.image)) for group in step.groups for name in group.names},
    )


def apply(engine: Engine, step: Load) -> Loaded:
    """Send the missing parts, and check the images; a load that fails leaves the tags as they were."""
    # This imports the code that writes archives, which a task with nothing to load doesn't need.
    from ansible_collections.gantry.docker.plugins.module_utils._transfer.loading import load

    return load(engine, step)


def report(engine: Engine, wanted: Wanted, observed: Observed, planned: Plan, taken: Sequence[Taken]) -> Report:
    """Return the archive's images that are here now, as inspected; images that weren't loaded, as observed."""
    found = [
        observed.here[group.names[0]] if _is_here(group, observed.here) else meant(engine, group, group.names[0])
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
    if wanted.verifier and not wanted.src:
        told["accepted"] = accepted(observed.verdicts)
    for step, loaded in taken:
        told.update(loaded._asdict() if loaded else {})
        if wanted.src:
            told["delivery"] = delivery_of(step, os.path.dirname(wanted.path), observed.groups)
    return Report(told)


def _to_load(wanted: Wanted, observed: Observed) -> Load | None:
    """Return the step that loads what isn't here; None if all is. Raise GantryError if that isn't possible."""
    _check_complete(wanted.shown, observed.groups)
    absent = tuple(group for group in observed.groups if not _is_here(group, observed.here))
    if not absent:
        return None
    there = _entries_there(absent, observed)
    lacking = _lacking(absent, there, observed)
    if lacking and not wanted.src:
        raise GantryError(_thin(wanted, lacking, observed))
    return Load(
        source=observed.source,
        archive=observed.archive,
        groups=absent,
        left_out=frozenset() if wanted.full else frozenset(there),
        containerd=observed.containerd,
        former=observed.former,
        lacking=lacking,
        there=frozenset(there),
    )


def _read(wanted: Wanted, file: BinaryIO) -> ArchiveIndex:
    """Return the archive's index, after all of it was read if that is wanted."""
    if not wanted.verify:
        return read_index_of(file, wanted.shown)
    # Without verify, layers aren't read before they are sent.
    from ansible_collections.gantry.docker.plugins.module_utils._archive.verification import verify_of

    return verify_of(file, wanted.shown)


def _is_here(group: ArchivedGroup, here: Mapping[str, Image | None]) -> bool:
    """Return whether all names of an archived image refer to copies of it."""
    return all(is_copy(group, here[name]) for name in group.names)


def _chains(engine: Engine, rows: Iterable[ImageSummary]) -> frozenset[str]:
    """Return the chain IDs of all layers of the whole images among these."""
    whole = (image for image in engine.find_listed(rows).values() if image.whole)
    return frozenset(chain for image in whole for chain in chain_ids(image.diff_ids))


def _check_complete(path: str, groups: Sequence[ArchivedGroup]) -> None:
    """Raise GantryError if the archive has no image to load, or lacks a part of one."""
    if not groups:
        raise GantryError(f"The archive {path} holds no image. Save it again.")
    for group in groups:
        for image in group.images:
            if image.missing:
                raise GantryError(
                    f"The archive {path} can't be loaded: {', '.join(group.names)} isn't complete in it, it lacks "
                    f"{', '.join(image.missing)}. Save it again where the image is whole."
                )


def _entries_there(groups: Collection[ArchivedGroup], observed: Observed) -> set[str]:
    """Return the entries of the layers that the engine has for each image that needs them.

    A containerd store looks for left-out layers by the digests of their blobs, which only an OCI layout has.
    """
    images = [image for group in groups for image in group.images]
    if observed.containerd and not has_layout(images):
        return set()
    there: set[str] = set()
    needed: set[str] = set()
    for image in images:
        for layer, chain in zip(image.layers, chain_ids(image.diff_ids)):
            (there if chain in observed.chains else needed).add(layer.entry)
    return there - needed


def _lacking(groups: Collection[ArchivedGroup], there: set[str], observed: Observed) -> Mapping[str, str]:
    """Return the DiffIDs of layers that a thin archive leaves out and the engine lacks, by their entries."""
    needed = {layer.entry for group in groups for image in group.images for layer in image.layers} - there
    return {entry: diff_id for entry, diff_id in observed.archive.left_out.items() if entry in needed}


def _thin(wanted: Wanted, lacking: Mapping[str, str], observed: Observed) -> str:
    """Return the message for a thin archive that leaves out layers which the engine lacks."""
    if observed.containerd and observed.archive.format == "legacy":
        return (
            f"The archive {wanted.shown} is thin, and of a form that this engine's containerd store can't complete. "
            "Save it whole (without exclude_layers_of), or on an engine that is newer than 24."
        )
    return (
        f"The archive {wanted.shown} is thin: it leaves out layers that this engine doesn't have "
        f"({', '.join(sorted(set(lacking.values())))}). Load or pull an image with them first, or save the archive "
        "whole (without exclude_layers_of)."
    )


def _before(group: ArchivedGroup, image: Image | None) -> dict[str, Any] | None:
    """Return an image as the diff shows it, with the platforms that it lacks if it is an incomplete copy."""
    if image is None:
        return None
    told = described(image.identity)
    if told == described(archived_identity(group.image)) and not is_copy(group, image):
        told["lacks"] = lacking_platforms(group, image)
    return told
