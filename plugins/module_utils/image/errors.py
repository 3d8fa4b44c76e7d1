# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one family of errors that users see."""

from __future__ import annotations


class GantryError(Exception):
    """An error for the user: says what was tried, on what, and what to do.

    message: whole sentences, without a traceback or a secret in them.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(GantryError):
    """What the user wrote can't be understood; nothing was asked of the engine."""
