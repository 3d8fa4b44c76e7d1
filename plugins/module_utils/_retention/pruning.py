# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The pruning of an image: by several calls, each of which an engine may refuse."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Containers
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image, ImageSummary, Removal
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import is_reference, parse_tag
from ansible_collections.gantry.docker.plugins.module_utils._plan import Otherwise, Skipped
from ansible_collections.gantry.docker.plugins.module_utils._retention.forest import Deletion, own_names


class Prune(NamedTuple):
    """Remove one image: all of its names, and with the last of them the image itself.

    children: images made from it that must be gone before. reason: the reason why it goes. freed: the bytes that this
    frees. stays: the reason why the image itself stays, if it does.
    """

    image: ImageSummary
    deletions: tuple[Deletion, ...]
    children: tuple[str, ...]
    reason: str
    freed: int
    stays: str = "as a part of others"

    @property
    def sentence(self) -> str:
        """The step as a sentence."""
        names = [name for deletion in self.deletions for name in deletion.untagged]
        what = " ".join([self.reason, "image", ", ".join(names)]).strip()
        return f"Pruned {what} ({', '.join(self.deleted) or f'stays {self.stays}'})"

    @property
    def deleted(self) -> tuple[str, ...]:
        """The Id of the image if it goes."""
        return tuple(image_id for deletion in self.deletions for image_id in deletion.deleted)


def is_renamed(engine: Engine, image: ImageSummary, found: Image) -> bool:
    """Return whether an image has other tags than it had in the list.

    Docker 26 leaves out of an inspected image the tags that its containerd store can't find.
    """
    gone = set(image.tags) - set(found.tags)
    if not gone or set(found.tags) - set(image.tags):
        return found.tags != image.tags
    return not engine.containerd_store or bool(engine.find_all(tag for tag in gone if is_reference(tag)))


def prune(engine: Engine, step: Prune) -> None:
    """Remove one image. If the engine keeps it, give back the names that it lost, and raise Skipped or Otherwise."""
    deleted: list[str] = []
    refusal = ""
    try:
        for deletion in step.deletions:
            deleted += _call(engine, step, deletion).deleted
    except EngineError as error:
        if error.status is None:
            raise
        refusal = error.message.rstrip(".")
    if not set(step.deleted) <= set(deleted) or refusal:
        _give_back(engine, step, refusal)


def _call(engine: Engine, step: Prune, deletion: Deletion) -> Removal:
    """Make one call of a step; return the engine's answer."""
    if deletion.deleted:
        return engine.images.remove_last(deletion.name, step.image.id, step.image.tags)
    return engine.images.remove(deletion.name, delete_parents=False)


def _give_back(engine: Engine, step: Prune, refusal: str) -> None:
    """Give an image that stays the names that it had before, if the image is still there.

    refusal: the engine's answer; "" if it removed the names, but kept the image. The usual reason is a container that
    was made in the last millisecond.
    Raise Skipped if all is as before, Otherwise if some names can't be given back.
    """
    found = engine.images.find(step.image.id)
    if found is None and not refusal:
        return
    for tag in set(step.image.tags) - set(found.tags if found else ()):
        with suppress(GantryError):
            engine.images.tag(step.image.id, parse_tag(tag))
    now = engine.images.find(step.image.id)
    before = own_names(step.image.tags, step.image.digests)
    lost = tuple(name for name in before if now and name not in own_names(now.tags, now.digests))
    why = refusal
    if not why:
        users = Containers(engine).of_image(step.image.id)
        why = f"it is used by now: {', '.join(map(str, users))}" if users else "the engine keeps it"
    name = ", ".join(before) or step.image.id
    if not lost:
        raise Skipped(f"{name} stays: {why}")
    untagged = Deletion(step.image.id, lost, ())
    raise Otherwise(
        step._replace(deletions=(untagged,), freed=0, stays="as the engine keeps it"),
        f"{name} stays, without {', '.join(lost)}: {why}",
    )
