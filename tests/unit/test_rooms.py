# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rooms of the collection, and the doors between them."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PLUGINS = REPOSITORY / "plugins"
OURS = "ansible_collections.gantry.docker.plugins."
FILES = sorted(PLUGINS.rglob("*.py"))

# The permitted imports between rooms; docs/design.md gives the reasons.
DOORS = {
    "modules": {"_task", "_operation"},
    "_task": {"_startup", "_plan", "_registry_options", "_engine", "_transport", "_ownership", "_errors"},
    "_startup": set(),
    "_operation": {
        "_plan",
        "_registry",
        "_container",
        "_retention",
        "_transfer",
        "_engine",
        "_archive",
        "_verifier",
        "_image",
        "_errors",
    },
    "_plan": {"_errors"},
    "_registry": {"_registry_options", "_engine", "_transport", "_image", "_errors"},
    "_transfer": {"_plan", "_engine", "_transport", "_archive", "_image", "_errors"},
    "_container": {"_plan", "_transfer", "_engine", "_transport", "_archive", "_image", "_errors"},
    "_retention": {"_plan", "_container", "_engine", "_transport", "_archive", "_image", "_errors"},
    "_engine": {"_transport", "_image", "_errors"},
    "_transport": {"_errors"},
    "_archive": {"_image", "_ownership", "_errors"},
    "_verifier": {"_image", "_errors"},
    "_image": {"_errors"},
    "_errors": set(),
    "_ownership": set(),
    "_registry_options": set(),
    "connection": {"_transport", "_errors"},
    "action": {"plugin_utils", "_verifier", "_errors"},
    "filter": {"plugin_utils", "_image", "_errors"},
    "plugin_utils": {"_transfer", "_engine", "_transport", "_archive", "_image", "_errors"},
    "doc_fragments": set(),
}
# The packages that each room may import beside the standard library. A room that is not here may import none.
FOREIGN = {
    "modules": {"ansible"},
    "_task": {"ansible"},
    "_archive": {"zstandard"},
    "connection": {"ansible"},
    "action": {"ansible"},
    "filter": {"plotly"},
}
# A module is sent to the host and compiled there for every task. The rooms that it never needs, it doesn't carry.
HEAVY = {"_archive", "_retention", "_container", "_registry", "_transfer"}
CARRIES = {
    "container_exec": {"_container"},
    "container_info": {"_container"},
    "container_run": {"_container", "_registry"},
    "image_commit": {"_container", "_archive", "_transfer"},
    "image_load": {"_archive", "_transfer"},
    "image_prune": {"_container", "_retention", "_archive"},
    "image_pull": {"_registry"},
    "image_push": {"_registry"},
    "image_remove": {"_container", "_retention"},
    "image_save": {"_archive", "_transfer"},
}
DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}
LONGEST_MODULE = 50


def place(module: str) -> str:
    """Return where a module of ours lies, without the parts that all share: C(image/reference)."""
    return module.removeprefix(OURS).removeprefix("module_utils.").replace(".", "/")


def room(where: str) -> str:
    """Return the room that a place belongs to."""
    return where.split("/")[0]


def place_of(file: Path) -> str:
    """Return where a file lies."""
    return place(".".join(file.relative_to(PLUGINS).with_suffix("").parts))


def imports(file: Path) -> Iterator[str]:
    """Yield the full name of every module, or of what may be one, that a file imports anywhere."""
    package = OURS.split(".")[:-1] + list(file.relative_to(PLUGINS).parent.parts)
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            source = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            yield from (submodule(source, alias.name) for alias in node.names)


def submodule(source: str, name: str) -> str:
    """Return the module that C(from source import name) reaches: source.name where that is one of ours."""
    below = PLUGINS.joinpath(*f"{source}.{name}".removeprefix(OURS).split("."))
    is_module = source.startswith(OURS.rstrip(".")) and (below.with_suffix(".py").exists() or below.is_dir())
    return f"{source}.{name}" if is_module else source


def carried(file: Path) -> set[str]:
    """Return the places of all code that a module imports, directly or not: Ansible sends it along."""
    found: set[str] = set()
    waiting = [file]
    while waiting:
        for name in imports(waiting.pop()):
            source = PLUGINS.joinpath(*name.removeprefix(OURS).split(".")).with_suffix(".py")
            if name.startswith(OURS) and source.exists() and place(name) not in found:
                found.add(place(name))
                waiting.append(source)
    return found


def named(file: Path) -> str:
    """Name a file in pytest's output."""
    return str(file.relative_to(PLUGINS))


def top(file: Path) -> str:
    """Return the folder of plugins/ that a file lies in."""
    return file.relative_to(PLUGINS).parts[0]


each_file = pytest.mark.parametrize("file", FILES, ids=named)
each_module = pytest.mark.parametrize("file", sorted(PLUGINS.glob("modules/*.py")), ids=named)


@each_file
def test_is_in_a_room(file: Path) -> None:
    assert room(place_of(file)) in DOORS, "design.md has no such room"


def test_design_has_these_rooms_and_doors() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| (.+) \|$", (REPOSITORY / "docs" / "design.md").read_text(), re.MULTILINE)
    assert {here: set(re.findall(r"`(\w+)`", there)) for here, there in rows} == DOORS


@each_file
def test_uses_only_its_doors(file: Path) -> None:
    here = room(place_of(file))
    there = {place(name) for name in imports(file) if name.startswith(OURS)}
    assert not {where for where in there if room(where) not in {here, *DOORS[here]}}


@pytest.mark.parametrize("file", [file for file in FILES if top(file).endswith("_utils")], ids=named)
def test_says_that_it_is_private(file: Path) -> None:
    """Ansible's rule for included collections: a leading underscore, and a comment that the code is private."""
    assert "# Private to this collection: " in file.read_text()
    assert file.relative_to(PLUGINS).parts[1].startswith("_")


@each_module
def test_module_runs_its_own_operation(file: Path) -> None:
    operations = {where for name in imports(file) if room(where := place(name)) == "_operation"}
    assert operations == {f"_operation/{file.stem}"}


@each_file
def test_imports_no_foreign_package_that_belongs_elsewhere(file: Path) -> None:
    packages = {name.split(".")[0] for name in imports(file) if not name.startswith(OURS)}
    assert packages - sys.stdlib_module_names <= FOREIGN.get(room(place_of(file)), set())


@each_file
def test_only_tasks_and_modules_know_ansible_module(file: Path) -> None:
    if room(place_of(file)) not in {"modules", "_task"}:
        assert not {name for name in imports(file) if name.startswith("ansible.module_utils.basic")}


def test_check_mode_is_asked_once() -> None:
    asked: list[str] = []
    for file in PLUGINS.glob("module_utils/**/*.py"):
        asked += [place_of(file)] * len(re.findall(r"\bcheck_mode\b", file.read_text()))
    assert asked == ["_task"]


@each_module
def test_module_is_little_more_than_its_documentation(file: Path) -> None:
    assert len(lines_of_logic(file.read_text())) <= LONGEST_MODULE


@each_module
def test_task_carries_nothing_that_it_never_needs(file: Path) -> None:
    assert {room(where) for where in carried(file)} & HEAVY <= CARRIES.get(file.stem, set())


def lines_of_logic(source: str) -> list[str]:
    """Return the lines of a module that are neither documentation, nor comments, nor empty."""
    documented = {
        number
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and {ast.unparse(target) for target in node.targets} & DOCUMENTATION
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    numbered = enumerate(source.splitlines(), start=1)
    return [line for number, line in numbered if number not in documented and line.strip() and line[0] != "#"]
