# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of options that the modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """The connection options; their spec is in module_utils/_transport/address.py."""

    DOCUMENTATION = r"""
options:
  docker_host:
    description:
      - The address of the engine, as a URL with C(unix://), C(tcp://) or C(ssh://).
      - C(tcp://) without a port uses port 2375, or 2376 with TLS.
      - If not given, the environment variable E(DOCKER_HOST) is used.
      - Without both, the engine of a Docker context is used, as with the Docker CLI. The environment variable
        E(DOCKER_CONTEXT) names the context, or else the Docker configuration on the managed host (C(currentContext)).
        The context's TLS files are used too. Without a context, or with V(default), V(unix:///var/run/docker.sock) is
        used.
      - The Docker configuration is the file C(config.json) in the directory that the environment variable
        E(DOCKER_CONFIG) names, or else in C(~/.docker) of the user who runs the task.
    type: str
    aliases: [docker_url]
  tls:
    description:
      - Connect to the engine with TLS, without a check of its certificate.
      - If not given, the environment variable E(DOCKER_TLS) is used, unless the engine comes from a Docker context.
    type: bool
  validate_certs:
    description:
      - Connect to the engine with TLS, and check its certificate against O(ca_path).
      - If not given, the environment variable E(DOCKER_TLS_VERIFY) is used, unless the engine comes from a Docker
        context.
    type: bool
    aliases: [tls_verify]
  tls_hostname:
    description:
      - The host name that the engine's certificate must contain, if it differs from the one in O(docker_host).
      - If not given, the environment variable E(DOCKER_TLS_HOSTNAME) is used, unless the engine comes from a Docker
        context.
    type: str
  ca_path:
    description:
      - The file with the certificate of the CA, on the managed host.
      - If not given, the file of the Docker context is used or, without a context, C(ca.pem) in the directory that the
        environment variable E(DOCKER_CERT_PATH) names.
    type: path
    aliases: [ca_cert, tls_ca_cert, cacert_path]
  client_cert:
    description:
      - The file with the client's certificate, on the managed host. It requires O(client_key).
      - If not given, the file of the Docker context is used or, without a context, C(cert.pem) in the directory that
        the environment variable E(DOCKER_CERT_PATH) names.
    type: path
    aliases: [tls_client_cert, cert_path]
  client_key:
    description:
      - The file with the client's key, on the managed host. It requires O(client_cert).
      - If not given, the file of the Docker context is used or, without a context, C(key.pem) in the directory that the
        environment variable E(DOCKER_CERT_PATH) names.
    type: path
    aliases: [tls_client_key, key_path]
  api_version:
    description:
      - The version of the engine's API to use. V(auto) selects the newest version that both the engine and this
        collection know.
      - If not given, the environment variable E(DOCKER_API_VERSION) is used, or else V(auto).
    type: str
    aliases: [docker_api_version]
  timeout:
    description:
      - The number of seconds to wait for the engine while it sends nothing.
      - It doesn't limit the duration of a transfer that makes progress. Every other answer must be complete within
        twice this time, including the time in which the engine asks a registry.
      - If not given, the environment variable E(DOCKER_TIMEOUT) is used, or else V(60).
    type: int
  use_ssh_client:
    description:
      - Has no effect. It is accepted because playbooks for other modules set it.
      - With C(ssh://), the program C(ssh) is always used, with its own configuration and keys. It must not need to ask
        for anything, such as a passphrase. The engine's host needs the Docker CLI.
    type: bool
    default: false
requirements:
  - Docker Engine 20.10 or newer
"""
