# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The common promises of the modules in their documentation, beyond ansible-test's checks."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
README = REPOSITORY / "README.md"
MODULES = sorted(file.stem for file in REPOSITORY.glob("plugins/modules/*.py"))
COLLECTION = "gantry.docker"
# Keywords of a task that examples may use beside the module's name.
KEYWORDS = {
    "name",
    "register",
    "when",
    "check_mode",
    "diff",
    "delegate_to",
    "loop",
    "vars",
    "changed_when",
    "loop_control",
}

Documentation = dict[str, Any]


@pytest.fixture(scope="session")
def documentation() -> dict[str, Documentation]:
    """Return the documentation of each module by ansible-doc, with fragments, by the short name of the module."""
    command = ["ansible-doc", "--json", "--type", "module", *(f"{COLLECTION}.{name}" for name in MODULES)]
    answer = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "NO_COLOR": "1"})
    known = cast(dict[str, Documentation], json.loads(answer.stdout))
    return {name: known[f"{COLLECTION}.{name}"] for name in MODULES}


def action_group() -> list[str]:
    """Return the modules for which C(module_defaults) with the group applies."""
    runtime = yaml.safe_load((REPOSITORY / "meta/runtime.yml").read_text())
    return cast(list[str], runtime["action_groups"]["docker"])


def test_action_group_lists_exactly_the_modules() -> None:
    assert action_group() == MODULES


def test_readme_lists_exactly_the_modules() -> None:
    listed = re.findall(r"^\| \[`(\w+)`\]\(plugins/modules/(\w+)\.py\) \|", README.read_text(), re.MULTILINE)
    assert sorted(listed) == [(name, name) for name in MODULES]


def test_moving_over_lists_exactly_the_options(documentation: dict[str, Documentation]) -> None:
    text = (REPOSITORY / "docs/moving_over.md").read_text()
    rows = re.findall(r"^\| (?:\[`(\w+)`\]\(\S+\)|all) \| (.*) \| ?(.*)\|$", text, re.MULTILINE)
    listed = {module: (re.findall(r"`(\w+)`", theirs), re.findall(r"`(\w+)`", new)) for module, theirs, new in rows}
    of_all, _new = listed.pop("")
    for module, (theirs, new) in listed.items():
        options = documentation[module]["doc"]["options"]
        names = {option: {option, *about.get("aliases", [])} for option, about in options.items()}
        assert {*theirs, *new, *of_all} <= set().union(*names.values()), module
        unlisted = {option for option, known in names.items() if not known & {*theirs, *new, *of_all}}
        assert not unlisted, module


each_module = pytest.mark.parametrize("name", MODULES)


@each_module
def test_check_and_diff_mode_are_full(name: str, documentation: dict[str, Documentation]) -> None:
    attributes = documentation[name]["doc"]["attributes"]
    assert attributes["check_mode"]["support"] == "full"
    assert attributes["diff_mode"]["support"] in ({"full", "N/A"} if name.endswith("_info") else {"full"})


@each_module
def test_module_says_it_is_in_the_action_group(name: str, documentation: dict[str, Documentation]) -> None:
    group = documentation[name]["doc"]["attributes"]["action_group"]
    assert group["membership"] == [f"{COLLECTION}.docker"]


@each_module
def test_module_can_be_told_where_the_engine_is(name: str, documentation: dict[str, Documentation]) -> None:
    assert {"docker_host", "tls", "api_version", "timeout"} <= set(documentation[name]["doc"]["options"])


@each_module
def test_results_mean_to_ansible_what_they_mean_here(name: str, documentation: dict[str, Documentation]) -> None:
    """From these keys Ansible infers a loop, a skipped or failed task, and so on (executor/task_result.py)."""
    taken = {"results", "skipped", "failed", "unreachable", "retries", "attempts", "ansible_facts", "invocation"}
    assert not taken & set(documentation[name]["return"] or {})


@each_module
def test_examples_use_what_there_is(name: str, documentation: dict[str, Documentation]) -> None:
    tasks = yaml.safe_load(documentation[name]["examples"])
    assert any(f"{COLLECTION}.{name}" in task for task in tasks), "no example uses the module itself"
    for task in tasks:
        for action in set(task) - KEYWORDS:
            used = action.removeprefix(f"{COLLECTION}.")
            assert used in MODULES or action.startswith("ansible.builtin."), f"{action} is no module"
            if used in MODULES:
                assert set(task[action] or ()) <= _options(documentation[used])


def _options(known: Documentation) -> set[str]:
    """Return all that a module's options can be called."""
    options = known["doc"]["options"]
    return {*options, *(alias for described in options.values() for alias in described.get("aliases", ()))}


def test_results_of_one_name_have_one_type(documentation: dict[str, Documentation]) -> None:
    types = defaultdict(set)
    for known in documentation.values():
        for result, described in (known["return"] or {}).items():
            types[result].add((described["type"], described.get("elements")))
    assert {result: found for result, found in types.items() if len(found) > 1} == {}


@each_module
def test_results_say_what_was_done(name: str, documentation: dict[str, Documentation]) -> None:
    if not name.endswith("_info"):
        assert "actions" in documentation[name]["return"]
