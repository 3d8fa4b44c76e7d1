# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Points in time: RFC 3339, and the forms of Docker's filter until (moby, api/types/time/timestamp.go)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput

# Go's time.ParseDuration.
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")
_SINCE_1970 = re.compile(r"[0-9]+(?:\.[0-9]{1,9})?")
_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:([T ])(\d\d)(?::(\d\d)(?::(\d\d)(?:[.](\d{1,9}))?)?)?)?(?:(Z)|([+-])(\d\d):(\d\d))?"
)
_1970 = datetime(1970, 1, 1, tzinfo=timezone.utc)
# Go's zero time.
_NEVER = "0001-01-01T00:00:00"


class Moment(NamedTuple):
    """A point in time: relative to now, or a date.

    seconds: seconds before now if ago; else since 1970, in UTC if zoned, else by a clock of the date's unknown zone.
    """

    seconds: float
    ago: bool
    zoned: bool = True

    def at(self, now: str) -> float:
        """Return the moment in seconds since 1970. now: an RFC 3339 time; a date without a zone is in its zone."""
        if self.ago:
            return _read(now).seconds - self.seconds
        return self.seconds if self.zoned else self.seconds - (_read(now).offset or 0)


def parse_moment(text: str, option: str) -> Moment:
    """Parse a duration (1h30m), a date (2026-01-31, 2026-01-31T12:00:00Z), or seconds since 1970.

    Raise InvalidInput, whose message names the option.
    """
    parts = _PART.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return Moment(sum(float(number) * _UNITS[unit] for number, unit in parts), ago=True)
    if _SINCE_1970.fullmatch(text):
        return Moment(float(text), ago=False)
    if _DATE.fullmatch(text):
        try:
            date = _read(text)
        except ValueError as error:
            raise InvalidInput(f"{option} is '{text}', and there is no such date: {error}.") from error
        return Moment(date.seconds, ago=False, zoned=date.offset is not None)
    raise InvalidInput(
        f"{option} is '{text}', and must be a duration in hours, minutes and seconds such as 168h or 1h30m (write days "
        "as hours), a date such as 2026-01-31 or 2026-01-31T12:00:00Z, or seconds since 1970."
    )


def parse_time(text: str | None) -> tuple[int, int] | None:
    """Return the seconds and nanoseconds since 1970 of an RFC 3339 time.

    Return None for no time, for Go's zero time, and for any other text. (Engines report nanoseconds, and datetime has
    only microseconds.)
    """
    try:
        date = _read(text or "")
    except ValueError:
        return None
    return (date.seconds, date.nanoseconds) if date.is_rfc3339 and not (text or "").startswith(_NEVER) else None


class _Date(NamedTuple):
    """A parsed date.

    seconds, nanoseconds: since 1970; in UTC if the date has a zone. offset: the seconds that its zone is ahead of UTC;
    None if it has no zone.
    """

    seconds: int
    nanoseconds: int
    offset: int | None
    is_rfc3339: bool


def _read(text: str) -> _Date:
    """Parse a date; raise ValueError if the text isn't a date."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text} is no date")
    year, month, day, separator, hour, minute, second, fraction, utc, sign, hours, minutes = match.groups()
    clock = datetime(
        int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=timezone.utc
    )
    offset = 0 if utc else None
    if sign:
        offset = (int(hours) * 3600 + int(minutes) * 60) * (-1 if sign == "-" else 1)
    seconds = (clock - _1970) // timedelta(seconds=1) - (offset or 0)
    is_rfc3339 = separator == "T" and second is not None and offset is not None
    return _Date(seconds, int((fraction or "0").ljust(9, "0")), offset, is_rfc3339)
