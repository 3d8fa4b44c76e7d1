# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""From an operation to an Ansible module: the only place that knows AnsibleModule and check mode."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pwd import getpwnam
from tempfile import NamedTemporaryFile
from typing import Any, Protocol

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gantry.docker.plugins.module_utils import _startup
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine, connect
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, printable
from ansible_collections.gantry.docker.plugins.module_utils._plan import FILES, Otherwise, Plan, Report, Skipped, Taken
from ansible_collections.gantry.docker.plugins.module_utils._registry_options import ACCESS_SPEC, REGISTRY_SPEC
from ansible_collections.gantry.docker.plugins.module_utils._transport.address import CONNECTION_SPEC

# Permissions without setuid, setgid and the sticky bit.
_PERMISSIONS = 0o777
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Everything that a module is made with: REGISTRY_SPEC is for modules that pull from registries or push to them,
# ACCESS_SPEC for modules that may need a registry on the way.
__all__ = ["ACCESS_SPEC", "REGISTRY_SPEC", "Operation", "run"]

# Results that Ansible shows by itself, whatever they contain: a callback that writes YAML doesn't escape everything.
_FOR_PEOPLE = ("actions", "spared", "diff")


class Operation(Protocol):
    """The functions in the file of an operation; each operation has types of its own in place of Any."""

    def parse(self, params: Mapping[str, Any]) -> Any:
        """Return the wanted values, parsed from the module's parameters; raise InvalidInput."""

    def observe(self, engine: Engine, wanted: Any, cleanup: ExitStack) -> Any:
        """Return the observed values. Register everything that observing leaves behind for cleanup."""

    def plan(self, wanted: Any, observed: Any) -> Plan:
        """Return the steps from observed to wanted; raise GantryError if there is no way. Pure."""

    def apply(self, engine: Engine, step: Any) -> Any:
        """Take one step; return the value that the report needs of it.

        Raise Skipped if the step is no longer right, Otherwise if it had another effect than planned.
        """

    def report(self, engine: Engine, wanted: Any, observed: Any, planned: Plan, taken: Sequence[Taken]) -> Report:
        """Return the results, after the last step: the only place where an operation makes its results."""


def run(operation: Operation, argument_spec: Mapping[str, Any], **rules: Any) -> None:
    """Run one task of a module and exit.

    operation: the file of an operation. argument_spec, rules: as AnsibleModule takes them, without the options of the
    connection. With add_file_common_args the file at the result's path gets the attributes that the task names.
    """
    _startup.ended()
    module = AnsibleModule(argument_spec={**CONNECTION_SPEC, **argument_spec}, supports_check_mode=True, **rules)
    result: dict[str, Any] = {"changed": False, "actions": []}
    try:
        with _ended_by_signals():
            files = _Files(module)
            wanted = operation.parse({**module.params, FILES: files})
            if "add_file_common_args" in rules:
                files.try_out()
            with closing(connect(module.params)) as engine, ExitStack() as cleanup:
                for doubt in engine.doubts:
                    module.warn(printable(doubt))
                problems = _carry_out(operation, engine, wanted, cleanup, module.check_mode, result)
            if "add_file_common_args" in rules and not result["changed"]:
                files.adjust(result)
    except (GantryError, _Ended) as error:
        result.update(error.results)
        module.fail_json(msg=_with_progress(error.message, _shown(result)), **_shown(result))
    for warning in result.pop("warnings", ()):
        module.warn(printable(warning))
    if problems:
        module.fail_json(msg=printable(" ".join(problems)), **_shown(result))
    module.exit_json(**_shown(result))


