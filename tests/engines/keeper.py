# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process behind one private engine: it starts the engine, connects it to the network, and cleans up.

Run it as a module with one argument, the engine's job as JSON (see engine.py). It ends on SIGTERM, when its leash
(standard input) is closed, or when the engine ends. The engine ends with it, even if it is killed. On SIGTERM it leaves
nothing behind; an engine that ended by itself leaves its logs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from ansible_collections.gantry.docker.tests.engines.places import HERE, sweep

# Both end with the keeper, even if that is killed. All processes of a pid namespace end with its first one.
_LEASH = ("setpriv", "--pdeathsig", "KILL")
_NAMESPACES = ("unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child=KILL")
# Large frames: with the usual 1,500 bytes, the installation of a package in a container takes five times as long.
_UPLINK = ("slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback")


def keep(job: dict[str, str]) -> int:
    """Run the engine until it ends or SIGTERM comes; return the engine's exit code."""
    signal.signal(signal.SIGTERM, _quit)
    about, who = Path(job["RUN"]) / "engine.json", {"name": job["name"], "keeper": os.getpid()}
    _write(about, {**who, "pid": 0})
    if job["leash"]:
        threading.Thread(target=_follow, daemon=True).start()
    own = {key: value for key, value in job.items() if key.isupper()}
    path = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    engine = subprocess.Popen([*_LEASH, *_NAMESPACES, str(HERE / "inside")], env={**path, **own})
    uplink = None
    try:
        init = _first_child(engine.pid)
        uplink = subprocess.Popen([*_LEASH, *_UPLINK, str(init), "tap0"])
        _write(about, {**who, "pid": init})
        return engine.wait()
    except KeyboardInterrupt:
        _end(uplink, engine)
        sweep(job["INSTANCE"])
        return 0
    finally:
        _end(uplink, engine)


def _follow() -> None:
    """Wait for the end of the process that started this keeper, then end the keeper."""
    os.read(0, 1)  # not sys.stdin: a thread that reads it delays the end of the interpreter
    # To the main thread: only a signal that arrives there interrupts its wait.
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def _quit(_signal: int, _frame: object) -> None:
    # Only once: a second signal must not interrupt the cleanup.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _end(uplink: subprocess.Popen[bytes] | None, engine: subprocess.Popen[bytes]) -> None:
    """Kill both. The engine's data is discarded, so it needs no time to shut down."""
    if engine.poll() is None:
        # Its child is the first process of the pid namespace: all others have ended when it is reaped.
        for child in children(engine.pid):
            os.kill(child, signal.SIGKILL)
        try:
            engine.wait(timeout=10)
        except subprocess.TimeoutExpired:
            engine.kill()
            engine.wait()
    if uplink and uplink.poll() is None:
        uplink.kill()
        uplink.wait()


def children(pid: int) -> list[int]:
    """Return the child processes of a process."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _first_child(pid: int) -> int:
    """Return the only child of a process, the first process of its namespaces, once it has its own network."""
    for _attempt in range(200):
        found = children(pid)
        if found and os.readlink(f"/proc/{found[0]}/ns/net") != os.readlink("/proc/self/ns/net"):
            return found[0]
        time.sleep(0.02)
    raise RuntimeError("The engine's namespaces weren't made.")


def _write(path: Path, what: dict[str, object]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(what))
    part.rename(path)


if __name__ == "__main__":
    sys.exit(keep(json.loads(sys.argv[1])))
