# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The address of an engine: options, environment variables, and Docker contexts in the CLI's form."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._transport.address import (
    DEFAULT_HOST,
    Address,
    parse_address,
    place,
    read_headers,
    resolve,
)

REMOTE = "tcp://engine.example:2376"


def directories(place: Path, name: str) -> tuple[Path, Path]:
    """Return where the CLI keeps a context's metadata and its files for TLS, below its configuration's directory."""
    identity = hashlib.sha256(name.encode()).hexdigest()
    return place / "contexts" / "meta" / identity, place / "contexts" / "tls" / identity / "docker"


def context(place: Path, name: str, endpoint: Any, files: tuple[str, ...] = ()) -> None:
    """Write a context as docker context create does."""
    meta, tls = directories(place, name)
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    for file in files:
        tls.mkdir(parents=True, exist_ok=True)
        (tls / file).touch()


def resolved(place: Path, params: dict[str, Any] | None = None, **environment: str) -> dict[str, Any]:
    """Return the options, with the CLI's configuration in that directory."""
    return resolve(params or {}, {"DOCKER_CONFIG": str(place), **environment})


def use(place: Path, text: Any) -> None:
    """Write the CLI's configuration."""
    (place / "config.json").write_text(text if isinstance(text, str) else json.dumps(text))


@pytest.mark.parametrize(
    ("params", "environment", "current", "host"),
    [
        ({}, {}, None, DEFAULT_HOST),
        ({}, {}, "default", DEFAULT_HOST),
        ({}, {}, "", DEFAULT_HOST),
        ({}, {}, "other", "unix:///other.sock"),
        ({}, {"DOCKER_CONTEXT": "default"}, "other", DEFAULT_HOST),
        ({}, {"DOCKER_CONTEXT": "another"}, "other", "unix:///another.sock"),
        ({}, {"DOCKER_CONTEXT": ""}, "other", "unix:///other.sock"),
        ({}, {"DOCKER_HOST": "unix:///environment.sock"}, "other", "unix:///environment.sock"),
        ({}, {"DOCKER_HOST": "unix:///e.sock", "DOCKER_CONTEXT": "another"}, None, "unix:///e.sock"),
        ({}, {"DOCKER_HOST": ""}, "other", "unix:///other.sock"),
        ({"docker_host": "unix:///given.sock"}, {"DOCKER_CONTEXT": "another"}, "other", "unix:///given.sock"),
        ({"docker_host": ""}, {"DOCKER_HOST": "unix:///environment.sock"}, "other", "unix:///environment.sock"),
        ({"docker_host": ""}, {}, "other", "unix:///other.sock"),
    ],
)
def test_the_engine_is_the_clis(
    tmp_path: Path, params: dict[str, Any], environment: dict[str, Any], current: str | None, host: str
) -> None:
    for name in ("other", "another"):
        context(tmp_path, name, {"Host": f"unix:///{name}.sock", "SkipTLSVerify": False})
    if current is not None:
        use(tmp_path, {"currentContext": current})
    options = resolved(tmp_path, params, **environment)
    assert options["address"].text == host
    assert options["context"] in (host.removeprefix("unix:///").removesuffix(".sock"), "")
    assert not (options["tls"] or options["validate_certs"]) and options["doubts"] == ()


def test_the_users_own_configuration_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".docker").mkdir()
    context(tmp_path / ".docker", "other", {"Host": "ssh://one@engine.example"})
    use(tmp_path / ".docker", {"currentContext": "other"})
    monkeypatch.setenv("HOME", str(tmp_path))
    options = resolve({}, {})
    assert options["address"].text == "ssh://one@engine.example"
    assert place(options) == "ssh://one@engine.example (the Docker context 'other')"
    assert place(resolve({"docker_host": REMOTE}, {})) == REMOTE


def test_a_context_that_names_no_host_is_the_default_engine(tmp_path: Path) -> None:
    context(tmp_path, "other", {"SkipTLSVerify": False})
    assert resolved(tmp_path, DOCKER_CONTEXT="other")["address"].text == DEFAULT_HOST


@pytest.mark.parametrize(
    ("endpoint", "files", "tls", "validate"),
    [
        ({"Host": REMOTE}, (), False, False),
        ({"Host": REMOTE, "SkipTLSVerify": True}, (), True, False),
        ({"Host": REMOTE}, ("ca.pem",), True, True),
        ({"Host": REMOTE}, ("ca.pem", "cert.pem", "key.pem"), True, True),
        ({"Host": REMOTE, "SkipTLSVerify": True}, ("cert.pem", "key.pem"), True, False),
        ({"Host": "unix:///x.sock", "SkipTLSVerify": True}, ("ca.pem",), False, False),
        ({"Host": "ssh://engine.example", "SkipTLSVerify": True}, ("ca.pem",), False, False),
    ],
)
def test_a_context_says_how_to_use_tls(
    tmp_path: Path, endpoint: dict[str, Any], files: tuple[str, ...], tls: bool, validate: bool
) -> None:
    context(tmp_path, "other", endpoint, files)
    options = resolved(tmp_path, DOCKER_CONTEXT="other")
    assert (options["tls"], options["validate_certs"]) == (tls, validate)
    _meta, where = directories(tmp_path, "other")
    names = {"ca_path": "ca.pem", "client_cert": "cert.pem", "client_key": "key.pem"}
    for option, file in names.items():
        assert options[option] == (str(where / file) if tls and file in files else None)


