# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images for the benchmark, of any size and number, with random bytes or with Debian's files."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from ansible_collections.gantry.docker.tests.bench.figures import MIB
from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.engines.roots import root_of
from ansible_collections.gantry.docker.tests.support.tars import add

RANDOM, DEBIAN = "random", "Debian"
_MOMENT = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Layer:
    """A layer as a tar file, and its DiffID."""

    path: Path
    diff_id: str


class Layers:
    """Layers in a directory; each is made once."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._directory = directory
        self._layers: dict[tuple[str, int, int], Layer] = {}

    def layer(self, kind: str, size: int, seed: int = 0) -> Layer:
        """Return a layer with about this many bytes of files. seed: layers with different seeds differ."""
        key = (kind, size, seed)
        if key not in self._layers:
            path = self._directory / f"{kind}-{size}-{seed}.tar"
            with path.open("wb") as file:
                hashing = _Hashing(file)
                target = cast(IO[bytes], hashing)
                with tarfile.open(fileobj=target, mode="w|", format=tarfile.GNU_FORMAT, bufsize=MIB) as tar:
                    _fill(tar, kind, size, seed)
            self._layers[key] = Layer(path, hashing.digest)
        return self._layers[key]

    def discard(self, kind: str, size: int) -> None:
        """Remove a layer's file, to free its space."""
        self._layers.pop((kind, size, 0)).path.unlink()


def load(engine: Engine, images: Mapping[str, tuple[Layer, ...]]) -> None:
    """Load images. images: their layers by their names, the lowest first."""
    client = engine.client()
    architecture = client.version()["Arch"]
    client.close()
    command = ["docker", "load", "--quiet"]
    environment = {**os.environ, **engine.environment}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin
        with tarfile.open(fileobj=process.stdin, mode="w|", bufsize=MIB) as tar:
            _write(tar, images, architecture)
    if process.returncode:
        raise RuntimeError(f"The engine couldn't load {', '.join(images)[:200]}.")


class _Hashing:
    """A file that computes the digest of the bytes that are written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._sha256 = file, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._sha256.update(data)
        return self._file.write(data)

    @property
    def digest(self) -> str:
        return f"sha256:{self._sha256.hexdigest()}"


def _fill(tar: tarfile.TarFile, kind: str, size: int, seed: int) -> None:
    if kind == RANDOM:
        source = random.Random(seed)  # noqa: S311
        for number, start in enumerate(range(0, size, 8 * MIB)):
            add(tar, f"random-{seed}/{number}", source.randbytes(min(8 * MIB, size - start)))
        return
    left = size
    for number in range(1000):
        for path in _files(root_of("bookworm")):
            member = tar.gettarinfo(path, f"copy-{seed}-{number}/{path.relative_to(root_of('bookworm'))}")
            member.type, member.linkname, member.size = tarfile.REGTYPE, "", path.stat().st_size
            left -= member.size
            with path.open("rb") as file:
                tar.addfile(member, file)
            if left <= 0:
                return


def _files(root: Path) -> Iterator[Path]:
    """Yield the programs, libraries and data of a Debian host, always in the same order."""
    for directory, inner, names in os.walk(root / "usr"):
        inner.sort()
        for name in sorted(names):
            path = Path(directory, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _write(tar: tarfile.TarFile, images: Mapping[str, tuple[Layer, ...]], architecture: str) -> None:
    """Write an archive in a layout that all engines read."""
    layers = {layer.diff_id: layer for used in images.values() for layer in used}
    for layer in layers.values():
        tar.add(layer.path, _entry(layer))
    listed = []
    for name, used in images.items():
        config = _config(name, used, architecture)
        entry = f"{hashlib.sha256(config).hexdigest()}.json"
        add(tar, entry, config)
        listed.append({"Config": entry, "RepoTags": [name], "Layers": [_entry(layer) for layer in used]})
    add(tar, "manifest.json", json.dumps(listed).encode())


def _entry(layer: Layer) -> str:
    return f"{layer.diff_id.removeprefix('sha256:')}.tar"


def _config(name: str, layers: tuple[Layer, ...], architecture: str) -> bytes:
    config: dict[str, Any] = {
        "architecture": architecture,
        "os": "linux",
        "created": _MOMENT,
        "config": {"Cmd": ["true"], "Labels": {"name": name}},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created": _MOMENT, "created_by": f"COPY {number} /"} for number, _layer in enumerate(layers)],
    }
    return json.dumps(config).encode()
