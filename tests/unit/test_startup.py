# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sources in a zip file are compiled once, and the garbage collector waits."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from ansible_collections.gantry.docker.plugins.module_utils import _startup as startup

# Python tells such a hook of each compilation: docs.python.org/3/library/audit_events.html
PROGRAM = """
import sys
compiled = []
sys.addaudithook(lambda event, details: event == "compile" and compiled.append(str(details[1])))
sys.path.insert(0, sys.argv[1])
import one, package.two
print(one.NUMBER, package.two.NUMBER, package.two.__file__, sum(name.startswith(sys.argv[1]) for name in compiled))
"""


def test_each_source_is_compiled_once(tmp_path: Path) -> None:
    archive = tmp_path / "sources.zip"
    files = {"_startup.py": Path(startup.__file__).read_text()}
    files |= {"one.py": "import _startup\nNUMBER = 1\n", "package/__init__.py": "", "package/two.py": "NUMBER = 2\n"}
    with zipfile.ZipFile(archive, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    done = subprocess.run([sys.executable, "-c", PROGRAM, archive], capture_output=True, text=True, check=True)
    # Two came before: the one that wanted it, and itself.
    assert done.stdout == f"1 2 {archive / 'package/two.py'} {2 + 2 + 1 + 1}\n"


def test_collector_waits_until_the_start_has_ended() -> None:
    said = "import gc; print(gc.isenabled(), gc.get_freeze_count() > 0)"
    program = f"{said}; from {startup.__name__} import ended; {said}; ended(); {said}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False", "False", "False", "True", "True"]
