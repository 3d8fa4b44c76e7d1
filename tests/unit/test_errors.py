# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No text in messages can control a terminal, or look like another text."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput, printable
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import parse_reference


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, and \u00fcber \u65e5\u672c \U0001f600", "plain, and \u00fcber \u65e5\u672c \U0001f600"),
        ("", ""),
        ("\x1b[2J", r"\x1b[2J"),
        ("a\r\nb\tc\0", r"a\r\nb\tc\x00"),
        ("\x7f\x9b31m", r"\x7f\x9b31m"),
        ("\u202egnp.exe\u2066\u200f\u061c", r"\u202egnp.exe\u2066\u200f\u061c"),
        ("\u2028\u2029\u200b\ufeff", r"\u2028\u2029\u200b\ufeff"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        (r"C:\new", r"C:\new"),
    ],
)
def test_control_characters_are_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(shown) == shown


def test_errors_are_printable() -> None:
    assert GantryError("Can't pull \x1b[31mred.").message == r"Can't pull \x1b[31mred."
    assert str(GantryError("\u202e")) == r"\u202e"


def test_names_in_errors_are_printable() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_reference("evil\x1b]0;owned\x07:1")
    assert r"evil\x1b]0;owned\x07:1" in refused.value.message
