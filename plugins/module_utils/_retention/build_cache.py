# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The engine's build cache: which of its records may go, and their removal.

An engine prunes by rules, and reports only afterwards what they meant. So the rules are applied here, to the records
that the engine lists, and the engine is given the records' Ids. What its own rules do is in moby, buildkit's
cache/manager.go.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import trying_to
from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.times import Moment, parse_moment, parse_time
from ansible_collections.gantry.docker.plugins.module_utils._plan import Otherwise, Skipped
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import Unexpected
from ansible_collections.gantry.docker.plugins.module_utils._transport.client import target
from ansible_collections.gantry.docker.plugins.module_utils._transport.shapes import BUILD_CACHE, PRUNED_CACHE

# The types of records that go only with all: what frontends and the builder itself keep.
_OWN_TYPES = ("internal", "frontend")
_FILTERS = ("until", "type", "description")


class Record(NamedTuple):
    """A record of the build cache.

    parents: the Ids of the records that it was made from. used: whether a build uses it now. shared: whether an image
    has its layer too. size: its bytes. last_used: seconds and nanoseconds since 1970; None if it was never used.
    """

    id: str
    kind: str = "regular"
    description: str = ""
    parents: tuple[str, ...] = ()
    used: bool = False
    shared: bool = False
    size: int = 0
    last_used: tuple[int, int] | None = None

    @property
    def freed(self) -> int:
        """The bytes that its removal frees."""
        return 0 if self.shared else self.size


class CacheRules(NamedTuple):
    """The rules for records that may go. A record stays as soon as one rule keeps it.

    everything: whether records go too that an image shares, or that the builder keeps for itself.
    until: records that were used later stay. kind, description: a record goes only if it has these.
    most: the bytes that may stay, the last used ones; None if all go that may.
    """

    everything: bool = False
    until: Moment | None = None
    kind: str | None = None
    description: str | None = None
    most: int | None = None


class PruneCache(NamedTuple):
    """Remove records of the build cache."""

    records: tuple[Record, ...]

    @property
    def sentence(self) -> str:
        """The step as a sentence."""
        return f"Pruned build cache ({', '.join(record.id for record in self.records)})"


def parse_cache_rules(params: Mapping[str, Any]) -> CacheRules | None:
    """Return the rules in the module's parameters; None if no cache is to be pruned. Raise InvalidInput."""
    filters = {}
    for name, value in (params["builder_cache_filters"] or {}).items():
        values = [str(one) for one in (value if isinstance(value, list) else [value])]
        if name not in _FILTERS or len(values) != 1:
            raise InvalidInput(
                f"builder_cache_filters has '{name}' with {len(values)} values, but accepts only "
                f"{', '.join(_FILTERS)}, each with one value."
            )
        filters[name] = values[0]
    most = params["builder_cache_keep_storage"]
    if (most or 0) < 0:
        raise InvalidInput(f"builder_cache_keep_storage is {most}, and must not be negative.")
    if not params["builder_cache"]:
        return None
    until = filters.get("until")
    return CacheRules(
        everything=params["builder_cache_all"],
        until=None if until is None else parse_moment(until, "until in builder_cache_filters"),
        kind=filters.get("type"),
        description=filters.get("description"),
        most=most,
    )


def observe_cache(engine: Engine) -> tuple[Record, ...]:
    """Return all records of the build cache."""
    with trying_to("list the build cache"):
        answer = BUILD_CACHE(engine.api.get("/system/df", type="build-cache", verbose="1"))
        usage = answer.get("BuildCacheUsage")
        if usage is not None and usage.get("TotalCount") and not usage.get("Items"):
            raise Unexpected("has no BuildCacheUsage.Items")
        rows = (answer.get("BuildCache") if usage is None else usage.get("Items")) or ()
    return tuple(sorted(map(_record, rows)))


def _record(row: Mapping[str, Any]) -> Record:
    # The name of the field has a space on all engines that have several parents (api/types/build/cache.go).
    parents = row.get(" Parents") or row.get("Parents") or [row.get("Parent")]
    return Record(
        id=row["ID"],
        kind=row.get("Type") or "regular",
        description=row.get("Description") or "",
        parents=tuple(parent for parent in parents if parent),
        used=row.get("InUse") or False,
        shared=row.get("Shared") or False,
        size=row.get("Size") or 0,
        last_used=parse_time(row.get("LastUsedAt")),
    )


def cache_that_goes(records: Sequence[Record], rules: CacheRules, now: str) -> tuple[Record, ...]:
    """Return the records that go, those that others were made from after these. now: the engine's time, as RFC 3339.

    A record stays if one stays that was made from it.
    """
    until = rules.until.at(now) if rules.until else None
    known = {record.id: record for record in records}
    children = Counter(parent for record in records for parent in record.parents)
    size = sum(record.freed for record in records)
    # The records without a child, the least recently used first.
    free = [_by_use(record) for record in records if not children[record.id] and _may_go(record, rules, until)]
    heapify(free)
    gone: list[Record] = []
    while free and (rules.most is None or size > rules.most):
        record = known[heappop(free)[1]]
        gone.append(record)
        size -= record.freed
        children.subtract(record.parents)
        for parent in (known[one] for one in dict.fromkeys(record.parents) if one in known):
            if not children[parent.id] and _may_go(parent, rules, until):
                heappush(free, _by_use(parent))
    return tuple(gone)


def _by_use(record: Record) -> tuple[tuple[int, int], str]:
    return record.last_used or (0, 0), record.id


def _may_go(record: Record, rules: CacheRules, until: float | None) -> bool:
    reasons_to_stay = (
        record.used,
        not rules.everything and (record.shared or record.kind in _OWN_TYPES),
        until is not None and record.last_used is not None and _seconds(record.last_used) > until,
        rules.kind not in (None, record.kind),
        rules.description not in (None, record.description),
    )
    return not any(reasons_to_stay)


def _seconds(time: tuple[int, int]) -> float:
    return time[0] + time[1] / 1e9


def prune_cache(engine: Engine, step: PruneCache) -> None:
    """Remove records in one call. Raise Skipped or Otherwise if some of them stay, as they are used by now."""
    # The filter is a regular expression.
    one_of_these = "|".join(record.id for record in step.records)
    filters = json.dumps({"id": {f'"^({one_of_these})$"': True}})
    with trying_to("prune the build cache"):
        path = target("/build/prune", all="1", filters=filters)
        answer = PRUNED_CACHE(engine.api.ask("POST", path, patient=True).value)
    gone = set(answer.get("CachesDeleted") or ())
    stays = [record.id for record in step.records if record.id not in gone]
    if not stays:
        return
    reason = f"the build cache {', '.join(stays)} stays, as it is used by now or gone already"
    if not gone:
        raise Skipped(reason)
    raise Otherwise(PruneCache(tuple(record for record in step.records if record.id in gone)), reason)
