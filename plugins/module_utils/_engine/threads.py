# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Threads that can't keep a task from ending."""

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

    It is a daemon, so that a call which never returns can't keep the module from ending. Signals are for the main
    thread: a signal that the kernel delivers to another thread doesn't end the main thread's wait.
    """
    former = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        threading.Thread(target=work, daemon=True).start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def on_threads(work: Callable[[Item], Result], items: Sequence[Item], workers: int) -> list[Result]:
    """Return the results of work for each item, in the order of the items. workers: the number of threads.

    The threads are daemons, unlike those of concurrent.futures. If a signal ends the task, it doesn't wait for them,
    because they may wait for answers that never come. Raise the error of the first failed item, after all have ended.
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
