# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Identity: two images are the same, whichever engine or archive describes them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._image.identity import (
    ImageIdentity,
    canonical,
    effective_config,
    identity_of,
)
from ansible_collections.gantry.docker.plugins.module_utils._image.times import parse_time

LAYERS = ["sha256:" + "1" * 64, "sha256:" + "2" * 64]
INSPECTED = {"Os": "linux", "Architecture": "amd64", "Created": "2026-01-02T03:04:05.006007008Z"}
CONFIG = {"Cmd": ["sh"], "Env": ["A=1"], "Labels": {"x": "1", "y": "2"}}


def identity(described: dict[str, Any] | None = None, **config: Any) -> ImageIdentity:
    """Return the identity of the image above, with these changes."""
    return identity_of({**INSPECTED, **(described or {})}, LAYERS, {**CONFIG, **config})


@pytest.mark.parametrize(
    "same",
    [
        identity({"Created": "2026-01-02T04:04:05.006007008+01:00"}),
        identity({"Id": "sha256:" + "3" * 64, "RepoTags": ["busybox:1"], "DockerVersion": "28"}),
        identity({"Architecture": "x86_64", "Variant": ""}),
        identity(Hostname="0123456789ab", Image="sha256:" + "4" * 64, AttachStdout=True, Domainname=""),
        identity(Entrypoint=None, Volumes={}, User="", OnBuild=[], ExposedPorts=None),
        identity(Labels={"y": "2", "x": "1"}),
        identity_of(
            {"os": "linux", "architecture": "amd64", "created": "2026-01-02T03:04:05.006007008Z"}, tuple(LAYERS), CONFIG
        ),
    ],
)
def test_images_are_the_same_whoever_describes_them(same: ImageIdentity) -> None:
    assert same == identity()
    assert hash(same) == hash(identity())


@pytest.mark.parametrize(
    "other",
    [
        identity({"Created": "2026-01-02T03:04:05.006007009Z"}),
        identity({"Created": None}),
        identity({"Os": "windows"}),
        identity({"Architecture": "arm64"}),
        identity(Cmd=["ash"]),
        identity(Env=["A=1", "B=2"]),
        identity(User="1000"),
        identity(Labels={"x": "1"}),
        identity(StopTimeout=3),
        identity_of(INSPECTED, LAYERS[:1], CONFIG),
        identity_of(INSPECTED, LAYERS[::-1], CONFIG),
        identity_of(INSPECTED, LAYERS, None),
    ],
)
def test_images_that_differ_in_one_thing_are_different(other: ImageIdentity) -> None:
    assert other != identity()


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("1970-01-01T00:00:00Z", (0, 0)),
        ("1970-01-01T00:00:01.5Z", (1, 500_000_000)),
        ("1970-01-01T00:00:01.000000001Z", (1, 1)),
        ("1970-01-01T01:30:00+01:30", (0, 0)),
        ("1969-12-31T19:00:00.25-05:00", (0, 250_000_000)),
        ("2026-01-02T03:04:05Z", (1_767_323_045, 0)),
        ("0001-01-01T00:00:00Z", None),
        ("2026-13-02T03:04:05Z", None),
        ("2026-01-02 03:04:05", None),
        ("2026-01-02T03:04:05", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_times_are_parsed(text: str | None, parsed: tuple[int, int] | None) -> None:
    assert parse_time(text) == parsed


@pytest.mark.parametrize(
    ("config", "effective"),
    [
        (None, {}),
        ({}, {}),
        ({"Cmd": ["sh"], "Hostname": "x", "Tty": False}, {"Cmd": ["sh"]}),
        ({"Env": [], "WorkingDir": "", "StopSignal": None}, {}),
    ],
)
def test_the_effective_config_has_what_containers_run(config: dict[str, Any] | None, effective: dict[str, Any]) -> None:
    assert effective_config(config) == effective


def test_canonical_text_does_not_depend_on_order() -> None:
    assert canonical({"b": [1, 2], "a": None}) == '{"a":null,"b":[1,2]}' == canonical({"a": None, "b": [1, 2]})
