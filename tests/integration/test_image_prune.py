# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_prune against a real engine: it removes exactly the foreseen images, and none that is needed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import docker
import pytest

from ansible_collections.gantry.docker.plugins.module_utils._operation import image_prune
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan
from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration.conftest import Module, wipe
from ansible_collections.gantry.docker.tests.integration.registries import Registry
from ansible_collections.gantry.docker.tests.integration.scenes import (
    change,
    child,
    dated,
    forget_broken_transfers,
    grown,
    id_of,
    load,
    mounting,
    pinned,
    stacked,
    state,
    used,
)
from ansible_collections.gantry.docker.tests.support import archives
from ansible_collections.gantry.docker.tests.support.relay import ALWAYS, Relay


def pruned(module: Module, client: docker.DockerClient, **params: Any) -> dict[str, Any]:
    """Prune, and compare the forecast of the check run with the removed images and bytes."""
    before, bytes_before = state(client), layers_size(client)
    foreseen = module.ok(check=True, **params)
    done = module.converges(**params)
    assert change(before, state(client)) == done["diff"]
    assert done["space_reclaimed"] == foreseen["space_reclaimed"] == bytes_before - layers_size(client)
    assert done["images"] == foreseen["images"]
    assert sum(image["SpaceReclaimed"] for image in done["images"]) == done["space_reclaimed"]
    assert "spared" not in done
    return done


def layers_size(client: docker.DockerClient) -> int:
    """Return the bytes of all images, as docker system df counts them."""
    used = client.api.df()
    # From API 1.52 on in another place, and where nothing is left out (api/docs/CHANGELOG.md).
    return (used.get("ImageUsage") or {}).get("TotalSize") or used.get("LayersSize") or 0


def names(client: docker.DockerClient) -> list[str]:
    """Return all names of all images."""
    return sorted(name for image in state(client).values() for name in image)


def test_dangling_images_go(module: Module, busybox: docker.DockerClient) -> None:
    dangling = {child(busybox, "busybox") for _index in range(2)}
    child(busybox, "busybox", "tools:1")
    done = pruned(module, busybox)
    assert set(done["diff"]["after"]) == dangling
    assert sorted(done["actions"]) == sorted(f"Pruned dangling image ({image})" for image in dangling)
    assert names(busybox) == ["busybox:latest", "tools:1"]


def test_an_image_dangles_after_its_tag_moved(module: Module, busybox: docker.DockerClient) -> None:
    former = child(busybox, "busybox", "tools:1")
    busybox.api.tag("busybox", "tools", "1", force=True)
    assert pruned(module, busybox)["diff"] == {"before": {former: []}, "after": {former: None}}


def test_nothing_goes_where_nothing_may(module: Module, busybox: docker.DockerClient) -> None:
    assert module.unchanged()["space_reclaimed"] == 0
    for until in ("24h", "2020-01-01", "2020-01-01T00:00:00Z"):
        assert module.unchanged(until=until)["space_reclaimed"] == 0
    assert module.unchanged(dangling=False, keep=["busybox"])["space_reclaimed"] == 0


def test_others_are_not_looked_at_if_none_dangles(between: Relay, busybox: docker.DockerClient) -> None:
    assert Module("image_prune", between.docker_host).unchanged()["images"] == []
    lists = [question for question in between.questions if question.startswith("GET /images/json")]
    assert lists and all("dangling" in question for question in lists), "all images were listed"


def test_an_empty_engine_stays_as_it_is(module: Module, clean: docker.DockerClient) -> None:
    module.unchanged()
    module.unchanged(dangling=False)


def test_all_unused_images_go(module: Module, busybox: docker.DockerClient) -> None:
    busybox.api.tag("busybox", "zz", "1")
    child(busybox, "busybox", "tools:1")
    child(busybox, "busybox")
    pruned(module, busybox, dangling=False)
    assert state(busybox) == {}


def test_space_of_shared_layers_is_foreseen(module: Module, tidy: None, busybox: docker.DockerClient) -> None:
    """A layer counts with the last of its images, whatever their order and origin."""
    grown(busybox, "busybox", "base:1", 700_000)
    for name, size in (("app:1", 50_000), ("app:2", 60_000), ("app:3", 0)):
        grown(busybox, "base:1", name, size)
    grown(busybox, "app:1", "top:1", 80_000)
    busybox.images.pull("debian", "12")
    for keep in (["debian", "busybox", "base", "top", "app:1", "app:2"], ["debian", "app:1"], ["debian"], []):
        pruned(module, busybox, dangling=False, keep=keep)
    assert state(busybox) == {}


