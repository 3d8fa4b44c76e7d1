# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build cache: which records go, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._retention.build_cache import (
    CacheRules,
    Record,
    cache_that_goes,
    parse_cache_rules,
)

NOW = "1970-01-01T01:00:00Z"
OPTIONS: dict[str, Any] = {
    "builder_cache": True,
    "builder_cache_all": False,
    "builder_cache_filters": None,
    "builder_cache_keep_storage": None,
}

# base ← middle ← top, and four records without others.
RECORDS = (
    Record("base", size=100, last_used=(30, 0)),
    Record("middle", size=10, parents=("base",), last_used=(20, 0)),
    Record("top", size=1, parents=("middle",), last_used=(10, 0), description="RUN make"),
    Record("context", "source.local", size=1000, last_used=(5, 0)),
    Record("busy", size=1, used=True),
    Record("image", size=5000, shared=True, last_used=(1, 0)),
    Record("own", "internal", size=1, last_used=(2, 0)),
)


def rules(**options: Any) -> CacheRules:
    """Return the rules that these options mean."""
    found = parse_cache_rules({**OPTIONS, **{f"builder_cache_{name}": value for name, value in options.items()}})
    assert found
    return found


def gone(*records: Record, **options: Any) -> list[str]:
    """Return the Ids of the records that go."""
    return [record.id for record in cache_that_goes(records or RECORDS, rules(**options), NOW)]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ({}, "context top middle base"),
        ({"all": True}, "image own context top middle base"),
        ({"filters": {"until": "3590s"}}, "context top"),
        ({"filters": {"until": "3595s"}}, "context"),
        ({"filters": {"until": ["24h"]}}, ""),
        ({"filters": {"type": "source.local"}}, "context"),
        ({"filters": {"type": "internal"}}, ""),
        ({"filters": {"type": "internal"}, "all": True}, "own"),
        ({"filters": {"description": "RUN make"}}, "top"),
        ({"filters": {"description": "RUN", "type": "regular"}}, ""),
        ({"keep_storage": 10_000}, ""),
        ({"keep_storage": 1113}, ""),
        ({"keep_storage": 1112}, "context"),
        ({"keep_storage": 112}, "context top"),
        ({"keep_storage": 0}, "context top middle base"),
    ],
)
def test_records_go_that_all_rules_allow(options: dict[str, Any], ids: str) -> None:
    assert gone(**options) == ids.split()


def test_a_record_stays_under_one_that_stays() -> None:
    kept = Record("kept", parents=("base",), used=True)
    assert gone(*RECORDS, kept) == ["context", "top", "middle"]
    assert gone(Record("base"), Record("merged", parents=("base", "base"))) == ["merged", "base"]


def test_a_record_whose_parent_is_unknown_goes() -> None:
    assert gone(Record("a", parents=("b",))) == ["a"]


def test_a_record_that_was_never_used_goes_first() -> None:
    assert gone(Record("b", last_used=(1, 0)), Record("c"), filters={"until": "1h"}) == ["c"]
    assert gone(Record("b", last_used=(1, 0)), Record("c")) == ["c", "b"]


def test_without_the_option_no_cache_is_looked_at() -> None:
    assert parse_cache_rules({**OPTIONS, "builder_cache": False}) is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"filters": {"label": "a"}}, "builder_cache_filters has 'label'"),
        ({"filters": {"until": ["1h", "2h"]}}, "has 'until' with 2 values"),
        ({"filters": {"until": "7d"}}, "until in builder_cache_filters is '7d'"),
        ({"keep_storage": -1}, "builder_cache_keep_storage is -1"),
    ],
)
def test_bad_rules_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        rules(**options)
