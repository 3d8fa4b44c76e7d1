# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The compression of archives: detected from their content, or chosen by the user."""

from __future__ import annotations

import struct
from importlib.util import find_spec
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput

# The levels that can be chosen, and the default.
LEVELS = {"gzip": (range(1, 10), 6), "zstd": (range(1, 20), 3)}

_ENDINGS = {".gz": "gzip", ".tgz": "gzip", ".zst": "zstd", ".tzst": "zstd"}
_ONLY_READ = (".xz", ".txz", ".bz2", ".tbz2", ".tbz")

# RFC 8878, 3.1.1 and 3.1.2.
ZSTD_FRAME = 0xFD2FB528
ZSTD_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
# 3.1.1.2.4: no block is larger, packed or unpacked.
ZSTD_BLOCK = 128 << 10
_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (struct.pack("<I", ZSTD_FRAME), "zstd"),
    *((struct.pack("<I", magic), "zstd") for magic in ZSTD_SKIPPABLE),
)
HEAD = max(len(magic) for magic, _name in _MAGIC)


class Compression(NamedTuple):
    """How an archive is to be packed. kind: none, gzip or zstd. threads: for zstd; 0 for as many as are useful."""

    kind: str
    level: int
    threads: int


def parse_compression(path: str, kind: str | None, level: int | None, threads: int) -> Compression:
    """Return the wanted compression, or else the one that the path's ending means; raise InvalidInput."""
    if kind is None:
        if path.endswith(_ONLY_READ):
            raise InvalidInput(
                f"path is '{path}', but archives are written uncompressed, or compressed with gzip or zstd. Choose "
                "another ending, or set the option compression."
            )
        kind = next((kind for ending, kind in _ENDINGS.items() if path.endswith(ending)), "none")
    if kind == "none":
        if level is not None:
            raise InvalidInput("compression_level is given, but the archive isn't compressed. Leave it out.")
        return Compression(kind, 0, 0)
    levels, usual = LEVELS[kind]
    if level is not None and level not in levels:
        raise InvalidInput(f"compression_level is {level}, and must be from {levels[0]} to {levels[-1]} for {kind}.")
    if threads < 0:
        raise InvalidInput(f"compression_threads is {threads}, and must be 0 (as many as are useful) or more.")
    if kind == "zstd" and not find_spec("zstandard"):
        raise _no_zstandard()
    return Compression(kind, usual if level is None else level, threads)


def detect(head: bytes) -> str:
    """Return the compression of content, from its first HEAD bytes: none, gzip, xz, bzip2 or zstd."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    return "none"


def zstandard() -> Any:
    """Return the library that packs zstd; raise InvalidInput if it isn't installed."""
    try:
        import zstandard
    except ImportError as error:
        raise _no_zstandard() from error
    return zstandard


def _no_zstandard() -> InvalidInput:
    return InvalidInput(
        "To compress with zstd, the Python library zstandard is needed on this host. Install it "
        "(python3-zstandard, or zstandard from PyPI), or choose 'compression: gzip'."
    )
