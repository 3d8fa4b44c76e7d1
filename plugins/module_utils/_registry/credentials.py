# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""What an engine shows a registry: credentials as given, or those of this host's Docker configuration and helpers."""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import DEFAULT_REGISTRY, parse_registry
from ansible_collections.gantry.docker.plugins.module_utils._transport.address import config_directory, parse_config

# How docker login and its helpers call the default registry (docker/cli, registry.IndexServer).
_DEFAULT_SERVER = f"https://index.{DEFAULT_REGISTRY}/v1/"
# docker/docker-credential-helpers, credentials/error.go
_NOT_FOUND = "credentials not found in native keychain"
# A user named so has an identity token in place of a password (docker/cli, credentials/native_store.go).
_TOKEN_USER = "<token>"  # noqa: S105
_HELPER_PATIENCE = 30


class Login(NamedTuple):
    """A registry's name, and what to show it: what X-Registry-Auth is made of (api/types/registry, AuthConfig).

    trouble: sentences about a credential helper that was to know it and failed; "" without one.
    """

    registry: str
    shown: Mapping[str, str]
    trouble: str = ""

    def __repr__(self) -> str:
        # What is shown is secret.
        return f"Login({self.registry!r})"

    @property
    def header(self) -> dict[str, str]:
        """As the engine's API takes it; some versions want it with a push even if it is empty."""
        text = json.dumps(self.shown).encode()
        return {"X-Registry-Auth": base64.urlsafe_b64encode(text).decode()}


class Access(NamedTuple):
    """How a task may use registries.

    given: the logins that the task names. config_path: of the Docker configuration, None for the user's own.
    parallel: images at a time. retry_for: seconds to go on trying where that is worth it.
    """

    given: tuple[Login, ...]
    config_path: str | None
    parallel: int
    retry_for: int

    def logins(self, registries: Iterable[str]) -> Mapping[str, Login]:
        """What to show each of the registries, and no other; nothing where nothing is known.

        A helper that fails keeps nobody from what a registry shows to all: it is told as the login's trouble. Raises
        GantryError for a configuration that can't be read.
        """
        given = {login.registry: login for login in self.given}
        others = sorted(set(registries) - set(given))
        config = _read(self.config_path) if others else {}
        return {**given, **{name: _known(config, self._path, name) for name in others}}

    @property
    def _path(self) -> str:
        return _path(self.config_path)


def parse_access(params: Mapping[str, Any]) -> Access:
    """The options of registry.ACCESS_SPEC, with parallel where there may be several images; raises InvalidInput."""
    parallel = params.get("parallel", 1)
    if parallel < 1:
        raise InvalidInput(f"parallel is {parallel}, and must be 1 or more.")
    if params["retry_for"] < 0:
        raise InvalidInput(f"retry_for is {params['retry_for']}, and must be 0 (don't) or more seconds.")
    given = (_given(parse_registry(entry["registry"]), entry) for entry in params["credentials"])
    return Access(tuple(given), params["config_path"], parallel, params["retry_for"])


def _given(registry: str, entry: Mapping[str, str]) -> Login:
    return Login(registry, {"username": entry["username"], "password": entry["password"], "serveraddress": registry})


def _path(given: str | None) -> str:
    return given or os.path.join(config_directory(os.environ), "config.json")


def _read(given: str | None) -> Mapping[str, Any]:
    path = _path(given)
    try:
        with open(path, encoding="utf-8") as file:
            return parse_config(file.read())
    except FileNotFoundError:
        if given:
            raise InvalidInput(f"config_path is '{given}', and there is no such file on this host.") from None
        return {}
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"it is no JSON ({error})"
        raise GantryError(
            f"Can't read the Docker configuration {path}: {reason}. Correct it, or log in again."
        ) from None


def troubles(logins: Iterable[Login]) -> list[str]:
    """Return what the user should know of logins, as sentences."""
    return sorted({login.trouble for login in logins if login.trouble})


def _known(config: Mapping[str, Any], path: str, registry: str) -> Login:
    """What the configuration knows of a registry: from its own helper, the helper of all, or the file itself."""
    helper = _entry(config.get("credHelpers"), registry) or config.get("credsStore")
    found: Mapping[str, str] = {}
    trouble = ""
    try:
        found = _ask(str(helper), path, registry) if helper else {}
    except GantryError as error:
        trouble = error.message
    shown = found or _stored(_entry(config.get("auths"), registry) or {}, path, registry)
    if trouble:
        trouble += f" Without it, {registry} is shown {'what is stored there' if shown else 'no login'}."
    return Login(registry, shown, trouble)


def _entry(entries: Any, registry: str) -> Any:
    """The entry of a registry, whichever way its address is written; the exact name first."""
    if not isinstance(entries, dict):
        return None
    for address in sorted(entries, key=lambda address: str(address != registry)):
        try:
            if parse_registry(address) == registry:
                return entries[address]
        except InvalidInput:
            continue
    return None


def _stored(entry: Any, path: str, registry: str) -> Mapping[str, str]:
    if not isinstance(entry, dict):
        return {}
    for token in ("identitytoken", "registrytoken"):
        if entry.get(token):
            return {token: str(entry[token]), "serveraddress": registry}
    user, password = entry.get("username"), entry.get("password")
    if entry.get("auth"):
        try:
            # What base64 wraps its lines with is no part of it (docker/cli, cli/config/configfile/file.go, decodeAuth).
            text = "".join(str(entry["auth"]).split())
            user, _colon, password = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            raise GantryError(
                f"The Docker configuration {path} has no readable entry for {registry}. Log in to it again."
            ) from None
    return {"username": user, "password": password or "", "serveraddress": registry} if user else {}


def _ask(helper: str, path: str, registry: str) -> Mapping[str, str]:
    """What a credential helper knows of a registry (docker/docker-credential-helpers, README)."""
    program = f"docker-credential-{helper}"
    server = _DEFAULT_SERVER if registry == DEFAULT_REGISTRY else registry
    trouble = f"The credential helper {program}, which {path} names for {registry},"
    try:
        # run_command is AnsibleModule's, and engine/ doesn't know that.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            [program, "get"], input=server, capture_output=True, text=True, check=False, timeout=_HELPER_PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise GantryError(f"{trouble} gave no answer within {_HELPER_PATIENCE} seconds. Try it by hand.") from None
    except OSError as error:
        remedy = "Install it where this user's PATH finds it, or correct the configuration."
        raise GantryError(f"{trouble} can't be run: {error.strerror}. {remedy}") from None
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        if _NOT_FOUND in said:
            return {}
        raise GantryError(f"{trouble} failed: {_harmless(said)}. Try it by hand, or log in again.")
    return _told(done.stdout, trouble, server)


def _told(answer: str, trouble: str, server: str) -> Mapping[str, str]:
    try:
        found = json.loads(answer)
        user, secret = str(found["Username"]), str(found["Secret"])
    except (ValueError, KeyError, TypeError):
        raise GantryError(f"{trouble} gave an answer that is none. Try it by hand.") from None
    if user == _TOKEN_USER:
        return {"identitytoken": secret, "serveraddress": server}
    return {"username": user, "password": secret, "serveraddress": server} if user or secret else {}


def _harmless(said: str) -> str:
    """The first line of what a helper said, unless it may hold a secret."""
    line = said.splitlines()[0].rstrip(".") if said else "it said nothing"
    return "what it said may hold a secret" if "{" in line else line
