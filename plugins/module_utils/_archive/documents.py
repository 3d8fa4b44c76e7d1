# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""JSON documents, read with distrust, as Go's encoding/json reads them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from math import isinf
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._archive.digests import is_digest
from ansible_collections.gantry.docker.plugins.module_utils._archive.tar import (
    REPACK,
    shown,
)
from ansible_collections.gantry.docker.plugins.module_utils._errors import Unreadable


def weight(data: bytes) -> int:
    """Return how many bytes of memory the text of a JSON document takes: wide characters widen all that is beside."""
    wide = not data.isascii() or data.count(b"\\u") > data.count(b"\\u00")
    return 4 * len(data) if wide else len(data)


def values(data: bytes) -> int:
    """Return a number that a JSON document has no more values than, without parsing it."""
    return data.count(b",") + data.count(b"[") + data.count(b"{") + 1


def parsed(data: bytes, name: str) -> Any:
    """Return a JSON document.

    Raise Unreadable for what is no JSON, for an object with two equal keys (RFC 8259, section 4: readers differ),
    and for what is deeper or has longer numbers than Python can bear.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
        if b"\\u" in data:
            # Half of a surrogate pair is a valid escape, and fails whoever prints it.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except _Twice as error:
        raise Unreadable(f"its {shown(name)} says {shown(str(error))} twice", REPACK) from error
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"its {shown(name)} is no valid JSON") from error
    return value


def fields(value: Any, known: frozenset[str], name: str) -> dict[str, Any]:
    """Return an object of which Go's encoding/json makes a struct with these fields, if its keys have one reading.

    Go takes a key in any case for a field, so that of RepoTags and repotags the last counts. Raise Unreadable for a
    key that differs from a field in nothing but case.
    """
    found = object_of(value, name)
    if not found.keys() <= known:
        folded = _folded(known)
        for key in found.keys() - known:
            if fold(key) in folded:
                raise Unreadable(
                    f"its {shown(name)} says {shown(key)}, which engines take for {folded[fold(key)]}", REPACK
                )
    return found


def renamed(value: Any, known: frozenset[str], name: str) -> dict[str, Any]:
    """Return an object with the keys that Go's encoding/json takes for these fields named like them.

    For configs: people write some by hand, and an engine keeps them byte for byte. Raise Unreadable if two keys are
    the same to Go.
    """
    found = object_of(value, name)
    if found.keys() <= known:
        return found
    folded = _folded(known)
    result: dict[str, Any] = {}
    for key, item in found.items():
        field = folded.get(fold(key), key)
        if field in result:
            raise Unreadable(f"its {shown(name)} says {shown(key)}, and {field} in other letters too", REPACK)
        result[field] = item
    return result


@cache
def _folded(known: frozenset[str]) -> dict[str, str]:
    return {fold(field): field for field in known}


def fold(key: str) -> str:
    """Return a key such that those are equal that Go's encoding/json takes for the same field.

    Fields' names have letters of ASCII alone: beside their cases these have the long s and the sign for Kelvin
    (Unicode's simple case folding; encoding/json, fold.go).
    """
    return key.replace("\u017f", "s").lower()


def object_of(value: Any, name: str) -> dict[str, Any]:
    """The value if it is an object."""
    if not isinstance(value, dict):
        raise Unreadable(f"its {shown(name)} has no object where there must be one")
    return value


def objects(value: Any, name: str) -> list[dict[str, Any]]:
    """The value if it is a list of objects; empty for none at all (Go writes null for an empty list)."""
    return [object_of(item, name) for item in _list(value, name)]


def texts(value: Any, name: str) -> tuple[str, ...]:
    """The value if it is a list of strings; empty for none at all."""
    return tuple(text(item, name) for item in _list(value, name))


def text(value: Any, name: str) -> str:
    """The value if it is a string; empty for none at all."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable(f"its {shown(name)} has no string where there must be one")
    return value


def digest(value: Any, name: str) -> str:
    """The value if it is a digest."""
    if not isinstance(value, str) or not is_digest(value):
        raise Unreadable(f"its {shown(name)} has no digest where there must be one")
    return value


def mapping(value: Any, name: str) -> dict[str, Any]:
    """The value if it is an object; empty for none at all."""
    return {} if value is None else object_of(value, name)


def _list(value: Any, name: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unreadable(f"its {shown(name)} has no list where there must be one")
    return value


def _integer(digits: str) -> int:
    # Reading a number takes quadratic time, without a limit before Python 3.10.7. Go's are of 64 bits.
    if len(digits) > 20:
        raise ValueError("a number is too long")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise ValueError("a number is too large")
    return number


def _constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


class _Twice(Exception):
    """An object has a key twice."""


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        for key, _item in pairs:
            if key not in value:
                raise _Twice(key)
            del value[key]
    return value
