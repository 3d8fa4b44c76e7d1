# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation that modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """The connection options, whose spec stands in module_utils/_transport/address.py."""

    DOCUMENTATION = r"""
options:
  docker_host:
    description:
      - The engine to talk to, as a URL with C(unix://), C(tcp://) or C(ssh://).
      - C(tcp://) without a port means port 2375, or 2376 with TLS.
      - If not given, the environment variable E(DOCKER_HOST) is used.
      - Without that, as with the Docker CLI, the engine of the Docker context is used that the environment variable
        E(DOCKER_CONTEXT) names, or else the Docker configuration on the managed host (C(currentContext)), with the
        context's files for TLS. If there is none, or it is V(default), V(unix:///var/run/docker.sock) is used.
      - The Docker configuration is C(config.json) in the directory that the environment variable E(DOCKER_CONFIG)
        names, or in C(~/.docker) of the user whom the task runs as.
    type: str
    aliases: [docker_url]
  tls:
    description:
      - Talk TLS to the engine, without checking whose certificate it shows.
      - If not given, the environment variable E(DOCKER_TLS) is used, but not with a Docker context.
    type: bool
  validate_certs:
    description:
      - Talk TLS to the engine, and check its certificate against O(ca_path).
      - If not given, the environment variable E(DOCKER_TLS_VERIFY) is used, but not with a Docker context.
    type: bool
    aliases: [tls_verify]
  tls_hostname:
    description:
      - The name that the engine's certificate must show, where it isn't the one in O(docker_host).
      - If not given, the environment variable E(DOCKER_TLS_HOSTNAME) is used, but not with a Docker context.
    type: str
  ca_path:
    description:
      - The file with the CA's certificate, on the managed host.
      - If not given, C(ca.pem) in the directory that the environment variable E(DOCKER_CERT_PATH) names is used, or
        the Docker context's.
    type: path
    aliases: [ca_cert, tls_ca_cert, cacert_path]
  client_cert:
    description:
      - The file with the client's certificate, on the managed host. Goes with O(client_key).
      - If not given, C(cert.pem) in the directory that the environment variable E(DOCKER_CERT_PATH) names is used, or
        the Docker context's.
    type: path
    aliases: [tls_client_cert, cert_path]
  client_key:
    description:
      - The file with the client's key, on the managed host. Goes with O(client_cert).
      - If not given, C(key.pem) in the directory that the environment variable E(DOCKER_CERT_PATH) names is used, or
        the Docker context's.
    type: path
    aliases: [tls_client_key, key_path]
  api_version:
    description:
      - The version of the engine's API to speak; V(auto) takes the newest that the engine and this collection know.
      - If not given, the environment variable E(DOCKER_API_VERSION) is used, and without that V(auto).
    type: str
    aliases: [docker_api_version]
  timeout:
    description:
      - How many seconds to wait for the engine when it says nothing at all.
      - This is no bound on how long a transfer may take, as long as it goes on. An answer that is no transfer must be
        whole within twice that time, what the engine asks a registry included.
      - If not given, the environment variable E(DOCKER_TIMEOUT) is used, and without that V(60).
    type: int
  use_ssh_client:
    description:
      - Makes no difference, and may be left out; playbooks written for other modules name it. With C(ssh://) it is
        always the program C(ssh) that is called, with its own configuration and keys, which may ask no questions. The
        engine's host needs the Docker CLI.
    type: bool
    default: false
requirements:
  - Docker Engine 20.10 or newer
"""
