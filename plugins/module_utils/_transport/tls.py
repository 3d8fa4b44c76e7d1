# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""TLS for _transport/dial.py, with Python's standard library."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._transport.address import TlsFailed
from ansible_collections.gantry.docker.plugins.module_utils._transport.stream import send_all

_ENOUGH = 64 * 1024


def encrypted(stream: socket.socket, options: Mapping[str, Any], name: str) -> Tls:
    """A connection made one by TLS.

    options: as address.resolve gives them. name: that the other side must show, unless they name another.
    Raises TlsFailed.
    """
    with _told():
        return Tls(stream, _context(options), str(options["tls_hostname"] or name))


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


@contextmanager
def _told() -> Iterator[None]:
    """Translate errors of TLS."""
    try:
        yield
    except ssl.SSLError as error:
        raise TlsFailed(str(error)) from error


class Tls:
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
        with _told():
            while not self._shakes_hands():
                self._feed(self._stream.recv(_ENOUGH))
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

    def _feed(self, encrypted: bytes) -> None:
        if encrypted:
            self._come.write(encrypted)
        else:
            self._come.write_eof()

    def recv(self, size: int) -> bytes:
        """As a socket's."""
        while not (self._plain or self._ended):
            encrypted = self._stream.recv(_ENOUGH)
            with self._state, _told():  # in one: nobody may end the sending in between
                self._feed(encrypted)
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
        """As a socket's, but it is all sent when this returns."""
        piece = data[:_ENOUGH]
        with self._sending:
            with self._state:
                self._tls.write(piece)
            self._flush()
        return len(piece)

    def _flush(self) -> None:
        with self._state:
            encrypted = self._gone.read()
        send_all(self._stream, encrypted)

    def shutdown(self, how: int) -> None:
        """As a socket's, for SHUT_WR and SHUT_RDWR."""
        if how == socket.SHUT_RDWR:
            self._stream.shutdown(how)
            return
        with self._sending:
            with self._state, suppress(ssl.SSLWantReadError):  # the other side goes on sending
                self._tls.unwrap()
            self._flush()

    def close(self) -> None:
        """As a socket's."""
        self._stream.close()
