# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an archive contains, and the JSON documents in it, read with distrust."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence, Set
from functools import cache
from math import isinf
from typing import Any, BinaryIO

from ansible_collections.gantry.docker.plugins.module_utils.image.errors import Unreadable
from ansible_collections.gantry.docker.plugins.module_utils.image.tar import (
    MAX_UNPACKED,
    REPACK,
    Bounds,
    Entry,
    FileSource,
    Member,
    Source,
    Tar,
    Unmarked,
    shown,
)

# Registries take manifests of 4 MiB (containerd, core/remotes/docker/resolver.go), Podman configs of
# 4 MiB (containers/image, internal/iolimits); real ones have a hundredth of that.
MAX_DOCUMENT = 8 << 20
# All documents that are read of one archive.
MAX_DOCUMENTS = 64 << 20
# What an archive of ours leaves out, because who loads it has it already (docs/archives.md).
THIN = "gantry-docker-thin.json"

# A link in an archive leads to a file, not to further links.
_MAX_LINKS = 8

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_BLOB = re.compile(r"blobs/(sha256|sha512)/([0-9a-f]+)")
# <hex>.json from Docker and Podman, sha256:<hex> from go-containerregistry.
_CONFIG = re.compile(r"(?:.*/)?(?:sha256:)?([0-9a-f]{64})(?:\.json)?", re.DOTALL)


class Contents:
    """An archive's files and links, and a way to read the small ones.

    files, links: by name. Of two entries with one name the last counts, as it does for engines:
    Docker unpacks archives, and containerd remembers the last.
    end: where the last entry ends. marked: whether the mark of an archive's end follows it.
    documents: the small files that were read, by name.
    """

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds.of(MAX_UNPACKED)
        self.files: dict[str, Entry] = {}
        self.links: dict[str, str] = {}
        self.end = 0
        self.marked = True
        self.documents: dict[str, bytes] = {}
        self._documents_size = 0
        self._values = 0
        # By the names of hard links the files that they are, and these files.
        self._hard: dict[str, str] = {}
        self._linked: set[str] = set()

    def resolve(self, name: str) -> str | None:
        """The file that a name means, through links; None if there is none."""
        for _step in range(_MAX_LINKS):
            if name in self.files:
                return name
            if name not in self.links:
                return None
            name = self.links[name]
        raise Unreadable(f"its entry {shown(name)} is a link to links without end")

    def document(self, name: str) -> bytes | None:
        """The bytes of the file that a name means; None if there is none."""
        file = self.resolve(name)
        if file is None or file in self.documents:
            return self.documents.get(file or "")
        size = self.files[file].size
        if size > min(MAX_DOCUMENT, self.bounds.document) or self._documents_size + size > MAX_DOCUMENTS:
            raise Unreadable(f"its description of images in {shown(name)} is too large ({size} bytes)")
        return self._kept_document(file, self._read(file))

    def add(self, name: str, data: bytes) -> None:
        """Add a document that is nowhere in the archive."""
        self.files[name] = Entry(self.end, self.end, len(data))
        self._kept_document(name, data)

    def _kept_document(self, name: str, data: bytes) -> bytes:
        self._documents_size += weight(data)
        self._values += values(data)
        if self._documents_size > min(MAX_DOCUMENTS, self.bounds.documents) or self._values > self.bounds.values:
            raise Unreadable(f"its descriptions of images, up to {shown(name)}, are too large in all")
        self.documents[name] = data
        return data

    def _walk(self, source: Source, visit: Callable[[Member], None]) -> None:
        tar = Tar(source, self.bounds)
        try:
            for member in tar:
                self._add(member)
                visit(member)
        except Unmarked:
            self.marked = False
        self.end = tar.end
        self._check_paths(tar.others)

    def _add(self, member: Member) -> None:
        name = member.name
        self.files.pop(name, None)
        self.links.pop(name, None)
        self._hard.pop(name, None)
        if name in self._linked:
            # The link remains the old file.
            raise Unreadable(f"it has a file {shown(name)}, a hard link to that, and the file again", REPACK)
        if member.link is None:
            self.files[name] = member.entry
        elif member.hard:
            self.links[name] = self._hard_target(name, member.link)
        else:
            self.links[name] = member.link

    def _hard_target(self, name: str, target: str) -> str:
        """The file that a hard link is: engines link what they have unpacked so far."""
        target = self._hard.get(target, target)
        if target not in self.files:
            raise Unreadable(
                f"its entry {shown(name)} is a hard link to {shown(target)}, and no such file comes before it", REPACK
            )
        self._hard[name] = target
        self._linked.add(target)
        return target

    def _check_paths(self, others: Set[str]) -> None:
        """Raise Unreadable if some entries lie below a link or a file, or some links lead through one.

        Docker unpacks archives: what lies below a link is written elsewhere, and a file takes the place of a
        directory with all that is in it. others: the names of entries that are neither files nor links.
        """
        leaves = self.files.keys() | self.links.keys()
        both = next(iter(leaves & others), None)
        if both is not None:
            raise Unreadable(f"its entry {shown(both)} is a directory as well", REPACK)
        # What lies below a name follows it at once: no other character comes before a slash.
        names = sorted({*leaves, *others, *self.links.values()}, key=lambda name: name.replace("/", "\0"))
        for name, following in zip(names, names[1:]):
            if following.startswith(f"{name}/") and name in leaves:
                raise Unreadable(
                    f"its entry {shown(following)} lies below {shown(name)}, which is no directory", REPACK
                )

    def _read(self, file: str) -> bytes:
        raise NotImplementedError


