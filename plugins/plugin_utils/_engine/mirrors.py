# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Mirrors of registries: the key registry-mirrors for docker.io, and files hosts.toml for all registries."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.insecure import is_insecure, is_on_loopback
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import DEFAULT_REGISTRY, parse_registry

PLACE = "/etc/docker/certs.d"
# A file that begins otherwise isn't the role's.
MARK = "# Written by the Ansible role gantry.docker.engine, which replaces it as a whole.\n"


class Mirror(NamedTuple):
    """A mirror. address: its URL. ca: the certificate of its CA in PEM form. authorization: a header's value."""

    address: str
    ca: str
    authorization: str

    @property
    def host(self) -> str:
        """The host, and the port if the address has one."""
        return urlsplit(self.address).netloc

    @property
    def is_plain(self) -> bool:
        """Whether it is on another host and has no TLS."""
        return urlsplit(self.address).scheme == "http" and not is_on_loopback(self.host)

    @property
    def ca_path(self) -> str:
        """The path where engines look for the CA of that host."""
        return f"{PLACE}/{self.host}/ca.crt"


class Mirrored(NamedTuple):
    """A registry and its mirrors, in the order in which they are asked."""

    registry: str
    mirrors: tuple[Mirror, ...]

    @property
    def is_plain_default(self) -> bool:
        """Whether this is docker.io, with mirrors that need nothing but an address."""
        return self.registry == DEFAULT_REGISTRY and not any(
            mirror.ca or mirror.authorization for mirror in self.mirrors
        )

    @property
    def needs_credentials(self) -> bool:
        """Whether a mirror wants a user."""
        return any(mirror.authorization for mirror in self.mirrors)

    @property
    def preferred_place(self) -> str:
        """The directory that an engine reads in place of the registry's, where it exists; empty without a port."""
        host, _colon, port = self.registry.rpartition(":")
        return f"{PLACE}/{host}_{port}_/" if host else ""

    @property
    def path(self) -> str:
        """The path of the registry's file."""
        return f"{PLACE}/{self.registry}/hosts.toml"


class File(NamedTuple):
    """A file to write. secret: whether its content must not be shown."""

    path: str
    content: str
    secret: bool


def parse_mirrors(entries: Iterable[Mapping[str, Any]]) -> tuple[Mirrored, ...]:
    """Return the registries of the variable engine_mirrors; raise InvalidInput."""
    found = tuple(_parse_entry(entry) for entry in entries)
    names = [entry.registry for entry in found]
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput(f"{name} is in engine_mirrors twice. Give all of its mirrors in one entry.")
    return found


def _parse_entry(entry: Mapping[str, Any]) -> Mirrored:
    return Mirrored(parse_registry(entry["registry"]), tuple(_parse_mirror(mirror) for mirror in entry["mirrors"]))


def _parse_mirror(mirror: Mapping[str, Any]) -> Mirror:
    address = str(mirror["url"]).rstrip("/")
    parts = urlsplit(address)
    has_more = parts.query or parts.fragment or "@" in parts.netloc or not address.isprintable() or " " in address
    if parts.scheme not in ("http", "https") or not parts.netloc or has_more:
        raise InvalidInput(
            f"'{printable_address(address)}' in engine_mirrors is no mirror's address: write it as "
            "https://host[:port][/path], without a user; credentials have options of their own."
        )
    user, password = mirror.get("username"), mirror.get("password")
    if bool(user) != bool(password):
        raise InvalidInput(f"The mirror {address} needs username and password, or neither.")
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Mirror(address, str(mirror.get("ca") or "").strip(), f"Basic {pair}" if user else "")


def printable_address(address: str) -> str:
    """Return an address without a user and password in it."""
    scheme, separator, rest = address.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def ca_files(entries: Iterable[Mirrored]) -> list[File]:
    """Return the files with the CAs of mirrors; raise InvalidInput if two mirrors of one host have different ones."""
    found: dict[str, File] = {}
    for mirror in (mirror for entry in entries for mirror in entry.mirrors if mirror.ca):
        file = File(mirror.ca_path, mirror.ca + "\n", False)
        if found.setdefault(file.path, file) != file:
            raise InvalidInput(f"engine_mirrors has two CAs for {mirror.address}. Give both in one text.")
    return list(found.values())


def hosts_file(entry: Mirrored, present: Iterable[str], insecure: Iterable[str]) -> File:
    """Return the registry's hosts.toml, in containerd's format.

    present: the paths of the certificates in the registry's directory. Without a hosts.toml the engine uses them for
    the registry itself; with one it ignores them, unless they are named in it. So it is with insecure registries.
    """
    lines: list[str] = []
    if is_insecure(entry.registry, insecure):
        lines += [f"server = {_quoted('http://' + entry.registry)}", "skip_verify = true"]
    here = sorted(path for path in present if path.rpartition("/")[0] == f"{PLACE}/{entry.registry}")
    authorities = [path for path in here if path.endswith(".crt")]
    pairs = [[path, f"{path[:-5]}.key"] for path in here if path.endswith(".cert")]
    lines += [f"ca = {_quoted(authorities)}"] if authorities else []
    lines += [f"client = {_quoted(pairs)}"] if pairs else []
    for mirror in entry.mirrors:
        table = f"host.{_quoted(mirror.address)}"
        lines += ["", f"[{table}]", '  capabilities = ["pull", "resolve"]']
        lines += [f"  ca = {_quoted(mirror.ca_path)}"] if mirror.ca else []
        if mirror.authorization:
            lines += [f"  [{table}.header]", f"    Authorization = {_quoted(mirror.authorization)}"]
    return File(entry.path, MARK + "\n".join([*lines, ""]), entry.needs_credentials)


def _quoted(value: Any) -> str:
    # JSON's strings and lists are TOML's too, unless letters are escaped as surrogates.
    return json.dumps(value, ensure_ascii=False)
