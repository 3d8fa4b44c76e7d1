# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The documents of the role airgap: JSON that was carried over a gap, and is not trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._archive.documents import object_of, parsed
from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput, Unreadable

VERSION = 1
# Larger than the manifest of thousands of images.
LARGEST = 16 << 20
# What a file in a bundle may be called: nothing that leads out of its directory, or that a program takes for an option.
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LARGEST_NUMBER = 1 << 53


def written(kind: str, content: Mapping[str, Any]) -> str:
    """Return a document as text. The same content gives the same text."""
    return json.dumps({"kind": kind, "version": VERSION, **content}, indent=2) + "\n"


def read(text: str, kind: str, shown: str) -> dict[str, Any]:
    """Return the content of a document of this kind; raise Unreadable. shown: what messages call it."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > LARGEST:
        raise Unreadable(f"its {len(data)} bytes are more than the {LARGEST} that one may have")
    found = object_of(parsed(data, shown), shown)
    if found.get("kind") != kind:
        raise Unreadable(f"it is no document of the kind '{kind}'")
    version = found.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version != VERSION:
        raise Unreadable("it was made by another version of gantry.docker, which writes it in another way")
    return found


@contextmanager
def reading(shown: str) -> Iterator[None]:
    """Turn an Unreadable into an InvalidInput whose message names the document."""
    try:
        yield
    except Unreadable as error:
        raise InvalidInput(
            f"{shown} can't be used: {error.reason}. Make it with the role airgap of this version, and carry it again."
        ) from error


def number(value: Any, shown: str) -> int:
    """Return the value if it is a size in bytes; raise Unreadable."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST_NUMBER:
        raise Unreadable(f"its {shown} is no number of bytes")
    return value


def file_name(value: Any, shown: str) -> str:
    """Return the value if a file may be called so; raise Unreadable."""
    if not isinstance(value, str) or not FILE_NAME.fullmatch(value):
        raise Unreadable(f"its {shown} is no name of a file in the bundle's directory")
    return value


def checksum(value: Any, shown: str) -> str:
    """Return the value if it is a SHA-256 checksum; raise Unreadable."""
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise Unreadable(f"its {shown} is no SHA-256 checksum")
    return value
