# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role images: one report of what its tasks did, or in check mode would do."""

from __future__ import annotations

DOCUMENTATION = r"""
name: images_report
short_description: Combine the results of the role images into one report
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Combines the results of the modules that the role P(gantry.docker.images#role) runs into one report. The report of a
    check run is the same as that of the real run that follows. The filter is made for that role.
positional: _input
options:
  _input:
    description:
      - A dictionary. C(removed), C(pulled), C(loaded), C(tagged) and C(pruned) are the registered results, with or
        without a loop.
      - C(foreseen) lists the tags that M(gantry.docker.image_tag) can't foresee in a check run, because their images
        aren't on the host yet. C(targets) is the result with the images that have these names now.
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
  description: The value of the role's fact C(images_report).
  type: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gantry.docker.plugins.plugin_utils._images.report import report


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"images_report": report}
