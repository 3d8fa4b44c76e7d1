# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every line of the collection knows its place: the rooms, and the doors between them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
OURS = "ansible_collections.gantry.docker.plugins."
FILES = sorted(PLUGINS.rglob("*.py"))

# Who may import whom. A verb's plan is written with operation/plan.py, the one file that verbs share. A connection
# plugin talks to the engine by engine/wire.py, which needs no SDK: its import would be paid for by every task.
DOORS = {
    "modules": {"task", "operation"},
    "task": {"startup", "operation/plan", "engine", "engine/address", "image"},
    "startup": set(),
    "operation": {"operation/plan", "engine", "image"},
    "operation/plan": {"image"},
    "engine": {"engine", "engine/address", "engine/answers", "engine/shapes", "engine/ssh", "engine/wire", "image"},
    "engine/address": {"image"},
    "engine/dial": {"engine/address", "engine/ssh", "engine/tls", "image"},
    "engine/ssh": {"engine/address"},
    "engine/tls": {"engine/address", "engine/dial"},
    "engine/answers": set(),
    "engine/shapes": {"engine/answers"},
    "engine/wire": {"engine/address", "engine/answers", "engine/dial", "engine/shapes", "image"},
    "image": {"image"},
    "action": {"image"},
    "connection": {"engine/address", "engine/wire", "image"},
    "filter": {"image"},
    "doc_fragments": set(),
}
# What each room may import beside the standard library.
FOREIGN = {
    "modules": {"ansible"},
    "task": {"ansible"},
    "startup": set(),
    "operation": set(),
    "operation/plan": set(),
    "engine": {"docker", "requests", "urllib3"},
    "engine/address": set(),
    "engine/answers": set(),
    "engine/shapes": set(),
    "engine/dial": set(),
    "engine/ssh": set(),
    "engine/tls": set(),
    "engine/wire": set(),
    "image": {"zstandard"},
    "action": {"ansible"},
    "connection": {"ansible"},
    "filter": {"ansible"},
    "doc_fragments": set(),
}
# A module is sent to the host and compiled there for every task. What it never needs, it doesn't carry; what it needs
# for something that is seldom to be done, it imports then.
PACKING = {"image/assembly", "image/decompression", "image/embedded", "image/packing", "image/streamed"}
READING = {"image/archive", "image/compression", "image/contents", "image/tar"}
REGISTRIES = {"engine/credentials", "engine/distribution"}
PULLING = {"engine/pulling"}
CONTAINERS = {"engine/containers"}
PLAIN_HTTP = {"engine/commands", "engine/wire", "engine/dial", "engine/tls"}
WRITING = {"image/successor", "image/verification"}
TRANSFER = {"engine/archives", "engine/stream"}
ALL = PACKING | READING | WRITING | REGISTRIES | PULLING | CONTAINERS | PLAIN_HTTP
CARRIES = {
    "container_exec": CONTAINERS | PLAIN_HTTP,
    "container_info": CONTAINERS,
    "container_run": CONTAINERS | REGISTRIES | PULLING,
    "image_commit": CONTAINERS | READING | PACKING,
    "image_load": READING | PACKING | {"image/verification"},
    "image_prune": CONTAINERS | READING,
    "image_pull": REGISTRIES | PULLING,
    "image_push": REGISTRIES,
    "image_remove": CONTAINERS,
    "image_save": READING | PACKING | WRITING,
}
LATE = {
    "container_run": PULLING | {"engine/distribution", "engine/patience"},
    "image_info": {"image/history"},
    "image_load": PACKING | TRANSFER | {"image/verification"},
    "image_remove": CONTAINERS,
    "image_save": PACKING | WRITING | TRANSFER,
}
DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}
LONGEST_MODULE = 50


def place(module: str) -> str:
    """Return where a module of ours lies, without the parts that all share: C(image/reference)."""
    return module.removeprefix(OURS).removeprefix("module_utils.").replace(".", "/")


def room(where: str) -> str:
    """Return the room that a place belongs to."""
    return where if where in DOORS else where.split("/")[0]


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
    """Return where all lies that a module imports anywhere, and what that imports: Ansible sends it along."""
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


each_file = pytest.mark.parametrize("file", FILES, ids=named)
each_module = pytest.mark.parametrize("file", sorted(PLUGINS.glob("modules/*.py")), ids=named)


@each_file
def test_is_in_a_room(file: Path) -> None:
    assert room(place_of(file)) in DOORS, "design.md has no such room"


@each_file
def test_uses_only_its_doors(file: Path) -> None:
    here = room(place_of(file))
    there = {place(name) for name in imports(file) if name.startswith(OURS)}
    assert not {where for where in there if room(where) not in DOORS[here]}


@each_module
def test_module_runs_its_own_operation(file: Path) -> None:
    operations = {where for name in imports(file) if room(where := place(name)) == "operation"}
    assert operations == {f"operation/{file.stem}"}


@each_file
def test_imports_no_foreign_package_that_belongs_elsewhere(file: Path) -> None:
    packages = {name.split(".")[0] for name in imports(file) if not name.startswith(OURS)}
    assert packages - sys.stdlib_module_names <= FOREIGN[room(place_of(file))]


@each_file
def test_only_tasks_and_modules_know_ansible_module(file: Path) -> None:
    if room(place_of(file)) not in {"modules", "task"}:
        assert not {name for name in imports(file) if name.startswith("ansible.module_utils.basic")}


def test_check_mode_is_asked_once() -> None:
    asked: list[str] = []
    for file in PLUGINS.glob("module_utils/**/*.py"):
        asked += [place_of(file)] * len(re.findall(r"\bcheck_mode\b", file.read_text()))
    assert asked == ["task"]


@each_module
def test_module_is_little_more_than_its_documentation(file: Path) -> None:
    assert len(lines_of_logic(file.read_text())) <= LONGEST_MODULE


@each_module
def test_task_carries_nothing_that_it_never_needs(file: Path) -> None:
    assert carried(file) & ALL <= CARRIES.get(file.stem, set())


@pytest.mark.parametrize("name", LATE)
def test_task_waits_for_no_import_that_it_may_not_need(name: str) -> None:
    program = f"import sys, {OURS}modules.{name}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not LATE[name] & {place(loaded) for loaded in done.stdout.split() if loaded.startswith(OURS)}


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
