# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The interpreters of Python 3 on this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

OLDEST, NEWEST = 9, 14  # minor versions: the oldest of a managed host, and the newest that an ansible-core supports


def real_pythons() -> dict[int, Path]:
    """Return interpreters that run and are no virtual environment's, by minor version."""
    folders = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep)]
    folders += sorted(Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser().glob("versions/3.*/bin"))
    found: dict[int, Path] = {}
    for minor in range(OLDEST, NEWEST + 1):
        for candidate in (folder / f"python3.{minor}" for folder in folders):
            if minor not in found and (real := _base_interpreter(candidate)):
                found[minor] = real
    return found


def _base_interpreter(python: Path) -> Path | None:
    """Return the interpreter behind a command, or None where it doesn't run: pyenv's shims often don't."""
    if not os.access(python, os.X_OK):
        return None
    probe = "import sys, venv, ssl; print(sys._base_executable)"
    answer = subprocess.run([python, "-c", probe], capture_output=True, text=True, check=False)
    return Path(answer.stdout.strip()) if answer.returncode == 0 else None
