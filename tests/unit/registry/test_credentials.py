# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credentials from Docker configurations in docker login's form, and from helpers, which are real programs here."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError
from ansible_collections.gantry.docker.plugins.module_utils._registry import credentials
from ansible_collections.gantry.docker.plugins.module_utils._registry.credentials import Login, parse_access, troubles
from ansible_collections.gantry.docker.tests.support.programs import write_program

HERE = "127.0.0.1:5001"
HUB = "https://index.docker.io/v1/"
# "user" and "secret", as docker login stores them.
AUTH = base64.b64encode(b"user:se:cret").decode()
GIVEN = {"registry": HERE, "username": "other", "password": "given"}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that writes the user's Docker configuration."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return lambda text: (tmp_path / "config.json").write_text(text if isinstance(text, str) else json.dumps(text))


def helper(place: Path, name: str, script: str) -> None:
    """Write a credential helper, a shell script that finds the registry in $server; it notes what it was asked."""
    write_program(place / f"docker-credential-{name}", f'read server\necho "$1 $server" >> {place}/asked\n{script}')


def logins(
    *registries: str, config_path: str | None = None, given: tuple[dict[str, str], ...] = ()
) -> dict[str, Login]:
    """Return the login for each registry."""
    options = {"credentials": given, "config_path": config_path, "parallel": 4, "retry_for": 0}
    return dict(parse_access(options).logins(registries))


def shown(*registries: str, config_path: str | None = None, given: tuple[dict[str, str], ...] = ()) -> dict[str, Any]:
    """Return the login that each registry gets."""
    found = logins(*registries, config_path=config_path, given=given)
    assert all(not login.trouble for login in found.values())
    return {name: dict(login.shown) for name, login in found.items()}


def test_nothing_is_known(config: Any) -> None:
    assert shown(HERE) == {HERE: {}}
    config({"auths": {}, "HttpHeaders": {}})
    assert shown(HERE) == {HERE: {}}


@pytest.mark.parametrize("text", ["", " \n", "null", "[]", {"auths": None}, {"auths": [HERE]}, {"auths": {HERE: "x"}}])
def test_a_configuration_that_says_nothing(config: Any, tmp_path: Path, text: Any) -> None:
    config(text)
    assert shown(HERE) == {HERE: {}}
    assert shown(HERE, config_path=str(tmp_path / "config.json")) == {HERE: {}}


def test_white_space_in_auth_is_ignored(config: Any) -> None:
    for text in (f"{AUTH}\n", f"{AUTH[:4]}\n{AUTH[4:]}", f" {AUTH[:8]}\r\n\t{AUTH[8:]} "):
        config({"auths": {HERE: {"auth": text}}})
        assert shown(HERE) == {HERE: {"username": "user", "password": "se:cret", "serveraddress": HERE}}


@pytest.mark.parametrize("address", [HERE, f"http://{HERE}", f"https://{HERE}/v2/"])
def test_a_stored_login_is_shown(config: Any, address: str) -> None:
    config({"auths": {"127.0.0.1": {"auth": "bm86bm8="}, address: {"auth": AUTH}}})
    assert shown(HERE) == {HERE: {"username": "user", "password": "se:cret", "serveraddress": HERE}}


def test_the_default_registry_has_an_address_of_its_own(config: Any) -> None:
    config({"auths": {HUB: {"auth": AUTH}}})
    assert shown("docker.io")["docker.io"]["username"] == "user"
    assert shown(HERE) == {HERE: {}}


def test_a_stored_token_is_shown(config: Any) -> None:
    config({"auths": {HERE: {"auth": AUTH, "identitytoken": "token"}}})
    assert shown(HERE) == {HERE: {"identitytoken": "token", "serveraddress": HERE}}


def test_a_login_is_shown_to_its_registry_only(config: Any) -> None:
    config({"auths": {HERE: {"auth": AUTH}}})
    assert shown("127.0.0.1:5002", HERE)["127.0.0.1:5002"] == {}
    assert shown("127.0.0.1:5002", given=(GIVEN,))["127.0.0.1:5002"] == {}


