# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The options of a container: each as the user writes it, as the API takes it, and as a container has it.

All three have one normal form, which is compared and shown: engines return some values in another form than they took
them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._container.words import (
    parse_env,
    parse_texts,
    parse_words,
    split_words,
)
from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput

Body = Mapping[str, Any]

_UNITS = {"": 1, **{unit: 1024**power for power, unit in enumerate("KMGTP", start=1)}}
_SIZE = re.compile(r"(\d+(?:\.\d+)?) *([KMGTP]?)(?:I?B)?")
# opencontainers/runtime-spec, config.md; the engine itself adds CAP_
_CAPABILITY = re.compile(r"(?:CAP_)?([A-Z][A-Z_]*)")
# volume/local, volumeNameRegex
_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_PORT = re.compile(
    r"(?:(?:(?P<ip>[0-9.]+|\[[0-9a-fA-F:]+\]):)?(?P<host>[0-9]*):)?(?P<port>[0-9]+)(?:/(?P<protocol>tcp|udp|sctp))?"
)
_LAST_PORT = 65535


class Option(NamedTuple):
    """One option of a container.

    parse: from the user's value to the normal form; raises InvalidInput.
    body: from the normal form to its part of the body of POST /containers/create.
    found: from the container's inspection, and the normal form of the wanted value, to the normal form of the
    container's value. Some values can have more than what is wanted without differing.
    """

    parse: Callable[[Any], Any]
    body: Callable[[Any], Body]
    found: Callable[[Mapping[str, Any], Any], Any]


def body_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of the call that makes a container. asked: the normal forms of the options, by name."""
    body: dict[str, Any] = {}
    for name, value in asked.items():
        _merge(body, OPTIONS[name].body(value))
    return body


def found_in(inspected: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the container's values of the options that are asked for, in normal form."""
    return {name: OPTIONS[name].found(inspected, value) for name, value in asked.items()}


def _merge(body: dict[str, Any], more: Body) -> None:
    for key, value in more.items():
        if isinstance(value, Mapping) and isinstance(body.get(key), dict):
            _merge(body[key], value)
        else:
            body[key] = dict(value) if isinstance(value, Mapping) else value


def _config(key: str, parse: Callable[[Any], Any], none: Any = "") -> Option:
    """Return an option whose normal form is also its form in the container's config."""
    return Option(parse, lambda value: {key: value}, lambda inspected, _asked: inspected["Config"].get(key) or none)


def _host(key: str, parse: Callable[[Any], Any], none: Any) -> Option:
    """Return an option whose normal form is also its form in the container's host config."""
    return Option(
        parse,
        lambda value: {"HostConfig": {key: value}},
        lambda inspected, _asked: inspected["HostConfig"].get(key) or none,
    )


def _words(command: Any) -> list[str]:
    return list(parse_words(command))


def _entrypoint(entrypoint: Any) -> list[str]:
    """Return the words of an entrypoint; none if it clears the image's, as an empty list and one empty word do."""
    words = split_words(entrypoint, "entrypoint")
    return list(parse_words(entrypoint, "entrypoint")) if any(words) else []


def _directory(path: str) -> str:
    return _absolute(path, "working_dir")


def _absolute(path: str, option: str) -> str:
    if not path.startswith("/"):
        raise InvalidInput(f"{option} has the path '{path}', and a path must begin with a slash.")
    return posixpath.normpath(path)


def _some_env(inspected: Mapping[str, Any], asked: Mapping[str, str]) -> dict[str, str]:
    """Return the container's values of the variables that are asked for: others come from the image."""
    has = dict(entry.partition("=")[::2] for entry in inspected["Config"].get("Env") or ())
    return {name: has[name] for name in asked if name in has}


def _some_labels(inspected: Mapping[str, Any], asked: Mapping[str, str]) -> dict[str, str]:
    """Return the container's values of the labels that are asked for: others come from the image."""
    has = inspected["Config"].get("Labels") or {}
    return {name: has[name] for name in asked if name in has}


def _bytes(size: Any) -> int:
    given = _SIZE.fullmatch(str(size).strip().upper())
    if not given:
        raise InvalidInput(f"memory is '{size}', and must be a number of bytes, or one with a unit such as 512M or 2G.")
    return int(float(given[1]) * _UNITS[given[2]])


def _nano(cpus: float) -> int:
    if cpus <= 0:
        raise InvalidInput(f"cpus is {cpus}, and must be more than 0, such as 1.5.")
    return round(cpus * 1e9)


def _retries(number: int) -> int:
    if number < 0:
        raise InvalidInput(f"restart_retries is {number}, and must be 0 or more.")
    return number


def _capabilities(names: list[str]) -> list[str]:
    return sorted({_capability(name) for name in names})


def _capability(name: str) -> str:
    given = _CAPABILITY.fullmatch(name.upper())
    if not given:
        raise InvalidInput(f"'{name}' is no capability's name. Write it such as NET_ADMIN, or ALL.")
    return given[1]


