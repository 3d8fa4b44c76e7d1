# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names and digests that a verifier gets for the images of an archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._archive.groups import groups_of
from ansible_collections.gantry.docker.plugins.module_utils._archive.index import read_index
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform
from ansible_collections.gantry.docker.tests.support import archives
from ansible_collections.gantry.docker.tests.support.archives import APP, ARM, TOOL, Content

INDEX = archives.index_of(APP, ARM)
NAMELESS = replace(TOOL, tags=())
MANIFEST = archives.digest(archives.manifest(TOOL))
PACKED = archives.digest(archives.manifest(TOOL, "gzip"))


@pytest.mark.parametrize(
    ("entries", "subjects"),
    [
        (archives.legacy(TOOL), {("docker.io/library/tool:2", TOOL.config_digest)}),
        (archives.legacy(NAMELESS), {("", TOOL.config_digest)}),
        (archives.oci(TOOL), {("docker.io/library/tool:2", MANIFEST)}),
        (archives.oci(TOOL, compression="gzip"), {("docker.io/library/tool:2", PACKED)}),
        (archives.both(TOOL), {("docker.io/library/tool:2", MANIFEST)}),
        (archives.both(NAMELESS), {("", MANIFEST)}),
        (
            archives.both(APP),
            {
                ("docker.io/library/app:1", archives.digest(archives.manifest(APP))),
                ("registry.example:5000/team/app:stable", archives.digest(archives.manifest(APP))),
            },
        ),
        (
            archives.multi_platform(INDEX, ["app:1"], APP, ARM),
            {("docker.io/library/app:1", archives.digest(INDEX))},
        ),
        (archives.multi_platform(INDEX, ["app:1"], ARM), {("docker.io/library/app:1", archives.digest(INDEX))}),
    ],
)
@pytest.mark.parametrize("containerd", [True, False])
def test_the_digest_is_that_of_the_outermost_document(
    tmp_path: Path, entries: Mapping[str, Content], subjects: set[tuple[str, str]], containerd: bool
) -> None:
    (tmp_path / "images.tar").write_bytes(archives.tar(entries))
    index = read_index(tmp_path / "images.tar")
    groups = groups_of(index, lambda: Platform("linux", "amd64"), lambda: containerd)
    assert {subject for group in groups for subject in group.subjects} == subjects
