# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why an engine failed, from journals as engines write them."""

from __future__ import annotations

import pytest

from ansible_collections.gantry.docker.plugins.plugin_utils._engine.failure import why

START = """\
Starting docker.service - Docker Application Container Engine...
time="2026-11-27T14:00:00.000000000Z" level=info msg="Starting up"
failed to start daemon: Error initializing network controller: error creating "bridge" network: no \x1b[31mbridge
docker.service: Main process exited, code=exited, status=1/FAILURE
docker.service: Failed with result 'exit-code'.
docker.service: Scheduled restart job, restart counter is at 1.
failed to start daemon: Error initializing network controller: error creating "bridge" network: no \x1b[31mbridge
"""


@pytest.mark.parametrize(
    ("journal", "said"),
    [
        (START, 'failed to start daemon: Error initializing network controller: error creating "bridge" network: no '
         r"\x1b[31mbridge"),
        ('time="x" level=error msg="Error reconfiguring the daemon: the \\"r\\" runtime"',
         'Error reconfiguring the daemon: the "r" runtime'),
        ('time="x" level=info msg="Starting up"\ntime="x" level=fatal msg="Error" error="no space"', "Error: no space"),
        ('time="x" level=info msg="Starting up"', "Starting up"),
        ("", "its journal has nothing"),
    ],
)  # fmt: skip
def test_why(journal: str, said: str) -> None:
    assert why(journal) == said
