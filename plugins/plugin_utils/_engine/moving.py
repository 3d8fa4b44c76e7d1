# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The plan for a move of all images from one store of an engine to the other, and for a move that was interrupted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._errors import printable
from ansible_collections.gantry.docker.plugins.module_utils._image.identity import canonical, identity_of
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform, platform_of
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ListedName

# The role's own directory, below engine_store_directory.
PLACE = "gantry.docker.store_move"
# The repository of images whose names the store had for others.
DISPLACED = "gantry.docker.displaced"

# The phases of a move, as its state on the host has them. Before SAVED nothing was changed; from LOADED on, the images
# are in the new store. MOVED: all is done, and the old store's data is still there.
SAVED, LOADED, MOVED = "saved", "loaded", "moved"

# A tar has up to 1 KiB around each file, and images may consist of small files.
_TAR = 1.2
# The first version whose containerd store tells which platforms of an image it has.
_TELLS_PLATFORMS_SINCE = (28, 0)


class Held(NamedTuple):
    """An image of a store. identity: a digest of its identity, the same in both stores."""

    id: str
    tags: list[str]
    digests: list[str]
    identity: str

    @property
    def shown(self) -> str:
        """Its tags or, without any, its Id."""
        return ", ".join(self.tags) or self.id


class Archive(NamedTuple):
    """An archive to save. ids: the images in it. platform: the only one to save; empty for all."""

    path: str
    ids: list[str]
    platform: str


class Move(NamedTuple):
    """The plan.

    step: what this run does. none; move: from the beginning; load: go on after the images were saved; end: remove the
    archives of images that are moved; give_up: forget a move that was interrupted. problems: with any, nothing may be
    done. archives: to save. state: what the host keeps of the move, without the phase. frees: whether to remove the old
    store's data in the end. lines: all of it in words.
    """

    step: str
    problems: list[str]
    archives: list[Archive]
    state: dict[str, Any]
    frees: bool
    lines: list[str]


class Difference(NamedTuple):
    """The difference between the images of a move and those of a store.

    missing: images that the store lacks, or lacks under one of their tags. further: images that it has beside these and
    those that were left on purpose, or under further tags.
    digests: the names with digests that it lacks. displaced: images, by Id, that would lose their last tag.
    """

    missing: list[str]
    further: list[str]
    digests: list[str]
    displaced: dict[str, str]


def held(images: Iterable[Mapping[str, Any]]) -> list[Held]:
    """Return images as inspected, each once, as images of a store."""
    found = {}
    for image in images:
        names = [ListedName(name) for name in (*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ()))]
        found[image["Id"]] = Held(
            id=image["Id"],
            tags=sorted({name for name in names if not name.digest and name.tag != "<none>"}),
            digests=sorted({name for name in names if name.digest and name.repository not in ("", "<none>")}),
            identity=_identity(image),
        )
    return sorted(found.values(), key=lambda image: (not image.tags, image.tags, image.id))


def _identity(image: Mapping[str, Any]) -> str:
    layers = (image.get("RootFS") or {}).get("Layers") or ()
    identity = identity_of(image, layers, image.get("Config"))
    # Not every engine tells the variant.
    identity = identity._replace(platform=identity.platform._replace(variant=""))
    return hashlib.sha256(canonical(identity).encode()).hexdigest()


