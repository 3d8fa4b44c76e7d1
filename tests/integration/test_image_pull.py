# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_pull against a real engine and a real registry."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.engines.front import front
from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.registries import Registry, multi_platform
from ansible_collections.gantry.docker.tests.support.relay import Relay

REGISTRY = "127.0.0.1:5001"


def test_several_are_pulled_by_one_task(module: Module, clean: docker.DockerClient) -> None:
    done = module.converges(names=["busybox", "debian:12"])
    assert done["actions"] == ["Pulled image busybox:latest", "Pulled image debian:12"]
    assert {tag for image in clean.images.list() for tag in image.tags} == {"busybox:latest", "debian:12"}
    assert [image["RepoTags"] for image in done["images"]] == [["busybox:latest"], ["debian:12"]]
    assert "image" not in done


def test_diff_tells_the_digest_that_comes(module: Module, clean: docker.DockerClient) -> None:
    done = module.converges(name="busybox")
    digest = clean.images.get("busybox").attrs["RepoDigests"][0].partition("@")[2]
    assert done["diff"] == {"before": {"busybox:latest": None}, "after": {"busybox:latest": digest}}
    assert done["image"]["Id"] == clean.images.get("busybox").id


def test_an_image_is_pulled_by_its_digest(module: Module, busybox: docker.DockerClient) -> None:
    pinned = busybox.images.get("busybox").attrs["RepoDigests"][0]
    busybox.api.remove_image("busybox")
    done = module.converges(name=pinned, policy="newer")
    assert done["image"]["RepoDigests"] == [pinned]


def test_a_platform_can_be_chosen(module: Module, clean: docker.DockerClient) -> None:
    machine = clean.info()["Architecture"]
    done = module.converges(name="busybox", platform=f"linux/{machine}")
    assert done["actions"] == [f"Pulled image busybox:latest for {_platform(clean)}"]
    module.unchanged(name="busybox", platform=machine, policy="newer")


def _platform(client: docker.DockerClient) -> str:
    attributes = client.images.get("busybox").attrs
    return f"{attributes['Os']}/{attributes['Architecture']}"


@pytest.mark.parametrize("check", [True, False])
def test_a_platform_that_the_registry_does_not_have_is_named(
    module: Module, clean: docker.DockerClient, check: bool
) -> None:
    message = module.fails(check=check, name="busybox", platform="linux/s390x")
    assert "linux/s390x" in message and "busybox:latest" in message
    assert clean.images.list() == []


def test_newer_follows_the_registry(module: Module, busybox: docker.DockerClient) -> None:
    name = f"{REGISTRY}/moving:1"
    _push(busybox, "first", name)
    module.unchanged(name=name, policy="newer")
    former = busybox.images.get(name).id
    newest = _push(busybox, "second", name)
    busybox.api.tag(former, f"{REGISTRY}/moving", "1", force=True)
    module.unchanged(name=name)
    done = module.converges(name=name, policy="newer")
    assert done["diff"]["before"] != done["diff"]["after"]
    assert busybox.images.get(name).id == newest


def _push(client: docker.DockerClient, content: str, name: str) -> str:
    """Put a new image into the registry that takes pushes; its Id."""
    container = client.containers.run("busybox", ["sh", "-c", f"echo {content} > /content"], detach=True)
    container.wait()
    container.commit(*name.rsplit(":", 1))
    container.remove()
    assert "error" not in client.images.push(name)
    identifier = client.images.get(name).id
    assert identifier
    return str(identifier)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("busybox:none-such", ["busybox:none-such"]),
        ("127.0.0.1:9/busybox", ["127.0.0.1:9/busybox", "connection refused"]),
        ("Busybox", ["'Busybox'", "lower case"]),
        ("busybox:", ["'busybox:'", "tag"]),
        ("busybox@sha256:12", ["digest", "64 hexadecimal"]),
        ("", ["''"]),
    ],
)
def test_bad_names_are_refused(
    module: Module, clean: docker.DockerClient, name: str, words: list[str], check: bool
) -> None:
    message = module.fails(check=check, names=[name])
    assert all(word in message for word in words), message
    assert clean.images.list() == []


