# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wire from the controller's ssh to the server on a host, as a ProxyCommand: wire.py DIRECTORY HOST.

It counts the bytes to the host in the file wire-HOST. While there is a file fault-HOST, the wire is cut after 1 MiB; if
the file contains "stop", the host is stopped at that moment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

PIECE, FAULT_AFTER = 1 << 16, 1 << 20


def main() -> None:
    """Do it."""
    place, name = Path(sys.argv[1]), sys.argv[2]
    address = json.loads((place / "engines.json").read_text())[name]
    docker = [str(Path(address.removeprefix("unix://")).parent / "bin" / "docker"), "--host", address]
    server = [*docker, "exec", "--interactive", name, "/usr/sbin/sshd", "-i", "-f", "/etc/ssh/fleet.conf"]
    fault, passed = place / f"fault-{name}", 0
    with subprocess.Popen(server, stdin=subprocess.PIPE) as far, (place / f"wire-{name}").open("a") as counted:
        assert far.stdin
        os.close(1)  # so that ssh sees the end of the server
        with suppress(BrokenPipeError):
            while piece := os.read(0, PIECE):
                print(len(piece), file=counted, flush=True)
                passed = passed + len(piece) if fault.exists() else 0
                if passed > FAULT_AFTER:
                    if fault.read_text() == "stop":
                        subprocess.run([*docker, "kill", name], check=True, capture_output=True)
                    far.kill()
                    break
                far.stdin.write(piece)
                far.stdin.flush()


if __name__ == "__main__":
    main()
