# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Labels of images, and what is asked of them: key, or key=value."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput


def parse_label(text: str, option: str) -> str:
    """What is asked of labels, as it was written.

    option: where it stands, for the error. Raises InvalidInput for what has no key, which no label could be.
    """
    if not text.partition("=")[0]:
        raise InvalidInput(f"'{text}' in {option} has no key: write key or key=value.")
    return text


def has_label(labels: Mapping[str, str], wanted: str) -> bool:
    """Whether there is a label: key, or key=value."""
    key, equals, value = wanted.partition("=")
    return key in labels and (not equals or labels[key] == value)
