# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Answers of the engine: bounded in size, parsed once, and accepted only in the shape that the API documents.

Something other than an engine may answer, such as a proxy. So each answer is compared with its shape where it comes
in, and other code can rely on it. Python's standard library alone is enough for that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Callable, NoReturn

# The most bytes of an answer that is kept as a whole: the list of 10,000 images has some 10 MiB.
MAX_ANSWER = 64 * 1024 * 1024
# The most bytes of a message in a stream: an event has all labels of its container.
MAX_MESSAGE = 4 * 1024 * 1024
PIECE = 64 * 1024
# The newest version of the API whose changes are known here (moby, api/docs/CHANGELOG.md). A newer one may leave out
# fields that are read here, and engines speak the older versions too.
NEWEST_API = (1, 56)

_VERSION = re.compile(r"[0-9]{1,5}\.[0-9]{1,5}")
# Half of a surrogate pair: Go never writes it (encoding/json), and a text with it can't be sent or shown.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SHOWN, _LONGEST = 60, 400

Shape = Callable[[Any], Any]


class Unexpected(Exception):
    """An answer that differs from the API's documentation.

    reason: the end of the sentence "The engine's answer …", without a full stop: "is no JSON". path: the field that
    differs, if any.
    """

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(f"{reason} at {path}" if path else reason)
        self.reason, self.path = reason, path

    def below(self, name: str) -> Unexpected:
        """Return the same error with a path that begins one level higher."""
        return Unexpected(self.reason, f"{name}{self.path}" if self.path[:1] in ("", "[") else f"{name}.{self.path}")

    def __str__(self) -> str:
        return str(self.args[0])[:_LONGEST]


def whole(pieces: Iterable[bytes]) -> bytes:
    """Return the body that comes in pieces; raise Unexpected if it is larger than MAX_ANSWER."""
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > MAX_ANSWER:
            raise Unexpected(f"is larger than {MAX_ANSWER // 1024**2} MiB")
    return bytes(body)


def parsed(body: bytes) -> Any:
    """Return the value of a JSON document; raise Unexpected if the body isn't one."""
    try:
        value = json.loads(body)
        if _SURROGATE.search(body):
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        beginning = body[:_SHOWN].decode("utf-8", "replace")
        raise Unexpected(f"is no JSON, but begins with '{beginning}'" if body else "is empty") from error
    return value


def lines(pieces: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON objects of a stream with one object in each line; raise Unexpected for any other line."""
    waiting = b""
    for piece in pieces:
        *complete, waiting = (waiting + piece).split(b"\n")
        yield from _objects(complete)
        if len(waiting) > MAX_MESSAGE:
            raise Unexpected(f"has a message larger than {MAX_MESSAGE // 1024**2} MiB")
    yield from _objects([waiting])


def _objects(rows: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    return (mapping(parsed(row)) for row in rows if row.strip())


def api_version(told: str | None) -> str:
    """Return the version of the API to speak with an engine: the newest that both sides know.

    told: the engine's newest version, from its header. Raise Unexpected if it isn't a version.
    """
    if told is None or not _VERSION.fullmatch(told):
        raise Unexpected("names no version of the API")
    major, minor = (int(part) for part in told.split("."))
    return "{}.{}".format(*min((major, minor), NEWEST_API))


# Shapes: each is a function that takes a value and returns it, or raises Unexpected.


def anything(value: Any) -> Any:
    """Take any value."""
    return value


def text(value: Any) -> str:
    """Take a string."""
    return value if isinstance(value, str) else _differs(value, "a string")


def number(value: Any) -> int:
    """Take a whole number of 64 bits. The API has no larger ones."""
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
        _differs(value, "a whole number")
    return value


def flag(value: Any) -> bool:
    """Take true or false."""
    return value if isinstance(value, bool) else _differs(value, "true or false")


def mapping(value: Any) -> Mapping[str, Any]:
    """Take an object with any fields."""
    return value if isinstance(value, dict) else _differs(value, "an object")


# Shapes that the class of a value decides. Most values have one of these, and to call no function for them saves time
# with the list of a thousand images.
_KINDS: Mapping[Shape, type] = {text: str, flag: bool}


def listing(part: Shape) -> Shape:
    """Return the shape of a list whose items all have the shape part."""
    kind = _KINDS.get(part)

    def fits(value: Any) -> Any:
        if not isinstance(value, list):
            _differs(value, "a list")
        for index, item in enumerate(value):
            if item.__class__ is not kind:
                _check(part, f"[{index}]", item)
        return value

    return fits


def table(part: Shape) -> Shape:
    """Return the shape of an object whose values all have the shape part."""
    kind = _KINDS.get(part)

    def fits(value: Any) -> Any:
        for name, item in mapping(value).items():
            if item.__class__ is not kind:
                _check(part, name, item)
        return value

    return fits


def optional(part: Shape) -> Shape:
    """Return the shape of a value that may also be null: engines write null for an empty list."""
    return lambda value: value if value is None else part(value)


def record(needed: Mapping[str, Shape], known: Mapping[str, Shape] | None = None) -> Shape:
    """Return the shape of an object.

    needed: the fields that it must have. known: the fields that it may have; null means the same as no field. Further
    fields are allowed, and nothing reads them.
    """
    parts = tuple((name, part, _KINDS.get(part)) for name, part in {**needed, **(known or {})}.items())

    def fits(value: Any) -> Any:
        read = mapping(value).get
        for name, part, kind in parts:
            item = read(name)
            if item.__class__ is not kind and (item is not None or name in needed):
                if name not in value:
                    raise Unexpected(f"has no {name}")
                _check(part, name, item)
        return value

    return fits


def _check(part: Shape, name: str, value: Any) -> None:
    try:
        part(value)
    except Unexpected as error:
        raise error.below(name) from None


def _differs(value: Any, wanted: str) -> NoReturn:
    kinds = {dict: "an object", list: "a list", str: "a string", type(None): "null", bool: "true or false"}
    raise Unexpected(f"has {kinds.get(type(value), 'a number')} in place of {wanted}")
