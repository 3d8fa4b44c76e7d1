# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Progress messages of an engine: a stream of JSON objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import engine_said
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import lines
from ansible_collections.gantry.docker.plugins.module_utils._transport.client import Incoming
from ansible_collections.gantry.docker.plugins.module_utils._transport.shapes import PROGRESS


def messages(answer: Incoming, task: str) -> Iterator[Mapping[str, Any]]:
    """Yield the messages of a progress stream, each as soon as it has come, and close the answer at the end.

    A failure comes as a message with error or errorDetail inside an answer with status 200 (pkg/jsonmessage).
    Raise EngineError for it, Unexpected for anything that isn't a message. task: as in errors.trying_to().
    """
    with closing(answer):
        for message in lines(answer.pieces()):
            PROGRESS(message)
            problem = message.get("error") or (message.get("errorDetail") or {}).get("message")
            if problem:
                raise engine_said(task, str(problem))
            yield message
