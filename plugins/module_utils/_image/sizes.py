# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Sizes as people write them: bytes, or a share of a whole."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput

# Units as in Ansible's type bytes: powers of 1024.
_UNITS = "KMGTPE"
_SIZE = re.compile(rf"([0-9]{{1,19}}(?:\.[0-9]{{1,9}})?) ?(?:(%)|([{_UNITS}{_UNITS.lower()}]?)B?)")
_WHOLE = 100


class Share(NamedTuple):
    """A number of bytes, or of hundredths of a whole (percent)."""

    number: float
    percent: bool = False

    def of(self, whole: int) -> int:
        """Return the bytes. whole: the bytes of the whole."""
        return math.ceil(whole * self.number / _WHOLE) if self.percent else math.ceil(self.number)


def parse_share(text: str, option: str) -> Share:
    """Parse a number of bytes (1048576, 20GB, 1.5T) or of percent (15%).

    Raise InvalidInput, whose message names the option.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise InvalidInput(
            f"{option} is '{text}', and must be a number of bytes, a number with a unit such as 20GB or 500MB, or a "
            "number of percent such as 15%."
        )
    number, percent, unit = match.groups()
    if not percent:
        return Share(float(number) * 1024 ** (1 + _UNITS.index(unit.upper()) if unit else 0))
    if float(number) > _WHOLE:
        raise InvalidInput(f"{option} is '{text}', and must not be more than 100%.")
    return Share(float(number), percent=True)
