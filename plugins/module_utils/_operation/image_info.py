# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Report images: their descriptions, their layers, and the bytes that these take."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image, ImageSize, ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.labels import parse_label
from ansible_collections.gantry.docker.plugins.module_utils._image.layers import chain_ids, holders
from ansible_collections.gantry.docker.plugins.module_utils._image.patterns import Pattern, Selection, parse_selection
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ImageName, parse_image_name
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan, Report, Taken

# The patterns that Go's path.Match accepts. A containerd store doesn't refuse other ones, but finds nothing by them.
_REFERENCE = re.compile(r"(?:\\.|\[\^?(?:\\.|[^\]\\])+\]|[^\\\[])+")


class Filters(NamedTuple):
    """The filters of docker images --filter. An image must have all labels, and match one of the references."""

    labels: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    dangling: bool | None = None
    before: ImageName | None = None
    since: ImageName | None = None


class Wanted(NamedTuple):
    """names: None for all images. required: whether each name must find one. history, sizes: whether to report them."""

    names: tuple[Selection, ...] | None
    filters: Filters = Filters()
    required: bool = False
    history: bool = False
    sizes: bool = False


class Observed(NamedTuple):
    """The images that were found, and the names for which there is none.

    others: all images that docker images shows, if the history is wanted. histories: by Id, the steps that each image
    was made by. sizes: by Id, the bytes that each image takes.
    """

    images: tuple[Image, ...]
    not_found: tuple[str, ...]
    others: tuple[Image, ...] = ()
    histories: Mapping[str, Sequence[Mapping[str, Any]]] = {}
    sizes: Mapping[str, ImageSize] = {}


def parse(params: Mapping[str, Any]) -> Wanted:
    """Return the wanted values, parsed from the module's parameters; raise InvalidInput."""
    names = params["names"]
    return Wanted(
        names=None if names is None else tuple(dict.fromkeys(parse_selection(name, "names") for name in names)),
        filters=_parse_filters(params["filters"] or {}),
        required=params["required"],
        history=params["history"],
        sizes=params["sizes"],
    )


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Return the named images, or all images that have a name or aren't a part of another one."""
    names = wanted.names
    filters = _as_asked(engine, wanted.filters)
    listed = names is None and not filters
    every = engine.images.visible() if listed or wanted.history or any(map(_is_pattern, names or ())) else ()
    passing = engine.images.visible(filters) if filters else every
    named = engine.meant_all(name for name in names or () if not isinstance(name, Pattern))
    ids: Sequence[str] = [image.id for image in passing]
    not_found: Sequence[str] = ()
    if names is not None:
        ids, not_found = _choose(names, named, every, ids if filters else None)
    inspected = {image.id: image for image in named.values()}
    others = [image.id for image in every] if wanted.history else []
    rows = {row.id: row for row in (*every, *passing)}
    inspected.update(engine.find_listed(rows[image_id] for image_id in (*ids, *others) if image_id not in inspected))
    images = tuple(inspected[image_id] for image_id in ids if image_id in inspected)
    return Observed(
        images,
        tuple(not_found),
        others=tuple(inspected[image_id] for image_id in others if image_id in inspected),
        histories=_histories(engine, images) if wanted.history else {},
        sizes=engine.images.sizes() if wanted.sizes else {},
    )


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Plan nothing, as this operation only reports; but add a problem if required images are missing."""
    if not wanted.required or not observed.not_found:
        return Plan()
    that_pass = " that matches the filters" if wanted.filters != Filters() else ""
    missing = ", ".join(observed.not_found)
    return Plan(problems=(f"This engine has no image{that_pass} for: {missing}. Pull, load or commit it first.",))


def apply(engine: Engine, step: Any) -> None:
    """Do nothing: this is never called, as the plan has no steps."""


def report(engine: Engine, wanted: Wanted, observed: Observed, planned: Plan, taken: Sequence[Taken]) -> Report:
    """Return the images as inspected, with their history and sizes if these are wanted."""
    holding = holders({image.id: image.diff_ids for image in observed.others})
    others = {image.id: {"Id": image.id, "RepoTags": list(image.tags)} for image in observed.others}
    images = []
    for image in observed.images:
        described = dict(image.inspected)
        if wanted.history:
            described["History"] = _history(image, observed.histories[image.id], holding, others)
        if wanted.sizes:
            described["Sizes"] = _sizes(observed.sizes.get(image.id))
        images.append(described)
    single = {"image": images[0]} if wanted.names and len(wanted.names) == len(images) == 1 else {}
    flawed = {image.id: image for image in observed.images if image.flaw}
    flaws = [{"Id": image.id, "RepoTags": list(image.tags), "Reason": f"It {image.flaw}."} for image in flawed.values()]
    return Report({"images": images, "not_found": list(observed.not_found), "flawed": flaws, **single})


def _parse_filters(given: Mapping[str, Any]) -> Filters:
    labels, references = (_texts(given, name) for name in ("label", "reference"))
    for label in labels:
        parse_label(label, "filters.label")
    for reference in references:
        if not _REFERENCE.fullmatch(reference):
            raise InvalidInput(
                f"'{reference}' in filters.reference can match no name. Write a name or a pattern, as in debian or "
                "example/*:1."
            )
    moments = {name: parse_image_name(given[name]) for name in ("before", "since") if given.get(name) is not None}
    return Filters(labels, references, given.get("dangling"), **moments)


def _texts(given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the texts of a filter that is one text or a list; raise InvalidInput for other values.

    Ansible's own lists would split a label's value at its commas.
    """
    value = given.get(name)
    values = value if isinstance(value, list) else [] if value is None else [value]
    for one in values:
        if not isinstance(one, str):
            raise InvalidInput(f"filters.{name} has {one!r} in it, and must be a text or a list of texts.")
    return tuple(values)


