# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sphinx's settings for the documentation site. tests/site gathers the pages and calls Sphinx."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

HERE = Path(__file__).resolve().parent
GALAXY = yaml.safe_load((HERE.parents[1] / "galaxy.yml").read_text())

project = "gantry.docker"
author = "the gantry.docker authors"
copyright = f"2026, {author}"  # noqa: A001
version = release = GALAXY["version"]

extensions = ["myst_parser", "sphinx_antsibull_ext"]
include_patterns = ["*.md", "docs/*.md", "roles/*/README.md", "reference/*.rst"]
root_doc = "index"
nitpicky = True  # a reference that leads nowhere is a warning, and warnings fail the build

myst_heading_anchors = 4
myst_enable_extensions = ["attrs_inline", "colon_fence"]

html_theme = "furo"
html_title = "gantry.docker"
html_static_path = ["static"]
html_css_files = ["site.css"]
antsibull_ext_color_scheme = "none"  # site.css has the colours, which follow the theme
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
pygments_dark_style = "monokai"

TITLE = re.compile(r"gantry\.docker\.(?P<name>\w+) (?P<kind>\w+) – ")
PLUGIN = re.compile(r"/plugins/(?P<kind>modules|connection|filter)/(?P<name>\w+)\.py$")
ROLE = re.compile(r"/roles/(?P<name>\w+)/meta/argument_specs\.yml$")
KINDS = {"modules": "module"}
ANSIBLE = "https://docs.ansible.com/ansible/latest/"
ANSIBLE_PAGES = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}
BUILTIN = re.compile(r"ansible_collections\.ansible\.builtin\.(?P<page>\w+)")


def page_of(target: str) -> str | None:
    """Return the page of the reference that describes what a file defines, if it is a plugin's or a role's."""
    if match := PLUGIN.search(target):
        return f"/reference/{match['name']}_{KINDS.get(match['kind'], match['kind'])}"
    if match := ROLE.search(target):
        return f"/reference/{match['name']}_role"
    return None


def link_to_reference(app: Sphinx, document: nodes.document) -> None:
    """Let links to the file of a module, plugin or role lead to its page, where the repository has the file."""
    for node in list(document.findall(addnodes.download_reference)):
        if page := page_of(posixpath.join("/", posixpath.dirname(app.env.docname), node["reftarget"])):
            reference = addnodes.pending_xref(
                "", *node.children, refdomain="std", reftype="doc", reftarget=page, refexplicit=True, refwarn=True
            )
            reference["refdoc"] = app.env.docname
            node.replace_self(reference)


def drop_own_contents(app: Sphinx, document: nodes.document) -> None:
    """Remove the list of contents that the pages of the reference begin with: the theme shows one beside each page."""
    for node in list(document.findall(nodes.topic)):
        if "contents" in node["classes"]:
            node.parent.remove(node)
    for title in document.findall(nodes.title):
        title.attributes.pop("refid", None)  # led back to that list


def shorten_title(app: Sphinx, document: nodes.document) -> None:
    """Let the navigation show a plugin's short name and kind; the page itself has the full name and what it does."""
    title = next(app.env.tocs[app.env.docname].findall(nodes.reference), None)
    if title and (match := TITLE.match(title.astext())):
        title.children = [nodes.Text(f"{match['name']} ({match['kind']})")]


def link_to_ansible(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """Let what Ansible itself documents lead to its site. No inventory of that site has to be fetched for it."""
    kind, target = node["reftype"], node["reftarget"]
    if kind == "envvar" and target.startswith("ANSIBLE_"):
        page = f"reference_appendices/config.html#envvar-{target}"
    elif kind == "ref" and target in ANSIBLE_PAGES:
        page = ANSIBLE_PAGES[target]
    elif kind == "ref" and (match := BUILTIN.match(target)):
        page = f"collections/ansible/builtin/{match['page']}.html"
    else:
        return None
    return nodes.reference("", "", content, internal=False, refuri=f"{ANSIBLE}{page}")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the above."""
    app.connect("doctree-read", link_to_reference, priority=100)  # before downloads are collected
    app.connect("doctree-read", drop_own_contents, priority=100)
    app.connect("doctree-read", shorten_title, priority=900)  # after tables of contents are made
    app.connect("missing-reference", link_to_ansible)
    return {"parallel_read_safe": True}
