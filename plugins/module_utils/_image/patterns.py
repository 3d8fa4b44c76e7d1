# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Shell patterns for names of images, with the same meaning in all modules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase, translate
from functools import cached_property
from typing import Union

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    DEFAULT_REGISTRY,
    DEFAULT_TAG,
    OFFICIAL,
    ImageName,
    ListedName,
    looks_like_host,
    parse_image_name,
)

# The characters of names and of patterns.
_ALLOWED = re.compile(r"[A-Za-z0-9._:/@*?\[\]!-]+")
_SET = re.compile(r"\[!?(?:\]|[^\]!])[^\]]*\]")
_ID = re.compile(r"sha256:.*|[0-9a-f]{12,64}")


# The beginnings of names of the default registry that engines leave out (reference/normalize.go). Users may write them.
_REGISTRIES = (f"{DEFAULT_REGISTRY}/", f"index.{DEFAULT_REGISTRY}/")
_SPELT_OUT = (*_REGISTRIES, OFFICIAL)


@dataclass(frozen=True)
class Pattern:
    """A pattern of names with C(*), C(?) and C([]), as in a shell, but C(*) matches slashes too.

    It must match the whole name. Without a tag it matches every tag and digest: debian is the same as debian:*.
    docker.io/library/debian and library/debian are other spellings of it.
    """

    text: str

    def __str__(self) -> str:
        return self.text

    def matches(self, name: ListedName) -> bool:
        """Return whether the pattern matches a name, as engines show it."""
        return any(
            self._expression.match(spelling)
            for whole in (name, name.repository)
            for spelling in (_spellings(whole) if self.text.startswith(_SPELT_OUT) else (whole,))
        )

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile(translate(self.text))


def parse_pattern(text: str, option: str) -> Pattern:
    """Parse a pattern of names; a name is a pattern too. Raise InvalidInput for a pattern that can match no name.

    Such a pattern in an option that keeps images would keep nothing, and the user would lose images.
    option: the option that has the pattern, for the error message.
    """
    if _ID.fullmatch(text):
        raise InvalidInput(
            f"'{text}' in {option} begins like an image's Id, but patterns are compared with names. "
            "Name the image, or give it a name first (image_tag)."
        )
    if not _ALLOWED.fullmatch(text) or text != text.strip("/:@") or "[" in _SET.sub("", text):
        raise InvalidInput(
            f"'{text}' in {option} can match no image's name. "
            "A pattern is a name such as debian, debian:12 or example/*."
        )
    # Only the repository must be in lower case, not the registry and the tag.
    repository = text.rpartition("/")[2].partition(":")[0]
    if repository != repository.lower():
        raise InvalidInput(f"'{text}' in {option} can match no image's name: a repository's name is in lower case.")
    return Pattern(text)


def is_pattern(text: str) -> bool:
    """Return whether a text has characters that only patterns of names have."""
    return any(character in text for character in "*?[")


Selection = Union[ImageName, Pattern]


def parse_selection(text: str, option: str, default_tag: str = DEFAULT_TAG) -> Selection:
    """Parse a selection of images: a name or an Id, as for parse_image_name(), or a pattern; raise InvalidInput.

    option: the option that has the selection, for the error message. default_tag: the tag of a name with neither tag
    nor digest. A pattern without a tag matches every tag.
    """
    return parse_pattern(text, option) if is_pattern(text) else parse_image_name(text, default_tag)


def may_mean_a_tag_of(pattern: str, repository: str) -> bool:
    """Return whether a name, or a pattern of names, may match a tag of the repository."""
    return any(fnmatchcase(repository, part) for part in (pattern, pattern.rpartition(":")[0]))


def _spellings(name: str) -> tuple[str, ...]:
    """Return all spellings of a name that engines show: only names of the default registry have several."""
    first, slash, _rest = name.partition("/")
    if slash and looks_like_host(first):
        return (name,)
    paths = (name,) if slash else (name, f"{OFFICIAL}{name}")
    return (*paths, *(f"{registry}{path}" for registry in _REGISTRIES for path in paths))
