# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers of the tests: run in a thread, for as long as a test needs them."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# RFC 8446, 5.1: a handshake begins with this byte.
_TLS = b"\x16"


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """Let a server answer in a thread of its own."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def refuses_tls(connection: socket.socket) -> bool:
    """Refuse a client that begins with TLS, as Go's servers do, and return whether it did.

    containerd then tries HTTP without TLS.
    """
    if connection.recv(1, socket.MSG_PEEK) != _TLS:
        return False
    connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTPS request to an HTTP server.\n")
    return True
