# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Why an engine didn't start, or didn't take over a configuration, as its journal has it."""

from __future__ import annotations

import re

from ansible_collections.gantry.docker.plugins.module_utils._errors import printable

_MOST = 10  # lines
# What an engine says at its end, and what it says when it keeps its old configuration (moby, cmd/dockerd).
_REASONS = (
    "failed to start daemon",
    "unable to configure the Docker daemon",
    "Error reconfiguring the daemon",
    "configuration validation",
)
_NOISE = re.compile(r"level=(?:info|debug|trace)\b")
_MESSAGE = re.compile(r'\bmsg="((?:[^"\\]|\\.)*)"(?:.*?\berror="((?:[^"\\]|\\.)*)")?')


def why(journal: str) -> str:
    """Return the sentences of a journal that say why; its last lines if none does; or that it has nothing."""
    lines = [line.strip() for line in journal.splitlines() if line.strip()]
    telling = [line for line in lines if any(reason in line for reason in _REASONS)]
    kept = telling or [line for line in lines if not _NOISE.search(line)] or lines
    said = list(dict.fromkeys(map(_message, kept[-_MOST:])))
    return "\n".join(map(printable, said)) or "its journal has nothing"


def _message(line: str) -> str:
    """Return a line without logfmt around its message."""
    found = _MESSAGE.search(line)
    if not found:
        return line
    return ": ".join(part.replace('\\"', '"') for part in found.groups() if part)