def test_given_counts_more(config: Any) -> None:
    config("broken")
    assert shown(HERE, given=(GIVEN,))[HERE]["username"] == "other"
    config({"auths": {HERE: {"auth": AUTH}}})
    assert shown(HERE, given=(GIVEN,))[HERE]["username"] == "other"


def test_another_configuration_can_be_named(config: Any, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text(json.dumps({"auths": {HERE: {"auth": AUTH}}}))
    assert shown(HERE, config_path=str(tmp_path / "other.json"))[HERE]["username"] == "user"
    with pytest.raises(GantryError, match=r"config_path is '.*none.json', and there is no such file"):
        shown(HERE, config_path=str(tmp_path / "none.json"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no JSON"),
        ({"auths": {HERE: {"auth": "%%%"}}}, f"no readable entry for {HERE}"),
        ({"auths": {HERE: {"auth": "/w=="}}}, f"no readable entry for {HERE}"),
        ({"auths": {HERE: {"auth": ["x"]}}}, f"no readable entry for {HERE}"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_named(config: Any, text: Any, words: str) -> None:
    config(text)
    with pytest.raises(GantryError, match=words):
        shown(HERE)


FOUND = """echo '{"ServerURL": "x", "Username": "user", "Secret": "of the helper"}'"""
NOT_FOUND = "echo credentials not found in native keychain; exit 1"


def test_each_registry_has_its_helper(config: Any, tmp_path: Path) -> None:
    helper(tmp_path, "one", FOUND)
    helper(tmp_path, "rest", NOT_FOUND)
    config({"credHelpers": {HERE: "one"}, "credsStore": "rest", "auths": {HERE: {}, HUB: {"auth": AUTH}}})
    answers = shown(HERE, "docker.io")
    assert answers[HERE] == {"username": "user", "password": "of the helper", "serveraddress": HERE}
    assert answers["docker.io"]["username"] == "user", "what the helper doesn't know may be stored"
    assert (tmp_path / "asked").read_text() == f"get {HERE}\nget {HUB}\n"


def test_helper_is_asked_only_for_what_is_needed(config: Any, tmp_path: Path) -> None:
    helper(tmp_path, "rest", FOUND)
    config({"credsStore": "rest"})
    shown(HERE, given=(GIVEN,))
    assert not (tmp_path / "asked").exists()


def test_a_helper_may_have_a_token(config: Any, tmp_path: Path) -> None:
    helper(tmp_path, "rest", """echo '{"Username": "<token>", "Secret": "token"}'""")
    config({"credsStore": "rest"})
    assert shown(HERE) == {HERE: {"identitytoken": "token", "serveraddress": HERE}}


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (None, "docker-credential-rest, which .*config.json names for 127.0.0.1:5001, can't be run: No such file"),
        ("echo the vault is locked; exit 1", "failed: the vault is locked"),
        ("exit 3", "failed: it said nothing"),
        ("""echo '{"Secret": "hush"}'; exit 1""", "failed: its output may contain a secret"),
        ("echo hush", "gave an invalid answer"),
        ("echo '[]'", "gave an invalid answer"),
    ],
)
def test_a_helper_that_does_not_work_is_reported(config: Any, tmp_path: Path, script: str | None, words: str) -> None:
    if script:
        helper(tmp_path, "rest", script)
    config({"credsStore": "rest"})
    login = logins(HERE)[HERE]
    assert login.shown == {}
    assert re.search(words, login.trouble) and login.trouble.endswith(f"Without it, {HERE} gets no login.")
    assert "hush" not in login.trouble
    config({"credsStore": "rest", "auths": {HERE: {"auth": AUTH}}})
    login = logins(HERE)[HERE]
    assert login.shown["username"] == "user"
    assert login.trouble.endswith(f"Without it, {HERE} gets the login in that file.")
    assert troubles([login, login, Login(HERE, {})]) == [login.trouble]


def test_a_helper_that_hangs_is_given_up(config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "_HELPER_PATIENCE", 0.2)
    helper(tmp_path, "rest", "exec sleep 60")
    config({"credsStore": "rest"})
    assert "gave no answer within" in logins(HERE)[HERE].trouble


def test_no_secret_is_shown() -> None:
    assert "given" not in repr(Login(HERE, {"password": "given"}))
    assert Login(HERE, {}).header == {"X-Registry-Auth": "e30="}
