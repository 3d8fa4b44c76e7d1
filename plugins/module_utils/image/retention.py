# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which images may go, and which are to be kept: decided without an engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Candidate:
    """An image that might go.

    names: its tags, or the digests of one without tags. parent: whether others come from it.
    """

    id: str
    names: tuple[str, ...]
    parent: bool
    used: bool


def victims(candidates: Iterable[Candidate], dangling_only: bool, keep: Iterable[str]) -> tuple[str, ...]:
    """The Ids of the images that may go.

    dangling_only: whether images with a name stay, all of them.
    keep: patterns of names to keep, as matches() takes them. An image with one name kept is kept with all.
    Images that containers use stay, and so do those without a name that others come from: they are
    parts of these, and go with them.
    """
    patterns = tuple(keep)
    return tuple(
        candidate.id
        for candidate in candidates
        if not candidate.used
        and (not candidate.names or not dangling_only)
        and (candidate.names or not candidate.parent)
        and not any(matches(name, pattern) for name in candidate.names for pattern in patterns)
    )


def matches(name: str, pattern: str) -> bool:
    """Whether a pattern means a name (repository:tag or repository@digest).

    Both are compared whole, with * ? and [] as in a shell, where * matches slashes too. A pattern
    without a tag means every tag: debian is the same as debian:*.
    """
    separator = "@" if "@" in name else ":"
    repository = name.rpartition(separator)[0]
    return fnmatchcase(name, pattern) or fnmatchcase(repository, pattern)
