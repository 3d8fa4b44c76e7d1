# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images, whole or not, and artifacts, in the answers of engines of all stores and versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._container.containers import ContainerSummary
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import (
    Image,
    Images,
    ImageSize,
    ImageSummary,
    _summary,
    manifests_of,
)
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ListedName
from ansible_collections.gantry.docker.plugins.module_utils._transport.client import Client

ID, ARM_ID = ("sha256:" + digit * 64 for digit in "12")
LAYERS = {"Type": "layers", "Layers": ["sha256:" + "3" * 64]}
WHOLE = {"Id": ID, "Os": "linux", "Architecture": "amd64", "RootFS": LAYERS}
# Answers of Docker 28 if a containerd store has lost a part, and of Docker 29 for a missing platform.
UNKNOWN: dict[str, Any] = {"Id": ID, "Os": "", "Architecture": "", "RootFS": {}, "Created": None}


def part(architecture: str, available: bool, kind: str = "image") -> dict[str, Any]:
    """Return a manifest of an image, as the engine reports it."""
    platform = {"os": "linux" if architecture else "", "architecture": architecture}
    return {"ID": ARM_ID, "Kind": kind, "Available": available, "ImageData": {"Platform": platform}}


CHART = {"ID": ID, "Kind": "unknown", "Available": True, "ImageData": None}
NOTE = {"ID": ID, "Kind": "attestation", "Available": True}


@pytest.mark.parametrize(
    ("inspected", "manifests", "whole", "artifact"),
    [
        # Classic stores
        (WHOLE, (), True, False),
        ({**WHOLE, "RootFS": {"Type": "layers"}}, (), True, False),
        # 28
        (WHOLE, (part("amd64", True),), True, False),
        (WHOLE, (part("amd64", True), part("arm64", False)), True, False),
        ({**WHOLE, "Architecture": "arm64"}, (part("amd64", False), part("arm64", True), NOTE), True, False),
        ({**WHOLE, "Os": "", "Architecture": ""}, (part("", True),), True, False),
        (UNKNOWN, (part("", False),), False, False),
        (UNKNOWN, (), False, False),
        (UNKNOWN, (CHART,), False, True),
        # 29 tells the layers of an image that isn't whole
        (WHOLE, (part("amd64", False),), False, False),
        (WHOLE, (part("amd64", False), part("arm64", True)), False, False),
        # 26 tells no manifests, and of an artifact its own system
        ({**UNKNOWN, "Os": "linux"}, (), False, True),
        # 29 leaves empty fields out
        ({"Id": ID}, (part("amd64", False),), False, False),
        ({"Id": ID}, (CHART,), False, True),
    ],
)
def test_answers_tell_what_is_whole(inspected: Mapping[str, Any], manifests: Any, whole: bool, artifact: bool) -> None:
    image = Image(inspected, manifests_of(manifests))
    assert (image.whole, image.is_artifact) == (whole, artifact)
    assert bool(image.flaw) is not whole
    assert ("artifact" in image.flaw) is artifact


@pytest.mark.parametrize(
    ("row", "whole", "digests"),
    [
        ({"RepoDigests": [f"a@{ID}"]}, True, (f"a@{ID}",)),
        ({"RepoDigests": None}, True, ()),
        ({"RepoDigests": ["<none>@<none>"]}, True, ()),
        ({"RepoDigests": [ID]}, False, ()),
        ({"RepoDigests": [ID], "Manifests": [part("", False)]}, False, ()),
        ({"RepoDigests": [ID], "Manifests": [CHART]}, False, ()),
        ({"RepoDigests": [f"a@{ID}"], "Manifests": [part("amd64", False)]}, False, (f"a@{ID}",)),
        ({"RepoDigests": [f"a@{ID}"], "Manifests": [part("amd64", False), part("arm64", True)]}, True, (f"a@{ID}",)),
    ],
)
def test_rows_of_the_list_tell_what_is_whole(row: Mapping[str, Any], whole: bool, digests: tuple[str, ...]) -> None:
    summary = _summary({"Id": ID, "RepoTags": ["a:1"], **row})
    assert (summary.whole, summary.tags, summary.digests) == (whole, ("a:1",), digests)


class Api(Client):
    """The part of the client that inspects. answers: an engine's answers by the parameter platform."""

    def __init__(self, version: str, answers: Mapping[str, Mapping[str, Any]]) -> None:
        self.api_version, self._answers = version, answers
        self.asked: list[Mapping[str, str]] = []

    def get(self, path: str, /, *names: str, **params: str) -> dict[str, Any]:
        self.asked.append(params)
        return dict(self._answers[params.get("platform", "")])


ARM = json.dumps({"os": "linux", "architecture": "arm64"})


def test_an_image_that_is_here_for_another_platform_alone_is_whole() -> None:
    """Without a platform, Docker 29 describes the image for its own, which isn't here."""
    manifests = [part("amd64", False), part("arm64", True)]
    arm = {**WHOLE, "Id": ARM_ID, "Architecture": "arm64", "Created": "2020-01-02T00:00:00Z", "Size": 7}
    api = Api("1.56", {"": {"Id": ID, "Size": 0, "Manifests": manifests}, ARM: arm})
    image = Images(api).find("a:1")
    assert image and image.whole and image.id == ID
    assert (image.platform.architecture, image.size, image.created) == ("arm64", 7, 1577923200)
    assert "Manifests" not in image.inspected


