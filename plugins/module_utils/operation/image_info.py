# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tell of images: which there are, what they are, and which layers they have."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils.engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils.engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils.image.layers import history_rows
from ansible_collections.gantry.docker.plugins.module_utils.image.reference import ImageName, parse_image_name
from ansible_collections.gantry.docker.plugins.module_utils.operation.plan import Plan


@dataclass(frozen=True)
class Wanted:
    """names: None for all images. history: whether to tell the layers too."""

    names: tuple[ImageName, ...] | None
    history: bool


@dataclass(frozen=True)
class Observed:
    """The images that there are, and the names that name none."""

    images: tuple[Image, ...]
    not_found: tuple[str, ...]


def parse(params: Mapping[str, Any]) -> Wanted:
    """What is wanted, from the module's parameters; raises InvalidInput."""
    names = params["names"]
    parsed = None if names is None else tuple(dict.fromkeys(parse_image_name(name) for name in names))
    return Wanted(parsed, params["history"])


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Look up the images that were named, or all that have a name or aren't a part of another."""
    if wanted.names is None:
        listed = (engine.images.find(image_id) for image_id in engine.images.visible())
        return Observed(tuple(image for image in listed if image), ())
    found = {str(name): engine.images.meant(name) for name in wanted.names}
    return Observed(
        images=tuple(image for image in found.values() if image),
        not_found=tuple(name for name, image in found.items() if image is None),
    )


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Nothing: looking changes nothing."""
    return Plan()


def apply(engine: Engine, step: Any) -> Mapping[str, Any]:
    """Never called: the plan has no steps."""
    return {}


def report(engine: Engine, wanted: Wanted, observed: Observed) -> Mapping[str, Any]:
    """The images as inspected, with their history where it is wanted."""
    images = [_described(engine, image, wanted.history) for image in observed.images]
    single = {"image": images[0]} if wanted.names and len(wanted.names) == len(images) == 1 else {}
    return {"images": images, "not_found": list(observed.not_found), **single}


def _described(engine: Engine, image: Image, history: bool) -> dict[str, Any]:
    described = dict(image.inspected)
    if history:
        described["History"] = history_rows(engine.images.history(image.id), image.diff_ids)
    return described
