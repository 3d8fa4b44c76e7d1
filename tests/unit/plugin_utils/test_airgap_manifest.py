# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest of a bundle: written for people, and read as what somebody may have altered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.documents import FILE_NAME
from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.manifest import (
    Bundle,
    is_cut,
    lines_of,
    manifest,
    other_layers,
    parse_manifest,
    piece_names,
    problems_with,
)

A, B, ID = (f"sha256:{digit * 64}" for digit in "abc")
ZEROS, ONES = "0" * 64, "1" * 64


def piece(name: str, size: int, sha256: str) -> dict[str, Any]:
    """Return a piece as the module stat says it, in a loop."""
    return {"item": name, "stat": {"size": size, "checksum": sha256}}


def told(**more: Any) -> dict[str, Any]:
    """Return what is told of a bundle."""
    layers = [
        {"diff_id": A, "digest": A, "size": 100, "left_out": True},
        {"diff_id": B, "digest": B, "size": 20, "left_out": False},
    ]
    image = {"tags": ["app:1"], "platform": "linux/amd64", "config_digest": ID, "manifest_digest": None}
    return {
        "made": {"at": "2026-01-01T00:00:00Z", "on": "outside"},
        "archive": {"name": "images.tar", "size": 30, "sha256": ZEROS},
        "pieces": [],
        "contents": [{**image, "layers": layers}],
        "found": [{"Id": ID, "RepoTags": ["app:1"]}],
        **more,
    }


PIECES = [piece("images.tar.part-0001", 20, ONES), piece("images.tar.part-0002", 10, ZEROS)]
TEXT = manifest(told(pieces=PIECES), "")
GOOD = json.loads(TEXT)
KEYS = [*GOOD, "name", "names", "size", "sha256", "layers", "diff_id", "carried"]


def bundle(**wrong: Any) -> Bundle:
    """Return the bundle of a manifest, some of whose values are others."""
    return parse_manifest(json.dumps({**GOOD, **wrong}))


def test_people_can_read_what_is_in_it() -> None:
    assert GOOD["made"] == {"at": "2026-01-01T00:00:00Z", "on": "outside"}
    assert GOOD["archive"] == {"name": "images.tar", "size": 30, "sha256": ZEROS}
    assert GOOD["pieces"][1] == {"name": "images.tar.part-0002", "size": 10, "sha256": ZEROS}
    (image,) = GOOD["images"]
    assert (image["names"], image["id"], image["config"]) == (["app:1"], ID, ID)
    assert [layer["carried"] for layer in image["layers"]] == [False, True]
    assert lines_of(bundle()) == [
        "image  app:1: 2 layers, of which 1 are left out",
        f"file   images.tar.part-0001: 20 bytes, SHA-256 {ONES}",
        f"file   images.tar.part-0002: 10 bytes, SHA-256 {ZEROS}",
    ]


def test_time_alone_changes_nothing() -> None:
    later = told(pieces=PIECES, made={"at": "2026-02-02T00:00:00Z", "on": "outside"})
    assert manifest(later, TEXT) == TEXT
    assert manifest({**later, "archive": {"name": "images.tar", "size": 30, "sha256": ONES}}, TEXT) != TEXT
    assert manifest({**later, "pieces": []}, TEXT) != TEXT
    assert json.loads(manifest(later, "{}"))["made"]["at"] == "2026-02-02T00:00:00Z"


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", ".", "..", "-rf", ".x", "a\nb", "", "x" * 129, 7, None])
def test_a_name_that_leads_elsewhere_is_refused(name: Any) -> None:
    file = {"name": name, "size": 30, "sha256": ZEROS}
    for wrong in ({"archive": file}, {"pieces": [file]}):
        with pytest.raises(InvalidInput, match="no name of a file in the bundle's directory"):
            bundle(**wrong)


