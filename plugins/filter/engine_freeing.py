# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role engine: what may go of the store that images were moved from."""

from __future__ import annotations

DOCUMENTATION = r"""
name: engine_freeing
short_description: Determine what may be removed of the former image store of a Docker engine
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Determines which directories or images of the former store may be removed, after all its images were moved to the
    other store. The filter is made for the role P(gantry.docker.engine#role).
positional: _input
options:
  _input:
    description: The state of the move, as P(gantry.docker.engine_move#filter) returns it.
    type: dict
    required: true
  seen:
    description: A dictionary with what is left of the store. Values that aren't given are those of an empty store.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the directories of a store that has nothing but what was moved
  ansible.builtin.debug:
    msg: "{{ (state | gantry.docker.engine_freeing).paths }}"
  vars:
    state:
      from: classic
      root: /var/lib/docker
      driver: overlay2
      known: []
      cache: 0
"""

RETURN = r"""
_value:
  description:
    - A dictionary. C(reason) is a sentence if nothing may be removed, or else empty.
    - C(paths) lists directories, the first one being that which the others need, and C(names) images in containerd.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.gantry.docker.plugins.plugin_utils._engine.freeing import Seen, plan_freeing
from ansible_collections.gantry.docker.plugins.plugin_utils._plain import plain


def engine_freeing(state: Mapping[str, Any], seen: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the plan as plain values."""
    return plan_freeing(plain(state), Seen(**plain(seen or {})))._asdict()


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"engine_freeing": engine_freeing}
