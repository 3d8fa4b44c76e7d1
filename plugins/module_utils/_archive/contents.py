# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The files and links of an archive, and the bytes of its documents."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import BinaryIO

from ansible_collections.gantry.docker.plugins.module_utils._archive.documents import values, weight
from ansible_collections.gantry.docker.plugins.module_utils._archive.tar import (
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
from ansible_collections.gantry.docker.plugins.module_utils._errors import Unreadable

# Registries accept manifests of 4 MiB (containerd, core/remotes/docker/resolver.go), Podman configs of 4 MiB
# (containers/image, internal/iolimits). Real ones have a hundredth of that.
MAX_DOCUMENT = 8 << 20
# The most bytes of all documents that are read from one archive.
MAX_DOCUMENTS = 64 << 20
# The document of a thin archive that lists the layers it leaves out (docs/archives.md).
THIN = "gantry-docker-thin.json"

# The most links that are followed one after the other. In real archives a link leads to a file.
_MAX_LINKS = 8


class Contents:
    """An archive's files and links, and the documents among them.

    files, links: by name. If two entries have the same name, the last one counts, as for engines: Docker unpacks
    archives, and containerd keeps the last entry.
    end: the end of the last entry. marked: whether the end mark of a tar archive follows it.
    documents: the documents that were read, by name.
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
        # The files that hard links are, by the links' names; and the set of these files.
        self._hard: dict[str, str] = {}
        self._linked: set[str] = set()

    def resolve(self, name: str) -> str | None:
        """Return the name of the file that a name resolves to through links; None if there is none."""
        for _step in range(_MAX_LINKS):
            if name in self.files:
                return name
            if name not in self.links:
                return None
            name = self.links[name]
        raise Unreadable(f"its entry {shown(name)} leads through too many links")

    def document(self, name: str) -> bytes | None:
        """Return the bytes of the file that a name resolves to; None if there is none."""
        file = self.resolve(name)
        if file is None or file in self.documents:
            return self.documents.get(file or "")
        size = self.files[file].size
        if size > min(MAX_DOCUMENT, self.bounds.document) or self._documents_size + size > MAX_DOCUMENTS:
            raise Unreadable(f"its document {shown(name)} is too large ({size} bytes)")
        return self._kept_document(file, self._read(file))

    def add(self, name: str, data: bytes) -> None:
        """Add a document that isn't in the archive."""
        self.files[name] = Entry(self.end, self.end, len(data))
        self._kept_document(name, data)

    def _kept_document(self, name: str, data: bytes) -> bytes:
        self._documents_size += weight(data)
        self._values += values(data)
        if self._documents_size > min(MAX_DOCUMENTS, self.bounds.documents) or self._values > self.bounds.values:
            raise Unreadable(f"its documents, up to {shown(name)}, are too large together")
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
            # The link would remain the old file.
            raise Unreadable(f"it has a file {shown(name)}, then a hard link to it, then the file again", REPACK)
        if member.link is None:
            self.files[name] = member.entry
        elif member.hard:
            self.links[name] = self._hard_target(name, member.link)
        else:
            self.links[name] = member.link

    def _hard_target(self, name: str, target: str) -> str:
        """Return the file that a hard link is. It must come before the link, as engines unpack in this order."""
        target = self._hard.get(target, target)
        if target not in self.files:
            raise Unreadable(
                f"its entry {shown(name)} is a hard link to {shown(target)}, but no such file comes before it", REPACK
            )
        self._hard[name] = target
        self._linked.add(target)
        return target

    def _check_paths(self, others: Set[str]) -> None:
        """Raise Unreadable if an entry is below a link or a file, or if a link leads through one.

        Docker unpacks archives: an entry below a link would be written elsewhere, and a file would replace a directory
        with all its content. others: the names of entries that are neither files nor links.
        """
        leaves = self.files.keys() | self.links.keys()
        both = next(iter(leaves & others), None)
        if both is not None:
            raise Unreadable(f"its entry {shown(both)} is a directory as well", REPACK)
        # A slash sorts before all other characters, so the entries below a name follow it at once.
        names = sorted({*leaves, *others, *self.links.values()}, key=lambda name: name.replace("/", "\0"))
        for name, following in zip(names, names[1:]):
            if following.startswith(f"{name}/") and name in leaves:
                raise Unreadable(f"its entry {shown(following)} is below {shown(name)}, which is no directory", REPACK)

    def _read(self, file: str) -> bytes:
        raise NotImplementedError


class PlainContents(Contents):
    """The contents of an uncompressed archive in a file: documents are read when they are needed."""

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
