# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections to where an engine listens, for engine/wire.py: a socket, a port with or without TLS, or ssh."""

from __future__ import annotations

import io
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any, Callable, Protocol
from urllib.parse import SplitResult, urlsplit

from ansible_collections.gantry.docker.plugins.module_utils.engine.address import wants_tls
from ansible_collections.gantry.docker.plugins.module_utils.image.errors import InvalidInput

_PORT, _TLS_PORT = 2375, 2376
_ENOUGH = 64 * 1024


class Stream(Protocol):
    """What is used of a socket."""

    def recv(self, size: int, /) -> bytes:
        """Some bytes that have come; nothing at the end. Raises TimeoutError if none come in time."""

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
        except TimeoutError:
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
    context = _context(options)
    name = str(options["tls_hostname"] or url.hostname)
    return Dialler(lambda: _Tls(_tcp(url, _TLS_PORT, timeout), context, name))


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


def _context(options: Mapping[str, Any]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not options["validate_certs"]:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif options["ca_path"]:
        context.load_verify_locations(options["ca_path"])
    else:
        context.load_default_certs()
    if options["client_cert"]:
        context.load_cert_chain(options["client_cert"], options["client_key"])
    return context


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
            self._programs.append(subprocess.Popen(self._command, stdin=end, stdout=end, stderr=self._errors))
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


class _Tls:
    """A TLS connection whose sending can be ended alone, as a command's input must: Python's SSLSocket can't do that.

    One thread may send while another receives: whoever receives never waits for what is being sent.
    """

    def __init__(self, stream: socket.socket, context: ssl.SSLContext, name: str) -> None:
        self._stream = stream
        self._come, self._gone = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._come, self._gone, server_hostname=name)
        # state: for what is above. sending: for the order of what is sent.
        self._state, self._sending = threading.Lock(), threading.Lock()
        self._plain, self._ended = b"", False
        while not self._shakes_hands():
            self._receive()
        self._take()

    def _shakes_hands(self) -> bool:
        """Go on with the handshake; whether it is done."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            self._flush()
        return True

    def _receive(self) -> None:
        encrypted = self._stream.recv(_ENOUGH)
        if encrypted:
            self._come.write(encrypted)
        else:
            self._come.write_eof()

    def recv(self, size: int) -> bytes:
        while not (self._plain or self._ended):
            self._receive()
            with self._state:
                self._take()
            if self._sending.acquire(blocking=False):  # else whoever sends takes along what the protocol wants to say
                try:
                    self._flush()
                finally:
                    self._sending.release()
        piece, self._plain = self._plain[:size], self._plain[size:]
        return piece

    def _take(self) -> None:
        """Decrypt all that has come: what is left over when the sending ends would be lost (SSL_shutdown)."""
        try:
            while piece := self._tls.read(_ENOUGH):
                self._plain += piece
            self._ended = True
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self._ended = True

    def send(self, data: memoryview) -> int:
        piece = data[:_ENOUGH]
        with self._sending:
            with self._state:
                self._tls.write(piece)
            self._flush()
        return len(piece)

    def sendall(self, data: bytes) -> None:
        """As a socket's."""
        send_all(self, data)

    def _flush(self) -> None:
        with self._state:
            encrypted = self._gone.read()
        send_all(self._stream, encrypted)

    def shutdown(self, how: int) -> None:
        if how == socket.SHUT_RDWR:
            self._stream.shutdown(how)
            return
        with self._sending:
            with self._state, suppress(ssl.SSLWantReadError):  # the other side goes on sending
                self._tls.unwrap()
            self._flush()

    def makefile(self, _mode: str) -> IO[bytes]:
        return io.BufferedReader(_Incoming(self))

    def close(self) -> None:
        self._stream.close()


class _Incoming(io.RawIOBase):
    """What comes on a stream, for the file that http.client reads of."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._stream.recv(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)