def test_space_of_layers_that_one_image_less_has_is_foreseen(module: Module, busybox: docker.DockerClient) -> None:
    """No image ends on the shared layer, so no image's size is that of the layer."""
    busybox.images.pull("gantry/python", "3")
    for name in ("app:1", "app:2"):
        grown(busybox, "gantry/python:3", name, 100_000)
    busybox.api.remove_image("gantry/python:3")
    busybox.images.pull("debian", "12")
    done = pruned(module, busybox, dangling=False, keep=["busybox", "debian", "app:2"])
    assert [image["RepoTags"] for image in done["images"]] == [["app:1"]]
    pruned(module, busybox, dangling=False, keep=["busybox", "debian"])


@pytest.mark.parametrize(
    "images",
    [
        {"app:1": "ab", "app:2": "ac", "kept:1": "a", "kept:2": "ad"},
        {"app:1": "ab", "app:2": "ac", "kept:1": "de", "kept:2": "df"},
        {"app:1": "ab", "app:2": "abc", "app:3": "a"},
        {"app:1": "abc", "app:2": "abd", "kept:1": "ae"},
        {"app:1": "abc", "app:2": "abd", "kept:1": "abe", "kept:2": "f"},
        {"app:1": "abcd", "app:2": "af", "kept:1": "abce", "kept:2": "a"},
        {"app:1": "a", "kept:1": "ab"},
        {"app:1": "abc", "kept:1": "ab"},
        {"app:1": "azb", "app:2": "ac", "kept:1": "azd"},
        {"app:1": "zb", "kept:1": "zc"},
    ],
    ids=lambda images: "-".join(images.values()),
)
def test_space_of_all_ways_to_share(module: Module, clean: docker.DockerClient, images: dict[str, str]) -> None:
    stacked(clean, {**images, "more:1": "x", "more:2": "xy", "more:3": "w"})
    used(clean, "more:2")
    pruned(module, clean, dangling=False, keep=["kept", "more"])
    pruned(module, clean, dangling=False)


@pytest.mark.parametrize("above", [("", ""), ("uvw", "UVW")])
def test_few_of_those_that_stay_are_inspected(
    between: Relay, engine: Engine, clean: docker.DockerClient, above: tuple[str, str]
) -> None:
    if engine.store == "classic" or not (28, 2) <= engine.release < (29, 5):
        pytest.skip("other stores report less of what images share, or inspect quickly")
    stacked(clean, {f"app:{number}": f"a{'bc'[number]}{above[number]}" for number in (0, 1)})
    stacked(clean, {f"kept:{letter}": f"a{letter}" for letter in "defghijklmnopqrstxy"})
    module = Module("image_prune", between.docker_host)
    done = module.ok(check=True, dangling=False, keep=["kept"])
    assert [image["RepoTags"] for image in done["images"]] == [["app:0"], ["app:1"]]
    inspected = [question for question in between.questions if re.match(r"GET /images/\S+/json$", question)]
    assert len(inspected) == 2 + 16
    pruned(module, clean, dangling=False, keep=["kept"])


def test_no_space_is_promised_of_an_image_that_the_engine_lost_meanwhile(
    between: Relay, busybox: docker.DockerClient, engine: Engine
) -> None:
    """The bytes of unknown layers are not promised."""
    stored = engine.files.parent / "docker" / "containerd" / "daemon" / "io.containerd.content.v1.content"
    if engine.store == "classic" or engine.version < "28.2" or not stored.is_dir():
        pytest.skip("manifests are asked for in containerd stores from 28.2 on")
    busybox.images.pull("debian", "12")
    for name in ("app:1", "app:2"):
        grown(busybox, "debian:12", name, 100_000)
    busybox.api.remove_image("debian:12")

    def lose() -> None:
        (question,) = (asked for asked in between.questions if asked.startswith("GET /images/get?"))
        image_id = parse_qs(question.partition("?")[2])["names"][0]
        manifest = stored / "blobs" / image_id.replace(":", "/")
        hidden = manifest.rename(manifest.with_suffix(".hidden"))
        # The next request comes when the answer to this one was read.
        between.before("", lambda: hidden.rename(manifest))

    between.before("GET /images/get", lose)
    before = layers_size(busybox)
    done = Module("image_prune", between.docker_host).ok(dangling=False, keep=["busybox", "app:2"])
    assert len([question for question in between.questions if question.startswith("GET /images/get?")]) == 1
    assert 0 <= done["space_reclaimed"] < before - layers_size(busybox)


REGISTRY = "127.0.0.1:5001"


