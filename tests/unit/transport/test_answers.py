# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version of the API, chosen from the engine's offer."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import connect
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import Unexpected, api_version
from ansible_collections.gantry.docker.tests.support import lies

OFFERS = [
    ("1.41", "1.41"),
    ("1.51", "1.51"),
    ("1.9", "1.9"),
    ("1.56", "1.56"),
    ("1.57", "1.56"),
    ("1.100", "1.56"),
    ("2.0", "1.56"),
]


@pytest.mark.parametrize(("offered", "spoken"), OFFERS)
def test_the_newest_version_that_both_know_is_spoken(offered: str, spoken: str) -> None:
    assert api_version(offered) == spoken


@pytest.mark.parametrize("offered", [None, "", "1", "v1.41", "1.41.1", "1.x", "1.41\n"])
def test_what_is_no_version_is_refused(offered: str | None) -> None:
    with pytest.raises(Unexpected, match="no version of the API"):
        api_version(offered)


@pytest.mark.parametrize(
    ("wanted", "offered", "spoken"),
    [("auto", "1.51", "1.51"), ("auto", "1.99", "1.56"), ("1.44", "1.99", "1.44"), ("1.99", "1.99", "1.99")],
)
def test_a_client_speaks_what_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, offered: str, spoken: str
) -> None:
    """The user's version is used, whatever it is."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setattr(lies, "PONG", lies.PONG.replace(b"1.51", offered.encode()))
    with lies.liar(tmp_path) as server:
        options = {"docker_host": f"unix://{server.server_address}", "timeout": 5, "api_version": wanted}
        with closing(connect(options)) as engine:
            assert engine.api.api_version == spoken
