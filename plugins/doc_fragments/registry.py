# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of options that the modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """The options for registries; their spec is in module_utils/_registry_options.py."""

    DOCUMENTATION = r"""
options:
  tag:
    description:
      - The tag for each of O(names) that has neither a tag nor a digest.
    type: str
    default: latest
  parallel:
    description: The number of images to process at the same time.
    type: int
    default: 4
"""

    ACCESS = r"""
options:
  credentials:
    description:
      - The users to log in as. Give one for each registry that requires a login and isn't in the Docker configuration,
        or that needs another user than the configuration has. These credentials take precedence over the configuration.
      - Each registry receives its own credentials only. Credentials for registries that no image comes from are not
        used.
    type: list
    elements: dict
    default: []
    suboptions:
      registry:
        description:
          - The registry, as C(host[:port]) or as a URL. V(docker.io) is the registry of images whose names contain no
            registry.
        type: str
        required: true
      username:
        description: The user.
        type: str
        required: true
      password:
        description: The user's password or access token.
        type: str
        required: true
  config_path:
    description:
      - The Docker configuration file on the managed host. It contains the logins that C(docker login) stored
        (C(auths)), or names credential helpers (C(credHelpers), C(credsStore)), which are run. If a helper is missing
        or fails, the task warns, and the registry is asked without a login.
      - If not given, it is C(config.json) in the directory that the environment variable E(DOCKER_CONFIG) names, or
        else C(~/.docker/config.json) of the user who runs the task, if that file exists.
    type: path
    aliases: [dockercfg_path]
  retry_for:
    description:
      - The number of seconds in which to try again after a temporary failure of a registry, with pauses that grow from
        half a second. Such failures are a server error (status 5xx), a request to come again later (status 429) and a
        closed connection. V(0) disables this.
      - Other failures are never tried again, such as a wrong password, a name that the registry doesn't have, or a
        registry that can't be reached.
      - The pauses don't depend on the time that a registry asks for (C(Retry-After)), because the engine doesn't report
        it.
      - Engines also try again by themselves. With the classic store, Docker does so for more than a minute when it
        can't fetch a layer. If that takes longer than this option allows, no further attempt follows the engine's
        answer.
    type: int
    default: 30
"""
