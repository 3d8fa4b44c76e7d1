# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`./dev release`, in a clone of this repository: what it makes, what it refuses, and that a check leaves no trace."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from ansible_collections.gantry.docker.tests.release.__main__ import Observed, main, refusals

REPOSITORY = Path(__file__).resolve().parents[2]


def git(directory: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=Tester", "-c", "user.email=tester@example.org"]
    return subprocess.run(
        ["git", *settings, *arguments], cwd=directory, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    target = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--shared", "--no-tags", str(REPOSITORY), str(target))
    git(target, "config", "user.name", "Tester")
    git(target, "config", "user.email", "tester@example.org")
    fragment = target / "changelogs/fragments/of_this_test.yml"
    fragment.write_text("---\nminor_changes:\n  - image_pull - hovers over the harbour.\n")
    galaxy = target / "galaxy.yml"
    galaxy.write_text(galaxy.read_text().replace(f"version: {version_of(target)}", "version: 900.0.0"))
    git(target, "add", "--all")
    git(target, "commit", "--quiet", "--message", "Add a fragment")
    return target


def version_of(checkout: Path) -> str:
    return str(yaml.safe_load((checkout / "galaxy.yml").read_text())["version"])


def state(checkout: Path) -> list[str]:
    """All that a release may change."""
    return [
        git(checkout, "rev-parse", "HEAD"),
        git(checkout, "for-each-ref"),
        git(checkout, "status", "--porcelain", "--ignored"),
        git(checkout, "worktree", "list"),
    ]


def test_check_makes_all_and_leaves_no_trace(clone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = state(clone)
    assert main(["900.1.0", "--check", "--output", str(tmp_path / "made")], clone) == 0
    said = capsys.readouterr().out
    assert "hovers over the harbour" in said
    assert "tag v900.1.0" in said
    assert "gantry-docker-900.1.0.tar.gz: " in said
    assert state(clone) == before
    assert not (tmp_path / "made").exists()


def test_release_is_whole_and_the_next_one_must_be_newer(
    clone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "made/900.1.0"
    commits = git(clone, "rev-list", "--count", "HEAD")
    assert main(["900.1.0", "--output", str(tmp_path / "made")], clone) == 0
    assert int(git(clone, "rev-list", "--count", "HEAD")) == int(commits) + 1
    assert git(clone, "rev-parse", "v900.1.0^{commit}") == git(clone, "rev-parse", "HEAD")
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "worktree", "list").count("\n") == 1
    assert version_of(clone) == "900.1.0"
    assert "hovers over the harbour" in (clone / "CHANGELOG.md").read_text()
    assert not list((clone / "changelogs/fragments").glob("*.yml"))
    assert {file.name for file in output.iterdir()} == {"gantry-docker-900.1.0.tar.gz", "SHA256SUMS"}
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=output, check=True)
    with tarfile.open(output / "gantry-docker-900.1.0.tar.gz") as tarball:
        changelog = tarball.extractfile("CHANGELOG.md")
        assert changelog is not None
        assert b"hovers over the harbour" in changelog.read()
    capsys.readouterr()
    assert main(["900.1.0", "--output", str(tmp_path / "made")], clone) == 1
    said = capsys.readouterr().err
    assert "not newer than 900.1.0" in said
    assert "No changelog fragment" in said


def test_failure_at_the_end_leaves_no_trace(clone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (clone / ".git/index.lock").touch()  # as another git does that changes the branch
    before = state(clone)
    assert main(["900.1.0", "--output", str(tmp_path / "made")], clone) == 1
    assert "index.lock" in capsys.readouterr().err
    assert state(clone) == before
    assert not list(tmp_path.glob("made/*"))


NOTHING_AGAINST_IT = Observed("0.1.0", (), (), ("new.yml",))


@pytest.mark.parametrize(
    ("version", "observed", "reasons"),
    [
        ("0.1.0", NOTHING_AGAINST_IT, []),
        ("0.2.0", NOTHING_AGAINST_IT, []),
        ("0.0.9", NOTHING_AGAINST_IT, ["0.0.9 is older than 0.1.0"]),
        ("0.1.0", NOTHING_AGAINST_IT._replace(released=("0.1.0",)), ["0.1.0 is not newer than 0.1.0"]),
        ("0.9.0", NOTHING_AGAINST_IT._replace(released=("0.9.0", "0.10.0")), ["0.9.0 is not newer than 0.10.0"]),
        ("0.11.0", NOTHING_AGAINST_IT._replace(released=("0.9.0", "0.10.0")), []),
        ("1.0", NOTHING_AGAINST_IT, ["'1.0' is no version"]),
        ("v1.0.0", NOTHING_AGAINST_IT, ["'v1.0.0' is no version"]),
        ("01.0.0", NOTHING_AGAINST_IT, ["'01.0.0' is no version"]),
        ("1.0.0", NOTHING_AGAINST_IT._replace(fragments=()), ["No changelog fragment"]),
        (
            "0.0.1",
            NOTHING_AGAINST_IT._replace(fragments=(), unsaved=("README.md", "new")),
            [
                "Files differ from the last commit; commit or discard them: README.md, new",
                "No changelog",
                "0.0.1 is older",
            ],
        ),
    ],
)
def test_every_reason_against_it_is_named(version: str, observed: Observed, reasons: list[str]) -> None:
    found = refusals(version, observed)
    assert len(found) == len(reasons)
    assert all(reason in text for reason, text in zip(reasons, found, strict=True))


def test_unsaved_work_is_refused(clone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (clone / "README.md").write_text("new")
    (clone / "new").touch()
    before = state(clone)
    assert main(["900.1.0", "--output", str(tmp_path / "made")], clone) == 1
    assert "README.md, new" in capsys.readouterr().err
    assert state(clone) == before