@pytest.fixture
def multi(engine: Engine, busybox: docker.DockerClient) -> str:
    """The name of an index in the registry. Its images for two platforms share their lowest layer, that of busybox."""
    if engine.store == "classic":
        pytest.skip("a classic store has an image for one platform")
    name, registry = f"{REGISTRY}/multi", Registry(engine, REGISTRY)
    entries = []
    for architecture in ("amd64", "arm64"):
        grown(busybox, "busybox", f"{name}:source", 700_000)
        assert "error" not in busybox.images.push(name, "source")
        registry.put_index("multi", architecture, "source", [architecture])
        entries += registry.manifest("multi", architecture)["manifests"]
        busybox.api.remove_image(f"{name}:source")
    registry.put("multi", "1", {**registry.manifest("multi", "amd64"), "manifests": entries})
    return f"{name}:1"


@pytest.mark.parametrize(
    ("platforms", "kept"),
    [
        (["amd64", "arm64"], "none:1"),
        (["amd64", "arm64"], "busybox:latest"),
        (["amd64", "arm64"], f"{REGISTRY}/multi:arm64"),
        (["arm64"], "none:1"),
        (["arm64"], "busybox:latest"),
        (["amd64"], f"{REGISTRY}/multi:amd64"),
    ],
)
def test_no_more_space_is_promised_of_several_platforms_than_comes_free(
    module: Module,
    modules: Callable[[str], Module],
    client: docker.DockerClient,
    multi: str,
    platforms: list[str],
    kept: str,
) -> None:
    """No more is promised than is freed, except for a manifest and config that two indexes share."""
    if kept.endswith("arm64") and client.version()["Version"] < "28":
        pytest.skip("this engine doesn't tell what of an index is there")
    modules("image_pull").ok(name=multi, platform=platforms[0])
    for platform in platforms[1:]:
        modules("image_pull")(name=multi, platform=platform)  # Docker 26 refuses it
    if "multi" in kept:
        modules("image_pull").ok(name=kept, platform=kept[-5:])
    before = layers_size(client)
    foreseen = module.ok(check=True, dangling=False, keep=[kept])["space_reclaimed"]
    assert module.ok(dangling=False, keep=[kept])["space_reclaimed"] == foreseen
    assert 0 <= foreseen <= before - layers_size(client) + (2048 if "multi" in kept else 0)


@pytest.fixture
def tidy(engine: Engine, client: docker.DockerClient) -> None:
    """Remove the leftovers of earlier tests: a containerd store keeps the content of a killed load for a day."""
    wipe(client)
    forget_broken_transfers(engine)
    assert engine.store == "classic" or layers_size(client) == 0


@pytest.fixture
def attested(engine: Engine, client: docker.DockerClient) -> Callable[..., None]:
    """Load an index of an image and its attestation, under a name."""
    if engine.store == "classic" or engine.release < (28, 2):
        pytest.skip("this engine doesn't count attestations")

    def load_one(name: str, contents: bytes, statement: bytes) -> None:
        layer = archives.tar({"file": contents})
        rootfs = {"type": "layers", "diff_ids": [archives.digest(layer)]}
        history = [{"created_by": "COPY file /"}]
        config = {"os": "linux", "architecture": client.version()["Arch"], "rootfs": rootfs, "history": history}
        image = archives.manifest_of(archives.encoded(config), archives.OCI_CONFIG, layer, archives.OCI_LAYER)
        nothing = archives.encoded({"os": "unknown"})
        note = archives.manifest_of(nothing, archives.OCI_CONFIG, statement, "application/vnd.in-toto+json")
        # moby/buildkit, docs/attestations/attestation-storage.md
        about = {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": archives.digest(image[0]),
        }
        parts = [
            archives.descriptor(image[0], archives.OCI_MANIFEST),
            archives.descriptor(note[0], archives.OCI_MANIFEST, annotations=about, platform=archives.UNKNOWN),
        ]
        index = archives.encoded(
            {"schemaVersion": 2, "mediaType": archives.OCI_INDEX, "manifests": parts, "annotations": {"of": name}}
        )
        blobs = {archives.blob(blob): blob for blob in (*image, *note, index)}
        tops = archives.named(archives.descriptor(index, archives.OCI_INDEX), [name])
        load(client, archives.tar({**blobs, **archives.layout(tops)}))

    return load_one


