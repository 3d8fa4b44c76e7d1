# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls in an engine's network, whose loopback has the registries."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from typing import TypeVar

from ansible_collections.gantry.docker.tests.engines.engine import Engine

T = TypeVar("T")


def enter(engine: Engine) -> None:
    """Move this thread, and no other, into the engine's network."""
    namespace = os.open(f"/proc/{engine.pid}/ns/net", os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(namespace, 0):  # os.setns comes with Python 3.12
            raise OSError(ctypes.get_errno(), "can't enter the engine's network")
    finally:
        os.close(namespace)


def within(engine: Engine, call: Callable[[], T]) -> T:
    """Make a call in the engine's network and return its result; a socket that it opens stays there."""
    results: list[T] = []
    problems: list[Exception] = []

    def work() -> None:
        try:
            enter(engine)
            results.append(call())
        except Exception as problem:
            problems.append(problem)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if problems:
        raise problems[0]
    return results[0]
