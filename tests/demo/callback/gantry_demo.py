# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that shows a playbook step by step, and records the steps for the table at its end."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: gantry_demo
type: stdout
short_description: Show a playbook of gantry.docker step by step
description:
  - Shows each step with its changes, and writes all steps as JSON to the file in the environment variable
    GANTRY_DEMO_STEPS.
"""

CHECK = "Check: "
_BYTES = ("bytes_sent", "layer_size", "size", "space_reclaimed")


class CallbackModule(CallbackBase):
    """The steps of a playbook, as they happen."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "gantry_demo"

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[dict[str, Any]] = []
        self._foreseen: dict[str, list[str]] = {}
        self._started = time.monotonic()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Start the clock."""
        self._started = time.monotonic()

    def v2_runner_on_ok(self, result: Any) -> None:
        """Show a step, or keep the actions of a check run until its step comes."""
        name, returned = result.task.get_name().rpartition(" : ")[2], result.result
        if result.task.action == "ansible.builtin.assert":
            return
        if name.startswith(CHECK):
            self._foreseen[name.removeprefix(CHECK).lower()] = returned["actions"]
            return
        step = self._step(name, returned)
        self._steps.append(step)
        self._show(step, returned)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Show the whole error."""
        self._display.display(f"✘ {result.task.get_name()}: {result.result.get('msg')}", color="red")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Show the whole error."""
        self.v2_runner_on_failed(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write the steps to the file."""
        Path(os.environ["GANTRY_DEMO_STEPS"]).write_text(json.dumps(self._steps))

    def _step(self, name: str, returned: dict[str, Any]) -> dict[str, Any]:
        foreseen = self._foreseen.pop(name.lower(), None)
        diff = returned.get("diff") or {}
        actions = [action for part in (returned, *returned.get("results", ())) for action in part.get("actions", ())]
        return {
            "name": name,
            "changed": bool(returned.get("changed")),
            "refused": returned["msg"] if "msg" in returned and not {"rc", "results"} & set(returned) else None,
            "foreseen": None if foreseen is None else foreseen == actions,
            "actions": actions,
            "before": diff.get("before") or {},
            "after": diff.get("after") or {},
            "bytes": next((returned[key] for key in _BYTES if returned.get(key)), None)
            if returned.get("changed")
            else None,
            "seconds": time.monotonic() - self._started,
        }

    def _show(self, step: dict[str, Any], returned: dict[str, Any]) -> None:
        mark, color = ("●", "yellow") if step["changed"] else ("○", "green")
        foreseen = {None: "", True: ", as the check run said", False: ", but the check run said otherwise!"}
        state = "refused" if step["refused"] else "changed" if step["changed"] else "ok"
        self._display.display(f"{mark} {step['name']} ({state}{foreseen[step['foreseen']]})", color=color)
        lines = [step["refused"]] if step["refused"] else [*step["actions"], *_seen(returned)]
        for line in lines:
            self._display.display(f"    {line}")


def _seen(returned: dict[str, Any]) -> list[str]:
    """Return the lines of a step that changed nothing, or of a command's output."""
    if "containers" in returned:
        return [
            f"{row['PID']:>8}  {row['CMD']}" for found in returned["containers"] for row in found.get("Processes", ())
        ]
    if "images" in returned and "not_found" in returned:
        return [line for image in returned["images"] for line in _image(image)]
    return str(returned.get("stdout") or "").splitlines()[:6]


def _image(image: dict[str, Any]) -> list[str]:
    """Return a line for an image, and one for each step of its history."""
    names = ", ".join(image.get("RepoTags") or ["<none>"])
    lines = [f"{names:<24}  {image['Id'][7:19]}  {image['Size']:>12,} bytes"]
    for row in image.get("History", ()):
        what = row["Comment"] or row["CreatedBy"]
        layer = (row["DiffID"] or "no layer")[7:19] if row["DiffID"] else "no layer"
        lines.append(f"    {layer:<14}{row['Size']:>14,} bytes  {what[:60]}")
    return lines
