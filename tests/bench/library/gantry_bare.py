# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module that imports what every module of the SDK's must, and ends: the floor that others stand on."""

from __future__ import annotations

import docker
from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Do nothing, and tell with what."""
    AnsibleModule(argument_spec={}, supports_check_mode=True).exit_json(changed=False, sdk=docker.__version__)


if __name__ == "__main__":
    main()