def _as_asked(engine: Engine, filters: Filters) -> dict[str, list[str]]:
    """Return filters as the API takes them; raise GantryError if an image that they name isn't there."""
    asked = {"label": list(filters.labels), "reference": list(filters.references)}
    if filters.dangling is not None:
        asked["dangling"] = ["true" if filters.dangling else "false"]
    for name, other in (("before", filters.before), ("since", filters.since)):
        if other is not None:
            image = engine.images.meant(other)
            if image is None:
                raise GantryError(f"filters.{name} is {other}, and there is no such image on this engine. Correct it.")
            asked[name] = [image.id]
    return {name: values for name, values in asked.items() if values}


def _is_pattern(name: Selection) -> bool:
    return isinstance(name, Pattern)


def _choose(
    names: Sequence[Selection],
    named: Mapping[ImageName, Image],
    every: Sequence[ImageSummary],
    passing: Container[str] | None,
) -> tuple[list[str], list[str]]:
    """Return the Ids of the images that names refer to, in the order of the names; and the names that refer to none.

    An image comes once for each name that refers to it; a pattern adds it only if it isn't there yet.
    named: the images of the names that are not patterns. passing: the Ids of the images that pass the filters; None
    without filters.
    """
    ids: list[str] = []
    not_found = []
    for name in names:
        if isinstance(name, Pattern):
            meant = [image.id for image in every if any(map(name.matches, image.tags + image.digests))]
        else:
            meant = [named[name].id] if name in named else []
        left = [image_id for image_id in meant if passing is None or image_id in passing]
        ids += [image_id for image_id in left if not (_is_pattern(name) and image_id in ids)]
        not_found += [] if left else [str(name)]
    return ids, not_found


def _histories(engine: Engine, images: Sequence[Image]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    return engine.ask_all(lambda one, image_id: one.images.history(image_id), [image.id for image in images])


def _history(
    image: Image,
    history: Sequence[Mapping[str, Any]],
    holding: Mapping[str, Sequence[str]],
    others: Mapping[str, Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Return the steps that made an image, each with the layer that it made and the other images with this layer."""
    layers = reversed(chain_ids(image.diff_ids))

    def sharing(layer: str) -> list[Mapping[str, Any]]:
        return [others[holder] for holder in holding.get(layer, ()) if holder != image.id]

    # Only a task that asks for histories needs this import.
    from ansible_collections.gantry.docker.plugins.module_utils._image.history import history_rows

    rows = history_rows(history, image.diff_ids)
    return [{**row, "SharedWith": sharing(next(layers)) if row["DiffID"] else None} for row in rows]


def _sizes(size: ImageSize | None) -> dict[str, int] | None:
    return {"Total": size.total, "Shared": size.shared, "Unique": size.total - size.shared} if size else None
