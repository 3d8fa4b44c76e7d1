# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The command line of an engine, as systemd has it, and the keys of the configuration file that it sets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

# Flags whose keys in the configuration file have other names (moby: cmd/dockerd/config.go, opts.NamedOption).
_NAMED = {
    "authorization-plugin": "authorization-plugins",
    "cdi-spec-dir": "cdi-spec-dirs",
    "default-address-pool": "default-address-pools",
    "default-network-opt": "default-network-opts",
    "default-ulimit": "default-ulimits",
    "dns-opt": "dns-opts",
    "exec-opt": "exec-opts",
    "feature": "features",
    "host": "hosts",
    "host-gateway-ip": "host-gateway-ips",
    "insecure-registry": "insecure-registries",
    "label": "labels",
    "log-opt": "log-opts",
    "node-generic-resource": "node-generic-resources",
    "registry-mirror": "registry-mirrors",
    "storage-opt": "storage-opts",
}
_SHORT = {
    "D": "debug",
    "G": "group",
    "H": "hosts",
    "b": "bridge",
    "l": "log-level",
    "p": "pidfile",
    "s": "storage-driver",
}
# Dictionaries that are one key each. The keys of all others count by themselves.
_FLAT = {"builder", "default-network-opts", "default-ulimits", "features", "log-opts", "runtimes"}
_CONFIG_FILE = "config-file"


def arguments_of(properties: str, environment: str) -> list[str]:
    """Return the arguments of the engine that a unit starts.

    properties: the output of C(systemctl show) with ExecStart. environment: the text of the unit's environment files.
    """
    found = re.search(r"^ExecStart=\{ path=\S+ ; argv\[\]=(.*?) ; ignore_errors=", properties, re.MULTILINE)
    if not found:
        return []
    values = _assignments(environment)
    words: list[str] = []
    for word in found[1].split()[1:]:
        name = re.fullmatch(r"\$(\w+)", word)
        # A variable that stands alone becomes as many words as it has (systemd.service(5)).
        words += _split(values.get(name[1], "")) if name else [_expanded(word, values)]
    return words


def _assignments(text: str) -> dict[str, str]:
    lines = [line.strip() for line in text.splitlines()]
    pairs = [line.partition("=") for line in lines if "=" in line and not line.startswith(("#", ";"))]
    return {name.strip(): " ".join(_split(value)) if value[:1] in "'\"" else value for name, _is, value in pairs}


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _expanded(word: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda name: values.get(name[1], ""), word)


def keys_of(arguments: Iterable[str]) -> dict[str, str]:
    """Return the keys of the configuration file that the arguments set, each with its argument."""
    return {key: word for word in arguments if (key := _key(word))}


def _key(word: str) -> str:
    if word.startswith("--"):
        name = word[2:].partition("=")[0]
        return _NAMED.get(name, name)
    return _SHORT.get(word[1:2], "") if word.startswith("-") else ""


def conflicts(config: Mapping[str, Any], arguments: Iterable[str]) -> dict[str, str]:
    """Return the keys that both the configuration and the arguments set: an engine refuses to start with them."""
    flat = dict(config)
    for key, value in config.items():
        if isinstance(value, Mapping) and key not in _FLAT:
            flat.update(value)
    return {key: word for key, word in keys_of(arguments).items() if key in flat and key != "runtimes"}


def config_file_of(arguments: list[str]) -> str | None:
    """Return the configuration file that the arguments name."""
    for number, word in enumerate(arguments):
        if word.startswith(f"--{_CONFIG_FILE}="):
            return word.partition("=")[2]
        if word == f"--{_CONFIG_FILE}":
            return (arguments[number + 1 :] or [""])[0]
    return None
