# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role airgap: the commands that sign and verify the manifest of a bundle."""

from __future__ import annotations

DOCUMENTATION = r"""
name: airgap_signer
short_description: Make the commands that sign and verify a manifest
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Makes the commands of C(ssh-keygen), C(minisign) or C(cosign). The filter is made for the role
    P(gantry.docker.airgap#role).
positional: _input
options:
  _input:
    description:
      - The role's variable C(airgap_signer).
    type: dict
    required: true
  directory:
    description:
      - The directory of the manifest and the signature.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show how a signature is verified
  ansible.builtin.debug:
    msg: "{{ (signer | gantry.docker.airgap_signer('/media/bundle')).verify }}"
  vars:
    signer: {tool: minisign, trusted: /etc/airgap/minisign.pub}
"""

RETURN = r"""
_value:
  description:
    - A dictionary. C(problems) is a list of sentences; with any, nothing may be done, and nothing else is returned.
    - C(signature) is the name of the file with the signature. C(sign) and C(verify) are commands as lists of words,
      C(stdin) is what they read, and C(environment) has their variables.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.signing import signing
from ansible_collections.gantry.docker.plugins.plugin_utils._plain import plain


def airgap_signer(signer: Mapping[str, Any], directory: str) -> dict[str, Any]:
    """Return the commands as plain values."""
    try:
        return {"problems": [], **signing(plain(signer), plain(directory))}
    except InvalidInput as error:
        return {"problems": [error.message]}


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"airgap_signer": airgap_signer}
