# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts the bytes between clients and an engine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PIECE = 256 * 1024


class Counter:
    """A socket beside the engine's that hands everything on. sent: to the engine; received: from it."""

    def __init__(self, engine: Path) -> None:
        self._engine = engine
        self._path = engine.with_name("counted.sock")
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen(64)
        self.sent = self.received = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """As DOCKER_HOST wants it."""
        return f"unix://{self._path}"

    def close(self) -> None:
        """Take no more connections, and wait for the bytes that are on their way."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._path.unlink()
        for thread in self._threads:
            thread.join(timeout=10)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(str(self._engine))
                for source, target, upwards in ((client, engine, True), (engine, client, False)):
                    thread = threading.Thread(target=self._relay, args=(source, target, upwards), daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _relay(self, source: socket.socket, target: socket.socket, upwards: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                with self._lock:
                    self.sent += len(piece) if upwards else 0
                    self.received += 0 if upwards else len(piece)
                target.sendall(piece)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextmanager
def counted(engine: Path) -> Iterator[Counter]:
    """A counter as long as the context; the numbers are whole once it has ended. engine: its socket."""
    counter = Counter(engine)
    try:
        yield counter
    finally:
        counter.close()
