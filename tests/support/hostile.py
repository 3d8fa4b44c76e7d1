# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hostile archives, which readers understand in different ways, and odd ones, which all readers understand alike.

Each has one line: the function that builds it, and its fate. A careless reader of a hostile archive promises small:1,
and an engine loads prod:latest as well or instead, or another image as small:1.
"""

from __future__ import annotations

import bz2
import json
import lzma
import tarfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.trailing_index import packed_section, section
from ansible_collections.gantry.docker.tests.support import archives
from ansible_collections.gantry.docker.tests.support.archives import Content, Image, Link

SMALL = Image((archives.layer("small"),), tags=("small:1",), settings={"Cmd": ["/bin/true"]})
PROD = Image((archives.layer("prod"),), tags=("prod:latest",))


class Archive(NamedTuple):
    """A row of the tables.

    build: a function that makes the archive. refused: a part of the error of reading it (a regular expression); None if
    it is read, and has small:1 alone. damaged: a part of the error of verifying it, if only its index is sound.
    """

    build: Callable[[], bytes]
    refused: str | None = None
    damaged: str | None = None


def head(
    kind: bytes, name: str = "x", link: str = "", size: int = 0, form: Literal[0, 1, 2] = tarfile.GNU_FORMAT
) -> bytes:
    """Return the header of an entry."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info.tobuf(form)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def file(name: str, data: bytes) -> bytes:
    """Return an entry with its data."""
    return head(b"0", name, size=len(data)) + padded(data)


def pax(kind: bytes = b"x", **records: str) -> bytes:
    """Return a header of attributes, with its data."""
    return of_records(kind, *((key.replace("__", "."), value) for key, value in records.items()))


def of_records(kind: bytes, *records: tuple[str, str]) -> bytes:
    """Return the same with keys that may be repeated."""
    data = b""
    for key, value in records:
        body = f" {key}={value}\n".encode()
        size = len(body) + len(str(len(body) + 2))
        data += str(size).encode() + body
    return head(kind, "PaxHeaders/x", size=len(data)) + padded(data)


Pairs = Sequence[tuple[int, int]]


def sparse(pairs: Pairs, size: int = 1024, data: bytes = b"", count: int | None = None, **more: str) -> bytes:
    """Return a sparse file in GNU's form 1.0. pairs: the offset and length of each part of its data."""
    lines = [len(pairs) if count is None else count, *(number for pair in pairs for number in pair)]
    stored = padded("".join(f"{line}\n" for line in lines).encode()) + data
    told = {"major": "1", "minor": "0", "name": "x", "realsize": str(size), **more}
    records = [(f"GNU.sparse.{key}", value) for key, value in told.items() if value]
    return of_records(b"x", *records) + file("GNUSparseFile.0/x", stored)


def sparse_in_head(map_: str, count: int, size: int = 1024, data: bytes = b"", **more: str) -> bytes:
    """Return a sparse file in form 0.1, with this map."""
    told = {"name": "x", "size": str(size), "numblocks": str(count), "map": map_, **more}
    return of_records(b"x", *((f"GNU.sparse.{key}", value) for key, value in told.items())) + file("x", data)


