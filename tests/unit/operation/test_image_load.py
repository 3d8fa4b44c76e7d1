# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_load's parse and plan."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._archive.compressed import Unpacker
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import read_index
from ansible_collections.gantry.docker.plugins.module_utils._archive.thin import thin_archive
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image, manifests_of
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.layers import chain_ids
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform
from ansible_collections.gantry.docker.plugins.module_utils._operation import image_load
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan
from ansible_collections.gantry.docker.plugins.module_utils._transfer.choosing import chosen
from ansible_collections.gantry.docker.plugins.module_utils._transfer.load_step import Former, Source
from ansible_collections.gantry.docker.plugins.module_utils._verifier import Subject
from ansible_collections.gantry.docker.tests.support import archives
from ansible_collections.gantry.docker.tests.support.archives import APP, ARM, TOOL, Content

HERE = Platform("linux", "amd64")
OTHER = archives.Image((archives.layer("other"),))
APP_TAGS = list(APP.tags)
DEFAULTS = {
    "src": None,
    "names": None,
    "platforms": None,
    "transfer": "auto",
    "verify": False,
    "verifier": None,
    "verifier_timeout": 60,
}
SOURCE = Source("/images.tar", io.BytesIO(), (1, 1, 1))


def inspected(image: archives.Image, *manifests: dict[str, Any]) -> Image:
    """Return an archived image as an engine describes it. manifests: the engine's report of its parts."""
    described = {"Os": "linux", "Architecture": image.architecture, "Created": "2026-01-02T03:04:05.678901234Z"}
    layers = {"RootFS": {"Type": "layers", "Layers": list(image.diff_ids)}, "Config": dict(image.settings)}
    return Image({"Id": image.config_digest, **described, **layers}, manifests_of(manifests))


def told(image: archives.Image, available: bool) -> dict[str, Any]:
    """Return a containerd store's report of an image's manifest."""
    platform = {"os": "linux", "architecture": image.architecture, "variant": image.variant}
    manifest = {"ID": archives.digest(archives.manifest(image)), "Kind": "image", "Available": available}
    return {**manifest, "ImageData": {"Platform": platform}}


class Case:
    """An archive, and an engine."""

    def __init__(self, path: Path, entries: Mapping[str, Content], containerd: bool = False) -> None:
        self._path = path / "images.tar"
        self._path.write_bytes(archives.tar(entries))
        self._containerd = containerd

    def plan(
        self,
        here: Mapping[str, archives.Image | Image] | None = None,
        chains: Iterable[str] = (),
        verdicts: Mapping[Subject, str] | None = None,
        **params: Any,
    ) -> Plan:
        """Return the plan for an engine with these images by their tags, and these layers."""
        found = {name: image if isinstance(image, Image) else inspected(image) for name, image in (here or {}).items()}
        wanted = image_load.parse({**DEFAULTS, "path": str(self._path), **params})
        index = read_index(self._path)
        engine = SimpleNamespace(platform=HERE, containerd_store=self._containerd)
        groups = chosen(cast(Engine, engine), str(self._path), index, wanted.names, wanted.platforms)
        means = {name: found.get(name) for group in groups for name in group.names}
        return image_load.plan(
            wanted,
            image_load.Observed(
                source=SOURCE._replace(path=str(self._path)),
                archive=index,
                artifacts=(),
                groups=groups,
                here=means,
                former=Former({name: image.id for name, image in found.items()}, frozenset()),
                chains=frozenset(chains),
                containerd=self._containerd,
                verdicts=verdicts or {},
            ),
        )


def test_nothing_is_here(tmp_path: Path) -> None:
    case = Case(tmp_path, archives.both(APP, TOOL))
    plan = case.plan()
    (step,) = plan.steps
    assert plan.actions == [f"Loaded {', '.join([*sorted(APP.tags), *TOOL.tags])} from {tmp_path}/images.tar"]
    assert step.left_out == frozenset()
    assert plan.before == dict.fromkeys([*APP.tags, *TOOL.tags])


def test_nothing_is_loaded_if_the_verifier_refuses_an_image(tmp_path: Path) -> None:
    verdicts = {Subject("app", "sha256:1"): "No app.", Subject("tool", "sha256:2"): "", Subject("", "3"): "No third."}
    with pytest.raises(GantryError) as refused:
        Case(tmp_path, archives.both(APP, TOOL)).plan(verdicts=verdicts)
    assert refused.value.message == f"Nothing is loaded from {tmp_path}/images.tar. No app. No third."


def test_everything_is_here(tmp_path: Path) -> None:
    here = {APP_TAGS[0]: APP, APP_TAGS[1]: APP, "tool:2": TOOL}
    assert not Case(tmp_path, archives.both(APP, TOOL)).plan(here).changed


