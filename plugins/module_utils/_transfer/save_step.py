# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The step of a save: the images, the place of the archive, and its form; saving.py takes the step."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.compression import Compression
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform
from ansible_collections.gantry.docker.plugins.module_utils._plan import Files
from ansible_collections.gantry.docker.plugins.module_utils._transfer.found import Found


class Save(NamedTuple):
    """Write the archive.

    only: the only platform to save; None for all. right: the archive that there must be then. leftovers: files that
    killed saves have left beside it. checksum: whether to compute the SHA-256 of the archive.
    """

    names: tuple[str, ...]
    only: Platform | None
    path: str
    right: Found
    compression: Compression
    files: Files
    leftovers: tuple[str, ...] = ()
    checksum: bool = False

    @property
    def sentence(self) -> str:
        """The step as a sentence."""
        return f"Saved {', '.join(self.names)} to {self.path}"


class Saved(NamedTuple):
    """The outcome of a save. sha256: of the archive; None unless the step asked for it."""

    sha256: str | None
