# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a program and write its time and memory as JSON to a file: timed.py FILE PROGRAM ARGUMENT...

This imports next to nothing: Linux counts the memory of the process that starts a program as the program's own.
"""

import os
import sys
import time


def main() -> int:
    """Run the program; return its exit code."""
    told, *program = sys.argv[1:]
    started = time.monotonic()
    child = os.fork()
    if not child:
        os.execvp(program[0], program)  # noqa: S606
    _child, status, used = os.wait4(child, 0)
    wall = time.monotonic() - started
    with open(told, "w") as file:
        file.write(f'{{"wall": {wall}, "cpu": {used.ru_utime + used.ru_stime}, "memory": {used.ru_maxrss * 1024}}}')
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
