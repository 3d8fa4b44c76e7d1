# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_info against a real engine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any, Callable

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.scenes import child, dated, grown, id_of, pinned, state
from ansible_collections.gantry.docker.tests.support.relay import Relay

MISSING_ID = "sha256:" + "0" * 64


def told(module: Module, **params: Any) -> dict[str, Any]:
    """Return the module's result, which must be the same in check mode."""
    result = module.unchanged(**params)
    assert module.ok(check=True, **params) == result
    return result


def test_without_names_all_are_returned(module: Module, busybox: docker.DockerClient) -> None:
    tools = child(busybox, "busybox", "tools:1")
    before = state(busybox)
    result = told(module)
    assert {image["Id"] for image in result["images"]} == {busybox.images.get("busybox").id, tools}
    assert result["not_found"] == []
    assert "image" not in result
    assert state(busybox) == before


def test_all_are_those_that_docker_images_lists(module: Module, busybox: docker.DockerClient) -> None:
    dangling = child(busybox, "busybox")
    part = child(busybox, "busybox")
    top = child(busybox, part, "tools:1")
    listed = {image["Id"] for image in told(module)["images"]}
    assert listed == {row["Id"] for row in busybox.api.images()}
    assert {dangling, top} <= listed and part not in listed


def test_a_tag_that_moves_after_the_list_is_returned_where_it_is(between: Relay, busybox: docker.DockerClient) -> None:
    tools, other = child(busybox, "busybox", "tools:1"), child(busybox, "busybox", "other:1")
    busybox.api.tag(tools, "worktop", "1")
    between.amid_answer("GET /images/json", 0, lambda: busybox.api.tag(other, "tools", "1"))
    found = {image["Id"]: image["RepoTags"] for image in Module("image_info", between.docker_host).ok()["images"]}
    assert found[tools] == ["worktop:1"] and found[other] == ["other:1", "tools:1"]


def test_an_engine_without_images_has_none(module: Module, clean: docker.DockerClient) -> None:
    assert told(module)["images"] == []


def test_an_image_is_returned_as_inspected(module: Module, busybox: docker.DockerClient) -> None:
    result = told(module, name="busybox")
    assert result["image"] == busybox.images.get("busybox").attrs
    assert result["images"] == [result["image"]]


@pytest.mark.parametrize("digits", [64, 12])
def test_images_are_found_by_id(module: Module, busybox: docker.DockerClient, digits: int) -> None:
    identifier = id_of(busybox, "busybox")
    short = identifier.removeprefix("sha256:")[:digits]
    assert told(module, name=short)["image"]["Id"] == identifier
    assert told(module, name=short)["not_found"] == []


def test_images_are_found_by_digest(module: Module, clean: docker.DockerClient) -> None:
    digest = pinned(clean)
    image = told(module, name=digest)["image"]
    assert image["RepoDigests"] == [digest]
    assert told(module)["images"] == [image]


def test_missing_ones_are_told_and_no_error(module: Module, busybox: docker.DockerClient) -> None:
    result = told(module, names=["none/such", "busybox", "busybox:none", MISSING_ID])
    assert [image["RepoTags"] for image in result["images"]] == [["busybox:latest"]]
    assert result["not_found"] == ["none/such:latest", "busybox:none", MISSING_ID]
    assert "image" not in result


def test_a_single_missing_one_is_no_error(module: Module, clean: docker.DockerClient) -> None:
    result = told(module, name="busybox")
    assert result["images"] == []
    assert result["not_found"] == ["busybox:latest"]
    assert "image" not in result


def test_no_name_is_not_every_name(module: Module, busybox: docker.DockerClient) -> None:
    assert told(module, names=[])["images"] == []


def test_history_comes_only_on_request(module: Module, busybox: docker.DockerClient) -> None:
    assert "History" not in told(module, name="busybox")["image"]


def test_history_tells_which_step_made_which_layer(module: Module, busybox: docker.DockerClient) -> None:
    container = busybox.containers.run("busybox", ["sh", "-c", "echo content > /file"], detach=True)
    container.wait()
    container.commit("tools", "1", message="a file more")
    container.remove()
    image = told(module, name="tools:1", history=True)["image"]
    newest, oldest = image["History"]
    assert newest["Comment"] == "a file more"
    assert newest["Tags"] == ["tools:1"]
    assert newest["CreatedBy"] == "sh -c echo content > /file"
    assert newest["Created"] >= oldest["Created"] > 0
    assert newest["Size"] > 0
    assert [oldest["DiffID"], newest["DiffID"]] == image["RootFS"]["Layers"]


