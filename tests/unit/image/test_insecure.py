# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Registries that are insecure by their name, or by a network."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._image.insecure import is_insecure, is_on_loopback


@pytest.mark.parametrize(
    ("registry", "insecure", "expected"),
    [
        ("a.example:5000", ["a.example:5000"], True),
        ("a.example:5000", ["a.example"], False),
        ("192.0.2.7:5000", ["192.0.2.0/24"], True),
        ("192.0.3.7:5000", ["192.0.2.0/24"], False),
        ("a.example", ["192.0.2.0/24", "no/network"], False),
    ],
)
def test_insecure_registries(registry: str, insecure: list[str], expected: bool) -> None:
    assert is_insecure(registry, insecure) is expected


@pytest.mark.parametrize(
    ("registry", "expected"),
    [("localhost:5000", True), ("127.0.0.7:5000", True), ("[::1]:5000", True), ("localhost.example", False)],
)
def test_loopback(registry: str, expected: bool) -> None:
    assert is_on_loopback(registry) is expected