def sparse_in_records(*records: tuple[str, str], data: bytes = b"") -> bytes:
    """Return a sparse file in form 0.0: a record for each number of the map."""
    told = [("size", "1024"), ("numblocks", str(len(records) // 2)), *records]
    return of_records(b"x", *((f"GNU.sparse.{key}", value) for key, value in told)) + file("x", data)


def places(pairs: Pairs) -> bytes:
    return b"".join(b"%011o\0%011o\0" % pair for pair in pairs)


def sparse_by_gnu(
    *maps: bytes, size: int = 1024, data: bytes = b"", form: Literal[0, 1, 2] = tarfile.GNU_FORMAT
) -> bytes:
    """Return a sparse file in GNU's old form, with a map in the header and in blocks after it."""
    told = {"at386": maps[0], "at482": b"\1" if maps[1:] else b"\0", "at483": b"%011o\0" % size}
    blocks = [part.ljust(504, b"\0") + b"\1" + bytes(7) for part in maps[1:]]
    if blocks:
        blocks[-1] = blocks[-1][:504] + bytes(8)
    return changed(head(b"S", size=len(data), form=form), **told) + b"".join(blocks) + padded(data)


def long_name(name: str, kind: bytes = b"L") -> bytes:
    """Return GNU's header for a long name or a long link."""
    data = name.encode() + b"\0"
    return head(kind, "././@LongLink", size=len(data)) + padded(data)


def changed(header: bytes, **fields: Any) -> bytes:
    """Return a header with changed bytes and the right sum. fields: the bytes by their places, as at345=b"x"."""
    block = bytearray(header)
    for place, data in fields.items():
        start = int(place[2:])
        block[start : start + len(data)] = data
    block[148:156] = b"%06o\0 " % (sum(block[:148]) + sum(block[156:]) + 256)
    return bytes(block)


SMALL_ENTRIES = archives.both(SMALL)
ENTRIES: dict[str, Content] = {**archives.both(SMALL), **archives.blobs(PROD)}
SMALL_LIST, PROD_LIST = (archives.encoded([archives.listed(image)]) for image in (SMALL, PROD))
PROD_TOPS = archives.named(archives.descriptor(archives.manifest(PROD), archives.OCI_MANIFEST), PROD.tags)
OPEN = archives.tar(ENTRIES)[:-1024]
END = bytes(1024)


def after(*blocks: bytes) -> bytes:
    """Return a sound archive with further entries."""
    return OPEN + b"".join(blocks) + END


def document(name: str, text: str) -> bytes:
    """Return a sound archive with another document."""
    return archives.tar({**ENTRIES, name: text.encode()})


def listing(**more: Any) -> bytes:
    """Return an archive with further keys in the item of its manifest.json."""
    item = archives.encoded(archives.listed(SMALL)).decode()[:-1]
    return document(
        "manifest.json", f"[{item}{''.join(f',{json.dumps(k)}:{json.dumps(v)}' for k, v in more.items())}}}]"
    )


def top(**more: Any) -> bytes:
    """Return an archive with further keys in the descriptor of its index.json."""
    target = archives.descriptor(archives.manifest(SMALL), archives.OCI_MANIFEST)
    (named,) = archives.named(target, SMALL.tags)
    return archives.tar({**ENTRIES, **archives.layout([{**named, **more}])})


def manifest(**more: Any) -> bytes:
    """Return a layout with further keys in its image's manifest."""
    return of_manifest(archives.encoded({**json.loads(archives.manifest(SMALL)), **more}))


def of_manifest(data: bytes, media_type: str = archives.OCI_MANIFEST) -> bytes:
    """Return a layout whose index.json names a document as the image's manifest."""
    tops = archives.named(archives.descriptor(data, media_type), SMALL.tags)
    return archives.tar({**archives.blobs(SMALL), archives.blob(data): data, **archives.layout(tops)})


def config(text: Callable[[str], str]) -> bytes:
    """Return an archive of the legacy layout with another config."""
    data = text(SMALL.config.decode()).encode()
    name = f"{archives.digest(data)[7:]}.json"
    item = {"Config": name, "RepoTags": SMALL.tags, "Layers": ["layer.tar"]}
    return archives.tar({name: data, "layer.tar": SMALL.layers[0], "manifest.json": archives.encoded([item])})


def setting(key: str, value: str) -> bytes:
    """Return an archive whose config has a further setting."""
    return config(lambda text: text.replace('"config":{', f'"config":{{{json.dumps(key)}:{value},'))


Change = Callable[[dict[str, Any]], Any]


def indexed(change: Change, body: Mapping[str, Content] = SMALL_ENTRIES, kind: str = "gzip") -> bytes:
    """Return a compressed archive with a changed index at its end."""
    rows, start = [], 0
    for name, content in SMALL_ENTRIES.items():
        assert isinstance(content, bytes)
        rows.append([name, start, start + 512, len(content)])
        start += 512 + len(padded(content))
    documents = {
        name: content.decode()
        for name, content in SMALL_ENTRIES.items()
        if isinstance(content, bytes) and content[:1] in b"{["
    }
    index = {"version": 1, "end": start, "entries": rows, "documents": documents, "breaks": []}
    change(index)
    return archives.packed(archives.tar(body), kind) + packed_section(kind, index)


def rows(change: Callable[[list[Any]], Any]) -> bytes:
    """Return a compressed archive whose index has changed entries."""
    return indexed(lambda index: change(index["entries"]))


def documents(change: Callable[[dict[str, str]], Any]) -> bytes:
    """Return a compressed archive whose index has changed documents."""
    return indexed(lambda index: change(index["documents"]))


def hard_linked(*order: str) -> bytes:
    """Return an archive whose second layer is a hard link to the first, as bsdtar packs equal files."""
    image = Image((SMALL.layers[0], SMALL.layers[0]), tags=SMALL.tags)
    item = {"Config": "config.json", "RepoTags": image.tags, "Layers": ["1/layer.tar", "2/layer.tar"]}
    parts = {
        "1": file("1/layer.tar", SMALL.layers[0]),
        "2": head(b"1", "2/layer.tar", link="1/layer.tar"),
        "c": file("config.json", image.config),
        "m": file("manifest.json", archives.encoded([item])),
        "x": file("1/layer.tar", PROD.layers[0]),
    }
    return b"".join(parts[part] for part in order) + END


def ancient(change: Callable[[dict[str, Content]], Any], **more: Any) -> bytes:
    """Return a changed archive of Docker before 1.10. more: further keys of its only image."""
    entries = archives.ancient(SMALL, **more)
    change(entries)
    return archives.tar(entries)


def described(identifier: str, parent: str = "", **more: Any) -> dict[str, Content]:
    """Return the entries of one more image in such an archive."""
    said = archives.encoded({"id": identifier, "parent": parent, **more})
    return {f"{identifier}/json": said, f"{identifier}/layer.tar": SMALL.layers[0]}


def chains(length: int, number: int = 1) -> dict[str, Content]:
    """Return an archive with chains of images, each the parent of the next, with a tag for each."""
    entries: dict[str, Content] = {}
    tags = {}
    for row in range(number):
        names = [f"{row:032x}{position:032x}" for position in range(length)]
        for parent, name in zip(["", *names], names):
            entries.update(described(name, parent))
            tags[name] = name
    return {**entries, "repositories": archives.encoded({"small": tags})}


ANCIENT = next(name for name in archives.ancient(SMALL) if name.endswith("/json"))[:64]
OTHER = "0" * 64
PROD_FILE = file("other.json", PROD_LIST)

HOSTILE: dict[str, Archive] = {
    # An index at the end that contradicts itself, or the archive
    "index: twice a name": Archive(lambda: rows(lambda rows: rows.append(rows[-1])), "trailing index is damaged"),
    "index: overlapping entries": Archive(
        lambda: rows(lambda rows: rows.__setitem__(1, [rows[1][0], *rows[0][1:]])), "trailing index is damaged"
    ),
    "index: gap": Archive(lambda: rows(lambda rows: rows.pop(1)), "trailing index is damaged"),
    "index: entry that isn't named": Archive(lambda: rows(lambda rows: rows.pop()), "trailing index is damaged"),
    "index: place within a block": Archive(
        lambda: rows(lambda rows: rows[0].__setitem__(2, 513)), "trailing index is damaged"
    ),
    "index: name that leads out": Archive(
        lambda: rows(lambda rows: rows[0].__setitem__(0, "../x")), "is no path within"
    ),
    "index: name with a dot": Archive(
        lambda: rows(lambda rows: rows[0].__setitem__(0, f"./{rows[0][0]}")), "trailing index is damaged"
    ),
    "index: file below a file": Archive(
        lambda: rows(lambda rows: rows[0].__setitem__(0, "oci-layout/x")), "is below 'oci-layout'"
    ),
    "index: document without an entry": Archive(
        lambda: documents(lambda texts: texts.update({"x": "{}"})), "trailing index is damaged"
    ),
    "index: document of another size": Archive(
        lambda: documents(lambda texts: texts.update({"oci-layout": "{}"})), "trailing index is damaged"
    ),
    "index: document without its digest": Archive(
        lambda: documents(
            lambda texts: texts.update({archives.blob(SMALL.config): SMALL.config.decode().replace("amd64", "arm64")})
        ),
        "digest",
    ),
    "index: body of another image": Archive(
        lambda: indexed(lambda index: None, archives.both(PROD)), damaged="trailing index"
    ),
    "index: body with another list": Archive(
        lambda: indexed(lambda index: None, {**SMALL_ENTRIES, "manifest.json": PROD_LIST}, "zstd"),
        damaged="trailing index",
    ),
    "index: body with more": Archive(
        lambda: indexed(lambda index: None, {**SMALL_ENTRIES, "x": b"more"}), damaged="trailing index"
    ),
    "index: body with a link": Archive(
        lambda: indexed(lambda index: None, {**SMALL_ENTRIES, "x": Link("manifest.json")}), damaged="trailing index"
    ),
    # JSON that Go reads otherwise
    "listed: tags in another case": Archive(lambda: listing(repotags=PROD.tags), "engines read as RepoTags"),
    "listed: tags with a long s": Archive(lambda: listing(**{"RepoTag\u017f": PROD.tags}), "engines read as RepoTags"),
    "listed: tags twice": Archive(lambda: listing(RepoTags=PROD.tags), "'RepoTags' twice"),
    "listed: config in another case": Archive(
        lambda: listing(CONFIG=archives.blob(PROD.config)), "engines read as Config"
    ),
    "listed: layers with a long s": Archive(
        lambda: listing(**{"Layer\u017f": [archives.blob(PROD.layers[0])]}), "engines read as Layers"
    ),
    "listed: parent in another case": Archive(lambda: listing(parent="x"), "engines read as Parent"),
    "listed: two values": Archive(
        lambda: document("manifest.json", f"{PROD_LIST.decode()} {SMALL_LIST.decode()}"), "no valid JSON"
    ),
    "layout: version in another case": Archive(
        lambda: document("oci-layout", '{"imageLayoutVersion":"1.0.0","imagelayoutversion":""}'), "engines read as"
    ),
    "layout: version in another case alone": Archive(
        lambda: document("oci-layout", '{"imagelayoutversion":"1.0.0"}'), "engines read as"
    ),
    "index.json: manifests in another case": Archive(
        lambda: document("index.json", f'{{"manifests":[],"Manifests":{json.dumps(PROD_TOPS)}}}'),
        "engines read as manifests",
    ),
    "index.json: manifests twice": Archive(
        lambda: document("index.json", '{"manifests":[],"manifests":[]}'), "'manifests' twice"
    ),
    "index.json: digest in another case": Archive(
        lambda: top(Digest=archives.digest(archives.manifest(PROD))), "engines read as digest"
    ),
    "index.json: annotations in another case": Archive(
        lambda: top(ANNOTATIONS={archives.FULL_NAME: "docker.io/library/prod:latest"}), "engines read as annotations"
    ),
    "index.json: annotations with a long s": Archive(lambda: top(**{"annotation\u017f": {}}), "engines read as"),
    "index.json: platform in another case": Archive(
        lambda: top(platform={"os": "linux", "architecture": "amd64", "Architecture": "arm64"}), "engines read as"
    ),
    "index.json: media type of an index": Archive(lambda: top(mediaType=archives.OCI_INDEX), "media type"),
    "manifest: layers in another case": Archive(
        lambda: manifest(LAYERS=[archives.descriptor(PROD.layers[0], archives.OCI_LAYER)]), "engines read as layers"
    ),
    "manifest: config in another case": Archive(
        lambda: manifest(Config=archives.descriptor(PROD.config, archives.OCI_CONFIG)), "engines read as config"
    ),
    "manifest: index in another case": Archive(lambda: manifest(Manifests=[]), "engines read as manifests"),
    "manifest: media type of an index": Archive(lambda: manifest(mediaType=archives.OCI_INDEX), "media type"),
    "index: media type of a manifest": Archive(
        lambda: of_manifest(archives.index_of(SMALL), archives.OCI_MANIFEST), "media type"
    ),
    "config: layers in another case as well": Archive(
        lambda: config(lambda text: text[:-1] + ',"RootFS":{"diff_ids":[]}}'), "with other letters"
    ),
    "config: layers twice": Archive(
        lambda: config(lambda text: text[:-1] + ',"rootfs":{"diff_ids":[]}}'), "'rootfs' twice"
    ),
    "config: DiffIDs in another case as well": Archive(
        lambda: config(lambda text: text.replace('"diff_ids"', '"DIFF_IDS":[],"diff_ids"')), "with other letters"
    ),
    "config: command in another case as well": Archive(lambda: setting("cmd", '["rm"]'), "with other letters"),
    # Heads of entries that Go reads otherwise
    "tar: two pax heads": Archive(
        lambda: after(pax(path="manifest.json"), pax(mtime="1"), PROD_FILE), "several headers"
    ),
    "tar: two pax heads, the second without a name": Archive(
        lambda: after(pax(path="other.json"), pax(comment="x"), file("manifest.json", PROD_LIST)), "several headers"
    ),
    "tar: long name, then pax": Archive(
        lambda: after(long_name("manifest.json"), pax(path="other.json"), PROD_FILE), "several headers"
    ),
    "tar: pax, then long name": Archive(
        lambda: after(pax(path="other.json"), long_name("manifest.json"), PROD_FILE), "several headers"
    ),
    "tar: two long names": Archive(
        lambda: after(long_name("manifest.json"), long_name("other.json"), PROD_FILE), "several headers"
    ),
    "tar: pax, then global": Archive(
        lambda: after(pax(path="other.json"), pax(b"g", comment="x"), file("manifest.json", PROD_LIST)),
        "all its entries",
    ),
    "tar: global name": Archive(lambda: after(pax(b"g", path="manifest.json"), PROD_FILE), "all its entries"),
    "tar: global size": Archive(lambda: after(pax(b"g", size="0"), PROD_FILE), "all its entries"),
    "tar: global header named as a document": Archive(
        lambda: after(head(b"g", "manifest.json")), "is a directory as well"
    ),
    "tar: name with a zero byte": Archive(lambda: after(pax(path="manifest.json\0x"), PROD_FILE), "is no path within"),
    "tar: GNU header with POSIX's prefix": Archive(
        lambda: after(changed(head(b"0", "manifest.json"), at345=b"other")), "tools read differently"
    ),
    "tar: continued file": Archive(lambda: after(head(b"7", "manifest.json")), "of the type"),
    "tar: dump of a directory": Archive(lambda: after(head(b"D", "x")), "of the type"),
    "tar: continued volume": Archive(lambda: after(head(b"M", "x")), "of the type"),
    "tar: negative size": Archive(lambda: after(pax(size="-1"), PROD_FILE), "no valid size"),
    # Files without their zeros, whose map is none
    "sparse: parts that overlap": Archive(
        lambda: after(sparse([(0, 512), (256, 512)], data=bytes(1024))), "contradictory map"
    ),
    "sparse: parts backwards": Archive(
        lambda: after(sparse([(512, 512), (0, 512)], data=bytes(1024))), "contradictory map"
    ),
    "sparse: part beyond the end": Archive(lambda: after(sparse([(1000, 512)], data=bytes(512))), "contradictory map"),
    "sparse: less data than parts": Archive(
        lambda: after(sparse([(0, 512), (512, 512)], data=bytes(512))), "contradictory map"
    ),
    "sparse: more data than parts": Archive(lambda: after(sparse([(0, 512)], data=bytes(1024))), "contradictory map"),
    "sparse: part that begins within a block": Archive(
        lambda: after(sparse([(0, 100), (512, 512)], data=bytes(612))), "contradictory map"
    ),
    "sparse: negative offset": Archive(lambda: after(sparse([(-512, 512)], data=bytes(512))), "no valid size"),
    "sparse: map without an end": Archive(lambda: after(sparse([], count=1000), bytes(1 << 21)), "map .* has no end"),
    "sparse: map of very many parts": Archive(lambda: after(sparse([], count=10**17)), r"more than \d+ entries"),
    "sparse: map behind the file": Archive(
        lambda: after(sparse([], count=1), b"0\n512\n".ljust(512, b"\0")), "no valid size"
    ),
    "sparse: other version": Archive(lambda: after(sparse([], minor="1")), "form that tools read differently"),
    "sparse: two sizes": Archive(lambda: after(sparse_in_head("0,0", 1, realsize="1")), "read differently"),
    "sparse: two maps": Archive(lambda: after(sparse([], map="0,0", numblocks="1")), "read differently"),
    "sparse: no name": Archive(lambda: after(sparse([], name="")), "read differently"),
    "sparse: name that leads out": Archive(lambda: after(sparse([], name="../x")), "is no path within"),
    "sparse: directory": Archive(lambda: after(pax(GNU__sparse__major="1") + head(b"5", "x/")), "read differently"),
    "sparse: link": Archive(
        lambda: after(pax(GNU__sparse__name="manifest.json") + head(b"2", link="oci-layout")), "read differently"
    ),
    "sparse: other number of parts": Archive(lambda: after(sparse_in_head("0,0,0,0", 1)), "contradictory map"),
    "sparse: odd map": Archive(lambda: after(sparse_in_head("0,0,0", 1)), "contradictory map"),
    "sparse: map with more": Archive(lambda: after(sparse_in_head("0,0", 1, offset="0", numbytes="0")), "two maps"),
    "sparse: two offsets": Archive(
        lambda: after(sparse_in_records(("offset", "0"), ("offset", "0"))), "a sparse file has gaps"
    ),
    "sparse: two numbers in a record": Archive(
        lambda: after(sparse_in_records(("offset", "0,0"), ("numbytes", "0,0"))), "a sparse file has gaps"
    ),
    "sparse: offset without a length": Archive(
        lambda: after(sparse_in_records(("offset", "0"), ("numbytes", "0"), ("offset", "0"))), "contradictory map"
    ),
    "sparse: GNU's form with a pax size": Archive(
        lambda: after(pax(size="0") + sparse_by_gnu(b"")), "form that tools read differently"
    ),
    "sparse: GNU's form in POSIX's header": Archive(
        lambda: after(sparse_by_gnu(b"", form=tarfile.USTAR_FORMAT)), "form that tools read differently"
    ),
    "sparse: GNU's form with a gap": Archive(
        lambda: after(sparse_by_gnu(bytes(24) + places([(0, 0)]))), "a sparse file has gaps"
    ),
    "sparse: GNU's form with half a pair": Archive(
        lambda: after(sparse_by_gnu(b"%011o\0" % 512)), "a sparse file has gaps"
    ),
    "sparse: GNU's form with a block too many": Archive(
        lambda: after(sparse_by_gnu(places([(0, 0)] * 3), b"")), "a sparse file has gaps"
    ),
    "sparse: a TiB of zeros": Archive(lambda: after(sparse([], size=1 << 40)), "unpack to more than 1032 MiB"),
    "sparse: many GiB of zeros": Archive(lambda: after(sparse([], size=1 << 29) * 3), "unpack to more than 1032 MiB"),
    "sparse: document of zeros": Archive(lambda: after(sparse([], size=1 << 24, name="manifest.json")), "is too large"),
    # Archives of Docker before 1.10
    "ancient: own parent": Archive(lambda: ancient(lambda e: None, parent=ANCIENT), "is an ancestor of itself"),
    "ancient: parents in a circle": Archive(
        lambda: ancient(lambda e: e.update(described(OTHER, ANCIENT)), parent=OTHER), "is an ancestor of itself"
    ),
    "ancient: parent that isn't there": Archive(lambda: ancient(lambda e: None, parent=OTHER), "lacks its parent"),
    "ancient: parent in another case": Archive(lambda: ancient(lambda e: None, Parent=OTHER), "read as parent"),
    "ancient: parent elsewhere": Archive(lambda: ancient(lambda e: None, parent=f"../{OTHER}"), "lacks its parent"),
    "ancient: too many layers": Archive(lambda: archives.tar(chains(126)), "more than 125 layers"),
    "ancient: directory that is no Id": Archive(
        lambda: ancient(lambda e: e.update(described("x"))), "the name of each is an image's Id"
    ),
    "ancient: Id in capitals": Archive(
        lambda: ancient(lambda e: e.update(described("A" * 64))), "the name of each is an image's Id"
    ),
    "ancient: no layer": Archive(lambda: ancient(lambda e: e.pop(f"{ANCIENT}/layer.tar")), r"lacks its layer\.tar"),
    "ancient: no description": Archive(lambda: ancient(lambda e: e.pop(f"{ANCIENT}/json")), "lacks its json"),
    "ancient: layer elsewhere": Archive(
        lambda: ancient(lambda e: e.update({f"{ANCIENT}/layer.tar": Link("../../etc/shadow")})),
        "a link that leads out of the archive",
    ),
    "ancient: compressed layer": Archive(
        lambda: ancient(lambda e: e.update({f"{ANCIENT}/layer.tar": archives.packed(SMALL.layers[0], "gzip")})),
        "is compressed",
    ),
    "ancient: damaged compressed layer": Archive(
        lambda: ancient(lambda e: e.update({f"{ANCIENT}/layer.tar": b"\x1f\x8b\x08" + bytes(1024)})), "is compressed"
    ),
    "ancient: tag of nothing": Archive(
        lambda: ancient(lambda e: e.update({"repositories": archives.encoded({"small": {"1": OTHER}})})),
        "which it doesn't have",
    ),
    "ancient: tag of two": Archive(
        lambda: ancient(
            lambda e: e.update(
                **described(OTHER),
                repositories=archives.encoded({"small": {"1": OTHER}, "docker.io/library/small": {"1": ANCIENT}}),
            )
        ),
        "to two images",
    ),
    "ancient: tag that is none": Archive(
        lambda: ancient(lambda e: e.update({"repositories": archives.encoded({"small": {"1:2": ANCIENT}})})),
        "no valid name with a tag",
    ),
    "ancient: tags in no object": Archive(lambda: ancient(lambda e: e.update(repositories=b"[]")), "no object"),
    "ancient: text for a number": Archive(lambda: ancient(lambda e: None, config={"Tty": 1}, docker_version=""), "Tty"),
    "ancient: time that is none": Archive(
        lambda: ancient(lambda e: None, created="yesterday"), "an invalid time 'yesterday'"
    ),
    # Entries that Docker unpacks elsewhere
    "paths: list below a link": Archive(
        lambda: after(head(b"2", "x", link="."), file("x/manifest.json", PROD_LIST)), "is below 'x'"
    ),
    "paths: list before the link above it": Archive(
        lambda: after(file("x/manifest.json", PROD_LIST), head(b"2", "x", link=".")), "is below 'x'"
    ),
    "paths: list deep below a link": Archive(
        lambda: after(head(b"2", "x", link="."), file("x/y/z", b""), file("x-y", b"")), "is below 'x'"
    ),
    "paths: list through a link": Archive(
        lambda: after(head(b"2", "x", link="blobs"), head(b"2", "manifest.json", link="x/list")), "is below 'x'"
    ),
    "paths: link and a way back": Archive(
        lambda: after(head(b"2", "manifest.json", link="blobs/../other.json"), PROD_FILE),
        "a link that leads out of the archive",
    ),
    "paths: file in place of a directory": Archive(lambda: after(file("blobs", b"")), "is below 'blobs'"),
    "paths: link in place of a directory": Archive(lambda: after(head(b"2", "blobs/sha256", link="x")), "is below"),
    "paths: directory in place of a list": Archive(lambda: after(head(b"5", "manifest.json/")), "directory as well"),
    "paths: directory below a link": Archive(
        lambda: after(head(b"2", "x", link="."), head(b"5", "x/blobs/")), "is below 'x'"
    ),
    "paths: hard link below a link": Archive(
        lambda: after(head(b"2", "x", link="."), head(b"1", "x/manifest.json", link="oci-layout")), "is below 'x'"
    ),
    "paths: hard link to what comes later": Archive(
        lambda: hard_linked("2", "1", "c", "m"), "no such file comes before"
    ),
    "paths: hard link to a link": Archive(
        lambda: after(head(b"2", "x", link="oci-layout"), head(b"1", "y", link="x")), "no such file comes before"
    ),
    "paths: hard link to itself": Archive(lambda: after(head(b"1", "x", link="x")), "no such file comes before"),
    "paths: hard link that leads out": Archive(
        lambda: after(head(b"1", "x", link="../etc/shadow")), "is no path within"
    ),
    "paths: hard link to a file that is replaced": Archive(
        lambda: hard_linked("1", "2", "x", "c", "m"), "hard link to it, then the file again"
    ),
    "paths: long name": Archive(lambda: after(long_name("x" * 5000), file("x", b"")), "name of 5000 characters"),
}

ODD: dict[str, Archive] = {
    "as engines write it": Archive(lambda: archives.tar(ENTRIES)),
    "sound index at the end": Archive(lambda: indexed(lambda index: None)),
    "sound index at the end, zstd": Archive(lambda: indexed(lambda index: None, kind="zstd")),
    "no end mark": Archive(lambda: archives.tar(SMALL_ENTRIES)[:-1024]),
    "no end mark, old layout": Archive(lambda: archives.tar(archives.legacy(SMALL))[:-1024]),
    "no end mark, OCI layout": Archive(lambda: archives.tar(archives.oci(SMALL))[:-1024]),
    "layer that is a hard link": Archive(lambda: hard_linked("1", "2", "c", "m")),
    "global comment": Archive(lambda: pax(b"g", comment="0123456789") + archives.tar(ENTRIES)),
    "empty pax name": Archive(lambda: after(pax(path=""), PROD_FILE)),
    "long name and long link": Archive(
        lambda: after(long_name("y" * 200, b"K"), long_name("x" * 200), head(b"2", "x", link="y"))
    ),
    "star's prefix": Archive(
        lambda: after(changed(head(b"0", "x", form=tarfile.USTAR_FORMAT), at345=b"p" * 131, at508=b"tar\0"))
    ),
    "GNU header with times": Archive(lambda: after(changed(head(b"0", "x"), at345=b"00000000001\0" * 2))),
    "Docker before 1.10": Archive(lambda: ancient(lambda e: None)),
    "Docker before 1.10, layer that is a link": Archive(
        lambda: ancient(
            lambda e: e.update(
                {"layer.tar": SMALL.layers[0], f"{ANCIENT}/layer.tar": Link("../layer.tar"), "x": Link("layer.tar")}
            )
        )
    ),
    "sparse list": Archive(
        lambda: after(sparse([(0, len(SMALL_LIST))], len(SMALL_LIST), SMALL_LIST, name="manifest.json"))
    ),
    "sparse layer": Archive(
        lambda: (
            sparse([(0, 1024)], len(SMALL.layers[0]), SMALL.layers[0][:1024], name=archives.blob(SMALL.layers[0]))
            + archives.tar({name: data for name, data in ENTRIES.items() if name != archives.blob(SMALL.layers[0])})
        )
    ),
    "sparse, 0.1": Archive(lambda: after(sparse_in_head("0,512,1024,0", 2, data=bytes(512)))),
    "sparse, 0.0": Archive(lambda: after(sparse_in_records(("offset", "512"), ("numbytes", "512"), data=bytes(512)))),
    "sparse, GNU's form": Archive(lambda: after(sparse_by_gnu(places([(512, 512)]), data=bytes(512)))),
    "sparse, GNU's form with a longer map": Archive(
        lambda: after(sparse_by_gnu(places([(0, 0)] * 4), places([(0, 0)] * 21), places([(0, 0)])))
    ),
    "two lists, the last counts": Archive(
        lambda: archives.tar({"manifest.json": PROD_LIST})[:-1024] + archives.tar(ENTRIES)
    ),
    "labels that differ in case": Archive(lambda: setting("Labels", '{"a":"1","A":"2"}')),
    "settings in another case": Archive(lambda: setting("entrypoint", '["/bin/true"]')),
    "setting that nobody knows": Archive(lambda: setting("X-Setting", "1")),
    "names that differ in case": Archive(lambda: after(file("Manifest.json", PROD_LIST))),
    "names that share a beginning": Archive(lambda: after(file("x", b""), file("x.y", b""), file("x-y/z", b""))),
}


def entries(name: str, number: int, kind: bytes = b"0") -> bytes:
    """Return a compressed archive of many entries; # in the name stands for the number."""
    names = (name.replace("#", str(position)) for position in range(number))
    header = head(kind)
    short = len(name) < 90
    blocks = (changed(header, at0=each.encode()) if short else long_name(each) + header for each in names)
    return archives.packed(b"".join(blocks) + END, "gzip")


def packed_list(text: str) -> bytes:
    """Return a compressed archive with this manifest.json."""
    return archives.packed(archives.tar({"manifest.json": text.encode()}), "gzip")


def at_the_end(text: str) -> bytes:
    """Return a compressed archive with this index at its end."""
    return archives.packed(b"x", "gzip") + section("gzip", text.encode())


def of_documents(documents: Mapping[str, bytes]) -> bytes:
    """Return a compressed archive with a sound index at its end, of documents alone."""
    rows, start = [], 0
    for name, data in documents.items():
        rows.append([name, start, start + 512, len(data)])
        start += 512 + len(padded(data))
    texts = {name: data.decode() for name, data in documents.items()}
    return at_the_end(json.dumps({"version": 1, "end": start, "entries": rows, "documents": texts, "breaks": []}))


def many_indexes() -> bytes:
    """Return an archive of many indexes that all name one manifest of many layers."""
    large = archives.encoded(
        {
            "schemaVersion": 2,
            "config": archives.descriptor(SMALL.config, archives.OCI_CONFIG),
            "layers": [archives.descriptor(b"", archives.OCI_LAYER)] * 9000,
        }
    )
    indexes = [
        archives.encoded({"n": number, "manifests": [archives.descriptor(large, archives.OCI_MANIFEST)]})
        for number in range(500)
    ]
    blobs = {archives.blob(data): data for data in (large, SMALL.config, *indexes)}
    tops = archives.layout([archives.descriptor(index, archives.OCI_INDEX) for index in indexes])
    return of_documents({**blobs, **tops})  # type: ignore[dict-item]


def much(piece: bytes, kind: str) -> bytes:
    """Return an archive with a large file of packed pieces, as many as fit in one MiB."""
    return archives.packed(head(b"0", "much", size=1 << 40), kind) + piece * (((1 << 20) - 1024) // len(piece))


def zeros(kind: str) -> bytes:
    """Return an archive with a file of zeros."""
    return much(archives.packed(bytes(16 << 20), kind), kind)


def filtered_zeros() -> bytes:
    """Return an archive of zeros in xz with the largest number of filters, each of which processes every byte."""
    filters = [{"id": lzma.FILTER_DELTA, "dist": 1}] * 3 + [{"id": lzma.FILTER_LZMA2, "preset": 0}]
    return much(lzma.compress(bytes(4 << 20), filters=filters), "xz")


def ancient_zeros() -> bytes:
    """Return an archive of Docker before 1.10 with a layer of zeros."""
    size = 1000 << 20
    entries = archives.ancient(SMALL)
    del entries[f"{ANCIENT}/layer.tar"]
    packed = archives.packed(head(b"0", f"{ANCIENT}/layer.tar", size=size), "gzip")
    return (
        packed + archives.packed(bytes(8 << 20), "gzip") * (size >> 23) + archives.packed(archives.tar(entries), "gzip")
    )


def ancient_holes() -> bytes:
    """Return the same archive, uncompressed and without the zeros."""
    entries = archives.ancient(SMALL)
    del entries[f"{ANCIENT}/layer.tar"]
    return sparse([], size=1032 << 20, name=f"{ANCIENT}/layer.tar") + archives.tar(entries)


def leaps() -> bytes:
    """Return an archive in bzip2 that packs best and unpacks most slowly: each byte is far from the last."""
    last, word = b"a", b"b"
    while len(word) < 800_000:
        last, word = word, word + last
    return much(bz2.compress(word), "bzip2")


# Files below one MiB that unpack, or are parsed, to very much. Whether they are refused makes no difference.
BOMBS: dict[str, Callable[[], bytes]] = {
    "index of empty lists": lambda: at_the_end(f'{{"version":1,"entries":[{"[]," * 20_000_000}[]]}}'),
    "index of objects": lambda: at_the_end(f'{{"version":1,"entries":[{{"a":0}}{",{}" * 9_000_000}]}}'),
    "index with a wide character": lambda: at_the_end(f'{{"version":1,"entries":["\U0001f600{"a" * 60_000_000}"]}}'),
    "index of many entries": lambda: at_the_end(
        json.dumps({"version": 1, "entries": [[str(n), n * 1024, n * 1024 + 512, 1] for n in range(99_000)]})
    ),
    "index of one manifest in many indexes": many_indexes,
    "entries": lambda: entries("#", 30_000),
    "directories": lambda: entries("#/", 30_000, b"5"),
    "long names": lambda: entries("a" * 4000 + "#", 5_000),
    "deep names": lambda: entries("a/" * 1990 + "#", 5_000),
    "long links": lambda: archives.packed(
        b"".join(long_name("a" * 60_000 + str(number), b"K") + head(b"2", str(number)) for number in range(2000)) + END,
        "gzip",
    ),
    "list of lists": lambda: packed_list(f"[{'[],' * 2_700_000}[]]"),
    "list of many tags": lambda: packed_list(
        json.dumps([{"Config": "c", "RepoTags": [f"a:{n}" for n in range(80_000)], "Layers": []}])
    ),
    "list with a wide character": lambda: packed_list(f'["\U0001f600{"a" * 8_000_000}"]'),
    "list with an escaped wide character": lambda: packed_list(f'["\\ud83d\\ude00{"a" * 8_000_000}"]'),
    "attributes": lambda: archives.packed((of_records(b"x", *[("a", "")] * 13_000) + head(b"5")) * 6000 + END, "gzip"),
    "maps of sparse files": lambda: archives.packed(sparse([(0, 0)] * 30_000) * 300 + END, "gzip"),
    "maps of sparse files, GNU": lambda: archives.packed(
        sparse_by_gnu(places([(0, 0)] * 4), *[places([(0, 0)] * 21)] * 1000) * 300 + END, "gzip"
    ),
    "sparse files": lambda: archives.packed(sparse([], size=1 << 20) * 50_000 + END, "gzip"),
    "large documents": lambda: archives.packed(
        archives.tar({str(number): b"[" + b"[]," * 2_000_000 for number in range(20)}), "gzip"
    ),
    "layer of Docker before 1.10, gzip": ancient_zeros,
    "layer of Docker before 1.10, without its zeros": ancient_holes,
    "images of Docker before 1.10": lambda: archives.packed(archives.tar(chains(125, 80)), "gzip"),
    "zeros, gzip": lambda: zeros("gzip"),
    "zeros, bzip2": lambda: zeros("bzip2"),
    "zeros, xz": lambda: zeros("xz"),
    "filtered zeros, xz": filtered_zeros,
    "leaps, bzip2": leaps,
    "zeros, zstd": lambda: zeros("zstd"),
    "small frames, zstd": lambda: much(archives.packed(b"x", "zstd"), "zstd"),
    "empty members, gzip": lambda: archives.packed(b"", "gzip") * 50_000,
}
