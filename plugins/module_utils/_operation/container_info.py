# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Report containers: their descriptions, and the processes in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Container, Containers
from ansible_collections.gantry.docker.plugins.module_utils._container.words import parse_name
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import Reference, begins_id
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan, Report, Taken


class Wanted(NamedTuple):
    """names: None for all containers. processes: whether to report the processes in them."""

    names: tuple[str, ...] | None
    processes: bool


class Observed(NamedTuple):
    """The containers that were found, and the names for which there is none.

    images: for each image name that these containers were made with, the Id of the image that it refers to now; None
    if it refers to none.
    """

    containers: tuple[Container, ...]
    not_found: tuple[str, ...]
    images: Mapping[str, str | None]


def parse(params: Mapping[str, Any]) -> Wanted:
    """Return the wanted values, parsed from the module's parameters; raise InvalidInput."""
    names = params["names"]
    parsed = None if names is None else tuple(dict.fromkeys(parse_name(name) for name in names))
    return Wanted(parsed, params["processes"])


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Return the named containers, or all, and the images that the names of their images refer to now."""
    names = wanted.names
    if names is None:
        names = tuple(summary.id for summary in Containers(engine).all())
    found = {name: Containers(engine).find(name) for name in names}
    gone = () if wanted.names is None else tuple(name for name, container in found.items() if container is None)
    containers = tuple(container for container in found.values() if container)
    made_from = {name for container in containers if (name := _image_name(container))}
    images = {name: image.id if (image := engine.images.find(name)) else None for name in sorted(made_from)}
    return Observed(containers, gone, images)


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Plan nothing: this operation only reports."""
    return Plan()


def apply(engine: Engine, step: Any) -> None:
    """Do nothing: this is never called, as the plan has no steps."""


def report(engine: Engine, wanted: Wanted, observed: Observed, planned: Plan, taken: Sequence[Taken]) -> Report:
    """Return the containers as inspected, with our additional keys."""
    containers = [_described(engine, container, wanted, observed) for container in observed.containers]
    single = {"container": containers[0]} if wanted.names and len(wanted.names) == len(containers) == 1 else {}
    return Report({"containers": containers, "not_found": list(observed.not_found), **single})


def _described(engine: Engine, container: Container, wanted: Wanted, observed: Observed) -> dict[str, Any]:
    name = _image_name(container)
    now = observed.images[name] if name else None
    described = {**container.inspected, "ImageName": name, "ImageIsCurrent": now == container.image_id if now else None}
    if wanted.processes:
        described["Processes"] = Containers(engine).processes(container.id) if container.running else []
    return described


def _image_name(container: Container) -> str | None:
    """Return the name of the image that the container was made with; None if that was an Id."""
    name = container.image_name
    return str(name) if isinstance(name, Reference) and not begins_id(name, container.image_id) else None