def test_a_bad_platform_is_refused(module: Module, clean: docker.DockerClient) -> None:
    assert "'linux' is no valid platform" in module.fails(name="busybox", platform="linux")


def test_one_bad_name_changes_nothing(module: Module, clean: docker.DockerClient) -> None:
    assert "'Busybox'" in module.fails(names=["debian:12", "Busybox"])
    assert clean.images.list() == []


def test_what_fails_does_not_keep_the_others_from_being_pulled(module: Module, clean: docker.DockerClient) -> None:
    names = ["busybox:none-such", "busybox", "127.0.0.1:9/other", "127.0.0.1:5000/library/busybox"]
    foreseen, done = module(check=True, names=names), module(names=names)
    assert foreseen["msg"] == done["msg"]
    assert "busybox:none-such" in done["msg"] and "127.0.0.1:9/other" in done["msg"], done["msg"]
    assert "5000" not in done["msg"]
    assert (
        done["actions"] == foreseen["actions"] == [f"Pulled image {names[1]}:latest", f"Pulled image {names[3]}:latest"]
    )
    assert done["changed"] and foreseen["changed"]
    assert done["diff"] == foreseen["diff"]
    assert len(done["images"]) == 2
    again = module(names=names)
    assert again["failed"] and not again["changed"] and again["msg"] == done["msg"]


def test_names_without_a_tag_get_the_option_tag(module: Module, engine: Engine, clean: docker.DockerClient) -> None:
    tag = Registry(engine, "127.0.0.1:5000").tags("library/busybox")[0]
    done = module.converges(name="busybox", tag=tag, pull="not_present")
    assert done["image"]["RepoTags"] == [f"busybox:{tag}"]


def test_a_digest_that_is_here_needs_no_registry(module: Module, engine: Engine, busybox: docker.DockerClient) -> None:
    with front(engine, 5100, "127.0.0.1:5000") as registry:
        name = f"{registry.address}/library/busybox"
        module.converges(name=name)
        digest = next(found for found in busybox.images.get(name).attrs["RepoDigests"] if name in found)
        registry.asked.clear()
        for policy in ("missing", "newer", "always"):
            module.unchanged(names=[digest, f"{name}:1@{digest.partition('@')[2]}"], policy=policy)
        assert registry.asked == []
        module.unchanged(name=name)
        assert registry.asked == []


def test_always_pulls_but_changes_only_what_moved(module: Module, engine: Engine, busybox: docker.DockerClient) -> None:
    with front(engine, 5101, "127.0.0.1:5000") as registry:
        name = f"{registry.address}/library/busybox"
        module.converges(name=name, policy="always")
        for check, pulled in ((True, 1), (False, 2)):
            registry.asked.clear()
            assert not module.ok(check=check, name=name, policy="always")["changed"]
            asked = [asked.path for asked in registry.asked if asked.method == "HEAD"]
            assert len(asked) == pulled, "asked, and pulled for real"


@pytest.fixture
def multi(engine: Engine, busybox: docker.DockerClient) -> Iterator[str]:
    """The name of an index with images for several platforms, which the engine doesn't have."""
    yield multi_platform(engine, busybox, REGISTRY)


@pytest.mark.parametrize("policy", ["missing", "newer", "always"])
def test_another_platform_is_pulled_beside_the_engines_own(
    module: Module, engine: Engine, client: docker.DockerClient, multi: str, policy: str
) -> None:
    """An engine that can't describe this image can still report whether it has it."""
    if engine.store == "classic":
        pytest.skip("a classic store has an image for one platform")
    own, other = ("amd64", "arm64") if client.info()["Architecture"] == "x86_64" else ("arm64", "amd64")
    module.converges(name=multi)
    done = module.converges(name=multi, platform=other, policy=policy)
    assert done["actions"] == [f"Pulled image {multi} for linux/{other}"]
    for platform in (own, other):
        module.unchanged(name=multi, platform=platform, policy=policy)
        made = client.api.create_container(multi, ["true"], platform=f"linux/{platform}")
        client.api.remove_container(made)
    assert client.containers.list(all=True) == []
    assert "has it for" in module.fails(name=multi, platform="linux/s390x", policy=policy)


