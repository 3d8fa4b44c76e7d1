# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role engine: what it takes to configure an engine as its variables ask."""

from __future__ import annotations

DOCUMENTATION = r"""
name: engine_plan
short_description: Plan the configuration of a Docker engine
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Merges the variables of the role P(gantry.docker.engine#role) into an engine's configuration file, and determines
    whether the engine must be reloaded or restarted for that. The filter is made for that role.
positional: _input
options:
  _input:
    description:
      - A dictionary with the role's variables, without their prefix.
    type: dict
    required: true
  observed:
    description:
      - A dictionary with what was observed on the host. Values that aren't given are those of a host without an engine.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the configuration file that would be written
  ansible.builtin.debug:
    msg: "{{ ({'mtu': 1400} | gantry.docker.engine_plan({'config': current})).config }}"
  vars:
    current: '{"debug": true}'
"""

RETURN = r"""
_value:
  description:
    - A dictionary. C(problems) is a list of sentences; with any, nothing may be done.
    - C(config) is the text of the configuration file, and C(is_changed) is true if the file has another one.
    - C(files) is a list of dictionaries with C(path), C(content) and C(secret), and C(absent) a list of paths.
    - C(action) is V(none), V(start), V(reload) or V(restart), and C(reasons) lists the keys that need the restart.
    - C(stopped) lists the running containers that the restart stops.
    - C(unsupported) and C(lines) are lists of sentences, C(users), C(arguments) and C(store) what the role needs.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.gantry.docker.plugins.plugin_utils._engine.planning import Observed, plan
from ansible_collections.gantry.docker.plugins.plugin_utils._plain import plain

_NOTHING = Observed(
    is_new=True,
    installed=False,
    active=False,
    version="",
    validates=False,
    config=None,
    applied=None,
    properties="",
    environment="",
    info={},
    containers=[],
    certificates=[],
    files={},
    members=[],
    unknown_users=[],
)


def engine_plan(wanted: Mapping[str, Any], observed: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the plan as plain values."""
    found = plan(plain(wanted), _NOTHING._replace(**plain(observed or {})))
    return {**found._asdict(), "files": [file._asdict() for file in found.files]}


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"engine_plan": engine_plan}
