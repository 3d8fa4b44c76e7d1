# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Values from playbooks, for the filters."""

from __future__ import annotations

import json
from typing import Any


def plain(value: Any) -> Any:
    """Return a value from Ansible as plain dictionaries, lists, strings, numbers, booleans and None."""
    return json.loads(json.dumps(value))
