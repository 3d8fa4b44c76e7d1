# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The circumstances of a measurement: machine, programs and date."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ansible_collections.gantry.docker.tests.bench import extras
from ansible_collections.gantry.docker.tests.engines.places import STATE


def circumstances() -> dict[str, Any]:
    """Return the circumstances, by their names in the document."""
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": _machine(),
        "load": round(os.getloadavg()[0], 2),
        "system": f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release()}",
        "python": platform.python_version(),
        "ansible-core": version("ansible-core"),
        "zstandard": version("zstandard"),
        "community.docker": extras.community_version(),
        "zstd": _output_of("zstd --version | grep -o 'v[0-9.]*'"),
        "gzip": _output_of("gzip --version | head -1"),
        "disk": _output_of(f"stat --file-system --format=%T {STATE}"),
    }


def _machine() -> str:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{os.cpu_count()} × {model}, {memory / 2**30:.0f} GiB of memory"


def _output_of(line: str) -> str:
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False).stdout.strip()
