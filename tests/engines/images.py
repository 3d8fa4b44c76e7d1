# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real images for tests, made from Debian's packages and pushed to a registry by a private engine.

They are busybox (latest and its version), debian:12, and gantry/python:3, in which Ansible's modules run.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import docker

from ansible_collections.gantry.docker.tests.engines import engine as engines
from ansible_collections.gantry.docker.tests.engines.places import HERE, STATE, locked
from ansible_collections.gantry.docker.tests.engines.roots import (
    NO_DOCUMENTATION,
    SMALLEST,
    CannotBuild,
    build,
    root_of,
)
from ansible_collections.gantry.docker.tests.support import tars

# Ansible needs these packages to manage a container of this image. apt's lists are removed again.
_ADD_PYTHON = (
    "apt-get update -q && apt-get install -qy --no-install-recommends python3-minimal python3-apt ca-certificates"
    " && apt-get clean && rm -rf /var/lib/apt/lists/* /var/log/*"
)
_DEBIAN = (*SMALLEST, *NO_DOCUMENTATION, "bookworm")
_REGISTRY = "127.0.0.1:5000"
_LAST_SECOND_OF_2000 = 978307199


def content() -> Path:
    """Return the registry's content, for engine.running; make it if it is missing.

    Raise CannotBuild if Debian's packages, or an engine to push with, aren't available.
    """
    makers = (HERE / "images.py", Path(tars.__file__))
    recipe = b"".join([" ".join(_DEBIAN).encode(), *(maker.read_bytes() for maker in makers)])
    target = STATE / "images" / f"registry-{hashlib.sha256(recipe).hexdigest()[:12]}"
    with locked(STATE / "images" / "lock"):
        if not target.is_dir():
            print(
                "Making images (busybox, debian:12, gantry/python:3) and a registry with them (once) …", file=sys.stderr
            )
            _fill(target)
    return target


def _fill(target: Path) -> None:
    debian = STATE / "images" / "debian.tar"
    debian.unlink(missing_ok=True)
    build(list(_DEBIAN), debian)
    with _some_engine() as engine:
        client = engine.client()
        _import_busybox(client)
        _import(client, debian, "debian", "12", "bash")
        _add_python(client)
        for repository, tag in (("busybox", "latest"), ("busybox", _busybox_version()), ("debian", "12")):
            _push(client, f"{repository}:{tag}", f"{_REGISTRY}/library/{repository}", tag)
        _push(client, "gantry/python:3", f"{_REGISTRY}/gantry/python", "3")
        client.close()
        part = target.with_name(target.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(STATE / "engines" / engine.instance / "registry", part)
    part.rename(target)
    debian.unlink()


def _some_engine() -> AbstractContextManager[engines.Engine]:
    """Return the first engine that can be built: any engine can push."""
    problems = []
    for name in ("sid-classic", "trixie-classic", "bookworm-classic"):
        try:
            root_of(name.partition("-")[0])
            return engines.running(name, None)
        except CannotBuild as problem:
            problems.append(str(problem))
    raise CannotBuild("\n".join(problems))


def _busybox() -> Path:
    return root_of("bookworm") / "bin" / "busybox"


def _busybox_version() -> str:
    said = subprocess.run([_busybox()], capture_output=True, text=True, check=True).stdout
    return said.split()[1].removeprefix("v")


def _import_busybox(client: docker.DockerClient) -> None:
    data = _busybox_tar()
    for tag in ("latest", _busybox_version()):
        client.api.import_image_from_data(data, repository="busybox", tag=tag, changes=['CMD ["sh"]'])
    # Two imports make two images with different times; both tags must refer to one image.
    client.api.tag("busybox:latest", "busybox", _busybox_version(), force=True)


def _busybox_tar() -> bytes:
    """Return a root file system of busybox and a link for each of its commands, always the same bytes."""
    commands = subprocess.run([_busybox(), "--list"], capture_output=True, text=True, check=True).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        entry = partial(tars.add, tar, mtime=_LAST_SECOND_OF_2000)
        for directory in ("bin", "dev", "etc", "proc", "root", "sys", "tmp"):
            entry(directory, type=tarfile.DIRTYPE, mode=0o1777 if directory == "tmp" else 0o755)
        entry("bin/busybox", _busybox().read_bytes(), mode=0o755)
        for command in sorted(set(commands) - {"busybox"}):
            entry(f"bin/{command}", type=tarfile.LNKTYPE, mode=0o755, linkname="bin/busybox")
        entry("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n", mode=0o644)
    return buffer.getvalue()


def _import(client: docker.DockerClient, tar: Path, repository: str, tag: str, command: str) -> None:
    with tar.open("rb") as file:
        client.api.import_image_from_data(file, repository=repository, tag=tag, changes=[f'CMD ["{command}"]'])


def _add_python(client: docker.DockerClient) -> None:
    """Install Python on top of debian:12, so that the two images share a layer, as is usual in practice."""
    container = client.containers.run("debian:12", ["sh", "-c", _ADD_PYTHON], detach=True)
    if container.wait()["StatusCode"]:
        raise CannotBuild("Installing Python in a container failed:\n" + container.logs(tail=15).decode())
    container.commit("gantry/python", "3", changes=['CMD ["python3"]'])
    container.remove()


def _push(client: docker.DockerClient, source: str, repository: str, tag: str) -> None:
    client.api.tag(source, repository, tag)
    for message in client.api.push(repository, tag, stream=True, decode=True):
        if "error" in message:
            raise CannotBuild(f"Pushing {repository}:{tag} failed: {message['error']}")
