# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_save's parse and plan."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image, Manifest, manifests_of
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_save
from ansible_collections.gantry.docker.plugins.module_utils._operation.image_save import Observed
from ansible_collections.gantry.docker.plugins.module_utils._plan import FILES, Plan
from ansible_collections.gantry.docker.plugins.module_utils._transfer.found import Found
from ansible_collections.gantry.docker.plugins.module_utils._transfer.obstacles import for_others_alone, is_in_doubt

PATH = "/srv/all.tar"
AMD = Platform("linux", "amd64")
LAYERS = [f"sha256:{digit * 64}" for digit in "abcd"]
OPTIONS: dict[str, Any] = {
    "names": ["a:1"],
    "tag": "latest",
    "tags": "named",
    "platform": None,
    "exclude_layers_of": None,
    "path": PATH,
    "compression": None,
    "compression_level": None,
    "compression_threads": 0,
    "force": False,
    "verify": False,
    "checksum": False,
    "contents": False,
    FILES: None,
}


def image(digit: str, *tags: str, layers: int = 1, size: int = 10) -> Image:
    """An image as an engine describes it."""
    described = {"Id": f"sha256:{digit * 64}", "RepoTags": list(tags), "Os": "linux", "Architecture": "amd64"}
    made = {"Created": f"2026-01-0{digit}T00:00:00Z", "RootFS": {"Layers": LAYERS[:layers]}, "Size": size}
    return Image({**described, **made, "Config": {"Cmd": ["true"]}})


A, B, C = image("1", "a:1", "a:2"), image("2", "b:1", layers=3, size=20), image("3")
D = image("4", f"{12 * '4'}:latest")
BY_NAME = {"a:1": A, "a:2": A, A.id: A, f"a@{A.id}": A, f"a:1@{A.id}": A, "b:1": B, B.id: B, f"c@{C.id}": C}
# The beginning of an Id, and a tag that looks like one.
BY_NAME.update({f"{12 * '1'}:latest": A, f"{12 * '4'}:latest": D})


def parsed(**params: Any) -> image_save.Wanted:
    """Return the wanted values: a:1 in the archive, unless these options differ."""
    return image_save.parse({**OPTIONS, **params})


def planned(found: Found | None = None, free: int = 1000, exclude: tuple[str, ...] = (), **params: Any) -> Plan:
    """Return the plan. found: the archive at path."""
    wanted = parsed(**params)
    images = {name: BY_NAME.get(str(name)) for name in wanted.names}
    return image_save.plan(wanted, Observed(images, frozenset(exclude), found, free))


def right(**params: Any) -> Found:
    """Return the right archive for these options."""
    (step,) = planned(**params).steps
    assert isinstance(step.right, Found)
    return step.right


@pytest.mark.parametrize(
    ("names", "tags", "saved", "held"),
    [
        (["a:1"], "named", ["a:1"], {("a:1",)}),
        (["a:1"], "all", ["a:1", "a:2"], {("a:1", "a:2")}),
        (["a:2", "a:1"], "named", ["a:2", "a:1"], {("a:1", "a:2")}),
        ([A.id], "named", [A.id], {()}),
        ([A.id], "all", ["a:1", "a:2"], {("a:1", "a:2")}),
        ([f"a@{A.id}"], "named", [f"a@{A.id}"], {()}),
        ([f"a:1@{A.id}"], "named", [f"a:1@{A.id}"], {()}),
        ([f"c@{C.id}"], "named", [f"c@{C.id}"], {()}),
        ([f"c@{C.id}"], "all", [C.id], {()}),
        (["a:1", A.id], "named", ["a:1", A.id], {("a:1",)}),
        ([12 * "1"], "named", [A.id], {()}),
        ([12 * "1"], "all", ["a:1", "a:2"], {("a:1", "a:2")}),
        ([12 * "4"], "named", [f"{12 * '4'}:latest"], {(f"{12 * '4'}:latest",)}),
        (["a:1", "b:1"], "named", ["a:1", "b:1"], {("a:1",), ("b:1",)}),
    ],
)
def test_saves_what_is_named(names: list[str], tags: str, saved: list[str], held: set[tuple[str, ...]]) -> None:
    plan = planned(names=names, tags=tags)
    (step,) = plan.steps
    assert list(step.names) == saved
    assert {tuple(sorted(one.tags)) for one in step.right.held} == held
    assert plan.actions == [f"Saved {', '.join(saved)} to {PATH}"]
    assert plan.before == {PATH: None}
    assert [row["tags"] for row in plan.after[PATH]["images"]] == [list(one) for one in sorted(held)]


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"names": ["a:1", "b:1"], "tags": "all"},
        {"names": [A.id]},
        {"path": "/srv/all.tar.gz"},
        {"compression": "zstd", "compression_level": 3},
        {"exclude": tuple(LAYERS[:2]), "names": ["b:1"]},
    ],
)
def test_leaves_what_is_right(params: dict[str, Any]) -> None:
    assert planned(found=right(**params), **params) == Plan()


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ({}, {"names": ["b:1"]}),
        ({}, {"tags": "all"}),
        ({"names": ["a:1", "b:1"]}, {}),
        ({"compression": "gzip"}, {}),
        ({}, {"compression": "zstd"}),
        ({"names": ["b:1"], "exclude": (LAYERS[0],)}, {"names": ["b:1"]}),
        ({"names": ["b:1"]}, {"names": ["b:1"], "exclude": (LAYERS[0],)}),
    ],
)
def test_replaces_what_is_different(held: dict[str, Any], wanted: dict[str, Any]) -> None:
    plan = planned(found=right(**held), **wanted)
    assert plan.changed and plan.before[PATH] != plan.after[PATH]
    assert plan.after[PATH] == planned(**wanted).after[PATH]


