# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Archives of Docker before 1.10: without configs and manifest.json, but with an image for each layer.

Each image names its parent. The configs are made from the images, byte for byte as classic stores make them (moby, v25
to v28, image/tarexport/load.go, legacyLoad, and image/v1/imagev1.go). So an image has the same Id as after docker load.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._archive import documents
from ansible_collections.gantry.docker.plugins.module_utils._archive.contents import Contents
from ansible_collections.gantry.docker.plugins.module_utils._archive.digests import digest_of, digits_of
from ansible_collections.gantry.docker.plugins.module_utils._archive.manifests import (
    REPOSITORIES,
    Listed,
    check_tag,
    normal,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.tar import Entry, shown
from ansible_collections.gantry.docker.plugins.module_utils._errors import Unreadable

_ID = re.compile("[0-9a-f]{64}")
# moby, layer/layer_store.go, maxLayerDepth
_MAX_LAYERS = 125

_FIELDS = frozenset(
    {"id", "parent", "comment", "created", "container", "container_config", "docker_version", "author", "config"}
    | {"architecture", "variant", "os", "Size"}
)
_LEFT_OUT = ("id", "parent", "Size", "parent_id", "layer_id", "throwaway")
# If an image is from an older engine, only the fields that engines know are kept: imagev1.go, noFallbackMinVersion.
_KEPT_AS_WRITTEN = [1, 8, 3]
# moby, api/types/container/config.go: the fields in their order, each with an empty value of its type.
_SETTINGS: Mapping[str, Any] = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "ExposedPorts": {},
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": [],
    "Cmd": [],
    "Healthcheck": {},
    "ArgsEscaped": False,
    "Image": "",
    "Volumes": {},
    "WorkingDir": "",
    "Entrypoint": [],
    "NetworkDisabled": False,
    "MacAddress": "",
    "OnBuild": [],
    "Labels": {},
    "StopSignal": "",
    "StopTimeout": 0,
    "Shell": [],
}
_LEFT_OUT_EMPTY = frozenset(
    {"ExposedPorts", "Healthcheck", "ArgsEscaped", "NetworkDisabled", "MacAddress"}
    | {"StopSignal", "StopTimeout", "Shell"}
)

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)")
_STRING_OR_SPACE = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+')
# Go's encoding/json escapes these characters, for browsers.
_ESCAPES = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})


class _Image(NamedTuple):
    """An image, which is one layer.

    text: its description. described: the same, parsed. step: its row in the history. layer: its layer's entry.
    """

    text: str
    described: Mapping[str, Any]
    step: Mapping[str, Any]
    parent: str
    layer: str


def read_ancient(contents: Contents, hashed: Callable[[Mapping[str, Entry]], Mapping[str, str | None]]) -> list[Listed]:
    """Return the images of such an archive, and add their configs to its contents. Raise Unreadable.

    The images are the ones with a tag, and the ones that aren't parents of others. hashed: as in index.Hashed.
    """
    names = sorted({*contents.files, *contents.links})
    images = {top: _image(contents, top) for top in dict.fromkeys(n.partition("/")[0] for n in names if "/" in n)}
    tags = _tags(contents, images)
    parents = {image.parent for image in images.values()}
    chains = {top: _chain(images, top) for top in images if top in tags or top not in parents}
    diff_ids = hashed({image.layer: contents.files[image.layer] for image in images.values()})
    listed: dict[str, Listed] = {}
    for top, chain in chains.items():
        config = _config([images[step] for step in chain], [_diff_id(images[step].layer, diff_ids) for step in chain])
        name = f"{digits_of(digest_of(config))}.json"
        contents.add(name, config)
        first = listed.setdefault(name, Listed(name, tuple(images[step].layer for step in chain), ()))
        listed[name] = first._replace(tags=(*first.tags, *tags.get(top, ())))
    return list(listed.values())


def _image(contents: Contents, top: str) -> _Image:
    if not _ID.fullmatch(top):
        raise Unreadable(
            f"it has a directory {shown(top)}, but in archives of Docker before 1.10, the name of each is an image's Id"
        )
    name = f"{top}/json"
    data, layer = contents.document(name), contents.resolve(f"{top}/layer.tar")
    if data is None or layer is None:
        raise Unreadable(f"its image {top} lacks its {'json' if data is None else 'layer.tar'}")
    described = documents.fields(documents.parsed(data, name), _FIELDS, name)
    parent = documents.text(described.get("parent"), name)
    return _Image(data.decode(), described, _step(described), parent, layer)


def _tags(contents: Contents, images: Mapping[str, _Image]) -> dict[str, list[str]]:
    """Return the tags of the images that have any."""
    tags: dict[str, list[str]] = {}
    meant: dict[str | None, str] = {}
    repositories = documents.parsed(contents.document(REPOSITORIES) or b"", REPOSITORIES)
    for repository, ids in documents.object_of(repositories, REPOSITORIES).items():
        for tag, top in documents.mapping(ids, REPOSITORIES).items():
            name = check_tag(f"{repository}:{tag}", REPOSITORIES)
            if top not in images:
                raise Unreadable(f"its {REPOSITORIES} names an image {shown(str(top))}, which it doesn't have")
            if meant.setdefault(normal(name), top) != top:
                raise Unreadable(f"its {REPOSITORIES} gives the name {shown(name)} to two images")
            tags.setdefault(top, []).append(name)
    return tags


