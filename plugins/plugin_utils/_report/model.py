# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""What the role report shows, as plain values: made of the results of the modules, host by host.

The page shows these values and the JSON file has them, so both have the same content.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._image.history import layer_sizes
from ansible_collections.gantry.docker.plugins.module_utils._image.identity import identity_of
from ansible_collections.gantry.docker.plugins.module_utils._image.layers import chain_ids

Described = Mapping[str, Any]


class Layers(NamedTuple):
    """Layers on top of each other that the same images have.

    id: of the highest one. below: the id of the layers that they lie on; "" if there are none. layers: their number.
    size: the bytes of their files. images: the images that have them.
    """

    id: str
    below: str
    layers: int
    size: int
    images: tuple[str, ...]


def model(hosts: Mapping[str, Mapping[str, Any]], made: str) -> dict[str, Any]:
    """Return the report of all hosts.

    hosts: the results of the role's tasks by the names of the hosts: images (of image_info), containers (of
    container_info), pruned (of image_prune), pulled (of image_pull; none if no registry was asked), and equal (a name;
    hosts with the same one should have the same images). made: the time, for people.
    """
    return {
        "made": made,
        "hosts": {name: _host(results) for name, results in sorted(hosts.items())},
        "drift": list(drift(hosts)),
    }


def _host(results: Mapping[str, Any]) -> dict[str, Any]:
    images = _once(results["images"]["images"])
    pruned, pulled = results["pruned"], results.get("pulled") or {}
    verdicts = {
        row["Id"]: {"goes": goes, "reason": row["Reason"], "freed": row.get("SpaceReclaimed", 0)}
        for goes, rows in ((True, pruned["images"]), (False, pruned.get("kept") or ()))
        for row in rows
    }
    users = _users(results["containers"]["containers"])
    flaws = {row["Id"]: row["Reason"] for row in results["images"].get("flawed") or ()}
    return {
        "images": [_image(image, verdicts, users, flaws) for image in images],
        "layers": [run._asdict() for run in shared_layers(images)],
        "pruned": {"images": len(pruned["images"]), "bytes": pruned["space_reclaimed"]},
        "stale": [dict(row) for row in pulled.get("pulled") or ()],
        "problems": [pulled["msg"]] if pulled.get("msg") else [],
    }


def _image(
    image: Described, verdicts: Mapping[str, Any], users: Mapping[str, Sequence[str]], flaws: Mapping[str, str]
) -> dict[str, Any]:
    sizes = image.get("Sizes") or {}
    unknown = {"goes": False, "reason": "a part of other images", "freed": 0}
    return {
        "id": image["Id"],
        "names": _names(image),
        "created": image.get("Created") or "",
        "size": sizes.get("Total", image.get("Size") or 0),
        "shared": sizes.get("Shared", 0),
        "labels": dict((image.get("Config") or {}).get("Labels") or {}),
        "containers": sorted(users.get(image["Id"], ())),
        "layers": len(_diff_ids(image)),
        "flaw": flaws.get(image["Id"], ""),
        **verdicts.get(image["Id"], unknown),
    }


def shared_layers(images: Sequence[Described]) -> tuple[Layers, ...]:
    """Return the layers of all images as a tree; layers that only the same images have are one entry.

    images: as image_info returns them, with their histories.
    """
    chains = {image["Id"]: chain_ids(_diff_ids(image)) for image in images}
    sizes = {
        layer: size
        for image in images
        for layer, size in zip(chains[image["Id"]], layer_sizes(image.get("History") or (), len(_diff_ids(image))))
    }
    names = {image["Id"]: (_names(image) or [image["Id"]])[0] for image in images}
    holders: dict[str, list[str]] = defaultdict(list)
    for image_id, chain in chains.items():
        for layer in chain:
            holders[layer].append(image_id)
    runs: dict[str, Layers] = {}
    for chain in chains.values():
        below, run = "", list[str]()
        for layer, above in zip(chain, (*chain[1:], "")):
            run.append(layer)
            if above and holders[above] == holders[layer]:
                continue
            size = sum(sizes[one] for one in run)
            runs[layer] = Layers(layer, below, len(run), size, tuple(sorted(names[one] for one in holders[layer])))
            below, run = layer, []
    return tuple(runs.values())


def drift(hosts: Mapping[str, Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    """Yield the names that hosts which should be equal have with different images, or not all of them.

    The images are those of the name on each host; None where there is none. They are named by the beginning of a digest
    of all that is the same on every engine, as Ids differ between stores.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for host, results in sorted(hosts.items()):
        groups[results["equal"]].append(host)
    for group, members in sorted(groups.items()):
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for host in members:
            for image in hosts[host]["images"]["images"]:
                for name in image.get("RepoTags") or ():
                    found[name][host] = _fingerprint(image)
        for name, there in sorted(found.items()):
            if len(there) < len(members) or len(set(there.values())) > 1:
                yield {"group": group, "name": name, "hosts": {host: there.get(host) for host in members}}


def _fingerprint(image: Described) -> str:
    identity = identity_of(image, _diff_ids(image), image.get("Config"))
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:12]


def _once(images: Iterable[Described]) -> list[Described]:
    return list({image["Id"]: image for image in images}.values())


def _names(image: Described) -> list[str]:
    return sorted(image.get("RepoTags") or image.get("RepoDigests") or ())


def _diff_ids(image: Described) -> Sequence[str]:
    return (image.get("RootFS") or {}).get("Layers") or ()


def _users(containers: Iterable[Described]) -> dict[str, list[str]]:
    """Return the containers of each image, by its Id, with their states."""
    users: dict[str, list[str]] = defaultdict(list)
    for container in containers:
        users[container["Image"]].append(f"{container['Name'].lstrip('/')} ({container['State']['Status']})")
    return users