def test_each_platform_of_an_index_can_be_pulled(
    module: Module, engine: Engine, client: docker.DockerClient, multi: str
) -> None:
    done = module.converges(name=multi, platform="linux/arm64", policy="newer")
    assert done["image"]["Architecture"] == "arm64"
    digest = Registry(engine, REGISTRY).digest("multi", "1")
    assert done["diff"] == {"before": {multi: None}, "after": {multi: digest}}
    module.unchanged(name=multi)
    module.unchanged(name=multi, policy="newer")
    done = module.converges(name=multi, platform="linux/amd64", policy="newer")
    assert done["image"]["Architecture"] == "amd64"
    module.unchanged(name=multi, platform="linux/amd64", policy="always")
    if engine.store == "classic":
        module.converges(name=multi, platform="linux/arm64")
    else:
        module.unchanged(name=multi, platform="linux/arm64", policy="newer")


def test_always_comes_to_the_engines_own_platform(module: Module, client: docker.DockerClient, multi: str) -> None:
    own = client.info()["Architecture"].replace("x86_64", "amd64")
    module.converges(name=multi, platform="linux/arm64" if own == "amd64" else "linux/amd64")
    done = module.converges(name=multi, policy="always")
    assert done["image"]["Architecture"] == own


def test_an_index_that_moved_is_pulled_again(
    module: Module, engine: Engine, client: docker.DockerClient, multi: str
) -> None:
    module.converges(name=multi)
    registry = Registry(engine, REGISTRY)
    former = registry.digest("multi", "1")
    newest = registry.put_index("multi", "1", "source", ["arm64", "amd64"], note="newer")
    module.unchanged(name=multi)
    done = module.converges(name=multi, policy="newer")
    assert done["diff"] == {"before": {multi: former}, "after": {multi: newest}}


@pytest.mark.parametrize("parallel", [1, 7])
def test_many_are_pulled_at_once(module: Module, busybox: docker.DockerClient, parallel: int) -> None:
    for number in range(9):
        busybox.api.tag("busybox", f"{REGISTRY}/many", str(number))
        assert "error" not in busybox.images.push(f"{REGISTRY}/many", str(number))
        busybox.api.remove_image(f"{REGISTRY}/many:{number}")
    names = [f"{REGISTRY}/many:{number}" for number in range(10)]
    result = module(names=names, parallel=parallel)
    assert f"no {names[9]}" in result["msg"] and len(result["images"]) == 9
    assert result["actions"] == [f"Pulled image {name}" for name in names[:9]]
    module.unchanged(names=names[:9], parallel=parallel, policy="newer")


def test_the_id_of_one_of_several_platforms_names_the_image(
    module: Module, modules: Callable[[str], Module], engine: Engine, client: docker.DockerClient, multi: str
) -> None:
    """The digest of a manifest in an index is no Id of an image."""
    if engine.suite == "trixie":
        pytest.skip("this engine can't tell of several platforms")
    other = "linux/arm64" if client.info()["Architecture"] == "x86_64" else "linux/amd64"
    own = "linux/amd64" if other.endswith("arm64") else "linux/arm64"
    for platform in (own, other):
        image = module.ok(name=multi, platform=platform)["image"]
        assert f"linux/{image['Architecture']}" == platform and image["RootFS"]["Layers"]
        assert modules("image_info").ok(name=image["Id"])["image"]["Id"] == image["Id"]
    modules("image_tag").converges(name=image["Id"], repository=["second:1"])
    modules("image_remove").converges(name=image["Id"])


