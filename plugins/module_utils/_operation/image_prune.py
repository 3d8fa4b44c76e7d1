# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Remove images that nothing needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Containers, ContainerSummary
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.labels import parse_label
from ansible_collections.gantry.docker.plugins.module_utils._image.patterns import parse_pattern
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import is_reference
from ansible_collections.gantry.docker.plugins.module_utils._image.sizes import Share, parse_share
from ansible_collections.gantry.docker.plugins.module_utils._image.times import Moment, parse_moment
from ansible_collections.gantry.docker.plugins.module_utils._plan import Plan, Report, Skipped, Taken
from ansible_collections.gantry.docker.plugins.module_utils._retention.build_cache import (
    CacheRules,
    PruneCache,
    Record,
    cache_that_goes,
    observe_cache,
    parse_cache_rules,
    prune_cache,
)
from ansible_collections.gantry.docker.plugins.module_utils._retention.disk import Disk, Usage
from ansible_collections.gantry.docker.plugins.module_utils._retention.disk_usage import observe_disk
from ansible_collections.gantry.docker.plugins.module_utils._retention.docker_filters import with_filters
from ansible_collections.gantry.docker.plugins.module_utils._retention.file_system import (
    FileSystem,
    observe_file_system,
)
from ansible_collections.gantry.docker.plugins.module_utils._retention.foresight import (
    Expected,
    as_expected,
    parse_expected,
)
from ansible_collections.gantry.docker.plugins.module_utils._retention.forest import Deletion, Forest, Node, changes
from ansible_collections.gantry.docker.plugins.module_utils._retention.pruning import Prune, is_renamed, prune
from ansible_collections.gantry.docker.plugins.module_utils._retention.rules import (
    Candidate,
    Rules,
    Verdict,
    least_that_fits,
    verdicts,
)
from ansible_collections.gantry.docker.plugins.module_utils._retention.users import last_used, users_of


class Wanted(NamedTuple):
    """The images that may go.

    rules: all rules but until. target_size: the bytes that images may take. target_free: the bytes that shall be free
    on the store's file system. With neither of these, all images are removed that may go.
    explain: whether to report the images that stay. cache: the rules for the build cache; None to leave that alone.
    """

    rules: Rules
    until: Moment | None = None
    target_size: int | None = None
    target_free: Share | None = None
    explain: bool = False
    expected: Expected = Expected()
    cache: CacheRules | None = None

    @property
    def until_it_fits(self) -> bool:
        """Whether images are removed only until the others fit."""
        return self.target_size is not None or self.target_free is not None


class Observed(NamedTuple):
    """All images and containers.

    now: the engine's time, if it matters. disk: the bytes that the images that may go take; with a target, the bytes
    that all take. used: the time of each image's last use in seconds since 1970, if it matters. file_system: the one
    of the store, if it matters. cache: all records of the build cache, if these matter.
    """

    images: tuple[ImageSummary, ...]
    containers: tuple[ContainerSummary, ...]
    now: str = ""
    disk: Disk = Disk()
    used: Mapping[str, float] = {}
    file_system: FileSystem | None = None
    cache: tuple[Record, ...] = ()


def parse(params: Mapping[str, Any]) -> Wanted:
    """Return the wanted values, parsed from the module's parameters; raise InvalidInput."""
    params = with_filters(params)
    for option in ("reference", "keep_last"):
        if params["dangling"] and params[option]:
            raise InvalidInput(
                f"{option} is for images with a name, but dangling: true prunes none of these. Set dangling: false."
            )
    for option in ("keep_last", "target_size"):
        if (params[option] or 0) < 0:
            raise InvalidInput(f"{option} is {params[option]}, and must not be negative.")
    rules = Rules(
        nothing=not params["images"],
        dangling_only=params["dangling"],
        keep=tuple(dict.fromkeys(parse_pattern(pattern, "keep") for pattern in params["keep"])),
        keep_last=params["keep_last"],
        references=tuple(dict.fromkeys(parse_pattern(pattern, "reference") for pattern in params["reference"])),
        labels=tuple(parse_label(label, "label") for label in params["label"]),
        no_labels=tuple(parse_label(label, "label_not") for label in params["label_not"]),
    )
    until = None if params["until"] is None else parse_moment(params["until"], "until")
    free = None if params["target_free"] is None else parse_share(params["target_free"], "target_free")
    expected = parse_expected(params["expect"] or {})
    cache = parse_cache_rules(params)
    return Wanted(rules, until, params["target_size"], free, params["explain"], expected, cache)


