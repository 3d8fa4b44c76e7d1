# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role airgap: the pieces that an archive is cut into."""

from __future__ import annotations

DOCUMENTATION = r"""
name: airgap_pieces
short_description: Name the pieces of an archive, and say whether they are there
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Names the pieces that an archive is to be cut into, and says whether they have to be made. The filter is made for
    the role P(gantry.docker.airgap#role).
positional: _input
options:
  _input:
    description:
      - A dictionary. C(name), C(size) and C(sha256) are those of the archive, and C(piece_size) is the largest number
        of bytes of a piece, or 0. C(manifest) is the text of the manifest that is there, and C(found) has what
        C(ansible.builtin.stat) returned for files, by their names.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show into how many pieces an archive would be cut
  ansible.builtin.debug:
    msg: "{{ (archive | gantry.docker.airgap_pieces).names | length }}"
  vars:
    archive: {name: images.tar, size: 10000000000, sha256: "", piece_size: 4000000000, manifest: "", found: {}}
"""

RETURN = r"""
_value:
  description:
    - A dictionary. C(problems) is a list of sentences; with any, nothing may be done.
    - C(names) lists the names of the pieces. It is empty if the archive isn't cut.
    - C(cut) is true if the pieces have to be made.
  type: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.manifest import is_cut, piece_names
from ansible_collections.gantry.docker.plugins.plugin_utils._plain import plain


def airgap_pieces(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the names as plain values."""
    told = plain(told)
    try:
        names = piece_names(told["name"], told["size"], told["piece_size"])
    except InvalidInput as error:
        return {"problems": [error.message], "names": [], "cut": False}
    return {
        "problems": [],
        "names": names,
        "cut": bool(names) and not is_cut(told["manifest"], {**told, "pieces": names}, told["found"]),
    }


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"airgap_pieces": airgap_pieces}
