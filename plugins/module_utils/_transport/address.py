# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The address of an engine: the options that all modules share, and advice if no engine can be reached there."""

from __future__ import annotations

import errno
import json
import os
import re
import socket
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput

DEFAULT_HOST = "unix:///var/run/docker.sock"

# The environment variables are those of the Docker CLI and of community.docker. They are read here and not by Ansible's
# fallback, because an empty DOCKER_TLS_VERIFY means no.
_ENVIRONMENT = {"docker_host": "DOCKER_HOST", "api_version": "DOCKER_API_VERSION", "timeout": "DOCKER_TIMEOUT"}
_TLS_ENVIRONMENT = {"tls_hostname": "DOCKER_TLS_HOSTNAME", "tls": "DOCKER_TLS", "validate_certs": "DOCKER_TLS_VERIFY"}
_API_VERSION = re.compile(r"auto|[0-9]{1,5}\.[0-9]{1,5}")
# No engine that is still in use speaks only an older version.
_OLDEST_API = (1, 24)
# The name and the value of a header (RFC 9110, section 5).
_NAME, _VALUE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"), re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]*")
_CERTIFICATES = {"ca_path": "ca.pem", "client_cert": "cert.pem", "client_key": "key.pem"}
_TCP = ("tcp", "http", "https")
_PORT, _TLS_PORT = 2375, 2376
# The context that consists of the defaults: docker/cli, cli/command/defaultcontextstore.go.
_DEFAULT_CONTEXT = "default"

# They are documented in doc_fragments/connection.py.
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


class Address(NamedTuple):
    """The address of an engine.

    text: as the user wrote it, but always with a port if it leads to another host by TCP; for messages.
    host: the other host; "" for a socket. port: 0 if ssh chooses it. user: the user for ssh; "" if ssh chooses it.
    path: the socket, or the beginning of all paths of the API.
    """

    text: str
    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""
    user: str = ""

    @property
    def by_socket(self) -> bool:
        """Whether it is a socket on this host."""
        return self.scheme == "unix"

    @property
    def by_ssh(self) -> bool:
        """Whether it leads to another host by ssh."""
        return self.scheme == "ssh"

    @property
    def by_tcp(self) -> bool:
        """Whether it leads to a host by TCP."""
        return self.scheme in _TCP

    @property
    def authority(self) -> str:
        """The host and the port as in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def with_default_port(self, secure: bool) -> Address:
        """Return this address, with the port that engines listen on if one is needed. secure: whether TLS is used."""
        if not self.by_tcp or self.port:
            return self
        port = _TLS_PORT if secure or self.scheme == "https" else _PORT
        url = urlsplit(self.text)
        return self._replace(port=port, text=url._replace(netloc=f"{url.netloc.rstrip(':')}:{port}").geturl())


class TlsFailed(OSError):
    """A failure of TLS. It stands here, so that only tasks that use TLS import Python's library for it."""