def _chain(images: Mapping[str, _Image], top: str) -> list[str]:
    """Return an image and its ancestors, the lowest first."""
    chain = [top]
    while parent := images[chain[-1]].parent:
        if parent not in images:
            raise Unreadable(f"its image {chain[-1]} lacks its parent, {shown(parent)}")
        if parent in chain:
            raise Unreadable(f"its image {parent} is an ancestor of itself")
        if len(chain) == _MAX_LAYERS:
            raise Unreadable(f"its image {top} has more than {_MAX_LAYERS} layers, the most that engines accept")
        chain.append(parent)
    return chain[::-1]


def _diff_id(layer: str, diff_ids: Mapping[str, str | None]) -> str:
    diff_id = diff_ids[layer]
    if diff_id is None:
        raise Unreadable(
            f"its layer {shown(layer)} is compressed, but Docker before 1.10 compressed no layers",
            "Unpack the archive, decompress the layer, and pack it again with tar",
        )
    return diff_id


def _config(chain: Sequence[_Image], diff_ids: Sequence[str]) -> bytes:
    image = chain[-1]
    version = documents.text(image.described.get("docker_version"), "json").split(".")
    numbers = [int(part) if re.fullmatch("[0-9]{1,9}", part) else 0 for part in (*version, "0", "0")]
    members = _rewritten(image.described) if numbers < _KEPT_AS_WRITTEN else _members(image.text)
    for key in _LEFT_OUT:
        members.pop(key, None)
    members["rootfs"] = _json({"type": "layers", "diff_ids": diff_ids})
    members["history"] = _json([step.step for step in chain])
    return f"{{{','.join(f'{_json(key)}:{members[key]}' for key in sorted(members))}}}".encode()


def _step(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of the history for an image."""
    command = _settings(described.get("container_config"))["Cmd"] or ()
    step = {
        "created": _time(described),
        "created_by": " ".join(command),
        "author": documents.text(described.get("author"), "json"),
        "comment": documents.text(described.get("comment"), "json"),
    }
    return {key: value for key, value in step.items() if value}


def _members(text: str) -> dict[str, str]:
    """Return the members of an object as they are written, but without white space and with Go's escapes."""
    text = _STRING_OR_SPACE.sub(lambda match: match.group(1) or "", text)
    read = json.JSONDecoder().raw_decode
    members, position = {}, 1
    while position < len(text) - 1:
        key, end = read(text, position)
        _value, position = read(text, end + 1)
        members[key] = text[end + 1 : position].translate(_ESCAPES)
        position += 1
    return members


def _rewritten(described: Mapping[str, Any]) -> dict[str, str]:
    """Return the members of an object after Go has read it as a V1Image and written it (moby, image/image.go)."""
    texts = ("comment", "container", "docker_version", "author", "architecture", "variant", "os")
    members = {key: documents.text(described.get(key), "json") for key in texts}
    rewritten: dict[str, Any] = {key: value for key, value in members.items() if value}
    rewritten["created"] = _time(described)
    rewritten["container_config"] = _settings(described.get("container_config"))
    if described.get("config") is not None:
        rewritten["config"] = _settings(described["config"])
    return {key: _json(value) for key, value in rewritten.items()}


def _settings(value: Any) -> dict[str, Any]:
    """Return a container's config after Go has read and written it."""
    found = documents.renamed(documents.mapping(value, "json"), frozenset(_SETTINGS), "json")
    settings = {key: _setting(key, empty, found.get(key)) for key, empty in _SETTINGS.items()}
    return {key: setting for key, setting in settings.items() if setting or key not in _LEFT_OUT_EMPTY}


def _setting(key: str, empty: Any, value: Any) -> Any:
    if value is None:
        return None if isinstance(empty, (list, dict)) else empty
    if isinstance(empty, list):
        # Docker before 1.8 allowed a command to be one string.
        return documents.texts([value] if isinstance(value, str) else value, "json")
    if not isinstance(value, type(empty)):
        raise Unreadable(f"its json has a {key} of the wrong type")
    if not isinstance(value, dict) or key == "Healthcheck":
        return value
    return {name: documents.text(value[name], "json") if key == "Labels" else {} for name in sorted(value)}


def _time(described: Mapping[str, Any]) -> str | None:
    """Return the time of creation as Go writes it, without zeros at the end; None if there is none."""
    text = documents.text(described.get("created"), "json")
    match = _TIME.fullmatch(text)
    if match is None:
        if text:
            raise Unreadable(f"its json has an invalid time {shown(text)}")
        return None
    whole, fraction, zone = match.groups()
    fraction = (fraction or "").rstrip("0")
    return f"{whole}{'.' if fraction else ''}{fraction}{'Z' if zone[1:] == '00:00' else zone}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)
