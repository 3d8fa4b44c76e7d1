# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of an engine's pulls, as hosts.toml describes it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._image.reference import parse_reference
from ansible_collections.gantry.docker.plugins.module_utils._registry import mirrors
from ansible_collections.gantry.docker.plugins.module_utils._registry.mirrors import Mirror, Way, way_to

REGISTRY = "registry.example:5000"
DIGEST = f"sha256:{'1' * 64}"


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    """An engine that reads hosts.toml, and whose files this host sees."""
    return SimpleNamespace(
        containerd_store=True,
        version=(28, 5, 2),
        root=str(tmp_path),
        insecure_registries=["127.0.0.0/8", "m:80"],
        mirrors=[],
    )


def write(engine: Any, text: str, directory: str = REGISTRY) -> None:
    place = Path(engine.root + mirrors.PLACE) / directory
    place.mkdir(parents=True)
    (place / "hosts.toml").write_text(text)


def only(engine: Any, text: str) -> Mirror:
    """Return the one mirror of a file."""
    write(engine, text)
    (mirror,) = way_to(engine, REGISTRY).mirrors
    return mirror


def test_mirrors_come_in_their_order_and_the_registry_at_last(engine: Any) -> None:
    write(engine, '[host."https://b.example"]\n[host."http://127.0.0.1:1"]\n')
    way = way_to(engine, REGISTRY)
    assert [mirror.address for mirror in way.mirrors] == ["https://b.example", "http://127.0.0.1:1"]
    assert way.own and way.file == f"{mirrors.PLACE}/{REGISTRY}/hosts.toml" and not way.unseen and not way.unread
    assert not any(mirror.unlike for mirror in way.mirrors)


@pytest.mark.parametrize(
    ("there", "read"),
    [
        ([REGISTRY, "_default"], REGISTRY),
        (["registry.example_5000_", REGISTRY], "registry.example_5000_"),
        (["_default"], "_default"),
    ],
)
def test_the_first_directory_counts(engine: Any, there: list[str], read: str) -> None:
    for directory in there:
        write(engine, f'[host."https://{directory.strip("_").replace("_", ".")}"]\n', directory)
    assert way_to(engine, REGISTRY).file == f"{mirrors.PLACE}/{read}/hosts.toml"


def test_a_directory_without_the_file_hides_the_default(engine: Any) -> None:
    write(engine, '[host."https://m.example"]\n', "_default")
    Path(f"{engine.root}{mirrors.PLACE}/{REGISTRY}").mkdir()
    assert way_to(engine, REGISTRY) == Way()


@pytest.mark.parametrize("text", ["[host", "host = 1", "[host]\na = 1", '[host."https://m"]\nheader = 1'])
def test_a_file_that_the_engine_cannot_read_counts_for_nothing(engine: Any, text: str) -> None:
    write(engine, text)
    assert way_to(engine, REGISTRY) == Way()


@pytest.mark.parametrize("facts", [{"containerd_store": False}, {"version": (27, 5, 1)}])
def test_other_engines_read_no_such_file(engine: Any, facts: dict[str, Any]) -> None:
    write(engine, '[host."https://m.example"]\n')
    vars(engine).update(facts)
    assert way_to(engine, REGISTRY) == Way()


@pytest.mark.parametrize(
    ("mirror", "told"),
    [
        ("http://m.example:5000/", True),
        ("http://m:80/", False),
        ("http://127.0.0.1:5000/", False),
        ("https://m.example/", False),
    ],
)
def test_older_engines_pull_from_mirrors_by_https(engine: Any, mirror: str, told: bool) -> None:
    vars(engine).update(version=(27, 5, 1), mirrors=[mirror])
    assert ("m.example:5000" in way_to(engine, "docker.io").unread) == told
    assert way_to(engine, REGISTRY) == Way()
    vars(engine).update(containerd_store=False)
    assert way_to(engine, "docker.io") == Way()


def test_what_cannot_be_seen_is_told(engine: Any) -> None:
    engine.root = None
    way = way_to(engine, REGISTRY)
    assert "only root" in way.unseen and way.own and way.mirrors == ()