def _shown(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result with the parts that Ansible shows to people made printable; the rest is data, and unchanged."""
    return {**result, **{key: _printable(result[key]) for key in _FOR_PEOPLE if key in result}}


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {_printable(key): _printable(part) for key, part in value.items()}
    return [_printable(part) for part in value] if isinstance(value, (list, tuple)) else value


def _carry_out(
    operation: Operation, engine: Engine, wanted: Any, cleanup: ExitStack, dry_run: bool, result: dict[str, Any]
) -> list[str]:
    """Observe, plan and, unless in check mode, apply; return the reasons why a part of it couldn't be done.

    The result is filled on the way, so that it is up to date when an error is raised.
    """
    observed = operation.observe(engine, wanted, cleanup)
    plan = operation.plan(wanted, observed)
    failures: list[str] = []
    if dry_run:
        result.update(changed=plan.changed, actions=plan.actions)
        taken = [Taken(step) for step in plan.steps]
    else:
        taken, failures = _take(operation, engine, plan, result)
    report = Report()
    with suppress(*([GantryError] if plan.problems or failures else [])):
        # A report that fails too must not hide the reasons why the steps failed.
        report = operation.report(engine, wanted, observed, plan, taken)
    result.update(report.results, warnings=report.warnings)
    if not failures:  # a diff would not show the part that failed
        result["diff"] = plan.diff(taken) if report.diff is None else report.diff
    return [*plan.problems, *failures, *report.problems]


def _take(operation: Operation, engine: Engine, plan: Plan, result: dict[str, Any]) -> tuple[list[Taken], list[str]]:
    """Take the plan's steps; return the ones that changed something, and the messages of the ones that failed.

    If steps depend on each other, raise the first failure.
    """

    def applied(on: Engine, step: Any) -> Any:
        try:
            return Taken(step, operation.apply(on, step))
        except (Skipped, Otherwise) as different:
            return different

    changing = [*[True for _step in plan.steps], *[False for _step in plan.repeats]]
    steps = [*plan.steps, *plan.repeats]
    outcomes: Iterable[Any] = (applied(engine, step) for step in steps)
    if plan.at_once:
        outcomes = engine.each(applied, steps, plan.at_once)
    taken: list[Taken] = []
    failures = []
    for changes, outcome in zip(changing, outcomes):
        if isinstance(outcome, GantryError):
            failures.append(outcome.message)
            continue
        if isinstance(outcome, (Skipped, Otherwise)):
            result.setdefault("spared", []).append(outcome.reason)
        if isinstance(outcome, Otherwise) or (changes and not isinstance(outcome, Skipped)):
            taken.append(Taken(outcome.step) if isinstance(outcome, Otherwise) else outcome)
            result["changed"] = True
            result["actions"].append(taken[-1].step.sentence)
    return taken, failures


class _Files:
    """Files of _plan.py, made with Ansible's own utilities, which know check mode and SELinux."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module

    def try_out(self) -> None:
        """End the module if the task names a mode, owner or group that doesn't exist, before anything is done."""
        with NamedTemporaryFile(dir=self._module.tmpdir) as file:
            self._set_attributes(file.name, {})

    def put(self, part: str, path: str) -> None:
        # Only tasks that write a file need this import.
        from ansible_collections.gantry.docker.plugins.module_utils._ownership import may_be_inherited

        # atomic_move gives a new file the permissions that the umask allows. A file that replaces another one gets all
        # attributes of that one, whoever owned it. Here the file has all of its attributes before it is in its place.
        inherited = may_be_inherited(path)
        context = self._context(path, inherited)
        self._give(part)
        try:
            os.replace(part, path)
        except OSError:
            if not self._module.params["unsafe_writes"] or not inherited:
                raise
            self._module.atomic_move(part, path, unsafe_writes=True)
            os.chmod(path, os.stat(path).st_mode & _PERMISSIONS)
            self._give(path)
        if context is not None:
            self._module.set_context_if_different(path, context, False)
        self._set_attributes(path, {})

    def is_foreign(self, path: str) -> bool:
        from ansible_collections.gantry.docker.plugins.module_utils._ownership import is_foreign

        return is_foreign(path, self._owner())

    def _owner(self) -> int | None:
        """Return the Id of the user that the task names as the owner; None if there is no such name."""
        name = str(self._module.params["owner"] or "")
        with suppress(KeyError):
            return int(name) if name.isdigit() else getpwnam(name).pw_uid
        return None

    def _context(self, path: str, kept: bool) -> list[str] | None:
        """Return the SELinux context for a file at a path; None without SELinux.

        kept: whether that is the context of the file that is there now, or else the default of a new one.
        """
        if not self._module.selinux_enabled():
            return None
        context = self._module.selinux_context(path) if kept else self._module.selinux_default_context(path)
        return list(context)

    def _give(self, path: str) -> None:
        """Give a file the owner, the group and the mode that the task names, in this order."""
        named = self._module.load_file_common_arguments(self._module.params, path=path)
        self._module.set_owner_if_different(path, named["owner"], False, None, False)
        self._module.set_group_if_different(path, named["group"], False, None, False)
        self._module.set_mode_if_different(path, named["mode"], False, None, False)

    def adjust(self, result: dict[str, Any]) -> None:
        """Give the file at the result's path the attributes that the task names, and report a change in the result."""
        path = result["path"]
        diff: dict[str, Any] = {}
        if self._set_attributes(path, diff):
            result.update(changed=True, actions=[f"Set the attributes of {path}"])
            for state in ("before", "after"):
                result["diff"][state] = {path: diff.get(state)}

    def _set_attributes(self, path: str, diff: dict[str, Any]) -> bool:
        named = self._module.load_file_common_arguments(self._module.params, path=path)
        return bool(self._module.set_fs_attributes_if_different(named, False, diff, expand=False))


class _Ended(BaseException):
    """A signal that asked the task to end. It is not an Exception, so that code which tolerates errors lets it pass."""

    results: Mapping[str, Any] = {}

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.message = (
            f"The task was ended by {signal.Signals(number).name}. Its current step was stopped, and all "
            "that was made for it was removed. Later steps were not begun. Run the task again for the rest."
        )


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let signals end the code inside as errors do, so that it cleans up: raise _Ended.

    Only the first signal does so; further ones don't disturb the cleanup. A signal that is ignored (nohup) stays
    ignored. SIGHUP arrives when Ansible's connection is lost.
    """
    told: list[int] = []

    def end(number: int, _frame: Any) -> None:
        # Another handler that ignores the further signals would leave gaps: Python calls handlers some time after the
        # signals, and for several at once.
        if not told:
            told.append(number)
            raise _Ended(number)

    # Signals arrive only in the main thread, and can be handled only there.
    here = threading.current_thread() is threading.main_thread()
    former = {number: signal.getsignal(number) for number in _SIGNALS if here}
    handled = [number for number, handler in former.items() if handler is not signal.SIG_IGN]
    try:
        for number in handled:
            signal.signal(number, end)
        yield
    finally:
        for number in handled:
            # Until the result is reported, a further signal must not end the process.
            signal.signal(number, signal.SIG_IGN if told else former[number])


def _with_progress(message: str, result: Mapping[str, Any]) -> str:
    """Return the message, with the steps that were taken before it."""
    if not result["actions"]:
        return message
    return f"{message} Done before that: {'; '.join(result['actions'])}."
