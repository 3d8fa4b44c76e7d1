# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The SDK's client with bounds: on the time that an answer takes, on its size, and on what counts as one.

The SDK's timeout bounds each wait for bytes, so an answer that drips never ends; and what is held as a whole may be of
any size. Only answers that are read as streams are left to their readers (_engine/long_answers.py).
"""

from __future__ import annotations

import queue
from typing import Any, Callable, TypeVar

from ansible_collections.gantry.docker.plugins.module_utils._engine import threads
from ansible_collections.gantry.docker.plugins.module_utils._engine.sdk import docker, requests
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import (
    PIECE,
    Unexpected,
    mapping,
    parsed,
    text,
    whole,
)

T = TypeVar("T")

# The types that there are know too little of it; and there may be no SDK, which is told when one connects.
_Sdks: Any = docker.APIClient if docker else object

_REDIRECTION, _REFUSAL, _NOT_MODIFIED = 300, 400, 304
# An engine may compute for as long as the timeout allows before it answers. The whole answer may take so much of that.
_WHOLE = 2


class Client(_Sdks):  # type: ignore[misc]
    """As APIClient."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # An answer that unfolds has no size that could be bounded on the way.
        self.headers["Accept-Encoding"] = "identity"

    def send(self, request: Any, **how: Any) -> Any:
        """Send a request as requests does. An answer that isn't asked for as a stream is read as a whole, in time."""

        def begin() -> Any:
            # No engine leads elsewhere.
            return super(Client, self).send(request, **{**how, "stream": True, "allow_redirects": False})

        def fill(response: Any) -> Any:
            if not how.get("stream"):
                _read(response)
            return response

        if how.get("timeout"):
            return within(lambda: fill(begin()), _WHOLE * how["timeout"])
        # Work may take as long as it likes before the engine says anything (stream.waiting_for).
        begun = begin()
        return within(lambda: fill(begun), _WHOLE * self.timeout)

    def _raise_for_status(self, response: Any) -> None:
        """Raise the SDK's error for a refusal, Unexpected for what no engine answers."""
        status, headers = response.status_code, response.headers
        if headers.get("Content-Encoding", "identity") != "identity":
            raise Unexpected("came compressed, which was not asked for")
        if _REDIRECTION <= status < _REFUSAL and status != _NOT_MODIFIED:
            raise Unexpected(f"leads elsewhere ({status})")
        if status >= _REFUSAL:
            if not response._content_consumed:
                within(lambda: _read(response), _WHOLE * self.timeout)
            _message(response)  # without one, the SDK's own function fails too
            super()._raise_for_status(response)
        if "html" in headers.get("Content-Type", ""):
            raise Unexpected("is a page of HTML")

    def _result(self, response: Any, json: bool = False, binary: bool = False) -> Any:
        """Return the body of an answer; raises what _raise_for_status does."""
        self._raise_for_status(response)
        body = _read(response)
        if json:
            return parsed(body)
        return body if binary else body.decode("utf-8", "replace")


def _message(response: Any) -> str:
    """Return why the engine refused; raises Unexpected where what refused is no engine (api/docs, ErrorResponse)."""
    try:
        return text(mapping(parsed(_read(response))).get("message"))
    except Unexpected as error:
        raise Unexpected(f"{error} ({response.status_code})") from error


def _read(response: Any) -> bytes:
    """Return the whole body of a response, which has it from then on."""
    if not response._content_consumed:
        response._content = whole(response.raw.stream(PIECE, decode_content=False))
        response._content_consumed = True
    body: bytes = response._content or b""
    return body


def within(call: Callable[[], T], seconds: float) -> T:
    """Make a call that may take so many seconds; raises requests' ReadTimeout where it takes more."""
    try:
        good, value = threads.background(call).get(timeout=seconds)
    except queue.Empty:
        raise requests.exceptions.ReadTimeout("the answer takes too long") from None
    if not good:
        raise value
    result: T = value
    return result
