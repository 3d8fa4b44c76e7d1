# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Late imports: a module imports code for rare work only when it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

OURS = "ansible_collections.gantry.docker.plugins."
UTILS = f"{OURS}module_utils."
PULLS = {"_registry.pulling", "_registry.distribution", "_registry.patience"}
ARCHIVES = {"_archive.writer", "_archive.decompression", "_archive.trailing_index", "_archive.compressed"}
TRANSFERS = {"_archive.streamed", "_archive.verification", "_transfer.engine_archives", "_engine.progress"}
LATE = {
    "container_run": PULLS,
    "image_info": {"_image.history"},
    "image_load": ARCHIVES | TRANSFERS | {"_transfer.loading"},
    "image_prune": {"_archive.blob_sizes", "_archive.tar"},
    "image_remove": {"_container.containers"},
    "image_save": ARCHIVES | TRANSFERS | {"_archive.replacement", "_transfer.saving"},
}


@pytest.mark.parametrize("name", LATE)
def test_module_waits_for_no_import_that_it_may_not_need(name: str) -> None:
    program = f"import sys, {OURS}modules.{name}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not LATE[name] & {loaded.removeprefix(UTILS) for loaded in done.stdout.split()}
