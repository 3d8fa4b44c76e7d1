# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which images may go, and which are to be kept: decided without an engine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ansible_collections.gantry.docker.plugins.module_utils.image.errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils.image.reference import DEFAULT_REGISTRY, OFFICIAL

# What names consist of, and what stands for it in patterns.
_PATTERN = re.compile(r"[A-Za-z0-9._:/@*?\[\]!-]+")
_ID = re.compile(r"sha256:.*|[0-9a-f]{12,64}")


@dataclass(frozen=True)
class Candidate:
    """An image that might go.

    names: its tags and digests. parent: whether others come from it.
    """

    id: str
    names: tuple[str, ...]
    parent: bool
    used: bool


def parse_pattern(text: str) -> str:
    """A pattern of names to keep, spelt as Docker shows names: without C(docker.io/) and C(library/).

    Raises InvalidInput for one that can match no name: who wrote it would lose what it was to keep.
    """
    if _ID.fullmatch(text):
        raise InvalidInput(f"'{text}' is an image's Id, and keep takes names. Give the image a name (image_tag).")
    if not _PATTERN.fullmatch(text) or text != text.strip("/:@"):
        raise InvalidInput(
            f"'{text}' in keep can match no image's name. A pattern is a name such as debian, debian:12 or example/*."
        )
    pattern = text
    for registry in (f"{DEFAULT_REGISTRY}/", f"index.{DEFAULT_REGISTRY}/"):
        pattern = pattern[len(registry) :] if pattern.startswith(registry) else pattern
    official = pattern.startswith(OFFICIAL) and "/" not in pattern[len(OFFICIAL) :]
    pattern = pattern[len(OFFICIAL) :] if official else pattern
    # A repository's name is in lower case, but a registry's name and a tag need not be.
    repository = pattern.rpartition("/")[2].partition(":")[0]
    if repository != repository.lower():
        raise InvalidInput(f"'{text}' in keep can match no image's name: a repository's name is in lower case.")
    return pattern


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
