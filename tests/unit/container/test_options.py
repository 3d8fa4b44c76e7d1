# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Container options of users in normal form, and as the body of a request."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._container.options import OPTIONS, body_of
from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput

MOUNT = {"target": "/t", "type": "volume", "source": None, "read_only": False, "tmpfs_size": None}
NETWORK = {"name": "net", "aliases": None, "ipv4_address": None}


@pytest.mark.parametrize(
    ("option", "written", "normal"),
    [
        ("command", "sh -c 'a b'", ["sh", "-c", "a b"]),
        ("command", ["sleep", 5], ["sleep", "5"]),
        ("entrypoint", "tini --", ["tini", "--"]),
        ("entrypoint", "", []),
        ("entrypoint", " ", []),
        ("entrypoint", [], []),
        ("entrypoint", [""], []),
        ("env", {"A": 1, "B": "x=y"}, {"A": "1", "B": "x=y"}),
        ("labels", {"a.b": 7}, {"a.b": "7"}),
        ("working_dir", "/a//b/../c/", "/a/c"),
        ("memory", "1048576", 1024**2),
        ("memory", "512m", 512 * 1024**2),
        ("memory", "1.5G", 1536 * 1024**2),
        ("memory", "2 GiB", 2 * 1024**3),
        ("memory", "2kb", 2048),
        ("cpus", 1.5, 1.5),
        ("cpus", 0.1, 0.1),
        ("capabilities", ["sys_time", "CAP_NET_ADMIN", "NET_ADMIN"], ["NET_ADMIN", "SYS_TIME"]),
        ("capabilities", ["all"], ["ALL"]),
        ("volumes", ["/b:/c/", "data:/a:rw"], ["/b:/c", "data:/a"]),
        ("volumes", ["/x/:/y:z,ro", "/anonymous/"], ["/anonymous", "/x:/y:ro,z"]),
        ("mounts", [MOUNT], [{"type": "volume", "source": "", "target": "/t", "read_only": False}]),
        ("published_ports", ["80"], ["80/tcp"]),
        ("published_ports", [":80", "80/tcp"], ["80/tcp"]),
        ("published_ports", ["8080:80/udp", "127.0.0.1:53:53"], ["127.0.0.1:53:53/tcp", "8080:80/udp"]),
        ("published_ports", ["127.0.0.1::80", "[::1]:8080:80"], ["127.0.0.1::80/tcp", "[::1]:8080:80/tcp"]),
        (
            "networks",
            [NETWORK, {**NETWORK, "name": "b", "aliases": ["y", "x"]}],
            {"net": {}, "b": {"aliases": ["x", "y"]}},
        ),
        ("networks", [{**NETWORK, "ipv4_address": "10.0.0.2"}], {"net": {"ipv4_address": "10.0.0.2"}}),
    ],
)
def test_options_have_a_normal_form(option: str, written: Any, normal: Any) -> None:
    assert OPTIONS[option].parse(written) == normal


@pytest.mark.parametrize(
    ("option", "written"),
    [
        ("command", []),
        ("entrypoint", ["", "sh"]),
        ("entrypoint", "'' sh"),
        ("entrypoint", True),
        ("env", {"A": None}),
        ("labels", {"a": 1.5}),
        ("working_dir", "here"),
        ("memory", "-1"),
        ("memory", "1E"),
        ("cpus", -1),
        ("capabilities", [""]),
        ("restart_retries", -1),
        ("volumes", [""]),
        ("volumes", [":/a"]),
        ("volumes", ["a b:/c"]),
        ("volumes", ["/a:b"]),
        ("mounts", [{**MOUNT, "target": "t"}]),
        ("mounts", [{**MOUNT, "type": "bind", "source": "here"}]),
        ("published_ports", ["http"]),
        ("published_ports", ["80/icmp"]),
        ("published_ports", ["::1:80:80"]),
        ("published_ports", ["65536"]),
    ],
)
def test_impossible_options_are_refused(option: str, written: Any) -> None:
    with pytest.raises(InvalidInput, match=r"."):
        OPTIONS[option].parse(written)


@pytest.mark.parametrize(
    ("option", "written"),
    [
        ("entrypoint", ["", "sh"]),
        ("entrypoint", "'open"),
        ("entrypoint", {"a": 1}),
        ("entrypoint", [1.5]),
        ("command", ""),
    ],
)
def test_messages_name_the_option(option: str, written: Any) -> None:
    with pytest.raises(InvalidInput, match=rf"\b{option}\b"):
        OPTIONS[option].parse(written)


@pytest.mark.parametrize(
    ("asked", "body"),
    [
        ({}, {}),
        ({"tty": True, "user": "1"}, {"Tty": True, "User": "1"}),
        ({"entrypoint": [], "command": ["sh"]}, {"Entrypoint": [""], "Cmd": ["sh"]}),
        ({"entrypoint": ["tini", "--"]}, {"Entrypoint": ["tini", "--"]}),
        (
            {"restart_policy": "on-failure", "restart_retries": 2, "init": True},
            {"HostConfig": {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 2}, "Init": True}},
        ),
        (
            {"volumes": ["/anonymous", "a:/b:ro"]},
            {"HostConfig": {"Binds": ["a:/b:ro"]}, "Volumes": {"/anonymous": {}}},
        ),
        (
            {"published_ports": ["127.0.0.1:81:80/tcp", "80/tcp", "[::1]:82:80/tcp"]},
            {
                "ExposedPorts": {"80/tcp": {}},
                "HostConfig": {
                    "PortBindings": {
                        "80/tcp": [
                            {"HostIp": "127.0.0.1", "HostPort": "81"},
                            {"HostIp": "", "HostPort": ""},
                            {"HostIp": "::1", "HostPort": "82"},
                        ]
                    }
                },
            },
        ),
        ({"networks": {}}, {"HostConfig": {"NetworkMode": "none"}}),
        (
            {"networks": {"a": {"aliases": ["x"]}, "b": {}}, "cpus": 0.5},
            {
                "HostConfig": {"NetworkMode": "a", "NanoCpus": 500_000_000},
                "NetworkingConfig": {"EndpointsConfig": {"a": {"Aliases": ["x"]}}},
            },
        ),
    ],
)
def test_the_body_asks_for_what_the_options_say(asked: dict[str, Any], body: dict[str, Any]) -> None:
    assert body_of(asked) == body
