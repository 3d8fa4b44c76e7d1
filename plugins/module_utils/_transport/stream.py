# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Streams of bytes to an engine."""

from __future__ import annotations

import socket
from typing import Callable, Protocol


class Stream(Protocol):
    """What is used of a socket."""

    def recv(self, size: int, /) -> bytes:
        """Some bytes that have come; nothing at the end. Raises socket.timeout if none come in time."""

    def send(self, data: memoryview, /) -> int:
        """Send what can be sent at once; how much that was. Raises socket.timeout if nothing can be sent in time."""

    def shutdown(self, how: int, /) -> None:
        """End the sending (SHUT_WR), or both ways (SHUT_RDWR)."""

    def fileno(self) -> int:
        """The file descriptor by which the system knows it."""

    def close(self) -> None:
        """End it."""


def _wait() -> None:
    """Do nothing."""


def send_all(stream: Stream, data: bytes, idle: Callable[[], object] = _wait) -> None:
    """Send it all, however long the other side takes to read it. idle: what to do when it reads nothing for a while."""
    left = memoryview(data)
    while left:
        try:
            left = left[stream.send(left) :]
        except socket.timeout:  # TimeoutError, from Python 3.10 on
            idle()