def test_one_tag_is_elsewhere(tmp_path: Path) -> None:
    plan = Case(tmp_path, archives.both(APP)).plan({APP_TAGS[0]: APP, APP_TAGS[1]: OTHER})
    before, after = plan.before[APP_TAGS[1]], plan.after[APP_TAGS[1]]
    assert (before["layers"], after["layers"]) == (list(OTHER.diff_ids), list(APP.diff_ids))
    assert plan.before[APP_TAGS[0]] == plan.after[APP_TAGS[0]]
    assert plan.steps[0].former.tags == {APP_TAGS[0]: APP.config_digest, APP_TAGS[1]: OTHER.config_digest}


def test_only_what_is_missing_is_loaded(tmp_path: Path) -> None:
    (step,) = Case(tmp_path, archives.both(APP, TOOL)).plan({"tool:2": TOOL}).steps
    assert [group.tags for group in step.groups] == [tuple(sorted(APP.tags))]


@pytest.mark.parametrize(
    ("layout", "containerd", "transfer", "left_out"),
    [
        ("both", False, "auto", True),
        ("both", True, "auto", True),
        ("legacy", False, "auto", True),
        # A containerd store finds layers by blobs that have the names of their digests.
        ("legacy", True, "auto", False),
        ("both", False, "full", False),
    ],
)
def test_layers_that_are_here_are_left_out(
    layout: str, containerd: bool, transfer: str, left_out: bool, tmp_path: Path
) -> None:
    write = {"both": archives.both, "legacy": archives.legacy}[layout]
    case = Case(tmp_path, write(APP), containerd)
    (step,) = case.plan(chains=chain_ids(APP.diff_ids)[:1], transfer=transfer).steps
    assert [layer.entry in step.left_out for layer in step.groups[0].image.layers] == [left_out, False]


def test_a_layer_that_is_needed_above_others_too_is_sent(tmp_path: Path) -> None:
    """The lowest layer is here, but its content is repeated on top."""
    (step,) = Case(tmp_path, archives.both(TOOL)).plan(chains=chain_ids(TOOL.diff_ids)[:1]).steps
    assert step.left_out == frozenset()


def thin(*images: archives.Image, layout: str = "both") -> dict[str, Content]:
    """Return an archive without the base."""
    write = {"both": archives.both, "legacy": archives.podman}[layout]
    entries = write(*images)
    entry = archives.blob(archives.BASE) if layout == "both" else f"{archives.digest(archives.BASE)[7:]}.tar"
    del entries[entry]
    row = {"entry": entry, "diff_id": archives.digest(archives.BASE), "size": len(archives.BASE)}
    return {**entries, "gantry-docker-thin.json": archives.encoded({"version": 1, "left_out": [row]})}


@pytest.mark.parametrize("transfer", ["auto", "full"])
def test_thin_archives_need_their_layers(transfer: str, tmp_path: Path) -> None:
    case = Case(tmp_path, thin(APP))
    with pytest.raises(GantryError, match=f"is thin: .*{archives.digest(archives.BASE)}.*whole"):
        case.plan(transfer=transfer)
    assert case.plan(chains=chain_ids(APP.diff_ids)[:1], transfer=transfer).changed


def test_some_thin_archives_are_refused_on_a_containerd_store(tmp_path: Path) -> None:
    case = Case(tmp_path, thin(APP, layout="legacy"), containerd=True)
    with pytest.raises(GantryError, match="of a form that this engine's containerd store can't complete"):
        case.plan(chains=chain_ids(APP.diff_ids))


@pytest.mark.parametrize(("containerd", "architectures"), [(False, ["amd64"]), (True, ["amd64", "arm"])])
def test_a_containerd_store_gets_all_platforms(containerd: bool, architectures: list[str], tmp_path: Path) -> None:
    host = archives.Image(APP.layers)
    entries = archives.multi_platform(archives.index_of(host, ARM), ["app:1"], host, ARM)
    plan = Case(tmp_path, entries, containerd).plan()
    (group,) = plan.steps[0].groups
    assert group.tags == ("app:1",)
    assert [image.architecture for image in group.images] == architectures
    assert plan.after["app:1"]["layers"] == list(host.diff_ids)
    assert not Case(tmp_path, entries, containerd).plan({"app:1": host}).changed


HOST = archives.Image(APP.layers)
BOTH = archives.multi_platform(archives.index_of(HOST, ARM), ["app:1"], HOST, ARM)


@pytest.mark.parametrize("transfer", ["auto", "full"])
def test_an_image_whose_content_is_lost_is_loaded(transfer: str, tmp_path: Path) -> None:
    """Inspected, it looks like any other image."""
    case = Case(tmp_path, archives.both(TOOL), containerd=True)
    plan = case.plan({"tool:2": inspected(TOOL, told(TOOL, available=False))}, transfer=transfer)
    (step,) = plan.steps
    assert step.tags == {"tool:2"}
    before, after = plan.before["tool:2"], plan.after["tool:2"]
    assert before == {**after, "lacks": ["linux/amd64"]}
    assert not case.plan({"tool:2": inspected(TOOL, told(TOOL, available=True))}, transfer=transfer).changed


def test_an_image_that_its_store_cannot_read_is_loaded(tmp_path: Path) -> None:
    described = {"Id": TOOL.config_digest, "Os": "linux", "Architecture": "amd64"}
    assert Case(tmp_path, archives.both(TOOL), containerd=True).plan({"tool:2": Image(described)}).changed


