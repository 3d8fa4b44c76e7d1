# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The manifest of a bundle: what it holds, by checksums and digests, for people and for the role airgap.

A signature of the manifest is one of the whole bundle, as the manifest has the checksum of everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.documents import (
    digest,
    mapping,
    object_of,
    objects,
    texts,
)
from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput, Unreadable
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import parse_tag
from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.documents import (
    checksum,
    file_name,
    number,
    read,
    reading,
    written,
)

KIND = "gantry.docker.airgap bundle"
SHOWN = "The bundle's manifest"
NAME = "manifest.json"
# The suffixes of split(1) have this many digits.
_DIGITS = 4
MOST_PIECES = 10**_DIGITS - 1


class File(NamedTuple):
    """A file of a bundle."""

    name: str
    size: int
    sha256: str


class ImageRow(NamedTuple):
    """An image of a bundle, for one platform. left_out: the number of its layers that the archive leaves out."""

    names: tuple[str, ...]
    diff_ids: tuple[str, ...]
    left_out: int


class Bundle(NamedTuple):
    """A bundle, as its manifest describes it.

    pieces: what the archive was cut into; none if it is carried whole. content: all that the manifest says.
    """

    archive: File
    pieces: tuple[File, ...]
    images: tuple[ImageRow, ...]
    content: Mapping[str, Any]

    @property
    def files(self) -> tuple[File, ...]:
        """The files that are carried beside the manifest."""
        return self.pieces or (self.archive,)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the images."""
        return tuple(sorted({name for image in self.images for name in image.names}))


def piece_names(archive: str, size: int, piece_size: int) -> list[str]:
    """Return the names of the pieces of an archive; none if it fits into one. Raise InvalidInput for too many.

    size: the archive's, in bytes. piece_size: the largest that a piece may have; 0 for no limit.
    """
    if not piece_size or size <= piece_size:
        return []
    count = -(-size // piece_size)
    if count > MOST_PIECES:
        raise InvalidInput(
            f"airgap_piece_size is {piece_size} bytes, and cuts {size} bytes into {count} pieces. At most "
            f"{MOST_PIECES} are possible: choose a larger one."
        )
    return [f"{archive}.part-{place:0{_DIGITS}}" for place in range(1, count + 1)]


def manifest(told: Mapping[str, Any], former: str) -> str:
    """Return the manifest of a bundle as text.

    told: made (its time is at), archive (File's fields), pieces (what stat said of each item), contents (as image_save
    says them), and found (the images as inspected where they were saved). former: the manifest that there is; it stays
    if it says the same, but for the time.
    """
    ids = {name: image["Id"] for image in told["found"] for name in image.get("RepoTags") or ()}
    content = {
        "made": dict(told["made"]),
        "images": [_row(image, ids) for image in sorted(told["contents"], key=_by_name)],
        # Older releases of Ansible make text of a number in a template.
        "archive": {**told["archive"], "size": int(told["archive"]["size"])},
        "pieces": [
            {"name": piece["item"], "size": piece["stat"]["size"], "sha256": piece["stat"]["checksum"]}
            for piece in told["pieces"]
        ],
    }
    try:
        before = parse_manifest(former).content
    except InvalidInput:
        return written(KIND, content)
    made = {**told["made"], "at": before["made"].get("at")}
    same = all(before.get(key) == value for key, value in {**content, "made": made}.items())
    return former if same else written(KIND, content)


def parse_manifest(document: str) -> Bundle:
    """Return the bundle that a manifest describes; raise InvalidInput."""
    with reading(SHOWN):
        found = read(document, KIND, NAME)
        bundle = Bundle(
            archive=_file(found.get("archive")),
            pieces=tuple(_file(row) for row in objects(found.get("pieces"), NAME)),
            images=tuple(_image(row) for row in objects(found.get("images"), NAME)),
            content=found,
        )
        mapping(found.get("made"), NAME)
        _check(bundle)
    return bundle


def problems_with(bundle: Bundle, found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return why the files of a bundle aren't those of its manifest, a sentence for each.

    found: by the name of a file, what the module stat says of it; with the checksum, that is compared too. The archive
    is compared if it is there, as it may have been put together.
    """
    there = (*bundle.files, bundle.archive) if bundle.archive.name in found else bundle.files
    problems = (_problem(file, found.get(file.name) or {}) for file in dict.fromkeys(there))
    return [problem for problem in problems if problem]


