# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The content of layers, compared without the time of packing.

containerd before 2.0 gives the mark of a deleted file the time at which the layer is packed (containerd 1.7,
archive/tar.go, ChangeWriter). So the same files packed twice have two DiffIDs. Here layers are compared by their
changes to the layers below, while the engine sends them.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import IO, Any, cast

from ansible_collections.gantry.docker.plugins.module_utils._archive.compression import HEAD, detect
from ansible_collections.gantry.docker.plugins.module_utils._archive.decompression import (
    PIECE,
    Rejoined,
    pieces_of,
    unpacked,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.documents import parsed
from ansible_collections.gantry.docker.plugins.module_utils._archive.tar import Member, StreamSource, Tar
from ansible_collections.gantry.docker.plugins.module_utils._errors import Unreadable

# image-spec, layer.md, Whiteouts
_DELETED = ".wh."
_TIMES = ("mtime", "atime", "ctime")


def newest_layers(archive: Iterator[bytes]) -> frozenset[str]:
    """Return the files with the newest layer of each image in an archive as docker save writes it; raise Unreadable.

    archive: its bytes, which are read to the end.
    """
    source = StreamSource(archive)
    images: list[Mapping[str, Any]] = []
    for member in Tar(source):
        if member.name == "manifest.json":
            images = parsed(b"".join(member.entry.content(source.pieces)), member.name)
    source.drain()
    return frozenset(image["Layers"][-1] for image in images if image.get("Layers"))


def content_digests(archive: Iterator[bytes], layers: Collection[str]) -> dict[str, str]:
    """Return the digest of the content of each of these layers of an archive, by file; raise Unreadable.

    Layers that differ only in the times of deletions have the same digest. Missing files are left out.
    archive: its bytes, which are read to the end, in constant memory.
    """
    source = StreamSource(archive)
    digests = {member.name: _content_digest(source, member) for member in Tar(source) if member.name in layers}
    source.drain()
    return digests


def _content_digest(source: StreamSource, member: Member) -> str:
    packed = StreamSource(member.entry.content(partial(pieces_of, source)))
    head = packed.read(HEAD)
    plain = StreamSource(unpacked(Rejoined(head, packed), detect(head)))
    content = hashlib.sha256()
    try:
        with tarfile.open(fileobj=cast(IO[bytes], plain), mode="r|") as tar:
            for entry in tar:
                tar.members = []  # type: ignore[attr-defined] # tarfile keeps all members otherwise
                content.update(_description(entry))
                data = tar.extractfile(entry) if entry.isreg() else None
                while data and (piece := data.read(PIECE)):
                    content.update(piece)
        plain.drain()
    except (tarfile.TarError, EOFError) as error:
        raise Unreadable(f"its layer {member.name} is no valid tar archive ({error})") from error
    return f"sha256:{content.hexdigest()}"


def _description(entry: tarfile.TarInfo) -> bytes:
    """Return the description of a file in a layer without its data and, for a deletion, without its time."""
    deleted = entry.name.rpartition("/")[2].startswith(_DELETED)
    told = {
        "name": entry.name,
        "type": entry.type.decode("latin-1"),
        "mode": entry.mode,
        "owner": [entry.uid, entry.gid, entry.uname, entry.gname],
        "size": entry.size,
        "link": entry.linkname,
        "device": [entry.devmajor, entry.devminor],
        "time": None if deleted else entry.mtime,
        "more": {key: value for key, value in entry.pax_headers.items() if not (deleted and key in _TIMES)},
    }
    return json.dumps(told, sort_keys=True).encode()
