# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Points in time as Docker's filter until takes them (moby, api/types/time/timestamp.go)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils.image.errors import InvalidInput

# Go's time.ParseDuration.
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")
_SINCE_1970 = re.compile(r"[0-9]+(?:\.[0-9]{1,9})?")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.]\d{1,9})?)?)?)?(Z|[+-]\d\d:\d\d)?")
_ZONE = re.compile(r".*([+-])(\d\d):(\d\d)")


class Moment(NamedTuple):
    """A point in time: so long before now, or a date, which has no time zone unless zoned.

    seconds: before now; or since 1970, by a clock of the date's own zone.
    """

    seconds: float
    ago: bool
    zoned: bool = True

    def at(self, now: str) -> float:
        """The moment in seconds since 1970; now: an RFC 3339 time, whose zone holds for a date without one."""
        if self.ago:
            return _parsed(now).seconds - self.seconds
        return self.seconds if self.zoned else self.seconds - _offset(now)


def parse_moment(text: str, option: str) -> Moment:
    """A moment from a duration (1h30m), a date (2026-01-31, 2026-01-31T12:00:00Z), or seconds since 1970.

    Raises InvalidInput, naming the option.
    """
    parts = _PART.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return Moment(sum(float(number) * _UNITS[unit] for number, unit in parts), ago=True)
    if _SINCE_1970.fullmatch(text):
        return Moment(float(text), ago=False)
    if _DATE.fullmatch(text):
        try:
            return _parsed(text)
        except ValueError as error:
            raise InvalidInput(f"{option} is '{text}', and there is no such date: {error}.") from error
    raise InvalidInput(
        f"{option} is '{text}', and must be a duration in hours, minutes and seconds such as 168h or 1h30m (write days "
        "as hours), a date such as 2026-01-31 or 2026-01-31T12:00:00Z, or seconds since 1970."
    )


def _parsed(text: str) -> Moment:
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text} is no date")
    *numbers, zone = match.groups()
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
    moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    seconds = (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) / timedelta(seconds=1)
    return Moment(seconds - _offset(text), ago=False, zoned=zone is not None)


def _offset(text: str) -> int:
    """The seconds that a time's zone is before UTC; 0 for Z and for none."""
    match = _ZONE.fullmatch(text)
    if match is None:
        return 0
    sign, hours, minutes = match.groups()
    return (int(hours) * 3600 + int(minutes) * 60) * (-1 if sign == "-" else 1)
