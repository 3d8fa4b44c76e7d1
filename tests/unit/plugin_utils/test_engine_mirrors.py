# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mirrors: what can be declared, and the files that engines read."""

from __future__ import annotations

from typing import Any

import pytest
import tomllib  # type: ignore[import-not-found]  # Python 3.11 and newer, as all tests

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.plugin_utils._engine.mirrors import (
    MARK,
    ca_files,
    hosts_file,
    parse_mirrors,
)

PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----"
REGISTRY = "registry.example:5000"


def parsed(*mirrors: dict[str, Any], registry: str = REGISTRY) -> Any:
    return parse_mirrors([{"registry": registry, "mirrors": list(mirrors)}])[0]


def test_names_of_the_default_registry_mean_one() -> None:
    assert parsed(registry="https://index.docker.io/v1/").registry == "docker.io"


@pytest.mark.parametrize(
    ("mirror", "said"),
    [
        ({"url": "mirror.example"}, "write it as https://host"),
        ({"url": "ftp://mirror.example"}, "write it as https://host"),
        ({"url": "https://"}, "write it as https://host"),
        ({"url": "https://m.example/?a=b"}, "write it as https://host"),
        ({"url": "https://m.example/a b"}, "write it as https://host"),
        ({"url": "https://me:secret@m.example"}, "'https://m.example' in engine_mirrors"),
        ({"url": "https://m.example", "username": "me"}, "username and password, or neither"),
    ],
)
def test_mirrors_that_can_not_be(mirror: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        parsed(mirror)
    assert said in error.value.message
    assert "secret" not in error.value.message


def test_a_registry_has_one_entry() -> None:
    with pytest.raises(InvalidInput, match="twice"):
        parse_mirrors([{"registry": "docker.io", "mirrors": []}, {"registry": "index.docker.io", "mirrors": []}])


def test_file_has_all_that_the_engine_needs() -> None:
    entry = parsed(
        {"url": "https://one.example:5000/", "ca": f"\n{PEM}\n", "username": "me", "password": 'p"ä:'},
        {"url": "http://two.example/path"},
    )
    file = hosts_file(entry, [], [])
    assert file.path == "/etc/docker/certs.d/registry.example:5000/hosts.toml"
    assert file.secret
    assert file.content.startswith(MARK)
    assert tomllib.loads(file.content) == {
        "host": {
            "https://one.example:5000": {
                "capabilities": ["pull", "resolve"],
                "ca": "/etc/docker/certs.d/one.example:5000/ca.crt",
                "header": {"Authorization": "Basic bWU6cCLDpDo="},
            },
            "http://two.example/path": {"capabilities": ["pull", "resolve"]},
        }
    }
    assert list(tomllib.loads(file.content)["host"]) == ["https://one.example:5000", "http://two.example/path"]
    assert [(ca.path, ca.content) for ca in ca_files([entry])] == [
        ("/etc/docker/certs.d/one.example:5000/ca.crt", f"{PEM}\n")
    ]


def test_the_registry_itself_keeps_its_certificates() -> None:
    here = f"/etc/docker/certs.d/{REGISTRY}"
    present = [f"{here}/b.crt", f"{here}/a.crt", f"{here}/c.cert", f"{here}/c.key", "/etc/docker/certs.d/other/d.crt"]
    found = tomllib.loads(hosts_file(parsed({"url": "http://m"}), present, []).content)
    assert found["ca"] == [f"{here}/a.crt", f"{here}/b.crt"]
    assert found["client"] == [[f"{here}/c.cert", f"{here}/c.key"]]
    assert not hosts_file(parsed({"url": "http://m"}), present, []).secret


def test_an_insecure_registry_stays_one() -> None:
    found = tomllib.loads(hosts_file(parsed({"url": "http://m"}), [], [REGISTRY]).content)
    assert (found["server"], found["skip_verify"]) == (f"http://{REGISTRY}", True)


def test_one_host_has_one_ca() -> None:
    entry = parsed({"url": "https://m/a", "ca": PEM}, {"url": "https://m/b", "ca": f"{PEM}\n{PEM}"})
    with pytest.raises(InvalidInput, match="two CAs"):
        ca_files([entry])