@pytest.mark.parametrize("size", [-1, 1 << 54, 1.5, True, "30", None, [30]])
def test_a_size_that_is_none_is_refused(size: Any) -> None:
    with pytest.raises(InvalidInput, match="no number of bytes"):
        bundle(archive={"name": "images.tar", "size": size, "sha256": ZEROS})


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"archive": {"name": "images.tar", "size": 30, "sha256": "0" * 63}}, "no SHA-256 checksum"),
        ({"archive": {"name": "images.tar", "size": 30, "sha256": "0" * 63 + "\n"}}, "no SHA-256 checksum"),
        ({"archive": {"name": "images.tar", "size": 31, "sha256": ZEROS}}, "together don't have the size"),
        ({"archive": {"name": "images.tar.part-0001", "size": 30, "sha256": ZEROS}}, "the same name"),
        ({"archive": {"name": "manifest.json", "size": 30, "sha256": ZEROS}}, "the same name"),
        ({"archive": None}, "no object"),
        ({"pieces": GOOD["pieces"] * 2}, "the same name"),
        ({"pieces": {}}, "no list"),
        ({"images": []}, "names no image"),
        ({"images": [{"names": ["app@" + A]}]}, "a name that no image can have"),
        ({"images": [{"names": ["../../x"]}]}, "a name that no image can have"),
        ({"images": [{"names": [1]}]}, "no string"),
        ({"images": [{"names": ["app:1"], "layers": [{"diff_id": "x"}]}]}, "no digest"),
        ({"made": []}, "no object"),
        ({"kind": "gantry.docker.airgap inventory"}, "no document of the kind"),
        ({"version": 2}, "made by another version"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        bundle(**wrong)
    assert caught.value.message.startswith("The bundle's manifest can't be used: ")
    assert reason in caught.value.message


@pytest.mark.parametrize("text", ["", "null", "{", "\udcff", '{"kind": 1, "kind": 1}', "[" * 100_000, " " * (17 << 20)])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="The bundle's manifest can't be used"):
        parse_manifest(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from([A, ZEROS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=3))
def test_whatever_a_manifest_says_it_names_only_files_of_its_own(wrong: dict[str, Any]) -> None:
    try:
        found = bundle(**wrong)
    except InvalidInput as error:
        assert error.message.startswith("The bundle's manifest can't be used: ")
        return
    assert all(FILE_NAME.fullmatch(file.name) and file.size >= 0 for file in (*found.files, found.archive))
    assert lines_of(found)


def test_too_many_pieces_are_refused() -> None:
    rows = [{"name": f"p{number}", "size": 0, "sha256": ZEROS} for number in range(10_000)]
    with pytest.raises(InvalidInput, match="more than 9999 pieces"):
        bundle(pieces=rows)


THERE = {
    "images.tar.part-0001": {"exists": True, "isreg": True, "islnk": False, "size": 20},
    "images.tar.part-0002": {"exists": True, "isreg": True, "islnk": False, "size": 10},
}


@pytest.mark.parametrize(
    ("name", "found", "problem"),
    [
        ("images.tar.part-0001", {"exists": False}, "images.tar.part-0001 is missing"),
        ("images.tar.part-0002", {"isreg": False, "islnk": True}, "images.tar.part-0002 is no regular file"),
        ("images.tar.part-0002", {"size": 9}, "images.tar.part-0002 has 9 bytes, and must have 10"),
        ("images.tar.part-0001", {"checksum": ZEROS}, "images.tar.part-0001 is damaged or was altered"),
        ("images.tar", {**THERE["images.tar.part-0001"], "size": 30, "checksum": ONES}, "images.tar is damaged or was"),
    ],
)
def test_a_file_that_is_not_the_one_is_named(name: str, found: dict[str, Any], problem: str) -> None:
    (sentence,) = problems_with(bundle(), {**THERE, name: {**THERE.get(name, {}), **found}})
    assert sentence.startswith(problem)
    assert sentence.endswith("Carry it again.")


def test_files_that_are_right_have_no_problem() -> None:
    right = {name: {**file, "checksum": ONES if name.endswith("1") else ZEROS} for name, file in THERE.items()}
    whole = {"images.tar": {**THERE["images.tar.part-0001"], "size": 30, "checksum": ZEROS}}
    assert problems_with(bundle(), THERE) == problems_with(bundle(), {**right, **whole}) == []


@pytest.mark.parametrize(
    ("size", "piece_size", "count"), [(30, 0, 0), (30, 30, 0), (30, 29, 2), (30, 10, 3), (31, 10, 4), (9999, 1, 9999)]
)
def test_pieces_hold_the_whole_archive(size: int, piece_size: int, count: int) -> None:
    names = piece_names("images.tar", size, piece_size)
    assert len(names) == count
    assert names == sorted(names)
    assert names[:1] == ["images.tar.part-0001"][:count]


def test_more_pieces_than_have_names_are_refused() -> None:
    with pytest.raises(InvalidInput, match="choose a larger one"):
        piece_names("images.tar", 10_000, 1)


def test_pieces_are_cut_again_if_any_is_not_as_it_was() -> None:
    about = {"name": "images.tar", "size": 30, "sha256": ZEROS, "pieces": list(THERE)}
    right = {name: {**file, "checksum": ONES if name.endswith("1") else ZEROS} for name, file in THERE.items()}
    assert is_cut(TEXT, about, right)
    assert not is_cut(TEXT, {**about, "sha256": ONES}, right)
    assert not is_cut(TEXT, {**about, "pieces": ["images.tar.part-0001"]}, right)
    assert not is_cut(TEXT, about, {**right, "images.tar.part-0002": {"exists": False}})
    assert not is_cut(TEXT, about, {name: {**file, "checksum": ONES} for name, file in THERE.items()})
    assert not is_cut("", about, right)


def test_an_image_with_other_layers_is_named() -> None:
    right, wrong = ({"RepoTags": ["app:1", "x:1"], "RootFS": {"Layers": layers}} for layers in ([A, B], [A]))
    assert other_layers(bundle(), [right]) == []
    assert other_layers(bundle(), [wrong]) == ["app:1"]
