# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The answer of a host to the controller, which is about to deliver an archive."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import ArchivedGroup
from ansible_collections.gantry.docker.plugins.module_utils._transfer.load_step import Load
from ansible_collections.gantry.docker.plugins.module_utils._transfer.obstacles import free_in


def delivery_of(step: Load, directory: str, groups: Sequence[ArchivedGroup]) -> dict[str, Any]:
    """Return the facts that decide what the controller sends.

    lacking, there: the layers of the images to load that the engine lacks and has. free: the free bytes in the
    directory that the archive comes to. zstd: whether this host's Python reads zstd. subjects: those of all
    images that are chosen, about which the controller asks the verifier. groups: these images.
    """
    return {
        "lacking": sorted(step.lacking),
        "there": sorted(step.there),
        "free": free_in(directory),
        "zstd": find_spec("zstandard") is not None,
        "subjects": [list(subject) for group in groups for subject in group.subjects],
    }
