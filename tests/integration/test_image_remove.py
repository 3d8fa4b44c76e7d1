# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_remove against a real engine: it removes exactly the named images, all of them or none."""

from __future__ import annotations

from typing import Any

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.scenes import (
    change,
    child,
    id_of,
    mounting,
    pinned,
    state,
    used,
)
from ansible_collections.gantry.docker.tests.support.relay import Relay

MISSING_ID = "sha256:" + "0" * 64


def removed(module: Module, client: docker.DockerClient, *names: str, **options: Any) -> dict[str, Any]:
    """Remove, and compare the forecast of the check run with the changes on the engine."""
    before, boxes = state(client), containers(client)
    foreseen = module.ok(check=True, names=list(names), **options)
    done = module.converges(names=list(names), **options)
    gone = {f"container {name}": word for name, word in boxes.items() if name not in containers(client)}
    expected = change(before, state(client))
    assert done["diff"]["before"] == {**expected["before"], **gone}
    assert done["diff"]["after"] == {**expected["after"], **dict.fromkeys(gone)}
    assert sorted(container["Name"] for container in done["containers"]) == sorted(set(boxes) - set(containers(client)))
    for told in ("images", "deleted", "untagged", "containers"):
        assert done[told] == foreseen[told]
    assert done["deleted"] == sorted(image for image, left in expected["after"].items() if left is None)
    lost = {name for names in before.values() for name in names} - set(all_names(client))
    assert lost <= set(done["untagged"]) and not set(done["untagged"]) & set(all_names(client))
    return done


def all_names(client: docker.DockerClient) -> list[str]:
    """Return all names of all images."""
    return sorted(name for names in state(client).values() for name in names)


def containers(client: docker.DockerClient) -> dict[str, str]:
    """Return the status of all containers."""
    return {str(container.name): container.status for container in client.containers.list(all=True)}


def refused(module: Module, client: docker.DockerClient, *names: str, **options: Any) -> str:
    """Expect a refusal, the same in both modes, that leaves all as it was; the message."""
    before = state(client), containers(client)
    foreseen = module.fails(check=True, names=list(names), **options)
    assert module.fails(names=list(names), **options) == foreseen
    assert (state(client), containers(client)) == before
    return foreseen


def test_last_name_takes_the_image(module: Module, busybox: docker.DockerClient) -> None:
    identifier = id_of(busybox, "busybox")
    done = removed(module, busybox, "busybox")
    assert done["diff"] == {"before": {identifier: ["busybox:latest"]}, "after": {identifier: None}}
    assert [image["Id"] for image in done["images"]] == [done["image"]["Id"]] == [identifier]
    assert done["deleted"] == [identifier]
    assert done["untagged"][0] == "busybox:latest" and done["untagged"][1].startswith("busybox@sha256:")
    assert done["actions"][0].startswith("Removed image busybox:latest, busybox@sha256:")
    assert state(busybox) == {}


def test_one_name_of_several_leaves_the_image(module: Module, busybox: docker.DockerClient) -> None:
    busybox.api.tag("busybox", "busybox", "two")
    identifier = id_of(busybox, "busybox")
    done = removed(module, busybox, "busybox:two")
    assert done["actions"] == ["Untagged busybox:two"]
    assert state(busybox) == {identifier: ["busybox:latest"]}
    assert busybox.images.get("busybox").attrs["RepoDigests"]


@pytest.mark.parametrize("repository", ["aa", "zz"])
def test_one_repository_of_several_leaves_the_image(
    module: Module, busybox: docker.DockerClient, repository: str
) -> None:
    busybox.api.tag("busybox", repository, "1")
    removed(module, busybox, "busybox")
    assert list(state(busybox).values()) == [[f"{repository}:1"]]


def test_missing_ones_make_no_difference_to_others(module: Module, busybox: docker.DockerClient) -> None:
    child(busybox, "busybox", "tools:1")
    stays = child(busybox, "busybox", "tools:2")
    done = removed(module, busybox, "none/such", "tools:1", MISSING_ID, "tools:none")
    assert len(done["actions"]) == len(done["images"]) == 1
    assert stays in state(busybox)


