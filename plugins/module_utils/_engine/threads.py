# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Threads that keep no task from its end."""

from __future__ import annotations

import queue
import signal
import threading
from typing import Any, Callable


def start(work: Callable[[], object]) -> None:
    """Do work in a daemon thread that takes no signals.

    A daemon, so that a call which never returns can't keep the module from ending. Signals are for the main thread: one
    that the kernel gave to another would not end the main thread's wait.
    """
    former = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        threading.Thread(target=work, daemon=True).start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def background(call: Callable[[], object]) -> queue.SimpleQueue[tuple[bool, Any]]:
    """Begin a call in such a thread; the queue gets whether it went well, and what it returned or raised."""
    # Unlike Queue, it is in order whenever a signal ends the wait for it (it is written in C).
    outcome: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def work() -> None:
        try:
            outcome.put((True, call()))
        except BaseException as error:  # pylint: disable=broad-exception-caught
            outcome.put((False, error))

    start(work)
    return outcome