@pytest.mark.parametrize("version", ["1.41", "1.45", "1.48", "1.51", "1.52", "1.56"])
def test_a_whole_image_takes_one_question(version: str) -> None:
    newer = int(version[2:]) >= 52
    api = Api(version, {"": {**WHOLE, **({"Manifests": [part("amd64", True)]} if newer else {})}})
    image = Images(api).find("a:1")
    assert image and image.whole and image.inspected == WHOLE
    assert api.asked == [{"manifests": "1"} if newer else {}]


def test_what_is_not_whole_is_asked_for_again() -> None:
    """Docker 28's first answer has no description of an image, and its second has the reason."""
    api = Api("1.51", {"": {**UNKNOWN, "Manifests": [CHART]}})
    image = Images(api).find("a:1")
    assert image and image.is_artifact
    assert api.asked == [{}, {"manifests": "1"}]


ROWS = [{"Id": ID, "Size": 9, "SharedSize": 4}, {"Id": ARM_ID, "Size": 5, "SharedSize": -1}]
SIZES = {ID: ImageSize(9, 4), ARM_ID: ImageSize(5, -1)}


@pytest.mark.parametrize(
    ("answer", "sizes", "total"),
    [
        # To API 1.51
        ({"LayersSize": 10, "Images": ROWS, "Containers": []}, SIZES, 10),
        ({"LayersSize": 0, "Images": None, "Containers": None}, {}, 0),
        ({"LayersSize": 0, "Images": []}, {}, 0),
        # Docker 29 leaves 0 out; both forms at once come without verbose
        ({"Images": []}, {}, 0),
        ({"Images": [], "ImageUsage": {}}, {}, 0),
        ({"Images": [], "LayersSize": 3, "ImageUsage": {"TotalCount": 2, "TotalSize": 10, "Items": ROWS}}, SIZES, 10),
        # From API 1.52 on
        ({"ImageUsage": {"ActiveCount": 1, "TotalCount": 2, "TotalSize": 10, "Items": ROWS}}, SIZES, 10),
        ({"ImageUsage": {"TotalSize": 10, "Items": ROWS}}, SIZES, 10),
        ({"ImageUsage": {}}, {}, 0),
    ],
)
def test_disk_usage_is_read_from_all_versions(
    answer: Mapping[str, Any], sizes: Mapping[str, ImageSize], total: int
) -> None:
    images = Images(api := Api("1.56", {"": answer}))
    assert (images.sizes(), images.disk_usage()) == (sizes, total)
    assert api.asked == [{"type": "image", "verbose": "1"}] * 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({}, "neither ImageUsage nor Images"),
        ({"ImageUsage": None}, "neither ImageUsage nor Images"),
        ({"Containers": [], "Volumes": [], "BuildCache": []}, "neither ImageUsage nor Images"),
        ({"ContainerUsage": {"TotalCount": 1}}, "neither ImageUsage nor Images"),
        ({"ImageUsage": {"TotalCount": 2, "TotalSize": 10}}, "no ImageUsage.Items"),
    ],
)
def test_a_disk_usage_that_tells_nothing_of_images_is_an_error(answer: Mapping[str, Any], words: str) -> None:
    images = Images(Api("1.57", {"": answer}))
    for ask in (images.sizes, images.disk_usage):
        with pytest.raises(EngineError, match=rf"^Can't ask for the disk usage: the engine's answer has {words}, "):
            ask()


@pytest.mark.parametrize(
    ("mounts", "found"),
    [
        ((), []),
        (("data:1",), [ID]),
        (("data",), []),
        (("docker.io/library/data:1",), [ID]),
        ((ID,), [ID]),
        ((ID[7:],), [ID]),
        (("111111111111",), [ID]),
        ((f"data@{ID}",), [ID]),
        (("other:1", "data:1"), [ARM_ID, ID]),
        (("none/such:1", "UPPER:1"), []),
    ],
)
def test_mounted_images_are_found_by_any_name(mounts: tuple[str, ...], found: list[str]) -> None:
    images = [
        ImageSummary(ID, (ListedName("data:1"),), (ListedName(f"data@{ID}"),), "", 0, 0),
        ImageSummary(ARM_ID, (ListedName("other:1"),), (), "", 0, 0),
    ]
    assert ContainerSummary("c", "c", "", "", "exited", mounts).mounted(images) == found


class Rows(Client):
    """The part of the client that lists, with these rows."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows

    def get(self, path: str, /, *names: str, **params: Any) -> list[dict[str, Any]]:
        return self._rows


def test_the_list_has_an_order() -> None:
    """Classic stores shuffle the images of one second."""
    rows: list[dict[str, Any]] = [
        {"Id": f"sha256:{digit * 64}", "Created": created} for digit, created in (("3", 1), ("2", 1), ("1", 2))
    ]
    listed = [[image.id[7] for image in Images(Rows(order)).all()] for order in (rows, rows[::-1])]
    assert listed == [["1", "2", "3"]] * 2
