# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Registries that an engine may use without TLS, or with certificates that it can't verify."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

_LOOPBACK = ("127.0.0.0/8", "::1/128")


def is_insecure(registry: str, insecure: Iterable[str]) -> bool:
    """Return whether a registry is one of the insecure ones, each a host[:port] or a network."""
    host = registry.rpartition(":")[0] or registry
    return any(entry == registry or _contains(entry, host) for entry in insecure)


def is_on_loopback(registry: str) -> bool:
    """Return whether a registry is on the engine's own host: there engines use plain HTTP unasked."""
    return (registry.rpartition(":")[0] or registry) == "localhost" or is_insecure(registry, _LOOPBACK)


def _contains(network: str, host: str) -> bool:
    try:
        return "/" in network and ipaddress.ip_address(host.strip("[]")) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
