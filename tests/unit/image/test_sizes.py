# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes: numbers of bytes, with units, and shares of a whole."""

from __future__ import annotations

import pytest
from ansible.module_utils.common.text.formatters import human_to_bytes

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.sizes import parse_share


@pytest.mark.parametrize("text", ["0", "1", "1048576", "10B", "2K", "2KB", "1.5 MB", "20GB", "3T", "2PB", "1E", "5g"])
def test_sizes_mean_what_ansible_means_by_them(text: str) -> None:
    assert parse_share(text, "target_free").of(10) == human_to_bytes(text)


@pytest.mark.parametrize(
    ("text", "whole", "size"),
    [
        ("0%", 1000, 0),
        ("15%", 1000, 150),
        ("15 %", 1000, 150),
        ("100%", 1000, 1000),
        ("0.5%", 1000, 5),
        ("10%", 1001, 101),
    ],
)
def test_a_share_is_taken_of_the_whole(text: str, whole: int, size: int) -> None:
    assert parse_share(text, "target_free").of(whole) == size


@pytest.mark.parametrize(
    "text", ["", "many", "-1", "-1GB", "5 apples", "1Kb", "1e9", "%", "101%", "-5%", "5%%", "1.2.3"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_share(text, "target_free")
    assert f"target_free is '{text}'" in raised.value.message
