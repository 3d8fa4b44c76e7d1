# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The plan for an engine: its configuration, the files of its mirrors, and what it takes for them to be in effect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Callable, NamedTuple, TypeVar

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput, printable
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    DEFAULT_REGISTRY,
    DEFAULT_TAG,
    parse_reference,
)
from ansible_collections.gantry.docker.plugins.plugin_utils._engine.arguments import (
    arguments_of,
    config_file_of,
    conflicts,
)
from ansible_collections.gantry.docker.plugins.plugin_utils._engine.config import (
    STORE_FEATURE,
    Config,
    changed_keys,
    describe_changes,
    format_config,
    json_of,
    merge,
    needs_restart,
    parse_config,
    strings,
)
from ansible_collections.gantry.docker.plugins.plugin_utils._engine.mirrors import (
    MARK,
    PLACE,
    File,
    Mirrored,
    ca_files,
    hosts_file,
    parse_mirrors,
)

PATH = "/etc/docker/daemon.json"

_CONTAINERD_STORE_SINCE = (24, 0)
_HOSTS_TOML_SINCE = (28, 0)
# The store of an engine that has none yet, and whose configuration doesn't name one.
_CONTAINERD_STORE_IS_DEFAULT_SINCE = (29, 0)
_LEVELS_THAT_TELL = ("trace", "debug", "info")
_DRIVER_OF_CONTAINERD_STORE = ["driver-type", "io.containerd.snapshotter.v1"]

_Parsed = TypeVar("_Parsed")


class Observed(NamedTuple):
    """A host as it is.

    is_new: whether this run installs the engine. installed: whether there is one now. active: whether its service runs.
    version: of the engine, or of the package that would be installed. validates: whether it can validate a
    configuration. config: the text of the configuration file, None if there is none. applied: the text that the engine
    has read, if a run was interrupted before the engine had read the new one; else None.
    properties: the properties of the unit. environment: the text of its environment files.
    info: the engine's answer to /info. containers: the names of those that run.
    certificates: the paths below certs.d. files: the content of the files hosts.toml and of CAs, by path.
    members: the users in the group docker. unknown_users: those of the wanted users who don't exist.
    """

    is_new: bool
    installed: bool
    active: bool
    version: str
    validates: bool
    config: str | None
    applied: str | None
    properties: str
    environment: str
    info: Mapping[str, Any]
    containers: list[str]
    certificates: list[str]
    files: Mapping[str, str]
    members: list[str]
    unknown_users: list[str]


class Plan(NamedTuple):
    """What to do.

    problems: why nothing can be done. unsupported: what this engine can't do. config: the text of the configuration
    file, None if there is to be none. is_changed: whether the file has another text. files: to write. absent: paths of
    files to remove. checks: images to pull. users: to add to the group docker. action: none, start, reload or restart.
    reasons: the keys that need a restart. stopped: the running containers that a restart stops. arguments: those of the
    engine's command line. store: the one that the engine has afterwards. running: the one that it has now, or would
    have if it were started as it is; empty if that isn't known. lines: all of it in words.
    """

    problems: list[str]
    unsupported: list[str]
    config: str | None
    is_changed: bool
    files: list[File]
    absent: list[str]
    checks: list[str]
    users: list[str]
    action: str
    reasons: list[str]
    stopped: list[str]
    arguments: list[str]
    store: str
    running: str
    lines: list[str]


def plan(wanted: Mapping[str, Any], observed: Observed) -> Plan:
    """Return what it takes to configure an engine as wanted.

    wanted: the role's variables without their prefix.
    """
    return _Planner(wanted, observed).plan()