def test_each_of_several_has_its_own_history(module: Module, busybox: docker.DockerClient) -> None:
    child(busybox, "busybox", "tools:1")
    images = told(module, names=["tools:1", "busybox"], history=True)["images"]
    assert [len(image["History"]) for image in images] == [2, 1]
    for image in images:
        layers = [row["DiffID"] for row in reversed(image["History"]) if row["DiffID"]]
        assert layers == image["RootFS"]["Layers"]


def test_history_tells_who_shares_each_layer(module: Module, busybox: docker.DockerClient) -> None:
    base = id_of(busybox, "busybox")
    low = grown(busybox, "busybox", "low:1", 1000)
    busybox.api.tag("low:1", "low", "2")
    top, twin = grown(busybox, "low:1", "top:1", 1000), grown(busybox, "low:1", "twin:1", 1000)
    nameless = child(busybox, "busybox")
    image = told(module, name="top:1", history=True)["image"]
    shared = {
        row["DiffID"]: {other["Id"]: other["RepoTags"] for other in row["SharedWith"]} for row in image["History"]
    }
    below = {low: ["low:1", "low:2"], twin: ["twin:1"]}
    assert list(shared.values()) == [{}, below, {**below, base: ["busybox:latest"], nameless: []}]
    assert list(shared) == image["RootFS"]["Layers"][::-1]
    # Told of the others too, each but itself.
    rows = {image["Id"]: image["History"] for image in told(module, history=True)["images"]}
    assert {other["Id"] for other in rows[base][-1]["SharedWith"]} == {low, top, twin, nameless}
    assert rows[twin][0]["SharedWith"] == []


def test_steps_without_a_layer_share_none(module: Module, busybox: docker.DockerClient) -> None:
    busybox.containers.create("busybox", ["true"], name="user").commit("tools", "1", changes="ENV a=b")
    image = told(module, name="tools:1", history=True)["image"]
    assert [row["DiffID"] for row in image["History"]] == [None, *image["RootFS"]["Layers"]]
    assert [row["SharedWith"] and len(row["SharedWith"]) for row in image["History"]] == [None, 1]


def test_sizes_are_those_of_docker_system_df(module: Module, engine: Engine, busybox: docker.DockerClient) -> None:
    for number in (1, 2):
        grown(busybox, "busybox", f"app:{number}", number * 100_000)
    grown(busybox, "app:1", "top:1", 400_000)
    dated(busybox, "alone:1", 1)
    child(busybox, "busybox")
    shown = shown_by_df(engine)
    sizes = {short(image["Id"]): image["Sizes"] for image in told(module, sizes=True)["images"]}
    assert set(sizes) == set(shown) and len(shown) == 6
    for image, size in sizes.items():
        total, *parts = shown[image]
        assert total in (as_shown(size["Total"], 3), as_shown(size["Total"], 4))  # 20.10 shows more digits
        assert parts == [as_shown(size["Shared"], 4), as_shown(size["Unique"], 4)]
    alone, top = (sizes[short(id_of(busybox, name))] for name in ("alone:1", "top:1"))
    assert alone["Shared"] == 0 < alone["Unique"] == alone["Total"]
    assert top["Unique"] >= 400_000 and top["Shared"] > 1_000_000


def test_a_part_of_another_has_no_sizes(module: Module, busybox: docker.DockerClient) -> None:
    part = child(busybox, "busybox")
    child(busybox, part, "tools:1")
    assert [image["Sizes"] is None for image in told(module, names=[part, "tools:1"], sizes=True)["images"]] == [
        True,
        False,
    ]
    assert "Sizes" not in told(module, name="busybox")["image"]


def short(identifier: str) -> str:
    return identifier.removeprefix("sha256:")[:12]


def shown_by_df(engine: Engine) -> dict[str, list[str]]:
    """Return size, shared and unique size as the CLI shows them, by the beginning of each image's Id."""
    command = ["docker", "system", "df", "-v"]
    said = subprocess.run(command, env=engine.environment, capture_output=True, text=True, check=True).stdout
    images = said.partition("\n\n")[2].partition("\n\n")[0]
    rows = [re.split(r"\s{2,}", line) for line in images.splitlines()[1:]]
    return {row[2]: row[4:7] for row in rows}