class PlainContents(Contents):
    """Those of an archive that can be sought in: documents are read when they are asked for."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        super().__init__(Bounds.of(size))
        self._file = file
        self._walk(FileSource(file, size), lambda member: None)

    def _read(self, file: str) -> bytes:
        entry = self.files[file]
        self._file.seek(entry.offset)
        data = b"".join(entry.content(lambda size: iter([self._file.read(size)])))
        if len(data) < entry.size:
            raise Unreadable("it was changed while it was read")
        return data


def blob_digest(name: str) -> str | None:
    """The digest that a blob's name in an OCI layout claims (image-spec, image-layout.md, Blobs)."""
    match = _BLOB.fullmatch(name)
    digest = f"{match.group(1)}:{match.group(2)}" if match else ""
    return digest if _DIGEST.fullmatch(digest) else None


def blob_name(digest: str) -> str:
    """The name of a blob in an OCI layout."""
    return f"blobs/{digest.replace(':', '/')}"


def config_digest(name: str) -> str | None:
    """The digest that the name of an image's config claims; None if it claims none."""
    match = _CONFIG.fullmatch(name)
    return blob_digest(name) or (f"sha256:{match.group(1)}" if match else None)


def digest_of(data: bytes, algorithm: str = "sha256") -> str:
    """The digest of a document."""
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def check_digest(data: bytes, claimed: str, name: str) -> None:
    """Raise Unreadable unless the data has the digest that is claimed for it."""
    if digest_of(data, claimed.partition(":")[0]) != claimed:
        raise Unreadable(f"its {shown(name)} is damaged or was altered: it doesn't have the digest {claimed}")


def weight(data: bytes) -> int:
    """Return how many bytes of memory the text of a JSON document takes: wide characters widen all that is beside."""
    wide = not data.isascii() or data.count(b"\\u") > data.count(b"\\u00")
    return 4 * len(data) if wide else len(data)


def values(data: bytes) -> int:
    """Return a number that a JSON document has no more values than, without parsing it."""
    return data.count(b",") + data.count(b"[") + data.count(b"{") + 1


def parsed(data: bytes, name: str) -> Any:
    """Return a JSON document.

    Raise Unreadable for what is no JSON, for an object with two equal keys (RFC 8259, section 4: readers differ),
    and for what is deeper or has longer numbers than Python can bear.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
        if b"\\u" in data:
            # Half of a surrogate pair is a valid escape, and fails whoever prints it.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except _Twice as error:
        raise Unreadable(f"its {shown(name)} says {shown(str(error))} twice", REPACK) from error
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"its {shown(name)} is no valid JSON") from error
    return value


def fields(value: Any, known: frozenset[str], name: str) -> dict[str, Any]:
    """Return an object of which Go's encoding/json makes a struct with these fields, if its keys have one reading.

    Go takes a key in any case for a field, so that of RepoTags and repotags the last counts. Raise Unreadable for a
    key that differs from a field in nothing but case.
    """
    found = object_of(value, name)
    if not found.keys() <= known:
        folded = _folded(known)
        for key in found.keys() - known:
            if fold(key) in folded:
                raise Unreadable(
                    f"its {shown(name)} says {shown(key)}, which engines take for {folded[fold(key)]}", REPACK
                )
    return found


def renamed(value: Any, known: frozenset[str], name: str) -> dict[str, Any]:
    """Return an object with the keys that Go's encoding/json takes for these fields named like them.

    For configs: people write some by hand, and an engine keeps them byte for byte. Raise Unreadable if two keys are
    the same to Go.
    """
    found = object_of(value, name)
    if found.keys() <= known:
        return found
    folded = _folded(known)
    result: dict[str, Any] = {}
    for key, item in found.items():
        field = folded.get(fold(key), key)
        if field in result:
            raise Unreadable(f"its {shown(name)} says {shown(key)}, and {field} in other letters too", REPACK)
        result[field] = item
    return result


@cache
def _folded(known: frozenset[str]) -> dict[str, str]:
    return {fold(field): field for field in known}


def fold(key: str) -> str:
    """Return a key such that those are equal that Go's encoding/json takes for the same field.

    Fields' names have letters of ASCII alone: beside their cases these have the long s and the sign for Kelvin
    (Unicode's simple case folding; encoding/json, fold.go).
    """
    return key.replace("\u017f", "s").lower()


def object_of(value: Any, name: str) -> dict[str, Any]:
    """The value if it is an object."""
    if not isinstance(value, dict):
        raise Unreadable(f"its {shown(name)} has no object where there must be one")
    return value


def objects(value: Any, name: str) -> list[dict[str, Any]]:
    """The value if it is a list of objects; empty for none at all (Go writes null for an empty list)."""
    return [object_of(item, name) for item in _list(value, name)]


def texts(value: Any, name: str) -> tuple[str, ...]:
    """The value if it is a list of strings; empty for none at all."""
    return tuple(text(item, name) for item in _list(value, name))


def text(value: Any, name: str) -> str:
    """The value if it is a string; empty for none at all."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unreadable(f"its {shown(name)} has no string where there must be one")
    return value


def digest(value: Any, name: str) -> str:
    """The value if it is a digest."""
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise Unreadable(f"its {shown(name)} has no digest where there must be one")
    return value


def mapping(value: Any, name: str) -> dict[str, Any]:
    """The value if it is an object; empty for none at all."""
    return {} if value is None else object_of(value, name)


def _list(value: Any, name: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unreadable(f"its {shown(name)} has no list where there must be one")
    return value


def _integer(digits: str) -> int:
    # Reading a number takes quadratic time, without a limit before Python 3.10.7. Go's are of 64 bits.
    if len(digits) > 20:
        raise ValueError("a number is too long")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise ValueError("a number is too large")
    return number


def _constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


class _Twice(Exception):
    """An object has a key twice."""


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        for key, _item in pairs:
            if key not in value:
                raise _Twice(key)
            del value[key]
    return value
