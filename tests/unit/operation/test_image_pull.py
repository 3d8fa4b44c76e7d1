# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_pull's parse and plan."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils.engine.images import Image, RemoteImage
from ansible_collections.gantry.docker.plugins.module_utils.image.errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils.image.platform import parse_platform
from ansible_collections.gantry.docker.plugins.module_utils.operation import image_pull
from ansible_collections.gantry.docker.plugins.module_utils.operation.plan import Plan

ID, OLD, NEW = (f"sha256:{digit * 64}" for digit in "123")


def here(*digests: str, architecture: str = "amd64") -> Image:
    """An image on the engine."""
    return Image({"Id": ID, "RepoDigests": list(digests), "Os": "linux", "Architecture": architecture})


def planned(image: Image | None, remote: str | None, platform: str | None = None, **params: Any) -> Plan:
    """The plan to pull busybox, given the image here and, if the registry was asked, its digest (of two platforms)."""
    wanted = image_pull.parse({"names": ["busybox"], "platform": platform, "policy": "not_present", **params})
    (reference,) = wanted.references
    platforms = (parse_platform("linux/amd64"), parse_platform("linux/arm64"))
    asked = {reference: RemoteImage(remote, platforms)} if remote else {}
    return image_pull.plan(wanted, image_pull.Observed({reference: image}, asked))


@pytest.mark.parametrize(
    ("image", "remote", "platform", "before"),
    [
        (None, NEW, None, None),
        (None, NEW, "linux/arm64", None),
        (here(f"busybox@{OLD}"), NEW, None, OLD),
        (here(f"a@{NEW}", f"busybox@{OLD}"), NEW, None, OLD),
        (here(), NEW, None, ID),
        (here(f"busybox@{NEW}"), NEW, "linux/arm64", NEW),
    ],
)
def test_pulls(image: Image | None, remote: str, platform: str | None, before: str | None) -> None:
    plan = planned(image, remote, platform)
    assert plan.actions == ["Pulled image busybox:latest" + (f" for {platform}" if platform else "")]
    assert plan.before == {"busybox:latest": before}
    assert plan.after == {"busybox:latest": NEW}


@pytest.mark.parametrize(
    ("image", "remote", "platform"),
    [
        (here(f"busybox@{OLD}"), None, None),
        (here(), None, "linux/amd64"),
        (here(f"busybox@{NEW}"), NEW, None),
        (here(f"busybox@{OLD}", f"busybox@{NEW}"), NEW, "linux/x86_64"),
    ],
)
def test_leaves(image: Image, remote: str | None, platform: str | None) -> None:
    assert planned(image, remote, platform) == Plan()


def test_platform_that_the_registry_has_not() -> None:
    with pytest.raises(GantryError, match="no busybox:latest for linux/s390x; it has it for linux/amd64, linux/arm64"):
        planned(None, NEW, "linux/s390x")


def test_names_are_told_apart_by_meaning() -> None:
    names = ["busybox", "docker.io/library/busybox:latest", "busybox:1"]
    wanted = image_pull.parse({"names": names, "platform": None, "policy": "newer"})
    assert [str(reference) for reference in wanted.references] == ["busybox:latest", "busybox:1"]
    assert wanted.newer


@pytest.mark.parametrize(
    ("name", "platform"), [("", None), ("A", None), ("a:", None), (ID.removeprefix("sha256:"), None), ("a", "amd64")]
)
def test_bad_input(name: str, platform: str | None) -> None:
    with pytest.raises(InvalidInput):
        image_pull.parse({"names": ["busybox", name], "platform": platform, "policy": "newer"})
