# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The replacement of the script by which ansible-test installs pip in its virtual environments.

ansible-test runs it there with requirements such as C(pip==25.2). They are copied from the environment that
tests/sanity/run made from a hashed lock (C(site-packages), a link beside this file), so nothing is fetched.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
import sysconfig
from pathlib import Path


def copy_distribution(requirement: str, source: Path, target: Path) -> None:
    """Copy the files of a distribution, without its scripts, from one site-packages to another."""
    name, version = requirement.split("==")
    found = next(iter(importlib.metadata.distributions(name=name, path=[str(source)])), None)
    if found is None or found.version != version:
        raise SystemExit(f"ansible-test wants {requirement}: pin it in tests/sanity/requirements-*.in")
    for file in found.files or []:
        if ".." not in file.parts:
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / file, target / file)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        if not argument.startswith("--"):
            copy_distribution(argument, Path(__file__).with_name("site-packages"), Path(sysconfig.get_path("purelib")))
