# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The way to an engine over ssh: by the program ssh, with its own configuration, and without prompts.

It runs the Docker CLI on the engine's host, as Docker's own CLI does (cli/connhelper/connhelper.go).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from ansible_collections.gantry.docker.plugins.module_utils._transport.address import Address

_MOST_SAID = 4096


@contextmanager
def _no_signal_blocked() -> Iterator[None]:
    """Block no signal inside.

    A program inherits the blocked signals of the thread that starts it. Threads that ask an engine block all signals
    (_engine/threads.py), so SIGTERM could not end the program.
    """
    former = signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


class Ssh:
    """The way to an engine by ssh. timeout: the seconds for the login and for every wait."""

    def __init__(self, address: Address, timeout: int) -> None:
        user = ("-l", address.user) if address.user else ()
        port = ("-p", str(address.port)) if address.port else ()
        # BatchMode: no prompt for a password, because nobody can answer it.
        options = ("-T", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={timeout}", *user, *port)
        self._command = ("ssh", *options, "--", address.host, "docker", "system", "dial-stdio")
        self._timeout = timeout
        self._programs: list[subprocess.Popen[bytes]] = []
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115

    def dial(self) -> socket.socket:
        """Return a new connection, made by a login of its own."""
        stream, other = socket.socketpair()
        stream.settimeout(self._timeout)
        with other:
            end = other.fileno()
            # Not run_command, the way of modules, because it waits for the end of the program. In a session of its own,
            # so that a signal from the keyboard doesn't end the connection before the task has cleaned up.
            with _no_signal_blocked():
                program = subprocess.Popen(  # pylint: disable=ansible-bad-function
                    self._command, stdin=end, stdout=end, stderr=self._errors, start_new_session=True
                )
            self._programs.append(program)
        return stream

    def said(self) -> str:
        """Return the error output of the programs; "" if there is none."""
        # pread, because the programs share the position of this file: it must stay at the end.
        said = os.pread(self._errors.fileno(), _MOST_SAID, 0)
        return " ".join(said.decode("utf-8", "replace").split())

    def close(self) -> None:
        """End the programs."""
        for program in self._programs:
            program.terminate()
            program.wait()
        self._programs.clear()
        self._errors.close()