@pytest.mark.parametrize(
    ("contents", "statements"),
    [
        ((b"1", b"2"), (b"{}" * 499, b"{}" * 499)),  # an attestation
        ((b"1", b"2"), (b"{}" * 499, b"[]" * 499)),  # nothing
        ((b"1", b"1"), (b"{}" * 499, b"[]" * 499)),  # an image
        ((b"1", b"1"), (b"{}" * 499, b"{}" * 499)),  # all but the index
    ],
)
def test_space_of_what_two_indexes_share_is_foreseen(
    module: Module,
    tidy: None,
    busybox: docker.DockerClient,
    attested: Callable[..., None],
    contents: tuple[bytes, bytes],
    statements: tuple[bytes, bytes],
) -> None:
    for number in (0, 1):
        attested(f"attested:{number}", contents[number], statements[number])
    for keep in (["busybox", "attested:1"], ["busybox"]):
        pruned(module, busybox, dangling=False, keep=keep)


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_space_of_several_commits_of_one_container_is_foreseen(
    module: Module, tidy: None, busybox: docker.DockerClient, engine: Engine, kept: int
) -> None:
    """They share a snapshot that the engine makes for each container, and no call reports it."""
    if engine.store == "containerd" and engine.release < (28,):
        pytest.skip("this engine doesn't tell enough to find out")
    container = busybox.containers.create("busybox", ["true"])
    for number in range(3):
        container.put_archive("/", archives.tar({f"file-{number}": bytes(50_000 * (number + 1))}))
        container.commit("app", str(number))
    container.remove()
    child(busybox, "busybox", "other:1")
    pruned(module, busybox, dangling=False, keep=["busybox", "other", *(f"app:{2 - number}" for number in range(kept))])
    pruned(module, busybox, dangling=False)


def test_each_image_has_a_reason(module: Module, busybox: docker.DockerClient) -> None:
    dangling, old = child(busybox, "busybox"), child(busybox, "busybox", "tools:1")
    used(busybox, "busybox")
    kept = child(busybox, "busybox", "other:1")
    done = pruned(module, busybox, dangling=False, keep=["other"], explain=True)
    reasons = {image["Id"]: image["Reason"] for image in done["images"]}
    assert reasons == {dangling: "dangling", old: "unused"}
    assert [image["RepoTags"] for image in done["images"] if image["Id"] == old] == [["tools:1"]]
    base = id_of(busybox, "busybox")
    stays = {image["Id"]: image["Reason"] for image in done["kept"]}
    assert stays == {base: "used by user (created)", kept: "kept by other"}


def test_keep_last_keeps_the_newest_of_each_repository(module: Module, busybox: docker.DockerClient) -> None:
    made = {f"app:{number}": dated(busybox, f"app:{number}", number) for number in range(1, 6)}
    dated(busybox, "other:1", 1)
    used(busybox, "app:1")
    pruned(module, busybox, dangling=False, keep_last=2)
    assert names(busybox) == ["app:1", "app:4", "app:5", "busybox:latest", "other:1"]
    assert made["app:1"] in state(busybox)


def test_until_keeps_newer_images(module: Module, busybox: docker.DockerClient) -> None:
    for day in (1, 2, 3):
        dated(busybox, f"app:{day}", day)
    module.unchanged(dangling=False, keep=["busybox"], until="2020-01-01T00:00:00Z")
    pruned(module, busybox, dangling=False, keep=["busybox"], until="2020-01-02T12:00:00Z")
    assert names(busybox) == ["app:3", "busybox:latest"]
    pruned(module, busybox, dangling=False, keep=["busybox"], until="24h")
    assert names(busybox) == ["busybox:latest"]


def test_until_keeps_what_was_just_made(module: Module, busybox: docker.DockerClient) -> None:
    child(busybox, "busybox")
    module.unchanged(until="1h")


def test_labels_decide(module: Module, busybox: docker.DockerClient) -> None:
    for name, stage in (("a:1", "test"), ("b:1", "live"), ("d:1", "test")):
        dated(busybox, name, 1, {"stage": stage, **({"hold": ""} if name == "d:1" else {})})
    dated(busybox, "c:1", 1)
    pruned(module, busybox, dangling=False, label=["stage=test"], label_not=["hold"])
    assert names(busybox) == ["b:1", "busybox:latest", "c:1", "d:1"]
    pruned(module, busybox, dangling=False, label=["stage"])
    assert names(busybox) == ["busybox:latest", "c:1"]


def test_reference_must_match_all_names(module: Module, busybox: docker.DockerClient) -> None:
    for name in ("ci/a:1", "ci/b:1", "live/a:1"):
        child(busybox, "busybox", name)
    busybox.api.tag("ci/b:1", "live/b", "1")
    child(busybox, "busybox")
    pruned(module, busybox, dangling=False, reference=["ci/*"])
    assert names(busybox) == ["busybox:latest", "ci/b:1", "live/a:1", "live/b:1"]