def test_further_platforms_are_a_difference_only_where_one_is_wanted() -> None:
    several = right()._replace(further_platforms=True)
    assert planned(found=several) == Plan()
    plan = planned(found=several, platform="linux/amd64")
    assert plan.before[PATH]["further_platforms"] and not plan.after[PATH]["further_platforms"]


@pytest.mark.parametrize(
    ("wrong", "told"), [({"damaged": "Why."}, {"damaged": "Why."}), ({"foreign": True}, {"of_another_user": True})]
)
def test_replaces_what_only_seems_right(wrong: dict[str, Any], told: dict[str, Any]) -> None:
    plan = planned(found=right()._replace(**wrong))
    assert plan.changed
    assert plan.before[PATH] == {**plan.after[PATH], **told}


def test_what_was_left_is_removed_and_not_told() -> None:
    wanted = parsed()
    observed = Observed(dict.fromkeys(wanted.names, A), frozenset(), right(), 0, ("/srv/.all.tar.0123456789ab",))
    plan = image_save.plan(wanted, observed)
    assert not plan.changed and plan.actions == []
    assert [step.leftovers for step in plan.repeats] == [observed.leftovers]
    (step,) = image_save.plan(wanted, observed._replace(found=None, free=1000)).steps
    assert step.leftovers == observed.leftovers


def test_only_lower_layers_are_left_out() -> None:
    assert right(names=["b:1"], exclude=tuple(LAYERS[:2])).left_out == set(LAYERS[:2])
    assert right(names=["b:1"], exclude=(LAYERS[3],)).left_out == set()


@pytest.mark.parametrize(
    ("names", "platform", "words"),
    [
        (["a:1", "none:1", "no:2"], None, "There is no image none:1, no:2 on this engine to save"),
        (["none:1"], "linux/s390x", "There is no image none:1 for linux/s390x on this engine"),
    ],
)
def test_missing_images_are_refused(names: list[str], platform: str | None, words: str) -> None:
    with pytest.raises(GantryError, match=words):
        planned(names=names, platform=platform)


def test_missing_space_is_refused() -> None:
    with pytest.raises(GantryError, match=r"takes 10 bytes or more, and only 9 are free there\. Free some space"):
        planned(free=9)
    assert planned(free=10).changed
    # Of several, the largest counts: the others may share its layers
    with pytest.raises(GantryError, match="takes 20 bytes or more"):
        planned(free=19, names=["a:1", "b:1"])
    assert planned(free=20, names=["b:1", "a:1"]).changed
    # The size of these isn't known before
    assert planned(free=9, compression="gzip").changed
    assert planned(free=9, names=["b:1"], exclude=(LAYERS[0],)).changed
    # Nothing has to be written
    assert planned(free=9, found=right()) == Plan()


