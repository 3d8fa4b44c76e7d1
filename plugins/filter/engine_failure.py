# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role engine: why an engine didn't start, from its journal."""

from __future__ import annotations

DOCUMENTATION = r"""
name: engine_failure
short_description: Find the reason of a failure in the journal of a Docker engine
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Finds the messages in which an engine says why it can't start, or why it keeps its old configuration. Without such
    messages, the last lines that aren't merely informative are returned. The filter is made for the role
    P(gantry.docker.engine#role).
positional: _input
options:
  _input:
    description: The journal's text.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Read the journal
  ansible.builtin.command:
    argv: [journalctl, --unit=docker.service, --lines=50, --output=cat]
  changed_when: false
  register: journal

- name: Show why the engine doesn't run
  ansible.builtin.debug:
    msg: "{{ journal.stdout | gantry.docker.engine_failure }}"
"""

RETURN = r"""
_value:
  description: The messages, a line each. Characters that could control a terminal are escaped.
  type: str
"""

from typing import Callable

from ansible_collections.gantry.docker.plugins.plugin_utils._engine.failure import why


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filters by their names."""
        return {"engine_failure": why}
