# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Trying again after an error of a registry that may soon pass."""

from __future__ import annotations

import time
from typing import Callable, TypeVar

from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError

T = TypeVar("T")

_FIRST_PAUSE = 0.5


def patiently(call: Callable[[], T], seconds: int) -> T:
    """Make a call, repeat it after passing errors until so many seconds are over, and return its result.

    Each pause is twice as long as the one before. No engine passes on how long the registry asked to wait
    (Retry-After). Raise the last error, with the number of tries if there were several.
    """
    begun, pause, tries = time.monotonic(), _FIRST_PAUSE, 1
    while True:
        try:
            return call()
        except EngineError as error:
            spent = time.monotonic() - begun
            if not error.passing or spent + pause > seconds:
                raise _told(error, tries, spent) from error
        time.sleep(pause)
        pause, tries = pause * 2, tries + 1


def _told(error: EngineError, tries: int, spent: float) -> EngineError:
    if tries == 1:
        return error
    return EngineError(f"{error.message} It was tried {tries} times in {spent:.0f} seconds.", error.status)
