# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of attributes that the modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes that the modules have in common."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode, and reports exactly what a real run would do.
    support: full
  diff_mode:
    description: Reports in diff mode what differs before and after.
    support: full
  action_group:
    description: Use the action group C(gantry.docker.docker) in C(module_defaults) to set options for all modules at
      once.
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
    description: Reports in diff mode what differs before and after.
    support: N/A
    details: It changes nothing.
  action_group:
    description: Use the action group C(gantry.docker.docker) in C(module_defaults) to set options for all modules at
      once.
    support: full
    membership:
      - gantry.docker.docker
"""
