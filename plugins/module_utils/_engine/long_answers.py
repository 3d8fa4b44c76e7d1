# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Long answers of the engine: progress as JSON, archives as bytes, and silence that is no stall."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping
from typing import Any, Callable, TypeVar

from ansible_collections.gantry.docker.plugins.module_utils._engine import threads
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import engine_said
from ansible_collections.gantry.docker.plugins.module_utils._engine.local import LocalClient
from ansible_collections.gantry.docker.plugins.module_utils._transport import answers
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import lines
from ansible_collections.gantry.docker.plugins.module_utils._transport.shapes import PROGRESS

T = TypeVar("T")

PIECE = 1024 * 1024


def post(api: Any, path: str, **arguments: Any) -> Any:
    """A request whose answer is a stream; the timeout bounds each wait for more of it, unless another is given.

    The SDK's own pull and load bound nothing or the whole, so the request is made here.
    """
    response = api.post(api._url(path), stream=True, **{"timeout": api.timeout, **arguments})
    api._raise_for_status(response)
    return response


def download(api: Any, path: str, params: Mapping[str, Any]) -> Any:
    """A question that is answered by a stream of bytes, which may be long in coming: no wait is bounded."""
    url = api._url(path)
    local = isinstance(api, LocalClient)
    response = api.download(url, params) if local else api._get(url, params=params, stream=True, timeout=None)
    api._raise_for_status(response)
    return response


def messages(response: Any, task: str) -> Iterator[Mapping[str, Any]]:
    """The messages of a progress stream, one by one.

    A failure arrives inside an answer with status 200 (pkg/jsonmessage), as a message with
    error or errorDetail: it raises EngineError. task: as in errors.trying_to. Raises Unexpected for what is no message.
    """
    # Each chunk of the transfer is given as soon as it is there, unless it is larger than that.
    for message in lines(response.raw.stream(answers.PIECE, decode_content=False)):
        PROGRESS(message)
        problem = message.get("error") or (message.get("errorDetail") or {}).get("message")
        if problem:
            raise engine_said(task, str(problem))
        yield message


def pieces(response: Any) -> Iterator[bytes]:
    """The bytes of an answer, in pieces of a size that makes their number small.

    requests' iter_content gives every chunk of the transfer by itself, and an engine's have 32 KiB.
    """
    raw = response.raw
    while True:
        piece: bytes = raw.read(PIECE, decode_content=False)
        if not piece:
            return
        yield piece


def bound_waits(api: Any, response: Any, seconds: int) -> None:
    """Let every further wait for bytes of an answer that was opened without a timeout end after so many seconds."""
    if response.raw.closed:  # its end has come already
        return
    raw = api._get_raw_response_socket(response)
    for candidate in (raw, getattr(raw, "_sock", None)):
        if candidate is not None and hasattr(candidate, "settimeout"):
            candidate.settimeout(seconds)


def waiting_for(call: Callable[[], T], ping: Callable[[], Any], seconds: int) -> T:
    """Make a call during whose work the engine says nothing, however long that takes.

    A commit, or a save from a classic store, sends no byte before it is done, so a timeout would end
    good work. Instead the engine is asked every so many seconds whether it is still there; what call
    or ping raise is raised here.
    """
    outcome = threads.background(call)
    while True:
        try:
            good, value = outcome.get(timeout=seconds)
        except queue.Empty:
            ping()
            continue
        if not good:
            raise value
        result: T = value
        return result
