# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths as another process sees them, which has another root directory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._transport.local import inside

PROGRAM = "import os, sys; os.chroot(sys.argv[1]); os.chdir('/'); print('there', flush=True); sys.stdin.read()"


@pytest.fixture
def other(tmp_path: Path) -> Iterator[int]:
    """A process whose root directory is tmp_path."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "there\n"
        yield process.pid
        assert process.stdin
        process.stdin.close()


@pytest.mark.parametrize(
    ("links", "path"),
    [
        ({}, "/run/store"),
        ({"var/run": "/run"}, "/var/run/store"),
        ({"var/run": "../run"}, "/var/run/store"),
        ({"var/run": "/var/lib/../../run/."}, "/var/run//store"),
        ({"var/run": "../../../../run"}, "/var/run/store"),
        ({"data": "/var/run/store", "var/run": "/run"}, "/data"),
    ],
)
def test_links_lead_where_they_lead_the_process(other: int, tmp_path: Path, links: dict[str, str], path: str) -> None:
    (tmp_path / "run" / "store").mkdir(parents=True)
    (tmp_path / "var" / "lib").mkdir(parents=True)
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    assert os.path.samefile(inside(other, path), tmp_path / "run" / "store")


def test_parts_are_joined(other: int, tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    assert os.path.samefile(inside(other, "/a", "b/c"), tmp_path / "a" / "b" / "c")


def test_links_in_a_circle_end_in_an_error(other: int, tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("/one")
    with pytest.raises(OSError, match="symbolic links"):
        inside(other, "/one")


def test_a_path_that_does_not_exist_is_given_as_it_is(other: int) -> None:
    assert inside(other, "/no/such", "place") == f"/proc/{other}/root/no/such/place"
