# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The one family of errors that users see, and the one that archives' readers raise for it."""

from __future__ import annotations

_AGAIN = "Make or copy the archive again"


def printable(text: str) -> str:
    """Return a text for people, in which whatever a terminal could obey, or wouldn't show, is escaped as in Python.

    Names, labels, paths and messages come from registries, engines and archives. Escape sequences could rewrite what
    stands on a terminal, and marks for the direction of writing could let a name look like another.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


class GantryError(Exception):
    """An error for the user: says what was tried, on what, and what to do.

    message: whole sentences, without a traceback or a secret in them. What isn't printable in them is escaped.
    """

    def __init__(self, message: str) -> None:
        self.message = printable(message)
        super().__init__(self.message)


class InvalidInput(GantryError):
    """What the user wrote can't be understood; nothing was asked of the engine."""


class Unreadable(Exception):
    """What was read is damaged, hostile, or of no known form.

    reason: ends the sentence "The archive can't be used: …", without a full stop.
    advice: what to do, without a full stop.
    """

    def __init__(self, reason: str, advice: str = _AGAIN) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice
