# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The configuration file of an engine: read, merged, compared, written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput

Config = dict[str, Any]

STORE_FEATURE = "containerd-snapshotter"

# A running engine takes these over when it gets SIGHUP (moby, daemon/reload.go). Authorization plugins are not among
# them: an engine that can't use one exits.
_RELOADED_WHEN_SET = {
    "debug",
    "default-runtime",
    "default-shm-size",
    "insecure-registries",
    "labels",
    "live-restore",
    "max-concurrent-downloads",
    "max-concurrent-uploads",
    "max-download-attempts",
    "registry-mirrors",
    "runtimes",
    "shutdown-timeout",
}
# A reload ignores keys that aren't in the file, but gives these their defaults.
_RELOADED_WHEN_REMOVED = {"max-concurrent-downloads", "max-concurrent-uploads", "max-download-attempts"}
# Every reload replaces the features; but only this one is asked for again afterwards.
_RELOADED_FEATURES = {"buildkit"}


def parse_config(text: str, path: str) -> Config:
    """Return the content of a configuration file; an empty one is an empty dictionary. Raise InvalidInput."""
    # Engines accept a byte order mark, and files with nothing but whitespace.
    text = text.lstrip("\ufeff")
    if not text.strip():
        return {}
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"{path} is no valid JSON: line {error.lineno}, column {error.colno}: {error.msg}. Correct it or remove it."
        ) from error
    except ValueError as error:
        raise InvalidInput(f"{path} is no valid JSON: {error}. Correct it or remove it.") from error
    if not isinstance(found, dict):
        raise InvalidInput(f"{path} must be a JSON object, and is something else. Correct it or remove it.")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> Config:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key '{repeated}' is in it twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


def merge(config: Mapping[str, Any], patch: Mapping[str, Any]) -> Config:
    """Return a configuration with a JSON merge patch (RFC 7396) applied.

    Dictionaries are merged key by key, null removes a key, and any other value replaces the old one.
    """
    merged = dict(config)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            old = merged.get(key)
            merged[key] = merge(old if isinstance(old, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def format_config(config: Mapping[str, Any], like: str) -> str:
    """Return the text of a configuration, indented like another text of it."""
    indent = re.search(r'^([ \t]+)"', like, re.MULTILINE)
    return json.dumps(config, indent=indent[1] if indent else "  ", ensure_ascii=False) + "\n"


def changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the keys whose values differ, and those that only one of the configurations has."""
    return sorted(key for key in {*before, *after} if _differ(before, after, key))


def needs_restart(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the changed keys that a running engine doesn't take over when it is reloaded."""
    return [key for key in changed_keys(before, after) if not _is_reloaded(before, after, key)]


def _is_reloaded(before: Mapping[str, Any], after: Mapping[str, Any], key: str) -> bool:
    if key == "features":
        return set(changed_keys(before.get(key) or {}, after.get(key) or {})) <= _RELOADED_FEATURES
    return key in (_RELOADED_WHEN_SET if key in after else _RELOADED_WHEN_REMOVED)


def _differ(before: Mapping[str, Any], after: Mapping[str, Any], key: str) -> bool:
    # In Python True equals 1, and in JSON it doesn't.
    return key not in before or key not in after or json_of(before[key]) != json_of(after[key])


def json_of(value: Any) -> str:
    """Return a value as JSON in one line, with sorted keys."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def describe_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return a phrase for each change: C(mtu: 1500 → 1400)."""
    return [f"{key}: {_shown(before, key)} → {_shown(after, key)}" for key in changed_keys(before, after)]


def _shown(config: Mapping[str, Any], key: str) -> str:
    # Addresses of proxies may have a user and a password in them.
    return re.sub(r"://[^/@\s\"]+@", "://…@", json_of(config[key])) if key in config else "not set"


def strings(options: Mapping[str, Any]) -> Config:
    """Return the options with their values as strings, as engines want them; null stays null."""
    return {key: value if value is None or isinstance(value, str) else _string(value) for key, value in options.items()}


def _string(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)
