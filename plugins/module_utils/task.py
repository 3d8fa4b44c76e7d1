# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a verb to an Ansible module: the one place that knows AnsibleModule and check mode."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing, suppress
from tempfile import NamedTemporaryFile
from typing import Any, Protocol

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gantry.docker.plugins.module_utils import startup
from ansible_collections.gantry.docker.plugins.module_utils.engine.address import CONNECTION_SPEC
from ansible_collections.gantry.docker.plugins.module_utils.engine.connection import Engine, connect
from ansible_collections.gantry.docker.plugins.module_utils.engine.registry import REGISTRY_SPEC
from ansible_collections.gantry.docker.plugins.module_utils.image.errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils.operation.plan import FILES, Otherwise, Plan, Skipped

# What modules are made with; REGISTRY_SPEC for those that use registries.
__all__ = ["REGISTRY_SPEC", "Operation", "run"]


class Operation(Protocol):
    """What a verb's file offers; each verb has types of its own for Any."""

    def parse(self, params: Mapping[str, Any]) -> Any:
        """What the user wants, from the module's parameters; raises InvalidInput."""

    def observe(self, engine: Engine, wanted: Any, cleanup: ExitStack) -> Any:
        """What is there now. What observing leaves behind is registered for cleanup."""

    def plan(self, wanted: Any, observed: Any) -> Plan:
        """The steps from observed to wanted. Pure; raises GantryError where there is no way."""

    def apply(self, engine: Engine, step: Any) -> Mapping[str, Any]:
        """Take one step; what it adds to the result.

        Raises Skipped if it is not right any more, Otherwise if it had another effect than planned.
        """

    def report(self, engine: Engine, wanted: Any, observed: Any) -> Mapping[str, Any]:
        """What else to tell of the objects, asked of the engine after the last step."""


def run(operation: Operation, argument_spec: Mapping[str, Any], **rules: Any) -> None:
    """Carry out one task of a module and exit.

    operation: a verb's file. argument_spec, rules: as AnsibleModule takes them, without the connection's. With
    add_file_common_args the file that the result names as path gets the attributes that the task names.
    """
    startup.ended()
    module = AnsibleModule(argument_spec={**CONNECTION_SPEC, **argument_spec}, supports_check_mode=True, **rules)
    result: dict[str, Any] = {"changed": False, "actions": []}
    try:
        files = _Files(module)
        wanted = operation.parse({**module.params, FILES: files})
        if "add_file_common_args" in rules:
            files.try_out()
        with closing(connect(module.params)) as engine, ExitStack() as cleanup:
            problems = _carry_out(operation, engine, wanted, cleanup, module.check_mode, result)
        if "add_file_common_args" in rules and not result["changed"]:
            files.adjust(result)
    except GantryError as error:
        module.fail_json(msg=_with_progress(error, result), **result)
    if problems:
        module.fail_json(msg=" ".join(problems), **result)
    module.exit_json(**result)


def _carry_out(
    operation: Operation, engine: Engine, wanted: Any, cleanup: ExitStack, dry_run: bool, result: dict[str, Any]
) -> list[str]:
    """Observe, plan and, unless in check mode, apply; why a part of it couldn't be done.

    The result is filled on the way, so that an error finds it.
    """
    observed = operation.observe(engine, wanted, cleanup)
    plan = operation.plan(wanted, observed)
    failures = []
    done = list(plan.steps) if dry_run else []
    if dry_run:
        result.update(changed=plan.changed, actions=plan.actions)
    else:
        failures = _take(operation, engine, plan, result, done)
    if not failures:
        result["diff"] = {"before": dict(plan.before), "after": dict(plan.after)}
    result.update(plan.outcome(done))
    problems = [*plan.problems, *failures]
    with suppress(*([GantryError] if problems else [])):  # a report that fails too must not hide why the steps did
        _add(result, operation.report(engine, wanted, observed))
    return problems


def _take(operation: Operation, engine: Engine, plan: Plan, result: dict[str, Any], done: list[Any]) -> list[str]:
    """Take the plan's steps; what those that failed said, where the others are none the worse for it.

    done: gets the steps that were taken.
    """

    def applied(on: Engine, step: Any) -> Any:
        try:
            return operation.apply(on, step)
        except (Skipped, Otherwise) as different:
            return different

    steps = [*plan.steps, *plan.repeats]
    outcomes: Iterable[Any] = (applied(engine, step) for step in steps)
    if plan.at_once:
        outcomes = engine.each(applied, steps, plan.at_once)
    failures = []
    for number, (step, outcome) in enumerate(zip(steps, outcomes)):
        if isinstance(outcome, GantryError):
            failures.append(outcome.message)
            continue
        if isinstance(outcome, (Skipped, Otherwise)):
            result.setdefault("spared", []).append(outcome.reason)
            if isinstance(outcome, Skipped):
                continue
        taken = outcome.step if isinstance(outcome, Otherwise) else step
        _add(result, {} if isinstance(outcome, Otherwise) else outcome)
        if number < len(plan.steps):
            done.append(taken)
            result["changed"] = True
            result["actions"].append(taken.sentence)
    return failures


def _add(result: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add to a result; what maps names to something, as more than one step may tell it, gets the further names."""
    for key, value in more.items():
        result[key] = {**result.get(key, {}), **value} if isinstance(value, Mapping) else value


class _Files:
    """Files as in operation.plan, by Ansible's own utilities, which know check mode and SELinux."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module

    def try_out(self) -> None:
        """End the module if there is no such mode, owner or group, while nothing has been done yet."""
        with NamedTemporaryFile(dir=self._module.tmpdir) as file:
            self._set_attributes(file.name, {})

    def put(self, part: str, path: str) -> None:
        self._module.atomic_move(part, path, unsafe_writes=self._module.params["unsafe_writes"])
        self._set_attributes(path, {})

    def adjust(self, result: dict[str, Any]) -> None:
        """Give the file at the result's path the attributes that are named, and tell it in the result."""
        path = result["path"]
        diff: dict[str, Any] = {}
        if self._set_attributes(path, diff):
            result.update(changed=True, actions=[f"Set the attributes of {path}"])
            for state in ("before", "after"):
                result["diff"][state] = {path: diff.get(state)}

    def _set_attributes(self, path: str, diff: dict[str, Any]) -> bool:
        named = self._module.load_file_common_arguments(self._module.params, path=path)
        return bool(self._module.set_fs_attributes_if_different(named, False, diff, expand=False))


def _with_progress(error: GantryError, result: Mapping[str, Any]) -> str:
    """The error's message, and what had been done before it."""
    if not result["actions"]:
        return error.message
    return f"{error.message} Done before that: {'; '.join(result['actions'])}."