def parse_state(text: str | None) -> dict[str, Any]:
    """Return the state of a move; an empty one if there is none, or if it isn't whole."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = None
    if isinstance(found, dict) and found.get("phase"):
        return found
    return {}


def compare(state: Mapping[str, Any], images: Iterable[Mapping[str, Any]]) -> Difference:
    """Return the difference between the images of a move and the images, as inspected, of a store."""
    wanted = [Held(**image) for image in state.get("images") or ()]
    there = held(images)
    by_tag = {tag: image for image in there for tag in image.tags}
    identities = {image.identity for image in there}
    missing = []
    for image in wanted:
        lost = [tag for tag in image.tags if tag not in by_tag or by_tag[tag].identity != image.identity]
        if image.identity not in identities:
            missing.append(image.shown)
        elif lost:
            missing.append(", ".join(lost))
    moving = {tag: image.identity for image in wanted for tag in image.tags}
    moved = {image.identity for image in wanted}
    expected = {*state.get("known", ()), *(image.id for image in there if image.identity in moved)}
    losing = [image for image in there if image.tags and all(_is_taken(image, moving, tag) for tag in image.tags)]
    digests = {digest for image in there for digest in image.digests}
    return Difference(
        missing=missing,
        further=[image.shown for image in there if image.id not in expected or set(image.tags) - set(moving)],
        digests=sorted({digest for image in wanted for digest in image.digests} - digests),
        displaced={image.id: f"{DISPLACED}:{image.identity[:12]}" for image in losing},
    )


def _is_taken(image: Held, moving: Mapping[str, str], tag: str) -> bool:
    return moving.get(tag, image.identity) != image.identity


class Seen(NamedTuple):
    """A host with an engine, as far as a move needs it.

    running, store: the store that the engine has, and the one that it is to have. active: whether it runs. is_new:
    whether there was no engine before this run. state: the text of the state. images, flawed: as image_info reports
    them. rows: the list of images with their manifests. containers: their names. info, usage: the engine's answers to
    /info and /system/df. disks: for the directories of the archive, the engine and containerd, a line each with the
    free bytes and the disk.
    """

    running: str = ""
    store: str = ""
    active: bool = False
    is_new: bool = True
    version: str = ""
    state: str | None = None
    images: Sequence[Mapping[str, Any]] = ()
    flawed: Sequence[Mapping[str, Any]] = ()
    rows: Sequence[Mapping[str, Any]] = ()
    containers: Sequence[str] = ()
    info: Mapping[str, Any] = {}
    usage: Mapping[str, Any] = {}
    disks: str = ""


def plan_move(wanted: Mapping[str, Any], seen: Seen) -> Move:
    """Return what the move of the images takes. wanted: images, dangling, directory and free, as the role has them."""
    return _Planner(wanted, seen).plan()


class _Planner:
    """What is found out on the way to a plan."""

    def __init__(self, wanted: Mapping[str, Any], seen: Seen) -> None:
        self._wanted = wanted
        self._seen = seen
        self._state = parse_state(seen.state)
        self._problems: list[str] = []
        self._lines: list[str] = []

    def plan(self) -> Move:
        step = self._step()
        archives: list[Archive] = []
        state = self._state
        if step == "move":
            images = self._chosen()
            archives = self._archives(images)
            state = self._new_state(images, archives)
            self._containers()
            self._lines += self._told(images)
        elif step == "load":
            self._lines.append(f"finish   the move of {_count(state['images'])} that was interrupted")
        elif step == "give_up" and state.get("phase") == SAVED:
            self._lines.append(f"give up  the move to the {state['to']} store that was interrupted")
        frees = self._frees(step)
        if frees:
            self._lines.append(f"free     what the {state['from']} store has on the disk")
        elif step in ("move", "load"):
            self._lines.append(f"keep     what the {state['from']} store has on the disk: engine_store_free frees it")
        return Move(
            step=step,
            problems=[printable(problem) for problem in self._problems],
            archives=archives,
            state=state,
            frees=frees,
            lines=[printable(line) for line in self._lines],
        )

    def _step(self) -> str:
        """Return the step, and note the problem of an engine that can't be asked for its images."""
        seen, state = self._seen, self._state
        phase = state.get("phase")
        is_there = seen.running == seen.store
        if phase == SAVED and state["to"] == seen.store and is_there:
            return "load"
        if phase == LOADED and state["to"] == seen.store and is_there:
            return "end"
        goes_back = phase == SAVED and state["from"] == seen.store
        if not is_there and not seen.is_new and self._wanted["images"] == "move" and not goes_back:
            if not seen.active:
                self._problems.append(
                    f"The engine doesn't run, so it can't be asked which images the {seen.store} store would hide. "
                    "Start it (systemctl start docker), or set engine_store_images to leave."
                )
            elif seen.images or seen.flawed or seen.containers:
                return "move"
        return "give_up" if phase not in (None, MOVED) else "none"

    def _chosen(self) -> list[Held]:
        """Return the images to move, and note those that can't be."""
        flawed = {image["Id"] for image in self._seen.flawed}
        for image in self._seen.flawed:
            names = ", ".join(image.get("RepoTags") or ()) or image["Id"]
            reason = str(image.get("Reason") or "").rstrip(".")
            self._problems.append(
                f"{names} can't be moved to the {self._seen.store} store: {reason[:1].lower()}{reason[1:]}. Remove it "
                "(image_remove), or pull or load it again."
            )
        found = [image for image in held(self._seen.images) if image.id not in flawed]
        without_tag = [image for image in found if not image.tags]
        if without_tag and not self._wanted["dangling"]:
            self._lines.append(f"leave    {_count(without_tag)} without a tag in the {self._seen.running} store")
            return [image for image in found if image.tags]
        return found

    def _archives(self, images: Sequence[Held]) -> list[Archive]:
        """Return the archives to save: one for most images, and one for those that are here for another platform alone.

        Note the images whose platforms the classic store can't hold.
        """
        by_platform: dict[str, list[str]] = {}
        platforms = self._platforms()
        for image in images:
            here = platforms.get(image.id, {})
            available = sorted(str(platform) for platform, is_here in here.items() if is_here)
            if len(available) > 1 and self._seen.store == "classic":
                self._problems.append(
                    f"{image.shown} is here for {', '.join(available)}, and the classic store holds an image for one "
                    "platform. Remove it, and pull it with one platform."
                )
            alone = available[0] if len(here) > 1 and len(available) == 1 else ""
            by_platform.setdefault(alone, []).append(image.id)
        directory = self._directory()
        return [
            Archive(f"{directory}/{number}.tar", ids, platform)
            for number, (platform, ids) in enumerate(sorted(by_platform.items()), 1)
        ]

    def _platforms(self) -> dict[str, dict[Platform, bool]]:
        """Return the platforms of each image, and whether the image is here for them."""
        version = tuple(map(int, self._seen.version.split(".")[:2])) if self._seen.version else ()
        if self._seen.running == "containerd" and version < _TELLS_PLATFORMS_SINCE:
            self._problems.append(
                f"Docker {self._seen.version} doesn't tell for which platforms its containerd store has an image, and "
                "the classic store holds one. Install Docker 28.0 or newer first, or set engine_store_images to leave."
            )
        return {row["Id"]: _platforms_of(row) for row in self._seen.rows}

    def _directory(self) -> str:
        return f"{self._wanted['directory'].rstrip('/')}/{PLACE}"

    def _new_state(self, images: Sequence[Held], archives: Sequence[Archive]) -> dict[str, Any]:
        seen = self._seen
        return {
            "from": seen.running,
            "to": seen.store,
            "directory": self._directory(),
            "archives": [archive._asdict() for archive in archives],
            "images": [image._asdict() for image in images],
            # To know later whether the old store has anything else.
            "known": sorted(row["Id"] for row in seen.rows),
            "cache": self._cache(),
            "root": seen.info.get("DockerRootDir"),
            "driver": seen.info.get("Driver"),
        }

    def _cache(self) -> int:
        """Return the bytes of the build cache."""
        usage = self._seen.usage
        rows = usage.get("BuildCache") or (usage.get("BuildCacheUsage") or {}).get("Items") or ()
        return sum(int(row.get("Size") or 0) for row in rows)

    def _containers(self) -> None:
        names = sorted(self._seen.containers)
        if names:
            self._problems.append(
                f"Containers can't be moved to the {self._seen.store} store, and the engine has "
                f"{'one' if len(names) == 1 else len(names)}: {', '.join(names)}. Remove them, and create them again "
                "after the move. Volumes stay. Or set engine_store_images to leave, which hides images and containers."
            )

    def _told(self, images: Sequence[Held]) -> list[str]:
        """Return the lines for a move, and note a lack of space."""
        seen = self._seen
        lines = [f"move     {_count(images)} from the {seen.running} to the {seen.store} store:"]
        lines += [f"move     {image.shown}" for image in images]
        lines += self._space(len(images))
        with_digest = [image for image in images if image.digests]
        if with_digest:
            lines.append(
                f"forget   the digests of {_count(with_digest)} in registries: the {seen.store} store can't have them"
            )
        if self._cache():
            lines.append(f"leave    the build cache of {self._cache()} bytes in the {seen.running} store")
        return lines

    def _space(self, number: int) -> list[str]:
        """Return a line for each disk that takes bytes during the move, and note those with too little space.

        While images are saved, the classic store writes a copy for itself. While they are loaded, either store has the
        archive's bytes beside the unpacked layers.
        """
        seen = self._seen
        disks = [line.split(maxsplit=1) for line in seen.disks.splitlines() if line.strip()]
        if len(disks) != 3 or not number:
            return []
        usage = seen.usage.get("ImageUsage") or {}
        unpacked = int(seen.usage.get("LayersSize") or usage.get("TotalSize") or 0)
        archive = int(unpacked * _TAR)
        archive_disk, engine_disk, containerd_disk = (disk for _free, disk in disks)
        old, new = (engine_disk, containerd_disk) if seen.store == "containerd" else (containerd_disk, engine_disk)
        saving = [(archive_disk, archive), (old, archive if seen.running == "classic" else 0)]
        loading = [(archive_disk, archive), (new, archive + unpacked)]
        lines = []
        for disk, free in {disk: int(free) for free, disk in disks}.items():
            needed = max(sum(size for at, size in phase if at == disk) for phase in (saving, loading))
            if needed:
                lines.append(f"need     {needed} bytes or less on the disk of {disk} meanwhile")
            if needed > free:
                self._problems.append(
                    f"The move takes up to {needed} bytes on the disk of {disk}, and {free} are free there. Free some "
                    "space, remove images that nobody needs (image_prune), or set engine_store_directory to a "
                    "directory on another disk."
                )
        return lines

    def _frees(self, step: str) -> bool:
        is_moved = self._state.get("phase") == MOVED and self._state["to"] == self._seen.running == self._seen.store
        return bool(self._wanted["free"]) and (step in ("move", "load", "end") or is_moved)


def _count(images: Sequence[Any]) -> str:
    return "1 image" if len(images) == 1 else f"{len(images)} images"


def _platforms_of(row: Mapping[str, Any]) -> dict[Platform, bool]:
    """Return the platforms of a row of the list of images, and whether the image is here for each."""
    manifests = [part for part in row.get("Manifests") or () if part.get("Kind") == "image"]
    return {
        platform_of((part.get("ImageData") or {}).get("Platform") or {}): bool(part.get("Available"))
        for part in manifests
    }
