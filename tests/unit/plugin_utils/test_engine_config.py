# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration files of engines: what is read from them, merged into them, and what a change of them takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.plugin_utils._engine.config import (
    changed_keys,
    describe_changes,
    format_config,
    merge,
    needs_restart,
    parse_config,
    strings,
)


@pytest.mark.parametrize("text", ["", " \n", "\ufeff", "{}", "\ufeff{}\n"])
def test_an_empty_file_is_a_configuration(text: str) -> None:
    assert parse_config(text, "/f") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n  "mtu": 1400\n  "debug": true\n}', "/f is no valid JSON: line 3, column 3: Expecting ',' delimiter."),
        ('{"a": 1} x', "line 1, column 10: Extra data"),
        ("// a comment\n{}", "line 1, column 1"),
        ('{"a": NaN}', "NaN is no JSON value"),
        ('{"log-opts": {"a": "1", "a": "2"}}', "the key 'a' is in it twice"),
        ("[]", "must be a JSON object"),
        ("null", "must be a JSON object"),
    ],
)
def test_an_invalid_file_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        parse_config(text, "/f")
    assert said in error.value.message
    assert error.value.message.endswith("Correct it or remove it.")


@pytest.mark.parametrize(
    ("old", "patch", "new"),
    [
        ({}, {"mtu": 1400}, {"mtu": 1400}),
        ({"debug": True, "mtu": 1500}, {"mtu": 1400}, {"debug": True, "mtu": 1400}),
        ({"log-opts": {"tag": "x", "max-size": "1m"}}, {"log-opts": {"max-size": "9m"}},
         {"log-opts": {"tag": "x", "max-size": "9m"}}),
        ({"log-opts": {"tag": "x"}}, {"log-opts": {"tag": None}}, {"log-opts": {}}),
        ({"a": 1, "b": 2}, {"a": None, "c": None}, {"b": 2}),
        ({"labels": ["a=1"]}, {"labels": ["b=2"]}, {"labels": ["b=2"]}),
        ({"a": "text"}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        ({"a": {"b": 1}}, {"a": 5}, {"a": 5}),
    ],
)  # fmt: skip
def test_merging(old: dict[str, Any], patch: dict[str, Any], new: dict[str, Any]) -> None:
    before = json.dumps(old)
    assert merge(old, patch) == new
    assert json.dumps(old) == before, "the old configuration was changed"


def test_the_order_of_keys_stays_and_new_ones_come_last() -> None:
    assert list(merge({"z": 1, "a": {}}, {"b": 1, "z": 2})) == ["z", "a", "b"]


def test_a_file_keeps_its_indentation() -> None:
    assert format_config({"a": {"b": "ü"}}, '{\n\t"a": 1\n}') == '{\n\t"a": {\n\t\t"b": "ü"\n\t}\n}\n'
    assert format_config({"a": 1}, "") == '{\n  "a": 1\n}\n'


def test_true_is_not_one() -> None:
    assert changed_keys({"a": True, "b": 1, "c": [1]}, {"a": 1, "b": 1, "c": [True]}) == ["a", "c"]
    assert changed_keys({"a": None}, {}) == ["a"]


@pytest.mark.parametrize(
    ("before", "after", "restart"),
    [
        ({}, {"registry-mirrors": ["http://a"], "live-restore": True, "labels": []}, []),
        ({"debug": False}, {"debug": True}, []),
        ({"mtu": 1500}, {"mtu": 1400, "debug": True}, ["mtu"]),
        ({}, {"authorization-plugins": ["a"]}, ["authorization-plugins"]),
        # A reload leaves alone what isn't in the file, but for these three.
        ({"registry-mirrors": ["http://a"]}, {}, ["registry-mirrors"]),
        ({"labels": ["a=1"], "max-concurrent-downloads": 1}, {}, ["labels"]),
        ({"features": {"buildkit": True}}, {"features": {"buildkit": False}}, []),
        ({}, {"features": {"containerd-snapshotter": True, "buildkit": True}}, ["features"]),
        ({"features": {"containerd-snapshotter": True}}, {"features": {"containerd-snapshotter": True}}, []),
        ({"features": {"containerd-snapshotter": True}}, {}, ["features"]),
        ({"features": {"buildkit": True}}, {}, []),
    ],
)
def test_what_takes_a_restart(before: dict[str, Any], after: dict[str, Any], restart: list[str]) -> None:
    assert needs_restart(before, after) == restart


def test_changes_are_told() -> None:
    assert describe_changes({"mtu": 1500, "a": ["x"]}, {"mtu": 1400, "debug": True}) == [
        'a: ["x"] → not set',
        "debug: not set → true",
        "mtu: 1500 → 1400",
    ]


def test_no_password_is_told() -> None:
    (change,) = describe_changes({}, {"proxies": {"http-proxy": "http://me:secret@proxy:1"}})
    assert change == 'proxies: not set → {"http-proxy": "http://…@proxy:1"}'


def test_options_of_log_drivers_are_strings() -> None:
    options = {"max-file": 3, "compress": True, "max-size": "10m", "tag": None}
    assert strings(options) == {"max-file": "3", "compress": "true", "max-size": "10m", "tag": None}
