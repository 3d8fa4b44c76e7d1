# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries of tars."""

from __future__ import annotations

import io
import tarfile
from typing import Any


def add(tar: tarfile.TarFile, name: str, data: bytes = b"", **attributes: Any) -> None:
    """Write an entry, a file unless its attributes say otherwise."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    for attribute, value in attributes.items():
        setattr(member, attribute, value)
    tar.addfile(member, io.BytesIO(data))
