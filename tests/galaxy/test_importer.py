# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Galaxy takes the collection as it is built, and has nothing to remark on it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SETTINGS = """
[galaxy-importer]
check_required_tags = True
check_runtime_file = True
check_changelog = True
offline_ansible_lint = True
run_ansible_doc = True
run_ansible_lint = True
run_ansible_test = False
run_flake8 = False
"""  # ansible-test sanity is a part of the tests of its own, and ruff checks style


def test_importer_accepts_the_tarball_without_a_remark(tmp_path: Path) -> None:
    python = Path(os.environ["GANTRY_GALAXY_PYTHON"])  # has galaxy-importer; set by ./dev test galaxy
    build = "ansible-galaxy", "collection", "build", "--output-path"
    subprocess.run([*build, str(tmp_path / "built"), str(REPOSITORY)], check=True)
    (tarball,) = (tmp_path / "built").iterdir()
    settings = tmp_path / "importer.cfg"
    settings.write_text(SETTINGS)
    # Nothing of this checkout, its tree or its environment is in reach.
    environment = {
        "GALAXY_IMPORTER_CONFIG": str(settings),
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        [python, "-m", "galaxy_importer.main", tarball],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "Importer processing completed successfully" in done.stdout, done.stdout
    assert not re.search(r"^(WARNING|ERROR|CRITICAL)", done.stdout, re.MULTILINE), done.stdout