def test_an_image_for_another_platform_alone_is_whole(
    module: Module, modules: Callable[[str], Module], client: docker.DockerClient, multi: str
) -> None:
    other = "arm64" if client.info()["Architecture"] == "x86_64" else "amd64"
    module.converges(name=multi, platform=other)
    info = modules("image_info").unchanged(name=multi, history=True)
    assert info["flawed"] == []
    image = info["image"]
    assert (image["Os"], image["Architecture"]) == ("linux", other)
    assert [row["DiffID"] for row in image["History"] if row["DiffID"]] == image["RootFS"]["Layers"]
    prune = modules("image_prune")
    prune.unchanged(dangling=False, keep=["busybox"], until="2020-01-01T00:00:00Z")
    prune.unchanged(dangling=False, keep=["busybox"], keep_last=1)
    prune.converges(dangling=False, keep=["busybox"])


UPSTREAM, DEAD, MIRROR = "127.0.0.1:5000", "127.0.0.1:9", "127.0.0.1:5001"
# A header that no engine can be told to send beforehand. The mirror doesn't read it.
UNLIKE = '[host."http://127.0.0.1:5001".header]\nX-Site = "one"\n'


@pytest.fixture
def mirrored(engine: Engine, busybox: docker.DockerClient) -> Iterator[docker.DockerClient]:
    """An engine that pulls from a mirror, by hosts.toml (containerd, docs/hosts.md).

    The mirror has app:1 alone, and another other:1 than the registry. A mirror before it is down.
    """
    if engine.store == "classic" or engine.release < (28,):
        pytest.skip("this engine doesn't read hosts.toml")
    mirror, upstream = Registry(engine, MIRROR), Registry(engine, UPSTREAM)
    mirror.empty()
    for name in (f"{MIRROR}/mirrored/app:1", f"{MIRROR}/mirrored/other:1", f"{UPSTREAM}/mirrored/other:1"):
        _push(busybox, name, name)
        busybox.api.remove_image(name)
    for registry in (UPSTREAM, DEAD):
        _hosts(engine, registry).parent.mkdir()
        text = f'server = "http://{registry}"\n[host."http://127.0.0.1:19"]\n[host."http://{MIRROR}"]\n'
        _hosts(engine, registry).write_text(f'{text}capabilities = ["pull", "resolve"]\n')
    try:
        yield busybox
    finally:
        for registry in (UPSTREAM, DEAD):
            shutil.rmtree(_hosts(engine, registry).parent)
        mirror.empty()
        upstream.ask("DELETE", f"/v2/mirrored/other/manifests/{upstream.digest('mirrored/other', '1')}")


def _hosts(engine: Engine, registry: str) -> Path:
    """Return the file with a registry's mirrors."""
    return Path(f"/proc/{engine.pid}/root/etc/docker/certs.d/{registry}/hosts.toml")


def _add(engine: Engine, text: str) -> None:
    """Add a text to the files with mirrors."""
    for registry in (UPSTREAM, DEAD):
        with _hosts(engine, registry).open("a") as file:
            file.write(text)


@pytest.mark.parametrize("policy", ["missing", "newer", "always"])
@pytest.mark.parametrize("registry", [UPSTREAM, DEAD])
def test_what_a_mirror_alone_has_is_foreseen(
    module: Module, engine: Engine, mirrored: docker.DockerClient, registry: str, policy: str
) -> None:
    name = f"{registry}/mirrored/app:1"
    done = module.converges(name=name, policy=policy)
    digest = Registry(engine, MIRROR).digest("mirrored/app", "1")
    assert done["diff"] == {"before": {name: None}, "after": {name: digest}}
    assert "warnings" not in done and "spared" not in done
    _push(mirrored, "moved", f"{MIRROR}/mirrored/app:1")
    mirrored.api.remove_image(f"{MIRROR}/mirrored/app:1")
    if policy == "missing":
        module.unchanged(name=name)
    else:
        moved = Registry(engine, MIRROR).digest("mirrored/app", "1")
        done = module.converges(name=name, policy=policy)
        assert done["diff"] == {"before": {name: digest}, "after": {name: moved}} and moved != digest


