# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds the documentation site: python -m ansible_collections.gantry.docker.tests.site DIRECTORY.

`dev docs` calls it, with the Python of the environment that has Sphinx and antsibull-docs. Any warning fails the build.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SETTINGS = REPOSITORY / "docs" / "site"
# Pages, and what they link to. They keep the paths that they have in the repository: the same links work in both.
FILES = ("CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "LICENSE", "SECURITY.md")
DIRECTORIES = ("docs", "plugins", "roles")


def main() -> int:
    """Build the site into the directory that the command line names."""
    (target,) = map(Path, sys.argv[1:])
    target = target.resolve()
    if target.exists() and not _is_a_site(target):
        print(f"{target} is not empty and has no documentation site. Name another directory.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="gantry-docs-") as scratch:
        sources, built = Path(scratch, "sources"), Path(scratch, "built")
        _gather(sources)
        try:
            _describe_plugins(sources / "reference")
            _build(sources, built, Path(scratch, "doctrees"))
        except subprocess.CalledProcessError as failure:
            print(f"{Path(failure.cmd[0]).name} failed, with exit code {failure.returncode}.", file=sys.stderr)
            return 1
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(built, target)
    print(target / "index.html")
    return 0


def _is_a_site(directory: Path) -> bool:
    return not any(directory.iterdir()) or (directory / "objects.inv").exists()


def _gather(sources: Path) -> None:
    sources.mkdir()
    for name in FILES:
        shutil.copy2(REPOSITORY / name, sources)
    for name in DIRECTORIES:
        shutil.copytree(REPOSITORY / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(SETTINGS / "index.md", sources)


def _describe_plugins(target: Path) -> None:
    """Write a page for each module, plugin and role, and their index."""
    target.mkdir()
    _run("antsibull-docs", "collection", "--use-current", "--fail-on-error", "--squash-hierarchy",
         "--no-add-antsibull-docs-version", "--dest-dir", target, "gantry.docker")  # fmt: skip


def _build(sources: Path, target: Path, doctrees: Path) -> None:
    _run("sphinx-build", "--builder", "html", "--fail-on-warning", "--keep-going", "--quiet", "--jobs", "auto",
         "--conf-dir", SETTINGS, "--doctree-dir", doctrees, sources, target)  # fmt: skip


def _run(program: str, *arguments: str | Path) -> None:
    programs = Path(sys.executable).parent  # ansible-doc, which antsibull-docs calls, is there too
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([programs / program, *arguments], env=environment, check=True)


if __name__ == "__main__":
    sys.exit(main())
