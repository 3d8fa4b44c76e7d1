# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a release: changelog, version, tag, tarball and checksums. `dev release` calls it.

All of it is made in a work tree beside the checkout. Only when nothing can fail any more does the branch move on and
get the tag, and with --check not even then. So a check run finds every problem of the real one.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import yaml
from ansible.utils.version import SemanticVersion

REPOSITORY = Path(__file__).resolve().parents[2]
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


class Refused(Exception):
    """The release can't be made as things are; the message has the reasons."""


class Observed(NamedTuple):
    """What a release depends on."""

    version: str  # that galaxy.yml has
    released: tuple[str, ...]  # the versions in the changelog and in tags
    unsaved: tuple[str, ...]  # files that differ from the last commit
    fragments: tuple[str, ...]


class Made(NamedTuple):
    """What was made beside the checkout: a commit in its repository, and files for publishing."""

    commit: str
    notes: str
    tarball: Path
    checksums: Path


def main(arguments: Sequence[str] | None = None, repository: Path = REPOSITORY) -> int:
    """Do what the command line says; return the exit code."""
    parser = argparse.ArgumentParser(prog="./dev release", description="Make a release.")
    parser.add_argument("version", metavar="X.Y.Z")
    parser.add_argument("--check", action="store_true", help="make everything, show it, and leave no trace of it")
    parser.add_argument(
        "--output", type=Path, required=True, help="where the files go, in a directory named after the version"
    )
    wanted = parser.parse_args(arguments)
    try:
        if reasons := refusals(wanted.version, observe(repository)):
            raise Refused("\n".join(reasons))
        with _work_tree(repository) as tree:
            made = _make(wanted.version, tree)
            _show(wanted.version, made)
            if wanted.check:
                print("This was a check: nothing was changed.")
            else:
                _keep(wanted.version, made, repository, wanted.output / wanted.version)
    except Refused as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def observe(repository: Path) -> Observed:
    """Look at what a release depends on."""
    changelog = yaml.safe_load((repository / "changelogs/changelog.yaml").read_text())
    tags = _git(repository, "tag", "--list", "v*").split()
    return Observed(
        version=yaml.safe_load((repository / "galaxy.yml").read_text())["version"],
        released=(*changelog["releases"], *(tag[1:] for tag in tags if VERSION.fullmatch(tag[1:]))),
        unsaved=tuple(line[3:] for line in _git(repository, "status", "--porcelain").splitlines()),
        fragments=tuple(sorted(path.name for path in (repository / "changelogs/fragments").glob("*.y*ml"))),
    )


def refusals(version: str, observed: Observed) -> list[str]:
    """Return every reason against a release, each with what to do."""
    reasons = []
    if observed.unsaved:
        reasons.append(f"Files differ from the last commit; commit or discard them: {', '.join(observed.unsaved)}")
    if not observed.fragments:
        reasons.append("No changelog fragment says what is new; add one to changelogs/fragments/.")
    if not VERSION.fullmatch(version):
        reasons.append(f"{version!r} is no version; name one of the form X.Y.Z, such as 1.2.0.")
        return reasons
    newest = max(observed.released, key=SemanticVersion, default="")
    if newest and SemanticVersion(version) <= SemanticVersion(newest):
        reasons.append(f"{version} is not newer than {newest}, which is released; name a higher version.")
    elif SemanticVersion(version) < SemanticVersion(observed.version):
        reasons.append(f"{version} is older than {observed.version}, which galaxy.yml has; name that or a higher one.")
    return reasons


def _make(version: str, tree: Path) -> Made:
    galaxy = tree / "galaxy.yml"
    galaxy.write_text(re.sub(r"(?m)^version: .*$", f"version: {version}", galaxy.read_text(), count=1))
    # Modules and roles that are new in this version are listed by what ansible-doc finds in this tree.
    collections = {"ANSIBLE_COLLECTIONS_PATH": str(tree.parents[2])}
    _run(tree, "antsibull-changelog", "release", "--version", version, **collections)
    _run(tree, "antsibull-changelog", "lint", **collections)
    _git(tree, "add", "--all")
    _git(tree, "commit", "--no-verify", "--message", f"Release {version}")
    place = tree.parents[2] / "made"
    place.mkdir()
    _run(tree, "ansible-galaxy", "collection", "build", "--output-path", str(place))
    (tarball,) = place.iterdir()
    checksums = place / "SHA256SUMS"
    checksums.write_text(f"{hashlib.sha256(tarball.read_bytes()).hexdigest()}  {tarball.name}\n")
    notes = _git(tree, "show", "--format=", "--unified=0", "HEAD", "--", "CHANGELOG.md")
    added = [line[1:] for line in notes.splitlines() if line.startswith("+") and not line.startswith("+++")]
    return Made(_git(tree, "rev-parse", "HEAD").strip(), "\n".join(added), tarball, checksums)


def _show(version: str, made: Made) -> None:
    size = made.tarball.stat().st_size
    print(f"{made.notes}\n")
    print(f"Release {version}: commit {made.commit[:12]}, tag v{version}")
    print(f"{made.tarball.name}: {size:,} bytes, sha256 {made.checksums.read_text().split()[0]}")


def _keep(version: str, made: Made, repository: Path, output: Path) -> None:
    """Let the branch move on, with a tag and the files; or with neither, if one of them fails."""
    _git(repository, "tag", "--annotate", "--message", f"gantry.docker {version}", f"v{version}", made.commit)
    try:
        output.mkdir(parents=True, exist_ok=True)
        for file in (made.tarball, made.checksums):
            shutil.copy2(file, output)
        _git(repository, "merge", "--quiet", "--ff-only", made.commit)
    except BaseException:
        _git(repository, "tag", "--delete", f"v{version}")
        shutil.rmtree(output, ignore_errors=True)
        raise
    branch = _git(repository, "rev-parse", "--abbrev-ref", "HEAD").strip()
    print(f"The files are in {output}. To publish them:")
    print(f"  git push --atomic origin {branch} v{version}")
    print(f"  ansible-galaxy collection publish {output / made.tarball.name}")


@contextmanager
def _work_tree(repository: Path) -> Iterator[Path]:
    """Have the last commit in another work tree, at a place where Ansible finds the collection."""
    with tempfile.TemporaryDirectory(prefix="gantry-release-") as scratch:
        tree = Path(scratch, "ansible_collections", "gantry", "docker")
        tree.parent.mkdir(parents=True)
        _git(repository, "worktree", "add", "--quiet", "--detach", str(tree), "HEAD")
        try:
            yield tree
        finally:
            _git(repository, "worktree", "remove", "--force", str(tree))


def _git(directory: Path, *arguments: str) -> str:
    return _run(directory, "git", *arguments)


def _run(directory: Path, *command: str, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=directory, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Refused(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
