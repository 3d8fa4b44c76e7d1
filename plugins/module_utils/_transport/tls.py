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
# Error codes of a certificate that is good, but for another name or address (OpenSSL, x509_vfy.h).
_FOR_ANOTHER = (62, 64)


def encrypted(connect: Callable[[], socket.socket], options: Mapping[str, Any]) -> Tls:
    """Return a TLS connection over a connection that connect makes; raise TlsFailed.

    options: as address.resolve() returns them. The other side's certificate must have the name tls_hostname or, without
    that, the host of the address.
    """
    wanted = str(options["tls_hostname"] or options["address"].host)
    with _told():
        context = _context(options)
        try:
            return Tls(connect(), context, wanted)
        except ssl.SSLCertVerificationError as error:
            if error.verify_code not in _FOR_ANOTHER:
                raise
            # Only a complete connection shows the names in the certificate.
            context.check_hostname = False
            with closing(Tls(connect(), context, wanted)) as other:
                shown = ", ".join(other.names())
            raise TlsFailed(f"{error.verify_message.rstrip('.')}, but for {shown or 'none'}") from error


def _context(options: Mapping[str, Any]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # An address with https:// means TLS without either option: then the certificate is checked.
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
    """Translate errors of TLS into TlsFailed."""
    try:
        yield
    except ssl.SSLError as error:
        raise TlsFailed(str(error)) from error


class Tls:
    """A TLS connection whose sending can be ended alone, as the input of a command needs. Python's SSLSocket can't.

    One thread may send while another one receives. The receiver never waits for the sender.
    """

    def __init__(self, stream: socket.socket, context: ssl.SSLContext, name: str) -> None:
        self._stream = stream
        self._come, self._gone = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._come, self._gone, server_hostname=name)
        # _state guards _tls and its buffers. _sending keeps the sent bytes in order.
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
        """Return the names and addresses in the other side's certificate."""
        shown: Mapping[str, Any] = self._tls.getpeercert() or {}
        return [str(name) for _kind, name in shown.get("subjectAltName", ())]

    def _shakes_hands(self) -> bool:
        """Continue the handshake; return whether it is complete."""
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
        """Return some decrypted bytes, as a socket's recv."""
        while not (self._plain or self._ended):
            if self._sending.acquire(blocking=False):  # else the sender sends the protocol's own messages too
                try:
                    self._flush()
                finally:
                    self._sending.release()
            encrypted = self._stream.recv(_ENOUGH)
            with self._state, _told():  # one lock for both: no other thread may end the sending in between
                self._feed(encrypted)
                self._take()
        piece, self._plain = self._plain[:size], self._plain[size:]
        return piece

    def _take(self) -> None:
        """Decrypt all bytes that have come: the end of the sending would discard the others (SSL_shutdown)."""
        try:
            while piece := self._tls.read(_ENOUGH):
                self._plain += piece
            self._ended = True
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            self._ended = True

    def send(self, data: memoryview) -> int:
        """Send some bytes, as a socket's send. What can't be sent in time goes with the next call of any method."""
        with self._sending:
            self._flush()
            piece = data[:_ENOUGH]
            with self._state:
                self._tls.write(piece)
            with suppress(socket.timeout):
                self._flush()
        return len(piece)

    def _flush(self) -> None:
        """Send all encrypted bytes; raise socket.timeout if none of them can be sent in time."""
        with self._state:
            self._unsent += self._gone.read()
        while self._unsent:
            self._unsent = self._unsent[self._stream.send(self._unsent) :]

    def shutdown(self, how: int) -> None:
        """End the sending (SHUT_WR), or both directions (SHUT_RDWR), as a socket's shutdown."""
        if how == socket.SHUT_RDWR:
            self._stream.shutdown(how)
            return
        with self._sending:
            with self._state, suppress(ssl.SSLWantReadError):  # the other side may still send
                self._tls.unwrap()
            while True:
                with suppress(socket.timeout):
                    self._flush()
                    return

    def fileno(self) -> int:
        """Return the file descriptor, as a socket's fileno."""
        return self._stream.fileno()

    def close(self) -> None:
        """Close the connection, as a socket's close."""
        self._stream.close()
