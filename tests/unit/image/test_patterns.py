# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Patterns: the names that they match, and invalid ones."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.patterns import (
    Pattern,
    Selection,
    may_mean_a_tag_of,
    parse_pattern,
    parse_selection,
)
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ImageId, ListedName, Reference

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("name", "pattern", "matched"),
    [
        ("debian:12", "debian", True),
        ("debian:12", "debian:12", True),
        ("debian:12", "debian:*", True),
        ("debian:12", "debian:1?", True),
        ("debian:12", "debian:[0-9]*", True),
        ("debian:12", "deb*", True),
        ("debian:12", "*:12", True),
        ("debian:12", "*", True),
        ("debian:12", "debian:1", False),
        ("debian:12", "debia", False),
        ("debian:12", "ebian", False),
        ("debian:12", "debian:[!1]*", False),
        ("example/debian:12", "debian", False),
        ("example/a/b:1", "example/*", True),
        ("example/a/b:1", "example/a", False),
        ("127.0.0.1:5001/tools:1", "127.0.0.1:5001/tools", True),
        ("127.0.0.1:5001/tools:1", "127.0.0.1:5001/*", True),
        ("127.0.0.1:5001/tools:1", "127.0.0.1", False),
        ("tools:Stable", "tools:stable", False),
        (f"debian@{DIGEST}", "debian", True),
        (f"debian@{DIGEST}", f"debian@{DIGEST}", True),
        (f"debian@{DIGEST}", "debian@*", True),
        (f"debian@{DIGEST}", "debian:*", False),
        (f"127.0.0.1:5001/tools@{DIGEST}", "127.0.0.1:5001/tools", True),
        # The default registry may be spelt out, and only then the longer spellings count
        ("debian:12", "docker.io/debian", True),
        ("debian:12", "docker.io/library/debian:12", True),
        ("debian:12", "index.docker.io/library/deb*", True),
        ("debian:12", "library/debian", True),
        ("debian:12", "library/*", True),
        ("debian:12", "docker.io/*", True),
        ("debian:12", "*/debian", False),
        ("debian:12", "lib*", False),
        ("example/a:1", "docker.io/*", True),
        ("example/a:1", "docker.io/example/a", True),
        ("example/a:1", "library/*", False),
        ("example/a:1", "docker.io/library/*", False),
        ("127.0.0.1:5001/tools:1", "docker.io/*", False),
        ("127.0.0.1:5001/library/tools:1", "library/*", False),
        ("localhost/tools:1", "docker.io/*", False),
    ],
)
def test_patterns_match_names(name: str, pattern: str, matched: bool) -> None:
    assert Pattern(pattern).matches(ListedName(name)) is matched


@pytest.mark.parametrize(
    "text",
    [
        *("debian", "docker.io/library/debian:12", "index.docker.io/debian", "127.0.0.1:5001/library/debian"),
        *("tools:Stable", "Host.example/tools", "[a-c]*:[!x]?", "[]a]*", "*", f"debian@{DIGEST}"),
    ],
)
def test_patterns_are_parsed(text: str) -> None:
    assert parse_pattern(text, "keep") == Pattern(text)
    assert str(Pattern(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", " debian", "debian ", "debian 12", "debian,busybox", "debian:", "/debian", "Debian", "x/Y:1"),
        *("debian[1", "debian:[!]", "de[b]ian["),
    ],
)
def test_a_pattern_that_would_keep_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_pattern(text, "keep")
    assert f"'{text}' in keep can match no image's name" in raised.value.message


@pytest.mark.parametrize("text", [DIGEST, "sha256:12", "sha256:*", "0" * 64, "0123456789ab"])
def test_an_id_is_no_pattern(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"in names begins like an image's Id.*image_tag"):
        parse_pattern(text, "names")


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("debian", Reference("docker.io", "library/debian", "13")),
        ("debian:12", Reference("docker.io", "library/debian", "12")),
        (DIGEST, ImageId(DIGEST)),
        ("debian*", Pattern("debian*")),
        ("debian:1?", Pattern("debian:1?")),
        ("[a-c]:1", Pattern("[a-c]:1")),
    ],
)
def test_selections_are_names_ids_or_patterns(text: str, parsed: Selection) -> None:
    assert parse_selection(text, "names", "13") == parsed


@pytest.mark.parametrize("text", ["Debian", "Debian*", "sha256:*", "debian[", "*:"])
def test_bad_selections_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_selection(text, "names")


@pytest.mark.parametrize(
    ("pattern", "means"),
    [("a", True), ("a:1", True), ("?", True), ("*:1", True), ("b:1", False), ("a/b", False), (f"a@{DIGEST}", False)],
)
def test_patterns_may_mean_a_tag_of_a_repository(pattern: str, means: bool) -> None:
    assert may_mean_a_tag_of(pattern, "a") is means
