# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role airgap: the inventory of a site."""

from __future__ import annotations

DOCUMENTATION = r"""
name: airgap_inventory
short_description: Write the inventory of a site
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Writes down the images that hosts have, as the role P(gantry.docker.airgap#role) reads it when it makes a bundle.
    The filter is made for that role.
positional: _input
options:
  _input:
    description:
      - A dictionary, by the names of the hosts. C(found) is the result of M(gantry.docker.image_info), and C(contents)
        a dictionary by the Ids of images, with O(gantry.docker.image_save#module:contents) for each.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Look at the images
  gantry.docker.image_info:
  register: there

- name: Show the inventory of this host
  ansible.builtin.debug:
    msg: "{{ {inventory_hostname: {'found': there}} | gantry.docker.airgap_inventory }}"
"""

RETURN = r"""
_value:
  description:
    - The text of the inventory, which is JSON.
  type: str
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.inventory import inventory
from ansible_collections.gantry.docker.plugins.plugin_utils._plain import plain


def airgap_inventory(hosts: Mapping[str, Any]) -> str:
    """Return the inventory."""
    return inventory(plain(hosts))


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"airgap_inventory": airgap_inventory}
