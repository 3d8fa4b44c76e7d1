# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans for moves of images between stores: which step comes, what is refused, and what is compared."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.filter.engine_move import engine_move
from ansible_collections.gantry.docker.plugins.filter.engine_moved import engine_moved

PLACE = "/var/lib/gantry.docker.store_move"
WANTED = {"images": "move", "dangling": True, "directory": "/var/lib", "free": False}
AMD, ARM = ({"os": "linux", "architecture": name} for name in ("amd64", "arm64"))


def image(number: int, *tags: str, digests: tuple[str, ...] = (), store: str = "classic") -> dict[str, Any]:
    """Return an image as inspected; its Id is another one in each store."""
    return {
        "Id": f"sha256:{store}{number}",
        "RepoTags": list(tags),
        "RepoDigests": list(digests),
        "Os": "linux",
        "Architecture": "amd64",
        "Created": f"2026-01-0{number}T00:00:00.5Z",
        "RootFS": {"Type": "layers", "Layers": [f"sha256:layer{number}"]},
        "Config": {"Cmd": ["sh"], "Hostname": store},
    }


ONE, TWO = image(1, "a:1", "b:1", digests=("a@sha256:d1",)), image(2)


def planned(wanted: dict[str, Any] | None = None, **seen: Any) -> dict[str, Any]:
    """Return the plan for an engine that runs with a classic store, and is to have the other one."""
    found = {"running": "classic", "store": "containerd", "active": True, "is_new": False, "version": "28.5.2"}
    return engine_move({**WANTED, **(wanted or {})}, {**found, "images": [ONE, TWO], **seen})


def state(phase: str, **others: Any) -> str:
    """Return the state that a run left when it was interrupted."""
    return json.dumps({**planned()["state"], "phase": phase, **others})


def part(platform: dict[str, str], available: bool, kind: str = "image") -> dict[str, Any]:
    """Return a manifest as the engine lists it."""
    return {"Kind": kind, "Available": available, "ImageData": {"Platform": platform}}


def test_all_images_are_saved_with_all_their_names() -> None:
    found = planned()
    assert (found["step"], found["problems"], found["frees"]) == ("move", [], False)
    ids = [ONE["Id"], TWO["Id"]]
    assert found["archives"] == [{"path": f"{PLACE}/1.tar", "ids": ids, "platform": ""}]
    assert [(kept["tags"], kept["digests"]) for kept in found["state"]["images"]] == [
        (["a:1", "b:1"], ["a@sha256:d1"]),
        ([], []),
    ]
    assert found["lines"] == [
        "move     2 images from the classic to the containerd store:",
        "move     a:1, b:1",
        f"move     {TWO['Id']}",
        "forget   the digests of 1 image in registries: the containerd store can't have them",
        "keep     what the classic store has on the disk: engine_store_free frees it",
    ]


@pytest.mark.parametrize(
    ("wanted", "seen", "step"),
    [
        ({}, {"running": "containerd"}, "none"),
        ({}, {"images": []}, "none"),
        ({"images": "leave"}, {}, "none"),
        ({}, {"is_new": True, "active": False, "running": ""}, "none"),
        # Before all was saved, nothing had been changed.
        ({}, {"state": state("saving")}, "move"),
        ({}, {"state": state("saved")}, "move"),
        ({}, {"state": state("saved"), "running": "containerd"}, "load"),
        ({}, {"state": state("saved"), "running": "containerd", "active": False}, "load"),
        ({}, {"state": state("loaded"), "running": "containerd"}, "end"),
        ({}, {"state": state("moved"), "running": "containerd"}, "none"),
        ({}, {"state": "", "running": "containerd"}, "none"),
        # Now the old store is wanted again.
        ({}, {"state": state("saving"), "store": "classic"}, "give_up"),
        ({}, {"state": state("saved"), "store": "classic"}, "give_up"),
        ({}, {"state": state("saved"), "store": "classic", "running": "containerd"}, "give_up"),
        ({}, {"state": state("moved"), "store": "classic", "running": "containerd"}, "move"),
    ],
)
def test_what_a_run_does(wanted: dict[str, Any], seen: dict[str, Any], step: str) -> None:
    found = planned(wanted, **seen)
    assert (found["step"], found["problems"]) == (step, [])


def test_a_step_that_goes_on_has_what_the_first_run_kept() -> None:
    found = planned(state=state("saved"), running="containerd", images=[])
    assert found["state"]["images"] == planned()["state"]["images"]
    assert found["lines"][0] == "finish   the move of 2 images that was interrupted"


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({"containers": ["web", "db"]}, "the engine has 2: db, web. Remove them, and create them again"),
        ({"containers": ["web"], "images": []}, "the engine has one: web."),
        ({"active": False, "images": []}, "The engine doesn't run, so it can't be asked"),
        (
            {"flawed": [{"Id": "sha256:f", "RepoTags": ["chart:1"], "Reason": "It is no image, but an artifact."}]},
            "chart:1 can't be moved to the containerd store: it is no image, but an artifact. Remove it",
        ),
        (
            {"running": "containerd", "store": "classic", "version": "27.5.1"},
            "Docker 27.5.1 doesn't tell for which platforms",
        ),
        (
            {
                "running": "containerd",
                "store": "classic",
                "rows": [{"Id": ONE["Id"], "Manifests": [part(AMD, True), part(ARM, True)]}],
            },
            "a:1, b:1 is here for linux/amd64, linux/arm64, and the classic store holds an image for one platform.",
        ),
    ],
)
def test_what_can_not_be_moved_is_refused(seen: dict[str, Any], said: str) -> None:
    (problem,) = planned(**seen)["problems"]
    assert said in problem