def test_missing_ones_change_nothing(module: Module, clean: docker.DockerClient) -> None:
    assert module.unchanged(names=["busybox", MISSING_ID, f"busybox@{MISSING_ID}", "0" * 12])["images"] == []
    module.unchanged(names=[])
    done = module.unchanged(name="busybox")
    assert done["image"] == {} and done["deleted"] == done["untagged"] == done["containers"] == []


def test_tag_that_is_missing_takes_no_other(module: Module, busybox: docker.DockerClient) -> None:
    module.unchanged(names=["busybox:two", "library/other", "127.0.0.1:5001/busybox"])


def test_name_that_begins_an_id_is_no_id(module: Module, busybox: docker.DockerClient) -> None:
    """A name of fewer than twelve digits is a repository's, whatever images there are."""
    digits = id_of(busybox, "busybox").removeprefix("sha256:")
    module.unchanged(names=[digits[:length] for length in (4, 11)])


@pytest.mark.parametrize("digits", [64, 12])
def test_an_id_takes_all_names(module: Module, busybox: docker.DockerClient, digits: int) -> None:
    for repository in ("aa", "busybox", "zz"):
        busybox.api.tag("busybox", repository, "1")
    done = removed(module, busybox, id_of(busybox, "busybox").removeprefix("sha256:")[:digits])
    assert len(done["actions"]) == 4
    assert state(busybox) == {}


def test_one_image_by_several_names_is_one(module: Module, busybox: docker.DockerClient) -> None:
    busybox.api.tag("busybox", "zz", "1")
    identifier = id_of(busybox, "busybox")
    done = removed(module, busybox, "zz:1", identifier, identifier[7:19], "docker.io/library/zz:1", "busybox")
    assert len(done["actions"]) == 2
    assert len(done["images"]) == 1
    assert state(busybox) == {}


def test_an_id_takes_a_dangling_image(module: Module, busybox: docker.DockerClient) -> None:
    dangling = child(busybox, "busybox")
    done = removed(module, busybox, dangling)
    assert done["actions"] == [f"Removed image ({dangling})"]


def test_a_digest_takes_a_pinned_image(module: Module, clean: docker.DockerClient) -> None:
    removed(module, clean, pinned(clean))
    assert state(clean) == {}


def test_an_id_takes_a_pinned_image(module: Module, clean: docker.DockerClient) -> None:
    removed(module, clean, id_of(clean, pinned(clean)))
    assert state(clean) == {}


@pytest.mark.parametrize("repository", ["aa", "zz"])
@pytest.mark.parametrize("gone", ["tag", "digest", "both", "id"])
def test_a_pinned_image_keeps_its_other_names(
    module: Module, clean: docker.DockerClient, repository: str, gone: str
) -> None:
    digest, tag = pinned(clean), f"{repository}:1"
    clean.api.tag(digest, repository, "1")
    names = {"tag": [tag], "digest": [digest], "both": [tag, digest], "id": [id_of(clean, tag)]}[gone]
    removed(module, clean, *names)
    assert list(state(clean).values()) == {"tag": [[digest]], "digest": [[tag]], "both": [], "id": []}[gone]


def test_digest_goes_with_its_repositorys_last_tag(module: Module, clean: docker.DockerClient) -> None:
    digest = pinned(clean)
    clean.api.tag(digest, "busybox", "1")
    clean.api.tag(digest, "busybox", "2")
    removed(module, clean, "busybox:1")
    removed(module, clean, "busybox:2")
    assert state(clean) == {}


@pytest.mark.parametrize("form", ["busybox@{}", "busybox:latest@{}"])
def test_a_digest_that_is_tagged_is_refused(module: Module, busybox: docker.DockerClient, form: str) -> None:
    digest = busybox.images.get("busybox").attrs["RepoDigests"][0].partition("@")[2]
    message = refused(module, busybox, form.format(digest))
    assert f"busybox@{digest}" in message and "busybox:latest" in message and "Give them instead" in message


def test_a_digest_of_another_repository_is_missing(module: Module, busybox: docker.DockerClient) -> None:
    digest = busybox.images.get("busybox").attrs["RepoDigests"][0].partition("@")[2]
    module.unchanged(name=f"other@{digest}")


