# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role airgap: what has to be known of the images of an engine."""

from __future__ import annotations

DOCUMENTATION = r"""
name: airgap_images
short_description: List what has to be known of the images of an engine for an inventory
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Lists the images with a name that are whole, and says whether the engine's store needs layers in the form in
    which it has them. The filter is made for the role P(gantry.docker.airgap#role).
positional: _input
options:
  _input:
    description:
      - The result of M(gantry.docker.image_info).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Look at the images
  gantry.docker.image_info:
  register: there

- name: Show whether a thin archive needs the blobs that the store has
  ansible.builtin.debug:
    msg: "{{ (there | gantry.docker.airgap_images).needs_blobs }}"
"""

RETURN = r"""
_value:
  description:
    - A dictionary. C(ids) lists the Ids of the images, and C(layers) the DiffIDs of all their layers.
    - C(needs_blobs) is true for a containerd store, and false for a classic one.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.inventory import named_images, needs_blobs
from ansible_collections.gantry.docker.plugins.plugin_utils._plain import plain


def airgap_images(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what has to be known, as plain values."""
    images = named_images(plain(found))
    layers = {layer: None for image in images for layer in (image.get("RootFS") or {}).get("Layers") or ()}
    return {"ids": [image["Id"] for image in images], "layers": list(layers), "needs_blobs": needs_blobs(images)}


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"airgap_images": airgap_images}