FOR_ANOTHER: dict[str, Any] = {
    "DOCKER_TLS": "1",
    "DOCKER_TLS_VERIFY": "1",
    "DOCKER_TLS_HOSTNAME": "x",
    "DOCKER_CERT_PATH": "/c",
}


def test_the_environments_tls_is_not_for_a_contexts_engine(tmp_path: Path) -> None:
    context(tmp_path, "other", {"Host": REMOTE})
    found = resolved(tmp_path, DOCKER_CONTEXT="other", DOCKER_API_VERSION="1.41", DOCKER_TIMEOUT="9", **FOR_ANOTHER)
    assert not found["tls"] and not found["validate_certs"]
    assert found["tls_hostname"] is found["ca_path"] is found["client_cert"] is None
    assert (found["api_version"], found["timeout"]) == ("1.41", 9)
    found = resolved(tmp_path, **FOR_ANOTHER)
    assert found["tls"] and found["validate_certs"] and found["tls_hostname"] == "x"
    assert found["client_key"] == "/c/key.pem"


def test_what_is_given_counts_more_than_the_context(tmp_path: Path) -> None:
    context(tmp_path, "other", {"Host": REMOTE}, ("ca.pem", "cert.pem", "key.pem"))
    given = {"validate_certs": False, "ca_path": "/mine.pem", "tls_hostname": "name"}
    found = resolved(tmp_path, given, DOCKER_CONTEXT="other")
    assert (found["tls"], found["validate_certs"], found["ca_path"], found["tls_hostname"]) == (
        True,
        False,
        "/mine.pem",
        "name",
    )
    assert found["client_key"].endswith("/docker/key.pem")


@pytest.mark.parametrize("chosen", ["environment", "configuration"])
def test_a_context_that_does_not_exist_is_named(tmp_path: Path, chosen: str) -> None:
    use(tmp_path, {"currentContext": "gone"})
    environment: dict[str, Any] = {"DOCKER_CONTEXT": "gone"} if chosen == "environment" else {}
    with pytest.raises(
        InvalidInput, match=r"no Docker context 'gone', which .*docker context create.*docker_host"
    ) as got:
        resolved(tmp_path, **environment)
    assert ("DOCKER_CONTEXT" if environment else f"{tmp_path}/config.json") in got.value.message
    assert resolved(tmp_path, {"docker_host": "unix:///x"}, **environment)["address"].text == "unix:///x"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"Endpoints": {}}', '{"Endpoints": {"docker": 5}}', "\xff"])
