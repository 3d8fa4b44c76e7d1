# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The options of all modules that use registries. They are parsed in _registry/credentials.py.

They have a file of their own because _task imports them for every module, and few modules need the rest.
"""

from __future__ import annotations

from typing import Any

# They are documented in doc_fragments/registry.py: ACCESS_SPEC as ACCESS, the other options of REGISTRY_SPEC as
# DOCUMENTATION.
ACCESS_SPEC: dict[str, dict[str, Any]] = {
    "credentials": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "no_log": False,
        "options": {
            "registry": {"type": "str", "required": True},
            "username": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
        },
    },
    "config_path": {"type": "path", "aliases": ["dockercfg_path"]},
    "retry_for": {"type": "int", "default": 30},
}
REGISTRY_SPEC: dict[str, dict[str, Any]] = {
    "tag": {"type": "str", "default": "latest"},
    **ACCESS_SPEC,
    "parallel": {"type": "int", "default": 4},
}