def test_target_size_takes_only_as_many_as_are_needed(module: Module, busybox: docker.DockerClient) -> None:
    """Only as much is removed as is needed, the least recently used first, and the engine's report agrees."""
    for number in (3, 1, 2):
        grown(busybox, "busybox", f"app:{number}", 1_000_000)
        time.sleep(1.1)  # tags are compared by the second
    # A containerd store collects the leftovers of earlier containers when it removes an image.
    grown(busybox, "busybox", "app:0", 1_000)
    busybox.api.remove_image("app:0")
    keep = ["busybox"]
    now = module.unchanged(dangling=False, keep=keep, target_size="1TB")["images_size"]
    assert module.unchanged(dangling=False, keep=keep, target_size=str(now))["images_size"] == now
    done = pruned(module, busybox, dangling=False, keep=keep, target_size=str(now - 1))
    assert names(busybox) == ["app:1", "app:2", "busybox:latest"]
    assert done["images_size"] == now - done["space_reclaimed"]
    # A container that is gone counts as far as the engine remembers.
    busybox.containers.run("app:1", ["true"], remove=True)
    pruned(module, busybox, dangling=False, keep=keep, target_size=str(done["images_size"] - 500_000))
    assert names(busybox) == ["app:1", "busybox:latest"]
    done = pruned(module, busybox, dangling=False, keep=keep, target_size="0")
    assert names(busybox) == ["busybox:latest"]
    # A containerd store may count leftovers of an interrupted load or save, which belong to no image.
    before = layers_size(busybox)
    busybox.api.remove_image("busybox")
    assert done["images_size"] == before - layers_size(busybox) > 0


def test_the_past_is_asked_for_alone(between: Relay, busybox: docker.DockerClient) -> None:
    """An engine that is asked for the events up to a moment that isn't over waits for it, every time."""
    moments: list[float] = []
    between.before("GET /events", lambda: moments.append(time.time()), times=ALWAYS)
    Module("image_prune", between.docker_host).ok(check=True, dangling=False, keep=["busybox"], target_size="0")
    asked = [parse_qs(question.partition("?")[2]) for question in between.questions if "/events" in question]
    assert asked and len(asked) == len(moments)
    assert all(float(params["until"][0]) <= moment for params, moment in zip(asked, moments, strict=True))


@pytest.mark.parametrize("size", ["many", "-1", "-1GB", "5 apples"])
def test_bad_sizes_are_refused(module: Module, busybox: docker.DockerClient, size: str) -> None:
    assert "target_size" in module.fails(dangling=False, target_size=size)
    assert names(busybox) == ["busybox:latest"]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"until": "7d"}, ["until is '7d'", "168h", "hours"]),
        ({"dangling": False, "keep_last": -1}, ["keep_last is -1"]),
        ({"keep_last": 1}, ["keep_last", "dangling: false"]),
        ({"reference": ["x"]}, ["reference", "dangling: false"]),
        ({"dangling": False, "reference": ["X"]}, ["'X' in reference"]),
        ({"label": ["=x"]}, ["'=x' in label"]),
        ({"label_not": [""]}, ["'' in label_not"]),
    ],
)
def test_bad_rules_are_refused(
    module: Module, busybox: docker.DockerClient, params: dict[str, Any], words: list[str]
) -> None:
    child(busybox, "busybox")
    before = state(busybox)
    message = module.fails(**params)
    assert all(word in message for word in words), message
    assert state(busybox) == before


Meanwhile = Callable[[], object]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Meanwhile], None]:
    """Let something happen on the engine once, between the next real run's plan and its first deletion."""
    planned = image_prune.plan

    def arrange(happens: Meanwhile) -> None:
        left = [happens]

        def plan(wanted: image_prune.Wanted, observed: image_prune.Observed) -> Plan:
            made = planned(wanted, observed)
            if left:
                left.pop()()
            return made

        monkeypatch.setattr(image_prune, "plan", plan)

    return arrange


@pytest.mark.parametrize("running", [True, False])
def test_a_container_that_came_meanwhile_keeps_its_image(
    module: Module, busybox: docker.DockerClient, meanwhile: Callable[[Meanwhile], None], running: bool
) -> None:
    needed, other = (grown(busybox, "busybox", name, 90_000) for name in ("needed:1", "other:1"))
    busybox.api.tag("needed:1", "needed", "2")
    bytes_before = layers_size(busybox)
    meanwhile(lambda: used(busybox, "needed:1", running))
    done = module.ok(dangling=False, keep=["busybox"])
    state_word = "running" if running else "created"
    assert done["spared"] == [f"needed:1, needed:2 stays, as it is used by now: user ({state_word})"]
    assert done["changed"] and [image["Id"] for image in done["images"]] == [other]
    assert done["diff"] == {"before": {other: ["other:1"]}, "after": {other: None}}
    assert names(busybox) == ["busybox:latest", "needed:1", "needed:2"]
    busybox.containers.get("user").remove(force=True)
    assert done["space_reclaimed"] == bytes_before - layers_size(busybox)
    assert needed in state(busybox)


