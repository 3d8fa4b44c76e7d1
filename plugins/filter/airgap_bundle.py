# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role airgap: what the manifest of a bundle says, and whether its files are so."""

from __future__ import annotations

DOCUMENTATION = r"""
name: airgap_bundle
short_description: Read the manifest of a bundle, and compare its files with it
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Reads the manifest of a bundle, trusting nothing in it, and compares what was found of its files. The filter is
    made for the role P(gantry.docker.airgap#role).
positional: _input
options:
  _input:
    description:
      - The text of the manifest.
    type: str
    required: true
  found:
    description:
      - A dictionary by the names of files, with what C(ansible.builtin.stat) returned for each. The checksums are
        compared if they were computed, with SHA-256. Without this option, no file is compared.
    type: dict
  registry:
    description:
      - The registry that the images are to be pushed to, and a path there if need be.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show why this is no manifest
  ansible.builtin.debug:
    msg: "{{ (manifest | gantry.docker.airgap_bundle).problems }}"
  vars:
    manifest: no JSON
"""

RETURN = r"""
_value:
  description:
    - A dictionary. C(problems) is a list of sentences; with any, nothing may be done, and nothing else is returned.
    - C(names) lists the names of the images, C(files) the names of the files beside the manifest, C(pieces) those of
      the pieces. C(archive) is the name of the archive, and C(size) the number of its bytes.
    - C(targets) has the names of the images in the registry, by their own. C(lines) says in words what the bundle
      holds.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.manifest import (
    lines_of,
    parse_manifest,
    problems_with,
)
from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.report import registry_names
from ansible_collections.gantry.docker.plugins.plugin_utils._plain import plain


def airgap_bundle(text: str, found: Mapping[str, Any] | None = None, registry: str = "") -> dict[str, Any]:
    """Return what a manifest says, as plain values."""
    try:
        bundle = parse_manifest(plain(text))
        targets = registry_names(bundle.names, registry) if registry else {}
    except InvalidInput as error:
        return {"problems": [error.message]}
    if found is not None and (problems := problems_with(bundle, plain(found))):
        return {"problems": problems}
    return {
        "problems": [],
        "names": list(bundle.names),
        "files": [file.name for file in bundle.files],
        "pieces": [piece.name for piece in bundle.pieces],
        "archive": bundle.archive.name,
        "size": bundle.archive.size,
        "targets": targets,
        "lines": lines_of(bundle),
    }


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"airgap_bundle": airgap_bundle}
