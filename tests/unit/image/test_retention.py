# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Retention: which images may go, and which patterns keep them."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.docker.plugins.module_utils.image.errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils.image.retention import (
    Candidate,
    matches,
    parse_pattern,
    victims,
)

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
    ],
)
def test_matches(name: str, pattern: str, matched: bool) -> None:
    assert matches(name, pattern) is matched


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("debian", "debian"),
        ("docker.io/debian", "debian"),
        ("docker.io/library/debian:12", "debian:12"),
        ("index.docker.io/library/debian", "debian"),
        ("library/debian", "debian"),
        ("library/*", "*"),
        ("library/a/b", "library/a/b"),
        ("docker.io/example/*", "example/*"),
        ("127.0.0.1:5001/library/debian", "127.0.0.1:5001/library/debian"),
        ("tools:Stable", "tools:Stable"),
        ("Host.example/tools", "Host.example/tools"),
        ("[a-c]*:[!x]?", "[a-c]*:[!x]?"),
        (f"debian@{DIGEST}", f"debian@{DIGEST}"),
    ],
)
def test_pattern(text: str, pattern: str) -> None:
    assert parse_pattern(text) == pattern


@pytest.mark.parametrize(
    "text", ["", " ", " debian", "debian ", "debian 12", "debian,busybox", "debian:", "/debian", "Debian", "x/Y:1"]
)
def test_pattern_that_would_keep_nothing(text: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_pattern(text)
    assert f"'{text}' in keep can match no image's name" in raised.value.message


@pytest.mark.parametrize("text", [DIGEST, "sha256:12", "0" * 64, "0123456789ab"])
def test_id_is_no_pattern(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"is an image's Id.*image_tag"):
        parse_pattern(text)


def candidate(names: tuple[str, ...] = (), parent: bool = False, used: bool = False) -> Candidate:
    """An image, unused and childless unless told otherwise."""
    return Candidate("image", names, parent, used)


@pytest.mark.parametrize(
    ("image", "keep", "goes_when_dangling", "goes_when_all"),
    [
        (candidate(), [], True, True),
        (candidate(used=True), [], False, False),
        (candidate(parent=True), [], False, False),
        (candidate(), ["*"], True, True),
        (candidate(("a:1",)), [], False, True),
        (candidate(("a:1",)), ["b"], False, True),
        (candidate(("a:1",)), ["a"], False, False),
        (candidate(("a:1", "b:1")), ["c", "b"], False, False),
        (candidate(("a:1",), used=True), [], False, False),
        (candidate(("a:1",), parent=True), [], False, True),
        (candidate((f"a@{DIGEST}",)), [], False, True),
        (candidate((f"a@{DIGEST}",)), ["a"], False, False),
        (candidate(("b:1", f"a@{DIGEST}")), ["a"], False, False),
    ],
)
def test_victims(image: Candidate, keep: list[str], goes_when_dangling: bool, goes_when_all: bool) -> None:
    assert (victims([image], True, keep) == ("image",)) is goes_when_dangling
    assert (victims([image], False, keep) == ("image",)) is goes_when_all