def test_child_leaves_its_parent(module: Module, busybox: docker.DockerClient) -> None:
    child(busybox, "busybox", "tools:1")
    removed(module, busybox, "tools:1")
    assert list(state(busybox).values()) == [["busybox:latest"]]


def test_parent_loses_its_name_and_goes_with_the_last_child(module: Module, busybox: docker.DockerClient) -> None:
    parent = id_of(busybox, "busybox")
    children = [child(busybox, "busybox", name) for name in ("tools:1", "tools:2")]
    done = removed(module, busybox, "busybox")
    assert done["actions"][0].startswith("Untagged busybox:latest")
    assert state(busybox)[parent] == []
    removed(module, busybox, "tools:1")
    assert set(state(busybox)) == {parent, children[1]}
    done = removed(module, busybox, "tools:2")
    assert done["diff"]["after"] == {parent: None, children[1]: None}
    assert state(busybox) == {}


def test_parent_and_child_go_in_any_order(module: Module, busybox: docker.DockerClient) -> None:
    middle = child(busybox, "busybox")
    child(busybox, middle, "tools:1")
    removed(module, busybox, "busybox", middle, "tools:1")
    assert state(busybox) == {}


def test_a_parent_is_refused_by_its_id(module: Module, busybox: docker.DockerClient) -> None:
    middle = child(busybox, "busybox")
    top = child(busybox, middle, "tools:1")
    assert "tools:1" in refused(module, busybox, middle)
    assert middle in refused(module, busybox, id_of(busybox, "busybox"))
    busybox.api.tag(top, "tools", "2")
    assert "tools:2" in refused(module, busybox, middle, "tools:1")


def test_nameless_parent_that_a_container_uses_stays(module: Module, busybox: docker.DockerClient) -> None:
    middle = child(busybox, "busybox")
    child(busybox, middle, "tools:1")
    used(busybox, middle)
    removed(module, busybox, "tools:1")
    assert middle in state(busybox)
    assert "user (created)" in refused(module, busybox, middle)


@pytest.mark.parametrize("running", [True, False])
def test_an_image_in_use_is_refused(module: Module, busybox: docker.DockerClient, running: bool) -> None:
    """By name, by Id, by both: no image of the task is removed, and the error names the container."""
    child(busybox, "busybox", "tools:1")
    container = used(busybox, "busybox", running)
    identifier = id_of(busybox, "busybox")
    busybox.api.tag("busybox", "zz", "1")
    for names in ([identifier], ["busybox", "zz:1"], ["zz:1", identifier[7:19]]):
        message = refused(module, busybox, "tools:1", *names)
        assert "Nothing was removed" in message and "Remove these containers first" in message
        assert f"{container} ({'running' if running else 'created'})" in message
        assert "busybox:latest" in message and "tools:1" not in message
    assert busybox.containers.get(container).status == ("running" if running else "created")


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("name", ["busybox:latest", "zz:1"])
def test_an_image_in_use_may_lose_one_of_its_names(
    module: Module, busybox: docker.DockerClient, name: str, running: bool
) -> None:
    busybox.api.tag("busybox", "zz", "1")
    used(busybox, "busybox", running)
    removed(module, busybox, name)
    assert list(state(busybox).values()) == [sorted({"busybox:latest", "zz:1"} - {name})]


@pytest.mark.parametrize("running", [True, False])
def test_an_image_in_use_that_is_pinned_is_refused(module: Module, clean: docker.DockerClient, running: bool) -> None:
    digest = pinned(clean)
    used(clean, digest, running)
    assert "user (" in refused(module, clean, digest)
    assert "user (" in refused(module, clean, id_of(clean, digest))


def test_an_image_in_use_that_dangles_is_refused(module: Module, busybox: docker.DockerClient) -> None:
    dangling = child(busybox, "busybox")
    used(busybox, dangling)
    message = refused(module, busybox, "busybox", dangling)
    assert f"{dangling} is used by user (created)" in message


