# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an engine is: the options that all modules share, and what to do if it can't be reached there.

It needs no SDK, so that what can't wait for the SDK's import can use it.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ansible_collections.gantry.docker.plugins.module_utils.image.errors import InvalidInput

DEFAULT_HOST = "unix:///var/run/docker.sock"

# The environment variables are those of the Docker CLI and of community.docker. They are read here
# and not by Ansible's fallback, because DOCKER_TLS_VERIFY= (empty) means no.
_ENVIRONMENT = {
    "docker_host": "DOCKER_HOST",
    "tls_hostname": "DOCKER_TLS_HOSTNAME",
    "api_version": "DOCKER_API_VERSION",
    "timeout": "DOCKER_TIMEOUT",
    "tls": "DOCKER_TLS",
    "validate_certs": "DOCKER_TLS_VERIFY",
}
_API_VERSION = re.compile(r"auto|[0-9]+\.[0-9]+")
_CERTIFICATES = {"ca_path": "ca.pem", "client_cert": "cert.pem", "client_key": "key.pem"}

# The documentation of these stands beside, in doc_fragments/connection.py.
CONNECTION_SPEC: dict[str, dict[str, Any]] = {
    "docker_host": {"type": "str", "aliases": ["docker_url"]},
    "tls_hostname": {"type": "str"},
    "api_version": {"type": "str", "aliases": ["docker_api_version"]},
    "timeout": {"type": "int"},
    "ca_path": {"type": "path", "aliases": ["ca_cert", "tls_ca_cert", "cacert_path"]},
    "client_cert": {"type": "path", "aliases": ["tls_client_cert", "cert_path"]},
    "client_key": {"type": "path", "aliases": ["tls_client_key", "key_path"]},
    "tls": {"type": "bool"},
    "validate_certs": {"type": "bool", "aliases": ["tls_verify"]},
    "use_ssh_client": {"type": "bool", "default": False},
}


class TlsFailed(OSError):
    """What a library for TLS says, told by those who use it: this file doesn't import one."""


def resolve(params: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The connection options: as given, else from the environment, else the defaults.

    Raises InvalidInput for a timeout that is no positive number and for what is no version.
    """
    options: dict[str, Any] = {name: params.get(name) for name in CONNECTION_SPEC}
    for name, variable in _ENVIRONMENT.items():
        if options[name] is None and environment.get(variable):
            options[name] = environment[variable]
    certificates = environment.get("DOCKER_CERT_PATH")
    for name, file in _CERTIFICATES.items():
        if options[name] is None and certificates:
            options[name] = os.path.join(certificates, file)
    options["docker_host"] = options["docker_host"] or DEFAULT_HOST
    options["api_version"] = _version(options["api_version"])
    options["timeout"] = _seconds(options["timeout"])
    for name in ("tls", "validate_certs"):
        options[name] = str(options[name]).lower() in ("1", "true", "yes", "on")
    return options


def _version(version: str | None) -> str:
    text = version or "auto"
    if not _API_VERSION.fullmatch(text):
        raise InvalidInput(f"api_version is '{text}', and must be auto, or a version of the API such as 1.41.")
    return text


def _seconds(timeout: Any) -> int:
    text = str(60 if timeout is None else timeout)
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise InvalidInput(f"timeout is '{text}', and must be a whole number of seconds, 1 or more.")
    return int(text)


def url_of(host: str) -> SplitResult:
    """The URL of an engine on another host, taken apart; raises InvalidInput."""
    try:
        url = urlsplit(host)
        if url.hostname and url.port != 0:
            return url
    except ValueError:
        pass
    raise InvalidInput(f"docker_host is '{host}', and has no host, or no port from 1 to 65535.")


def wants_tls(options: Mapping[str, Any]) -> bool:
    """Whether the resolved options ask for TLS; raises InvalidInput where its files can't be used."""
    if not (options["tls"] or options["validate_certs"]):
        return False
    if bool(options["client_cert"]) != bool(options["client_key"]):
        raise InvalidInput("client_cert and client_key belong together: give both or neither.")
    for name in _CERTIFICATES:
        if options[name] and not os.path.isfile(options[name]):
            raise InvalidInput(f"{name} is '{options[name]}', and there is no such file on this host.")
        if options[name] and not os.access(options[name], os.R_OK):
            raise InvalidInput(f"{name} is '{options[name]}', and this user may not read that file.")
    return True


def way_out(cause: BaseException, host: str, timeout: int) -> str | None:
    """What to do where an engine at an address can't be reached for a cause; None if nothing is known of it."""
    if isinstance(cause, FileNotFoundError) and host.startswith("ssh://"):
        return f"There is no {cause.filename} on this host: install the package openssh-client."
    if isinstance(cause, TlsFailed):
        options = "docker_host, ca_path, client_cert, client_key, tls_hostname and validate_certs"
        return f"TLS failed ({cause}): check {options}."
    if isinstance(cause, OSError) and cause.errno in (errno.ENAMETOOLONG, errno.EHOSTUNREACH, errno.ENOTDIR):
        return f"{cause.strerror}: correct docker_host."
    start = "start the engine ('systemctl start docker'), or correct docker_host."
    ways: dict[type[BaseException], str] = {
        FileNotFoundError: f"There is no such socket: {start}",
        PermissionError: "This user may not use the socket: use 'become: true', or make the user a member of the group "
        "docker.",
        ConnectionRefusedError: f"Nothing listens there: {start}",
        socket.timeout: f"It did not answer within {timeout} seconds: check that it is alive, or allow more with "
        "timeout.",
    }
    return next((advice for kind, advice in ways.items() if isinstance(cause, kind)), None)
