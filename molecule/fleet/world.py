# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the hosts of the scenario, the images on the controller, and the way to the hosts: world.py DIRECTORY."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import docker
from docker.models.containers import Container

from ansible_collections.gantry.docker.tests.engines.engine import Engine, assert_private, find
from ansible_collections.gantry.docker.tests.engines.hosts import host_of
from ansible_collections.gantry.docker.tests.support import archives

MIB = 1 << 20
BASE, CHANGE = 8 * MIB, 4 * MIB
HOSTS = {"bookworm-classic": "old", "sid-classic": "plain", "trixie-classic": "boxed"}
SERVER = """
HostKey /etc/ssh/fleet
AuthorizedKeysFile /etc/ssh/authorized
StrictModes no
PasswordAuthentication no
Subsystem sftp /usr/lib/openssh/sftp-server
"""
CLIENT = """
Host *
    ProxyCommand {python} {wire} {place} %n
    IdentityFile {place}/user
    IdentitiesOnly yes
    UserKnownHostsFile {place}/known
    GlobalKnownHostsFile /dev/null
"""


def main() -> None:
    """Do it."""
    place = Path(sys.argv[1])
    engines = [engine for engine in map(find, os.environ["GANTRY_ENGINES"].split(",")) if engine]
    hosts = {HOSTS.get(engine.name, "here"): engine for engine in engines}
    # Molecule keeps the directory of a run that failed.
    for left in (place / "user", place / "host", *place.glob("fault-*")):
        left.unlink(missing_ok=True)
    make_ssh(place)
    with closing(hosts["here"].client()) as controller:
        base = make_images(controller, place)
        for name, engine in hosts.items():
            assert_private(engine.docker_host)
            if name != "here":
                with closing(engine.client()) as client:
                    client.images.load(base)
                    make_host(engine, client, name, place)
    (place / "here").write_text(hosts["here"].docker_host)
    (place / "engines.json").write_text(json.dumps({name: engine.docker_host for name, engine in hosts.items()}))
    (place / "password").write_text("secret")


def make_images(client: docker.DockerClient, place: Path) -> bytes:
    """Make a base, and four versions of an application on it, of which the last stays; return the base's archive."""
    client.images.pull("busybox", "latest")
    grow(client, "busybox", "base:1", {"base": os.urandom(BASE)})
    for version in "1234":
        page = f"version {version}".encode()
        grow(client, "base:1", f"app:{version}", {"www/index.html": page, "noise": os.urandom(CHANGE)})
        (place / f"app-{version}.tar").write_bytes(saved(client, f"app:{version}"))
    for version in "123":
        client.api.remove_image(f"app:{version}")
    return saved(client, "base:1")


def grow(client: docker.DockerClient, parent: str, name: str, files: dict[str, bytes]) -> None:
    """Commit a container of an image with further files."""
    container = client.containers.create(parent, ["true"])
    container.put_archive("/", archives.tar(files))
    repository, _colon, tag = name.partition(":")
    container.commit(repository, tag)
    container.remove()


def saved(client: docker.DockerClient, name: str) -> bytes:
    return b"".join(client.images.get(name).save(named=True))


def make_ssh(place: Path) -> None:
    """Make the keys, and the configuration of the controller's ssh."""
    for key in ("user", "host"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / key)], check=True)
    wire = Path(__file__).with_name("wire.py")
    (place / "ssh.conf").write_text(CLIENT.format(python=sys.executable, wire=wire, place=place))
    key = (place / "host.pub").read_text()
    (place / "known").write_text("".join(f"{name} {key}" for name in ("old", "plain")))


def make_host(engine: Engine, client: docker.DockerClient, name: str, place: Path) -> Container:
    """Run a host with Debian's Python, a server for ssh, a small disk, and the socket of its engine."""
    with host_of("bookworm", "openssh-server").open("rb") as tar:
        client.api.import_image_from_data(tar, repository="host", tag="1")
    host = client.containers.run(
        "host:1",
        ["sleep", "infinity"],
        name=name,
        detach=True,
        volumes={str(engine.socket): {"bind": "/run/docker.sock"}},
        tmpfs={"/small": "size=12m", "/run/sshd": "mode=755"},
        stop_signal="KILL",
    )
    secret = {"fleet": (place / "host").read_bytes(), "authorized": (place / "user.pub").read_bytes()}
    host.put_archive("/etc/ssh", archives.tar({**secret, "fleet.conf": SERVER.encode()}))
    for command in ("chmod 600 /etc/ssh/fleet", "mkdir -p -m 700 /root/.ansible/tmp /small/ansible"):
        assert host.exec_run(command).exit_code == 0
    return host


if __name__ == "__main__":
    main()
