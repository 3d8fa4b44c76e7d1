# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Labels of images, and conditions on them: key, or key=value."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput


def parse_label(text: str, option: str) -> str:
    """Return a condition on labels unchanged; raise InvalidInput if it has no key, because no label can match it then.

    option: the option that has the condition, for the error message.
    """
    if not text.partition("=")[0]:
        raise InvalidInput(f"'{text}' in {option} has no key: write key or key=value.")
    return text


def has_label(labels: Mapping[str, str], wanted: str) -> bool:
    """Return whether the labels have the wanted one: key, or key=value."""
    key, equals, value = wanted.partition("=")
    return key in labels and (not equals or labels[key] == value)
