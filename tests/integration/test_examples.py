# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All examples, run as users run them: they work, and a second run changes nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml

from ansible_collections.gantry.docker.tests.engines import engine as engines
from ansible_collections.gantry.docker.tests.support import playbooks

HERE = Path(__file__)
REPOSITORY = HERE.parents[2]
PLUGINS = {
    file.stem: file for kind in ("modules", "filter") for file in sorted((REPOSITORY / "plugins" / kind).glob("*.py"))
}
ROLE = REPOSITORY / "roles" / "images"
PLAYBOOKS = {
    "readme": REPOSITORY / "README.md",
    "front": REPOSITORY / "docs" / "site" / "index.md",
    "role": ROLE / "README.md",
    "nightly": ROLE / "examples" / "images.yml",
}
SOURCES = [*PLAYBOOKS, *PLUGINS]
# A second run of these changes something again: commands, and examples that undo their own work.
CHANGE_AGAIN = {"container_exec", "container_run"}
RECAP = re.compile(r"^(\w+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=0\s+failed=(\d+)", re.MULTILINE)

Task = dict[str, Any]

# All of the examples are run within the first test.
pytestmark = [pytest.mark.one_engine, pytest.mark.timeout(1800)]


def examples(source: str) -> list[Task]:
    """Return the tasks of a source: the playbooks in a file, or the EXAMPLES of a plugin, which isn't imported."""
    if source not in PLAYBOOKS:
        return _examples(source)
    text = PLAYBOOKS[source].read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE) or [text]
    playbooks = [loaded for block in blocks if isinstance(loaded := yaml.safe_load(block), list)]
    return [task for playbook in playbooks for play in playbook for task in play["tasks"]]


def _examples(plugin: str) -> list[Task]:
    body = ast.parse(PLUGINS[plugin].read_text()).body
    (source,) = [
        ast.literal_eval(node.value)
        for node in body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXAMPLES"
    ]
    tasks: list[Task] = yaml.safe_load(source)
    return tasks


def before() -> list[Task]:
    """Return the tasks before the examples: they need an engine with their images, and without containers."""
    have = {"gantry.docker.image_pull": {"names": ["busybox", "debian:12"]}}
    tag = {"name": "busybox", "repository": ["example/tools:1", "example/tools:stable"]}
    leftovers = ["sleeper", "shell", "newest", "accepted", "server", "workshop"]
    gone = {"name": "{{ item }}", "state": "absent", "stop_timeout": 0}
    return [{"gantry.docker.container_run": gone, "loop": leftovers}, have, {"gantry.docker.image_tag": tag}]


def plays(source: str) -> list[dict[str, Any]]:
    """Return the plays of a source: set up, run the examples, and run them again, with a host for each."""
    runs = {"before": before(), "first": examples(source), "again": examples(source)}
    return [
        {"name": f"{source}: {run}", "hosts": f"{source}_{run}", "gather_facts": False, "tasks": tasks}
        for run, tasks in runs.items()
    ]


@pytest.fixture(scope="module")
def recap(
    engine: engines.Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[int, int, str]]]:
    """For each host: the number of changed and of failed tasks, and Ansible's output."""
    place = tmp_path_factory.mktemp("examples")
    playbook = [play for source in SOURCES for play in plays(source)]
    playbooks.write(place, playbook, {play["hosts"]: playbooks.LOCAL for play in playbook})
    done = playbooks.run(place, timeout=1700, **engine.environment, ANSIBLE_PIPELINING="true")
    said = done.stdout + done.stderr
    counted = RECAP.findall(said)
    assert counted, said
    yield {host: (int(changed), int(failed), said) for host, _ok, changed, failed in counted}
    for written in Path("/var/tmp").glob("gantry-example*"):  # noqa: S108
        written.unlink()


def part(said: str, source: str) -> str:
    """Return Ansible's output of one source's plays."""
    return "PLAY".join(play for play in said.split("PLAY") if play.startswith(f" [{source}: "))


@pytest.mark.parametrize("source", SOURCES)
def test_examples_work(source: str, recap: dict[str, tuple[int, int, str]]) -> None:
    for run in ("before", "first", "again"):
        assert f"{source}_{run}" in recap, recap
        _changed, failed, said = recap[f"{source}_{run}"]
        assert not failed, part(said, source)


@pytest.mark.parametrize("source", SOURCES)
def test_examples_change_nothing_the_second_time(source: str, recap: dict[str, tuple[int, int, str]]) -> None:
    changed, _failed, said = recap[f"{source}_again"]
    assert bool(changed) == (source in CHANGE_AGAIN or uses(source, "container_exec")), part(said, source)


def uses(source: str, other: str) -> bool:
    """Return whether the source's examples use another module that counts as changed."""
    return any(f"gantry.docker.{other}" in task and not _is_told(task) for task in examples(source))


def _is_told(task: Task) -> bool:
    return "changed_when" in task


def test_the_engine_has_what_the_examples_made(engine: engines.Engine, recap: dict[str, Any]) -> None:
    client: docker.DockerClient = engine.client()
    tags = {tag for image in client.images.list() for tag in image.tags}
    client.close()
    assert {"busybox:latest", "debian:12", "example/tools:stable"} <= tags
