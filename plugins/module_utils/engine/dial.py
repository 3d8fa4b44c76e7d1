# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections to where an engine listens, for engine/wire.py: a socket, a port, or ssh."""

from __future__ import annotations

import socket
import subprocess
import tempfile
from collections.abc import Mapping
from typing import IO, Any, Callable, Protocol
from urllib.parse import SplitResult, urlsplit

from ansible_collections.gantry.docker.plugins.module_utils.engine.address import wants_tls
from ansible_collections.gantry.docker.plugins.module_utils.image.errors import InvalidInput

_PORT, _TLS_PORT = 2375, 2376


class Stream(Protocol):
    """What is used of a socket."""

    def recv(self, size: int, /) -> bytes:
        """Some bytes that have come; nothing at the end. Raises socket.timeout if none come in time."""

    def send(self, data: memoryview, /) -> int:
        """Send what can be sent at once; how much that was."""

    def shutdown(self, how: int, /) -> None:
        """End the sending (SHUT_WR), or both ways (SHUT_RDWR)."""

    def close(self) -> None:
        """End it."""


def send_all(stream: Stream, data: bytes) -> None:
    """Send it all, however long the other side takes to read it."""
    left = memoryview(data)
    while left:
        try:
            left = left[stream.send(left) :]
        except socket.timeout:  # TimeoutError, from Python 3.10 on
            continue


class Dialler:
    """A way to an engine. connect: gives a new connection."""

    def __init__(self, connect: Callable[[], Stream]) -> None:
        self.dial = connect

    def said(self) -> str:
        """What a program on the way said of its troubles."""
        return ""

    def close(self) -> None:
        """End what is on the way."""


def dialler(options: Mapping[str, Any]) -> Dialler:
    """The way to an engine, from the resolved options; raises InvalidInput."""
    host, timeout = str(options["docker_host"]), int(options["timeout"])
    scheme, _colon, path = host.partition("://")
    if scheme == "unix" and path:
        return Dialler(lambda: _unix(path, timeout))
    if scheme not in ("tcp", "http", "https", "ssh"):
        raise InvalidInput(f"docker_host is '{host}', and must begin with unix://, tcp:// or ssh://.")
    url = _parsed(host)
    if scheme == "ssh":
        return _Ssh(url, timeout)
    if not (wants_tls(options) or scheme == "https"):
        return Dialler(lambda: _tcp(url, _PORT, timeout))
    # Its imports take 5 ms, which other connections need not wait for.
    from ansible_collections.gantry.docker.plugins.module_utils.engine.tls import encrypted

    return Dialler(lambda: encrypted(_tcp(url, _TLS_PORT, timeout), options, str(url.hostname)))


def _parsed(host: str) -> SplitResult:
    try:
        url = urlsplit(host)
        if url.hostname and url.port != 0:
            return url
    except ValueError:
        pass
    raise InvalidInput(f"docker_host is '{host}', and has no host, or no port from 1 to 65535.")


def _unix(path: str, timeout: int) -> socket.socket:
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(timeout)
    stream.connect(path)
    return stream


def _tcp(url: SplitResult, port: int, timeout: int) -> socket.socket:
    stream = socket.create_connection((url.hostname, url.port or port), timeout=timeout)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return stream


class _Ssh(Dialler):
    """A way over ssh, to the Docker CLI at its other end: the CLI goes the same way (cli/connhelper/connhelper.go)."""

    def __init__(self, url: SplitResult, timeout: int) -> None:
        super().__init__(self._dial)
        user = ("-l", url.username) if url.username else ()
        port = ("-p", str(url.port)) if url.port else ()
        # No question for a password: nobody is there to answer it.
        options = ("-T", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={timeout}", *user, *port)
        self._command = ("ssh", *options, "--", str(url.hostname), "docker", "system", "dial-stdio")
        self._timeout = timeout
        self._programs: list[subprocess.Popen[bytes]] = []
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115

    def _dial(self) -> socket.socket:
        stream, other = socket.socketpair()
        stream.settimeout(self._timeout)
        with other:
            end = other.fileno()
            # run_command is the modules' way, and waits for the end of what it runs.
            program = subprocess.Popen(  # pylint: disable=ansible-bad-function
                self._command, stdin=end, stdout=end, stderr=self._errors
            )
            self._programs.append(program)
        return stream

    def said(self) -> str:
        self._errors.seek(0)
        return " ".join(self._errors.read().decode("utf-8", "replace").split())

    def close(self) -> None:
        for program in self._programs:
            program.terminate()
            program.wait()
        self._programs.clear()
        self._errors.close()
