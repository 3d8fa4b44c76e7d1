# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Which images may go, and which are to be kept: decided without an engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._image.labels import has_label
from ansible_collections.gantry.docker.plugins.module_utils._image.patterns import Pattern
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import repository_of
from ansible_collections.gantry.docker.plugins.module_utils._retention.disk import Disk, Usage
from ansible_collections.gantry.docker.plugins.module_utils._retention.forest import Forest


class Candidate(NamedTuple):
    """An image that might go.

    names: its tags and digests. parent: whether others come from it. users: who needs it, such as containers.
    created: seconds since 1970. known: False where the engine doesn't know its age and labels. stuck: those of the
    names that no engine can take away.
    """

    id: str
    names: tuple[str, ...]
    parent: bool = False
    users: tuple[str, ...] = ()
    created: int = 0
    labels: Mapping[str, str] = {}
    known: bool = True
    stuck: tuple[str, ...] = ()


class Rules(NamedTuple):
    """What may go. An image stays as soon as one of these says so.

    dangling_only: whether images with a name stay, all of them.
    keep: patterns of names to keep. An image with one name kept is kept with all.
    keep_last: how many images of each repository stay, the newest.
    references: patterns; unless there are none, only images go all of whose names match one of them.
    labels, no_labels: an image goes only if it has all of the ones and none of the others.
    until: seconds since 1970; what was made then or later stays.
    nothing: whether all images stay, whatever the rest says.
    by_use: whether those go first that were not used for the longest time.
    An image of which the engine doesn't know what a rule asks for stays: it may be new, or have the label.
    """

    dangling_only: bool = True
    keep: tuple[Pattern, ...] = ()
    keep_last: int = 0
    references: tuple[Pattern, ...] = ()
    labels: tuple[str, ...] = ()
    no_labels: tuple[str, ...] = ()
    until: float | None = None
    nothing: bool = False
    by_use: bool = False

    @property
    def asks(self) -> bool:
        """Whether a rule asks for the age or the labels of images."""
        return bool(self.keep_last or self.labels or self.no_labels or self.by_use or self.until is not None)


class Verdict(NamedTuple):
    """Whether an image may go, and why or why not: a few words."""

    goes: bool
    reason: str


def verdicts(candidates: Sequence[Candidate], rules: Rules) -> dict[str, Verdict]:
    """For each image, whether it may go.

    What containers use stays, and so does what has no name but others that come from it: it is a part of
    these, and goes with them.
    """
    newest = _newest(candidates, rules.keep_last)
    found = {}
    for candidate in candidates:
        reason = _reason_to_stay(candidate, rules, newest)
        found[candidate.id] = Verdict(not reason, reason or ("unused" if candidate.names else "dangling"))
    return found


def least_that_fits(order: Iterable[str], forest: Forest, disk: Disk, target: int) -> tuple[tuple[str, ...], int]:
    """Those of the images that must go so that all images together fit; and the bytes that these take then.

    order: images that may go, the first to go first. forest: all images; it is used up.
    An image that others were made from would only lose its names, so it waits for the last of these to go.
    """
    usage, size = Usage(disk), disk.total()
    gone: list[str] = []
    waiting: set[str] = set()
    for first in order:
        image_id = first
        while size > target:
            if forest.children(image_id):
                waiting.add(image_id)
                break
            parents = tuple(forest.ancestors(image_id))
            deletions = forest.remove_image(image_id)
            size -= sum(usage.remove(deleted) for deletion in deletions for deleted in deletion.deleted)
            gone.append(image_id)
            image_id = next((parent for parent in parents if parent in forest), "")
            if image_id not in waiting:
                break
    return tuple(gone), size


def _reason_to_stay(candidate: Candidate, rules: Rules, newest: Mapping[str, str]) -> str:
    """The first reason that there is; empty for an image that may go."""
    names = candidate.names
    references = ", ".join(map(str, rules.references))
    reasons = (
        (bool(candidate.users), f"used by {', '.join(candidate.users)}"),
        (candidate.parent and not names, "a part of other images"),
        (rules.nothing, "no images are to be pruned"),
        (bool(names) and rules.dangling_only, "has a name"),
        *((any(map(pattern.matches, names)), f"kept by {pattern}") for pattern in rules.keep),
        (bool(candidate.stuck), f"the engine can't remove the name {', '.join(candidate.stuck)}"),
        (rules.asks and not candidate.known, "its age and labels are unknown, as the engine can't read its content"),
        (candidate.id in newest, f"among the newest {rules.keep_last} of {newest.get(candidate.id, '')}"),
        (not _all_match(names, rules.references), f"not all of its names match {references}"),
        *((not has_label(candidate.labels, label), f"has no label {label}") for label in rules.labels),
        *((has_label(candidate.labels, label), f"has the label {label}") for label in rules.no_labels),
        (rules.until is not None and candidate.created >= rules.until, "too new"),
    )
    return next((reason for stays, reason in reasons if stays), "")


def _all_match(names: Sequence[str], patterns: Sequence[Pattern]) -> bool:
    matched = [any(pattern.matches(name) for pattern in patterns) for name in names]
    return not patterns or (bool(matched) and all(matched))


def _newest(candidates: Iterable[Candidate], count: int) -> dict[str, str]:
    """The images that are among so many newest of a repository, each with that repository."""
    repositories: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates if count else ():
        for repository in sorted({repository_of(name) for name in candidate.names} if candidate.known else ()):
            repositories[repository].append(candidate)
    newest: dict[str, str] = {}
    for repository, images in repositories.items():
        for image in sorted(images, key=lambda image: (-image.created, image.id))[:count]:
            newest.setdefault(image.id, repository)
    return newest
