# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where this host sees the files of an engine: only if the engine itself is behind the socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._transport.local import root_of

NAME = Path("/proc/self/comm")


@pytest.fixture
def path(tmp_path: Path) -> Iterator[str]:
    """A socket of this process, which gets its own name back afterwards."""
    name = NAME.read_text()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.listen()
        yield str(tmp_path / "socket")
    NAME.write_text(name)


def test_files_of_an_engine_are_those_of_its_process(path: str) -> None:
    NAME.write_text("dockerd")
    root = root_of(path)
    assert root == (f"/proc/{os.getpid()}/root" if os.getuid() == 0 else None)


@pytest.mark.parametrize("name", ["python", "docker-proxy"])
def test_what_stands_between_has_other_files(path: str, name: str) -> None:
    NAME.write_text(name)
    assert root_of(path) is None


def test_nothing_listens(tmp_path: Path) -> None:
    assert root_of(str(tmp_path / "none")) is None
