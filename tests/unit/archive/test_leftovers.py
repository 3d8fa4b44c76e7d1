# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are to replace others, leftovers, and ownership."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._archive.leftovers import (
    left_beside,
    prefix_of,
    remove_left,
)
from ansible_collections.gantry.docker.plugins.module_utils._archive.replacement import Successor, successor
from ansible_collections.gantry.docker.plugins.module_utils._ownership import (
    inherit,
    is_foreign,
    may_be_inherited,
    shared,
)

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.fixture(params=["without a name", "with a name"])
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A path for a file, in a directory that knows files without a name or doesn't."""
    if request.param == "with a name":
        # The least that open(2) refuses: not every file system knows O_TMPFILE.
        monkeypatch.setattr(os, "O_TMPFILE", os.O_DIRECTORY | os.O_CREAT)
    return str(tmp_path / "images.tar")


def test_a_successor_is_private_and_gone_unless_it_takes_its_place(path: str) -> None:
    former = os.umask(0)
    try:
        with successor(path) as new:
            assert stat.S_IMODE(os.fstat(new.file.fileno()).st_mode) == 0o600
            assert stat.S_IMODE(os.stat(new.named()).st_mode) == 0o600
    finally:
        os.umask(former)
    assert os.listdir(os.path.dirname(path)) == []
    with successor(path) as new:
        os.replace(new.named(), path)
    assert os.listdir(os.path.dirname(path)) == ["images.tar"]


def test_what_is_held_is_not_left(path: str) -> None:
    new = Successor(path)
    name = new.named()
    assert left_beside(path) == ()
    remove_left((name,))
    assert os.path.exists(name)
    new.file.close()
    assert left_beside(path) == (name,)
    remove_left((name, name))
    assert os.listdir(os.path.dirname(path)) == []


@pytest.mark.parametrize("name", ["x" * 255, "\u00e4" * 127, "a"])
def test_long_names_are_shortened(tmp_path: Path, name: str) -> None:
    path = str(tmp_path / name)
    new = Successor(path)
    new.named()
    new.file.close()
    (left,) = left_beside(path)
    assert os.path.basename(left).startswith(prefix_of(path))


def test_what_only_looks_left_stays(tmp_path: Path) -> None:
    (tmp_path / f".images.tar.{12 * '0'}").mkdir()
    (tmp_path / f".images.tar.{12 * '1'}").symlink_to(tmp_path)
    for name in (f"images.tar.{12 * '0'}", f".images.tar.{11 * '0'}", f".images.tar.{12 * 'g'}"):
        (tmp_path / name).touch()
    assert left_beside(str(tmp_path / "images.tar")) == ()


@as_root
def test_what_others_left_counts_in_a_directory_of_ones_own(tmp_path: Path) -> None:
    theirs = tmp_path / f".images.tar.{12 * '0'}"
    theirs.touch()
    os.chown(theirs, NOBODY, NOBODY)
    assert left_beside(str(tmp_path / "images.tar")) == (str(theirs),)
    tmp_path.chmod(0o1777)
    assert left_beside(str(tmp_path / "images.tar")) == ()


@as_root
@pytest.mark.parametrize(
    ("mode", "owner", "expected"),
    [
        (0o755, 0, False),
        (0o700, 0, False),
        (0o2755, 0, False),
        (0o775, 0, True),
        (0o1777, 0, True),
        (0o702, 0, True),
        (0o755, NOBODY, True),
    ],
)
def test_directories_that_others_can_write_to_are_shared(tmp_path: Path, mode: int, owner: int, expected: bool) -> None:
    os.chown(tmp_path, owner, owner)
    tmp_path.chmod(mode)
    assert shared(str(tmp_path)) is expected


@contextmanager
def _as(user: int) -> Iterator[None]:
    os.setegid(user)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@as_root
@pytest.mark.parametrize(("group", "kept"), [(0, 0o604), (NOBODY, 0o664)])
def test_a_user_without_rights_keeps_what_is_safe(group: int, kept: int) -> None:
    """The group's permissions would go to another group."""
    with TemporaryDirectory() as mine:  # pytest's own lies where only root can go
        former = Path(mine) / "former"
        former.touch()
        former.chmod(0o664)
        os.chown(mine, NOBODY, NOBODY)
        os.chown(former, 0, group)
        with _as(NOBODY):
            assert may_be_inherited(str(former))
            descriptor = os.open(Path(mine) / "new", os.O_CREAT | os.O_RDWR, 0o600)
            inherit(descriptor, str(former))
            status = os.fstat(descriptor)
            os.close(descriptor)
    assert (stat.S_IMODE(status.st_mode), status.st_uid) == (kept, NOBODY)


@as_root
@pytest.mark.parametrize(
    ("directory", "owner", "named", "foreign"),
    [
        (0o1777, NOBODY, None, True),
        (0o1777, NOBODY, NOBODY, False),
        (0o1777, NOBODY, 1, True),
        (0o1777, 0, None, False),
        (0o777, NOBODY, None, False),
        (0o755, NOBODY, None, False),
        (0o1755, NOBODY, None, False),
    ],
)
def test_another_users_file_in_a_shared_directory_is_foreign(
    tmp_path: Path, directory: int, owner: int, named: int | None, foreign: bool
) -> None:
    tmp_path.chmod(directory)
    path = tmp_path / "file"
    assert not is_foreign(str(path), named)
    for link in (False, True):
        path.unlink(missing_ok=True)
        if link:
            path.symlink_to("/dev/null")
        else:
            path.touch()
        os.chown(path, owner, owner, follow_symlinks=False)
        assert is_foreign(str(path), named) is foreign
