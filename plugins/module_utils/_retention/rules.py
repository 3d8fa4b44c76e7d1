# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The rules that decide, without an engine, which images may go and which are kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._image.labels import has_label
from ansible_collections.gantry.docker.plugins.module_utils._image.patterns import Pattern
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ListedName
from ansible_collections.gantry.docker.plugins.module_utils._retention.disk import Disk, Usage
from ansible_collections.gantry.docker.plugins.module_utils._retention.forest import Forest


class Candidate(NamedTuple):
    """An image that might go.

    names: its tags and digests. parent: whether others were made from it. users: the containers, or tasks, that need
    it. created: seconds since 1970. known: False if the engine doesn't know its age and labels. stuck: the names that
    no engine can remove.
    """

    id: str
    names: tuple[ListedName, ...]
    parent: bool = False
    users: tuple[str, ...] = ()
    created: int = 0
    labels: Mapping[str, str] = {}
    known: bool = True
    stuck: tuple[str, ...] = ()


class Rules(NamedTuple):
    """The rules for images that may go. An image stays as soon as one rule keeps it.

    dangling_only: whether all images with a name stay.
    keep: patterns of names to keep. An image with one name that is kept is kept with all of its names.
    keep_last: the number of images of each repository that stay, the newest ones.
    references: patterns; if there are any, an image goes only if each of its names matches one of them.
    labels, no_labels: an image goes only if it has all of the former and none of the latter.
    until: seconds since 1970; images that were made then or later stay.
    nothing: whether all images stay, whatever the other rules are.
    by_use: whether the images that were not used for the longest time go first.
    If a rule asks for facts about an image that the engine doesn't know, the image stays: it may be new, or have the
    label.
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
    """Whether an image may go, and the reason in a few words."""

    goes: bool
    reason: str


def verdicts(candidates: Sequence[Candidate], rules: Rules) -> dict[str, Verdict]:
    """Return for each image whether it may go.

    An image that containers use stays. So does an image without a name that others were made from: it is a part of
    these, and goes with them.
    """
    newest = _newest(candidates, rules.keep_last)
    found = {}
    for candidate in candidates:
        reason = _reason_to_stay(candidate, rules, newest)
        found[candidate.id] = Verdict(not reason, reason or ("unused" if candidate.names else "dangling"))
    return found


def least_that_fits(order: Iterable[str], forest: Forest, disk: Disk, target: int) -> tuple[tuple[str, ...], int]:
    """Return the images that must go so that the others fit together, and the bytes that the others take then.

    order: images that may go, the first to go first. forest: all images; it is used up. target: the bytes to fit into.
    An image that others were made from would only lose its names, so it waits until the last of these is gone.
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
    """Return the first reason to keep an image; "" for an image that may go."""
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


def _all_match(names: Sequence[ListedName], patterns: Sequence[Pattern]) -> bool:
    matched = [any(pattern.matches(name) for pattern in patterns) for name in names]
    return not patterns or (bool(matched) and all(matched))


def _newest(candidates: Iterable[Candidate], count: int) -> dict[str, str]:
    """Return the images that are among the newest of a repository, each with that repository.

    count: the number of newest images in each repository.
    """
    repositories: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates if count else ():
        for repository in sorted({name.repository for name in candidate.names} if candidate.known else ()):
            repositories[repository].append(candidate)
    newest: dict[str, str] = {}
    for repository, images in repositories.items():
        for image in sorted(images, key=lambda image: (-image.created, image.id))[:count]:
            newest.setdefault(image.id, repository)
    return newest
