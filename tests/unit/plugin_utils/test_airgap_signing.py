# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands that sign and verify a manifest. The scenario airgap runs those of all tools."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.signing import TOOLS, signing

SSH = {"tool": "ssh", "key": "key", "trusted": "allowed", "identity": "me"}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"tool": "gpg"}, "the tool 'gpg'. Choose from ssh, minisign, cosign"),
        ({"tool": None}, "the tool 'None'"),
        ({"trusted": ""}, "needs 'trusted'"),
        ({"identity": None}, "needs 'identity' for ssh"),
    ],
)
def test_a_signer_that_can_not_be_verified_is_refused(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        signing({**SSH, **wrong}, "/bundle")
    assert reason in caught.value.message


@pytest.mark.parametrize("tool", TOOLS)
def test_a_password_is_no_word_of_a_command(tool: str) -> None:
    found = signing({**SSH, "tool": tool, "password": "hidden"}, "/bundle")
    assert "hidden" not in str(found["sign"] + found["verify"])
    assert "hidden" in (found["stdin"], *found["environment"].values())


@pytest.mark.parametrize("tool", TOOLS)
def test_no_word_from_outside_is_one_of_the_shell(tool: str) -> None:
    hostile = "$(touch /tmp/x); '\""
    found = signing({"tool": tool, "key": hostile, "trusted": hostile, "identity": hostile}, hostile)
    assert hostile not in found["sign"][2] + found["verify"][2]


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="there is no ssh-keygen here")
def test_a_signature_is_of_this_manifest_by_this_key(tmp_path: Path) -> None:
    directory = tmp_path / "with 'a blank"
    directory.mkdir()
    (directory / "manifest.json").write_text("{}\n")
    for name in ("key", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    (tmp_path / "allowed").write_text(f"me {(tmp_path / 'key.pub').read_text()}")
    signer = {"tool": "ssh", "key": str(tmp_path / "key"), "trusted": str(tmp_path / "allowed"), "identity": "me"}
    found = signing(signer, str(directory))

    def runs(command: list[str]) -> bool:
        return not subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False).returncode

    assert not runs(found["verify"])
    assert runs(found["sign"])
    assert runs(found["verify"])
    assert not runs(signing({**signer, "identity": "you"}, str(directory))["verify"])
    (directory / "manifest.json").write_text("{} \n")
    assert not runs(found["verify"])
    assert runs(signing({**signer, "key": str(tmp_path / "other")}, str(directory))["sign"])
    assert not runs(found["verify"])
