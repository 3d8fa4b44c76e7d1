# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several runs of the role golden_image for one image: one builds at a time, and removes a dead run's leftovers."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import docker
import pytest
from docker.models.containers import Container

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.support import playbooks
from ansible_collections.gantry.docker.tests.support.waiting import wait_for

KEY = hashlib.sha256(b"app:1").hexdigest()[:12]
CLAIM = f"golden-image-claim-app-1-{KEY}"
LABEL = "gantry.docker.golden_image."
BUILDER = f"golden-image-app-1-{KEY}-"
# A build that is held up stays so until somebody makes the file /go in its container.
TASKS = """
- ansible.builtin.raw: |
    echo {{ who }} >/who
    while {{ held | ternary('true', 'false') }} && ! rm /go 2>/dev/null; do sleep 0.1; done
    echo {{ who }} >>/who
  changed_when: true
"""
VARIABLES = {
    "golden_image_name": "app:1",
    "golden_image_base": "busybox",
    "golden_image_pull": "never",
    "golden_image_gather_facts": False,
    "golden_image_apply": [
        {"tasks": "tasks.yml", "vars": {"who": "{{ who | default('nobody') }}", "held": "{{ held | default(false) }}"}}
    ],
    "golden_image_check_command": "tail -f /dev/null",
}

T = TypeVar("T")


class Run:
    """A run of the role, in a process group of its own."""

    def __init__(self, engine: Engine, place: Path, options: tuple[str, ...], variables: dict[str, Any]) -> None:
        name = variables.get("who", "nobody")
        self._output = place / f"output-{name}"
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                playbooks.command("--extra-vars", json.dumps(variables), *options),
                cwd=place,
                env={
                    **playbooks.settings(place),
                    "ANSIBLE_PIPELINING": "true",  # quicker
                    "DOCKER_HOST": engine.docker_host,
                },
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """Its output so far, as one line."""
        return " ".join(self._output.read_text().split())

    def ends(self, code: int = 0) -> str:
        """Wait for its end, verify its exit code, and return its output."""
        assert self.process.wait(400) == code, self._output.read_text()
        return self.said

    def kill(self) -> None:
        """Kill ansible-playbook alone, which can clean up nothing."""
        self.process.kill()
        self.process.wait()

    def end_group(self) -> None:
        """Kill its remaining processes."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.process.wait()


Start = Callable[..., Run]


@pytest.fixture
def start(engine: Engine, tmp_path: Path) -> Iterator[Start]:
    """Start a run: with options of ansible-playbook, and variables."""
    task = {"ansible.builtin.include_role": {"name": "gantry.docker.golden_image"}, "vars": VARIABLES}
    play = {"hosts": "all", "gather_facts": False, "tasks": [task]}
    playbooks.write(tmp_path, [play], {"one": playbooks.LOCAL, "two": playbooks.LOCAL})
    (tmp_path / "tasks.yml").write_text(TASKS)
    runs: list[Run] = []

    def started(*options: str, **variables: Any) -> Run:
        runs.append(Run(engine, tmp_path, options or ("--limit=one",), variables))
        return runs[-1]

    yield started
    for run in runs:
        run.end_group()


def seen(what: Callable[[], T]) -> T:
    """Wait until there is something, and return it."""
    found = wait_for(what, 300)
    assert found
    return found


def builder(engine: docker.DockerClient) -> Container:
    """Return the container of a run that waits."""

    def held() -> Container | None:
        for one in engine.containers.list():
            builds = re.match("golden-image-app-1(?!.*-foreseen)", str(one.name))
            if builds and one.exec_run("test -e /who").exit_code == 0:
                return one
        return None

    found = seen(held)
    assert found
    return found


def told(said: str) -> str:
    """Return a run's final message, which must not have control characters."""
    _before, message = said.split("app:1 was not built: ", 1)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", message), ascii(message)
    return message


def go_on(container: Container) -> None:
    assert container.exec_run("touch /go").exit_code == 0


def names(engine: docker.DockerClient) -> list[str]:
    return sorted(str(container.name) for container in engine.containers.list(all=True))


def built_by(engine: docker.DockerClient) -> list[str]:
    """Return the lines in the image's file; assert that nothing but the image is left."""
    assert sorted(tag for image in engine.images.list() for tag in image.tags) == ["app:1", "busybox:latest"]
    assert names(engine) == []
    said: bytes = engine.containers.run("app:1", ["cat", "/who"], remove=True)
    return said.decode().split()


