# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The published collection is small, and has no files for its development."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LARGEST = 360 * 1024  # bytes: about 310 KiB of code and its documentation, and no room for data
PUBLISHED = {
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "SECURITY.md",
    "changelogs",
    "meta",
    "playbooks",
    "plugins",
    "roles",
}


def test_builds_small_and_of_what_users_need(tmp_path: Path) -> None:
    subprocess.run(["ansible-galaxy", "collection", "build", "--output-path", tmp_path, REPOSITORY], check=True)
    (built,) = tmp_path.iterdir()
    with tarfile.open(built) as tarball:
        names = tarball.getnames()
    assert {name.split("/")[0] for name in names} == PUBLISHED
    assert not [name for name in names if "bench" in name or name.startswith("changelogs/fragments")]
    assert built.stat().st_size < LARGEST
