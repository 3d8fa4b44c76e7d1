# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""What an engine tells of its progress: JSON, message by message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import engine_said
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import lines
from ansible_collections.gantry.docker.plugins.module_utils._transport.http import Incoming
from ansible_collections.gantry.docker.plugins.module_utils._transport.shapes import PROGRESS


def messages(answer: Incoming, task: str) -> Iterator[Mapping[str, Any]]:
    """The messages of a progress stream, one by one, each as soon as it is there; the answer is closed then.

    A failure arrives inside an answer with status 200 (pkg/jsonmessage), as a message with
    error or errorDetail: it raises EngineError. task: as in errors.trying_to. Raises Unexpected for what is no message.
    """
    with closing(answer):
        for message in lines(answer.pieces()):
            PROGRESS(message)
            problem = message.get("error") or (message.get("errorDetail") or {}).get("message")
            if problem:
                raise engine_said(task, str(problem))
            yield message
