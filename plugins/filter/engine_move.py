# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role engine: what it takes to move all images to another store."""

from __future__ import annotations

DOCUMENTATION = r"""
name: engine_move
short_description: Plan the move of images to another store of a Docker engine
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Determines how all images of an engine get from one image store to the other, and what a move that was interrupted
    still needs. The filter is made for the role P(gantry.docker.engine#role).
positional: _input
options:
  _input:
    description:
      - A dictionary with the role's variables C(images), C(dangling), C(directory) and C(free), without the prefix
        C(engine_store_).
    type: dict
    required: true
  seen:
    description:
      - A dictionary with what was observed on the host. Values that aren't given are those of a host without an engine.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show that there is nothing to move
  ansible.builtin.debug:
    msg: "{{ (wanted | gantry.docker.engine_move({'running': 'classic', 'store': 'classic'})).step }}"
  vars:
    wanted:
      images: move
      dangling: true
      directory: /var/lib
      free: false
"""

RETURN = r"""
_value:
  description:
    - A dictionary. C(problems) is a list of sentences; with any, nothing may be done.
    - C(step) is V(none), V(move), V(load) (the images were saved), V(end) (they were loaded), or V(give_up).
    - C(archives) is a list of dictionaries with C(path), C(ids) and C(platform), and C(state) what the role keeps on
      the host during the move.
    - C(frees) is true if the old store's data is to be removed, and C(lines) is a list of sentences.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.gantry.docker.plugins.plugin_utils._engine.moving import Seen, plan_move
from ansible_collections.gantry.docker.plugins.plugin_utils._plain import plain


def engine_move(wanted: Mapping[str, Any], seen: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the plan as plain values."""
    found = plan_move(plain(wanted), Seen(**plain(seen or {})))
    return {**found._asdict(), "archives": [archive._asdict() for archive in found.archives]}


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"engine_move": engine_move}
