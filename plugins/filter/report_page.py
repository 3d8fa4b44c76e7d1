# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A filter for the role report: its page of HTML."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report_page
short_description: Make the HTML page of the role report
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
description:
  - Makes one file of HTML that contains the data, the code that draws it (plotly.js), and a script of its own. It
    needs no network. The filter is made for the role P(gantry.docker.report#role).
requirements:
  - plotly (the Python package on the controller; Debian and Ubuntu have it as python3-plotly)
positional: _input
options:
  _input:
    description: The content, as P(gantry.docker.report_model#filter) returns it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Make a page of no hosts
  ansible.builtin.copy:
    content: "{{ {'made': '', 'hosts': {}, 'drift': []} | gantry.docker.report_page }}"
    dest: /var/tmp/gantry-example-report.html
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The page.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.plugin_utils._report.page import page


def report_page(report: Mapping[str, Any]) -> str:
    """Return the page; raise GantryError without plotly."""
    try:
        # The import takes a second, and only this filter needs it.
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise GantryError(
            f"Can't make the page of the report: the controller has no Python package plotly ({error}). Install it for "
            "the Python that runs Ansible ('pip install plotly', or the package python3-plotly)."
        ) from error
    return page(report, get_plotlyjs())


class FilterModule:
    """The filters, in the form that Ansible expects."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by their names."""
        return {"report_page": report_page}
