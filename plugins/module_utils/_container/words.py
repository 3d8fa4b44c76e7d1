# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Names, commands and variables of containers, as users write them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput

# daemon/names/names.go, RestrictedNameChars
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")


def parse_name(text: str) -> str:
    """Return a container's name or Id as the user wrote it; raise InvalidInput if it can't be one."""
    if not _NAME.fullmatch(text):
        raise InvalidInput(
            f"'{text}' is no valid name of a container: it has two or more letters, digits, underscores, dots and "
            "hyphens, and begins with a letter or digit."
        )
    return text


def parse_words(command: Any, option: str = "command") -> tuple[str, ...]:
    """Return the words of a command: a list, or one string that is split as a shell does; raise InvalidInput.

    option: the option's name, for messages.
    """
    words = split_words(command, option)
    if not words or not words[0]:
        raise InvalidInput(f"{option} is empty, and must name a program. Name one, or leave the option out.")
    return words


def split_words(command: Any, option: str) -> tuple[str, ...]:
    """Return the words of a command as parse_words() does, but allow an empty one; raise InvalidInput."""
    if isinstance(command, str):
        try:
            return tuple(shlex.split(command))
        except ValueError as error:
            raise InvalidInput(f"{option} is '{command}', and can't be split into words: {error}.") from error
    if isinstance(command, list):
        return tuple(plain_text(word, f"A word of {option}") for word in command)
    return (plain_text(command, option),)


def parse_env(env: Mapping[str, Any] | None) -> dict[str, str]:
    """Return environment variables by name, the values as text; raise InvalidInput."""
    for name in env or {}:
        if not name or "=" in name:
            raise InvalidInput(f"env has the name '{name}', but a variable's name is not empty and has no '='.")
    return parse_texts(env or {}, "env")


def parse_texts(values: Mapping[str, Any], option: str) -> dict[str, str]:
    """Return values by name, as text; raise InvalidInput for a value that YAML turned into another type."""
    return {name: plain_text(value, f"The value of {name} in {option}") for name, value in values.items()}


def plain_text(value: Any, what: str) -> str:
    """Return a text or a whole number as text; raise InvalidInput for any other value.

    YAML turns true and 1.10 into values that no longer have the user's spelling.
    """
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    raise InvalidInput(f"{what} is no text, but of type {type(value).__name__}. Put it in quotes.")
