# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role images: the problems, pulls and tags that follow from a declaration."""

from __future__ import annotations

DOCUMENTATION = r"""
name: images_declaration
short_description: Check a declaration of images, and derive the pulls and tags from it
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Reads the variables of the role P(gantry.docker.images#role), finds contradictions and impossible entries, and
    groups what one task can do. The filter is made for that role. The role refuses to do anything if there are
    problems.
positional: _input
options:
  _input:
    description:
      - A dictionary. C(present), C(archives), C(pinned), C(tagged) and C(absent) have the values of the role's
        variables of these names. C(registries) lists the registries that there are credentials for. C(retention) is a
        dictionary of the role's options for pruning, without their prefix, or null if nothing is pruned.
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
      absent: ["debian:*"]
"""

RETURN = r"""
_value:
  description:
    - A dictionary with the following keys.
    - C(problems) is a list of sentences.
    - C(pulls) is a list of dictionaries with the options C(names), C(platform) and C(policy) of
      M(gantry.docker.image_pull).
    - C(tags) is a list of dictionaries with the options C(name) and C(repository) of M(gantry.docker.image_tag).
    - C(names) is a list of all names of images that are to be on the host.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.gantry.docker.plugins.module_utils._errors import printable
from ansible_collections.gantry.docker.plugins.plugin_utils._images.declaration import declare


def images_declaration(declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the problems, pulls, tags and names that follow from a declaration, as plain values."""
    found = declare(declared)
    return {
        "problems": [printable(problem) for problem in found.problems],
        "pulls": [{"names": names, "platform": key[0], "policy": key[1]} for key, names in found.pulls.items()],
        "tags": [{"name": source, "repository": targets} for source, targets in found.tags.items()],
        "names": list(found.names),
    }


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"images_declaration": images_declaration}
