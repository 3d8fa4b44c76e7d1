# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Foreign text is shown without control characters."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.docker.plugins.filter.printable import FilterModule


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("plain, ünïcode 漢字", "plain, ünïcode 漢字"),
        ("one\n\ntwo\n", "one\n\ntwo\n"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x9b2J", r"\x9b2J"),
        ("one\r\ntwo\b\a\0", "one\\r\ntwo\\x08\\x07\\x00"),
        ("a\u202eb\u2028c\x85d", r"a\u202eb\u2028c\x85d"),
        ("not \udc9b text", r"not \udc9b text"),
    ],
)
def test_only_lines_stay_of_what_cannot_be_shown(text: str, shown: str) -> None:
    (printable,) = FilterModule().filters().values()
    assert printable(text) == shown
    assert printable(shown) == shown
