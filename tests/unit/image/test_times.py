# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moments: the values of Docker's until."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.times import parse_moment

NOW = "2026-01-31T12:00:00.123456789+02:00"
NOON = 1769853600  # that time without the nanoseconds


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("10s", NOON - 10),
        ("1h30m", NOON - 5400),
        ("0.5h", NOON - 1800),
        (".5h", NOON - 1800),
        ("1500ms", NOON - 1.5),
        ("72h", NOON - 3 * 86400),
        ("1769853600", NOON),
        ("1769853600.5", NOON + 0.5),
        ("2026-01-31T10:00:00Z", NOON),
        ("2026-01-31T10:00:00.999Z", NOON),
        ("2026-01-31T12:00:00+02:00", NOON),
        ("2026-01-31T05:30:00-04:30", NOON),
        ("2026-01-31T12:00:00", NOON),
        ("2026-01-31 12:00:00", NOON),
        ("2026-01-31T12:00", NOON),
        ("2026-01-31T12", NOON),
        ("2026-01-31", NOON - 12 * 3600),
        ("2026-01-31Z", NOON - 10 * 3600),
    ],
)
def test_moments_are_parsed_as_docker_does(text: str, at: float) -> None:
    assert parse_moment(text, "until").at(NOW) == at


@pytest.mark.parametrize(
    "text", ["", " ", "7d", "h", "1h 30m", "-1h", "yesterday", "2026-13-01", "2026-02-30", "2026-1-1", "1hh"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_moment(text, "until")
    assert f"until is '{text}'" in raised.value.message
