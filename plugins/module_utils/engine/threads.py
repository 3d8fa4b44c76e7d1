# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Threads that keep no task from its end."""

from __future__ import annotations

import signal
import threading
from typing import Callable


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
