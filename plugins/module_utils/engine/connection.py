# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to reach an engine: the options that all modules share, and what can go wrong with them."""

from __future__ import annotations

import errno
import os
import re
import ssl
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils.engine.containers import Containers
from ansible_collections.gantry.docker.plugins.module_utils.engine.errors import EngineError, causes, trying_to
from ansible_collections.gantry.docker.plugins.module_utils.engine.images import Images
from ansible_collections.gantry.docker.plugins.module_utils.engine.sdk import docker, requests, require_sdk, urllib3
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


class Engine:
    """One engine: its images, its containers, and what it is."""

    def __init__(self, api: Any) -> None:
        self._api = api
        self.images = Images(api)
        self.containers = Containers(api)

    @cached_property
    def info(self) -> Mapping[str, Any]:
        """What the engine says of itself (docker info)."""
        with trying_to("ask the engine what it is"):
            info: Mapping[str, Any] = self._api.info()
            return info

    @property
    def version(self) -> tuple[int, ...]:
        """The engine's version as numbers; (28, 5, 2)."""
        digits = str(self.info.get("ServerVersion", "")).split("+", maxsplit=1)[0].split("-", maxsplit=1)[0].split(".")
        return tuple(int(part) for part in digits if part.isdigit())

    @property
    def containerd_store(self) -> bool:
        """Whether images lie in containerd's store, where Ids are digests of manifests."""
        # daemon/containerd/service.go, LayerStoreStatus
        return ["driver-type", "io.containerd.snapshotter.v1"] in (self.info.get("DriverStatus") or [])

    def close(self) -> None:
        """Let go of the connections."""
        self._api.close()


def connect(params: Mapping[str, Any]) -> Engine:
    """Connect to the engine that the connection options or the environment name.

    Raises InvalidInput for options that can't be, EngineError if no engine answers.
    """
    require_sdk()
    options = resolve(params, os.environ)
    host = options["docker_host"]
    try:
        return Engine(
            docker.APIClient(
                base_url=host,
                version=options["api_version"],
                timeout=options["timeout"],
                tls=_tls(options) or False,
                use_ssh_client=params["use_ssh_client"],
            )
        )
    except docker.errors.TLSParameterError as error:
        raise InvalidInput(f"The options for TLS don't fit: {error}") from error
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError, ValueError) as error:
        raise _unreachable(host, options["timeout"], error) from error


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


def _tls(options: Mapping[str, Any]) -> Any | None:
    if not (options["tls"] or options["validate_certs"]):
        return None
    pair = (options["client_cert"], options["client_key"])
    if any(pair) and not all(pair):
        raise InvalidInput("client_cert and client_key belong together: give both or neither.")
    for name in _CERTIFICATES:
        if options[name] and not os.path.isfile(options[name]):
            raise InvalidInput(f"{name} is '{options[name]}', and there is no such file on this host.")
        if options[name] and not os.access(options[name], os.R_OK):
            raise InvalidInput(f"{name} is '{options[name]}', and this user may not read that file.")
    config = docker.tls.TLSConfig(
        client_cert=pair if all(pair) else None,
        ca_cert=options["ca_path"],
        verify=options["validate_certs"],
    )
    return _held_to(config, options["tls_hostname"])


def _held_to(config: Any, hostname: str | None) -> Any:
    """The TLS config, made to do two things that the SDK does not.

    The name that is expected in the engine's certificate may be another one than in its address; and what was
    asked for holds where REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE is set, which requests would follow instead.
    """
    configure = config.configure_client

    def configure_client(client: Any) -> None:
        configure(client)
        merge = client.merge_environment_settings

        def merge_settings(url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
            return merge(url, proxies, stream, client.verify if verify is None else verify, cert)

        client.merge_environment_settings = merge_settings
        if hostname:
            adapter = requests.adapters.HTTPAdapter()
            size = requests.adapters.DEFAULT_POOLSIZE
            adapter.init_poolmanager(size, size, assert_hostname=hostname)
            client.mount("https://", adapter)

    config.configure_client = configure_client
    return config


def _unreachable(host: str, timeout: int, error: BaseException) -> EngineError:
    """The error for an engine that doesn't answer, with the way out for the usual reasons."""
    for cause in causes(error):
        if isinstance(cause, FileNotFoundError) and host.startswith("ssh://"):
            advice = f"There is no {cause.filename} on this host: install the package openssh-client."
        elif isinstance(cause, FileNotFoundError):
            advice = "There is no such socket: start the engine ('systemctl start docker'), or correct docker_host."
        elif isinstance(cause, PermissionError):
            advice = (
                "This user may not use the socket: use 'become: true', or make the user a member of the group docker."
            )
        elif isinstance(cause, ConnectionRefusedError):
            advice = "Nothing listens there: start the engine ('systemctl start docker'), or correct docker_host."
        elif isinstance(cause, (ssl.SSLError, urllib3.exceptions.SSLError)):
            advice = (
                f"TLS failed ({cause}): check docker_host, ca_path, client_cert, client_key, tls_hostname and "
                "validate_certs."
            )
        elif isinstance(cause, OSError) and cause.errno in (errno.ENAMETOOLONG, errno.EHOSTUNREACH, errno.ENOTDIR):
            advice = f"{cause.strerror}: correct docker_host."
        elif isinstance(cause, (requests.exceptions.Timeout, TimeoutError)):
            advice = f"It did not answer within {timeout} seconds: check that it is alive, or allow more with timeout."
        else:
            continue
        return EngineError(f"Can't reach a Docker engine at {host}. {advice}")
    return EngineError(
        f"Can't reach a Docker engine at {host}: {str(error).strip().rstrip('.')}. Check docker_host and api_version."
    )
