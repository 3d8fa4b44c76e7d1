# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Digests, and the names of blobs that are made from them."""

from __future__ import annotations

import hashlib
import re

from ansible_collections.gantry.docker.plugins.module_utils._archive.tar import (
    shown,
)
from ansible_collections.gantry.docker.plugins.module_utils._errors import Unreadable

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


_BLOB = re.compile(r"blobs/(sha256|sha512)/([0-9a-f]+)")


# <hex>.json from Docker and Podman, sha256:<hex> from go-containerregistry.
_CONFIG = re.compile(r"(?:.*/)?(?:sha256:)?([0-9a-f]{64})(?:\.json)?", re.DOTALL)


def is_digest(text: str) -> bool:
    """Return whether a text is a digest of an algorithm that engines know."""
    return bool(_DIGEST.fullmatch(text))


def blob_digest(name: str) -> str | None:
    """Return the digest in a blob's name in an OCI layout (image-spec, image-layout.md, Blobs); None without one."""
    match = _BLOB.fullmatch(name)
    digest = f"{match.group(1)}:{match.group(2)}" if match else ""
    return digest if is_digest(digest) else None


def blob_name(digest: str) -> str:
    """Return the name of a blob in an OCI layout."""
    return f"blobs/{digest.replace(':', '/')}"


def config_digest(name: str) -> str | None:
    """Return the digest in the name of an image's config; None if there is none."""
    match = _CONFIG.fullmatch(name)
    return blob_digest(name) or (f"sha256:{match.group(1)}" if match else None)


def digest_of(data: bytes, algorithm: str = "sha256") -> str:
    """Return the digest of a document."""
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def algorithm_of(digest: str) -> str:
    """Return the algorithm of a digest."""
    return digest.partition(":")[0]


def digits_of(digest: str) -> str:
    """Return the digits of a digest, without the algorithm."""
    return digest.partition(":")[2]


def check_digest(data: bytes, claimed: str, name: str) -> None:
    """Raise Unreadable unless the data has the claimed digest. name: of the document, for the message."""
    if digest_of(data, algorithm_of(claimed)) != claimed:
        raise Unreadable(f"its {shown(name)} is damaged or was altered: it doesn't have the digest {claimed}")