def observe(engine: Engine, wanted: Wanted, cleanup: ExitStack) -> Observed:
    """Return all images and containers, and the bytes of the disk that they take as far as these matter."""
    now = engine.now if wanted.until or wanted.cache else ""
    cache = observe_cache(engine) if wanted.cache else ()
    if _nothing_dangles(engine, wanted):
        return Observed((), (), now, cache=cache)
    containers, rows = engine.both(_containers, lambda one: one.images.all(details=True))
    used = {container.image_id for container in containers}
    images = as_expected(engine, _known(engine, rows), used, wanted.expected)
    seen = Observed(images, containers, now, cache=cache)
    if wanted.until_it_fits:
        file_system = observe_file_system(engine) if wanted.target_free is not None else None
        known = engine.find_listed(image for image in seen.images if image.whole)
        disk = observe_disk(engine, seen.images, known, known)
        return seen._replace(disk=disk, used=last_used(engine, seen.images, known), file_system=file_system)
    return seen._replace(disk=observe_disk(engine, seen.images, _that_may_go(wanted, seen)))


def plan(wanted: Wanted, observed: Observed) -> Plan:
    """Plan to remove every image that goes, children before their parents."""
    users = users_of(observed.images, observed.containers)
    forest = _forest(observed, users)
    before = forest.state()
    decided = _verdicts(wanted, observed, forest, users)
    victims = [image_id for image_id, verdict in decided.items() if verdict.goes]
    cache = cache_that_goes(observed.cache, wanted.cache, observed.now) if wanted.cache else ()
    sizes: dict[str, int] = {}
    if wanted.until_it_fits:
        order = sorted(victims, key=lambda victim: (observed.used[victim], victim))
        total, free = observed.disk.total(), _free(observed) + sum(record.freed for record in cache)
        allowed = _allowed(wanted, observed, total, free)
        fitting, left = least_that_fits(order, _forest(observed, users), observed.disk, allowed)
        victims, sizes = list(fitting), {"images_size": left}
        if observed.file_system:
            sizes["store_free"] = free + total - left
    ordered = sorted(victims, key=lambda victim: (-forest.depth(victim), before[victim], victim))
    steps = _steps(observed, forest, ordered, decided)
    differing, after = changes(before, forest)
    touched = {step.image.id for step in steps}
    kept = [image for image in observed.images if image.id not in touched]
    told = {"kept": [_told(image, _why_kept(decided[image.id])) for image in kept]} if wanted.explain else {}
    cached = {_key(record): [record.description] for record in cache}
    return Plan(
        (*steps, *([PruneCache(cache)] if cache else [])),
        {**differing, **cached},
        {**after, **dict.fromkeys(cached)},
        facts={**sizes, **told},
    )


def apply(engine: Engine, step: Prune | PruneCache) -> None:
    """Remove one image, never by force, or build cache; raise Skipped or Otherwise if it stays, as it is needed by now.

    An engine that refuses to remove one image may still remove the others.
    """
    if isinstance(step, PruneCache):
        prune_cache(engine, step)
        return
    name = ", ".join(step.image.tags or step.image.digests) or step.image.id
    found = engine.images.find(step.image.id)
    if found is None:
        raise Skipped(f"{name} is gone already")
    if is_renamed(engine, step.image, found):
        raise Skipped(f"{name} stays, as its tags have changed meanwhile: {', '.join(found.tags) or 'none'}")
    users = Containers(engine).of_image(step.image.id)
    if users:
        raise Skipped(f"{name} stays, as it is used by now: {', '.join(str(user) for user in users)}")
    if engine.find_all(step.children):
        raise Skipped(f"{name} stays, as an image that was made from it does")
    prune(engine, step)


def report(engine: Engine, wanted: Wanted, observed: Observed, planned: Plan, taken: Sequence[Taken]) -> Report:
    """Return the images that were pruned, and the bytes that this freed."""
    steps = [step for step, _nothing in taken if isinstance(step, Prune)]
    cache = [record for step, _nothing in taken if isinstance(step, PruneCache) for record in step.records]
    touched = {*(step.image.id for step in steps), *map(_key, cache)}
    freed = observed.disk.freed(gone for step in steps for gone in step.deleted)
    # An image whose removal had another effect than planned has lost names, and stays.
    left = {step.image.id: _left(planned.before[step.image.id], step) for step in steps if not step.deleted}
    return Report(
        {
            **planned.facts,
            "images": [{**_told(step.image, step.reason), "SpaceReclaimed": step.freed} for step in steps],
            "space_reclaimed": freed,
            "images_space_reclaimed": freed,
            "builder_cache_space_reclaimed": sum(record.freed for record in cache),
            "builder_cache_caches_deleted": [record.id for record in cache],
        },
        diff={
            "before": {image_id: names for image_id, names in planned.before.items() if image_id in touched},
            "after": {
                image_id: left.get(image_id, names) for image_id, names in planned.after.items() if image_id in touched
            },
        },
    )


def _containers(engine: Engine) -> tuple[ContainerSummary, ...]:
    there = Containers(engine)
    return tuple(there.with_wanted_image(container) for container in there.all())


