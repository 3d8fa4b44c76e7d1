# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For those who are used to nox: a session for each part of the tests. All the work is done by ./dev."""

from __future__ import annotations

import nox

nox.options.sessions = ["lint", "unit"]


def _session(part: str) -> None:
    @nox.session(name=part, python=False)
    def run(session: nox.Session) -> None:
        session.run("./dev", "test", part, *session.posargs, external=True)


for _part in (
    "lint",
    "unit",
    "docs",
    "galaxy",
    "browser",
    "integration",
    "matrix",
    "bench",
    "soak",
    "molecule",
    "sanity",
):
    _session(_part)