def test_what_a_mirror_has_otherwise_is_foreseen(module: Module, engine: Engine, mirrored: docker.DockerClient) -> None:
    name = f"{UPSTREAM}/mirrored/other:1"
    digest, theirs = (Registry(engine, place).digest("mirrored/other", "1") for place in (UPSTREAM, MIRROR))
    done = module.converges(name=name, policy="newer")
    assert done["diff"] == {"before": {name: None}, "after": {name: theirs}} and theirs != digest
    assert mirrored.images.get(name).id == done["image"]["Id"]


def test_a_mirror_is_asked_with_the_login_of_its_header(
    module: Module, engine: Engine, mirrored: docker.DockerClient
) -> None:
    """The registry with users has the same content as the mirror."""
    secure = "192.0.2.1:5002"
    authorization = base64.b64encode(b"one:first").decode()
    _hosts(engine, DEAD).write_text(
        f'[host."https://{secure}"]\nca = "/etc/docker/certs.d/{secure}/ca.crt"\n'
        f'[host."https://{secure}".header]\nAuthorization = "Basic {authorization}"\n'
    )
    assert "warnings" not in module.converges(name=f"{DEAD}/mirrored/app:1")


def test_mirrors_that_no_pull_comes_to_cast_no_doubt(
    module: Module, engine: Engine, mirrored: docker.DockerClient
) -> None:
    """One has the image before them, or they don't resolve tags."""
    _add(engine, '[host."https://mirror.example/path"]\n')
    assert "warnings" not in module.converges(name=f"{DEAD}/mirrored/app:1", policy="newer")
    pulls = '[host."https://mirror.example/path"]\ncapabilities = ["pull"]\n'
    _hosts(engine, UPSTREAM).write_text(f'server = "http://{UPSTREAM}"\n{pulls}')
    assert "warnings" not in module.converges(name=f"{UPSTREAM}/mirrored/other:1", policy="newer")


@pytest.mark.parametrize("policy", ["missing", "newer", "always"])
def test_what_nobody_has_is_missed_before_the_pull(module: Module, mirrored: docker.DockerClient, policy: str) -> None:
    name = f"{UPSTREAM}/mirrored/nothing:1"
    for check in (True, False):
        message = module.fails(check=check, name=name, policy=policy)
        assert f"has no {name}" in message and f"certs.d/{UPSTREAM}/hosts.toml: http://127.0.0.1:19, " in message


@pytest.mark.parametrize("registry", [UPSTREAM, DEAD])
def test_what_cannot_be_known_is_pulled_and_called_so(
    module: Module, engine: Engine, mirrored: docker.DockerClient, registry: str
) -> None:
    """The engine can't be told beforehand to send a mirror's headers."""
    _add(engine, UNLIKE)
    name = f"{registry}/mirrored/app:1"
    foreseen = module.ok(check=True, name=name)
    assert foreseen["changed"] and foreseen["diff"] == {"before": {name: None}, "after": {name: None}}
    (warning,) = foreseen["warnings"]
    assert all(word in warning for word in ("can't know", f"http://{MIRROR} (its headers)", f"{registry}/hosts.toml"))
    digest = Registry(engine, MIRROR).digest("mirrored/app", "1")
    assert module.ok(name=name)["diff"] == {"before": {name: None}, "after": {name: digest}}
    assert "warnings" not in module.unchanged(name=name)
    assert "warnings" in module.unchanged(name=name, policy="newer")
    _push(mirrored, "moved", f"{MIRROR}/mirrored/app:1")
    assert not module.ok(check=True, name=name, policy="newer")["changed"]
    done = module.ok(name=name, policy="newer")
    moved = Registry(engine, MIRROR).digest("mirrored/app", "1")
    assert done["changed"] and done["diff"] == {"before": {name: digest}, "after": {name: moved}}
    assert str(moved) in done["spared"][0]
    absent = f"{registry}/mirrored/nothing:1"
    assert module.ok(check=True, name=absent)["changed"]
    assert "pull" in module.fails(name=absent)


