# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides, followed as a reader would: files are written, commands run, and what they should print is looked for.

In a guide, a block of YAML begins with the name of its file, and a block of console has commands after `$`. The lines
below a command, each in one of its lines, are what it prints. A block of Python is a part of the file that it names.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration.conftest import wipe
from ansible_collections.gantry.docker.tests.integration.cosign import cosign
from ansible_collections.gantry.docker.tests.integration.registries import Registry

REPOSITORY = Path(__file__).resolve().parents[2]
# All pages with examples that aren't about how the collection itself is made.
GUIDES = [path.stem for path in sorted((REPOSITORY / "docs").glob("*.md")) if "\n```console\n" in path.read_text()]
NEED_COSIGN = {"verifiers"}
EMPTY = "test: an engine without images"
PART = re.compile(rf"^```(?P<kind>\w*)\n(?P<block>.*?)^```$|^<!-- (?P<empty>{EMPTY}) -->$", re.DOTALL | re.MULTILINE)

pytestmark = [pytest.mark.one_engine, pytest.mark.timeout(600)]


def parts(guide: str) -> Iterator[tuple[str, str]]:
    """Each block of a guide with its kind, and each place where the reader goes on with another engine."""
    for found in PART.finditer((REPOSITORY / "docs" / f"{guide}.md").read_text()):
        yield found["kind"] or "empty", found["block"] or ""


def commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block, and the lines that it prints."""
    for chunk in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *printed = chunk.splitlines()
        yield command, printed


class Reader:
    """Follows a guide in a directory of its own."""

    def __init__(self, place: Path, engine: Engine) -> None:
        self.place = place
        settings = place / "ansible.cfg"
        settings.touch()  # and no other is looked for
        self._environment = {
            **os.environ,
            **engine.environment,
            "ANSIBLE_COLLECTIONS_PATH": str(place / "collections"),
            "ANSIBLE_CONFIG": str(settings),
            "ANSIBLE_HOME": str(place),
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_TRANSPORT": "local",  # the hosts of inventories are this machine
            "PATH": f"{place / 'tools'}{os.pathsep}{engine.environment['PATH']}",
            "PYTHONPATH": "",  # the collection is the one that was installed
        }

    def run(self, command: str, directory: Path | None = None) -> str:
        """Run a command, which must succeed; what it prints."""
        done = subprocess.run(
            ["bash", "-ec", command],
            cwd=directory or self.place,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=500,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}"
        return done.stdout

    def install(self) -> None:
        """Build the collection, and install it from there, as users have it."""
        self.run(f"ansible-galaxy collection build --output-path {self.place}", REPOSITORY)
        self.run("ansible-galaxy collection install gantry-docker-*.tar.gz")

    def write(self, block: str) -> None:
        """Write the file of a block."""
        name = re.match(r"# ([\w./-]+\.yml)\n", block)
        assert name, f"A block of YAML doesn't begin with the name of its file:\n{block}"
        file = self.place / name[1]
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"---\n{block}")

    def follow(self, block: str) -> None:
        """Run the commands of a block."""
        for command, printed in commands(block):
            # The commands of this repository are run in it.
            text = self.run(command, REPOSITORY if command.startswith("./dev ") else None)
            lines = [" ".join(line.split()) for line in text.splitlines()]
            for expected in printed:
                words = expected.split()
                assert any(all(word in line for word in words) for line in lines), f"{expected!r} is not in:\n{text}"


@pytest.mark.parametrize("guide", GUIDES)
def test_guide_can_be_followed(guide: str, engine: Engine, clean: docker.DockerClient, tmp_path: Path) -> None:
    Registry(engine, "127.0.0.1:5001").empty()
    reader = Reader(tmp_path, engine)
    reader.install()
    if guide in NEED_COSIGN:
        (tmp_path / "tools").mkdir()
        cosign(engine, tmp_path / "tools")
    for kind, block in parts(guide):
        if kind == "empty":
            wipe(clean)
        elif kind == "yaml":
            reader.write(block)
        elif kind == "console":
            reader.follow(block)
        elif kind == "python":
            source, _line_end, excerpt = block.partition("\n")
            assert excerpt in (REPOSITORY / source.removeprefix("# From ")).read_text(), source
        else:
            assert kind == "text", f"Blocks of {kind} are not tested"
