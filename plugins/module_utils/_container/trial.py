# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Trials: the image that a commit would make is known only when it is made."""

from __future__ import annotations

import threading
from contextlib import suppress
from http import HTTPStatus

from ansible_collections.gantry.docker.plugins.module_utils._container.commit import commit
from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Commit, Container
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._image.times import parse_time
from ansible_collections.gantry.docker.plugins.module_utils._image.trial import REPOSITORY, is_left, trial_name

# Seconds that a task which was ended by a signal waits for the engine's unfinished commit, to remove its image.
_PATIENCE = 10


class Trial:
    """An image that is committed on trial. Its name is removed in the end, whatever happens.

    A context; leaving it removes the name. said: the container's name or Id, as the user wrote it.
    """

    def __init__(self, engine: Engine, container: Container, how: Commit, said: str) -> None:
        self._engine, self._container, self._how, self._said = engine, container, how, said
        self._reference = trial_name(container.id)
        self._begun, self._over = threading.Event(), threading.Event()

    @property
    def name(self) -> str:
        """The name of the trial's image."""
        return str(self._reference)

    def make(self, engine: Engine) -> tuple[Image, int]:
        """Commit the container; return the image, and the bytes of its newest layer.

        engine: a connection that nothing else uses meanwhile.
        """
        self._begun.set()
        try:
            commit(engine, self._container, self._how, self._reference, self._said)
            return engine.both(self._made, lambda other: newest_size(other, self.name))
        finally:
            self._over.set()

    def _made(self, engine: Engine) -> Image:
        image = engine.images.find(self.name)
        if image is None:
            raise GantryError(f"The commit of {self._said} was removed by another process at once. Try again.")
        return image

    def __enter__(self) -> Trial:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_of: object) -> None:
        # A signal ends the task, but not the engine's work.
        if self._begun.is_set() and self._over.wait(_PATIENCE):
            with suppress(*([GantryError] if kind else [])):
                drop(self._engine, self.name)


def drop(engine: Engine, name: str) -> None:
    """Remove a trial's name; the image goes with its last name."""
    try:
        engine.images.remove(name, delete_parents=False)
    except EngineError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise


def left(engine: Engine) -> tuple[str, ...]:
    """Return the names of the trials that killed tasks have left."""
    names = {name: image for image in engine.images.visible({"reference": [REPOSITORY]}) for name in image.tags}
    if not names:
        return ()
    now = parse_time(engine.now)
    return tuple(name for name, image in sorted(names.items()) if now and is_left(name, now[0] - image.created))


def newest_size(engine: Engine, name: str) -> int:
    """Return the bytes of the newest step in the image's history; 0 if that step made no layer."""
    history = engine.images.history(name)
    return int(history[0].get("Size") or 0) if history else 0
