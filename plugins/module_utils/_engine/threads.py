# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Threads that keep no task from its end."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Callable, TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")


def _start(work: Callable[[], object]) -> None:
    """Do work in a daemon thread that takes no signals.

    A daemon, so that a call which never returns can't keep the module from ending. Signals are for the main thread: one
    that the kernel gave to another would not end the main thread's wait.
    """
    former = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        threading.Thread(target=work, daemon=True).start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def on_threads(work: Callable[[Item], Result], items: Sequence[Item], workers: int) -> list[Result]:
    """The results of work for each item, in the items' order, by so many threads at a time.

    These are daemons, unlike those of concurrent.futures, and their end isn't waited for when a signal ends the task:
    they may wait for answers that never come. Raises the first item's error, once all are done.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    outcomes: queue.SimpleQueue[tuple[int, Result | None, BaseException | None]] = queue.SimpleQueue()

    def serve() -> None:
        while not waiting.empty():
            with suppress(queue.Empty):
                number = waiting.get_nowait()
                try:
                    outcomes.put((number, work(items[number]), None))
                except BaseException as error:  # pylint: disable=broad-exception-caught
                    outcomes.put((number, None, error))

    for number in range(len(items)):
        waiting.put(number)
    for _worker in range(workers):
        _start(serve)
    ended = sorted((outcomes.get() for _item in items), key=lambda outcome: outcome[0])
    for _number, _result, error in ended:
        if error is not None:
            raise error
    return [cast("Result", result) for _number, result, _error in ended]
