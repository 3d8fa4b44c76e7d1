# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Errors between this host and an engine, translated into sentences where the call is made."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import Unexpected
from ansible_collections.gantry.docker.plugins.module_utils._transport.client import Refused

_LOG_IN = "Log in to that registry on this host (docker login) or give its credentials"
_IN_PARTS = "The engine has only a part of that image: pull it for its other platforms too."
_ADVICE = (
    ("is not a valid change command", "This engine can't set that in a commit; a newer one may."),
    ("client version", "Leave api_version out, or name one that the engine speaks."),
    ("no space left on device", "Free space on the engine's disk (image_prune helps), then try again."),
    ("no basic auth credentials", f"{_LOG_IN}."),
    ("unauthorized", f"{_LOG_IN}, and check user, password and the image's name."),
    ("denied", f"{_LOG_IN}, and check the image's name."),
    ("missing content", _IN_PARTS),
    ("content digest", _IN_PARTS),
    (
        "server gave http response to https client",
        "The engine takes plain HTTP only from registries in insecure-registries.",
    ),
    ("certificate", "Give the engine the registry's CA, in /etc/docker/certs.d/HOST:PORT/ca.crt."),
    ("manifest unknown", "Check the tag: the registry has none of that name."),
    ("connection refused", "Check that the registry is up and can be reached from the engine's host."),
    ("no such host", "Check the registry's name, and the name servers of the engine's host."),
)
# How engines report that a registry asked to wait (429), failed for now (5xx), or closed the connection. Failures to
# connect to it at all are not included. Docker 20.10 has words of its own for an empty answer.
_PASSING = (
    r"toomanyrequests|HTTP 429|429 Too Many Requests|unexpected (HTTP )?status.*: 5\d\d |HTTP 5\d\d"
    r"|\bEOF\b|connection reset by peer|broken pipe|TLS handshake timeout"
)

# The most characters of an engine's answer that a message has.
_LONGEST = 4000


class EngineError(GantryError):
    """A refusal of the engine, or a failure to reach it.

    status: the HTTP status of its answer; None if there was no answer, or if the error came inside an answer.
    passing: whether the same call may soon succeed, because a registry failed only for now.
    """

    def __init__(self, message: str, status: int | None = None, passing: bool = False) -> None:
        super().__init__(message)
        self.status, self.passing = status, passing


@contextmanager
def trying_to(task: str, registry: str | None = None) -> Iterator[None]:
    """Translate errors raised inside into EngineError.

    task: the operation and its object, to follow "Can't": "pull busybox:latest". registry: the registry that the engine
    waits for, if any: while that is silent, the engine is silent too.
    """
    try:
        yield
    except Unexpected as error:
        raise EngineError(
            f"Can't {task}: the engine's answer {error}, unlike in its API. Does a proxy change it? "
            "Check docker_host, and try 'docker info'."
        ) from error
    except MemoryError as error:
        raise EngineError(f"Can't {task}: the engine's answer doesn't fit into this host's memory.") from error
    except Refused as error:
        raise engine_said(task, error.message, error.status) from error
    except OSError as error:
        raise EngineError(f"Can't {task}: {_why(error, registry)}") from error


def engine_said(task: str, answer: str, status: int | None = None) -> EngineError:
    """Return the error for an answer that reports a failure, with advice if there is any for it."""
    code = f" {status}" if status else ""
    lowered = answer.lower()
    advice = next((f" {text}" for word, text in _ADVICE if word in lowered), "")
    said = " ".join(answer[:_LONGEST].split()).rstrip(".")  # some answers have several lines
    message = f"Can't {task}: the engine answered{code}: {said}.{advice}"
    return EngineError(message, status, passing=bool(re.search(_PASSING, answer)))


def _why(error: OSError, registry: str | None) -> str:
    if isinstance(error, (socket.timeout, TimeoutError)):  # one and the same from Python 3.10 on
        # An engine that waits for a registry sends nothing, like one that hangs.
        ways = f"and that the registry {registry} answers" if registry else "('docker info' on its host)"
        return (
            "the engine sent nothing within the time of the option timeout. "
            f"Check that it is alive {ways}, or increase timeout."
        )
    if isinstance(error, ConnectionError):
        return (
            "the engine closed the connection. Look at the engine's log ('journalctl -u docker') for the reason, "
            "then try again."
        )
    if error.errno == errno.ENOSPC:
        return "no space is left on this host's disk."
    return f"{str(error).strip().rstrip('.')}."
