# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes both sides: their engines' images, their playbooks' inventories, keys, and the tools that sign: world.py PLACE.

Below PLACE, outside and inside belong to one side each, and media is what is carried.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import docker

from ansible_collections.gantry.docker.tests.engines.engine import Engine, assert_private, find
from ansible_collections.gantry.docker.tests.engines.roots import unpacked
from ansible_collections.gantry.docker.tests.support import archives
from ansible_collections.gantry.docker.tests.support.programs import write_program

BASE, CHANGE = 3 << 20, 1 << 20
HOSTS = ("old", "new")
SIGNER = "builder@outside"
TOOLS = {"minisign": "trixie", "cosign": "sid"}


def main() -> None:
    """Do it."""
    place = Path(sys.argv[1])
    for side in ("outside", "inside", "inside/work", "media", "tools"):
        shutil.rmtree(place / side, ignore_errors=True)  # of a former run
        (place / side).mkdir(mode=0o700)
    outside, *inside = (engine for engine in map(find, os.environ["GANTRY_ENGINES"].split(",")) if engine)
    for engine in (outside, *inside):
        assert_private(engine.docker_host)
    make_images(outside)
    write_inventory(place / "outside", {"localhost": outside})
    write_inventory(place / "inside", dict(zip(HOSTS, inside)))
    for tool, suite in TOOLS.items():
        offer(place / "tools" / tool, unpacked(suite, tool), tool)
    make_keys(place)


def make_images(engine: Engine) -> None:
    """Make two versions of an application on one base."""
    with closing(engine.client()) as client:
        client.images.pull("busybox", "latest")
        grow(client, "busybox", "team/base:1", {"base": os.urandom(BASE)})
        for version in "12":
            page = f"version {version}".encode()
            grow(client, "team/base:1", f"team/app:{version}", {"www/index.html": page, "noise": os.urandom(CHANGE)})


def grow(client: docker.DockerClient, parent: str, name: str, files: dict[str, bytes]) -> None:
    """Commit a container of an image with further files."""
    container = client.containers.create(parent, ["true"])
    container.put_archive("/", archives.tar(files))
    container.commit(*name.split(":"))
    container.remove()


def write_inventory(place: Path, engines: dict[str, Engine]) -> None:
    """Write the inventory of a side: hosts that are this machine, each with an engine of its own."""
    common = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {name: {"docker_host": engine.docker_host, **common} for name, engine in engines.items()}
    (place / "hosts.json").write_text(json.dumps({"site": {"hosts": hosts}}))


def offer(program: Path, root: Path, name: str) -> None:
    """Write a program that runs one of another release of Debian, with the libraries of that."""
    loader = next(root.glob("usr/lib*/ld-linux*.so.*"))
    libraries = next(root.glob("usr/lib/*/libc.so.6")).parent
    write_program(program, f'exec {loader} --library-path {libraries} {root}/usr/bin/{name} "$@"')


def make_keys(place: Path) -> None:
    """Make two keys of each tool outside, of which one is trusted inside; and one that has expired."""
    outside, inside = place / "outside", place / "inside"
    for name in ("good", "other", "expired"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", outside / f"ssh-{name}")
    keys = {name: (outside / f"ssh-{name}.pub").read_text() for name in ("good", "other", "expired")}
    (inside / "allowed_signers").write_text(
        f'{SIGNER} {keys["good"]}{SIGNER} valid-before="20200101" {keys["expired"]}'
    )
    # Outside, all are trusted: the role signs with no key that isn't.
    (outside / "allowed_signers").write_text("".join(f"{SIGNER} {key}" for key in keys.values()))
    for name in ("good", "other"):
        minisign, cosign = outside / f"minisign-{name}", outside / f"cosign-{name}"
        run(place / "tools/minisign", "-G", "-p", f"{minisign}.pub", "-s", f"{minisign}.key", words="secret\nsecret\n")
        run(place / "tools/cosign", "generate-key-pair", "--output-key-prefix", cosign)
    for tool in TOOLS:
        (inside / f"{tool}.pub").write_text((outside / f"{tool}-good.pub").read_text())


def run(*command: str | Path, words: str = "") -> None:
    """Run a program that reads these words, and must succeed; its keys have the password that the scenario has."""
    environment = {**os.environ, "COSIGN_PASSWORD": "secret"}
    subprocess.run(command, input=words, text=True, check=True, stdout=subprocess.DEVNULL, env=environment)


if __name__ == "__main__":
    main()