@pytest.mark.parametrize(
    "params",
    [
        {"path": "all.tar"},
        {"names": ["a:1", "A"]},
        {"names": ["a*"]},
        {"tag": "-", "names": ["a"]},
        {"platform": "linux/amd64/v1/x"},
        {"exclude_layers_of": ["A"]},
        {"compression": "none", "compression_level": 3},
        {"compression": "gzip", "compression_level": 99},
    ],
)
def test_bad_input_is_refused(params: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        parsed(**params)


@pytest.mark.parametrize(
    ("what", "words"), [({}, "b:1 isn't whole"), ({"Os": "linux"}, "b:1 is no image, but an artifact")]
)
def test_an_image_that_is_not_whole_is_refused(what: dict[str, Any], words: str) -> None:
    """An archive that can't be right isn't written."""
    wanted = parsed(names=["a:1", "b:1"])
    lost = Image({"Id": B.id, "RepoTags": ["b:1"], "RootFS": {}, **what})
    images = dict(zip(wanted.names, (A, lost)))
    with pytest.raises(GantryError, match=f"^Can't save without all of an image's content: {words}"):
        image_save.plan(wanted, Observed(images, frozenset(), None, 1000))


def packed(content: int, layers: int = 1, platforms: tuple[str, ...] = ("amd64",)) -> Image:
    """Return an image of Docker 29's containerd store: its Size counts unpacked layers, its manifests packed ones."""
    manifests = tuple(
        {
            "Kind": "image",
            "Available": True,
            "Size": {"Total": 5000, "Content": content if architecture == "amd64" else 1},
            "ImageData": {"Platform": {"os": "linux", "architecture": architecture}},
        }
        for architecture in platforms
    )
    described = image("1", "a:1", layers=layers, size=5000).inspected
    return Image(described, manifests_of([*manifests, {"Kind": "attestation"}]))


TWICE = Image({**A.inspected, "RootFS": {"Layers": [LAYERS[0], LAYERS[1], LAYERS[0]]}, "Size": 5000})


@pytest.mark.parametrize(
    ("described", "measured", "free", "refused"),
    [
        # Classic stores tell the raw layers, containerd stores of older engines the packed ones
        (image("1", "a:1", size=5000), True, 4999, "takes 5000 bytes or more"),
        (image("1", "a:1", size=5000), True, 5000, ""),
        # Docker 29 tells the packed ones with the manifests
        (packed(40), True, 39, "takes 40 bytes or more"),
        (packed(40), True, 40, ""),
        (packed(40, platforms=("arm64", "amd64")), True, 39, "takes 40 bytes or more"),
        # An unknown size is no reason to refuse
        (packed(40, platforms=("arm64",)), True, 0, ""),
        (
            image("1", "a:1", size=5000)._replace(manifests=manifests_of([{"Kind": "image", "Available": True}])),
            True,
            0,
            "",
        ),
        (image("1", "a:1", size=5000), False, 0, ""),
        (TWICE, True, 0, ""),
    ],
)
def test_space_is_what_an_archive_takes_at_the_least(described: Image, measured: bool, free: int, refused: str) -> None:
    wanted = parsed()
    observed = Observed(dict.fromkeys(wanted.names, described), frozenset(), None, free, measured=measured)
    if refused:
        with pytest.raises(GantryError, match=refused):
            image_save.plan(wanted, observed)
    else:
        assert image_save.plan(wanted, observed).changed


def test_an_image_that_is_here_for_other_platforms_alone_is_refused() -> None:
    wanted = parsed()
    for_others = {wanted.names[0]: (Platform("linux", "s390x"), Platform("linux", "arm64"))}
    observed = Observed(dict.fromkeys(wanted.names, A), frozenset(), None, 1000, for_others=for_others)
    with pytest.raises(GantryError, match=r"a:1 is here for linux/arm64, linux/s390x alone.*Name one .* in platform"):
        image_save.plan(wanted, observed)
    # An archive that is right needs nothing of the engine
    assert image_save.plan(wanted, observed._replace(found=right())) == Plan()


LARGE = image("1", "a:1", size=5000)


@pytest.mark.parametrize(
    ("version", "containerd", "described", "free", "doubt"),
    [
        ((29, 8, 0), True, LARGE, 4999, True),
        ((29, 8, 0), True, LARGE, 5000, False),
        ((29, 8, 0), True, packed(5000), 4999, False),
        ((29, 8, 0), False, LARGE, 4999, False),
        ((28, 5, 2), True, LARGE, 4999, False),
    ],
)
def test_sizes_of_an_older_version_of_the_api_are_in_doubt(
    version: tuple[int, ...], containerd: bool, described: Image, free: int, doubt: bool
) -> None:
    """Docker 29 reports no manifests there, and its sizes count unpacked layers."""
    engine: Any = SimpleNamespace(version=version, containerd_store=containerd)
    assert is_in_doubt(engine, described, free) is doubt


def of(*here: tuple[str, bool]) -> tuple[Manifest, ...]:
    """Return the manifests of an index, by architecture and whether the image is here."""
    return manifests_of(
        {"Kind": "image", "Available": there, "ImageData": {"Platform": {"os": "linux", "architecture": architecture}}}
        for architecture, there in here
    )


ARM = Image({**A.inspected, "Architecture": "arm64"})


@pytest.mark.parametrize("told", ["with the image", "when asked"])
@pytest.mark.parametrize(
    ("described", "manifests", "lacking"),
    [
        (ARM, of(("amd64", False), ("arm64", True)), ("arm64",)),
        (ARM, of(("arm64", True), ("amd64", False), ("s390x", True)), ("arm64", "s390x")),
        # The engine saves the platforms that it has: its own image isn't named, or the image is no index
        (ARM, of(("arm64", True), ("s390x", False)), ()),
        (ARM, of(("arm64", True)), ()),
        (A, of(("amd64", True), ("arm64", False)), ()),
        # Classic stores, and engines before 28, tell no manifests
        (ARM, (), ()),
    ],
)
def test_an_index_may_lack_the_engines_own_platform(
    described: Image, manifests: tuple[Any, ...], lacking: tuple[str, ...], told: str
) -> None:
    images = SimpleNamespace(manifests=lambda _name: manifests)
    engine: Any = SimpleNamespace(platform=AMD, images=images)
    (name,) = parsed().names
    image_here = described._replace(manifests=manifests) if told == "with the image" else described
    found = for_others_alone(engine, {name: image_here})
    assert found == ({name: tuple(Platform("linux", architecture) for architecture in lacking)} if lacking else {})
