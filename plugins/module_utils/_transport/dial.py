# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Connections to an engine, for _transport/client.py: by a Unix socket, by TCP, or by ssh."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any, Callable, Protocol

from ansible_collections.gantry.docker.plugins.module_utils._transport.address import Address, wants_tls
from ansible_collections.gantry.docker.plugins.module_utils._transport.ssh import Ssh
from ansible_collections.gantry.docker.plugins.module_utils._transport.stream import Stream


class Dialler(Protocol):
    """A way to an engine."""

    def dial(self) -> Stream:
        """Return a new connection."""

    def said(self) -> str:
        """Return the error output of the programs on the way; "" if there is none."""

    def close(self) -> None:
        """End the programs on the way."""


class _Direct:
    """A way without a program on it. connect: a function that returns a new connection."""

    def __init__(self, connect: Callable[[], Stream]) -> None:
        self._connect = connect

    def dial(self) -> Stream:
        return self._connect()

    def said(self) -> str:
        return ""

    def close(self) -> None:
        pass


def dialler(options: Mapping[str, Any]) -> Dialler:
    """Return the way to an engine, from the resolved options; raise InvalidInput if those for TLS are wrong."""
    address: Address = options["address"]
    timeout = int(options["timeout"])
    if address.by_socket:
        return _Direct(lambda: _unix(address.path, timeout))
    if address.by_ssh:
        return Ssh(address, timeout)
    if not (wants_tls(options) or address.scheme == "https"):
        return _Direct(lambda: _tcp(address, timeout))
    # The imports of this file take 5 ms, so only connections with TLS import it.
    from ansible_collections.gantry.docker.plugins.module_utils._transport.tls import encrypted

    return _Direct(lambda: encrypted(lambda: _tcp(address, timeout), options))


def _unix(path: str, timeout: int) -> socket.socket:
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(timeout)
    stream.connect(path)
    return stream


def _tcp(address: Address, timeout: int) -> socket.socket:
    stream = socket.create_connection((address.host, address.port), timeout=timeout)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return stream
