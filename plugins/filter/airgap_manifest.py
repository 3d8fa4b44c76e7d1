# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role airgap: the manifest of a bundle."""

from __future__ import annotations

DOCUMENTATION = r"""
name: airgap_manifest
short_description: Write the manifest of a bundle
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Writes down what a bundle holds. If the manifest that is there says the same, it stays as it is. The filter is made
    for the role P(gantry.docker.airgap#role).
positional: _input
options:
  _input:
    description:
      - A dictionary. C(made) says when, where and from what the bundle is made. C(archive) has C(name), C(size) and
        C(sha256), and C(pieces) lists what C(ansible.builtin.stat) returned for each. C(contents) is that of
        M(gantry.docker.image_save), and C(found) its C(images). C(former) is the text of the manifest that is there.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Save an image
  gantry.docker.image_save:
    name: busybox
    path: /var/tmp/gantry-example-manifest.tar
    contents: true
  register: saved

- name: Show what its manifest would say
  ansible.builtin.debug:
    msg: "{{ told | gantry.docker.airgap_manifest }}"
  vars:
    told:
      made: {at: "2026-01-01T00:00:00Z"}
      archive: {name: gantry-example-manifest.tar, size: "{{ saved.size }}", sha256: "{{ '0' * 64 }}"}
      pieces: []
      contents: "{{ saved.contents }}"
      found: "{{ saved.images }}"
      former: ""
"""

RETURN = r"""
_value:
  description:
    - The text of the manifest, which is JSON.
  type: str
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.manifest import manifest
from ansible_collections.gantry.docker.plugins.plugin_utils._plain import plain


def airgap_manifest(told: Mapping[str, Any]) -> str:
    """Return the manifest."""
    told = plain(told)
    return manifest(told, told["former"])


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"airgap_manifest": airgap_manifest}
