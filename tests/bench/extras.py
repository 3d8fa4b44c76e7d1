# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection to compare with, which only the benchmark needs."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from functools import lru_cache
from pathlib import Path

from ansible_collections.gantry.docker.tests.engines.places import STATE, locked

_HERE = Path(__file__).parent
_PARTS = tuple(f"ansible_collections/community/{name}/" for name in ("docker", "library_inventory_filtering_v1"))


@lru_cache(maxsize=1)
def collections() -> Path:
    """Return a collections tree with community.docker; make it once, from a lock.

    The package ansible has that collection, so Galaxy isn't needed.
    """
    lock = _HERE / "requirements-peers.txt"
    python = "{}.{}".format(*sys.version_info)
    target = STATE / "bench" / f"peers-{python}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    with locked(STATE / "bench" / "peers.lock"):
        if not target.is_dir():
            print("Downloading community.docker to compare with (once) …", file=sys.stderr)
            part = target.with_name(f"{target.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            _unpack_collections(lock, part)
            part.rename(target)
    return target


def community_version() -> str:
    """Return the version of community.docker."""
    manifest = json.loads((collections() / _PARTS[0] / "MANIFEST.json").read_text())
    return str(manifest["collection_info"]["version"])


def _unpack_collections(lock: Path, target: Path) -> None:
    # The newest package may need a newer Python than this one. The collection in it doesn't.
    options = ["--no-deps", "--only-binary=:all:", "--python-version=3.12", "--require-hashes", "--quiet"]
    with tempfile.TemporaryDirectory(dir=target.parent) as directory:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-cache-dir"]
        subprocess.run([*pip, *options, "--dest", directory, "--requirement", str(lock)], check=True)
        (wheel,) = Path(directory).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target, [name for name in archive.namelist() if name.startswith(_PARTS)])
