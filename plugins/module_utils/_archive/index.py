# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The index of an archive of images: its content, read without extracting or trusting it.

The layouts that docker save (before and since 25), podman save and skopeo write are read, uncompressed or compressed:

- legacy: manifest.json alone (moby, image/tarexport/save.go before 25; Podman's docker-archive)
- oci: an OCI layout alone (image-spec, image-layout.md; Podman's oci-archive)
- both: an OCI layout with manifest.json (Docker since 25)

Archives of Docker before 1.10 are read as legacy, with the configs that engines make from them (ancient.py).
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.compression import HEAD, detect
from ansible_collections.gantry.docker.plugins.module_utils._archive.contents import Contents, PlainContents
from ansible_collections.gantry.docker.plugins.module_utils._archive.digests import (
    blob_digest,
    blob_name,
    config_digest,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.manifests import (
    INDEX,
    REPOSITORIES,
    Config,
    Descriptor,
    Listed,
    Manifest,
    normal,
    read_config,
    read_layout,
    read_left_out,
    read_listed,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.tar import (
    Bounds,
    Entry,
    FileSource,
    Source,
    StreamSource,
)
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, Unreadable

# A function that returns the digests of files in an archive, by their names; None for a compressed file.
Hashed = Callable[[Mapping[str, Entry]], Mapping[str, "str | None"]]


class ArchiveError(GantryError):
    """An error: an archive can't be read, or isn't as it should be."""


class ArchivedLayer(NamedTuple):
    """A layer of an archived image.

    entry: the name of its file, even if that is missing. present: whether the file is there.
    digest: of the blob, if the entry is named by one.
    size: of the file or, if that is missing, as in a manifest; None if no manifest has it.
    diff_id: None if the image's config is missing.
    """

    entry: str
    digest: str | None
    size: int | None
    diff_id: str | None
    present: bool


class ArchivedImage(NamedTuple):
    """An image in an archive, for one platform.

    config_digest: None only if the manifest is missing too. config_entry: the config's file.
    manifest_digest: None if no OCI layout describes the image.
    index_digest: of the index that the OCI layout's index.json points at; None if it points at the manifest.
    tags: as written in manifest.json (RepoTags), and further ones from index.json.
    listed: whether manifest.json has it. A classic store loads no other images.
    missing: the files that manifests name and that aren't there, without foreign layers, which engines never save, and
    without the layers that a thin archive leaves out. If the config is missing, os and all other fields from it are
    empty.
    """

    config_digest: str | None
    config_entry: str | None
    manifest_digest: str | None
    index_digest: str | None
    tags: tuple[str, ...]
    listed: bool
    os: str
    architecture: str
    variant: str
    created: str | None
    diff_ids: tuple[str, ...]
    config: Mapping[str, Any]
    history: tuple[Mapping[str, Any], ...]
    layers: tuple[ArchivedLayer, ...]
    missing: tuple[str, ...]


class ArchiveIndex(NamedTuple):
    """The index of an archive.

    entries: its files by name, with their places in the unpacked tar. In the layout of Docker before 1.10, these
    include the new configs, which are only in documents. links: the names that links lead to, by the links' names.
    end: the end of the last entry in the unpacked tar.
    compression: none, gzip, xz, bzip2 or zstd. format: legacy, oci or both.
    documents: the descriptions of images that were read, by the names of their entries.
    left_out: the layers that a thin archive leaves out: DiffIDs by the names of the missing entries.
    breaks: the places in the unpacked tar at which unpacking can begin, each with its place in the file.
    """

    images: tuple[ArchivedImage, ...]
    entries: Mapping[str, Entry]
    links: Mapping[str, str]
    end: int
    compression: str
    format: str
    documents: Mapping[str, bytes]
    left_out: Mapping[str, str]
    breaks: tuple[tuple[int, int], ...]


def read_index(path: str | os.PathLike[str]) -> ArchiveIndex:
    """Return the index of the archive at path.

    Of an uncompressed archive, only headers and documents are read. A compressed one is unpacked once, in constant
    memory. The digests of documents are verified; those of other blobs and of layers aren't (see verify).
    Raise ArchiveError, and no other error, for a file that can't be read, is no archive of images, or is truncated,
    damaged or hostile. If the engine wrote the archive without some blobs, that is no error: its images list them as
    missing.
    """
    with opened(path) as file:
        return read_index_of(file, os.fspath(path))


def read_index_of(file: BinaryIO, path: str) -> ArchiveIndex:
    """Do the same as read_index for a regular file that is open. path: for messages."""
    with reading(path):
        return _read_file(file, os.fstat(file.fileno()).st_size)


def read_pieces(pieces: Iterator[bytes], path: str) -> ArchiveIndex:
    """Do the same as read_index for an uncompressed archive in pieces; raise other errors from the pieces unchanged.

    path: for messages.
    """
    try:
        return index_of(_streamed(StreamSource(pieces)), "none")
    except Unreadable as error:
        raise unusable(path, error) from error


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Turn errors from reading the archive at path into ArchiveError."""
    try:
        yield
    except Unreadable as error:
        raise unusable(path, error) from error
    except OSError as error:
        raise ArchiveError(
            f"The archive {path} can't be read: {error.strerror or error}. Check the path and its permissions."
        ) from error


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open the archive at path; raise ArchiveError if it is no file that can be read."""
    with reading(os.fspath(path)):
        file = _open(os.fspath(path))
    with file:
        yield file


def unusable(path: str, error: Unreadable) -> ArchiveError:
    """Return the error for the archive at path."""
    return ArchiveError(f"The archive {path} can't be used: {error.reason}. {error.advice}.")


def _open(path: str) -> BinaryIO:
    if "\0" in path:
        raise Unreadable("no file has a zero byte in its path", "Check the path")
    file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise Unreadable("it is no regular file", "Name a file that docker save or a similar tool wrote")
    return file


def _open_without_waiting(path: str, flags: int) -> int:
    # Otherwise, opening a pipe would wait until another process writes to it.
    return os.open(path, flags | os.O_NONBLOCK)


def _read_file(file: BinaryIO, size: int) -> ArchiveIndex:
    file.seek(0)
    compression = compression_of(file.read(HEAD))
    if compression in ("zstd", "gzip"):
        from ansible_collections.gantry.docker.plugins.module_utils._archive.trailing_index import read_embedded

        embedded = read_embedded(file, size, compression)
        if embedded:
            return index_of(embedded, compression, breaks=embedded.breaks)
    file.seek(0)
    if compression == "none":
        return index_of(PlainContents(file, size), compression, lambda files: _hashed(FileSource(file, size), files))
    from ansible_collections.gantry.docker.plugins.module_utils._archive.decompression import unpacked

    bounds = Bounds.of(size, compression)

    def source() -> StreamSource:
        file.seek(0)
        return StreamSource(unpacked(file, compression), bounds.unpacked)

    return index_of(_streamed(source(), bounds), compression, lambda files: _hashed(source(), files))


def _streamed(source: StreamSource, bounds: Bounds | None = None) -> Contents:
    # Few archives are read as a stream: most are uncompressed, or have a trailing index.
    from ansible_collections.gantry.docker.plugins.module_utils._archive.streamed import StreamedContents

    return StreamedContents(source, bounds)


def _hashed(source: Source, files: Mapping[str, Entry]) -> dict[str, str | None]:
    """Return the digests of files, as Hashed does. source: the archive, at its beginning."""
    # Imported late as in _read_file: few archives are unpacked.
    from ansible_collections.gantry.docker.plugins.module_utils._archive.decompression import pieces_of

    digests: dict[str, str | None] = {}
    for name, entry in sorted(files.items(), key=lambda item: item[1].start):
        source.skip(entry.offset - source.position)
        content, head = hashlib.sha256(), b""
        for piece in entry.content(partial(pieces_of, source)):
            head = head or piece[:HEAD]
            content.update(piece)
        digests[name] = f"sha256:{content.hexdigest()}" if detect(head) == "none" else None
    return digests


def compression_of(head: bytes) -> str:
    """Return the compression of an archive, from its first HEAD bytes; raise Unreadable for an empty one."""
    if not head:
        raise Unreadable("it is empty")
    return detect(head)


def index_of(
    contents: Contents, compression: str, hashed: Hashed | None = None, breaks: tuple[tuple[int, int], ...] = ()
) -> ArchiveIndex:
    """Return the index of an archive with these contents; raise Unreadable.

    compression, breaks: as in ArchiveIndex. hashed: None if an archive of Docker before 1.10 isn't expected.
    """
    if contents.marked:
        return _index_of(contents, compression, hashed, breaks)
    # Engines accept an archive without an end mark, but it may have been truncated between two entries.
    try:
        index = _index_of(contents, compression, hashed, breaks)
    except Unreadable as error:
        raise Unreadable("it is truncated") from error
    if not _is_whole(index):
        raise Unreadable("it is truncated")
    return index


def _is_whole(index: ArchiveIndex) -> bool:
    """Return whether all files that an archive names are there, and no others."""
    if not index.images or any(image.missing for image in index.images):
        return False
    if index.format != "oci":
        # An archive with an index.json must have an oci-layout too.
        return index.format == "both" or INDEX not in index.entries
    named = {layer.entry for image in index.images for layer in image.layers}
    for image in index.images:
        digests = (image.config_digest, image.manifest_digest, image.index_digest)
        named.update(blob_name(digest) for digest in digests if digest)
    return all(name in named for name in index.entries if blob_digest(name))


def _index_of(
    contents: Contents, compression: str, hashed: Hashed | None, breaks: tuple[tuple[int, int], ...]
) -> ArchiveIndex:
    listed = read_listed(contents)
    configs = (config_digest(contents.resolve(image.config) or image.config) for image in listed or ())
    layout = read_layout(contents, frozenset(digest for digest in configs if digest))
    if listed is None and layout is None and hashed and contents.resolve(REPOSITORIES):
        # Imported late, because nobody has written such archives for years.
        from ansible_collections.gantry.docker.plugins.module_utils._archive.ancient import read_ancient

        listed = read_ancient(contents, hashed)
    if listed is None and layout is None:
        raise Unreadable(
            "it has neither a manifest.json nor an OCI layout",
            "It must be an archive of images from docker save; an archive from docker export is for docker import",
        )
    left_out = read_left_out(contents)
    images = tuple(_Images(contents, frozenset(left_out)).of(listed or [], layout or []))
    return ArchiveIndex(
        images=images,
        entries=contents.files,
        links=contents.links,
        end=contents.end,
        compression=compression,
        format="oci" if listed is None else "legacy" if layout is None else "both",
        documents=contents.documents,
        left_out=left_out,
        breaks=breaks,
    )


class _Images:
    """The images of an archive, joined from manifest.json and an OCI layout."""

    def __init__(self, contents: Contents, left_out: frozenset[str]) -> None:
        self._contents = contents
        self._left_out = left_out
        self._configs: dict[str, Config | None] = {}

    def of(self, listed: Sequence[Listed], layout: Sequence[Manifest]) -> Iterator[ArchivedImage]:
        """Yield each image once; first the images that manifest.json lists."""
        rest = dict.fromkeys(range(len(layout)))
        by_config: dict[str, list[int]] = {}
        by_blobs: dict[tuple[str, frozenset[str]], list[int]] = {}
        for number, manifest in enumerate(layout):
            if manifest.config:
                blobs = frozenset(layer.blob for layer in manifest.layers)
                by_config.setdefault(manifest.config.blob, []).append(number)
                by_blobs.setdefault((manifest.config.blob, blobs), []).append(number)
        for image in listed:
            entry, blobs = self._entry(image.config), frozenset(map(self._entry, image.layers))
            # First the manifests with the same blobs: others have the same layers, but packed in another way.
            same = [number for number in by_blobs.pop((entry, blobs), []) if number in rest]
            same = same or [number for number in by_config.pop(entry, []) if number in rest]
            for number in same:
                del rest[number]
            if not same:
                yield self._image(image.config, image.layers, image.tags, None, listed=True)
            for manifest, tags in _shared_tags(image, [layout[number] for number in same]):
                # The layers come from manifest.json: Docker 25.0 wrote them into OCI manifests in random order, and
                # equal ones only once (moby, v25.0.0, image/tarexport/save.go, save).
                yield self._image(image.config, image.layers, tags, manifest, listed=True)
        for manifest in (layout[number] for number in rest):
            config = manifest.config.blob if manifest.config else None
            layers = tuple(layer.blob for layer in manifest.layers)
            yield self._image(config, layers, manifest.names, manifest, listed=False)

    def _entry(self, name: str) -> str:
        return self._contents.resolve(name) or name

    def _config(self, name: str) -> Config | None:
        if name not in self._configs:
            self._configs[name] = read_config(self._contents, name)
        return self._configs[name]

    def _image(
        self,
        config_name: str | None,
        layer_names: Sequence[str],
        tags: tuple[str, ...],
        manifest: Manifest | None,
        listed: bool,
    ) -> ArchivedImage:
        config_entry = self._entry(config_name) if config_name else None
        config = self._config(config_entry) if config_entry else None
        platform = manifest.platform if manifest else {}
        layers = self._layers(layer_names, config, manifest)
        return ArchivedImage(
            config_digest=config.digest if config else config_digest(config_entry or ""),
            config_entry=config_entry,
            manifest_digest=manifest.digest if manifest else None,
            index_digest=manifest.index_digest if manifest else None,
            tags=tags,
            listed=listed,
            os=config.os if config else _text(platform.get("os")),
            architecture=config.architecture if config else _text(platform.get("architecture")),
            variant=config.variant if config else _text(platform.get("variant")),
            created=config.created if config else None,
            diff_ids=config.diff_ids if config else (),
            config=config.config if config else {},
            history=config.history if config else (),
            layers=layers,
            missing=self._missing(config_entry, layers, manifest),
        )

    def _layers(
        self, names: Sequence[str], config: Config | None, manifest: Manifest | None
    ) -> tuple[ArchivedLayer, ...]:
        if config and len(config.diff_ids) != len(names):
            # Engines refuse it too (moby, image/tarexport/load.go; containerd, client/image.go, Unpack).
            raise Unreadable(f"an image in it has {len(names)} layers, but {len(config.diff_ids)} DiffIDs for them")
        described = _described(manifest)
        diff_ids: Sequence[str | None] = config.diff_ids if config else [None] * len(names)
        return tuple(self._layer(self._entry(name), diff_id, described) for name, diff_id in zip(names, diff_ids))

    def _layer(self, entry: str, diff_id: str | None, described: Mapping[str, Descriptor]) -> ArchivedLayer:
        file = self._contents.files.get(entry)
        claimed = described[entry].size if entry in described else None
        return ArchivedLayer(entry, blob_digest(entry), file.size if file else claimed, diff_id, file is not None)

    def _missing(
        self, config: str | None, layers: Sequence[ArchivedLayer], manifest: Manifest | None
    ) -> tuple[str, ...]:
        described = _described(manifest)
        named = [config] if config else []
        named += [layer.entry for layer in layers]
        named += described
        missing = [
            name
            for name in dict.fromkeys(named)
            if name not in self._contents.files
            and name not in self._left_out
            and (name not in described or described[name].distributed)
        ]
        return (*missing, *(manifest.missing if manifest else ()))


def _described(manifest: Manifest | None) -> dict[str, Descriptor]:
    return {layer.blob: layer for layer in manifest.layers} if manifest else {}


def _shared_tags(image: Listed, manifests: Sequence[Manifest]) -> Iterator[tuple[Manifest, tuple[str, ...]]]:
    """Yield an image's manifests, each with its tags.

    There are several if index.json points at a manifest and at an index that lists it. The first manifest gets the tags
    that index.json doesn't have.
    """
    spoken = {normal(name) for manifest in manifests for name in manifest.names}
    written: dict[str | None, list[int]] = {}
    for number, tag in enumerate(image.tags):
        written.setdefault(normal(tag), []).append(number)
    unspoken = [number for tag, numbers in written.items() if tag not in spoken for number in numbers]
    for position, manifest in enumerate(manifests):
        own = {normal(name) for name in manifest.names}
        numbers = [number for tag in own for number in written.get(tag, ())] + (unspoken if position == 0 else [])
        more = (name for name in manifest.names if normal(name) not in written)
        yield manifest, (*(image.tags[number] for number in sorted(numbers)), *more)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
