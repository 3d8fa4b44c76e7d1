# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module's arguments, as Ansible passes them, in this process; with any supported ansible-core."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

from ansible.module_utils import basic

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:  # ansible-core 2.17 and 2.18 have no public way

    @contextmanager
    def patch_module_args(args: Mapping[str, Any] | None = None) -> Iterator[None]:
        """Let the next AnsibleModule of this process have these arguments."""
        given = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
        with mock.patch.object(basic, "_ANSIBLE_ARGS", given):
            yield


def import_serializers() -> None:
    """Import what Ansible imports only when a module ends: somebody else may not be able to read it."""
    try:
        from ansible.module_utils._internal._json import _profiles
    except ImportError:  # ansible-core 2.17 and 2.18 import all at once
        return
    for profile in pkgutil.iter_modules(_profiles.__path__):
        importlib.import_module(f"{_profiles.__name__}.{profile.name}")


__all__ = ["import_serializers", "patch_module_args"]