class _Planner:
    """What is found out on the way to a plan."""

    def __init__(self, wanted: Mapping[str, Any], observed: Observed) -> None:
        self._wanted = wanted
        self._observed = observed
        self._version = _numbers(observed.version)
        self._problems: list[str] = []
        self._unsupported: list[str] = []
        self._files: list[File] = []
        self._absent: list[str] = []
        self._mirrored: set[str] = set()

    def plan(self) -> Plan:
        observed = self._observed
        current = self._try(parse_config, observed.config or "", PATH) or {}
        # What can't be read wasn't read by the engine either, so it can't be what the engine was started with.
        applied = current if observed.applied is None else self._try(parse_config, observed.applied, PATH) or {}
        # A run that was interrupted may have come to the engine's restart or not.
        read = [current] if self._has_read(applied, current) else [applied, current]
        entries = self._try(parse_mirrors, self._wanted.get("mirrors") or ()) or ()
        patch = self._patch()
        store = self._store(merge(current, patch))
        patch = self._with_mirrors(patch, entries, store)
        merged = merge(current, patch)
        self._mirror_files(entries, store, merged.get("insecure-registries") or ())
        arguments = arguments_of(observed.properties, observed.environment)
        self._command_line(merged, arguments)
        checks = self._checks(merged)
        self._users()

        is_changed = bool(changed_keys(current, merged))
        reasons = sorted({key for config in read for key in needs_restart(config, merged)})
        action = self._action(any(changed_keys(config, merged) for config in read), bool(reasons))
        switches = bool(observed.info) and store != self._store_now()
        stopped = self._stopped(action, switches)
        self._permission(stopped, reasons)
        users = [user for user in self._wanted.get("users") or () if user not in observed.members]
        found = Plan(
            problems=list(dict.fromkeys(map(printable, self._problems))),
            unsupported=self._unsupported,
            config=format_config(merged, observed.config or "") if is_changed else observed.config,
            is_changed=is_changed,
            files=[file for file in self._files if observed.files.get(file.path) != file.content],
            absent=self._absent,
            checks=checks,
            users=users,
            action=action,
            reasons=reasons,
            stopped=stopped,
            arguments=arguments,
            store=store,
            running=self._running(current, merged, store),
            lines=[],
        )
        changes = describe_changes(current, merged)
        return found._replace(lines=self._lines(found, changes, switches))

    def _patch(self) -> Config:
        """Return the changes to the configuration that the variables ask for, but for mirrors."""
        wanted = self._wanted
        # An engine reads the options of log drivers as strings.
        named: dict[str, tuple[str, Any]] = {
            "insecure-registries": ("insecure_registries", wanted.get("insecure_registries")),
            "log-driver": ("log_driver", wanted.get("log_driver")),
            "log-opts": ("log_options", strings(wanted.get("log_options") or {}) or None),
            "mtu": ("mtu", wanted.get("mtu")),
            "default-address-pools": ("address_pools", wanted.get("address_pools")),
            "live-restore": ("live_restore", wanted.get("live_restore")),
            "features": ("store", self._store_feature()),
        }
        patch = {key: value for key, (_option, value) in named.items() if value not in (None, "")}
        for key, value in (wanted.get("config") or {}).items():
            old = patch.get(key)
            overlap = isinstance(old, dict) and isinstance(value, Mapping) and not {*old} & {*value}
            if key in patch and not overlap:
                self._twice(key, f"engine_{named[key][0]}")
            patch[key] = {**old, **value} if isinstance(old, dict) and overlap else value
        return patch

    def _store_feature(self) -> Config | None:
        store = self._wanted.get("store")
        return {STORE_FEATURE: store == "containerd"} if store else None

    def _with_mirrors(self, patch: Config, entries: Iterable[Mirrored], store: str) -> Config:
        """Return the changes with the mirrors of docker.io, where that key serves them."""
        default = next((entry for entry in entries if entry.registry == DEFAULT_REGISTRY), None)
        if default is None or not (default.is_plain_default or not self._reads_hosts(store)):
            return patch
        if default.needs_credentials:
            return patch  # said below
        if "registry-mirrors" in patch:
            self._twice("registry-mirrors", "engine_mirrors")
        return {**patch, "registry-mirrors": [mirror.address for mirror in default.mirrors]}

    def _twice(self, key: str, option: str) -> None:
        self._problems.append(f"'{key}' is set by {option} and by engine_config. Leave it in one of them.")

    def _store_now(self) -> str:
        """Return the store of the running engine."""
        is_containerd = _DRIVER_OF_CONTAINERD_STORE in (self._observed.info.get("DriverStatus") or [])
        return "containerd" if is_containerd else "classic"

    def _running(self, current: Config, merged: Config, store: str) -> str:
        """Return the store of the engine as it is, whether it runs or not; empty if that isn't known.

        merged: the new configuration. store: the one that it gives.
        """
        if self._observed.info:
            return self._store_now()
        old, new = (json_of((config.get("features") or {}).get(STORE_FEATURE)) for config in (current, merged))
        return store if old == new else self._store_of(current)

    def _store_of(self, config: Config) -> str:
        """Return the store that a configuration names; empty if it names none and the engine decides itself."""
        wanted = (config.get("features") or {}).get(STORE_FEATURE)
        if wanted is None:
            # Later engines keep the classic store if they find images there.
            return "" if self._version >= _CONTAINERD_STORE_IS_DEFAULT_SINCE else "classic"
        return "containerd" if wanted else "classic"

    def _has_read(self, applied: Config, current: Config) -> bool:
        """Return whether the engine's store shows that it was started with the current configuration."""
        old, new = self._store_of(applied), self._store_of(current)
        return applied == current or bool(self._observed.info and old and new != old and new == self._store_now())

    def _store(self, merged: Config) -> str:
        """Return the store that the engine has with this configuration."""
        wanted = (merged.get("features") or {}).get(STORE_FEATURE)
        if wanted is None:
            # A feature that is removed leaves the default, as where there was no engine before.
            if self._observed.info and not self._removes_the_feature():
                return self._store_now()
            return "containerd" if self._version >= _CONTAINERD_STORE_IS_DEFAULT_SINCE else "classic"
        if wanted and self._version and self._version < _CONTAINERD_STORE_SINCE:
            self._problems.append(
                f"Docker {_release(self._observed.version)} has no containerd store; Docker 24.0 and newer have. "
                "Leave out engine_store for this host, or install a newer engine."
            )
        return "containerd" if wanted else "classic"

    def _removes_the_feature(self) -> bool:
        features = (self._wanted.get("config") or {}).get("features", {})
        return features is None or (isinstance(features, Mapping) and features.get(STORE_FEATURE, "") is None)

    def _reads_hosts(self, store: str) -> bool:
        return store == "containerd" and self._version >= _HOSTS_TOML_SINCE

    def _mirror_files(self, entries: Iterable[Mirrored], store: str, insecure: Iterable[str]) -> None:
        """Find the files that the mirrors need, and the mirrors that this engine can't have."""
        reads = self._reads_hosts(store)
        usable = []
        for entry in entries:
            if reads and self._is_in_the_way(entry):
                continue
            if reads and not entry.is_plain_default and entry.mirrors:
                self._files.append(hosts_file(entry, self._observed.certificates, insecure))
            elif not reads and entry.mirrors and (entry.registry != DEFAULT_REGISTRY or entry.needs_credentials):
                self._unsupported.append(self._why_not(entry, store))
                continue
            elif entry.path in self._observed.files:
                self._absent.append(entry.path)
            usable.append(entry)
        self._mirrored = {entry.registry for entry in usable if self._in_use(entry, store, insecure)}
        self._files[:0] = self._try(ca_files, usable) or []

    def _in_use(self, entry: Mirrored, store: str, insecure: Iterable[str]) -> bool:
        """Return whether the engine pulls from some mirrors of a registry; note those that it asks in vain.

        Older engines with the containerd store ask the mirrors of docker.io by HTTPS, whatever their addresses say,
        unless the hosts themselves are insecure registries (daemon/daemon.go, RegistryHosts).
        """
        if store == "classic" or self._reads_hosts(store) or not self._version:
            return bool(entry.mirrors)
        vain = [mirror for mirror in entry.mirrors if mirror.is_plain and mirror.host not in insecure]
        for mirror in vain:
            self._unsupported.append(
                f"no plain HTTP for the mirror {mirror.address}, as Docker {_release(self._observed.version)} with the "
                f"containerd store asks mirrors by HTTPS: that takes Docker 28.0 or newer, or {mirror.host} in "
                "engine_insecure_registries"
            )
        return len(vain) < len(entry.mirrors)

    def _is_in_the_way(self, entry: Mirrored) -> bool:
        """Note a file of somebody else that the engine would read in place of the role's."""
        other = entry.preferred_place
        if other and any(path.startswith(other) for path in self._observed.certificates):
            self._problems.append(
                f"The engine reads {other} in place of {PLACE}/{entry.registry}/. Move what is in it."
            )
            return True
        if not self._observed.files.get(entry.path, MARK).startswith(MARK):
            self._problems.append(
                f"{entry.path} is not this role's. Remove it to have its registry's mirrors from engine_mirrors, or "
                f"take {entry.registry} out of there."
            )
            return True
        return False

    def _why_not(self, entry: Mirrored, store: str) -> str:
        what = f"mirrors with credentials for {entry.registry}" if entry.needs_credentials else entry.registry
        needs = "that takes Docker 28.0 or newer with the containerd store"
        version = self._observed.version
        if not version:
            return f"no mirror for {what}, as the version of the engine isn't known yet: {needs}"
        lacking = f"has the {store} store" if self._version >= _HOSTS_TOML_SINCE else "is older"
        return f"no mirror for {what}, as Docker {_release(version)} {lacking}: {needs}"

    def _command_line(self, merged: Config, arguments: list[str]) -> None:
        """Note what the engine's command line has to do with the configuration."""
        path = config_file_of(arguments)
        if path not in (None, PATH):
            self._problems.append(
                f"The unit docker.service starts the engine with --config-file {path}, and this role manages {PATH}. "
                "Remove the argument from the unit, from its drop-ins, or from /etc/default/docker."
            )
        for key, word in conflicts(merged, arguments).items():
            self._problems.append(
                f"The engine would not start with '{key}' in {PATH}, as its command line has it too ({word}). Remove "
                "the argument from the unit docker.service, from its drop-ins (systemctl cat docker.service), or from "
                "/etc/default/docker; or remove the key."
            )

    def _checks(self, merged: Config) -> list[str]:
        """Return the images to pull as a check of mirrors, and note what makes that impossible."""
        names = self._wanted.get("mirrors_check") or ()
        references = [reference for name in names if (reference := self._try(parse_reference, name, DEFAULT_TAG))]
        for reference in references:
            if reference.registry not in self._mirrored:
                self._problems.append(
                    f"{reference.listed} is in engine_mirrors_check, and this engine gets no mirror of "
                    f"{reference.registry} from engine_mirrors. Take the image out for this host."
                )
        if names and merged.get("log-level", "info") not in _LEVELS_THAT_TELL:
            self._problems.append(
                f"engine_mirrors_check needs what the engine logs of mirrors that it passes over, and with log-level "
                f"{merged['log-level']} it logs nothing of it. Take one of them out."
            )
        return [reference.listed for reference in references]

    def _users(self) -> None:
        for user in self._observed.unknown_users:
            self._problems.append(f"There is no user '{user}' to add to the group docker. Make the user first.")

    def _action(self, is_changed: bool, needs_restart: bool) -> str:
        if self._observed.installed and not self._observed.active:
            return "start"
        if needs_restart:
            return "restart"
        # An engine that is still to be installed begins with the configuration that is here before it.
        return "reload" if is_changed else "none"

    def _stopped(self, action: str, switches: bool) -> list[str]:
        # With live-restore they go on, but an engine with another store doesn't find them again.
        lives_on = self._observed.info.get("LiveRestoreEnabled") and not switches
        return [] if action != "restart" or lives_on else sorted(self._observed.containers)

    def _permission(self, stopped: list[str], reasons: list[str]) -> None:
        if stopped and not self._wanted.get("stop_containers"):
            self._problems.append(
                f"It takes a restart of the engine for {', '.join(reasons)}, and that stops {_containers(stopped)}: "
                f"{', '.join(stopped)}. Set engine_stop_containers to true where that may be; or set "
                "engine_live_restore to true in a run of its own first, which takes no restart."
            )

    def _lines(self, found: Plan, changes: list[str], switches: bool) -> list[str]:
        observed = self._observed
        lines = [f"install  Docker {_release(observed.version)}"] if observed.is_new else []
        lines += [f"set      {change}" for change in changes]
        lines += [f"write    {file.path}" for file in found.files]
        lines += [f"remove   {path}" for path in found.absent]
        if found.action == "restart":
            lines.append(f"restart  the engine, for {', '.join(found.reasons)}")
        elif found.action != "none":
            lines.append(f"{found.action:<8} the engine")
        lines += [f"stop     {name}" for name in found.stopped]
        if switches and self._wanted.get("store_images") == "leave":
            lines += self._hidden()
        lines += [f"add      {user} to the group docker" for user in found.users]
        lines += [f"CAN'T    {sentence}" for sentence in found.unsupported]
        return [printable(line) for line in lines]

    def _hidden(self) -> list[str]:
        """Return a line for the images, and one for the containers, that stay in the store that the engine leaves."""
        found = {kind: int(self._observed.info.get(kind.capitalize()) or 0) for kind in ("images", "containers")}
        there = f"they stay in the {self._store_now()} store"
        return [f"hide     {kind} ({number}): {there}" for kind, number in found.items() if number]

    def _try(self, parse: Callable[..., _Parsed], *arguments: Any) -> _Parsed | None:
        try:
            return parse(*arguments)
        except InvalidInput as error:
            self._problems.append(error.message)
            return None


def _containers(names: list[str]) -> str:
    return "this container" if len(names) == 1 else f"these {len(names)} containers"


def _release(version: str) -> str:
    """Return a version without what a distribution adds to it."""
    found = re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)", version)
    return found[1] if found else "(its version isn't known yet)"


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"(?:\d+:)?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else ()
