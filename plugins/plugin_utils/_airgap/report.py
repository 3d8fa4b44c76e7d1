# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The report of a delivery, and its lines for the log of the controller."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput, printable
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    DEFAULT_REGISTRY,
    parse_registry,
    parse_tag,
)
from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.manifest import Bundle, other_layers

# Enough digits of a digest to recognise it.
_SHORT = len("sha256:") + 12


def registry_names(names: Iterable[str], registry: str) -> dict[str, str]:
    """Return the names that images get in a registry, by their own; raise InvalidInput.

    registry: its address, and a path there if need be.
    """
    targets: dict[str, str] = {}
    for name in names:
        image = parse_tag(name)
        path = image.name if image.registry == DEFAULT_REGISTRY else image.repository
        parsed = parse_tag(f"{registry}/{path}:{image.tag}")
        if parsed.registry != parse_registry(registry):
            raise InvalidInput(f"airgap_registry is '{registry}', and must begin with the host[:port] of a registry.")
        target = parsed.tagged
        if target in targets.values():
            raise InvalidInput(
                f"Two images of the bundle would be {target} in the registry. Bundle only one of them, or give one "
                "another name before."
            )
        targets[name] = target
    return targets


def delivery(told: Mapping[str, Any], bundle: Bundle) -> dict[str, Any]:
    """Return what was delivered to a host or, in check mode, what would be.

    told: host, at (the time), check (whether nothing was done), bundle (the SHA-256 of the manifest), signed (whether
    a signature was verified), loaded and pushed (the results of image_load and image_push), and targets (the names of
    the images in the registry, by their own; none if nothing is new there).
    """
    loaded = told.get("loaded") or {}
    arrived = loaded.get("loaded") or ()
    foreseen = {row["name"] for row in arrived} if told.get("check") else set()
    # In check mode, the name of an image that would come refers to another one yet.
    there = [
        {**image, "RepoTags": [name for name in image.get("RepoTags") or () if name not in foreseen]}
        for image in loaded.get("images") or ()
    ]
    ids = {name: image["Id"] for image in there for name in image["RepoTags"]}
    images = [{"name": row["name"], "id": ids.get(row["name"]), "before": row["before"]} for row in arrived]
    pushed = list(_pushes(told.get("pushed") or {}, told.get("targets") or {}))
    about = {"at": told["at"], "host": told["host"], "bundle": told["bundle"], "signed": bool(told["signed"])}
    sent = loaded.get("bytes_transferred") or 0
    return {
        "changed": bool(images or pushed),
        "loaded": images,
        "pushed": pushed,
        "bytes_transferred": sent,
        "problems": [
            f"{name} has other layers on {told['host']} than the bundle's manifest says. Make the bundle again."
            for name in other_layers(bundle, there)
        ],
        "lines": list(map(printable, _lines(images, pushed, sent))),
        "log": "".join(
            f"{json.dumps({**about, 'action': action, **row})}\n"
            for action, rows in (("load", images), ("push", pushed))
            for row in rows
        ),
    }


def _pushes(pushed: Mapping[str, Any], targets: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield a row for each image that the registry got; or, if nothing was pushed in check mode, that it would get."""
    if "actions" in pushed:
        changed = (pushed.get("diff") or {}).get("after") or {}
        names = [name for name in targets.values() if pushed.get("changed") and name in changed]
    else:
        names = list(targets.values())
    yield from ({"name": name, "digest": (pushed.get("digests") or {}).get(name)} for name in names)


def _lines(images: Iterable[Mapping[str, Any]], pushed: Iterable[Mapping[str, Any]], sent: int) -> Iterator[str]:
    for row in images:
        before = f", which was {row['before'][:_SHORT]}" if row["before"] else ""
        yield f"load  {row['name']}{_by(row['id'])}{before}"
    yield from (f"push  {row['name']}{_by(row['digest'])}" for row in pushed)
    if sent:
        yield f"send  {sent} bytes"


def _by(digest: str | None) -> str:
    return f" ({digest[:_SHORT]})" if digest else ""
