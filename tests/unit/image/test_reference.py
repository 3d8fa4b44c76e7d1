# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""References: users' names, and Docker's names for them."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput, printable
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    ImageId,
    ListedName,
    Reference,
    begins_id,
    digests_in,
    listed_name,
    may_be_short_id,
    parse_image_name,
    parse_reference,
    parse_registry,
    parse_tag,
)

DIGITS = "0123456789abcdef" * 4
DIGEST = f"sha256:{DIGITS}"


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("busybox", "docker.io", "library/busybox", "latest", None),
        ("busybox:1.35", "docker.io", "library/busybox", "1.35", None),
        ("library/busybox", "docker.io", "library/busybox", "latest", None),
        ("docker.io/busybox", "docker.io", "library/busybox", "latest", None),
        ("index.docker.io/library/busybox:1", "docker.io", "library/busybox", "1", None),
        ("example/tools", "docker.io", "example/tools", "latest", None),
        ("a/b/c:d", "docker.io", "a/b/c", "d", None),
        ("localhost/tools", "localhost", "tools", "latest", None),
        ("127.0.0.1:5001/tools", "127.0.0.1:5001", "tools", "latest", None),
        ("127.0.0.1:5001/a/b:2", "127.0.0.1:5001", "a/b", "2", None),
        ("[::1]:5001/tools:1", "[::1]:5001", "tools", "1", None),
        ("Host/tools", "Host", "tools", "latest", None),
        (f"busybox@{DIGEST}", "docker.io", "library/busybox", None, DIGEST),
        (f"busybox:1@{DIGEST}", "docker.io", "library/busybox", "1", DIGEST),
        (f"127.0.0.1:5001/tools@{DIGEST}", "127.0.0.1:5001", "tools", None, DIGEST),
        ("a-b__c.d--e:_A.b-c", "docker.io", "library/a-b__c.d--e", "_A.b-c", None),
        ("a" * 255, "docker.io", "library/" + "a" * 255, "latest", None),
        (f"busybox:{'t' * 128}", "docker.io", "library/busybox", "t" * 128, None),
        (DIGITS[:63], "docker.io", f"library/{DIGITS[:63]}", "latest", None),
    ],
)
def test_references_have_parts(text: str, registry: str, repository: str, tag: str | None, digest: str | None) -> None:
    assert parse_reference(text) == Reference(registry, repository, tag, digest)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("busybox", "busybox:latest"),
        ("docker.io/library/busybox:1", "busybox:1"),
        ("docker.io/example/tools", "example/tools:latest"),
        ("library/a/b", "library/a/b:latest"),
        ("localhost/library/busybox", "localhost/library/busybox:latest"),
        ("127.0.0.1:5001/tools:1", "127.0.0.1:5001/tools:1"),
        (f"docker.io/busybox:1@{DIGEST}", f"busybox:1@{DIGEST}"),
        (f"busybox@{DIGEST}", f"busybox@{DIGEST}"),
    ],
)
def test_shown_as_docker_shows_it(text: str, shown: str) -> None:
    assert str(parse_reference(text)) == shown
    assert parse_reference(shown) == parse_reference(text)


def test_a_reference_is_written_with_its_tag_or_its_digest() -> None:
    reference = parse_reference(f"127.0.0.1:5001/tools:1@{DIGEST}")
    assert reference.tagged == "127.0.0.1:5001/tools:1"
    assert reference.pinned == f"127.0.0.1:5001/tools@{DIGEST}"


def test_the_default_tag_comes_only_where_it_is_wanted() -> None:
    assert parse_reference("busybox", default_tag=None).tag is None
    assert str(parse_reference("busybox", default_tag=None)) == "busybox"


def test_the_default_tag_can_be_another_one() -> None:
    assert parse_reference("busybox", "1.36") == parse_reference("busybox:1.36")
    assert parse_reference("busybox:1", "2").tag == "1"
    assert parse_reference(f"busybox@{DIGEST}", "2").tag is None
    with pytest.raises(InvalidInput, match="'-2' is no valid tag"):
        parse_reference("busybox", "-2")


