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
from contextlib import closing, contextmanager, suppress
from typing import Any, Callable

from ansible_collections.gantry.docker.plugins.module_utils._transport.address import TlsFailed

_ENOUGH = 64 * 1024
# OpenSSL, x509_vfy.h: the certificate is good, but for another name or address.
_FOR_ANOTHER = (62, 64)


def encrypted(connect: Callable[[], socket.socket], options: Mapping[str, Any], name: str) -> Tls:
    """A connection made one by TLS.

    connect: makes connections. options: as address.resolve gives them. name: that the other side must show, unless they
    name another. Raises TlsFailed.
    """
    wanted = str(options["tls_hostname"] or name)
    with _told():
        context = _context(options)
        try:
            return Tls(connect(), context, wanted)
        except ssl.SSLCertVerificationError as error:
            if error.verify_code not in _FOR_ANOTHER:
                raise
            # Only a connection that is made tells for which.
            context.check_hostname = False
            with closing(Tls(connect(), context, wanted)) as other:
                shown = ", ".join(other.names())
            raise TlsFailed(f"{error.verify_message.rstrip('.')}, but for {shown or 'none'}") from error


def _context(options: Mapping[str, Any]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # An address with https:// asks for TLS too.
    if options["tls"] and not options["validate_certs"]:
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
        self._unsent = b""
        try:
            while not self._shakes_hands():
                self._feed(self._stream.recv(_ENOUGH))
            self._take()
        except BaseException:
            self.close()
            raise

    def names(self) -> list[str]:
        """The names and addresses that the other side's certificate is for."""
        shown: Mapping[str, Any] = self._tls.getpeercert() or {}
        return [str(name) for _kind, name in shown.get("subjectAltName", ())]

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
            if self._sending.acquire(blocking=False):  # else whoever sends takes along what the protocol wants to say
                try:
                    self._flush()
                finally:
                    self._sending.release()
            encrypted = self._stream.recv(_ENOUGH)
            with self._state, _told():  # in one: nobody may end the sending in between
                self._feed(encrypted)
                self._take()
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
        """As a socket's. What can't be sent in time, the next call sends, whichever."""
        with self._sending:
            self._flush()
            piece = data[:_ENOUGH]
            with self._state:
                self._tls.write(piece)
            with suppress(socket.timeout):
                self._flush()
        return len(piece)

    def _flush(self) -> None:
        """Send what is encrypted; raises socket.timeout if not even a part of it can be sent in time."""
        with self._state:
            self._unsent += self._gone.read()
        while self._unsent:
            self._unsent = self._unsent[self._stream.send(self._unsent) :]

    def shutdown(self, how: int) -> None:
        """As a socket's, for SHUT_WR and SHUT_RDWR."""
        if how == socket.SHUT_RDWR:
            self._stream.shutdown(how)
            return
        with self._sending:
            with self._state, suppress(ssl.SSLWantReadError):  # the other side goes on sending
                self._tls.unwrap()
            while True:
                with suppress(socket.timeout):
                    self._flush()
                    return

    def fileno(self) -> int:
        """As a socket's."""
        return self._stream.fileno()

    def close(self) -> None:
        """As a socket's."""
        self._stream.close()