def test_a_parent_of_an_image_in_use_may_lose_its_name(module: Module, busybox: docker.DockerClient) -> None:
    child(busybox, "busybox", "tools:1")
    used(busybox, "tools:1", running=True)
    removed(module, busybox, "busybox")
    assert "user (running)" in refused(module, busybox, "tools:1")


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Busybox", ["'Busybox'", "lower case"]),
        ("busybox:", ["'busybox:'", "tag"]),
        ("busybox:[1", ["'busybox:[1' in names", "can match no image's name"]),
        ("Busybox*", ["'Busybox*' in names", "lower case"]),
        ("sha256:12*", ["'sha256:12*' in names", "patterns are compared with names"]),
        ("sha256:12", ["'sha256:12'", "64 hexadecimal"]),
        ("busybox@sha256:12", ["digest", "64 hexadecimal"]),
        (" ", ["' '"]),
        ("", ["''"]),
    ],
)
def test_bad_names_are_refused(
    module: Module, busybox: docker.DockerClient, name: str, words: list[str], check: bool
) -> None:
    before = state(busybox)
    message = module.fails(check=check, names=["busybox", name])
    assert all(word in message for word in words), message
    assert state(busybox) == before


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        (["ci/*"], ["busybox:latest", "live/a:1", "live/b:1"]),
        (["ci/a*"], ["busybox:latest", "ci/b:1", "live/a:1", "live/b:1"]),
        (["*:1"], ["busybox:latest"]),
        (["*/[!a]:?", "busybox"], ["ci/a:1", "live/a:1"]),
        (["docker.io/library/*", "docker.io/ci/a*", "none/*"], ["ci/b:1", "live/a:1", "live/b:1"]),
        (["*"], []),
    ],
)
def test_patterns_take_the_names_that_match(
    module: Module, busybox: docker.DockerClient, patterns: list[str], left: list[str]
) -> None:
    """They remove the matching names, whatever other names an image has, and no image without a name."""
    for name in ("ci/a:1", "ci/b:1", "live/a:1"):
        child(busybox, "busybox", name)
    busybox.api.tag("ci/b:1", "live/b", "1")
    dangling = child(busybox, "busybox")
    removed(module, busybox, *patterns)
    assert all_names(busybox) == left
    assert dangling in state(busybox)


def test_patterns_that_match_nothing_change_nothing(module: Module, busybox: docker.DockerClient) -> None:
    done = module.unchanged(names=["busybox:[0-9]*", "other*", "*/busybox", "lib*"])
    assert done["images"] == [] and "image" not in done


def test_a_pattern_is_refused_for_an_image_in_use(module: Module, busybox: docker.DockerClient) -> None:
    child(busybox, "busybox", "tools:1")
    used(busybox, "busybox")
    assert "busybox:latest is used by user (created)" in refused(module, busybox, "*")
    removed(module, busybox, "t*")


FORMS = ["committed", "two names", "pulled", "pinned", "pinned and tagged", "tagged elsewhere", "both", "dangling"]


def made(client: docker.DockerClient, form: str) -> list[str]:
    """Make an image in this way, beside busybox or in its place; return its names in the order of their removal."""
    if form in ("committed", "two names", "dangling"):
        name = child(client, "busybox", None if form == "dangling" else "a:1")
        if form == "two names":
            client.api.tag("a:1", "b", "1")
        return {"committed": ["a:1"], "two names": ["a:1", "b:1"], "dangling": [name]}[form]
    if form == "pulled":
        return ["busybox:latest"]
    client.api.remove_image("busybox:latest")
    digest = pinned(client)
    tags = {"pinned": [], "pinned and tagged": ["busybox:1"], "tagged elsewhere": ["a:1"], "both": ["busybox:1", "a:1"]}
    for tag in tags[form]:
        client.api.tag(digest, tag.partition(":")[0], "1")
    return [*tags[form], *([digest] if form in ("pinned", "tagged elsewhere") else [])]


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("form", FORMS[:-1])
def test_force_takes_all_names_of_an_image_in_use(
    module: Module, busybox: docker.DockerClient, engine: Engine, form: str, running: bool
) -> None:
    """The engine removes the names, and a classic store also the image, unless the container runs."""
    names = made(busybox, form)
    identifier = id_of(busybox, names[0])
    container = used(busybox, names[0], running)
    assert f"is used by {container}" in refused(module, busybox, *names)
    done = removed(module, busybox, *names, force=True)
    goes = engine.store == "classic" and not running
    assert (identifier in state(busybox)) is not goes
    assert done["deleted"] == ([identifier] if goes else [])
    if engine.store == "containerd" and form == "pinned and tagged":
        assert "busybox@sha256:" in state(busybox)[identifier][0]
    else:
        assert not state(busybox).get(identifier)
    assert containers(busybox) == {container: "running" if running else "created"}


