# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A way to an engine over ssh: a real client and a real server, connected by a pipe instead of a port."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.support.programs import write_program

HOST = "there"


def offer(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> str:
    """Put an ssh on PATH that logs in on the engine's host; return the docker_host for it.

    Both ends run in the engine's namespaces. The server accepts root with a key, and no other user.
    """
    place = engine.files / f"ssh-{os.urandom(4).hex()}"
    place.mkdir(mode=0o700)
    for key in ("user", "host"):
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / key)]
        subprocess.run([*_inside(engine), *keygen], check=True)
    shutil.copy(place / "user.pub", place / "authorized")
    (place / "known").write_text(f"{HOST} {(place / 'host.pub').read_text()}")
    (place / "server.conf").write_text(f"""
        HostKey {place}/host
        AuthorizedKeysFile {place}/authorized
        StrictModes no
        PasswordAuthentication no
        KbdInteractiveAuthentication no
        SetEnv DOCKER_HOST={engine.docker_host}
    """)
    (place / "client.conf").write_text(f"""
        Host {HOST}
            ProxyCommand /bin/sh -c 'mkdir -p /run/sshd && exec /usr/sbin/sshd -i -f {place}/server.conf'
            IdentityFile {place}/user
        Host *
            UserKnownHostsFile {place}/known
            GlobalKnownHostsFile /dev/null
    """)
    programs = place / "bin"
    programs.mkdir()
    write_program(programs / "ssh", f'exec {" ".join(_inside(engine))} /usr/bin/ssh -F {place}/client.conf "$@"')
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    return f"ssh://root@{HOST}"


def _inside(engine: Engine) -> list[str]:
    return ["nsenter", f"--target={engine.pid}", "--mount", "--net", "--"]
