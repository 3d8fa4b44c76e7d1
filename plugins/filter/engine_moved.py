# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role engine: the images of a move, compared with those of a store."""

from __future__ import annotations

DOCUMENTATION = r"""
name: engine_moved
short_description: Compare the images of a move with those of a store
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Compares images by their identity (platform, time of creation, layers, settings of containers), which is the same in
    both stores, and by their tags. The filter is made for the role P(gantry.docker.engine#role).
positional: _input
options:
  _input:
    description: The state of the move, as P(gantry.docker.engine_move#filter) returns it.
    type: dict
    required: true
  images:
    description: The images of the store, as M(gantry.docker.image_info) returns them.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show that nothing is lost where nothing was
  ansible.builtin.debug:
    msg: "{{ ({'images': []} | gantry.docker.engine_moved([])).missing }}"
"""

RETURN = r"""
_value:
  description:
    - A dictionary. C(missing) lists images that the store lacks, or lacks under one of their tags, and C(further) those
      that only the store has.
    - C(digests) lists the names with digests that the store lacks.
    - C(displaced) has the Ids of images that would lose their last tag to an image of the move, each with another tag.
  type: dict
"""

from collections.abc import Iterable, Mapping
from typing import Any, Callable

from ansible_collections.gantry.docker.plugins.plugin_utils._engine.moving import compare
from ansible_collections.gantry.docker.plugins.plugin_utils._plain import plain


def engine_moved(state: Mapping[str, Any], images: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the difference as plain values."""
    return compare(plain(state), plain(images))._asdict()


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"engine_moved": engine_moved}