def _known(engine: Engine, images: Sequence[ImageSummary]) -> tuple[ImageSummary, ...]:
    """Return the images with their ages and labels, also where the engine's list lacks them.

    The list describes the image for the engine's own platform. If that isn't here, Docker 29 lists neither age nor
    labels; then those of a platform that is here are used. For an image that isn't whole they stay unknown.
    """
    untold = [row for row in images if not (row.whole and row.created)]
    found = engine.find_listed(untold)
    told = {}
    for row in untold:
        image = found.get(row.id)
        if image is not None and image.whole:
            labels = image.config.get("Labels") or {}
            told[row.id] = row._replace(whole=True, created=image.created, labels=labels)
        else:
            told[row.id] = row._replace(whole=False)
    return tuple(told.get(row.id, row) for row in images)


def _nothing_dangles(engine: Engine, wanted: Wanted) -> bool:
    """Return whether no more needs to be observed, as only dangling images may go, and there are none.

    A containerd store takes milliseconds for each image that it lists, but filters before it looks at any
    (daemon/containerd/image_list.go).
    """
    others_matter = wanted.explain or wanted.until_it_fits or wanted.expected != Expected()
    return wanted.rules.dangling_only and not others_matter and not engine.images.visible({"dangling": ["true"]})


def _forest(observed: Observed, users: Mapping[str, Sequence[str]]) -> Forest:
    nodes = (Node(image.id, image.tags, image.digests, image.parent, image.pinned) for image in observed.images)
    return Forest(nodes, used=users)


def _verdicts(
    wanted: Wanted, observed: Observed, forest: Forest, users: Mapping[str, Sequence[str]]
) -> dict[str, Verdict]:
    """Return for each image whether it may go."""
    until = wanted.until.at(observed.now) if wanted.until else None
    candidates = [
        Candidate(
            image.id,
            image.tags + image.digests,
            parent=bool(forest.children(image.id)),
            users=tuple(users.get(image.id, ())),
            created=image.created,
            labels=image.labels,
            known=image.whole,
            stuck=tuple(tag for tag in image.tags if not is_reference(tag)),
        )
        for image in observed.images
    ]
    return verdicts(candidates, wanted.rules._replace(until=until, by_use=wanted.until_it_fits))


def _free(observed: Observed) -> int:
    """Return the bytes that are free on the store's file system; 0 if that doesn't matter."""
    return observed.file_system.free if observed.file_system else 0


def _allowed(wanted: Wanted, observed: Observed, total: int, free: int) -> int:
    """Return the bytes that all images together may take.

    total: the bytes that they take now. free: those that are free without the build cache that goes.
    """
    allowed = total if wanted.target_size is None else wanted.target_size
    if wanted.target_free is None or observed.file_system is None:
        return allowed
    lacking = wanted.target_free.of(observed.file_system.size) - free
    return min(allowed, total - max(0, lacking))


def _that_may_go(wanted: Wanted, observed: Observed) -> set[str]:
    """Return the Ids of the images that may go, and of images without a name that may go with the last of these."""
    users = users_of(observed.images, observed.containers)
    forest = _forest(observed, users)
    victims = {image_id for image_id, verdict in _verdicts(wanted, observed, forest, users).items() if verdict.goes}
    nameless = {image.id for image in observed.images if not (image.tags or image.digests)}
    return victims | {parent for victim in victims for parent in forest.ancestors(victim) if parent in nameless}


def _steps(
    observed: Observed, forest: Forest, victims: Sequence[str], decided: Mapping[str, Verdict]
) -> tuple[Prune, ...]:
    """Return a step for each image that goes, and for each image without a name that goes with its last child."""
    images = {image.id: image for image in observed.images}
    children = {image.id: forest.children(image.id) for image in observed.images}
    usage = Usage(observed.disk)
    steps: list[Prune] = []
    gone: set[str] = set()
    for victim in (victim for victim in victims if victim in forest):
        calls: dict[str, list[Deletion]] = defaultdict(list)
        for deletion in forest.remove_image(victim):
            calls[deletion.name if deletion.name in images else victim].append(deletion)
        for image_id, deletions in calls.items():
            goes = any(deletion.deleted for deletion in deletions)
            freed = usage.remove(image_id) if goes and image_id in observed.disk.footprints else 0
            before = tuple(sorted(child for child in children[image_id] if child in gone))
            reason = decided[image_id].reason if image_id == victim else "no longer needed"
            steps.append(Prune(images[image_id], tuple(deletions), before, reason, freed))
            gone.update([image_id] if goes else [])
    return tuple(steps)


def _key(record: Record) -> str:
    """Return the name of a record in the diff."""
    return f"build cache {record.id}"


def _left(names: Sequence[str], step: Prune) -> list[str]:
    """Return the names that are left to an image that stays."""
    gone = {name for deletion in step.deletions for name in deletion.untagged}
    return [name for name in names if name not in gone]


def _told(image: ImageSummary, reason: str) -> dict[str, Any]:
    """Return an image as the result shows it."""
    return {
        "Id": image.id,
        "RepoTags": list(image.tags),
        "RepoDigests": list(image.digests),
        "Created": image.created,
        "Size": image.size,
        "Reason": reason,
    }


def _why_kept(verdict: Verdict) -> str:
    return "everything fits without its removal" if verdict.goes else verdict.reason
