# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of an image's manifests is promised to come free, by the lists of containerd stores."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils.engine.images import Image, ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils.engine.usage import _not_promised, _unpacked

ID = "sha256:" + "1" * 64


def part(architecture: str, unpacked: int) -> dict[str, Any]:
    """An image's manifest."""
    platform = {"os": "linux", "architecture": architecture}
    size = {"Total": unpacked + 100, "Content": 100}
    return {"Kind": "image", "ImageData": {"Platform": platform, "Size": {"Unpacked": unpacked}}, "Size": size}


AMD, ARM = part("amd64", 7000), part("arm64", 900)
NOTE = {"Kind": "attestation", "Size": {"Total": 998, "Content": 998}}
SHOWN = Image({"Id": ID, "Os": "linux", "Architecture": "amd64"})


@pytest.mark.parametrize(
    ("manifests", "inspected", "untold"),
    [
        ([AMD], SHOWN, []),
        ([AMD], None, []),
        ([AMD, ARM], SHOWN, [ARM]),
        ([AMD, ARM], None, []),
        ([AMD, NOTE], SHOWN, [NOTE]),
        ([AMD, NOTE], None, [NOTE]),
        ([AMD, NOTE, ARM, NOTE], SHOWN, [NOTE, ARM, NOTE]),
        ([], None, []),
    ],
)
def test_what_is_not_promised(
    manifests: list[dict[str, Any]], inspected: Image | None, untold: list[dict[str, Any]]
) -> None:
    image = ImageSummary(ID, (), (), "", 0, 0, manifests=tuple(manifests))
    assert _not_promised(image, inspected) == untold


class Containerd:
    """As much of an engine as tells its store."""

    containerd_store = True


@pytest.mark.parametrize(("inspected", "unpacked"), [(SHOWN, 7000), (None, 7900)])
def test_what_is_unpacked(inspected: Image | None, unpacked: int) -> None:
    image = ImageSummary(ID, (), (), "", 0, 0, manifests=(AMD, ARM, NOTE))
    engine: Any = Containerd()
    assert _unpacked(engine, image, inspected) == unpacked
