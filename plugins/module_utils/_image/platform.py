# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Platforms: the operating system and processor that an image is made for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput

_PART = re.compile(r"[A-Za-z0-9_.-]+")

# Other names of the same architectures: containerd/platforms, database.go, normalizeArch.
_ARCHITECTURES = {
    "i386": ("386", ""),
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
# Variants that mean the same as no variant: the same function.
_DEFAULT_VARIANTS = {("arm64", "v8"), ("arm64", "8"), ("amd64", "v1")}
# Architectures that users may write without an operating system, as for Docker, which then takes the engine's: Linux.
# They are the names in containerd/platforms, database.go, isKnownArch, that Linux runs on.
_ALONE = {
    *("386", "amd64", "arm", "arm64", "loong64", "mips", "mipsle", "mips64", "mips64le", "ppc64", "ppc64le"),
    *("riscv64", "s390x"),
}
# The architecture whose programs a processor runs beside its own: containerd/platforms, compare.go, platformVector.
_RUNS_TOO = {"amd64": "386", "arm64": "arm"}


class Platform(NamedTuple):
    """An operating system, an architecture and, where it matters, a variant of it (v7)."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def includes(self, other: Platform) -> bool:
        """Return whether an image for the platform other is right if this platform is wanted.

        If this platform has no variant, every variant is right.
        """
        same = (self.os, self.architecture) == (other.os, other.architecture)
        return same and self.variant in ("", other.variant)

    def runs(self, other: Platform) -> bool:
        """Return whether an image for the platform other runs on this one without emulation.

        Variants don't count, because an engine doesn't report which of them its processor runs.
        """
        return self.os == other.os and other.architecture in (self.architecture, _RUNS_TOO.get(self.architecture))


def parse_platform(text: str) -> Platform:
    """Parse "os/architecture[/variant]", as in linux/arm64, or a known architecture alone; raise InvalidInput."""
    parts = text.split("/")
    if len(parts) == 1 and _normalised("linux", text, "").architecture in _ALONE:
        parts = ["linux", text]
    if len(parts) not in (2, 3) or not all(_PART.fullmatch(part) for part in parts):
        raise InvalidInput(
            f"'{text}' is no valid platform: it has the form os/architecture[/variant], "
            "as in linux/amd64 or linux/arm/v7, or is an architecture such as arm64."
        )
    return _normalised(parts[0], parts[1], parts[2] if len(parts) == 3 else "")


def platform_of(described: Mapping[str, Any]) -> Platform:
    """Return the platform of an image as inspected (Os, Architecture, Variant), or of its config (os, …)."""

    def field(name: str) -> str:
        value: str | None = described.get(name) or described.get(name.lower())
        return value or ""

    return _normalised(field("Os"), field("Architecture"), field("Variant"))


def _normalised(os: str, architecture: str, variant: str) -> Platform:
    os, architecture, variant = os.lower(), architecture.lower(), variant.lower()
    architecture, implied = _ARCHITECTURES.get(architecture, (architecture, ""))
    variant = variant or implied
    if (architecture, variant) in _DEFAULT_VARIANTS:
        variant = ""
    return Platform(os, architecture, variant)
