# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine's own report of its state, and the comparison of a module's diff with it."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import docker
import zstandard

from ansible_collections.gantry.docker.tests.integration import scenes
from ansible_collections.gantry.docker.tests.soak.state import World

Diff = Mapping[str, Any]
_ZSTD = b"\x28\xb5\x2f\xfd"


class Seen(NamedTuple):
    """The state at a moment.

    images: the names of each image, by its Id. containers: Id, image and status, by name. files: inode and time of the
    last change, by path.
    """

    images: dict[str, list[str]]
    containers: dict[str, tuple[str, str, str]]
    files: dict[str, tuple[int, int]]

    @property
    def tags(self) -> dict[str, str]:
        """The Id of each tag's image."""
        return {name: image for image, names in self.images.items() for name in names if "@" not in name}


def look(world: World) -> Seen:
    """Return the state now."""
    rows = world.client.api.containers(all=True)
    files = {str(path): path.stat() for path in world.files.iterdir()}
    return Seen(
        images={image: _names(names) for image, names in scenes.state(world.client).items()},
        containers={row["Names"][0].lstrip("/"): (row["Id"], row["ImageID"], row["State"]) for row in rows},
        files={path: (status.st_ino, status.st_mtime_ns) for path, status in sorted(files.items())},
    )


def _names(listed: list[str]) -> list[str]:
    """Return the names among an image's entries in a list: an image with lost content has a bare digest there."""
    return [name for name in listed if not name.startswith("sha256:")]


def judge(world: World, module: str, before: Seen, after: Seen, diff: Diff) -> None:
    """Raise AssertionError unless a module's diff is true."""
    _JUDGES[module](world, before, after, diff)
    if module != "image_save":
        assert after.files == before.files, "a file changed"
    if module not in ("container_run", "image_remove"):
        assert after.containers == before.containers, "a container changed"


def _removed(_world: World, before: Seen, after: Seen, diff: Diff) -> None:
    """Assert that exactly these names and containers are gone."""
    told = {state: {key: value for key, value in diff[state].items() if " " not in key} for state in diff}
    assert _ordered(told) == _ordered(scenes.change(before.images, after.images))
    gone = {key.partition(" ")[2] for key in diff["after"].keys() - told["after"].keys()}
    assert after.containers == {name: row for name, row in before.containers.items() if name not in gone}


def _ordered(told: Mapping[str, Mapping[str, list[str] | None]]) -> dict[str, dict[str, list[str] | None]]:
    return {
        state: {image: names and sorted(names) for image, names in images.items()} for state, images in told.items()
    }


def _tagged(_world: World, before: Seen, after: Seen, diff: Diff) -> None:
    """Assert that these tags moved and no others, and no image is gone or new."""
    assert _moved(before, after) == {name: (diff["before"][name], diff["after"][name]) for name in diff["after"]}
    assert after.images.keys() == before.images.keys()


def _moved(before: Seen, after: Seen) -> dict[str, tuple[str | None, str | None]]:
    """Return the tags that name another image than before, with both images."""
    was, now = before.tags, after.tags
    return {tag: (was.get(tag), now.get(tag)) for tag in sorted({*was, *now}) if was.get(tag) != now.get(tag)}


def _pulled(world: World, before: Seen, after: Seen, diff: Diff) -> None:
    """Assert that each name has the reported digest, no other tag moved, and nothing else is new or gone."""
    assert _moved(before, after).keys() <= diff["after"].keys()
    for name, digest in diff["after"].items():
        known = world.client.images.get(name).attrs["RepoDigests"]
        repository = name.partition("@")[0] if "@" in name else name.rpartition(":")[0]
        # A classic store gives an index's digest to the first of its images alone (reference/store.go, AddDigest).
        nameless = world.engine.store == "classic" and not any(repository in other for other in known)
        assert nameless or f"{repository}@{digest}" in known, f"{name} has {known}"
    _nothing_else_went(world, before, after)
    meant = {world.client.images.get(name).id for name in diff["after"]}
    assert after.images.keys() - before.images.keys() <= meant