@pytest.mark.parametrize(
    ("text", "registry"),
    [
        ("docker.io", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("127.0.0.1:5001", "127.0.0.1:5001"),
        ("http://127.0.0.1:5001/v2/", "127.0.0.1:5001"),
    ],
)
def test_registries_are_parsed(text: str, registry: str) -> None:
    assert parse_registry(text) == registry


@pytest.mark.parametrize("text", ["", "https://", "a b", "user@host"])
def test_what_is_no_registry_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no registry"):
        parse_registry(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["''", "lower-case letters and digits"]),
        (" ", ["' '"]),
        ("busybox ", ["'busybox '"]),
        ("busybox\n", ["busybox"]),
        ("Busybox", ["'Busybox'", "must be in lower case"]),
        ("example/Tools", ["must be in lower case"]),
        ("-busybox", ["the repository '-busybox'"]),
        ("busy..box", ["the repository 'busy..box'"]),
        ("busy___box", ["the repository"]),
        ("a//b", ["the repository 'a//b'"]),
        ("a/", ["the repository 'a/'"]),
        ("/a", ["the repository '/a'"]),
        ("https://127.0.0.1:5001/a", ["'https:' is no host[:port]"]),
        ("host_name.:5001/a", ["'host_name.:5001' is no host[:port]"]),
        ("127.0.0.1:/a", ["'127.0.0.1:' is no host[:port]"]),
        ("busybox:", ["'' is no valid tag"]),
        ("busybox:-1", ["'-1' is no valid tag"]),
        ("busybox:a b", ["'a b' is no valid tag"]),
        (f"busybox:{'t' * 129}", ["up to 128"]),
        ("busybox@", ["after @ there must be a digest"]),
        ("busybox@sha256:12", ["64 hexadecimal digits"]),
        (f"busybox@{DIGEST.upper()}", ["64 hexadecimal digits"]),
        (f"busybox@{DIGEST}@{DIGEST}", ["64 hexadecimal digits"]),
        (f"@{DIGEST}", ["the repository ''"]),
        ("a" * 256, ["longer than 255"]),
        (DIGITS, ["is an image Id", "repository[:tag]"]),
    ],
)
def test_what_is_wrong_is_named(text: str, words: list[str]) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_reference(text)
    assert f"'{printable(text)}'" in raised.value.message
    assert all(word in raised.value.message for word in words), raised.value.message


@pytest.mark.parametrize("text", [DIGITS, DIGEST])
def test_a_full_id_is_no_name(text: str) -> None:
    name = parse_image_name(text)
    assert name == ImageId(DIGEST)
    assert str(name) == DIGEST
    assert not may_be_short_id(name)


@pytest.mark.parametrize("text", ["sha256:", "sha256:12", f"sha256:{DIGITS}0", f"sha256:{DIGITS[:-1]}g"])
def test_a_broken_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="64 hexadecimal digits"):
        parse_image_name(text)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        (DIGITS[:12], True),
        (DIGITS[:63], True),
        (DIGITS[:11], False),
        (f"{DIGITS[:12]}:1", False),
        (f"{DIGITS[:12]}@{DIGEST}", False),
        (f"example/{DIGITS[:12]}", False),
        (f"localhost/{DIGITS[:12]}", False),
        ("0123456789ag", False),
    ],
)
def test_names_may_be_short_ids(text: str, short: bool) -> None:
    assert may_be_short_id(parse_image_name(text)) is short


def test_a_tag_to_be_given_has_no_digest() -> None:
    assert parse_tag("tools") == parse_reference("tools:latest")
    with pytest.raises(InvalidInput, match="follows from the content"):
        parse_tag(f"tools@{DIGEST}")
    with pytest.raises(InvalidInput, match="is an image Id"):
        parse_tag(DIGITS)


@pytest.mark.parametrize(
    ("text", "repository", "tag", "digest"),
    [
        ("a:1", "a", "1", ""),
        ("h:5001/a:1", "h:5001/a", "1", ""),
        (f"a@{DIGEST}", "a", "", DIGEST),
        (f"h:5001/a@{DIGEST}", "h:5001/a", "", DIGEST),
        ("latest", "", "latest", ""),
    ],
)
def test_a_listed_name_has_parts(text: str, repository: str, tag: str, digest: str) -> None:
    name = ListedName(text)
    assert (name.repository, name.tag, name.digest) == (repository, tag, digest)


def test_a_listed_name_is_its_text() -> None:
    name = ListedName("h:5001/a:1")
    assert name == "h:5001/a:1" and hash(name) == hash("h:5001/a:1") and json.dumps([name]) == '["h:5001/a:1"]'
    assert deepcopy(name).repository == "h:5001/a"


def test_digests_belong_to_a_repository() -> None:
    names = [f"h:5001/a@{DIGEST}", "h:5001/b@sha256:1", "a@sha256:2", "h:5001/a@sha256:3"]
    assert digests_in(parse_reference("h:5001/a:1"), map(ListedName, names)) == [DIGEST, "sha256:3"]


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("docker.io/library/a", "a:latest"),
        (f"h:5001/a:1@{DIGEST}", f"h:5001/a@{DIGEST}"),
        (DIGITS, DIGEST),
        ("No Name", "No Name"),
    ],
)
def test_names_are_written_as_lists_have_them(text: str, listed: str) -> None:
    assert listed_name(text) == listed


def test_ids_have_beginnings() -> None:
    begins = [begins_id(parse_image_name(text), DIGEST) for text in (DIGITS[:12], f"{DIGITS[:12]}:1", "a", DIGITS)]
    assert begins == [True, False, False, False]
