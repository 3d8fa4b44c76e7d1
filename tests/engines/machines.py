# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts with systemd, as containers of a private engine: packages can be installed there, and their units run."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import time
from pathlib import Path

import docker
from docker.models.containers import Container

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.engines.network import within
from ansible_collections.gantry.docker.tests.engines.places import HERE, STATE, locked
from ansible_collections.gantry.docker.tests.engines.roots import CannotBuild, build
from ansible_collections.gantry.docker.tests.support.waiting import wait_for

# The packages of the engine lie in apt's cache, so that its installation takes seconds; it is not installed.
_COMMAND = (
    "mmdebstrap",
    "--mode=root",
    "--variant=minbase",
    "--quiet",
    '--aptopt=Acquire::Check-Valid-Until "false"',
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--include=systemd-sysv,dbus,python3-minimal,python3-apt,ca-certificates,iproute2,iptables,procps",
    '--customize-hook=chroot "$1" apt-get install --quiet=2 --yes --download-only docker.io',
    "--skip=cleanup/apt",
)
_IMAGE = "gantry/machine"


def machine_root(suite: str) -> Path:
    """Return the root file system of such a host as a tar; make it if it isn't there yet. Raise CannotBuild."""
    command = [*_COMMAND, suite]
    target = STATE / "images" / f"machine-{suite}-{hashlib.sha256(' '.join(command).encode()).hexdigest()[:12]}.tar"
    with locked(STATE / "images" / f"machine-{suite}.lock"):
        if not target.is_file():
            print(f"Making a host with Debian {suite} and systemd (once) …", file=sys.stderr)
            build(command, target)
    return target


def run_machine(engine: Engine, client: docker.DockerClient, name: str, suite: str) -> Container:
    """Run a host as a container of that name; return it when systemd is up. Raise CannotBuild."""
    if not client.images.list(f"{_IMAGE}:{suite}"):
        with machine_root(suite).open("rb") as tar:
            client.api.import_image_from_data(tar, repository=_IMAGE, tag=suite)
    # Its control group is swept with those of the engine.
    container = client.containers.run(
        f"{_IMAGE}:{suite}",
        ["sh", "-c", (HERE / "machine").read_text(), "machine", f"gantry-docker-{engine.instance}/{name}"],
        name=name,
        hostname=name,
        detach=True,
        environment={"container": "docker"},
        privileged=True,
        cgroupns="private",
        tmpfs={"/run": "mode=755", "/run/lock": "", "/tmp": ""},  # noqa: S108
        volumes=["/var/lib/docker", "/var/lib/containerd"],
        stop_signal="SIGRTMIN+3",
    )
    wait_for_systemd(container)
    return container


def wait_for_systemd(container: Container) -> None:
    """Wait until a host has started. Raise CannotBuild."""
    for _attempt in range(240):
        _status, state = run_in(container, "systemctl", "is-system-running")
        if state in ("running", "degraded"):
            return
        time.sleep(0.25)
    raise CannotBuild(f"systemd in {container.name} is {state}:\n{container.logs(tail=15).decode()}")


def run_in(container: Container, *words: str) -> tuple[int, str]:
    """Run a command in a container; return its exit code and what it wrote."""
    code, output = container.exec_run(list(words))
    assert isinstance(output, bytes)
    return int(code or 0), output.decode().strip()


def start_registry(engine: Engine, address: str, directory: str, more: str = "") -> None:
    """Start a registry in the engine's network, and wait until it listens; raise CannotBuild if it doesn't.

    It goes with the engine, and logs beside the others. more: the end of its configuration, which begins below http.
    """
    path = _settings_of(address)
    settings = f"""\
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {directory}}}}}
http:
  addr: {address}
{more}"""
    Path(f"/proc/{engine.pid}/root{path}").write_text(settings)
    with (engine.socket.parent / f"{Path(path).stem}.log").open("wb") as log:
        subprocess.Popen(
            [*_beside(engine), "docker-registry", "serve", path],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    if not wait_for(lambda: _listens(engine, address), 30):
        raise CannotBuild(f"The registry at {address} doesn't listen:\n{Path(log.name).read_text()[-2000:]}")


def _listens(engine: Engine, address: str) -> bool:
    host, _colon, port = address.rpartition(":")
    try:
        within(engine, lambda: socket.create_connection((host, int(port)), timeout=1).close())
    except OSError:
        return False
    return True


def stop_registry(engine: Engine, address: str) -> None:
    """Stop a registry that start_registry() has started."""
    serving = f"docker-registry serve {_settings_of(address)}"
    subprocess.run([*_beside(engine), "pkill", "--exact", "--full", serving], check=True)


def _settings_of(address: str) -> str:
    """Return the path of a registry's configuration, for the engine."""
    return f"/run/registry-{address.rpartition(':')[2]}.yml"


def _beside(engine: Engine) -> list[str]:
    """Return the beginning of a command that runs beside the engine."""
    return ["nsenter", "--target", str(engine.pid), "--mount", "--net", "--pid", "--"]
