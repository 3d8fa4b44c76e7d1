# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""JSON documents of archives, read without trust and in the same way as by Go's encoding/json."""

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
    """Return the bytes of memory that the text of a JSON document takes: one wide character makes all of them wide."""
    wide = not data.isascii() or data.count(b"\\u") > data.count(b"\\u00")
    return 4 * len(data) if wide else len(data)


def values(data: bytes) -> int:
    """Return the most values that a JSON document can have, without parsing it."""
    return data.count(b",") + data.count(b"[") + data.count(b"{") + 1


def parsed(data: bytes, name: str) -> Any:
    """Return a JSON document.

    Raise Unreadable if it isn't JSON, if an object has a key twice (RFC 8259, section 4: readers differ), or if it is
    too deep or has too long numbers for Python.
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
            # Half of a surrogate pair is a valid escape, but can't be printed.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except _Twice as error:
        raise Unreadable(f"its {shown(name)} has the key {shown(str(error))} twice", REPACK) from error
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"its {shown(name)} is no valid JSON") from error
    return value


def fields(value: Any, known: frozenset[str], name: str) -> dict[str, Any]:
    """Return an object that Go's encoding/json reads into a struct with these fields; raise Unreadable.

    Go ignores the case of keys: if an object has RepoTags and repotags, the last one counts. So a key that differs from
    a field only by case is an error.
    """
    found = object_of(value, name)
    if not found.keys() <= known:
        folded = _folded(known)
        for key in found.keys() - known:
            if fold(key) in folded:
                raise Unreadable(
                    f"its {shown(name)} has the key {shown(key)}, which engines read as {folded[fold(key)]}", REPACK
                )
    return found


def renamed(value: Any, known: frozenset[str], name: str) -> dict[str, Any]:
    """Return an object, with the fields' own names for the keys that Go's encoding/json takes for these fields.

    This is for configs: some are written by hand, and an engine keeps them byte for byte. Raise Unreadable if two keys
    mean the same field.
    """
    found = object_of(value, name)
    if found.keys() <= known:
        return found
    folded = _folded(known)
    result: dict[str, Any] = {}
    for key, item in found.items():
        field = folded.get(fold(key), key)
        if field in result:
            raise Unreadable(f"its {shown(name)} has the key {shown(key)}, and {field} with other letters too", REPACK)
        result[field] = item
    return result


@cache
def _folded(known: frozenset[str]) -> dict[str, str]:
    return {fold(field): field for field in known}


def fold(key: str) -> str:
    """Return the normal form of a key: keys with the same one mean the same field for Go's encoding/json.

    The names of fields are ASCII. By Unicode's simple case folding, the long s and the sign for Kelvin are equal to
    letters of ASCII too (encoding/json, fold.go).
    """
    return key.replace("\u017f", "s").lower()


def object_of(value: Any, name: str) -> dict[str, Any]:
    """Return the value if it is an object; raise Unreadable."""
    if not isinstance(value, dict):
        raise Unreadable(f"its {shown(name)} has no object where there must be one")
    return value


def objects(value: Any, name: str) -> list[dict[str, Any]]:
    """Return the value if it is a list of objects; an empty list for null, as Go writes that. Raise Unreadable."""
    return [object_of(item, name) for item in _list(value, name)]


def texts(value: Any, name: str) -> tuple[str, ...]:
    """Return the value if it is a list of strings; an empty tuple for null. Raise Unreadable."""
    return tuple(text(item, name) for item in _list(value, name))


def text(value: Any, name: str) -> str:
    """Return the value if it is a string; "" for null. Raise Unreadable."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable(f"its {shown(name)} has no string where there must be one")
    return value


def digest(value: Any, name: str) -> str:
    """Return the value if it is a digest; raise Unreadable."""
    if not isinstance(value, str) or not is_digest(value):
        raise Unreadable(f"its {shown(name)} has no digest where there must be one")
    return value


def mapping(value: Any, name: str) -> dict[str, Any]:
    """Return the value if it is an object; an empty one for null. Raise Unreadable."""
    return {} if value is None else object_of(value, name)


def _list(value: Any, name: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unreadable(f"its {shown(name)} has no list where there must be one")
    return value


def _integer(digits: str) -> int:
    # Reading a number takes quadratic time, and Python has no limit before 3.10.7. Go's numbers have 64 bits.
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
    """An error: an object has a key twice."""


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        for key, _item in pairs:
            if key not in value:
                raise _Twice(key)
            del value[key]
    return value
