# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo: an image's whole life on the engine in DOCKER_HOST, twice, with a table of the changes.

A private engine (tests/engines) shows everything. On any other engine nothing is pruned, and at its end the demo
removes everything that it made.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import docker

from ansible_collections.gantry.docker.tests.engines.engine import NotPrivate, assert_private

HERE = Path(__file__).parent
PULLED = ("busybox:latest", "debian:12")


def main() -> int:
    """Run the demo; return the exit code."""
    private = _is_private()
    present = _present()
    with tempfile.TemporaryDirectory(prefix="gantry-demo-") as directory:
        demo = Demo(Path(directory), private)
        try:
            first = demo.play("lifecycle", "An image's life")
            second = demo.play("lifecycle", "The same playbook again") if first is not None else None
        finally:
            if not private:
                pulled = [name for name in PULLED if name not in present]
                demo.play("lifecycle_cleanup", "Clean up", {"lifecycle_pulled": pulled})
    if first is None or second is None:
        return 1
    _show_table(first)
    return _verdict(first, second)


class Demo:
    """Playbooks of the collection, run with the demo's callback. directory: for the archive and the steps."""

    def __init__(self, directory: Path, private: bool) -> None:
        self._directory = directory
        self._variables = {
            "lifecycle_archive": str(directory / "curl.tar"),
            "lifecycle_prune": private,
            "ansible_python_interpreter": sys.executable,
        }

    def play(self, playbook: str, title: str, more: dict[str, Any] | None = None) -> list[dict[str, Any]] | None:
        """Run a playbook; return its steps, or None if it failed."""
        print(f"\n── {title} " + "─" * max(0, 100 - len(title)), flush=True)
        steps = self._directory / "steps.json"
        settings = {
            "ANSIBLE_STDOUT_CALLBACK": "gantry_demo",
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "GANTRY_DEMO_STEPS": str(steps),
        }
        variables = json.dumps({**self._variables, **(more or {})})
        done = subprocess.run(
            ["ansible-playbook", f"gantry.docker.{playbook}", "--extra-vars", variables],
            env={**os.environ, **settings},
            check=False,
        )
        if done.returncode:
            return None
        done_steps: list[dict[str, Any]] = json.loads(steps.read_text())
        return done_steps


def _is_private() -> bool:
    try:
        assert_private(os.environ.get("DOCKER_HOST", ""))
    except NotPrivate:
        return False
    return True


def _present() -> set[str]:
    """Return the images that were there before, and so must stay."""
    try:
        client = docker.from_env()
        return {tag for image in client.images.list() for tag in image.tags}
    except docker.errors.DockerException as error:
        raise SystemExit(
            f"No Docker engine answers on this host ({error}). Start one, or run the demo without --engine host."
        ) from error


def _show_table(steps: list[dict[str, Any]]) -> None:
    print("\n── What changed " + "─" * 88)
    heading = ("step", "changed", "before → after", "bytes", "seconds")
    rows = [
        heading,
        *(_row(step) for step in steps if step["changed"] or step["foreseen"] is not None or step["refused"]),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heading))]
    for number, row in enumerate(rows):
        texts = [
            text.rjust(width) if column > 2 else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(texts).rstrip())
        if number == 0:
            print("  ".join("─" * width for width in widths))


def _row(step: dict[str, Any]) -> tuple[str, str, str, str, str]:
    changed = (
        "refused" if step["refused"] else "yes, foreseen" if step["foreseen"] else "yes" if step["changed"] else "no"
    )
    size = f"{step['bytes']:,}" if step["bytes"] else ""
    return step["name"], changed, _difference(step["before"], step["after"]), size, f"{step['seconds']:.1f}"


def _difference(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Return before and after of the first object, and the number of further ones."""
    if not after:
        return ""
    first = next(iter(after))
    more = f" (+{len(after) - 1})" if len(after) > 1 else ""
    return f"{_brief(before.get(first))} → {_brief(after[first])}{more}"


def _brief(state: Any) -> str:
    if state is None:
        return "none"
    if isinstance(state, str):
        return state.removeprefix("sha256:")[:12]
    if isinstance(state, dict):
        if "status" in state:
            return str(state["status"])
        return _counted(state, "images") if "images" in state else _counted(state, "layers")
    return ", ".join(name.partition("@")[0] for name in state) or "no name"


def _counted(state: dict[str, Any], what: str) -> str:
    number = len(state[what])
    return f"{number} {what if number > 1 else what.removesuffix('s')}"


def _verdict(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> int:
    lies = [step["name"] for step in first if step["foreseen"] is False]
    restless = [step["name"] for step in second if step["changed"]]
    foreseen = sum(1 for step in first if step["foreseen"])
    print(f"\nForeseen exactly by a check run: {foreseen} steps." + (f" Not so: {', '.join(lies)}." if lies else ""))
    print(f"Changed by the second run: {', '.join(restless) or 'nothing'}.")
    return 1 if lies or restless else 0


if __name__ == "__main__":
    sys.exit(main())