def as_shown(size: int, digits: int) -> str:
    """Return a size as the CLI shows it (docker/go-units, HumanSizeWithPrecision)."""
    number, units = float(size), iter(["B", "kB", "MB", "GB"])
    unit = next(units)
    while number >= 1000:
        number, unit = number / 1000, next(units)
    return f"{number:.{digits}g}{unit}"


def ids(result: dict[str, Any]) -> list[str]:
    return [image["Id"] for image in result["images"]]


def test_patterns_select_names(module: Module, several: docker.DockerClient) -> None:
    for names, meant, not_found in (
        (["app:*"], ["app:2", "app:1"], []),
        (["*/app"], ["host.example/team/app:1", "example/app:1"], []),
        (["*app:1"], ["host.example/team/app:1", "example/app:1", "app:1"], []),
        (["app:[!1]"], ["app:2"], []),
        (["example/a??"], ["example/app:1"], []),
        (["docker.io/*/app:1"], ["example/app:1", "app:1"], []),
        (["library/*"], ["busybox:latest", "app:2", "app:1"], []),
        (["app"], [], ["app:latest"]),
        (["none*", "app:2", "app:*"], ["app:2", "app:1"], ["none*"]),
        (["app:*", "app:2"], ["app:2", "app:1", "app:2"], []),
    ):
        result = told(module, names=names)
        assert ids(result) == [id_of(several, name) for name in meant], names
        assert result["not_found"] == not_found
        assert ("image" in result) is (len(names) == len(meant) == 1)
    assert "lower case" in module.fails(names=["App*"])


@pytest.fixture
def several(busybox: docker.DockerClient) -> docker.DockerClient:
    """Images made one day after the other, and busybox, made later."""
    for day, name in enumerate(("app:1", "app:2", "example/app:1", "host.example/team/app:1"), start=1):
        labels = {"stage": "live" if day == 2 else "test", "list": "a,b", **({"old": ""} if day == 1 else {})}
        dated(busybox, name, day, labels)
    return busybox


def test_filters_select_as_dockers_do(module: Module, engine: Engine, several: docker.DockerClient) -> None:
    # From 29.5 on complete names count too, such as docker.io/library/app:1 (daemon/images/image_list.go).
    complete = ["example/app:1", "app:2", "app:1"] if engine.release >= (29, 5) else []
    passing: dict[str, Any]
    for passing, names in (
        ({}, ["busybox:latest", "host.example/team/app:1", "example/app:1", "app:2", "app:1"]),
        ({"label": "stage"}, ["host.example/team/app:1", "example/app:1", "app:2", "app:1"]),
        ({"label": "stage=live"}, ["app:2"]),
        ({"label": ["stage=test", "old"]}, ["app:1"]),
        ({"label": "list=a,b", "before": "example/app:1"}, ["app:2", "app:1"]),
        ({"label": "list=a"}, []),
        ({"reference": "app"}, ["app:2", "app:1"]),
        ({"reference": ["app:1", "*/app"]}, ["example/app:1", "app:1"]),
        ({"reference": "*/*/app:[0-9]"}, ["host.example/team/app:1", *complete]),
        ({"reference": "*"}, ["busybox:latest", "app:2", "app:1"]),
        ({"since": "app:2"}, ["busybox:latest", "host.example/team/app:1", "example/app:1"]),
        ({"since": "app:1", "before": "example/app:1"}, ["app:2"]),
        ({"dangling": False, "label": "old"}, ["app:1"]),
        ({"dangling": True}, []),
    ):
        result = told(module, filters=passing)
        assert ids(result) == [id_of(several, name) for name in names], passing
        assert set(ids(result)) == listed(engine, passing)


def listed(engine: Engine, filters: dict[str, Any]) -> set[str]:
    """Return the Ids of the images that the CLI lists with filters."""
    values = {name: value if isinstance(value, list) else [str(value).lower()] for name, value in filters.items()}
    options = [f"--filter={name}={one}" for name, ones in values.items() for one in ones]
    command = ["docker", "images", "--quiet", "--no-trunc", *options]
    return set(
        subprocess.run(command, env=engine.environment, capture_output=True, text=True, check=True).stdout.split()
    )


def test_dangling_selects_images_without_a_name(module: Module, busybox: docker.DockerClient) -> None:
    nameless = child(busybox, "busybox")
    assert ids(told(module, filters={"dangling": True})) == [nameless]
    assert ids(told(module, filters={"dangling": "no"})) == [id_of(busybox, "busybox")]


