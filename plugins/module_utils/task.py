# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a verb to an Ansible module: the one place that knows AnsibleModule and check mode."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, closing
from typing import Any, Protocol

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gantry.docker.plugins.module_utils.engine.address import CONNECTION_SPEC
from ansible_collections.gantry.docker.plugins.module_utils.engine.connection import Engine, connect
from ansible_collections.gantry.docker.plugins.module_utils.image.errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils.operation.plan import Plan


class Operation(Protocol):
    """What a verb's file offers; each verb has types of its own for Any."""

    def parse(self, params: Mapping[str, Any]) -> Any:
        """What the user wants, from the module's parameters; raises InvalidInput."""

    def observe(self, engine: Engine, wanted: Any, cleanup: ExitStack) -> Any:
        """What is there now. What observing leaves behind is registered for cleanup."""

    def plan(self, wanted: Any, observed: Any) -> Plan:
        """The steps from observed to wanted. Pure; raises GantryError where there is no way."""

    def apply(self, engine: Engine, step: Any) -> Mapping[str, Any]:
        """Take one step; what it adds to the result."""

    def report(self, engine: Engine, wanted: Any, observed: Any) -> Mapping[str, Any]:
        """What else to tell of the objects, asked of the engine after the last step."""


def run(operation: Operation, argument_spec: Mapping[str, Any], **rules: Any) -> None:
    """Carry out one task of a module and exit.

    operation: a verb's file. argument_spec, rules: as AnsibleModule takes them, without the connection's.
    """
    module = AnsibleModule(argument_spec={**CONNECTION_SPEC, **argument_spec}, supports_check_mode=True, **rules)
    result: dict[str, Any] = {"changed": False, "actions": []}
    try:
        wanted = operation.parse(module.params)
        with closing(connect(module.params)) as engine, ExitStack() as cleanup:
            _carry_out(operation, engine, wanted, cleanup, module.check_mode, result)
    except GantryError as error:
        module.fail_json(msg=_with_progress(error, result), **result)
    module.exit_json(**result)


def _carry_out(
    operation: Operation, engine: Engine, wanted: Any, cleanup: ExitStack, dry_run: bool, result: dict[str, Any]
) -> None:
    """Observe, plan and, unless in check mode, apply; the result is filled on the way, so that an error finds it."""
    observed = operation.observe(engine, wanted, cleanup)
    plan = operation.plan(wanted, observed)
    if dry_run:
        result.update(changed=plan.changed, actions=plan.actions)
    else:
        for step in plan.steps:
            result.update(operation.apply(engine, step))
            result["changed"] = True
            result["actions"].append(step.sentence)
    result["diff"] = {"before": dict(plan.before), "after": dict(plan.after)}
    result.update(operation.report(engine, wanted, observed))


def _with_progress(error: GantryError, result: Mapping[str, Any]) -> str:
    """The error's message, and what had been done before it."""
    if not result["actions"]:
        return error.message
    return f"{error.message} Done before that: {'; '.join(result['actions'])}."
