# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The declaration of the images that a host shall have and shall not have: its contradictions and its tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, TypeVar

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.labels import parse_label
from ansible_collections.gantry.docker.plugins.module_utils._image.patterns import (
    is_pattern,
    may_mean_a_tag_of,
    parse_pattern,
)
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import parse_platform
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    DEFAULT_TAG,
    ListedName,
    Reference,
    is_written_as_id,
    parse_reference,
    parse_registry,
    parse_tag,
)
from ansible_collections.gantry.docker.plugins.module_utils._image.sizes import parse_share
from ansible_collections.gantry.docker.plugins.module_utils._image.times import parse_moment

_Parsed = TypeVar("_Parsed")


@dataclass
class Declaration:
    """The tasks that follow from a declaration. They are valid only if there are no problems.

    pulls: for each platform and policy, the images to pull. tags: for each image, its further names.
    names: all names of images that the host shall have. problems: sentences, each with advice.
    """

    pulls: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    tags: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    names: dict[str, None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def declare(declared: Mapping[str, Any]) -> Declaration:
    """Return the tasks that follow from a declaration, and its problems.

    declared: present, archives, pinned, tagged and absent, each as in the role's variable of that name; registries,
    the ones with credentials; and retention, None if nothing is pruned.
    """
    reader = _Reader()
    for entry in declared.get("present") or ():
        reader.present(entry)
    for entry in declared.get("archives") or ():
        reader.archive(entry)
    for pin in declared.get("pinned") or ():
        reader.pin(pin)
    for entry in declared.get("tagged") or ():
        reader.tag(entry)
    reader.sources_are_no_targets()
    reader.names_mean_one_image()
    for name in declared.get("absent") or ():
        reader.absent(name)
    reader.registries(declared.get("registries") or ())
    reader.retention(declared.get("retention"))
    found = reader.found
    found.problems = list(dict.fromkeys(found.problems))
    # Names with a digest go first: after the pull of a tag with the same image, they would be here without a pull.
    found.pulls = dict(sorted(found.pulls.items(), key=lambda pull: reader.digests.keys().isdisjoint(pull[1])))
    return found


class _Reader:
    """A reader of the parts of a declaration, which notes its problems."""

    def __init__(self) -> None:
        self.found = Declaration()
        # For each tag, the variables that declare it; and the names with a digest, each with its repository.
        self._origins: dict[str, dict[str, None]] = defaultdict(dict)
        self.digests: dict[str, str] = {}

    def present(self, entry: Mapping[str, Any]) -> None:
        """Read an entry of images that come from a registry."""
        platform, policy = entry.get("platform") or "", entry.get("policy") or "missing"
        if platform:
            self._try(parse_platform, platform)
        for name in entry["names"]:
            reference = self._reference(name, entry.get("tag") or DEFAULT_TAG)
            if reference is None:
                continue
            self._pull(reference, platform, policy)
            if not reference.digest:
                details = [f"policy {policy}", *([f"platform {platform}"] if platform else [])]
                self._name(reference.tagged, f"images_present ({', '.join(details)})")

    def archive(self, entry: Mapping[str, Any]) -> None:
        """Read an archive. Its images are known only if the entry has names."""
        path = entry["path"]
        if not path.startswith("/") and entry.get("from") != "controller":
            self._problem(f"'{path}' in images_archives must be an absolute path, as /var/lib/images/all.tar.")
        for name in entry.get("names") or ():
            reference = self._try(parse_tag, name)
            if reference:
                self._name(reference.tagged, f"images_archives ({path})")

    def pin(self, text: str) -> None:
        """Read a name with a digest, and the tag that shall name its image."""
        reference = self._reference(text, None)
        if reference is None:
            return
        if not reference.digest:
            self._problem(f"'{text}' in images_pinned has no digest: write it as repository:tag@sha256:….")
            return
        self._pull(reference, "", "missing")
        if reference.tag:
            self._name(reference.tagged, f"images_pinned ({reference.digest})")
            self._further(reference.pinned, reference.tagged)

    def tag(self, entry: Mapping[str, Any]) -> None:
        """Read the further names of an image."""
        source = self._reference(entry["name"])
        if source is None:
            return
        name = source.listed
        self.found.names[name] = None
        for target in (self._try(parse_tag, text) for text in entry["repository"]):
            if target:
                self._name(target.tagged, f"images_tagged ({name})")
                self._further(name, target.tagged)

    def sources_are_no_targets(self) -> None:
        """Note names that are both source and target of tags: the result would depend on the order."""
        targets = {target: source for source, names in self.found.tags.items() for target in names}
        for source in self.found.tags:
            if source in targets:
                self._problem(
                    f"{source} gets its name by images_tagged or images_pinned ({targets[source]}), and further names "
                    f"are given to it. Give all of them to {targets[source]}."
                )

    def names_mean_one_image(self) -> None:
        """Note names that are declared twice in different ways: each run would move them back and forth."""
        for name, origins in self._origins.items():
            if len(origins) > 1:
                self._problem(f"{name} is declared by {' and by '.join(origins)}. Leave it in one of them.")

    def absent(self, text: str) -> None:
        """Read a name, or a pattern of names, that no image on the host shall have."""
        if is_pattern(text):
            pattern = self._try(parse_pattern, text, "images_absent")
            found = [name for name in self.found.names if pattern and pattern.matches(ListedName(name))]
            spelt = text
        else:
            reference = self._reference(text)
            spelt = reference.listed if reference else ""
            found = [name for name in self.found.names if name == spelt]
        if found:
            self._problem(
                f"{', '.join(found)} would be both present and absent, as '{text}' is in images_absent. "
                "Remove it there, or where it is declared."
            )
        for name, repository in self.digests.items():
            tagged = any(may_mean_a_tag_of(tag, repository) for tag in self.found.tags.get(name, ()))
            if spelt and name not in found and not tagged and may_mean_a_tag_of(spelt, repository):
                self._problem(
                    f"{name} has no tag, and an engine removes a repository's digests with its last tag, which may "
                    f"be '{text}' in images_absent. Declare it by images_pinned with a tag, as repository:tag@sha256:…."
                )

    def registries(self, registries: Iterable[str]) -> None:
        """Read the registries that there are credentials for."""
        for registry in registries:
            self._try(parse_registry, registry)

    def retention(self, rules: Mapping[str, Any] | None) -> None:
        """Read the rules for pruning: image_prune would refuse wrong ones only after all other tasks."""
        if rules is None:
            return
        patterns = [(option, text) for option in ("keep", "reference") for text in rules.get(option) or ()]
        for option, text in patterns:
            self._try(parse_pattern, text, f"images_prune_{option}")
        if rules.get("until"):
            self._try(parse_moment, str(rules["until"]), "images_prune_until")
        if rules.get("target_free"):
            self._try(parse_share, str(rules["target_free"]), "images_prune_target_free")
        labels = [(option, label) for option in ("label", "label_not") for label in rules.get(option) or ()]
        for option, label in labels:
            self._try(parse_label, label, f"images_prune_{option}")
        if int(rules.get("keep_last") or 0) < 0:
            self._problem(f"images_prune_keep_last is {rules['keep_last']}, and must not be negative.")
        for option in ("keep_last", "reference"):
            if rules.get("dangling") and rules.get(option):
                self._problem(
                    f"images_prune_{option} is for images with a name, but images_prune_dangling: true prunes "
                    "none of these. Set that to false."
                )

    def _pull(self, reference: Reference, platform: str, policy: str) -> None:
        name = reference.listed
        names = self.found.pulls[platform, "missing" if policy == "not_present" or reference.digest else policy]
        if name not in names:
            names.append(name)
        self.found.names[name] = None
        if reference.digest:
            self.digests[name] = reference.name

    def _name(self, name: str, origin: str) -> None:
        self.found.names[name] = None
        self._origins[name][origin] = None

    def _further(self, source: str, target: str) -> None:
        if target not in self.found.tags[source]:
            self.found.tags[source].append(target)

    def _problem(self, sentence: str) -> None:
        self.found.problems.append(sentence)

    def _reference(self, text: str, default_tag: str | None = DEFAULT_TAG) -> Reference | None:
        if is_written_as_id(text):
            self._problem(f"'{text}' is an image's Id, but a name is needed here. Give the image one (image_tag).")
            return None
        return self._try(parse_reference, text, default_tag)

    def _try(self, parse: Callable[..., _Parsed], *arguments: Any) -> _Parsed | None:
        try:
            return parse(*arguments)
        except InvalidInput as error:
            self._problem(error.message)
            return None
