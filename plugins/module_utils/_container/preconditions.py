# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The preconditions for making a container, and reasons why it may not run then."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Container
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ImageName, Reference


def check_former(name: str, former: Container | None) -> None:
    """Raise GantryError if an interrupted replacement has left the container that had the name before."""
    if former is not None:
        raise GantryError(
            f"The container {former.name} is in the way: an interrupted replacement of {name} has left it. Remove it "
            f"('docker rm {former.name}'), or rename it to {name} ('docker rename')."
        )


def check_networks(options: Mapping[str, Any], there: Collection[str]) -> None:
    """Raise GantryError unless the networks that are asked for are there."""
    missing = sorted(name for name in options.get("networks", {}) if name not in there)
    if missing:
        raise GantryError(
            f"There is no network {', '.join(missing)} on this engine. Make it first ('docker network create')."
        )


def check_image(name: ImageName, image: Image | None) -> None:
    """Raise GantryError unless the image of a name is here, and a container can be made from it."""
    if image is not None:
        if not image.whole and not image.config:
            raise GantryError(
                f"No container can be made of {name}: it {image.flaw}. Pull it by its name "
                "(image_pull), or load it (image_load)."
            )
        return
    missing = f"There is no image {name} on this engine to run."
    if isinstance(name, Reference):
        raise GantryError(f"{missing} Pull it first (image_pull), or use pull: missing.")
    raise GantryError(f"{missing} An Id can't be pulled: name the image, or load it (image_load).")


def check_command(options: Mapping[str, Any], name: ImageName, image: Image | None) -> None:
    """Raise GantryError if no option or image names a command: the engine would refuse this (daemon/create.go).

    options: the container's, as options.py parses them. image: the image of the name; None if it isn't known yet.
    """
    if options.get("command") or options.get("entrypoint"):
        return
    if "entrypoint" in options:
        raise GantryError(
            "An empty entrypoint clears the image's, and then the image's command isn't used either: name a command."
        )
    if image and image.config and not (image.config.get("Cmd") or image.config.get("Entrypoint")):
        raise GantryError(f"The image {name} doesn't say what to run. Name a command, or an entrypoint.")


def doubt(engine: Engine, name: ImageName, image: Image) -> str:
    """Return the reason why a container of an image may not run on the engine's host; "" if there is none."""
    if not image.platform.architecture or engine.platform.runs(image.platform):
        return ""
    return (
        f"The image {name} is here for {image.platform}, and the engine's host is {engine.platform}: the "
        "container runs only if the host emulates that platform (binfmt_misc). Pull the image for the host's own "
        "platform (image_pull with platform) if it has one."
    )
