# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The way of an engine's pulls: the mirrors that hosts.toml names in a registry's place (containerd, docs/hosts.md).

No engine reports them. Of an engine on this host, the file can be read.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.insecure import is_insecure, is_on_loopback
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    DEFAULT_REGISTRY,
    Reference,
    parse_reference,
)
from ansible_collections.gantry.docker.plugins.module_utils._registry.credentials import Login

# daemon/pkg/registry, CertsDir
PLACE = "/etc/docker/certs.d"
# From this version on, pulls into containerd stores use hosts.toml.
_SINCE = (28, 0)
# The host of the default registry (containerd, core/remotes/docker/config).
_DEFAULT_HOST = f"registry-1.{DEFAULT_REGISTRY}"
_API = "/v2"
_CONFIG = "/etc/docker/daemon.json"


class Mirror(NamedTuple):
    """A registry that an engine asks in another one's place.

    address: as the file has it. prefix: the beginning of the names of its images: its host, and maybe a part of the
    path. login: the one that the file has. capable: the questions that it is asked: pull, resolve. unlike: why the
    engine can't be told to ask it in the same way as a pull does; "" if it can.
    """

    address: str
    prefix: str
    login: Login
    capable: frozenset[str]
    unlike: str

    def serves(self, reference: Reference) -> bool:
        """Return whether a pull asks it for a reference: a tag must be resolved, a digest needn't be."""
        return self.capable >= ({"pull"} if reference.digest else {"pull", "resolve"})

    def name_of(self, reference: Reference) -> Reference:
        """Return the reference by which the mirror itself has an image."""
        tag = f":{reference.tag}" if reference.tag else ""
        digest = f"@{reference.digest}" if reference.digest else ""
        return parse_reference(f"{self.prefix}/{reference.repository}{tag}{digest}")


class Way(NamedTuple):
    """The registries that a pull asks, one after the other, until one has the image.

    file: the path of hosts.toml; "" if there is none. mirrors: the mirrors that it names. own: whether the registry
    itself is asked at the end. unseen: why this host can't see whether there is such a file. unread: why it can't be
    read, or says too little. Both are "" mostly.
    """

    file: str = ""
    mirrors: tuple[Mirror, ...] = ()
    own: bool = True
    unseen: str = ""
    unread: str = ""

    def unlike(self, reference: Reference) -> tuple[Mirror, ...]:
        """Return the mirrors that a pull asks, and the engine can't be told to ask in the same way."""
        return tuple(mirror for mirror in self.mirrors if mirror.unlike and mirror.serves(reference))


def way_to(engine: Engine, registry: str) -> Way:
    """Return the way of an engine's pulls from a registry."""
    if not engine.containerd_store or engine.version < _SINCE:
        return _way_without_file(engine, registry)
    if engine.root is None:
        return Way(f"{PLACE}/{registry}/hosts.toml", unseen="only root on the engine's own host can see that file")
    file = _file(engine.root, registry)
    try:
        with open(engine.root + file, "rb") as stream:
            toml: Any = import_module("tomllib")
            return _way(file, registry, toml.loads(stream.read().decode()), engine.insecure_registries)
    except (FileNotFoundError, ValueError):
        # What is no TOML, the engine can't read either, and goes on without it.
        return Way()
    except ImportError:
        return Way(file, unread="but to read that file takes Python 3.11 or newer")
    except OSError as error:
        return Way(file, unread=f"but this user can't read that file ({error.strerror})")


def _way_without_file(engine: Engine, registry: str) -> Way:
    """Return the way of the pulls of an engine that has mirrors for the default registry alone.

    With the containerd store, it asks them by HTTPS, whatever their addresses say, unless the hosts themselves are
    insecure registries (daemon/daemon.go, RegistryHosts).
    """
    if not engine.containerd_store or registry != DEFAULT_REGISTRY:
        return Way()
    urls = [urlsplit(address) for address in engine.mirrors]
    plain = [url.netloc for url in urls if url.scheme == "http" and not is_on_loopback(url.netloc)]
    vain = [host for host in plain if host not in engine.insecure_registries]
    why = f"by HTTPS before Docker 28.0, and by plain HTTP otherwise: {', '.join(vain)}"
    return Way(_CONFIG, unread=why) if vain else Way()


