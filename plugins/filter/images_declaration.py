# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role images: the tasks that follow from its variables, and the problems in them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: images_declaration
short_description: What follows from the images that a host is declared to have and not to have
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Reads what the role P(gantry.docker.images#role) was given, finds what contradicts itself or can't be, and puts
    together what can be done in one task. It is made for that role, which refuses to do anything if there are problems.
positional: _input
options:
  _input:
    description:
      - A dictionary with the keys C(present), C(archives), C(pinned), C(tagged) and C(absent), each as the role takes
        it; C(registries), those that there are credentials for; and C(retention), a dictionary of the role's options
        for pruning without their prefix, or nothing if nothing shall be pruned.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what is wrong with this
  ansible.builtin.debug:
    msg: "{{ (declared | gantry.docker.images_declaration).problems }}"
  vars:
    declared:
      present:
        - names: [debian:12]
      absent: [debian:*]
"""

RETURN = r"""
_value:
  description:
    - C(problems), a list of sentences; C(pulls), a list of dictionaries with the options C(names), C(platform) and
      C(policy) of M(gantry.docker.image_pull); C(tags), one with the options C(name) and C(repository) of
      M(gantry.docker.image_tag); and C(names), all names of images that are to be here.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.gantry.docker.plugins.module_utils._errors import printable
from ansible_collections.gantry.docker.plugins.plugin_utils._images.declaration import declare


def images_declaration(declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tasks that follow from a declaration, and its problems, as plain values."""
    found = declare(declared)
    return {
        "problems": [printable(problem) for problem in found.problems],
        "pulls": [{"names": names, "platform": key[0], "policy": key[1]} for key, names in found.pulls.items()],
        "tags": [{"name": source, "repository": targets} for source, targets in found.tags.items()],
        "names": list(found.names),
    }


class FilterModule:
    """The filters of this file, under the name that Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"images_declaration": images_declaration}
