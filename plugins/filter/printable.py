# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter that makes text from elsewhere safe to show on a terminal."""

from __future__ import annotations

DOCUMENTATION = r"""
name: printable
short_description: Escape characters that could control a terminal
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Escapes control characters, marks for the writing direction, and all other characters that aren't printable, as
    Python does in a string. Line ends stay.
  - The output of a command in a container, or the value of a label, can contain escape sequences that rewrite text on a
    terminal. The messages of this collection's modules are escaped already. The data that they return is not.
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
  description: The text with escapes, such as V(\\x1b[31m). A printable text is returned unchanged.
  type: str
"""

from typing import Callable

from ansible_collections.gantry.docker.plugins.module_utils._errors import printable


def printable_lines(text: str) -> str:
    """Return the text with each of its lines escaped."""
    return "\n".join(map(printable, text.split("\n")))


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filters by name."""
        return {"printable": printable_lines}
