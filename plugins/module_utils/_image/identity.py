# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""What makes two images the same, whichever engine or archive holds them.

An image's Id is no help between hosts: a classic store names an image by the digest of its config,
a containerd store by that of its manifest or index. What moves with an image is its config: the
platform, the time of creation, the layers' DiffIDs, and what a container is to run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform, platform_of
from ansible_collections.gantry.docker.plugins.module_utils._image.times import parse_time

# What image-spec's config.md says of a container to be run, and what Docker adds to it
# (api/types/container/config.go). The rest of the object tells of the container that an image was
# made from, and comes and goes with the engine that shows it.
EFFECTIVE_CONFIG = (
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Healthcheck",
    "Labels",
    "OnBuild",
    "Shell",
    "StopSignal",
    "StopTimeout",
    "User",
    "Volumes",
    "WorkingDir",
)


class ImageIdentity(NamedTuple):
    """What two copies of an image have in common in every store and archive.

    created: seconds and nanoseconds since 1970 (None where the image doesn't tell).
    config: the effective config as canonical JSON.
    """

    platform: Platform
    created: tuple[int, int] | None
    diff_ids: tuple[str, ...]
    config: str


def identity_of(
    described: Mapping[str, Any], diff_ids: Sequence[str], config: Mapping[str, Any] | None
) -> ImageIdentity:
    """The identity of an image.

    described: an image as inspected (Os, Created, …) or an image's config (os, created, …).
    diff_ids: its layers' DiffIDs, the lowest first.
    config: the object of either that a container is made from (Config or config).
    """
    created = described.get("Created") or described.get("created")
    return ImageIdentity(
        platform_of(described), parse_time(created), tuple(diff_ids), canonical(effective_config(config))
    )


def effective_config(config: Mapping[str, Any] | None) -> dict[str, Any]:
    """What of an image's config shapes its containers; empty values left out, as they mean the same as none."""
    return {key: config[key] for key in EFFECTIVE_CONFIG if config and config.get(key)}


def canonical(value: Any) -> str:
    """A value as JSON that is the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def described(identity: ImageIdentity) -> dict[str, Any]:
    """An image in a diff, the same for every store and archive."""
    seconds = identity.created[0] if identity.created else None
    created = None if seconds is None else f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    return {"created": created, "layers": list(identity.diff_ids), "config": json.loads(identity.config)}