def resolve(params: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the resolved connection options: from params, else from the environment, else the defaults.

    If neither params nor environment have docker_host, the options come from the Docker context that the CLI uses. Two
    more options report that: context is its name ("" without one), and doubts are sentences about a configuration that
    can't be read. The option address is the parsed docker_host. No file is read if docker_host is given.
    Raise InvalidInput if docker_host isn't an address, if timeout isn't a positive number, if api_version isn't a
    version, and if the context doesn't exist or can't be read.
    """
    options: dict[str, Any] = {name: params.get(name) for name in CONNECTION_SPEC}
    options["docker_host"] = options["docker_host"] or None
    _fill(options, {name: environment.get(variable) for name, variable in _ENVIRONMENT.items()})
    options.update(context="", doubts=())
    if options["docker_host"] is None:
        _follow_context(options, environment)
    if not options["context"]:
        _fill(options, {name: environment.get(variable) for name, variable in _TLS_ENVIRONMENT.items()})
        if certificates := environment.get("DOCKER_CERT_PATH"):
            _fill(options, {name: os.path.join(certificates, file) for name, file in _CERTIFICATES.items()})
    options["api_version"] = _version(options["api_version"])
    options["timeout"] = _seconds(options["timeout"])
    for name in ("tls", "validate_certs"):
        options[name] = str(options[name]).lower() in ("1", "true", "yes", "on")
    address = parse_address(options.pop("docker_host") or DEFAULT_HOST)
    options["address"] = address.with_default_port(options["tls"] or options["validate_certs"])
    return options


def parse_address(text: str) -> Address:
    """Parse the address of an engine, as in docker_host; raise InvalidInput."""
    scheme, _sign, path = text.partition("://")
    if scheme == "unix" and path:
        # unix://run/docker.sock means unix:///run/docker.sock, as in other modules for Docker.
        return Address(text, scheme, path=f"/{path.lstrip('/')}")
    if scheme not in (*_TCP, "ssh"):
        raise InvalidInput(f"docker_host is '{text}', and must begin with unix://, tcp:// or ssh://.")
    try:
        url = urlsplit(text)
        if url.hostname and url.port != 0:
            return Address(text, scheme, url.hostname, url.port or 0, url.path.rstrip("/"), url.username or "")
    except ValueError:
        pass
    raise InvalidInput(f"docker_host is '{text}', and has no host, or no port from 1 to 65535.")


def place(options: Mapping[str, Any]) -> str:
    """Return the place of the engine for messages, from resolved options: its address, and its context if any."""
    address: Address = options["address"]
    return f"{address.text} (the Docker context '{options['context']}')" if options["context"] else address.text


def config_directory(environment: Mapping[str, str]) -> str:
    """Return the directory of the CLI's configuration (docker/cli, cli/config/config.go)."""
    return environment.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")


def parse_config(text: str) -> Mapping[str, Any]:
    """Return the content of the CLI's config.json: nothing for an empty file. Raise ValueError if it isn't JSON."""
    config: Any = json.loads(text) if text.strip() else {}
    return config if isinstance(config, dict) else {}


def read_headers(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that the CLI's configuration adds to every request to an engine; none if it can't be read.

    Headers that HTTP doesn't allow are left out.
    """
    try:
        with open(os.path.join(config_directory(environment), "config.json"), encoding="utf-8") as file:
            headers = parse_config(file.read()).get("HttpHeaders")
    except (OSError, ValueError):
        return {}
    if not isinstance(headers, dict):
        return {}
    texts = {str(name): str(value) for name, value in headers.items()}
    return {name: value for name, value in texts.items() if _NAME.fullmatch(name) and _VALUE.fullmatch(value)}


def _fill(options: dict[str, Any], values: Mapping[str, Any]) -> None:
    """Set the options that have no value yet."""
    options.update({name: value for name, value in values.items() if options[name] is None and value})


def _follow_context(options: dict[str, Any], environment: Mapping[str, str]) -> None:
    """Set the options without a value from the Docker context that the CLI would use, unless that is the default one.

    The order of the sources is the CLI's: docker/cli, cli/command/cli.go, resolveContextName.
    """
    directory = config_directory(environment)
    name, chooser = environment.get("DOCKER_CONTEXT"), "the environment variable DOCKER_CONTEXT"
    if not name:
        chooser = os.path.join(directory, "config.json")
        try:
            with open(chooser, encoding="utf-8") as file:
                name = str(parse_config(file.read()).get("currentContext") or "")
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else f"it is no JSON ({error})"
            options["doubts"] = (
                f"Can't read the Docker configuration {chooser}: {reason}. If it names a context, that is "
                f"ignored: the engine is {DEFAULT_HOST}.",
            )
            return
    if name and name != _DEFAULT_CONTEXT:
        _fill(options, _context(directory, name, chooser))
        options["context"] = name


def _context(directory: str, name: str, chooser: str) -> dict[str, Any]:
    """Return the connection options of a context (docker/cli, cli/context/store, cli/context/docker/load.go).

    chooser: the variable or file that names the context, for messages.
    Raise InvalidInput if there is no such context, or if it can't be read.
    """
    import hashlib  # only contexts need it

    identity = hashlib.sha256(name.encode()).hexdigest()
    path = os.path.join(directory, "contexts", "meta", identity, "meta.json")
    certificates = os.path.join(directory, "contexts", "tls", identity, "docker")
    which = f"Docker context '{name}', which {chooser} names,"
    try:
        with open(path, encoding="utf-8") as file:
            endpoint = json.load(file)["Endpoints"]["docker"]
        host, unverified = str(endpoint.get("Host") or DEFAULT_HOST), bool(endpoint.get("SkipTLSVerify"))
        files = _files(certificates)
    except FileNotFoundError:
        raise InvalidInput(
            f"There is no {which} in {directory}. Create it ('docker context create'), choose another one "
            "('docker context use'), or give docker_host."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it names no Docker engine"
        raise InvalidInput(f"The {which} can't be used: {reason} ({path}). Correct it, or give docker_host.") from None
    options: dict[str, Any] = {"docker_host": host}
    if parse_address(host).by_tcp and (files or unverified):
        options.update(tls=True, validate_certs=not unverified)
        there = {option: file for option, file in _CERTIFICATES.items() if file in files}
        options.update({option: os.path.join(certificates, file) for option, file in there.items()})
    return options


def _files(directory: str) -> frozenset[str]:
    """Return the names of a directory's files; none if it doesn't exist. Raise OSError if it can't be read."""
    try:
        return frozenset(os.listdir(directory))
    except FileNotFoundError:
        return frozenset()


def _version(version: str | None) -> str:
    text = version or "auto"
    if not _API_VERSION.fullmatch(text):
        raise InvalidInput(f"api_version is '{text}', and must be auto, or a version of the API such as 1.41.")
    if text != "auto" and tuple(int(part) for part in text.split(".")) < _OLDEST_API:
        raise InvalidInput(f"api_version is '{text}', and must be auto, or a version of the API from 1.24 on.")
    return text


def _seconds(timeout: Any) -> int:
    text = str(60 if timeout is None else timeout)
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise InvalidInput(f"timeout is '{text}', and must be a whole number of seconds, 1 or more.")
    return int(text)


def wants_tls(options: Mapping[str, Any]) -> bool:
    """Return whether the resolved options ask for TLS; raise InvalidInput if its files can't be used."""
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


def way_out(cause: BaseException, options: Mapping[str, Any]) -> str | None:
    """Return advice for a cause why no engine can be reached; None for a cause without advice.

    options: as resolve() returns them.
    """
    if isinstance(cause, FileNotFoundError) and options["address"].by_ssh:
        return f"There is no {cause.filename} on this host: install the package openssh-client."
    if isinstance(cause, TlsFailed):
        suspects = "docker_host, ca_path, client_cert, client_key, tls_hostname and validate_certs"
        return f"TLS failed ({cause}): check {suspects}."
    if isinstance(cause, OSError) and cause.errno in (errno.ENAMETOOLONG, errno.EHOSTUNREACH, errno.ENOTDIR):
        return f"{cause.strerror}: correct docker_host."
    start = "start the engine ('systemctl start docker'), or correct docker_host."
    ways: dict[type[BaseException], str] = {
        FileNotFoundError: f"There is no such socket: {start}",
        PermissionError: "This user may not use the socket: use 'become: true', or make the user a member of the group "
        "docker.",
        ConnectionRefusedError: f"Nothing listens there: {start}",
        socket.timeout: f"It did not answer within {options['timeout']} seconds: check that it is alive, or allow more "
        "with timeout.",
    }
    return next((advice for kind, advice in ways.items() if isinstance(cause, kind)), None)
