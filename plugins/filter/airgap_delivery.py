# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role airgap: what was delivered to a host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: airgap_delivery
short_description: Report what was delivered to a host
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Makes the report and the log of a delivery. The filter is made for the role P(gantry.docker.airgap#role).
positional: _input
options:
  _input:
    description:
      - A dictionary. C(manifest) is the text of the manifest. C(loaded) and C(pushed) are the results of
        M(gantry.docker.image_load) and M(gantry.docker.image_push). C(host), C(at), C(check), C(bundle) and
        C(signed) say where, when, and how. C(targets) has the names in the registry, if anything is new there.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show why there is no report without a manifest
  ansible.builtin.debug:
    msg: "{{ (told | gantry.docker.airgap_delivery).problems }}"
  vars:
    told: {manifest: no JSON, host: site, at: "2026-01-01T00:00:00Z", bundle: "", signed: false}
"""

RETURN = r"""
_value:
  description:
    - The value of the role's fact C(airgap_report), with C(log), the lines for the log, and C(problems), a list of
      sentences if the engine has other images than the manifest says.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.manifest import parse_manifest
from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.report import delivery
from ansible_collections.gantry.docker.plugins.plugin_utils._plain import plain


def airgap_delivery(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report as plain values."""
    told = plain(told)
    try:
        bundle = parse_manifest(told["manifest"])
    except InvalidInput as error:
        return {"problems": [error.message]}
    return delivery(told, bundle)


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"airgap_delivery": airgap_delivery}