def test_force_takes_names_in_any_order(module: Module, busybox: docker.DockerClient) -> None:
    names = made(busybox, "both")
    used(busybox, names[0])
    removed(module, busybox, *names[::-1], force=True)


@pytest.mark.parametrize("form", FORMS)
def test_force_takes_an_image_by_its_id_unless_it_runs(module: Module, busybox: docker.DockerClient, form: str) -> None:
    """All engines remove the image with all of its names, unless a container of it runs."""
    identifier = id_of(busybox, made(busybox, form)[0])
    container = used(busybox, identifier, running=True)
    message = refused(module, busybox, identifier, force=True)
    assert f"is used by {container} (running)" in message and "no engine can be forced" in message
    busybox.containers.get(container).stop()
    assert f"is used by {container} (exited)" in refused(module, busybox, identifier)
    done = removed(module, busybox, identifier, force=True)
    assert done["deleted"] == [identifier] and len(done["actions"]) == 1


def test_what_force_leaves_still_starts(module: Module, busybox: docker.DockerClient, engine: Engine) -> None:
    """A container starts without its image, but can't be committed; on a containerd store it keeps its image."""
    child(busybox, "busybox", "tools:1")
    container = busybox.containers.get(used(busybox, "tools:1"))
    removed(module, busybox, "tools:1", force=True)
    container.start()
    container.wait()
    if engine.store == "containerd":
        container.commit("tools", "2")
    else:
        with pytest.raises(docker.errors.APIError):
            container.commit("tools", "2")


def test_force_changes_nothing_for_parents(module: Module, busybox: docker.DockerClient) -> None:
    """A parent can't be removed by its Id, and goes with its last child, as without force."""
    middle = child(busybox, "busybox")
    child(busybox, middle, "tools:1")
    assert "others were made from it: tools:1" in refused(module, busybox, middle, force=True)
    used(busybox, middle)
    removed(module, busybox, "busybox", force=True)
    removed(module, busybox, "tools:1", force=True)
    assert middle in state(busybox)
    module.unchanged(names=["none", "none*", MISSING_ID], force=True)


@pytest.mark.parametrize("by", ["name", "pattern", "id"])
def test_stopped_containers_go_too_if_asked(module: Module, busybox: docker.DockerClient, by: str) -> None:
    identifier = child(busybox, "busybox", "tools:1")
    busybox.api.tag("tools:1", "tools", "2")
    busybox.volumes.create("kept")
    for number in range(2):
        busybox.containers.create("tools:1", ["true"], name=f"trial{number}", volumes=["kept:/kept"])
    busybox.containers.run("tools:1", ["true"], name="ended")
    used(busybox, "busybox")
    names = {"name": ["tools:1", "tools:2"], "pattern": ["tools*"], "id": [identifier]}[by]
    done = removed(module, busybox, *names, containers="remove_stopped")
    assert sorted(done["actions"][:3]) == [
        "Removed container ended (exited)",
        "Removed container trial0 (created)",
        "Removed container trial1 (created)",
    ]
    assert {container["Image"] for container in done["containers"]} == {"tools:1"}
    assert containers(busybox) == {"user": "created"} and all_names(busybox) == ["busybox:latest"]
    busybox.volumes.get("kept").remove()


def test_stopped_containers_stay_with_their_image(module: Module, busybox: docker.DockerClient) -> None:
    """Containers stay if their image keeps another name, or if one of its containers runs."""
    busybox.api.tag("busybox", "zz", "1")
    busybox.containers.create("busybox", ["true"], name="idle")
    removed(module, busybox, "zz:1", containers="remove_stopped")
    used(busybox, "busybox", running=True)
    message = refused(module, busybox, "busybox", containers="remove_stopped")
    assert "idle (created)" in message and "user (running)" in message
    removed(module, busybox, "busybox", containers="remove_stopped", force=True)
    assert set(containers(busybox)) == {"idle", "user"}


