# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Shell patterns of images' names, with the same meaning in all modules."""

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
    looks_like_host,
    parse_image_name,
    repository_of,
)

# What names consist of, and what stands for it in patterns.
_ALLOWED = re.compile(r"[A-Za-z0-9._:/@*?\[\]!-]+")
_SET = re.compile(r"\[!?(?:\]|[^\]!])[^\]]*\]")
_ID = re.compile(r"sha256:.*|[0-9a-f]{12,64}")


# How names of the default registry may be spelt out, though engines don't show them so (reference/normalize.go).
_REGISTRIES = (f"{DEFAULT_REGISTRY}/", f"index.{DEFAULT_REGISTRY}/")
_SPELT_OUT = (*_REGISTRIES, OFFICIAL)


@dataclass(frozen=True)
class Pattern:
    """A pattern of names with C(*), C(?) and C([]), as in a shell, where C(*) matches slashes too.

    It is compared with the whole name. Without a tag it means every tag or digest: debian is the same as debian:*.
    docker.io/library/debian and library/debian are other spellings of it.
    """

    text: str

    def __str__(self) -> str:
        return self.text

    def matches(self, name: str) -> bool:
        """Whether the pattern means a name, as engines show it: repository:tag or repository@digest."""
        return any(
            self._expression.match(spelling)
            for whole in (name, repository_of(name))
            for spelling in (_spellings(whole) if self.text.startswith(_SPELT_OUT) else (whole,))
        )

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        return re.compile(translate(self.text))


def parse_pattern(text: str, option: str) -> Pattern:
    """Parse a pattern of names, or a name as one.

    option: where it stands, for the error. Raises InvalidInput for a pattern that can match no name: who wrote it
    in an option that keeps images would lose what it was to keep.
    """
    if _ID.fullmatch(text):
        raise InvalidInput(
            f"'{text}' in {option} begins as an image's Id does, and patterns are compared with names. "
            "Name the image, or give it a name first (image_tag)."
        )
    if not _ALLOWED.fullmatch(text) or text != text.strip("/:@") or "[" in _SET.sub("", text):
        raise InvalidInput(
            f"'{text}' in {option} can match no image's name. "
            "A pattern is a name such as debian, debian:12 or example/*."
        )
    # A repository's name is in lower case, but a registry's name and a tag need not be.
    repository = text.rpartition("/")[2].partition(":")[0]
    if repository != repository.lower():
        raise InvalidInput(f"'{text}' in {option} can match no image's name: a repository's name is in lower case.")
    return Pattern(text)


def is_pattern(text: str) -> bool:
    """Whether a text can be no name, but a pattern of names."""
    return any(character in text for character in "*?[")


Selection = Union[ImageName, Pattern]


def parse_selection(text: str, option: str, default_tag: str = DEFAULT_TAG) -> Selection:
    """Parse what chooses images: a name or an Id, as parse_image_name() takes them, or a pattern of names.

    option: where it stands, for the error. default_tag: the tag of a name with neither tag nor digest; a pattern
    without a tag means every tag. Raises InvalidInput.
    """
    return parse_pattern(text, option) if is_pattern(text) else parse_image_name(text, default_tag)


def may_mean_a_tag_of(pattern: str, repository: str) -> bool:
    """Return whether a name, or a pattern of names, may mean a tag of the repository."""
    return any(fnmatchcase(repository, part) for part in (pattern, pattern.rpartition(":")[0]))


def _spellings(name: str) -> tuple[str, ...]:
    """All spellings of a name, as engines show it: only those of the default registry have several."""
    first, slash, _rest = name.partition("/")
    if slash and looks_like_host(first):
        return (name,)
    paths = (name,) if slash else (name, f"{OFFICIAL}{name}")
    return (*paths, *(f"{registry}{path}" for registry in _REGISTRIES for path in paths))