def test_a_context_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    meta, _tls = directories(tmp_path, "odd")
    meta.mkdir(parents=True)
    (meta / "meta.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidInput, match=r"Docker context 'odd', which .* can't be used: it names no Docker engine"):
        resolved(tmp_path, DOCKER_CONTEXT="odd")


def test_tls_files_that_cannot_be_read_are_not_left_out(tmp_path: Path) -> None:
    context(tmp_path, "other", {"Host": REMOTE})
    _meta, tls = directories(tmp_path, "other")
    tls.parent.mkdir(parents=True)
    tls.touch()
    with pytest.raises(InvalidInput, match="can't be used: Not a directory"):
        resolved(tmp_path, DOCKER_CONTEXT="other")


@pytest.mark.parametrize("text", ["", " \n", "{}", "null", "[]", '"text"', '{"auths": {}}'])
def test_a_configuration_that_names_no_context_means_the_default_engine(tmp_path: Path, text: str) -> None:
    use(tmp_path, text)
    options = resolved(tmp_path)
    assert options["address"].text == DEFAULT_HOST and options["doubts"] == ()


def test_headers_are_read(tmp_path: Path) -> None:
    environment = {"DOCKER_CONFIG": str(tmp_path)}
    assert read_headers(environment) == {}
    for text, headers in {'{"HttpHeaders": {"X-A": 1}}': {"X-A": "1"}, '{"HttpHeaders": []}': {}, "{": {}}.items():
        use(tmp_path, text)
        assert read_headers(environment) == headers


@pytest.mark.parametrize("text", ["{", '{"currentContext": "other"} x', "\0"])
def test_a_configuration_that_cannot_be_read_is_told(tmp_path: Path, text: str) -> None:
    use(tmp_path, text)
    options = resolved(tmp_path)
    assert options["address"].text == DEFAULT_HOST
    (doubt,) = options["doubts"]
    assert f"{tmp_path}/config.json" in doubt and "is no JSON" in doubt and DEFAULT_HOST in doubt
    assert resolved(tmp_path, {"docker_host": "unix:///x"})["doubts"] == ()
    assert resolved(tmp_path, DOCKER_HOST="unix:///x")["doubts"] == ()
    (doubt,) = resolved(tmp_path / "config.json")["doubts"]
    assert "Not a directory" in doubt


@pytest.mark.parametrize(
    ("host", "tls", "complete"),
    [
        ("tcp://engine.example", {}, "tcp://engine.example:2375"),
        ("tcp://engine.example:", {}, "tcp://engine.example:2375"),
        ("tcp://engine.example", {"tls": True}, "tcp://engine.example:2376"),
        ("tcp://engine.example", {"validate_certs": True}, "tcp://engine.example:2376"),
        ("tcp://engine.example:1", {"tls": True}, "tcp://engine.example:1"),
        ("tcp://[::1]", {}, "tcp://[::1]:2375"),
        ("http://engine.example", {}, "http://engine.example:2375"),
        ("https://engine.example", {}, "https://engine.example:2376"),
        ("unix:///x.sock", {"tls": True}, "unix:///x.sock"),
        ("ssh://engine.example", {}, "ssh://engine.example"),
    ],
)
def test_an_address_gets_a_port(host: str, tls: dict[str, Any], complete: str) -> None:
    assert resolve({"docker_host": host, **tls}, {})["address"].text == complete
    assert resolve(tls, {"DOCKER_HOST": host})["address"].text == complete


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("unix:///run/docker.sock", Address("unix:///run/docker.sock", "unix", path="/run/docker.sock")),
        ("unix://run/docker.sock", Address("unix://run/docker.sock", "unix", path="/run/docker.sock")),
        ("unix:///a?b#c%20", Address("unix:///a?b#c%20", "unix", path="/a?b#c%20")),
        ("tcp://engine.example", Address("tcp://engine.example:2375", "tcp", "engine.example", 2375)),
        ("tcp://one@Engine.example:1/", Address("tcp://one@Engine.example:1/", "tcp", "engine.example", 1, "", "one")),
        ("http://[::1]/engine/", Address("http://[::1]:2375/engine/", "http", "::1", 2375, "/engine")),
        ("https://10.0.0.1", Address("https://10.0.0.1:2376", "https", "10.0.0.1", 2376)),
        ("ssh://engine.example", Address("ssh://engine.example", "ssh", "engine.example")),
        ("ssh://one@[fe80::1]:22", Address("ssh://one@[fe80::1]:22", "ssh", "fe80::1", 22, "", "one")),
    ],
)
def test_an_address_is_parsed_into_parts(host: str, address: Address) -> None:
    assert resolve({"docker_host": host}, {})["address"] == address


def test_an_address_has_its_authority() -> None:
    addresses = [
        resolve({"docker_host": host}, {})["address"] for host in ("tcp://one@Engine.example", "tcp://[::1]:1")
    ]
    assert [address.authority for address in addresses] == ["engine.example:2375", "[::1]:1"]


@pytest.mark.parametrize(
    "host", ["nonsense", "", "unix://", "unix:/run/docker.sock", "npipe:////./pipe/docker", "TCP://engine.example"]
)
def test_an_address_of_another_kind_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput, match=rf"docker_host is '{host}', and must begin with unix://, tcp:// or ssh://"):
        parse_address(host)


@pytest.mark.parametrize(
    "host", ["tcp://", "ssh://", "tcp://:1", "tcp://engine.example:99999", "tcp://engine.example:0", "tcp://[::1"]
)
def test_an_address_without_a_host_or_with_a_wrong_port_is_refused(host: str) -> None:
    for params, environment in ({"docker_host": host}, {}), ({}, {"DOCKER_HOST": host}):
        with pytest.raises(InvalidInput) as got:
            resolve(params, environment)
        assert got.value.message == f"docker_host is '{host}', and has no host, or no port from 1 to 65535."


def test_a_contexts_address_is_checked_too(tmp_path: Path) -> None:
    context(tmp_path, "other", {"Host": "nonsense"})
    with pytest.raises(InvalidInput, match="docker_host is 'nonsense'"):
        resolved(tmp_path, DOCKER_CONTEXT="other")
    assert resolved(tmp_path, {"docker_host": REMOTE}, DOCKER_CONTEXT="other")["address"].text == REMOTE


def test_a_contexts_engine_gets_a_port(tmp_path: Path) -> None:
    context(tmp_path, "other", {"Host": "tcp://engine.example"}, ("ca.pem",))
    assert resolved(tmp_path, DOCKER_CONTEXT="other")["address"].text == REMOTE
