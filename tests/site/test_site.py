# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation site builds without a warning, has a page for everything, and every link on it leads somewhere."""

from __future__ import annotations

import os
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
KINDS = {path.name for path in (REPOSITORY / "plugins").iterdir()} - {
    "action",  # parts of the pages of their modules
    "doc_fragments",  # part of the pages of what uses them
    "module_utils",
    "modules",  # whose pages are named after one of them
    "plugin_utils",
}


def build(target: Path) -> subprocess.CompletedProcess[str]:
    python = os.environ["GANTRY_SITE_PYTHON"]  # has Sphinx and antsibull-docs; set by ./dev test docs
    command = [python, "-m", "ansible_collections.gantry.docker.tests.site", str(target)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Page(HTMLParser):
    """What a page links to, what it loads by itself, and the places in it that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value is not None}
        self.places |= {values[name] for name in ("id", "name") if name in values}
        target = values.get("href") or values.get("src")
        if target:
            (self.links if tag == "a" else self.loads).add(target)


Site = dict[Path, Page]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site") / "html"
    done = build(target)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == str(target / "index.html")
    return target


@pytest.fixture(scope="module")
def site(root: Path) -> Site:
    return {path: Page(path.read_text()) for path in root.rglob("*.html")}


def test_everything_has_a_page(root: Path, site: Site) -> None:
    wanted = {
        *(f"{path.stem}_module" for path in REPOSITORY.glob("plugins/modules/*.py")),
        *(f"{path.stem}_{kind}" for kind in KINDS for path in REPOSITORY.glob(f"plugins/{kind}/*.py")),
        *(f"{path.name}_role" for path in REPOSITORY.glob("roles/*")),
    }
    there = {path.stem for path in site if path.parent == root / "reference"}
    assert there == {*wanted, "index", "environment_variables"}
    pages = {path.stem for path in site if path.parent == root / "docs"}
    assert pages == {path.stem for path in REPOSITORY.glob("docs/*.md")}


def test_every_link_leads_somewhere(root: Path, site: Site) -> None:
    astray = []
    for path, page in site.items():
        for link in page.links | page.loads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            fragment = unquote(parts.fragment)
            found = target.is_file() and (not fragment or target not in site or fragment in site[target].places)
            if not found:
                astray.append(f"{path.relative_to(root)}: {link}")
    assert not astray, "\n".join(sorted(astray))


def test_links_between_pages_stay_on_the_site(root: Path) -> None:
    """A page that a link names by its file is a page here, and no download."""
    downloads = {path.name for path in root.glob("_downloads/*/*")}
    assert not [name for name in downloads if name.endswith((".md", ".py", "argument_specs.yml"))], downloads


def test_pages_load_nothing_from_elsewhere(site: Site) -> None:
    assert not {target for page in site.values() for target in page.loads if urlsplit(target).netloc}


def test_only_a_site_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    done = build(tmp_path)
    assert done.returncode == 2
    assert "Name another directory" in done.stderr
    assert (tmp_path / "mine").read_text() == "precious"