def test_filters_take_an_id(module: Module, several: docker.DockerClient) -> None:
    for name in (id_of(several, "app:2"), id_of(several, "app:2").removeprefix("sha256:")[:12]):
        assert ids(told(module, filters={"before": name})) == [id_of(several, "app:1")]


def test_names_and_filters_must_both_match(module: Module, several: docker.DockerClient) -> None:
    several.api.tag("app:2", "other", "1")
    result = told(module, names=["busybox", "app:1", "app:*", "example/*"], filters={"label": "stage=live"})
    assert ids(result) == [id_of(several, "app:2")]
    assert result["not_found"] == ["busybox:latest", "app:1", "example/*"]
    # A filter for one of an image's names leaves it its others.
    assert ids(told(module, names=["app:*"], filters={"reference": "other"})) == [id_of(several, "app:2")]


def test_history_and_sizes_count_images_that_a_filter_leaves_out(module: Module, several: docker.DockerClient) -> None:
    grown(several, "app:1", "grown:1", 1000)
    (image,) = told(module, filters={"reference": "app:1"}, history=True, sizes=True)["images"]
    (row,) = image["History"]
    assert row["SharedWith"] == [{"Id": id_of(several, "grown:1"), "RepoTags": ["grown:1"]}]
    assert image["Sizes"]["Shared"] > 0


def test_required_ones_must_be_there(module: Module, several: docker.DockerClient) -> None:
    module.unchanged(names=["app:1", "example/*"], required=True)
    module.unchanged(required=True)
    for check in (True, False):
        result = module(check, names=["none/such", "app:1", "zz*"], required=True)
        assert result["failed"] and not result["changed"]
        assert "none/such:latest, zz*" in result["msg"] and "app:1" not in result["msg"] and "Pull" in result["msg"]
        assert (ids(result), result["not_found"]) == ([id_of(several, "app:1")], ["none/such:latest", "zz*"])
    assert "filters" in module.fails(name="app:1", filters={"label": "stage=live"}, required=True)


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"until": "24h"}, ["filters.until", "before, dangling, label, reference, since"]),
        ({"dangling": "perhaps"}, ["dangling", "perhaps"]),
        ({"label": "=live"}, ["'=live' in filters.label", "key=value"]),
        ({"label": ["stage", ""]}, ["'' in filters.label"]),
        ({"label": {"stage": "live"}}, ["filters.label", "{'stage': 'live'}"]),
        ({"label": [1]}, ["filters.label", "1"]),
        ({"reference": "["}, ["'[' in filters.reference"]),
        ({"reference": ["app", ""]}, ["'' in filters.reference"]),
        ({"before": "none/such"}, ["filters.before", "none/such:latest", "no such image"]),
        ({"since": MISSING_ID}, ["filters.since", MISSING_ID]),
        ({"since": "App"}, ["'App'", "lower case"]),
    ],
)
def test_bad_filters_are_refused(module: Module, busybox: docker.DockerClient, filters: Any, words: list[str]) -> None:
    message = module.fails(filters=filters)
    assert all(word in message for word in words), message


def test_layers_can_be_left_out_of_an_archive_as_they_are_returned(
    module: Module, modules: Callable[[str], Module], busybox: docker.DockerClient, tmp_path: Path
) -> None:
    """The layers in one host's result are an option for an archive on another host, unchanged."""
    known = [layer for image in told(module)["images"] for layer in image["RootFS"]["Layers"]]
    grown(busybox, "busybox", "tools:1", 1000)
    size = {}
    for kind, exclude in (("thin", known), ("whole", None)):
        path = tmp_path / f"{kind}.tar"
        modules("image_save").ok(name="tools:1", path=str(path), exclude_layers_of=exclude)
        size[kind] = path.stat().st_size
    assert size["thin"] < size["whole"] / 10
    busybox.api.remove_image("tools:1")
    modules("image_load").ok(path=str(tmp_path / "thin.tar"))
    assert told(module, name="tools:1")["image"]["RootFS"]["Layers"][:-1] == known


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Busybox", ["'Busybox'", "lower case"]),
        ("busybox:", ["'busybox:'", "tag"]),
        ("sha256:12", ["'sha256:12'", "64 hexadecimal"]),
        ("busybox@12", ["'busybox@12'", "digest"]),
        ("", ["''"]),
    ],
)
def test_bad_names_are_refused(module: Module, clean: docker.DockerClient, name: str, words: list[str]) -> None:
    message = module.fails(names=["busybox", name])
    assert all(word in message for word in words), message
