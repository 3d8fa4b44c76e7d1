# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host after all moves."""

from __future__ import annotations

from ansible_collections.gantry.docker.molecule.conftest import container


def test_engine_runs() -> None:
    assert container("machine").service("docker").is_running