def test_no_mirror_brings_another_image_than_the_accepted_one(
    module: Module, engine: Engine, mirrored: docker.DockerClient
) -> None:
    name = f"{UPSTREAM}/mirrored/other:1"
    digest, theirs = (Registry(engine, place).digest("mirrored/other", "1") for place in (UPSTREAM, MIRROR))
    options = {"verifier": ["/bin/test", "{digest}", "=", str(digest)]}
    for check in (True, False):
        assert f"refuses {name}@{theirs}" in module.fails(check=check, name=name, **options)
    _add(engine, UNLIKE)
    for check in (True, False):
        message = module.fails(check=check, name=f"{DEAD}/mirrored/other:1", **options)
        assert "can't be pulled with verifier" in message and f"{DEAD}/hosts.toml" in message
    done = module.converges(name=name, **options)
    assert done["image"]["RepoDigests"] == [f"{UPSTREAM}/mirrored/other@{digest}"] and "warnings" not in done
    assert "warnings" not in module.unchanged(name=name, policy="newer", **options)


def test_what_a_mirror_has_otherwise_is_reported(module: Module, engine: Engine, mirrored: docker.DockerClient) -> None:
    _add(engine, UNLIKE)
    name = f"{UPSTREAM}/mirrored/other:1"
    digest, theirs = (Registry(engine, place).digest("mirrored/other", "1") for place in (UPSTREAM, MIRROR))
    foreseen = module.ok(check=True, name=name)
    assert foreseen["diff"]["after"] == {name: digest} and "warnings" in foreseen
    done = module.ok(name=name)
    assert done["changed"] and done["diff"] == {"before": {name: None}, "after": {name: theirs}}
    assert done["image"]["RepoDigests"] == [f"{UPSTREAM}/mirrored/other@{theirs}"]
    assert mirrored.images.get(name).id == done["image"]["Id"]
    (told,) = done["spared"]
    assert all(word in told for word in (name, str(digest), str(theirs), "hosts.toml"))
    module.unchanged(name=name)
    again = module.ok(name=name, policy="newer")
    assert not again["changed"] and again["actions"] == [] and again["diff"] == {"before": {}, "after": {}}
    assert "stays as it is" in again["spared"][0]


def test_mirrors_of_an_engine_elsewhere_are_not_asked(
    between: Relay, module: Module, mirrored: docker.DockerClient
) -> None:
    """Behind a relay the engine could be anywhere. Both runs fail, and the message has the reason."""
    name = f"{DEAD}/mirrored/app:1"
    elsewhere = Module("image_pull", between.docker_host)
    message = elsewhere.fails(check=True, name=name)
    assert f"certs.d/{DEAD}/hosts.toml aren't asked" in message and "by the mirror's name" in message
    assert elsewhere.fails(name=name) == message
    module.converges(name=name)
    elsewhere.unchanged(name=name)


def test_a_container_of_what_a_mirror_has_stays(
    modules: Callable[[str], Module], engine: Engine, mirrored: docker.DockerClient
) -> None:
    """The container isn't replaced for an image that never arrives."""
    _add(engine, UNLIKE)
    name, run = f"{UPSTREAM}/mirrored/other:1", modules("container_run")
    made = run.ok(name="user", image=name, pull="always", command="true")
    assert made["changed"] and len(made["spared"]) == 1 and "is another image than foreseen" in made["spared"][0]
    again = run.ok(name="user", image=name, pull="always", command="true")
    assert not again["changed"] and again["actions"] == [] and again["diff"] == {"before": {}, "after": {}}
    assert again["container"]["Id"] == made["container"]["Id"]
    assert [reason.partition(" stays")[0] for reason in again["spared"]] == [name, "user"]


def test_a_container_is_made_of_what_a_mirror_alone_has(
    modules: Callable[[str], Module], engine: Engine, mirrored: docker.DockerClient
) -> None:
    run = modules("container_run")
    run.converges(name="user", image=f"{DEAD}/mirrored/app:1", pull="always", command="true", state="present")
    _add(engine, UNLIKE)
    run.converges(name="other", image=f"{DEAD}/mirrored/other:1", command="true", state="present")
    message = run.fails(name="other", image=f"{DEAD}/mirrored/other:1", pull="always", command="true", state="present")
    assert "Can't know whether" in message and "image_pull" in message