def test_a_container_that_was_started_meanwhile_keeps_its_image(between: Relay, busybox: docker.DockerClient) -> None:
    container = busybox.containers.get(used(busybox, "busybox"))
    busybox.containers.create("busybox", ["tail", "-f", "/dev/null"], name="late", stop_signal="KILL")
    before = state(busybox)
    between.before("DELETE /", busybox.containers.get("late").start)
    message = Module("image_remove", between.docker_host).fails(name="busybox", containers="remove_stopped", force=True)
    assert "No image was removed, as the container late was started meanwhile" in message
    assert state(busybox) == before and containers(busybox)["late"] == "running"
    assert ("Removed container user (created)" in message) is (container.name not in containers(busybox))


def test_a_container_that_went_meanwhile_is_no_error(between: Relay, busybox: docker.DockerClient) -> None:
    container = busybox.containers.get(used(busybox, "busybox"))
    between.before("DELETE /", container.remove)
    Module("image_remove", between.docker_host).ok(name="busybox", containers="remove_stopped")
    assert state(busybox) == {}


def test_a_container_that_came_meanwhile_keeps_its_image(between: Relay, busybox: docker.DockerClient) -> None:
    """The error names earlier removals; force is only for known containers."""
    for name in ("aa:1", "bb:1"):
        child(busybox, "busybox", name)
    between.before("DELETE /", lambda: used(busybox, "bb:1"))
    message = Module("image_remove", between.docker_host).fails(names=["aa:1", "bb:1"], force=True)
    assert "Can't remove the image bb:1: the engine answered 409" in message
    assert "Done before that: Removed image aa:1" in message
    assert all_names(busybox) == ["bb:1", "busybox:latest"]


def test_parents_may_stay(module: Module, busybox: docker.DockerClient) -> None:
    """As with prune: false of community.docker and docker rmi --no-prune."""
    middle = child(busybox, "busybox")
    top = child(busybox, middle, "tools:1")
    assert removed(module, busybox, "tools:1", prune=False)["deleted"] == [top]
    assert middle in state(busybox)
    child(busybox, middle, "tools:1")
    assert middle in removed(module, busybox, "tools:1")["deleted"]


def test_a_bad_value_for_containers_is_refused(module: Module, busybox: docker.DockerClient) -> None:
    assert "remove_stopped" in module.fails(name="busybox", containers="remove")


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("called", ["tag", "id"])
def test_an_image_that_a_container_mounts_is_in_use(
    module: Module, busybox: docker.DockerClient, engine: Engine, running: bool, called: str
) -> None:
    if engine.version < "28":
        pytest.skip("this engine mounts no images")
    identifier = child(busybox, "busybox", "data:1")
    mounting(busybox, "data:1", running)
    name = identifier if called == "id" else "data:1"
    message = refused(module, busybox, name)
    assert f"data:1 is used by mounting ({'running' if running else 'created'})" in message
    busybox.api.tag("data:1", "data", "2")
    removed(module, busybox, "data:2")
    removed(module, busybox, name, force=True)
    kept = engine.store == "containerd" and called == "tag"
    assert state(busybox).get(identifier) == ([] if kept else None)


def test_an_image_that_the_engine_keeps_is_reported(between: Relay, busybox: docker.DockerClient) -> None:
    """The engine's answer is the result: it may remove the last name and keep the image."""
    identifier, other = child(busybox, "busybox", "app:1"), child(busybox, "busybox", "old:1")
    before = state(busybox)
    between.before("DELETE /images/app:1", lambda: used(busybox, "app:1", running=True))
    between.rewrite(rb"(DELETE \S+/app:1\S+)force=0", rb"\1force=1")  # then the engine does the same every time
    done = Module("image_remove", between.docker_host).ok(names=["app:1", "old:1"])
    assert done["deleted"] == [other] and done["untagged"][:1] == ["app:1"]
    assert "stays" in done["spared"][0] and identifier in done["spared"][0]
    assert done["diff"] == change(before, state(busybox))
    assert state(busybox)[identifier] == []
