# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The units and the cron table in the role images' examples are right. Another test runs its playbook."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "roles" / "images" / "examples"
COMMAND = "ansible-playbook /etc/gantry-images/images.yml"


def unit(name: str) -> configparser.RawConfigParser:
    parsed = configparser.RawConfigParser(strict=True)
    parsed.optionxform = str  # type: ignore[assignment, method-assign]
    parsed.read_string((EXAMPLES / name).read_text())
    return parsed


def test_the_timer_starts_the_service() -> None:
    service, timer = unit("gantry-images.service"), unit("gantry-images.timer")
    assert service["Service"]["ExecStart"] == f"/usr/bin/env {COMMAND}"
    assert service["Service"]["Type"] == "oneshot"
    assert timer["Timer"]["OnCalendar"] == "*-*-* 03:00"
    assert "Unit" not in timer["Timer"], "the service has the timer's name"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    for name in ("gantry-images.service", "gantry-images.timer"):
        shutil.copy(EXAMPLES / name, tmp_path)
    (tmp_path / "docker.service").write_text("[Service]\nExecStart=/bin/true\n")  # where there is no Docker
    units = sorted(str(file) for file in tmp_path.iterdir())
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "gantry-images" in line]
    assert ours == []
    calendar = ["systemd-analyze", "calendar", unit("gantry-images.timer")["Timer"]["OnCalendar"]]
    assert subprocess.run(calendar, capture_output=True, check=False).returncode == 0


def test_cron_runs_the_same() -> None:
    lines = [line for line in (EXAMPLES / "gantry-images.cron").read_text().splitlines() if line[0] != "#"]
    path, entry = lines
    assert path.startswith("PATH=")
    fields = re.fullmatch(r"(\d+) (\d+) \* \* \* (\w+) (.*)", entry)
    assert fields is not None
    assert int(fields[1]) < 60
    assert int(fields[2]) < 24
    assert fields[3] == "root"
    assert COMMAND in fields[4]
    assert "%" not in entry, "cron takes it for a newline"