def test_nothing_changes_if_nothing_is_left_of_the_plan(
    module: Module, busybox: docker.DockerClient, meanwhile: Callable[[Meanwhile], None]
) -> None:
    child(busybox, "busybox", "tools:1")
    meanwhile(lambda: used(busybox, "tools:1"))
    done = module.ok(dangling=False, keep=["busybox"])
    assert not done["changed"] and done["actions"] == done["images"] == [] and len(done["spared"]) == 1
    assert done["diff"] == {"before": {}, "after": {}} and done["space_reclaimed"] == 0


def test_a_tag_that_moved_meanwhile_stays(
    module: Module, busybox: docker.DockerClient, meanwhile: Callable[[Meanwhile], None]
) -> None:
    """A removal by name would take the name from another image."""
    child(busybox, "busybox", "tools:1")
    meanwhile(lambda: busybox.api.tag("busybox", "tools", "1", force=True))
    done = module.ok(dangling=False, keep=["busybox"])
    assert "its tags have changed meanwhile: none" in done["spared"][0]
    assert names(busybox) == ["busybox:latest", "tools:1"]


def test_a_parent_of_one_that_stays_after_all_stays(
    module: Module, busybox: docker.DockerClient, meanwhile: Callable[[Meanwhile], None]
) -> None:
    child(busybox, "busybox", "low:1")
    child(busybox, "low:1", "top:1")
    before = state(busybox)
    meanwhile(lambda: used(busybox, "top:1"))
    done = module.ok(dangling=False, keep=["busybox"])
    assert ["top:1" in done["spared"][0], "low:1" in done["spared"][1]] == [True, True]
    assert state(busybox) == before


def test_an_image_that_is_gone_meanwhile_is_spared(
    module: Module, busybox: docker.DockerClient, meanwhile: Callable[[Meanwhile], None]
) -> None:
    child(busybox, "busybox", "tools:1")
    meanwhile(lambda: busybox.api.remove_image("tools:1"))
    assert module.ok(dangling=False, keep=["busybox"])["spared"] == ["tools:1 is gone already"]


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("dangling", [True, False])
def test_used_dangling_stays(module: Module, busybox: docker.DockerClient, dangling: bool, running: bool) -> None:
    needed, other = child(busybox, "busybox"), child(busybox, "busybox")
    container = used(busybox, needed, running)
    done = pruned(module, busybox, dangling=dangling)
    assert done["diff"]["after"][other] is None
    assert needed in state(busybox)
    assert busybox.containers.get(container).status == ("running" if running else "created")


@pytest.mark.parametrize("running", [True, False])
def test_used_stays_with_all_names(module: Module, busybox: docker.DockerClient, running: bool) -> None:
    busybox.api.tag("busybox", "zz", "1")
    child(busybox, "busybox", "tools:1")
    used(busybox, "busybox", running)
    pruned(module, busybox, dangling=False)
    assert names(busybox) == ["busybox:latest", "zz:1"]


def test_an_image_in_use_stays_after_its_tag_moved(module: Module, busybox: docker.DockerClient) -> None:
    """The container uses the former image by its Id, and by name the image that has it now."""
    former, new = child(busybox, "busybox", "tools:1"), child(busybox, "busybox", "new:1")
    used(busybox, "tools:1")
    busybox.api.tag("new:1", "tools", "1", force=True)
    module.unchanged()
    module.unchanged(dangling=False)
    assert {former, new} <= set(state(busybox))


def test_a_parent_of_an_image_in_use_stays(module: Module, busybox: docker.DockerClient) -> None:
    child(busybox, "busybox", "low:1")
    child(busybox, "low:1", "top:1")
    used(busybox, "top:1")
    module.unchanged(dangling=False)


def test_used_and_pinned_stays(module: Module, clean: docker.DockerClient) -> None:
    digest = pinned(clean)
    used(clean, digest)
    module.unchanged(dangling=False)


def test_pinned_is_not_dangling(module: Module, clean: docker.DockerClient) -> None:
    digest = pinned(clean)
    module.unchanged()
    pruned(module, clean, dangling=False, keep=["other"])
    assert digest not in names(clean)


