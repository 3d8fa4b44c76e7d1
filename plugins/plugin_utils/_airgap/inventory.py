# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The inventory of a site: the images of its hosts, by the digests that decide what a thin archive may leave out.

A classic store finds a layer by its chain ID. A containerd store also needs the same blob, compressed or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive.documents import digest, mapping, objects
from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput, Unreadable
from ansible_collections.gantry.docker.plugins.module_utils._image.layers import can_be_left_out, chain_ids
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ListedName, parse_tag
from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.documents import read, reading, written

KIND = "gantry.docker.airgap inventory"
_DOCUMENT = "inventory"
_MOST_LAYERS = 100_000


class Layers(NamedTuple):
    """The layers of an image for one platform, the lowest first.

    blobs: the digest of each layer's blob; None if the store needs no certain one, or if it isn't known.
    """

    diff_ids: tuple[str, ...]
    blobs: tuple[str | None, ...]

    @property
    def keys(self) -> tuple[tuple[str, str | None], ...]:
        """What a store finds each layer by: the chain ID, and the digest of the blob."""
        return tuple(zip(chain_ids(self.diff_ids), self.blobs))


class Host(NamedTuple):
    """A host of an inventory, and the layers of its images."""

    name: str
    images: tuple[Layers, ...]

    @property
    def needs_blobs(self) -> bool:
        """Whether its store needs layers in the form in which it has them."""
        return any(blob for image in self.images for blob in image.blobs)


def named_images(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the images with a name that are whole. found: the result of image_info."""
    flawed = {image["Id"] for image in found.get("flawed") or ()}
    unique = {image["Id"]: image for image in found.get("images") or ()}
    return [image for image in unique.values() if image["Id"] not in flawed and image.get("RepoTags")]


def needs_blobs(images: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether images, as inspected, are those of a containerd store.

    Such a store knows an image by the digest of its manifest or index, which its names with a digest have too.
    """
    names = ((image["Id"], name) for image in images for name in image.get("RepoDigests") or ())
    return any(ListedName(name).digest == image_id for image_id, name in names)


def inventory(hosts: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the inventory of hosts as text.

    hosts: of each, found, the result of image_info; and contents, by the Ids of images, what image_save says of them.
    """
    images: dict[str, list[dict[str, Any]]] = {}
    names: dict[str, dict[str, list[str]]] = {}
    for host, told in sorted(hosts.items()):
        names[host] = {}
        has_blobs = needs_blobs(named_images(told["found"]))
        for image in named_images(told["found"]):
            contents = (told.get("contents") or {}).get(image["Id"])
            if has_blobs and not (contents and all(layer["digest"] for row in contents for layer in row["layers"])):
                continue  # its blobs aren't known, so it is better carried again
            names[host][image["Id"]] = sorted(image["RepoTags"])
            images[image["Id"]] = [_saved(row) for row in contents] if contents else [_inspected(image)]
    return written(KIND, {"hosts": names, "images": dict(sorted(images.items()))})


def parse_inventory(text: str, shown: str) -> tuple[Host, ...]:
    """Return the hosts of an inventory; raise InvalidInput. shown: what messages call it."""
    with reading(shown):
        found = read(text, KIND, _DOCUMENT)
        images = {
            image_id: tuple(_layers(row) for row in objects(rows, _DOCUMENT))
            for image_id, rows in mapping(found.get("images"), _DOCUMENT).items()
        }
        if sum(len(image.diff_ids) for rows in images.values() for image in rows) > _MOST_LAYERS:
            raise Unreadable("it has too many layers")
        hosts = []
        for host, names in mapping(found.get("hosts"), _DOCUMENT).items():
            unknown = set(mapping(names, _DOCUMENT)) - set(images)
            if unknown:
                raise Unreadable(f"its host {host} has an image that isn't described")
            hosts.append(Host(host, tuple(layers for image_id in names for layers in images[image_id])))
        if not hosts:
            raise Unreadable("it has no host")
    return tuple(hosts)


def spared_layers(images: Sequence[Layers], hosts: Iterable[Host]) -> frozenset[str]:
    """Return the DiffIDs of the layers of images that an archive for all of these hosts can leave out.

    A layer that one host can't use for one of the images must be carried.
    """
    there = [frozenset(key for image in host.images for key in image.keys) for host in hosts]
    kept = {
        diff_id
        for image in images
        for diff_id, (chain, blob) in zip(image.diff_ids, image.keys)
        if not all((chain, None) in keys or (blob is not None and (chain, blob) in keys) for keys in there)
    }
    known = {diff_id for image in images for diff_id in image.diff_ids} if there else set()
    return can_be_left_out([image.diff_ids for image in images], known - kept)


def layers_of(found: Mapping[str, Any], contents: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Layers]:
    """Return the layers of the images that are to be carried: with their blobs, where contents has these."""
    images = {image["Id"]: image for image in found.get("images") or ()}
    return [
        _kept(row)
        for image_id, image in images.items()
        for row in ([_saved(saved) for saved in contents[image_id]] if contents.get(image_id) else [_inspected(image)])
    ]


def problems_with_names(names: Iterable[str]) -> list[str]:
    """Return why images can't be carried under these names, a sentence for each."""
    problems = []
    for name in names:
        try:
            parse_tag(name)
        except InvalidInput as error:
            problems.append(error.message)
    return problems


def _inspected(image: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of an image in a classic store, from what the engine says."""
    layers = (image.get("RootFS") or {}).get("Layers") or ()
    return {
        "platform": "/".join(part for part in map(image.get, ("Os", "Architecture", "Variant")) if part),
        "config": image["Id"],
        "manifest": None,
        "layers": [{"diff_id": diff_id, "blob": None} for diff_id in layers],
    }


def _saved(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of an image, from what image_save says."""
    return {
        "platform": row["platform"],
        "config": row["config_digest"],
        "manifest": row["manifest_digest"],
        "layers": [{"diff_id": layer["diff_id"], "blob": layer["digest"]} for layer in row["layers"]],
    }


def _kept(row: Mapping[str, Any]) -> Layers:
    layers = row["layers"]
    return Layers(tuple(layer["diff_id"] for layer in layers), tuple(layer["blob"] for layer in layers))


def _layers(row: Mapping[str, Any]) -> Layers:
    layers = objects(row.get("layers"), _DOCUMENT)
    blobs = (layer.get("blob") for layer in layers)
    return Layers(
        tuple(digest(layer.get("diff_id"), _DOCUMENT) for layer in layers),
        tuple(None if blob is None else digest(blob, _DOCUMENT) for blob in blobs),
    )
