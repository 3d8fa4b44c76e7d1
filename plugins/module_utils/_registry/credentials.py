# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Logins for registries: the given credentials, or those of this host's Docker configuration and its helpers."""

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

# The default registry's name for docker login and credential helpers (docker/cli, registry.IndexServer).
_DEFAULT_SERVER = f"https://index.{DEFAULT_REGISTRY}/v1/"
# docker/docker-credential-helpers, credentials/error.go
_NOT_FOUND = "credentials not found in native keychain"
# The user name that stands for an identity token in place of a password (docker/cli, credentials/native_store.go).
_TOKEN_USER = "<token>"  # noqa: S105
_HELPER_PATIENCE = 30


class Login(NamedTuple):
    """A login for a registry.

    shown: the values of X-Registry-Auth (api/types/registry, AuthConfig); empty without a login. trouble: sentences
    about a credential helper that failed; "" if none failed.
    """

    registry: str
    shown: Mapping[str, str]
    trouble: str = ""

    def __repr__(self) -> str:
        # The values of shown are secret.
        return f"Login({self.registry!r})"

    @property
    def header(self) -> dict[str, str]:
        """The login as the engine's API takes it. Some versions need it with a push even if it is empty."""
        text = json.dumps(self.shown).encode()
        return {"X-Registry-Auth": base64.urlsafe_b64encode(text).decode()}


class Access(NamedTuple):
    """The options of a task for the use of registries.

    given: the logins in the task's options. config_path: the Docker configuration; None for the user's own.
    parallel: the number of images at a time. retry_for: the seconds to try again after passing errors.
    """

    given: tuple[Login, ...]
    config_path: str | None
    parallel: int
    retry_for: int

    def logins(self, registries: Iterable[str]) -> Mapping[str, Login]:
        """Return the login for each of the registries, and the given ones; an empty login for an unknown registry.

        A helper that fails is reported as the login's trouble and raises no error, because many images need no login.
        Raise GantryError for a configuration that can't be read.
        """
        given = {login.registry: login for login in self.given}
        others = sorted(set(registries) - set(given))
        config = _read(self.config_path) if others else {}
        return {**given, **{name: _known(config, self._path, name) for name in others}}

    @property
    def _path(self) -> str:
        return _path(self.config_path)


def parse_access(params: Mapping[str, Any]) -> Access:
    """Parse the options of ACCESS_SPEC, and parallel where there may be several images; raise InvalidInput."""
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
    """Return the sentences about logins that the user should read."""
    return sorted({login.trouble for login in logins if login.trouble})


def _known(config: Mapping[str, Any], path: str, registry: str) -> Login:
    """Return the login of a registry from its own helper, from the helper of all registries, or from the file."""
    helper = _entry(config.get("credHelpers"), registry) or config.get("credsStore")
    found: Mapping[str, str] = {}
    trouble = ""
    try:
        found = _ask(str(helper), path, registry) if helper else {}
    except GantryError as error:
        trouble = error.message
    shown = found or _stored(_entry(config.get("auths"), registry) or {}, path, registry)
    if trouble:
        trouble += f" Without it, {registry} gets {'the login in that file' if shown else 'no login'}."
    return Login(registry, shown, trouble)


def _entry(entries: Any, registry: str) -> Any:
    """Return the entry of a registry, in whatever form its address is written. The exact name comes first."""
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
            # Line ends in it don't count (docker/cli, cli/config/configfile/file.go, decodeAuth).
            text = "".join(str(entry["auth"]).split())
            user, _colon, password = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            raise GantryError(
                f"The Docker configuration {path} has no readable entry for {registry}. Log in to it again."
            ) from None
    return {"username": user, "password": password or "", "serveraddress": registry} if user else {}


def _ask(helper: str, path: str, registry: str) -> Mapping[str, str]:
    """Return the login that a credential helper has for a registry (docker/docker-credential-helpers, README)."""
    program = f"docker-credential-{helper}"
    server = _DEFAULT_SERVER if registry == DEFAULT_REGISTRY else registry
    trouble = f"The credential helper {program}, which {path} names for {registry},"
    try:
        # Not run_command: it belongs to AnsibleModule, which this room doesn't know.
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
        raise GantryError(f"{trouble} gave an invalid answer. Try it by hand.") from None
    if user == _TOKEN_USER:
        return {"identitytoken": secret, "serveraddress": server}
    return {"username": user, "password": secret, "serveraddress": server} if user or secret else {}


def _harmless(said: str) -> str:
    """Return the first line of a helper's output, unless it may contain a secret."""
    line = said.splitlines()[0].rstrip(".") if said else "it said nothing"
    return "its output may contain a secret" if "{" in line else line
