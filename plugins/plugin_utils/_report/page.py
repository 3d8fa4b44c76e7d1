# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The page of the role report: one file of HTML that needs no other file and no network.

What it shows comes from registries and engines, and is hostile until proven otherwise. So it is not put together with
the HTML: it is one block of JSON in it, and the page's own script shows it as text. A policy in the page lets a browser
run nothing but the two scripts that were put in here, and load nothing at all.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MARKS = {"policy": "@POLICY@", "plotting": "@PLOTTING@", "script": "@SCRIPT@", "style": "@STYLE@", "data": "@DATA@"}


def page(report: Mapping[str, Any], plotting: str) -> str:
    """Return the page. report: as model() returns it. plotting: the code that draws (plotly.js)."""
    scripts = {"plotting": f"\n{plotting}\n", "script": f"\n{_part('page.js')}\n"}
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in scripts.values())
    policy = f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:"
    filled = {**scripts, "policy": policy, "style": _part("page.css"), "data": embedded(report)}
    # One pass: a mark in the data, or in the code that draws, isn't one.
    text = _part("page.html")
    pieces = []
    for name, mark in sorted(_MARKS.items(), key=lambda item: text.index(item[1])):
        before, _mark, text = text.partition(mark)
        pieces += [before, filled[name]]
    return "".join([*pieces, text])


def embedded(value: Any) -> str:
    """Return JSON that can stand in a script element: nothing in it ends that, or begins a comment there."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True).replace("<", "\\u003c").replace(">", "\\u003e")


def _part(name: str) -> str:
    """Return a file of the page's own that lies beside this one."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
