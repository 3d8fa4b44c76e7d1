# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The SDK's, HTTP's and the socket's errors, told as sentences where the call is made."""

from __future__ import annotations

import errno
import http.client
import re
from collections.abc import Iterator
from contextlib import contextmanager

from ansible_collections.gantry.docker.plugins.module_utils._engine.sdk import docker, requests, urllib3
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import Unexpected

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
# How engines pass on that a registry asked to wait (429), is broken for now (5xx), or hung up; that they can't connect
# to it at all is not among them. 20.10 complains of an empty answer in words of its own.
_PASSING = (
    r"toomanyrequests|HTTP 429|429 Too Many Requests|unexpected (HTTP )?status.*: 5\d\d |HTTP 5\d\d"
    r"|\bEOF\b|connection reset by peer|broken pipe|TLS handshake timeout"
)

# As much of what an engine says is told.
_LONGEST = 4000


class EngineError(GantryError):
    """The engine refused, or couldn't be talked to.

    status: the HTTP status of its answer; None if there was no answer, or the error came inside one.
    passing: whether a registry may soon do what it didn't do now.
    """

    def __init__(self, message: str, status: int | None = None, passing: bool = False) -> None:
        super().__init__(message)
        self.status, self.passing = status, passing


@contextmanager
def trying_to(task: str, registry: str | None = None) -> Iterator[None]:
    """Translate what goes wrong inside into EngineError.

    task: what is tried and on what, to follow "Can't": "pull busybox:latest". registry: the one whose silence is the
    engine's silence too.
    """
    try:
        yield
    except Unexpected as error:
        raise EngineError(
            f"Can't {task}: the engine's answer {error}, unlike its API says. Is something between, such as a proxy? "
            "Check docker_host, and ask it by hand ('docker info')."
        ) from error
    except MemoryError as error:
        raise EngineError(f"Can't {task}: the engine's answer doesn't fit into this host's memory.") from error
    except docker.errors.APIError as error:
        status = error.response.status_code if error.response is not None else None
        raise engine_said(task, str(error.explanation or error), status) from error
    except (
        docker.errors.DockerException,
        requests.exceptions.RequestException,
        urllib3.exceptions.HTTPError,
        OSError,
    ) as error:
        raise EngineError(f"Can't {task}: {_why(error, registry)}") from error


def engine_said(task: str, answer: str, status: int | None = None) -> EngineError:
    """The error for an answer that says no, with advice where the answer allows any."""
    code = f" {status}" if status else ""
    lowered = answer.lower()
    advice = next((f" {text}" for word, text in _ADVICE if word in lowered), "")
    said = " ".join(answer[:_LONGEST].split()).rstrip(".")  # some answers have several lines
    message = f"Can't {task}: the engine answered{code}: {said}.{advice}"
    return EngineError(message, status, passing=bool(re.search(_PASSING, answer)))


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and all that it was made from: libraries wrap the one that matters several times."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [current.__cause__, current.__context__, getattr(current, "reason", None)]
        waiting += [part for part in current.args if isinstance(part, BaseException)]


def _broke_off(cause: BaseException) -> bool:
    """Whether the connection ended before the answer did."""
    if isinstance(cause, urllib3.exceptions.InvalidChunkLength):
        return not cause.length  # else what came was no chunk
    # What urllib3 has no other error as a reason for, is an end that came too early.
    alone = isinstance(cause, urllib3.exceptions.ProtocolError) and len(cause.args) == 1
    return alone or isinstance(cause, (ConnectionError, http.client.IncompleteRead))


def _why(error: BaseException, registry: str | None) -> str:
    for cause in causes(error):
        if isinstance(cause, (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)):
            # An engine that waits for a registry is as silent as one that hangs.
            ways = f"and that the registry {registry} answers" if registry else "('docker info' on its host)"
            return (
                "the engine sent nothing for as long as the option timeout allows. "
                f"Check that it is alive {ways}, or allow more with the option timeout."
            )
        if _broke_off(cause):
            return (
                "the engine closed the connection. Look at the engine's log ('journalctl -u docker') for why it went "
                "away, then try again."
            )
        if isinstance(cause, OSError) and cause.errno == errno.ENOSPC:
            return "no space is left on this host's disk."
    return f"{str(error).strip().rstrip('.')}."