@pytest.mark.parametrize("repository", ["aa", "zz"])
def test_any_name_keeps_a_pinned_image(module: Module, clean: docker.DockerClient, repository: str) -> None:
    clean.api.tag(pinned(clean), repository, "1")
    module.unchanged(dangling=False, keep=["busybox"])
    module.unchanged(dangling=False, keep=[repository])
    pruned(module, clean, dangling=False)
    assert state(clean) == {}


def test_keep_takes_a_digest(module: Module, busybox: docker.DockerClient) -> None:
    digest = busybox.images.get("busybox").attrs["RepoDigests"][0]
    module.unchanged(dangling=False, keep=[digest])


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        (["busybox"], ["busybox:latest", "zz:1"]),
        (["docker.io/library/busybox"], ["busybox:latest", "zz:1"]),
        (["zz:1"], ["busybox:latest", "zz:1"]),
        (["tools:1"], ["tools:1"]),
        (["tools"], ["tools:1", "tools:2"]),
        (["tools:?", "busybox:none"], ["tools:1", "tools:2"]),
        (["tools:[!1]"], ["tools:2"]),
        (["example/*"], ["example/a/b:1"]),
        (["*:1"], ["busybox:latest", "example/a/b:1", "tools:1", "zz:1"]),
        (["tool", "usybox", "a/b"], []),
        (["*"], None),
    ],
)
def test_keep_takes_names_and_patterns(
    module: Module, busybox: docker.DockerClient, keep: list[str], kept: list[str] | None
) -> None:
    busybox.api.tag("busybox", "zz", "1")
    for name in ("tools:1", "tools:2", "example/a/b:1"):
        child(busybox, "busybox", name)
    if kept is None:
        module.unchanged(dangling=False, keep=keep)
    else:
        pruned(module, busybox, dangling=False, keep=keep)
        assert names(busybox) == kept


def test_parents_of_kept_ones_stay(module: Module, busybox: docker.DockerClient) -> None:
    bottom = busybox.images.get("busybox").id
    middle = child(busybox, "busybox")
    top = child(busybox, middle, "tools:1")
    module.unchanged()
    done = pruned(module, busybox, dangling=False, keep=["tools"])
    assert done["diff"] == {"before": {bottom: ["busybox:latest"]}, "after": {bottom: []}}
    assert done["actions"][0].endswith("(stays as a part of others)")
    assert set(state(busybox)) == {bottom, middle, top}


def test_parents_without_a_name_go_with_the_last_child(module: Module, busybox: docker.DockerClient) -> None:
    middle = child(busybox, "busybox")
    twins = [child(busybox, middle), child(busybox, middle, "tools:1")]
    pruned(module, busybox)
    assert set(state(busybox)) == {busybox.images.get("busybox").id, middle, twins[1]}
    busybox.api.tag("busybox", "tools", "1", force=True)
    done = pruned(module, busybox)
    assert done["diff"]["after"] == {middle: None, twins[1]: None}
    assert names(busybox) == ["busybox:latest", "tools:1"]


@pytest.mark.parametrize("dangling", [True, False])
def test_parent_that_a_container_uses_stays(module: Module, busybox: docker.DockerClient, dangling: bool) -> None:
    middle = child(busybox, "busybox")
    child(busybox, middle)
    used(busybox, middle)
    pruned(module, busybox, dangling=dangling)
    assert middle in state(busybox)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("keep", "words"),
    [
        ("", ["''", "debian:12"]),
        (" debian", ["' debian'", "can match no image's name"]),
        ("debian 12", ["'debian 12'"]),
        ("Debian", ["'Debian'", "lower case"]),
        ("sha256:" + "0" * 64, ["begins like an image's Id", "image_tag"]),
        ("0" * 12, ["begins like an image's Id"]),
    ],
)
def test_bad_patterns_are_refused(
    module: Module, busybox: docker.DockerClient, keep: str, words: list[str], check: bool
) -> None:
    message = module.fails(check=check, dangling=False, keep=["busybox", keep])
    assert all(word in message for word in words), message
    assert names(busybox) == ["busybox:latest"]


def test_a_bad_option_is_refused(module: Module, busybox: docker.DockerClient) -> None:
    assert "dangling" in module.fails(dangling="perhaps")
    assert names(busybox) == ["busybox:latest"]


