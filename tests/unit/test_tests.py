# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules for tests: CONTRIBUTING.md has them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


def replaced(source: str) -> Iterator[str]:
    """Yield each name that a test replaces: the texts before the new value in calls such as monkeypatch.setattr."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Attribute, ast.Name)):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            if called in {"setattr", "patch", "object"}:
                texts = [given.value for given in node.args[:2] if isinstance(given, ast.Constant)]
                yield from (str(text) for text in texts)


@pytest.mark.parametrize("file", sorted(TESTS.glob("integration/test_*.py")), ids=lambda file: file.stem)
def test_integration_tests_replace_no_private_name(file: Path) -> None:
    private = [name for name in replaced(file.read_text()) if name.rpartition(".")[2].startswith("_")]
    assert not private, "make the fault at the engine's socket, with the fixture between"
