# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line of an engine: what systemd says of it, and what it has in common with the configuration file."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.plugin_utils._engine.arguments import (
    arguments_of,
    config_file_of,
    conflicts,
)

PROPERTIES = """\
ExecStart={{ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd {arguments} ; ignore_errors=no ; start_time=[n/a] ; \
stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }}
EnvironmentFiles=/etc/default/docker (ignore_errors=yes)
ActiveState=active
"""
DEBIAN = "-H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS"


@pytest.mark.parametrize(
    ("arguments", "environment", "found"),
    [
        (DEBIAN, "", ["-H", "fd://", "--containerd=/run/containerd/containerd.sock"]),
        (DEBIAN, "#DOCKER_OPTS=--mtu=1\nDOCKER_OPTS='--mtu=1400 -D'\n",
         ["-H", "fd://", "--containerd=/run/containerd/containerd.sock", "--mtu=1400", "-D"]),
        ("--mtu=${MTU} $NONE", "MTU=1400", ["--mtu=1400"]),
        ("$DOCKER_OPTS", 'DOCKER_OPTS="--label \\"a=b c\\""', ["--label", "a=b c"]),
    ],
)  # fmt: skip
def test_arguments_of_a_unit(arguments: str, environment: str, found: list[str]) -> None:
    assert arguments_of(PROPERTIES.format(arguments=arguments), environment) == found


def test_a_unit_that_is_not_there_has_none() -> None:
    assert arguments_of("ActiveState=inactive\n", "") == []


@pytest.mark.parametrize(
    ("config", "arguments", "keys"),
    [
        ({"hosts": [], "mtu": 1}, ["-H", "fd://", "--mtu", "1400"], ["hosts", "mtu"]),
        ({"hosts": []}, ["--host=fd://"], ["hosts"]),
        ({"debug": True, "log-level": "info"}, ["-D", "-l=warn"], ["debug", "log-level"]),
        ({"registry-mirrors": []}, ["--registry-mirror=http://a"], ["registry-mirrors"]),
        ({"log-opts": {"mtu": "1"}}, ["--mtu=1400"], []),
        ({"proxies": {"http-proxy": ""}}, ["--http-proxy=http://a"], ["http-proxy"]),
        ({"runtimes": {}}, ["--add-runtime=a=b"], []),
        ({"mtu": 1}, ["-H", "fd://", "--containerd=/run/containerd/containerd.sock"], []),
    ],
)
def test_what_both_set(config: dict[str, Any], arguments: list[str], keys: list[str]) -> None:
    assert list(conflicts(config, arguments)) == keys


def test_another_configuration_file() -> None:
    assert config_file_of(["-D", "--config-file=/etc/d.json"]) == "/etc/d.json"
    assert config_file_of(["--config-file", "/etc/d.json", "-D"]) == "/etc/d.json"
    assert config_file_of(["-D"]) is None