def test_a_check_run_foresees_the_effect_of_other_tasks(
    engine: Engine, module: Module, modules: Callable[[str], Module], busybox: docker.DockerClient
) -> None:
    """A check run follows tasks that changed nothing. With the option expect, it foresees the real run."""
    for day in range(1, 5):
        dated(busybox, f"app:{day}", day)
    registry = Registry(engine, "127.0.0.1:5001")
    registry.empty()
    tools = "127.0.0.1:5001/tools:1"
    dated(busybox, tools, 8)
    modules("image_push").ok(name=tools)
    busybox.api.remove_image(tools)
    dated(busybox, tools, 1)
    dated(busybox, "old:1", 6)
    dated(busybox, "old:2", 7)
    busybox.api.tag("old:2", "older", "2")
    used(busybox, "app:2")
    digest = busybox.images.get("busybox").attrs["RepoDigests"][0].partition("@")[2]
    rules: dict[str, Any] = {"dangling": False, "keep_last": 2, "keep": [tools]}
    expect: dict[str, Any] = {
        "removed": ["old:1", "old:2"],
        "arrived": {tools: registry.digest("tools", "1"), "app:5": None, "127.0.0.1:5000/library/busybox": digest},
        "tagged": {"app:2": ["older:2"]},
    }
    foreseen = module.ok(check=True, expect=expect, **rules)
    modules("image_remove").ok(names=expect["removed"])
    modules("image_pull").ok(names=["127.0.0.1:5000/library/busybox", tools], policy="newer")
    dated(busybox, "app:5", 9)
    modules("image_tag").ok(name="app:2", repository=["older:2"])
    done = module.ok(**rules)
    assert {**done, "invocation": None} == {**foreseen, "invocation": None}
    assert sorted(image["RepoTags"] for image in done["images"] if image["RepoTags"]) == [["app:1"], ["app:3"]]
    # A containerd store before Docker 27.2.1 loses an image without a name after a pull.
    dangling = [image for image in done["images"] if not image["RepoTags"]]
    assert len(dangling) == (1 if engine.name == "trixie-containerd" else 2)


def test_what_was_expected_and_did_not_happen_changes_nothing(module: Module, busybox: docker.DockerClient) -> None:
    dated(busybox, "tools:1", 1)
    done = module.ok(dangling=False, keep=["busybox"], expect={"tagged": {"busybox": ["tools:1"]}})
    assert not done["changed"]
    assert done["spared"][0].endswith("stays, as its tags have changed meanwhile: tools:1")


@pytest.mark.parametrize("names_before", [["app:1"], ["app:1", "app:2", "other:1"]])
def test_an_image_that_the_engine_keeps_gets_its_names_back(
    between: Relay, busybox: docker.DockerClient, names_before: list[str]
) -> None:
    """An engine may remove the last name and keep the image, for a container that was made at that moment."""
    identifier = child(busybox, "busybox", "app:1")
    dated(busybox, "old:1", 1)
    for name in names_before[1:]:
        repository, _colon, tag = name.partition(":")
        busybox.api.tag(identifier, repository, tag)
    last = sorted(names_before)[-1]
    before = state(busybox)
    between.before(f"DELETE /images/{last}", lambda: used(busybox, last, running=True))
    # Then the engine does the same every time.
    between.rewrite(rb"(DELETE \S+/%s\S+)force=0" % last.encode(), rb"\1force=1")
    done = Module("image_prune", between.docker_host).ok(dangling=False, keep=["busybox"])
    assert [image["RepoTags"] for image in done["images"]] == [["old:1"]]
    assert "stays: it is used by now: user (running)" in done["spared"][0]
    assert done["diff"] == change(before, state(busybox))
    assert state(busybox)[identifier] == sorted(names_before)


def test_a_name_that_cannot_be_given_back_is_reported(between: Relay, clean: docker.DockerClient) -> None:
    digest = pinned(clean)
    before = state(clean)
    between.before("DELETE /images/", lambda: used(clean, digest, running=True))
    between.rewrite(rb"(DELETE \S+)force=0", rb"\1force=1")
    done = Module("image_prune", between.docker_host).ok(dangling=False)
    assert f"stays, without {digest}" in done["spared"][0]
    assert done["diff"] == change(before, state(clean)) and done["space_reclaimed"] == 0
    assert list(state(clean).values()) == [[]]


@pytest.mark.parametrize("by", ["tag", "id", "short id", "whole name"])
def test_an_image_that_a_container_mounts_stays(
    module: Module, busybox: docker.DockerClient, engine: Engine, by: str
) -> None:
    if engine.version < "28":
        pytest.skip("this engine mounts no images")
    identifier = child(busybox, "busybox", "data:1")
    mounting(
        busybox, {"tag": "data:1", "id": identifier, "short id": identifier[7:19]}.get(by, "docker.io/library/data:1")
    )
    child(busybox, "busybox", "idle:1")
    done = pruned(module, busybox, dangling=False, explain=True)
    assert {image["Id"]: image["Reason"] for image in done["kept"]}[identifier] == "used by mounting (created)"
    assert names(busybox) == ["busybox:latest", "data:1"]
