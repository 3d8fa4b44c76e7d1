# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which images may go, and which are to be kept: decided without an engine."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ansible_collections.gantry.docker.plugins.module_utils.image.deletion import Forest
from ansible_collections.gantry.docker.plugins.module_utils.image.errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils.image.reference import DEFAULT_REGISTRY, OFFICIAL
from ansible_collections.gantry.docker.plugins.module_utils.image.usage import Disk, Usage

# What names consist of, and what stands for it in patterns.
_PATTERN = re.compile(r"[A-Za-z0-9._:/@*?\[\]!-]+")
_ID = re.compile(r"sha256:.*|[0-9a-f]{12,64}")


@dataclass(frozen=True)
class Candidate:
    """An image that might go.

    names: its tags and digests. parent: whether others come from it. users: who needs it, such as containers.
    created: seconds since 1970.
    """

    id: str
    names: tuple[str, ...]
    parent: bool = False
    users: tuple[str, ...] = ()
    created: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rules:
    """What may go. An image stays as soon as one of these says so.

    dangling_only: whether images with a name stay, all of them.
    keep: patterns of names to keep, as matches() takes them. An image with one name kept is kept with all.
    keep_last: how many images of each repository stay, the newest.
    references: patterns; unless there are none, only images go all of whose names match one of them.
    labels, no_labels: an image goes only if it has all of the ones and none of the others.
    until: seconds since 1970; what was made then or later stays.
    """

    dangling_only: bool = True
    keep: tuple[str, ...] = ()
    keep_last: int = 0
    references: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    no_labels: tuple[str, ...] = ()
    until: float | None = None


@dataclass(frozen=True)
class Verdict:
    """Whether an image may go, and why or why not: a few words."""

    goes: bool
    reason: str


def parse_pattern(text: str, option: str = "keep") -> str:
    """A pattern of names, spelt as Docker shows names: without C(docker.io/) and C(library/).

    Raises InvalidInput for one that can match no name: who wrote it in keep would lose what it was to keep.
    """
    if _ID.fullmatch(text):
        raise InvalidInput(f"'{text}' is an image's Id, and {option} takes names. Give the image a name (image_tag).")
    if not _PATTERN.fullmatch(text) or text != text.strip("/:@"):
        raise InvalidInput(
            f"'{text}' in {option} can match no image's name. "
            "A pattern is a name such as debian, debian:12 or example/*."
        )
    pattern = text
    for registry in (f"{DEFAULT_REGISTRY}/", f"index.{DEFAULT_REGISTRY}/"):
        pattern = pattern[len(registry) :] if pattern.startswith(registry) else pattern
    official = pattern.startswith(OFFICIAL) and "/" not in pattern[len(OFFICIAL) :]
    pattern = pattern[len(OFFICIAL) :] if official else pattern
    # A repository's name is in lower case, but a registry's name and a tag need not be.
    repository = pattern.rpartition("/")[2].partition(":")[0]
    if repository != repository.lower():
        raise InvalidInput(f"'{text}' in {option} can match no image's name: a repository's name is in lower case.")
    return pattern


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


def has_label(labels: Mapping[str, str], wanted: str) -> bool:
    """Whether there is a label: key, or key=value."""
    key, equals, value = wanted.partition("=")
    return key in labels and (not equals or labels[key] == value)


def _reason_to_stay(candidate: Candidate, rules: Rules, newest: Mapping[str, str]) -> str:
    """The first reason that there is; empty for an image that may go."""
    names = candidate.names
    reasons = (
        (bool(candidate.users), f"used by {', '.join(candidate.users)}"),
        (candidate.parent and not names, "a part of other images"),
        (bool(names) and rules.dangling_only, "has a name"),
        *((any(matches(name, pattern) for name in names), f"kept by {pattern}") for pattern in rules.keep),
        (candidate.id in newest, f"among the newest {rules.keep_last} of {newest.get(candidate.id, '')}"),
        (not _all_match(names, rules.references), f"not all of its names match {', '.join(rules.references)}"),
        *((not has_label(candidate.labels, label), f"has no label {label}") for label in rules.labels),
        *((has_label(candidate.labels, label), f"has the label {label}") for label in rules.no_labels),
        (rules.until is not None and candidate.created >= rules.until, "too new"),
    )
    return next((reason for stays, reason in reasons if stays), "")


def _all_match(names: Sequence[str], patterns: Sequence[str]) -> bool:
    matched = [any(matches(name, pattern) for pattern in patterns) for name in names]
    return not patterns or (bool(matched) and all(matched))


def _newest(candidates: Iterable[Candidate], count: int) -> dict[str, str]:
    """The images that are among so many newest of a repository, each with that repository."""
    repositories: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates if count else ():
        for repository in sorted({repository_of(name) for name in candidate.names}):
            repositories[repository].append(candidate)
    newest: dict[str, str] = {}
    for repository, images in repositories.items():
        for image in sorted(images, key=lambda image: (-image.created, image.id))[:count]:
            newest.setdefault(image.id, repository)
    return newest


def matches(name: str, pattern: str) -> bool:
    """Whether a pattern means a name (repository:tag or repository@digest).

    Both are compared whole, with * ? and [] as in a shell, where * matches slashes too. A pattern
    without a tag means every tag: debian is the same as debian:*.
    """
    return fnmatchcase(name, pattern) or fnmatchcase(repository_of(name), pattern)


def repository_of(name: str) -> str:
    """The repository of a tag or digest."""
    return name.rpartition("@" if "@" in name else ":")[0]
