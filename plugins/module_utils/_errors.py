# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The errors that users see, the one that readers of archives raise, and text that is safe to print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_AGAIN = "Make or copy the archive again"


def printable(text: str) -> str:
    """Return a text in which characters that a terminal obeys or doesn't show are escaped as in Python.

    Names, labels, paths and messages come from registries, engines and archives. Escape sequences in them could rewrite
    the text on a terminal, and marks for the direction of writing could make a name look like another one.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


class GantryError(Exception):
    """An error for the user: what was tried, on which object, and what to do.

    message: whole sentences, without a traceback or a secret. Characters that aren't printable get escaped.
    results: what the task returns beside the message.
    """

    results: Mapping[str, Any] = {}

    def __init__(self, message: str) -> None:
        self.message = printable(message)
        super().__init__(self.message)


class InvalidInput(GantryError):
    """An error in the user's input, found before the engine was asked for anything."""


class Unreadable(Exception):
    """An error in an archive: it is damaged, hostile, or of an unknown form.

    reason: the end of the sentence "The archive can't be used: …", without a full stop.
    advice: what the user can do, without a full stop.
    """

    def __init__(self, reason: str, advice: str = _AGAIN) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice
