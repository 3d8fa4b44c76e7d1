# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role golden_image: the part of an image's config that is the same in every store."""

from __future__ import annotations

DOCUMENTATION = r"""
name: effective_config
short_description: Reduce an image's config to the settings that shape its containers
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Keeps the settings of an image's config that shape the containers made from it, such as C(Cmd), C(Env) and
    C(Labels), and leaves out those that are empty. All copies of an image have the same effective config, in every
    store and on every host.
positional: _input
options:
  _input:
    description: The config of an image, C(Config) in the result of C(docker image inspect) or
      M(gantry.docker.image_info).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what shapes the containers of an image
  ansible.builtin.debug:
    msg: "{{ config | gantry.docker.effective_config }}"
  vars:
    config: {Cmd: [sh], Env: [], Hostname: 5f2d9c}
"""

RETURN = r"""
_value:
  description: The settings that aren't empty.
  type: dict
  sample: {"Cmd": ["sh"]}
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._image.identity import effective_config


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"effective_config": effective_config}
