# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation that modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """The options for registries, whose spec stands in module_utils/_registry_options.py."""

    DOCUMENTATION = r"""
options:
  tag:
    description:
      - The tag of those O(names) that come with neither a tag nor a digest.
    type: str
    default: latest
  parallel:
    description: How many images to work on at the same time.
    type: int
    default: 4
"""

    ACCESS = r"""
options:
  credentials:
    description:
      - Whom to log in as, for each registry that wants it and isn't in the Docker configuration, or is to be used as
        somebody else. What is given here counts more.
      - A registry is shown its own credentials only. Those of registries that no image is from are not used at all.
    type: list
    elements: dict
    default: []
    suboptions:
      registry:
        description:
          - The registry, as C(host[:port]) or as a URL; V(docker.io) for images without a registry in their names.
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
      - The Docker configuration, on the managed host, with what C(docker login) has stored there (C(auths)), or with
        credential helpers (C(credHelpers), C(credsStore)), which are asked. A helper that is missing or fails is a
        warning, and the registry is asked without a login.
      - If not given, C(config.json) in the directory that the environment variable E(DOCKER_CONFIG) names is used, and
        without that C(~/.docker/config.json) of the user whom the task runs as, if there is one.
    type: path
    aliases: [dockercfg_path]
  retry_for:
    description:
      - For how many seconds to go on trying, with pauses that grow from half a second, where a registry is broken
        for the moment (status 5xx), asks to come again later (429), or hangs up. V(0) is for never.
      - Nothing else is tried again, such as a wrong password, a name that the registry doesn't know, or a registry that
        can't be reached.
      - An engine doesn't tell how long a registry asks to wait (C(Retry-After)), so the pauses are the same for all.
      - Engines try again by themselves too. With the classic store, Docker does so for more than a minute when a layer
        can't be fetched. When that takes longer than allowed here, its answer is the last.
    type: int
    default: 30
"""