def test_an_image_that_is_here_for_another_platform_alone_is_saved_for_that() -> None:
    alone = {"Id": ONE["Id"], "Manifests": [part(AMD, False), part(ARM, True), part({}, True, "attestation")]}
    found = planned(running="containerd", store="classic", rows=[alone])
    assert found["problems"] == []
    assert [(archive["ids"], archive["platform"]) for archive in found["archives"]] == [
        ([TWO["Id"]], ""),
        ([ONE["Id"]], "linux/arm64"),
    ]


def test_images_without_a_tag_stay_if_they_are_not_wanted() -> None:
    found = planned({"dangling": False})
    assert found["archives"][0]["ids"] == [ONE["Id"]]
    assert "leave    1 image without a tag in the classic store" in found["lines"]


@pytest.mark.parametrize(
    ("disks", "free", "needed"),
    [
        # The archive; the copy that the classic store writes while it saves, or the content and the unpacked layers.
        ("/ / /", (340, 340, 340), {"/": 340}),
        ("/ /data /", (340, 120, 340), {"/": 340, "/data": 120}),
        ("/nfs / /c", (120, 120, 220), {"/nfs": 120, "/": 120, "/c": 220}),
    ],
)
def test_space_is_computed_for_each_disk(disks: str, free: tuple[int, ...], needed: dict[str, int]) -> None:
    names = disks.split()

    def at(sizes: tuple[int, ...]) -> dict[str, Any]:
        return planned(usage={"LayersSize": 100}, disks="\n".join(f"{size} {name}" for size, name in zip(sizes, names)))

    found = at(free)
    assert found["problems"] == []
    assert [line for line in found["lines"] if line.startswith("need")] == [
        f"need     {size} bytes or less on the disk of {disk} meanwhile" for disk, size in needed.items()
    ]
    short = at(tuple(size - 1 for size in free))["problems"]
    assert [problem.partition(" on the disk of ")[2].partition(",")[0] for problem in short] == list(needed)


def test_the_old_store_is_freed_only_if_that_is_wanted_and_all_is_moved() -> None:
    assert planned({"free": True})["frees"]
    assert planned({"free": True}, state=state("moved"), running="containerd")["frees"]
    assert not planned({"free": True}, running="containerd")["frees"]
    assert not planned({"free": True}, state=state("moved"), running="classic", store="classic")["frees"]


def test_images_are_the_same_in_both_stores() -> None:
    arrived = [image(1, "b:1", "a:1", store="containerd"), image(2, store="containerd")]
    found = engine_moved(planned()["state"], arrived)
    assert found == {"missing": [], "further": [], "digests": ["a@sha256:d1"], "displaced": {}}


@pytest.mark.parametrize(
    ("there", "missing", "further"),
    [
        ([], ["a:1, b:1", TWO["Id"]], []),
        ([image(1, "a:1"), image(2)], ["b:1"], []),
        ([image(1, "a:1"), image(2, "b:1")], ["b:1"], []),
        ([image(3, "a:1", "b:1"), image(2)], ["a:1, b:1"], ["a:1, b:1"]),
        ([ONE, TWO, image(3, "c:1")], [], ["c:1"]),
        ([image(1, "a:1", "b:1", "c:1"), TWO], [], ["a:1, b:1, c:1"]),
    ],
)
def test_differences_are_named(there: list[dict[str, Any]], missing: list[str], further: list[str]) -> None:
    found = engine_moved(planned()["state"], there)
    assert (found["missing"], found["further"]) == (missing, further)


def test_an_image_that_was_left_is_no_further_one_unless_it_gets_a_tag() -> None:
    kept = planned({"dangling": False}, rows=[{"Id": ONE["Id"]}, {"Id": TWO["Id"]}])["state"]
    assert engine_moved(kept, [ONE, TWO])["further"] == []
    assert engine_moved(kept, [ONE, image(2, "new:1")])["further"] == ["new:1"]


def test_an_image_that_would_lose_its_last_tag_gets_another_one() -> None:
    old, other = image(8, "a:1"), image(9, "b:1", "c:1")
    found = engine_moved(planned()["state"], [old, other, image(2, "d:1")])["displaced"]
    assert list(found) == [old["Id"]]
    assert found[old["Id"]].startswith("gantry.docker.displaced:")
