# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of the tests on other controllers, and their table in README.md."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.gantry.docker.tests.matrix import results
from ansible_collections.gantry.docker.tests.matrix.__main__ import REQUIREMENTS, chosen_pairs
from ansible_collections.gantry.docker.tests.matrix.results import BEGIN, END, PAIRS, Pair, Result

ONE = Result("2.18-3.12", "2.18.1", "3.12.4", ("sid-classic", "sid-containerd"), "2026-11-01", 10, 0, 2)
OTHER = Result("2.17-3.11", "2.17.9", "3.11.2", ("sid-classic",), "2026-11-02", 9, 1, 3)


def test_readme_shows_the_kept_results() -> None:
    text = results.README.read_text()
    assert results.with_table(text, results.read().values()) == text


def test_a_result_takes_the_place_of_the_former_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FILE", tmp_path / "results.json")
    monkeypatch.setattr(results, "README", tmp_path / "README.md")
    (tmp_path / "README.md").write_text(f"before\n{BEGIN}old\n{END}after\n")
    for result in (ONE, OTHER._replace(passed=1), OTHER):
        results.keep(result)
    assert list(results.read().values()) == [OTHER, ONE]
    lines = (tmp_path / "README.md").read_text().splitlines()
    assert (lines[0], lines[-1], "old" in lines) == ("before", "after", False)
    assert lines[5] == "| 2.17.9 | 3.11.2 | sid-classic | 9 | 3 | 1 | 2026-11-02 |"
    assert lines[6] == "| 2.18.1 | 3.12.4 | sid-classic, sid-containerd | 10 | 2 | 0 | 2026-11-01 |"


def test_without_a_run_the_page_says_so() -> None:
    assert results.with_table(f"{BEGIN}old{END}", []) == f"{BEGIN}\nNone yet.\n\n{END}"


def test_a_page_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"README\.md lacks"):
        results.with_table("no table\n", [ONE])


def test_the_ends_of_what_is_here_are_chosen() -> None:
    here = dict.fromkeys((11, 13), Path("python"))
    assert chosen_pairs(PAIRS, here) == [Pair("2.17", "3.11"), Pair("2.21", "3.13")]
    assert chosen_pairs(PAIRS, {}) == []


def test_each_core_that_the_collection_supports_is_locked() -> None:
    oldest = yaml.safe_load((results.REPOSITORY / "meta/runtime.yml").read_text())["requires_ansible"]
    cores = {pair.core for pair in PAIRS}
    assert oldest == f">={min(cores)}.0"
    assert {file.stem.partition("-")[2] for file in REQUIREMENTS.glob("core-*.txt")} == cores
