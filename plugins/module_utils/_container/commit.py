# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Commits of a container to an image, with errors that say what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus

from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Commit, Container, Containers
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import Reference

# builder/dockerfile/dispatchers.go and builder.go, validCommitCommands
_INSTRUCTIONS = (
    "CMD",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "HEALTHCHECK",
    "LABEL",
    "ONBUILD",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
)
# An instruction that every engine parses, but refuses to carry out.
_REFUSED = "EXPOSE no-port"


def check_changes(changes: Sequence[str]) -> None:
    """Raise InvalidInput unless all changes are instructions that a commit takes."""
    for number, change in enumerate(changes, 1):
        # A line that ends with a backslash continues in the next one.
        lines = [line for line in re.split(r"(?<!\\)\n", change.strip()) if line.strip()]
        if not lines or not {line.split(None, 1)[0].upper() for line in lines} <= set(_INSTRUCTIONS):
            raise InvalidInput(
                f"changes has {_quoted(change)} in place {number}, but a commit accepts only these instructions: "
                f"{', '.join(_INSTRUCTIONS)}."
            )


def commit(engine: Engine, container: Container, how: Commit, name: Reference, said: str) -> None:
    """Make an image from a container, under a name. said: the container's name or Id, as the user wrote it.

    Raise InvalidInput if the engine refuses one of the instructions, GantryError if the container's image is gone.
    """
    try:
        Containers(engine).commit(container, how, name)
    except EngineError as error:
        if error.status == HTTPStatus.BAD_REQUEST:
            _blame_instruction(engine, container, how, name)
        if error.status and engine.images.find(container.image_id) is None:
            raise GantryError(
                f"The container {said} can't be committed: its image {container.image_id} was removed. "
                "Bring that image back (image_pull, image_load), or run a new container."
            ) from error
        raise


def _blame_instruction(engine: Engine, container: Container, how: Commit, name: Reference) -> None:
    """Raise InvalidInput that names the instruction which the engine refuses, if it refuses one.

    The engine doesn't report which one. So it is asked to commit with each one alone, followed by an instruction that
    it always refuses, after all others: then it never makes an image.
    """
    for number, change in enumerate(how.changes, 1):
        alone = how._replace(changes=(change, _REFUSED), labels={}, pause=False)
        try:
            Containers(engine).commit(container, alone, name)
        except EngineError as error:
            if _REFUSED.split()[1] not in error.message:
                raise InvalidInput(
                    f"changes has {_quoted(change)} in place {number}, which the engine refuses. {error.message}"
                ) from error


def _quoted(change: str) -> str:
    """Return an instruction in one line, for a message."""
    return f"'{' '.join(change.split())}'"
