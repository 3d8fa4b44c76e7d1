# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Signatures of a bundle's manifest: the commands of ssh-keygen, minisign and cosign, which make and verify them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.plugin_utils._airgap.manifest import NAME

# What a signature of OpenSSH is for: one that was made for something else doesn't count here.
_NAMESPACE = "airgap.gantry.docker"


class Tool(NamedTuple):
    """A program that signs.

    suffix: of the file with the signature. sign, verify: programs for sh, without a shell's word in them from outside:
    $1 is the key or the file with what is trusted, $2 the identity, $3 the manifest, $4 the signature.
    secret: the variable for the password of a key; "" if it is read from the standard input.
    """

    suffix: str
    sign: str
    verify: str
    secret: str = ""


TOOLS = {
    "ssh": Tool(
        "sig",
        f'exec ssh-keygen -Y sign -q -n {_NAMESPACE} -f "$1" <"$3" >"$4"',
        f'exec ssh-keygen -Y verify -n {_NAMESPACE} -f "$1" -I "$2" -s "$4" <"$3"',
    ),
    "minisign": Tool(
        "minisig",
        'exec minisign -S -s "$1" -m "$3" -x "$4"',
        'exec minisign -V -q -p "$1" -m "$3" -x "$4"',
    ),
    # A key signs without any service; from version 3 on, cosign has to be told so.
    "cosign": Tool(
        "cosign",
        'manifest=$3; set -- --yes --key "$1" --tlog-upload=false --output-signature "$4"; '
        "case $(cosign sign-blob --help 2>&1) in "
        '*use-signing-config*) set -- "$@" --use-signing-config=false --new-bundle-format=false ;; esac; '
        'exec cosign sign-blob "$@" "$manifest"',
        'exec cosign verify-blob --key "$1" --insecure-ignore-tlog=true --signature "$4" "$3"',
        "COSIGN_PASSWORD",
    ),
}


def signing(signer: Mapping[str, Any], directory: str) -> dict[str, Any]:
    """Return how a manifest is signed and verified: signature, sign, verify, stdin and environment.

    signer: tool, trusted, and for ssh identity; key and password, to sign. directory: that of the manifest and the
    signature. Raise InvalidInput.
    """
    tool = TOOLS.get(signer.get("tool") or "")
    if tool is None:
        raise InvalidInput(f"airgap_signer has the tool '{signer.get('tool')}'. Choose from {', '.join(TOOLS)}.")
    trusted, identity, key = (str(signer.get(part) or "") for part in ("trusted", "identity", "key"))
    if not trusted:
        raise InvalidInput("airgap_signer needs 'trusted': the file with the public keys that signatures must be by.")
    if signer["tool"] == "ssh" and not identity:
        raise InvalidInput("airgap_signer needs 'identity' for ssh: who signs, as in the file that 'trusted' names.")
    password = str(signer.get("password") or "")
    signature = f"{NAME}.{tool.suffix}"
    files = [f"{directory}/{NAME}", f"{directory}/{signature}"]
    return {
        "signature": signature,
        "sign": ["sh", "-c", tool.sign, "sign", key, identity, *files],
        "verify": ["sh", "-c", tool.verify, "verify", trusted, identity, *files],
        "stdin": "" if tool.secret else password,
        "environment": {tool.secret: password} if tool.secret else {},
    }