def _file(root: str, registry: str) -> str:
    """Return the path of the registry's hosts.toml: in the first of its directories that exists."""
    host, _colon, port = registry.rpartition(":")
    names = ([f"{host}_{port}_"] if host else []) + [registry, "_default"]
    there = (name for name in names if os.path.exists(f"{root}{PLACE}/{name}"))
    return f"{PLACE}/{next(there, registry)}/hosts.toml"


def _way(file: str, registry: str, content: Mapping[str, Any], insecure: Sequence[str]) -> Way:
    """Return the way that a file describes; raise ValueError if it isn't in containerd's form."""
    tables = content.get("host") or {}
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise ValueError("host is no table of tables")
    mirrors = tuple(_mirror(address, table, insecure) for address, table in tables.items())
    server = str(content.get("server") or "")
    if not server:
        return Way(file, mirrors)
    last = _mirror(server, content, insecure)
    own = _DEFAULT_HOST if registry == DEFAULT_REGISTRY else registry
    if last.prefix == own and not last.unlike:
        return Way(file, mirrors, own=last.capable >= {"pull", "resolve"})
    return Way(file, (*mirrors, last), own=False)


def _mirror(address: str, table: Mapping[str, Any], insecure: Sequence[str]) -> Mirror:
    url = urlsplit(address if address.startswith("http") else f"https://{address}")
    prefix, login = _prefix(url.netloc, url.path, bool(table.get("override_path"))), _login(url.netloc, table)
    reasons = [
        *([] if prefix else ["its address"]),
        *([] if login else ["its headers"]),
        *_unlike_tls(url.scheme, url.netloc, table, insecure),
    ]
    return Mirror(
        address=address,
        prefix=prefix,
        login=login or Login(url.netloc, {}),
        capable=frozenset(str(one).lower() for one in table.get("capabilities") or ("pull", "resolve")),
        unlike=" and ".join(reasons),
    )


def _prefix(host: str, path: str, overrides: bool) -> str:
    """Return the beginning of the names of a mirror's images; "" if it has images by no names of this beginning.

    Below the path of the API, a mirror's path is a part of its images' names.
    """
    head, api, below = path.partition(_API)
    prefix = host + below
    if head or (path and not api) or (below and not overrides) or (overrides and not path):
        return ""
    try:
        return prefix if parse_reference(f"{prefix}/name").registry == host else ""
    except InvalidInput:
        return ""


def _login(host: str, table: Mapping[str, Any]) -> Login | None:
    """Return the login that a mirror's headers have; None for headers that an engine can't be told to send."""
    header = table.get("header") or {}
    if not isinstance(header, dict):
        raise ValueError("header is no table")
    if not header:
        return Login(host, {})
    kind, _space, pair = str(next(iter(header.values()))).partition(" ")
    if [name.lower() for name in header] != ["authorization"] or kind.lower() != "basic":
        return None
    try:
        user, _colon, password = base64.b64decode(pair, validate=True).decode().partition(":")
    except ValueError:
        return None
    return Login(host, {"username": user, "password": password, "serveraddress": host})


def _unlike_tls(scheme: str, host: str, table: Mapping[str, Any], insecure: Sequence[str]) -> list[str]:
    """Return what of a mirror's TLS is unlike that of the same host as a registry."""
    trusted = is_insecure(host, insecure)
    if scheme == "http":
        return [] if trusted else ["plain HTTP without its host in insecure-registries"]
    paths = [*_paths(table.get("ca")), *_paths(table.get("client"))]
    elsewhere = [path for path in paths if os.path.dirname(path) != f"{PLACE}/{host}"]
    found = [f"certificates outside of {PLACE}/{host}"] if elsewhere else []
    return found + (["skip_verify"] if table.get("skip_verify") and not trusted else [])


def _paths(value: Any) -> list[str]:
    """Return the paths in a value: one, a list of them, or a list of pairs."""
    if not isinstance(value, list):
        return [str(value)] if value else []
    return [path for part in value for path in _paths(part)]