def test_a_python_without_toml_is_told(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(mirrors, "import_module", lacks)
    assert way_to(engine, REGISTRY) == Way()
    write(engine, '[host."https://m.example"]\n')
    assert "Python 3.11" in way_to(engine, REGISTRY).unread


@pytest.mark.parametrize(
    ("text", "unlike"),
    [
        ('[host."https://m.example"]', ""),
        ('[host."m.example:5000"]', ""),
        ('[host."https://m.example/v2"]', ""),
        ('[host."https://m.example/v2/site"]\noverride_path = true', ""),
        ('[host."http://127.0.0.1:5000"]', ""),
        ('[host."http://m:80"]', ""),
        (f'[host."https://m.example"]\nca = "{mirrors.PLACE}/m.example/ca.crt"', ""),
        ('[host."https://m.example/"]', "its address"),
        ('[host."https://m.example/site"]', "its address"),
        ('[host."https://m.example/v2/site"]', "its address"),
        ('[host."https://m.example/site"]\noverride_path = true', "its address"),
        ('[host."https://m.example"]\noverride_path = true', "its address"),
        ('[host."https://m"]', "its address"),
        ('[host."http://m.example"]', "plain HTTP without its host in insecure-registries"),
        ('[host."https://m.example"]\nca = "ca.crt"', f"certificates outside of {mirrors.PLACE}/m.example"),
        ('[host."https://m.example"]\nclient = "c"', f"certificates outside of {mirrors.PLACE}/m.example"),
        ('[host."https://m.example"]\nclient = [["/c", "/k"]]', f"certificates outside of {mirrors.PLACE}/m.example"),
        ('[host."https://m.example"]\nskip_verify = true', "skip_verify"),
        ('[host."https://m.example".header]\nX-Site = "one"', "its headers"),
        ('[host."https://m.example".header]\nAuthorization = "Bearer a"', "its headers"),
        ('[host."https://m.example".header]\nAuthorization = "Basic a"', "its headers"),
    ],
)
def test_what_an_engine_cannot_be_told_to_ask_alike_is_known(engine: Any, text: str, unlike: str) -> None:
    assert only(engine, text).unlike == unlike


def test_a_path_below_the_api_belongs_to_the_names(engine: Any) -> None:
    mirror = only(engine, '[host."https://m.example/v2/site"]\noverride_path = true')
    for name, there in (
        ("busybox", "m.example/site/library/busybox:latest"),
        (f"{REGISTRY}/app:1@{DIGEST}", f"m.example/site/app:1@{DIGEST}"),
    ):
        assert str(mirror.name_of(parse_reference(name))) == there


def test_a_login_is_that_of_the_header(engine: Any) -> None:
    login = only(engine, '[host."https://m.example".header]\nAuthorization = "Basic bWU6cDphc3M="').login
    assert login.shown == {"username": "me", "password": "p:ass", "serveraddress": "m.example"}


@pytest.mark.parametrize(
    ("capabilities", "tag", "digest"),
    [('["pull", "resolve"]', True, True), ('["Pull"]', False, True), ('["resolve"]', False, False), ("[]", True, True)],
)
def test_a_tag_must_be_resolved(engine: Any, capabilities: str, tag: bool, digest: bool) -> None:
    mirror = only(engine, f'[host."https://m.example"]\ncapabilities = {capabilities}')
    assert mirror.serves(parse_reference("a:1")) is tag
    assert mirror.serves(parse_reference(f"a@{DIGEST}")) is digest


@pytest.mark.parametrize(
    ("text", "own", "last"),
    [
        (f'server = "https://{REGISTRY}"', True, []),
        (f'server = "https://{REGISTRY}"\ncapabilities = ["push"]', False, []),
        (f'server = "https://{REGISTRY}"\nskip_verify = true', False, ["skip_verify"]),
        ('server = "https://other.example"', False, [""]),
    ],
)
def test_a_server_may_stand_in_the_registrys_place(engine: Any, text: str, own: bool, last: list[str]) -> None:
    write(engine, f'{text}\n[host."https://m.example"]\n')
    way = way_to(engine, REGISTRY)
    assert way.own is own and [mirror.unlike for mirror in way.mirrors] == ["", *last]


def test_the_default_registry_has_a_host_of_its_own(engine: Any) -> None:
    write(engine, 'server = "https://registry-1.docker.io"\n[host."https://m.example"]\n', "docker.io")
    assert way_to(engine, "docker.io").own
