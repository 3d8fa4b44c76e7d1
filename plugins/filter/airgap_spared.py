# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role airgap: the layers that a bundle need not have."""

from __future__ import annotations

DOCUMENTATION = r"""
name: airgap_spared
short_description: Find the layers that all hosts of inventories have
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Finds the layers of images that a thin archive can leave out, as each host of each inventory has them in a form
    that its store can use. The filter is made for the role P(gantry.docker.airgap#role).
positional: _input
options:
  _input:
    description:
      - A dictionary. C(found) is the result of M(gantry.docker.image_info) for the images to carry, and C(contents) a
        dictionary by their Ids, with O(gantry.docker.image_save#module:contents) for each. C(inventories) has the text
        of each inventory by the path of its file. C(names) lists the names of the images to carry.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Look at an image
  gantry.docker.image_info:
    name: debian:12
  register: there

- name: Show what a host that has the same image needn't be sent
  ansible.builtin.debug:
    msg: "{{ (told | gantry.docker.airgap_spared).layers }}"
  vars:
    told:
      found: "{{ there }}"
      inventories:
        here: "{{ {'here': {'found': there}} | gantry.docker.airgap_inventory }}"
"""

RETURN = r"""
_value:
  description:
    - A dictionary. C(problems) is a list of sentences; with any, nothing may be done.
    - C(layers) lists the DiffIDs of the layers, and C(hosts) the names of the hosts.
    - C(needs_blobs) is true if a store of a host needs layers in the form in which it has them.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.inventory import (
    Host,
    layers_of,
    parse_inventory,
    problems_with_names,
    spared_layers,
)
from ansible_collections.gantry.docker.plugins.plugin_utils._plain import plain


def airgap_spared(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the layers as plain values."""
    told = plain(told)
    hosts: list[Host] = []
    problems = problems_with_names(told.get("names") or ())
    for path, text in told["inventories"].items():
        try:
            hosts += parse_inventory(text, f"The inventory {path}")
        except InvalidInput as error:
            problems.append(error.message)
    images = layers_of(told["found"], told.get("contents") or {})
    return {
        "problems": problems,
        "layers": sorted(spared_layers(images, hosts)),
        "hosts": [host.name for host in hosts],
        "needs_blobs": any(host.needs_blobs for host in hosts),
    }


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"airgap_spared": airgap_spared}
