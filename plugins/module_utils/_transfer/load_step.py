# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""What a load is: of which archive, of what in it, and onto what; loading.py carries it out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import BinaryIO, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import ArchivedGroup
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import ArchiveIndex


class Source(NamedTuple):
    """The archive's file, open from the first reading to the last sending, so that both are of the same file.

    stamp: its size in bytes, and when its content and its attributes last changed, as it was opened.
    """

    path: str
    file: BinaryIO
    stamp: tuple[int, ...]

    @classmethod
    def of(cls, path: str, file: BinaryIO) -> Source:
        """Return the file at a path, which was opened just now."""
        return cls(path, file, _stamp(file))

    @property
    def changed(self) -> bool:
        """Whether the file was written to since it was opened."""
        return _stamp(self.file) != self.stamp


class Former(NamedTuple):
    """The engine's images before a load: the Ids that all tags name, and the Ids of all images."""

    tags: Mapping[str, str]
    ids: frozenset[str]


class Load(NamedTuple):
    """Send what is missing of the archive.

    groups: what must be there afterwards. left_out: the entries of layers that needn't be sent.
    former: what there was before, which a load that fails brings back.
    """

    source: Source
    archive: ArchiveIndex
    groups: tuple[ArchivedGroup, ...]
    left_out: frozenset[str]
    containerd: bool
    former: Former

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"Loaded {', '.join(name for group in self.groups for name in group.names)} from {self.source.path}"

    @property
    def task(self) -> str:
        """What is tried, as in errors.trying_to."""
        return f"load {self.source.path}"

    @property
    def tags(self) -> frozenset[str]:
        """The tags that it gives."""
        return frozenset(tag for group in self.groups for tag in group.tags)


class Loaded(NamedTuple):
    """How a load came out: the bytes of the archive that were sent and that were not, and the engine's own words."""

    bytes_sent: int
    bytes_skipped: int
    stdout: str


def _stamp(file: BinaryIO) -> tuple[int, ...]:
    status = os.fstat(file.fileno())
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