@pytest.mark.parametrize(
    ("available", "platforms", "lacks"),
    [
        ((True, False), None, ["linux/arm/v7"]),
        ((False, True), None, ["linux/amd64"]),
        ((True, True), None, None),
        ((True, False), ["amd64"], None),
        ((True, False), ["linux/amd64", "linux/arm"], ["linux/arm/v7"]),
        ((False, True), ["linux/arm/v7"], None),
    ],
)
def test_platforms_that_are_here_are_not_loaded(
    available: tuple[bool, bool], platforms: list[str] | None, lacks: list[str] | None, tmp_path: Path
) -> None:
    parts = [told(image, there) for image, there in zip((HOST, ARM), available)]
    plan = Case(tmp_path, BOTH, containerd=True).plan({"app:1": inspected(HOST, *parts)}, platforms=platforms)
    assert plan.changed == (lacks is not None)
    assert plan.before.get("app:1", {}).get("lacks") == lacks


@pytest.mark.parametrize("containerd", [False, True])
def test_one_platform_of_an_archive_can_be_chosen(containerd: bool, tmp_path: Path) -> None:
    case = Case(tmp_path, BOTH, containerd)
    plan = case.plan(platforms=["linux/arm"])
    assert [image.architecture for image in plan.steps[0].groups[0].images] == ["arm"]
    assert plan.after["app:1"]["layers"] == list(ARM.diff_ids)
    with pytest.raises(GantryError, match=r"has app:1 for linux/amd64, linux/arm/v7, but not for linux/s390x\."):
        case.plan(platforms=["linux/arm", "s390x"])


def test_several_platforms_are_refused_on_a_classic_store(tmp_path: Path) -> None:
    with pytest.raises(GantryError, match="classic store keeps an image for one alone"):
        Case(tmp_path, BOTH).plan(platforms=["amd64", "arm"])


@pytest.mark.parametrize("containerd", [False, True])
def test_an_oci_layout_alone_is_loaded(containerd: bool, tmp_path: Path) -> None:
    (step,) = Case(tmp_path, archives.oci(TOOL), containerd).plan().steps
    assert step.groups[0].tags == ("tool:2",)


def test_named_images_are_loaded(tmp_path: Path) -> None:
    case = Case(tmp_path, archives.both(APP, TOOL))
    (step,) = case.plan(names=[APP_TAGS[0], f"docker.io/library/{APP_TAGS[0]}"]).steps
    assert [group.tags for group in step.groups] == [(APP_TAGS[0],)]
    assert step.tags == {APP_TAGS[0]}
    with pytest.raises(GantryError, match=r"has no image app:2\. It has app:1, .*, tool:2"):
        case.plan(names=["app:2"])


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"path": "x.tar"}, "absolute path"),
        ({"names": ["Upper"]}, "lower case"),
        ({"platforms": ["pdp11"]}, "no valid platform"),
        ({"names": [f"a@{archives.digest(b'')}"]}, "has a digest"),
    ],
)
def test_bad_input_is_refused(params: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        image_load.parse({**DEFAULTS, "path": "/x.tar", **params})


def documents_of(path: Path, entries: Mapping[str, Content], *kept: bytes) -> dict[str, Content]:
    """Return the entries that a host gets of an archive on the controller. kept: the layers among them."""
    whole = path / "whole.tar"
    whole.write_bytes(archives.tar(entries))
    index = read_index(whole)
    with whole.open("rb") as file:
        parts = thin_archive(index, [archives.blob(layer) for layer in kept], Unpacker(file, index).data)
        return {part.name: b"".join(part.data()) for part in parts}


def test_a_host_says_what_it_lacks_of_an_archive_on_the_controller(tmp_path: Path) -> None:
    case = Case(tmp_path, documents_of(tmp_path, archives.both(APP, TOOL)))
    (step,) = case.plan({"tool:2": TOOL}, chain_ids(TOOL.diff_ids), src="/far/images.tar").steps
    assert step.there == {archives.blob(APP.layers[0])}
    assert step.lacking == {archives.blob(APP.layers[1]): APP.diff_ids[1]}
    assert not case.plan(dict.fromkeys(APP.tags, APP) | {"tool:2": TOOL}, src="/far/images.tar").changed


def test_a_host_that_got_what_it_lacks_lacks_nothing(tmp_path: Path) -> None:
    case = Case(tmp_path, documents_of(tmp_path, archives.both(APP), APP.layers[1]))
    (step,) = case.plan({}, chain_ids(APP.diff_ids[:1]), src="/far/images.tar").steps
    assert not step.lacking and step.left_out == {archives.blob(APP.layers[0])}
    (step,) = case.plan({}, src="/far/images.tar").steps
    with pytest.raises(GantryError, match="gone meanwhile"):
        image_load.apply(cast(Engine, None), step)


def test_src_alone_does_not_reach_the_module() -> None:
    with pytest.raises(InvalidInput, match="action plugin"):
        image_load.parse({**DEFAULTS, "path": None, "src": "images.tar"})
