# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter that makes text from other sources safe to show on a terminal."""

from __future__ import annotations

DOCUMENTATION = r"""
name: printable
short_description: Escape what a terminal could obey
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Escapes control characters, marks for the direction of writing, and all else that isn't printable, as Python does
    it in a string. Ends of lines stay.
  - What a command in a container prints, or what a label says, can hold escape sequences that rewrite what stands on a
    terminal. Messages of this collection's modules are escaped already, and what they return as data is not.
positional: _input
options:
  _input:
    description: The text.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what a label says, without letting it rewrite the terminal
  ansible.builtin.debug:
    msg: "{{ label | gantry.docker.printable }}"
  vars:
    label: "built by \e[31msomebody\e[0m"
"""

RETURN = r"""
_value:
  description: The text with escapes, such as V(\\x1b[31m). A text that is printable stays as it is.
  type: str
"""

from typing import Callable

from ansible_collections.gantry.docker.plugins.module_utils._errors import printable


def printable_lines(text: str) -> str:
    """Return the text with each line escaped."""
    return "\n".join(map(printable, text.split("\n")))


class FilterModule:
    """The filters of this file, under the name that Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filters by name."""
        return {"printable": printable_lines}
