# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that times tasks."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: gantry_bench
type: stdout
short_description: Times tasks
description:
  - Writes a line of JSON for each task into the file that the environment variable GANTRY_BENCH_TASKS names.
"""


class CallbackModule(CallbackBase):
    """The times from the start of a task to its result; a loop is one task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "gantry_bench"

    def __init__(self) -> None:
        super().__init__()
        self._started, self._used = 0.0, 0.0

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Start the clocks."""
        self._used = _processor_time()
        self._started = time.monotonic()

    def v2_runner_on_ok(self, result: Any) -> None:
        """Stop the clocks, that of the processors after the end of the task's processes."""
        wall = time.monotonic() - self._started
        while multiprocessing.active_children() and time.monotonic() - self._started < wall + 2:
            time.sleep(0.001)
        cpu = _processor_time() - self._used
        report = {
            "name": result.task.get_name(),
            "wall": wall,
            "cpu": cpu,
            "changed": bool(result.result.get("changed")),
        }
        with Path(os.environ["GANTRY_BENCH_TASKS"]).open("a") as file:
            file.write(json.dumps(report) + "\n")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Show the error; the run ends with it."""
        self._display.display(f"{result.task.get_name()}: {json.dumps(result.result)[:2000]}")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Show the error; the run ends with it."""
        self.v2_runner_on_failed(result)


def _processor_time() -> float:
    """Return the processor seconds of this process and its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
