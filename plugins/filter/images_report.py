# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role images: one report of what its tasks did, or would do in check mode."""

from __future__ import annotations

DOCUMENTATION = r"""
name: images_report
short_description: What the tasks of the role images did
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Puts the results of the modules that the role P(gantry.docker.images#role) calls into one report, the same for a
    check run and for the run that it foretells. It is made for that role.
positional: _input
options:
  _input:
    description:
      - A dictionary with the results as registered, with or without a loop, under the keys C(removed), C(pulled),
        C(loaded), C(tagged) and C(pruned). C(foreseen) are the tags that a check run couldn't foretell by
        M(gantry.docker.image_tag), as their images aren't here yet, and C(targets) the images that have these names
        now.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Remove an image
  gantry.docker.image_remove:
    name: example/tools:1
  register: removed

- name: Show what came of it
  ansible.builtin.debug:
    msg: "{{ ({'removed': removed} | gantry.docker.images_report).lines }}"
"""

RETURN = r"""
_value:
  description: The role's fact C(images_report).
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gantry.docker.plugins.plugin_utils._images.report import report


class FilterModule:
    """The filters of this file, under the name that Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"images_report": report}
