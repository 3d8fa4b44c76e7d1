# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let sources that Ansible sends to a host be compiled once; whoever imports this wants no more of it.

They come in a zip file without compiled ones. Python compiles what it imports from there twice: at first for no more
than the file's name (Lib/zipimport.py, zipimporter.get_filename), and then to run it. That was half of what our modules
made each task wait for before it began.
"""

from __future__ import annotations

import zipimport
from functools import lru_cache

# A function of Python's own, which a later one may not have: then all is as without this.
if hasattr(zipimport, "_get_module_code"):
    zipimport._get_module_code = lru_cache(maxsize=1)(zipimport._get_module_code)
