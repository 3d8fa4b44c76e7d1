# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the role report: one file, in which hostile text stays text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from html.parser import HTMLParser

import pytest

from ansible_collections.gantry.docker.plugins.filter.report_page import report_page
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.plugin_utils._report.model import model
from ansible_collections.gantry.docker.plugins.plugin_utils._report.page import embedded, page
from ansible_collections.gantry.docker.tests.support.fleet import HOSTILE, fleet


class Reader(HTMLParser):
    """Reads a page as a browser does: its elements, and the texts of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data


def made(plotting: str = "draw();") -> Reader:
    """Return the page of the fleet."""
    return Reader(page(model(fleet(), "now"), plotting))


@pytest.mark.parametrize(
    "text", [HOSTILE, "<!--<script>", "]]>", "\u2028\u2029", "@SCRIPT@", "\\u003c", "é漢\ud800", "a\0b", "&lt;"]
)
def test_any_text_comes_back_from_the_page(text: str) -> None:
    written = embedded({"label": text})
    assert "<" not in written and ">" not in written and written.isascii()
    assert json.loads(written) == {"label": text}


def test_the_data_of_the_page_are_the_content() -> None:
    data, *scripts = made().scripts
    assert json.loads(data) == json.loads(json.dumps(model(fleet(), "now")))
    assert len(scripts) == 2, "hostile text has become a script"


def test_a_mark_in_the_data_or_in_the_code_is_no_mark() -> None:
    hosts = {"@SCRIPT@": fleet()["one"]}
    read = Reader(page(model(hosts, "@PLOTTING@"), "x = '@SCRIPT@ @STYLE@';"))
    assert json.loads(read.scripts[0])["made"] == "@PLOTTING@"
    assert read.scripts[1].strip() == "x = '@SCRIPT@ @STYLE@';"


def test_only_the_scripts_of_the_page_may_run_and_nothing_is_loaded() -> None:
    read = made("draw();\nmore();")
    (policy,) = [found["content"] for tag, found in read.elements if found.get("http-equiv")]
    assert policy and policy.startswith("default-src 'none'; ")
    allowed = re.findall(r"'sha256-([^']+)'", policy)
    scripts = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in read.scripts[1:]]
    assert allowed == scripts
    addresses = [found.get(name) for _tag, found in read.elements for name in ("src", "href") if name in found]
    assert addresses == ["data:,"]


def test_the_code_that_draws_is_in_the_page() -> None:
    assert "plotly.js v" in report_page({"made": "", "hosts": {}, "drift": []})


def test_without_that_code_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(GantryError, match="pip install plotly"):
        report_page({})