def is_cut(former: str, told: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether the pieces that are there are those of an archive.

    former: the manifest that there is. told: name, size, sha256 and pieces (their names) of the archive. found: as in
    problems_with.
    """
    try:
        bundle = parse_manifest(former)
    except InvalidInput:
        return False
    archive = File(told["name"], told["size"], told["sha256"])
    same = bundle.archive == archive and [piece.name for piece in bundle.pieces] == list(told["pieces"])
    return same and not problems_with(bundle._replace(archive=bundle.files[0]), found)


def other_layers(bundle: Bundle, images: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the names in a bundle whose images have other layers than its manifest says. images: as inspected."""
    wanted: dict[str, set[tuple[str, ...]]] = {}
    for row in bundle.images:
        for name in row.names:
            wanted.setdefault(name, set()).add(row.diff_ids)
    return sorted(
        {
            name
            for image in images
            for name in image.get("RepoTags") or ()
            if name in wanted and tuple((image.get("RootFS") or {}).get("Layers") or ()) not in wanted[name]
        }
    )


def lines_of(bundle: Bundle) -> list[str]:
    """Return what a bundle holds, a line for each image and each file."""
    images = [
        f"image  {', '.join(image.names)}: {len(image.diff_ids)} layers"
        + (f", of which {image.left_out} are left out" if image.left_out else "")
        for image in bundle.images
    ]
    return images + [f"file   {file.name}: {file.size} bytes, SHA-256 {file.sha256}" for file in bundle.files]


def _by_name(image: Mapping[str, Any]) -> tuple[Sequence[str], str]:
    return image["tags"], image["platform"]


def _row(image: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """Return an image of a manifest. ids: the Ids of the images where they were saved, by name."""
    return {
        "names": list(image["tags"]),
        "platform": image["platform"],
        "id": next((ids[name] for name in image["tags"] if name in ids), None),
        "config": image["config_digest"],
        "manifest": image["manifest_digest"],
        "layers": [
            {
                "diff_id": layer["diff_id"],
                "blob": layer["digest"],
                "size": layer["size"],
                "carried": not layer["left_out"],
            }
            for layer in image["layers"]
        ],
    }


def _file(value: Any) -> File:
    row = object_of(value, NAME)
    return File(
        file_name(row.get("name"), "name"), number(row.get("size"), "size"), checksum(row.get("sha256"), "sha256")
    )


def _image(row: Mapping[str, Any]) -> ImageRow:
    try:
        names = tuple(parse_tag(name).tagged for name in texts(row.get("names"), NAME))
    except InvalidInput as error:
        raise Unreadable(f"it has a name that no image can have: {error.message}") from error
    layers = objects(row.get("layers"), NAME)
    diff_ids = tuple(digest(layer.get("diff_id"), NAME) for layer in layers)
    return ImageRow(names, diff_ids, sum(layer.get("carried") is False for layer in layers))


def _check(bundle: Bundle) -> None:
    """Raise Unreadable if a manifest contradicts itself."""
    if not bundle.names:
        raise Unreadable("it names no image")
    names = [file.name for file in (*bundle.pieces, bundle.archive)]
    if len(set(names)) < len(names) or NAME in names:
        raise Unreadable("two of its files have the same name")
    if len(bundle.pieces) > MOST_PIECES:
        raise Unreadable(f"it has more than {MOST_PIECES} pieces")
    if bundle.pieces and sum(piece.size for piece in bundle.pieces) != bundle.archive.size:
        raise Unreadable("its pieces together don't have the size of the archive")


def _problem(file: File, found: Mapping[str, Any]) -> str:
    """Return why a file isn't the one in the manifest; "" if it is, as far as found says."""
    if not found.get("exists"):
        return f"{file.name} is missing. Carry it again."
    if not found.get("isreg") or found.get("islnk"):
        return f"{file.name} is no regular file. Nothing in a bundle may be a link. Carry it again."
    if found["size"] != file.size:
        return f"{file.name} has {found['size']} bytes, and must have {file.size}. Carry it again."
    if found.get("checksum", file.sha256) != file.sha256:
        return f"{file.name} is damaged or was altered: its SHA-256 is not that of the manifest. Carry it again."
    return ""
