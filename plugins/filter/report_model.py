# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role report: what it shows, made of the results of its tasks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report_model
short_description: Combine the results of the role report into what it shows
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Combines the results of the tasks of the role P(gantry.docker.report#role) into the content of its page and of its
    JSON file. The filter is made for that role.
positional: _input
options:
  _input:
    description:
      - A dictionary with a dictionary for each host. In this, C(images) is the result of M(gantry.docker.image_info)
        with C(history) and C(sizes), C(containers) of M(gantry.docker.container_info), C(pruned) of
        M(gantry.docker.image_prune) with C(explain), and C(pulled) of M(gantry.docker.image_pull), or empty. C(equal)
        is a name; hosts with the same one should have the same images.
    type: dict
    required: true
  made:
    description: The time at which the report was made.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: List images with their layers
  gantry.docker.image_info:
    history: true
    sizes: true
  register: images

- name: List containers
  gantry.docker.container_info:
  register: containers

- name: See what a prune would remove
  gantry.docker.image_prune:
    explain: true
  check_mode: true
  register: pruned

- name: Show which layers are shared, by how many images
  ansible.builtin.debug:
    msg: "{{ item.size }} bytes: {{ item.images | join(', ') }}"
  loop: "{{ ({'here': found} | gantry.docker.report_model).hosts.here.layers }}"
  loop_control:
    label: "{{ item.id }}"
  vars:
    found:
      images: "{{ images }}"
      containers: "{{ containers }}"
      pruned: "{{ pruned }}"
      pulled: {}
      equal: all
"""

RETURN = r"""
_value:
  description: The content of the role's JSON file.
  type: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.gantry.docker.plugins.plugin_utils._report.model import model


def report_model(hosts: Mapping[str, Mapping[str, Any]], made: str = "") -> dict[str, Any]:
    """Return the report of all hosts."""
    return model(hosts, made)


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"report_model": report_model}
