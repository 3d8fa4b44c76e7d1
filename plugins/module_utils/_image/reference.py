# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""References of images, parsed once at the edge into values.

The grammar and the normalisation are those of the distribution project (reference/regexp.go and
reference/normalize.go). So a name means the same as in Docker.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple, Union

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"
_DEFAULT_REGISTRY_NAMES = (DEFAULT_REGISTRY, f"index.{DEFAULT_REGISTRY}")
OFFICIAL = "library/"

_HOST_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REGISTRY = re.compile(rf"(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_TAG_RULE = "A tag has up to 128 letters, digits, underscores, dots and hyphens, and begins with no dot or hyphen."
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
_BARE_ID = re.compile(r"[0-9a-f]{64}")
_SHORT_ID = re.compile(r"[0-9a-f]{12,64}")
# reference/reference.go: NameTotalLengthMax
_LONGEST_NAME = 255


class ImageId(NamedTuple):
    """An image's full Id: C(sha256:) and 64 hexadecimal digits."""

    digest: str

    def __str__(self) -> str:
        return self.digest


class Reference(NamedTuple):
    """A repository, and within it a tag, a digest, both, or neither."""

    registry: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def name(self) -> str:
        """The repository as Docker shows it: without C(docker.io/) and C(library/)."""
        if self.registry != DEFAULT_REGISTRY:
            return f"{self.registry}/{self.repository}"
        path = self.repository
        if path.startswith(OFFICIAL) and "/" not in path[len(OFFICIAL) :]:
            return path[len(OFFICIAL) :]
        return path

    @property
    def tagged(self) -> str:
        """The repository and the tag, as in an image's RepoTags."""
        return f"{self.name}:{self.tag}"

    @property
    def pinned(self) -> str:
        """The repository and the digest, as in an image's RepoDigests."""
        return f"{self.name}@{self.digest}"

    @property
    def complete(self) -> str:
        """The registry, the repository and the tag, without what Docker leaves out when it shows names."""
        return f"{self.registry}/{self.repository}" + (f":{self.tag}" if self.tag else "")

    @property
    def listed(self) -> str:
        """The name as in lists of images: with the digest if there is one, else with the tag."""
        return self.pinned if self.digest else self.tagged

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"

    def with_default_tag(self, tag: str = DEFAULT_TAG) -> Reference:
        """Return this reference, with the given tag if it has neither tag nor digest."""
        return self if self.tag or self.digest else self._replace(tag=tag)


ImageName = Union[ImageId, Reference]


class ListedName(str):
    """A name of an image as lists of images show it: repository:tag or repository@digest.

    It is the text itself, for engines and results, and has its parts: repository, and tag or digest; the other one is
    "". Other tools may have put other texts into a store: one without a colon is a tag without a repository.
    """

    __slots__ = ("digest", "repository", "tag")

    repository: str
    tag: str
    digest: str

    def __new__(cls, text: str) -> ListedName:
        """Make it from the text."""
        name = super().__new__(cls, text)
        sign = "@" if "@" in text else ":"
        name.repository, _sign, rest = text.rpartition(sign)
        name.tag, name.digest = ("", rest) if sign == "@" else (rest, "")
        return name


def parse_reference(text: str, default_tag: str | None = DEFAULT_TAG) -> Reference:
    """Parse "[registry/]repository[:tag][@digest]".

    default_tag: the tag of a name with neither tag nor digest; None for none.
    Raise InvalidInput, whose message names the wrong part and the allowed form.
    """
    if _BARE_ID.fullmatch(text):
        # It looks like an Id. reference/normalize.go refuses it too.
        raise InvalidInput(f"'{text}' is an image Id, but a name of the form repository[:tag] is needed here.")
    rest, at, digest = text.partition("@")
    if at and not _SHA256.fullmatch(digest):
        raise InvalidInput(
            f"'{text}' is no valid image reference: after @ there must be a digest: sha256: and 64 hexadecimal digits."
        )
    path, tag = _split_tag(rest)
    if tag is not None and not _TAG.fullmatch(tag):
        raise InvalidInput(f"'{text}' is no valid image reference: '{tag}' is no valid tag. {_TAG_RULE}")
    registry, repository = _split_registry(text, path)
    reference = Reference(registry, repository, tag, digest or None)
    if default_tag is None:
        return reference
    if not _TAG.fullmatch(default_tag):
        raise InvalidInput(f"'{default_tag}' is no valid tag: {_TAG_RULE}")
    return reference.with_default_tag(default_tag)


def parse_registry(text: str) -> str:
    """Return the registry, as in references, of an address, as for docker login; raise InvalidInput."""
    host = text.partition("://")[2] or text
    host = host.partition("/")[0]
    if not _REGISTRY.fullmatch(host):
        raise InvalidInput(f"'{text}' is no registry: name its host[:port].")
    return DEFAULT_REGISTRY if host in _DEFAULT_REGISTRY_NAMES else host


def parse_image_name(text: str, default_tag: str = DEFAULT_TAG) -> ImageName:
    """Parse a reference or an image's full Id (with or without C(sha256:)); raise InvalidInput."""
    if _BARE_ID.fullmatch(text):
        return ImageId(f"sha256:{text}")
    if _SHA256.fullmatch(text):
        return ImageId(text)
    if is_written_as_id(text):
        raise InvalidInput(f"'{text}' is no image Id: sha256: is followed by 64 hexadecimal digits.")
    return parse_reference(text, default_tag)


def is_written_as_id(text: str) -> bool:
    """Return whether a text begins as a full Id does."""
    return text.startswith("sha256:")


def parse_tag(text: str, default_tag: str = DEFAULT_TAG) -> Reference:
    """Parse a reference that an image can be tagged with: one without a digest; raise InvalidInput."""
    reference = parse_reference(text, default_tag)
    if reference.name == "sha256":
        # It looks like an Id. reference/store.go refuses it too.
        raise InvalidInput(
            f"'{text}' looks like an image Id, and no image can be given such a name. Name a repository."
        )
    if reference.digest:
        raise InvalidInput(
            f"'{text}' has a digest, and a digest can't be given to an image: it follows from the content. "
            "Name a repository and a tag, as in repository:tag."
        )
    return reference


def is_reference(text: str) -> bool:
    """Return whether engines can find an image by a text: other tools may have put other names into the store."""
    try:
        parse_reference(text)
    except InvalidInput:
        return False
    return True


def may_be_short_id(name: ImageName) -> bool:
    """Return whether the engine could take a name for the beginning of an image's Id."""
    if isinstance(name, ImageId):
        return False
    return name.tag == DEFAULT_TAG and not name.digest and bool(_SHORT_ID.fullmatch(name.name))


def begins_id(name: ImageName, image_id: str) -> bool:
    """Return whether a name is the beginning of an image's Id."""
    return isinstance(name, Reference) and may_be_short_id(name) and may_mean_id(name.name, image_id)


def may_mean_id(text: str, image_id: str) -> bool:
    """Return whether a text is the beginning of an image's Id, without C(sha256:)."""
    return image_id.startswith(f"sha256:{text}")


def listed_name(text: str) -> str:
    """Return an image's name or Id in the form that lists of images have; any other text unchanged."""
    try:
        name = parse_image_name(text)
    except InvalidInput:
        return text
    return name.listed if isinstance(name, Reference) else str(name)


def digests_in(reference: Reference, names: Iterable[ListedName]) -> list[str]:
    """Return the digests of an image in a reference's repository. names: the names of the image with a digest."""
    return [name.digest for name in names if name.repository == reference.name]


def looks_like_host(first: str) -> bool:
    """Return whether the part of a name before its first slash is a registry, and not a part of the repository."""
    return "." in first or ":" in first or first == "localhost" or first.lower() != first


def _split_tag(rest: str) -> tuple[str, str | None]:
    """Split off the tag, after a colon behind the last slash: an earlier colon belongs to the registry's port."""
    path, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        return rest, None
    return path, tag


def _split_registry(text: str, path: str) -> tuple[str, str]:
    # reference/normalize.go, splitDockerDomain: the first part is a registry only if it looks like a host.
    first, slash, remainder = path.partition("/")
    registry, repository = (first, remainder) if slash and looks_like_host(first) else (DEFAULT_REGISTRY, path)
    if registry in _DEFAULT_REGISTRY_NAMES:
        registry = DEFAULT_REGISTRY
    _check_registry(text, registry)
    _check_repository(text, repository)
    if len(path) > _LONGEST_NAME:
        raise InvalidInput(f"'{text}' is no valid image reference: its name is longer than {_LONGEST_NAME} characters.")
    if registry == DEFAULT_REGISTRY and "/" not in repository:
        repository = OFFICIAL + repository
    return registry, repository


def _check_registry(text: str, registry: str) -> None:
    if not _REGISTRY.fullmatch(registry):
        raise InvalidInput(f"'{text}' is no valid image reference: '{registry}' is no host[:port] of a registry.")


def _check_repository(text: str, repository: str) -> None:
    if _REPOSITORY.fullmatch(repository):
        return
    if repository != repository.lower():
        raise InvalidInput(f"'{text}' is no valid image reference: a repository's name must be in lower case.")
    raise InvalidInput(
        f"'{text}' is no valid image reference: the repository '{repository}' must consist of lower-case "
        "letters and digits, with single dots, one or two underscores, or hyphens between them, and slashes."
    )
