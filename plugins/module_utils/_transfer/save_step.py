# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""What a save is: of which images, to where, and how; saving.py carries it out."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.compression import Compression
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform
from ansible_collections.gantry.docker.plugins.module_utils._plan import Files
from ansible_collections.gantry.docker.plugins.module_utils._transfer.found import Found


class Save(NamedTuple):
    """Write the archive.

    only: the platform to save. right: what the archive must be then. leftovers: files beside it that saves which were
    killed have left.
    """

    names: tuple[str, ...]
    only: Platform | None
    path: str
    right: Found
    compression: Compression
    files: Files
    leftovers: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What the step does."""
        return f"Saved {', '.join(self.names)} to {self.path}"
