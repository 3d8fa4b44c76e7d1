# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The filters of Docker's own prune, as options with the same meaning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput

# The filters of Docker's own prune, with the options of the same meaning.
_FILTERS = {"dangling": "dangling", "until": "until", "label": "label", "label!": "label_not"}


def with_filters(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters, with images_filters as options of the same meaning; raise InvalidInput."""
    found = dict(params)
    for name, value in (params["images_filters"] or {}).items():
        values = [str(one) for one in (value if isinstance(value, list) else [value])]
        if name not in _FILTERS:
            raise InvalidInput(
                f"images_filters has '{name}', but accepts only {', '.join(_FILTERS)}. Use the module's other options."
            )
        if name in ("label", "label!"):
            found[_FILTERS[name]] = [*params[_FILTERS[name]], *values]
            continue
        if len(values) != 1 or (name == "until" and params["until"] is not None):
            raise InvalidInput(
                f"{name} is given {len(values) or 'no value'} in images_filters; give one, and only there."
            )
        found[name] = values[0] if name == "until" else _truth(values[0])
    return found


def _truth(text: str) -> bool:
    """Return the value of a filter that is true or false; raise InvalidInput.

    Engines parse it in the same way (api/types/filters/parse.go, GetBoolOrDefault).
    """
    if text.lower() not in ("true", "1", "false", "0"):
        raise InvalidInput(f"dangling in images_filters is '{text}', and must be true or false.")
    return text.lower() in ("true", "1")
