# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text is parsed at the edge: only certain files look for a colon or an at sign in it, or for an address's scheme."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"

# The files that parse such text, and what text that is.
EDGES = {
    "module_utils/_archive/digests.py": "digests, as archives write them",
    "module_utils/_container/options.py": "volumes and ports, as users and engines write them",
    "module_utils/_image/patterns.py": "patterns of names, as users write them",
    "module_utils/_image/reference.py": "names and Ids, as users and engines write them",
    "module_utils/_registry/credentials.py": "a user and a password, as the CLI's configuration writes them",
    "module_utils/_transport/address.py": "addresses, as users and Docker contexts write them",
    "module_utils/_transport/client.py": "headers of HTTP",
    "module_utils/_image/insecure.py": "registries, as users and engines write them",
    "module_utils/_registry/mirrors.py": "users and passwords, as hosts.toml has them",
    "plugin_utils/_engine/mirrors.py": "addresses of mirrors, as users write them",
}
SIGNS = ("@", ":")
METHODS = ("partition", "rpartition", "split", "rsplit", "startswith", "endswith", "removeprefix", "removesuffix")
# The length of "sha256:", by which a digest can be cut without a method.
HEAD = len("sha256:")


def cuts(source: str) -> Iterator[int]:
    """Yield the lines that look into names, digests or addresses."""
    for node in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.expr)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            found = any(sign in text for argument in node.args for text in _texts(argument) for sign in SIGNS)
        elif isinstance(node, ast.Compare) and any(isinstance(one, (ast.In, ast.NotIn)) for one in node.ops):
            found = isinstance(node.left, ast.Constant) and node.left.value in SIGNS
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            found = isinstance(node.slice.lower, ast.Constant) and node.slice.lower.value == HEAD
        else:
            found = False
        if found:
            yield node.lineno


def _texts(node: ast.expr) -> Iterator[str]:
    """Yield the texts in an expression, also the parts of f-strings."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


@pytest.mark.parametrize(
    "source",
    [
        *('x.partition("@")', 'x.rpartition(":")', 'x.split(":")', 'x.partition("://")', 'x.startswith("sha256:")'),
        *('x.startswith(("tcp:", "unix:"))', 'x.startswith(f"sha256:{y}")', '"@" in x', '":" not in x', "x[7:]"),
    ],
)
def test_what_looks_into_text_is_seen(source: str) -> None:
    assert list(cuts(source)) == [1]


@pytest.mark.parametrize(
    "source", ['x.partition("/")', 'x.startswith("a")', '"a" in x', 'x.find(f"sha256:{y}")', "x[:7]"]
)
def test_nothing_else_is_seen(source: str) -> None:
    assert not list(cuts(source))


def test_only_edges_look_into_text() -> None:
    """A row too many is wrong too: it would allow what nobody needs."""
    found = {
        str(file.relative_to(PLUGINS)): lines
        for file in sorted(PLUGINS.rglob("*.py"))
        if (lines := list(cuts(file.read_text(encoding="utf-8"))))
    }
    assert set(found) == set(EDGES), found