def _capabilities_option(key: str) -> Option:
    return Option(
        _capabilities,
        lambda names: {"HostConfig": {key: names}},
        lambda inspected, _asked: _capabilities(inspected["HostConfig"].get(key) or []),
    )


def _volumes(volumes: list[str]) -> list[str]:
    return sorted(_volume(volume) for volume in volumes)


def _volume(text: str) -> str:
    """Return the normal form of [SOURCE:]TARGET[:OPTIONS]; without a source it is an anonymous volume."""
    source, *rest = text.split(":")
    if not rest:
        return _absolute(source, "volumes")
    if len(rest) > 2:
        raise InvalidInput(f"volumes has '{text}', and must have [SOURCE:]TARGET[:OPTIONS].")
    if source.startswith("/"):
        source = posixpath.normpath(source)
    elif not _VOLUME.fullmatch(source):
        raise InvalidInput(
            f"volumes has '{text}', and '{source}' is neither a path that begins with a slash nor a volume's name."
        )
    options = sorted(option for option in rest[1].split(",") if option != "rw") if rest[1:] else []
    return ":".join([source, _absolute(rest[0], "volumes"), *([",".join(options)] if options else [])])


def _volumes_body(volumes: list[str]) -> Body:
    anonymous: Body = {volume: {} for volume in volumes if ":" not in volume}
    body: Body = {"HostConfig": {"Binds": [volume for volume in volumes if ":" in volume]}}
    return {**body, "Volumes": anonymous} if anonymous else body


def _volumes_found(inspected: Mapping[str, Any], asked: list[str]) -> list[str]:
    """Return all binds, and the anonymous volumes that are asked for: others come from the image."""
    bound = [_volume(bind) for bind in inspected["HostConfig"].get("Binds") or ()]
    anonymous = inspected["Config"].get("Volumes") or {}
    return sorted([*bound, *(volume for volume in asked if volume in anonymous)])


