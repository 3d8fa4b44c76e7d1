# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The step of a load: the archive, its images to load, and the state before; loading.py takes the step."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import BinaryIO, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import ArchivedGroup
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchiveIndex


class Source(NamedTuple):
    """The archive's file. It stays open from the first read to the last transfer, so that both use the same file.

    stamp: its size in bytes, and the last changes of its content and of its attributes, when it was opened.
    """

    path: str
    file: BinaryIO
    stamp: tuple[int, ...]

    @classmethod
    def of(cls, path: str, file: BinaryIO) -> Source:
        """Return the source of a file at a path that has just been opened."""
        return cls(path, file, _stamp(file))

    @property
    def changed(self) -> bool:
        """Whether the file was written to since it was opened."""
        return _stamp(self.file) != self.stamp


class Former(NamedTuple):
    """The engine's images before a load. tags: the Id of the image of each tag. ids: the Ids of all images."""

    tags: Mapping[str, str]
    ids: frozenset[str]


class Load(NamedTuple):
    """Send the missing parts of the archive.

    groups: the images that must be there afterwards. left_out: the entries of layers that need not be sent.
    former: the state before, which a load that fails restores.
    lacking: the DiffIDs of layers that neither the engine has nor the archive, by their entries. With any of these, the
    step can be foreseen but not be taken. there: the entries of layers that the engine has.
    """

    source: Source
    archive: ArchiveIndex
    groups: tuple[ArchivedGroup, ...]
    left_out: frozenset[str]
    containerd: bool
    former: Former
    lacking: Mapping[str, str] = {}
    there: frozenset[str] = frozenset()

    @property
    def sentence(self) -> str:
        """The step as a sentence."""
        return f"Loaded {', '.join(name for group in self.groups for name in group.names)} from {self.source.path}"

    @property
    def task(self) -> str:
        """The task for errors.trying_to."""
        return f"load {self.source.path}"

    @property
    def tags(self) -> frozenset[str]:
        """The tags that the load gives to images."""
        return frozenset(tag for group in self.groups for tag in group.tags)


class Loaded(NamedTuple):
    """The outcome of a load: the bytes of the archive that were sent and that were not, and the engine's messages."""

    bytes_sent: int
    bytes_skipped: int
    stdout: str


def _stamp(file: BinaryIO) -> tuple[int, ...]:
    status = os.fstat(file.fileno())
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
