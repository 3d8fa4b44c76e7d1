# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Streams of bytes to an engine."""

from __future__ import annotations

import socket
from typing import Callable, Protocol


class Stream(Protocol):
    """The methods of a socket that this room uses."""

    def recv(self, size: int, /) -> bytes:
        """Return some bytes that have come; b"" at the end. Raise socket.timeout if none come in time."""

    def send(self, data: memoryview, /) -> int:
        """Send the bytes that fit at once; return their number. Raise socket.timeout if none can be sent in time."""

    def shutdown(self, how: int, /) -> None:
        """End the sending (SHUT_WR), or both directions (SHUT_RDWR)."""

    def fileno(self) -> int:
        """Return the file descriptor."""

    def close(self) -> None:
        """Close the connection."""


def _wait() -> None:
    """Do nothing."""


def send_all(stream: Stream, data: bytes, idle: Callable[[], object] = _wait) -> None:
    """Send all bytes, however long the other side takes. idle: the function to call when it reads none in time."""
    left = memoryview(data)
    while left:
        try:
            left = left[stream.send(left) :]
        except socket.timeout:  # TimeoutError, from Python 3.10 on
            idle()