def judge_what_came(world: World, before: Seen, after: Seen, params: Mapping[str, Any]) -> None:
    """Raise AssertionError if a pull that failed, because its image isn't whole, changed anything else."""
    meant = set()
    for name in params["names"]:
        with suppress(docker.errors.ImageNotFound):
            meant.add(world.client.images.get(name).id)
    assert _moved(before, after).keys() <= set(params["names"])
    assert after.images.keys() - before.images.keys() <= meant
    _nothing_else_went(world, before, after)
    assert (after.containers, after.files) == (before.containers, before.files)


def _nothing_else_went(world: World, before: Seen, after: Seen) -> None:
    """Assert that no image is gone, except where an engine removes one that loses its last tag to another image."""
    lost = before.images.keys() - after.images.keys()
    if world.engine.name == "trixie-containerd":  # daemon/containerd/image_pull.go, image_exporter.go until 27
        lost -= {image for image, _now in _moved(before, after).values() if image}
    assert not lost, "images went"


def _loaded(world: World, before: Seen, after: Seen, diff: Diff) -> None:
    """Assert that each name has the reported layers, no other tag moved, and nothing else is new or gone."""
    assert _moved(before, after).keys() <= diff["after"].keys()
    for name, told in diff["after"].items():
        if not name.startswith("sha256:"):
            assert _layers(world.client, name) == told["layers"]
    _nothing_else_went(world, before, after)
    expected = [told["layers"] for told in diff["after"].values()]
    for image in after.images.keys() - before.images.keys():
        assert _layers(world.client, image) in expected, f"{image} came, and wasn't foreseen"


def _layers(client: docker.DockerClient, name: str) -> list[str]:
    found: list[str] = client.images.get(name).attrs["RootFS"].get("Layers") or []
    return found


def _committed(world: World, before: Seen, after: Seen, diff: Diff) -> None:
    """Assert that all names have the reported layers, and no trial is left."""
    assert _moved(before, after).keys() <= diff["after"].keys()
    for name, told in diff["after"].items():
        assert _layers(world.client, name) == told["layers"]
    assert not before.images.keys() - after.images.keys()
    assert after.images.keys() - before.images.keys() <= {after.tags[name] for name in diff["after"]}


def _saved(_world: World, before: Seen, after: Seen, diff: Diff) -> None:
    """Assert that the archive has the reported images with their tags, and nothing else changed."""
    assert after.images == before.images
    assert after.files.keys() - before.files.keys() <= diff["after"].keys()
    for path, seen in before.files.items():
        assert path in diff["after"] or after.files[path] == seen
    for path, told in diff["after"].items():
        images = {(tuple(image["tags"]), tuple(image["layers"])) for image in told["images"]}
        assert _held(Path(path)) == images
        assert Path(path).stat().st_mtime_ns != before.files.get(path, (0, 0))[1]


def _held(path: Path) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the tags and layers of each image in an archive's manifest.json."""
    data = path.read_bytes()
    if data.startswith(_ZSTD):
        data = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:

        def document(name: str) -> Any:
            return json.load(cast(IO[bytes], tar.extractfile(name)))

        listed = [(row.get("RepoTags") or [], document(row["Config"])) for row in document("manifest.json")]
    return {(tuple(sorted(tags)), tuple(config["rootfs"]["diff_ids"])) for tags, config in listed}


def _run(world: World, before: Seen, after: Seen, diff: Diff) -> None:
    """Assert that the container is as reported, and nothing else changed, except for an image that it needs."""
    ((name, told),) = diff["after"].items() or ((None, None),)
    others = {other: row for other, row in before.containers.items() if other != name}
    assert {other: row for other, row in after.containers.items() if other != name} == others
    wanted = str((told or {}).get("image", ""))
    pulled = (
        wanted if wanted and not wanted.startswith("sha256:") else ""
    )  # the diff has the Id of an image that was there
    if pulled:
        wanted = str(world.client.images.get(pulled).id)
        assert _moved(before, after).keys() <= {pulled}
        assert after.images.keys() - before.images.keys() <= {wanted}
        _nothing_else_went(world, before, after)
    else:
        assert after.images == before.images
    if name:
        assert (name in after.containers) == bool(told)
        if told:
            _id, image, status = after.containers[name]
            assert status == told["status"] and image == (wanted or image)


_JUDGES = {
    "image_tag": _tagged,
    "image_remove": _removed,
    "image_prune": _removed,
    "image_pull": _pulled,
    "image_save": _saved,
    "image_load": _loaded,
    "image_commit": _committed,
    "container_run": _run,
}