def test_one_builds_at_a_time(busybox: docker.DockerClient, start: Start) -> None:
    one = start(who="one", held=True, golden_image_checks=["test -e /who"])
    held = builder(busybox)
    # The same image, spelt otherwise.
    two = start(who="two", golden_image_name="docker.io/library/app:1")
    refused = start(who="refused", golden_image_wait=0)
    said = refused.ends(2)
    assert f"on the controller {platform.node()}, process {one.process.pid}, for the host one" in said
    assert f"docker rm --force {CLAIM}, on one" in said
    seen(lambda: "RETRYING: [one]: " in two.said)
    assert names(busybox) == sorted([CLAIM, str(held.name)])
    go_on(held)
    one.ends()
    two.ends()
    assert built_by(busybox) == ["two", "two"]
    layers = busybox.images.get("app:1").attrs["RootFS"]["Layers"]
    assert len(layers) == len(busybox.images.get("busybox").attrs["RootFS"]["Layers"]) + 2
    assert not [label for label in busybox.images.get("app:1").labels if label in (f"{LABEL}run", f"{LABEL}process")]


def test_dead_runs_are_taken_over(busybox: docker.DockerClient, start: Start) -> None:
    start(who="first").ends()
    foreseen = start("--check", "--limit=one", who="foreseen")
    seen(lambda: names(busybox))
    foreseen.kill()
    one = start(who="one", held=True)
    held = builder(busybox)
    there = sorted([CLAIM, str(held.name)])
    assert names(busybox) == there, "the killed check run's container is still there"
    start("--check", "--limit=one", who="another").ends()
    assert names(busybox) == there, "a check run has removed what was another's, or left its own"
    one.kill()
    busybox.images.get("busybox").tag("app", f"candidate-{KEY}-{str(held.name)[-8:]}")
    start(who="two", golden_image_wait=0).ends()
    assert built_by(busybox) == ["two", "two"]


@pytest.mark.one_engine
def test_what_a_failure_left_goes_with_the_next(busybox: docker.DockerClient, start: Start) -> None:
    """Its output has no control character that a terminal would obey."""
    # Octal numbers of UTF-8, because Ansible prints the command: no control characters come from there.
    prints = "printf '\\033[31mred \\302\\2332J\\nnext' >&2; exit 3"
    said = told(start(who="nobody", golden_image_bootstrap=prints).ends(2))
    assert "'Make sure that all was applied' failed: " in said and r"red \x9b2J" in said
    assert "* TASK [Run the bootstrap command] *" in said
    (first,) = names(busybox)
    check = {"golden_image_checks": [["sh", "-c", prints]], "golden_image_check_retries": 0}
    said = told(start(who="one", **check).ends(2))
    assert r"\x1b[31mred \x9b2J next" in said
    (left,) = names(busybox)
    assert left != first
    assert left.startswith(BUILDER) and f"docker exec -it {left} sh, on one" in said
    start("--check", "--limit=one", who="foreseen").ends()
    assert names(busybox) == [left]
    start(who="two", golden_image_container="other").ends()
    assert built_by(busybox) == ["two", "two"]


@pytest.mark.one_engine
def test_a_run_that_lost_its_claim_moves_no_tag(busybox: docker.DockerClient, start: Start) -> None:
    one = start(who="one", held=True)
    held = builder(busybox)
    busybox.containers.get(CLAIM).remove(force=True)
    other = busybox.containers.run("busybox", ["tail", "-f", "/dev/null"], name=CLAIM, detach=True)
    go_on(held)
    said = one.ends(2)
    assert f"This run has lost its claim ({CLAIM})" in said and "There was no such image before." in said
    assert [tag for image in busybox.images.list() for tag in image.tags] == ["busybox:latest"]
    assert names(busybox) == sorted([str(held.name), str(other.name)])


@pytest.mark.one_engine
def test_a_claim_from_elsewhere_holds_until_it_expires(busybox: docker.DockerClient, start: Start) -> None:
    elsewhere = {"run": "00000000", "controller": "elsewhere", "process": "boot pid:[1] 1 1", "host": "another"}
    labels = {LABEL + key: value for key, value in elsewhere.items()}
    up = ["tail", "-f", "/dev/null"]
    claim = busybox.containers.run("busybox", up, name=CLAIM, labels=labels, detach=True)
    said = start(who="refused", golden_image_wait=0).ends(2)
    assert "on the controller elsewhere, process 1, for the host another" in said
    assert names(busybox) == [CLAIM]
    claim.kill()
    start(who="one", golden_image_wait=0).ends()
    busybox.containers.run("busybox", up, name=CLAIM, labels=labels, detach=True)
    start(who="two", golden_image_wait=0, golden_image_claim_expires=0).ends()
    assert built_by(busybox) == ["two", "two"]


@pytest.mark.one_engine
def test_of_two_hosts_of_one_engine_one_builds(busybox: docker.DockerClient, start: Start) -> None:
    said = start("--forks=2", who="both").ends(2)
    assert "of this play already. Let one host build for all" in said
    assert "RETRYING" not in said
    assert built_by(busybox) == ["both", "both"]