def _mounts(mounts: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return sorted((_mount(mount) for mount in mounts), key=lambda mount: str(mount["target"]))


def _mount(given: Mapping[str, Any]) -> dict[str, Any]:
    kind, source, target = given["type"], given["source"], _absolute(given["target"], "mounts")
    if kind == "bind" and not source:
        raise InvalidInput(f"mounts has a bind at {target} without a source. Name a path on the engine's host.")
    if kind == "tmpfs" and source:
        raise InvalidInput(f"mounts has a tmpfs at {target} with a source, but a tmpfs has none. Leave it out.")
    if given["tmpfs_size"] is not None and kind != "tmpfs":
        raise InvalidInput(f"mounts has a {kind} at {target} with tmpfs_size, which is only for type tmpfs.")
    if kind == "bind":
        source = _absolute(source, "mounts")
    mount = {"type": kind, "source": source or "", "target": target, "read_only": bool(given["read_only"])}
    return mount if given["tmpfs_size"] is None else {**mount, "tmpfs_size": _bytes(given["tmpfs_size"])}


def _mounts_body(mounts: list[Mapping[str, Any]]) -> Body:
    return {"HostConfig": {"Mounts": [_mount_body(mount) for mount in mounts]}}


def _mount_body(mount: Mapping[str, Any]) -> dict[str, Any]:
    keys = {"Type": "type", "Source": "source", "Target": "target", "ReadOnly": "read_only"}
    body = {key: mount[name] for key, name in keys.items()}
    return {**body, "TmpfsOptions": {"SizeBytes": mount["tmpfs_size"]}} if "tmpfs_size" in mount else body


def _mounts_found(inspected: Mapping[str, Any], _asked: Any) -> list[dict[str, Any]]:
    mounts = inspected["HostConfig"].get("Mounts") or ()
    return _mounts([_mount_found(mount) for mount in mounts])


def _mount_found(mount: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": mount["Type"],
        "source": mount.get("Source", ""),
        "target": mount["Target"],
        "read_only": mount.get("ReadOnly", False),
        "tmpfs_size": (mount.get("TmpfsOptions") or {}).get("SizeBytes"),
    }


def _ports(ports: list[str]) -> list[str]:
    return sorted({_port(port) for port in ports})


def _port(text: str) -> str:
    """Return the normal form [[IP:]HOST:]CONTAINER/PROTOCOL; without the host's port the engine chooses one."""
    given = _PORT.fullmatch(text)
    if not given or any(int(number) > _LAST_PORT for number in (given["host"] or "0", given["port"])):
        raise InvalidInput(
            f"published_ports has '{text}', and must have [[IP:]HOST:]CONTAINER[/PROTOCOL], such as 127.0.0.1:8080:80, "
            "with numbers up to 65535 and no ranges."
        )
    before = f"{given['ip']}:{given['host']}:" if given["ip"] else f"{given['host']}:" if given["host"] else ""
    return f"{before}{given['port']}/{given['protocol'] or 'tcp'}"


def _ports_body(ports: list[str]) -> Body:
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        before, _colon, inside = port.rpartition(":")
        ip, _colon, host = before.rpartition(":")
        bindings.setdefault(inside, []).append({"HostIp": ip.strip("[]"), "HostPort": host})
    return {"ExposedPorts": {inside: {} for inside in bindings}, "HostConfig": {"PortBindings": bindings}}


def _ports_found(inspected: Mapping[str, Any], _asked: Any) -> list[str]:
    bindings = inspected["HostConfig"].get("PortBindings") or {}
    return sorted({_port_found(inside, place) for inside, places in bindings.items() for place in places or ()})


def _port_found(inside: str, place: Mapping[str, str]) -> str:
    ip, host = place.get("HostIp") or "", place.get("HostPort") or ""
    address = f"[{ip}]:" if ":" in ip else f"{ip}:" if ip else ""
    return f"{address}{host}:{inside}" if address or host else inside


def _networks(networks: list[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {network["name"]: _network(network) for network in networks}


def _network(given: Mapping[str, Any]) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    if given["aliases"] is not None:
        asked["aliases"] = sorted(set(given["aliases"]))
    if given["ipv4_address"] is not None:
        asked["ipv4_address"] = given["ipv4_address"]
    return asked


def _networks_body(networks: Mapping[str, Mapping[str, Any]]) -> Body:
    """Return the body for the first network alone: engines before 25 (API 1.44) take no more with a new container."""
    first = next(iter(networks), "none")
    mode: Body = {"HostConfig": {"NetworkMode": first}}
    return {**mode, "NetworkingConfig": {"EndpointsConfig": {first: endpoint(networks[first])}}} if networks else mode


def endpoint(network: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a container's connection to a network, as the API takes them (EndpointSettings)."""
    address = {"IPAMConfig": {"IPv4Address": network["ipv4_address"]}} if "ipv4_address" in network else {}
    return {"Aliases": network["aliases"], **address} if "aliases" in network else address


def _networks_found(inspected: Mapping[str, Any], asked: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return all networks of a container, each with the settings that are asked for.

    A container without any network is in the network none.
    """
    has = inspected["NetworkSettings"].get("Networks") or {}
    found = {name: _network_found(has[name] or {}, asked[name]) for name in asked if name in has}
    others: dict[str, dict[str, Any]] = {name: {} for name in has if name not in asked and (asked or name != "none")}
    return {**found, **others}


def _network_found(has: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "aliases" in asked:
        found["aliases"] = sorted(set(asked["aliases"]) & set(has.get("Aliases") or ()))
    if "ipv4_address" in asked:
        found["ipv4_address"] = (has.get("IPAMConfig") or {}).get("IPv4Address")
    return found


def _restart(key: str, parse: Callable[[Any], Any], none: Any) -> Option:
    return Option(
        parse,
        lambda value: {"HostConfig": {"RestartPolicy": {key: value}}},
        lambda inspected, _asked: (inspected["HostConfig"].get("RestartPolicy") or {}).get(key) or none,
    )


OPTIONS: dict[str, Option] = {
    "command": _config("Cmd", _words, []),
    # In the API an empty list leaves the image's entrypoint, and one empty word clears it. The container then shows no
    # entrypoint (daemon/create.go, daemon/commit.go).
    "entrypoint": Option(
        _entrypoint,
        lambda words: {"Entrypoint": words or [""]},
        lambda inspected, _asked: inspected["Config"].get("Entrypoint") or [],
    ),
    "tty": _config("Tty", bool, False),
    "interactive": _config("OpenStdin", bool, False),
    "env": Option(parse_env, lambda env: {"Env": [f"{name}={value}" for name, value in env.items()]}, _some_env),
    "labels": Option(lambda labels: parse_texts(labels, "labels"), lambda labels: {"Labels": labels}, _some_labels),
    "user": _config("User", str),
    "working_dir": _config("WorkingDir", _directory),
    "hostname": _config("Hostname", str),
    "init": _host("Init", bool, False),
    "memory": _host("Memory", _bytes, 0),
    "cpus": Option(
        lambda cpus: _nano(cpus) / 1e9,
        lambda cpus: {"HostConfig": {"NanoCpus": round(cpus * 1e9)}},
        lambda inspected, _asked: (inspected["HostConfig"].get("NanoCpus") or 0) / 1e9,
    ),
    "restart_policy": _restart("Name", str, "no"),
    "restart_retries": _restart("MaximumRetryCount", _retries, 0),
    "capabilities": _capabilities_option("CapAdd"),
    "cap_drop": _capabilities_option("CapDrop"),
    "volumes": Option(_volumes, _volumes_body, _volumes_found),
    "mounts": Option(_mounts, _mounts_body, _mounts_found),
    "published_ports": Option(_ports, _ports_body, _ports_found),
    "networks": Option(_networks, _networks_body, _networks_found),
}
