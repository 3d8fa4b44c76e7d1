# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Platforms: their spellings, and which of them includes another."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform, parse_platform, platform_of


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/amd64", Platform("linux", "amd64")),
        ("linux/x86_64", Platform("linux", "amd64")),
        ("Linux/x86-64", Platform("linux", "amd64")),
        ("linux/amd64/v1", Platform("linux", "amd64")),
        ("linux/amd64/v3", Platform("linux", "amd64", "v3")),
        ("linux/i386", Platform("linux", "386")),
        ("linux/aarch64", Platform("linux", "arm64")),
        ("linux/arm64/v8", Platform("linux", "arm64")),
        ("linux/arm64/8", Platform("linux", "arm64")),
        ("linux/armhf", Platform("linux", "arm", "v7")),
        ("linux/armel", Platform("linux", "arm", "v6")),
        ("linux/arm/V7", Platform("linux", "arm", "v7")),
        ("linux/s390x", Platform("linux", "s390x")),
        # An architecture alone is Linux's
        ("amd64", Platform("linux", "amd64")),
        ("X86_64", Platform("linux", "amd64")),
        ("aarch64", Platform("linux", "arm64")),
        ("armel", Platform("linux", "arm", "v6")),
        ("riscv64", Platform("linux", "riscv64")),
    ],
)
def test_spellings_mean_one_platform(text: str, platform: Platform) -> None:
    assert parse_platform(text) == platform
    assert parse_platform(str(platform)) == platform


@pytest.mark.parametrize(
    "text", ["", "linux", "amd65", "v7", "linux/", "/amd64", "linux/arm/v7/x", "linux/am d64", "a//b"]
)
def test_bad_spellings_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_platform(text)
    assert f"'{text}' is no valid platform" in raised.value.message
    assert "linux/amd64" in raised.value.message


@pytest.mark.parametrize(
    ("described", "text"),
    [
        ({"Os": "linux", "Architecture": "amd64"}, "linux/amd64"),
        ({"os": "linux", "architecture": "arm", "variant": "v7"}, "linux/arm/v7"),
        ({"Os": "linux", "Architecture": "arm64", "Variant": "v8"}, "linux/arm64"),
        ({"Os": "linux", "Architecture": "amd64", "Variant": None}, "linux/amd64"),
        ({}, ""),
    ],
)
def test_an_image_has_a_platform(described: dict[str, Any], text: str) -> None:
    assert str(platform_of(described)) == text


@pytest.mark.parametrize(
    ("wanted", "image", "satisfied"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/arm", "linux/arm/v7", True),
        ("linux/arm/v7", "linux/arm/v7", True),
        ("linux/arm/v7", "linux/arm/v6", False),
        ("linux/arm/v7", "linux/arm", False),
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/arm", "linux/arm64", False),
        ("windows/amd64", "linux/amd64", False),
    ],
)
def test_platforms_include_others(wanted: str, image: str, satisfied: bool) -> None:
    assert parse_platform(wanted).includes(parse_platform(image)) is satisfied


@pytest.mark.parametrize(
    ("host", "image", "runs"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/amd64", "linux/386", True),
        ("linux/386", "linux/amd64", False),
        ("linux/amd64", "linux/arm64", False),
        ("linux/arm64", "linux/arm/v7", True),
        ("linux/arm/v7", "linux/arm64", False),
        ("linux/arm/v7", "linux/arm/v6", True),
        ("linux/amd64", "windows/amd64", False),
    ],
)
def test_some_platforms_run_without_emulation(host: str, image: str, runs: bool) -> None:
    assert parse_platform(host).runs(parse_platform(image)) is runs
