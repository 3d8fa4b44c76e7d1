# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The identity of images: two copies of an image have the same one in every engine and archive.

The Id of an image differs between hosts: it is the digest of the config in a classic store, and the digest of the
manifest or index in a containerd store. The config is the same everywhere: the platform, the time of creation, the
DiffIDs of the layers, and the settings of the containers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform, platform_of
from ansible_collections.gantry.docker.plugins.module_utils._image.times import parse_time

# The settings of containers in image-spec, config.md, and those that Docker adds (api/types/container/config.go).
# The other fields of the object describe the container that an image was made from. Engines differ in them.
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
    """The values that two copies of an image have in common in every store and archive.

    created: seconds and nanoseconds since 1970; None if the image has no time of creation.
    config: the effective config as canonical JSON.
    """

    platform: Platform
    created: tuple[int, int] | None
    diff_ids: tuple[str, ...]
    config: str


def identity_of(
    described: Mapping[str, Any], diff_ids: Sequence[str], config: Mapping[str, Any] | None
) -> ImageIdentity:
    """Return the identity of an image.

    described: an image as inspected (Os, Created, …), or the config of an image (os, created, …).
    diff_ids: the DiffIDs of its layers, the lowest first.
    config: the settings of its containers, a part of described (Config or config).
    """
    created = described.get("Created") or described.get("created")
    return ImageIdentity(
        platform_of(described), parse_time(created), tuple(diff_ids), canonical(effective_config(config))
    )


def effective_config(config: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the settings of containers in an image's config, without empty ones, which mean the same as none."""
    return {key: config[key] for key in EFFECTIVE_CONFIG if config and config.get(key)}


def canonical(value: Any) -> str:
    """Return a value as JSON; equal values give equal JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def described(identity: ImageIdentity) -> dict[str, Any]:
    """Return an image as diffs show it, the same for every store and archive."""
    seconds = identity.created[0] if identity.created else None
    created = None if seconds is None else f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    return {"created": created, "layers": list(identity.diff_ids), "config": json.loads(identity.config)}
