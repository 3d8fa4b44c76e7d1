# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role golden_image takes of a base what the modules take of an image."""

from __future__ import annotations

from pathlib import Path

import yaml

from ansible_collections.gantry.docker.plugins.module_utils._image.identity import EFFECTIVE_CONFIG

VARIABLES = Path(__file__).resolve().parents[2] / "roles" / "golden_image" / "vars" / "main.yml"


def test_the_same_config_counts() -> None:
    assert tuple(yaml.safe_load(VARIABLES.read_text())["__golden_image_config_keys"]) == EFFECTIVE_CONFIG
