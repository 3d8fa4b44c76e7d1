# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation that modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """What the modules promise alike."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode, and says exactly what a real run would do.
    support: full
  diff_mode:
    description: Tells in diff mode what differs before and after.
    support: full
  action_group:
    description: Use the action group C(gantry.docker.docker) in C(module_defaults) to set options for all at once.
    support: full
    membership:
      - gantry.docker.docker
"""

    READ_ONLY = r"""
attributes:
  check_mode:
    description: Can run in check mode; it changes nothing in any mode.
    support: full
  diff_mode:
    description: Tells in diff mode what differs before and after.
    support: N/A
    details: It changes nothing.
  action_group:
    description: Use the action group C(gantry.docker.docker) in C(module_defaults) to set options for all at once.
    support: full
    membership:
      - gantry.docker.docker
"""
