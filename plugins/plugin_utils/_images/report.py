# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The report of the role images: what its tasks did, or in check mode would do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._errors import printable

_UNITS = ("bytes", "KB", "MB", "GB", "TB")

Result = Mapping[str, Any]


def report(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report as data, and as lines of text for people."""
    pruned = next(_each(results.get("pruned")), {})
    report = {
        "removed": [row for result in _each(results.get("removed")) for row in _removed(result)],
        "pulled": [row for result in _each(results.get("pulled")) for row in _pulled(result)],
        "loaded": [row for result in _each(results.get("loaded")) for row in _loaded(result)],
        "tagged": sorted(
            [
                *(row for result in _each(results.get("tagged")) for row in _tagged(result)),
                *_foreseen(results.get("foreseen") or (), results.get("targets") or {}),
            ],
            key=lambda row: row["name"],
        ),
        "pruned": list(pruned.get("images") or ()),
        "spared": list(pruned.get("spared") or ()),
        "space_reclaimed": pruned.get("space_reclaimed") or 0,
        "failed": [
            str(result.get("msg") or "no reason was given")
            for key in ("removed", "pulled", "loaded", "tagged", "pruned")
            for result in _each(results.get(key))
            if result.get("failed")
        ],
    }
    done = any(report[key] for key in ("removed", "pulled", "loaded", "tagged", "pruned"))
    kept = {"kept": pruned["kept"]} if "kept" in pruned else {}
    return {"changed": done, **report, **kept, "lines": list(map(printable, _lines({**report, **kept})))}


def _each(registered: Result | None) -> Iterator[Result]:
    """Return the results: one for each item of a loop, without those that were skipped."""
    one = registered or {}
    results: Sequence[Result] = one.get("results", [one])
    return (result for result in results if "actions" in result or result.get("failed"))


def _diff(result: Result) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the before and after of a result's diff. They are empty if the task failed on the way."""
    diff = result.get("diff") or {}
    return diff.get("before") or {}, diff.get("after") or {}


def _removed(result: Result) -> Iterator[dict[str, Any]]:
    before, after = _diff(result) if result.get("changed") else ({}, {})
    for image_id, names in before.items():
        left = after.get(image_id)
        yield {"id": image_id, "names": [name for name in names if name not in (left or ())], "deleted": left is None}


def _pulled(result: Result) -> Iterator[dict[str, Any]]:
    return ({"name": row["name"], "before": row["before"], "after": row["after"]} for row in result.get("pulled") or ())


def _loaded(result: Result) -> Iterator[dict[str, Any]]:
    path = (result.get("item") or {}).get("path")
    return ({"name": row["name"], "archive": path} for row in result.get("loaded") or ())


def _tagged(result: Result) -> Iterator[dict[str, Any]]:
    before = _diff(result)[0] if result.get("changed") else {}
    for name, former in before.items():
        yield {"name": name, "image": (result.get("item") or {}).get("name"), "before": former}


def _foreseen(tags: Sequence[Mapping[str, Any]], targets: Result) -> Iterator[dict[str, Any]]:
    """Yield the rows for tags on images that aren't here yet: each of these tags will change."""
    former = {name: image["Id"] for image in targets.get("images") or () for name in image["RepoTags"] or ()}
    for tag in tags:
        for name in tag["repository"]:
            yield {"name": name, "image": tag["name"], "before": former.get(name)}


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the report, one for each image."""
    for row in report["removed"]:
        names = ", ".join(row["names"])
        yield f"remove  {_named(names, row['id']) if row['deleted'] else f'{names} (the image has other names)'}"
    for row in report["pulled"]:
        yield f"pull    {row['name']}{_moved(row)}"
    for row in report["loaded"]:
        yield f"load    {row['name']} from {row['archive']}"
    for row in report["tagged"]:
        yield f"tag     {row['name']} on {_short(row['image'])}{_moved(row)}"
    for image in report["pruned"]:
        names = ", ".join(image["RepoTags"] or image["RepoDigests"] or ())
        yield f"prune   {_named(names, image['Id'])}: {image['Reason']}, {_size(image['SpaceReclaimed'])}"
    if report["pruned"]:
        yield f"free    {_size(report['space_reclaimed'])} ({report['space_reclaimed']} bytes)"
    for image in report.get("kept", ()):
        names = ", ".join(image["RepoTags"] or image["RepoDigests"] or ())
        yield f"keep    {_named(names, image['Id'])}: {image['Reason']}"
    yield from (f"leave   {reason}" for reason in report["spared"])
    yield from (f"FAILED  {reason}" for reason in report["failed"])


def _named(names: str, image_id: str) -> str:
    return f"{names} ({_short(image_id)})" if names else _short(image_id)


def _moved(row: Mapping[str, Any]) -> str:
    return f", which was {_short(row['before'])}" if row["before"] else ""


def _short(name: str) -> str:
    """Return a name with only the first 12 digits of a digest, which are enough to recognise it."""
    return re.sub(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}", r"\1", name)


def _size(count: float) -> str:
    for unit in _UNITS:
        if count < 1024 or unit == _UNITS[-1]:
            break
        count /= 1024
    return f"{count:.0f} {unit}" if unit == _UNITS[0] else f"{count:.1f} {unit}"
