# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repeated tries, and their end. The engines' messages are real ones."""

from __future__ import annotations

import time

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError, engine_said
from ansible_collections.gantry.docker.plugins.module_utils._registry.patience import patiently

TOO_MANY = "toomanyrequests: "
MANIFEST = "http://127.0.0.1:5108/v2/library/busybox/manifests/latest"


@pytest.mark.parametrize(
    ("answer", "passing"),
    [
        (TOO_MANY, True),
        ('error parsing HTTP 429 response body: unexpected end of JSON input: ""', True),
        ("received unexpected HTTP status: 503 Service Unavailable", True),
        ("received unexpected HTTP status: 502 Bad Gateway", True),
        (f"unexpected status from HEAD request to {MANIFEST}: 429 Too Many Requests", True),
        (f"unexpected status from HEAD request to {MANIFEST}: 503 Service Unavailable", True),
        (f"failed to copy: httpReadSeeker: failed open: unexpected status code {MANIFEST}: 503 Service", True),
        (f'Head "{MANIFEST}": EOF', True),
        ("unexpected EOF", True),
        ("read tcp 127.0.0.1:1->127.0.0.1:2: read: connection reset by peer", True),
        ("net/http: TLS handshake timeout", True),
        (f"unexpected status from HEAD request to {MANIFEST}: 401 Unauthorized", False),
        ("unauthorized: authentication required", False),
        ("no basic auth credentials", False),
        ("manifest unknown: manifest unknown", False),
        ("127.0.0.1:5125/library/busybox:none: not found", False),
        ("dial tcp 127.0.0.1:9: connect: connection refused", False),
        ("x509: certificate signed by unknown authority", False),
        ("dial tcp: lookup nowhere.example: no such host", False),
    ],
)
def test_answers_tell_what_may_pass(answer: str, passing: bool) -> None:
    assert engine_said("pull busybox", answer).passing is passing


class Registry:
    """A registry that refuses this number of requests."""

    def __init__(self, times: int, answer: str = TOO_MANY) -> None:
        self.times, self.answer, self.asked = times, answer, 0

    def __call__(self) -> str:
        self.asked += 1
        if self.asked <= self.times:
            raise engine_said("pull busybox", self.answer)
        return "pulled"


def test_pauses_double(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    registry = Registry(times=4)
    assert patiently(registry, 30) == "pulled"
    assert pauses == [0.5, 1, 2, 4]


def test_gives_up_in_time() -> None:
    registry = Registry(times=99)
    with pytest.raises(EngineError, match=r"toomanyrequests.* It was tried 2 times in 1 seconds.$"):
        patiently(registry, 1)
    assert registry.asked == 2


@pytest.mark.parametrize(("answer", "seconds"), [(TOO_MANY, 0), ("manifest unknown", 30)])
def test_tries_once(answer: str, seconds: int) -> None:
    registry = Registry(times=1, answer=answer)
    with pytest.raises(EngineError) as raised:
        patiently(registry, seconds)
    assert registry.asked == 1 and "tried" not in raised.value.message
