# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""What Python is spared until a task begins. Imported before everything that this is to speed up.

Ansible starts a Python for each task, which imports the SDK and our modules, asks the engine something, and ends.
"""

from __future__ import annotations

import gc
import zipimport
from functools import lru_cache

# Next to nothing of what imports make is garbage, but the collector looks for it some forty times meanwhile, which is
# a thirtieth of the time that they take.
gc.disable()

# Our sources come in a zip file without compiled ones. Python compiles what it imports from there twice: at first for
# no more than the file's name (Lib/zipimport.py, zipimporter.get_filename), then to run it. That was half of the time
# that our imports take. The function is Python's own, and a later one may not have it: then all is as without this.
if hasattr(zipimport, "_get_module_code"):
    zipimport._get_module_code = lru_cache(maxsize=1)(zipimport._get_module_code)


def ended() -> None:
    """Let Python be as ever; but what is there by now stays, and is not looked through again, not even at the end."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
