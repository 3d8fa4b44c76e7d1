# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""container_run against a real engine: no container is replaced for no reason, and none is lost."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.engines.front import Trouble, front
from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.registries import Registry, multi_platform
from ansible_collections.gantry.docker.tests.support import archives
from ansible_collections.gantry.docker.tests.support.relay import Relay
from ansible_collections.gantry.docker.tests.support.waiting import wait_for

UP = ["tail", "-f", "/dev/null"]
WANTED: dict[str, Any] = {"name": "box", "image": "busybox", "command": UP, "stop_timeout": 0}


def names(client: docker.DockerClient) -> set[str]:
    return {str(container.name) for container in client.containers.list(all=True)}


def state(client: docker.DockerClient, name: str = "box") -> tuple[str, str]:
    """Return a container's Id and status."""
    container = client.containers.get(name)
    return str(container.id), container.status


def test_starts_one(module: Module, busybox: docker.DockerClient) -> None:
    done = module.converges(**WANTED)
    assert done["actions"] == ["Started container box from busybox:latest"]
    box = busybox.containers.get("box")
    assert box.status == "running"
    assert box.attrs["Config"]["Cmd"] == UP
    assert done["container"]["Id"] == box.id
    asked = {"image": busybox.images.get("busybox").id, "command": UP}
    assert done["diff"] == {"before": {"box": None}, "after": {"box": {**asked, "status": "running"}}}


def test_second_run_keeps_the_container(module: Module, busybox: docker.DockerClient) -> None:
    module.ok(**WANTED)
    first = state(busybox)
    module.unchanged(**WANTED)
    module.unchanged(**{**WANTED, "command": "tail -f /dev/null"})
    module.unchanged(**{**WANTED, "command": None, "image": "docker.io/library/busybox:latest"})
    module.unchanged(**{**WANTED, "image": busybox.images.get("busybox").id})
    assert state(busybox) == first


def test_a_container_gets_a_terminal_and_standard_input(module: Module, busybox: docker.DockerClient) -> None:
    module.converges(name="shell", image="busybox", tty=True, interactive=True, env={"ONE": "1 =\n", "TWO": 2})
    config = busybox.containers.get("shell").attrs["Config"]
    assert (config["Tty"], config["OpenStdin"], config["Cmd"]) == (True, True, ["sh"])
    assert {"ONE=1 =\n", "TWO=2"} <= set(config["Env"])
    assert busybox.containers.get("shell").status == "running"


def test_starts_a_stopped_one_again(module: Module, busybox: docker.DockerClient) -> None:
    module.ok(**WANTED)
    busybox.containers.get("box").stop(timeout=0)
    stopped = state(busybox)
    done = module.converges(**WANTED)
    assert done["actions"] == ["Started container box, which was there"]
    assert state(busybox) == (stopped[0], "running")
    assert changes(done) == {"status": ("exited", "running")}


def changes(done: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the differences in the diff of the container box, by option."""
    before, after = done["diff"]["before"]["box"], done["diff"]["after"]["box"]
    assert set(before) == set(after)
    return {option: (before[option], after[option]) for option in before if before[option] != after[option]}


def test_starts_one_that_was_only_created(module: Module, busybox: docker.DockerClient) -> None:
    made = busybox.containers.create("busybox", UP, name="box")
    module.converges(**WANTED)
    assert state(busybox) == (made.id, "running")


@pytest.mark.parametrize(
    ("option", "value", "before", "after"),
    [
        ("command", ["sleep", "600"], UP, ["sleep", "600"]),
        ("tty", True, False, True),
        ("interactive", True, False, True),
        ("env", {"COLOUR": "red"}, {"COLOUR": "blue"}, {"COLOUR": "red"}),
        ("env", {"SHAPE": "round"}, {}, {"SHAPE": "round"}),
    ],
)
def test_replaces_one_that_differs(
    module: Module, busybox: docker.DockerClient, option: str, value: Any, before: Any, after: Any
) -> None:
    module.ok(**WANTED, env={"COLOUR": "blue"})
    old = state(busybox)
    done = module.converges(**{**WANTED, option: value})
    assert done["actions"] == [f"Replaced container box, as it differed in {option}"]
    assert changes(done) == {option: (before, after)}
    assert state(busybox)[0] != old[0] and state(busybox)[1] == "running"
    assert names(busybox) == {"box"}


# All at once, as written by a user, and then one after the other otherwise: the value, and how a diff tells both.
MANY: dict[str, Any] = {
    **WANTED,
    "entrypoint": "env LANG=C",
    "tty": True,
    "interactive": True,
    "env": {"COLOUR": "blue"},
    "labels": {"example.one": "1", "example.two": 2},
    "user": "1000:1000",
    "working_dir": "/tmp/",  # noqa: S108
    "hostname": "boxer",
    "init": True,
    "memory": "64M",
    "cpus": 0.5,
    "capabilities": ["net_admin", "CAP_SYS_TIME"],
    "cap_drop": ["MKNOD"],
    "restart_policy": "on-failure",
    "restart_retries": 3,
    "volumes": ["/srv/here/:/here", "data:/data:ro", "/anonymous"],
    "mounts": [
        {"target": "/scratch", "type": "tmpfs", "tmpfs_size": "8M"},
        {"target": "/bound", "type": "bind", "source": "/tmp", "read_only": True},  # noqa: S108
        {"target": "/more", "source": "more"},
    ],
    "published_ports": ["8080:80", "127.0.0.1:8053:53/udp", "443"],
    "networks": [{"name": "back", "aliases": ["db", "store"]}, {"name": "front", "ipv4_address": "10.77.0.7"}],
}
OTHERWISE: list[tuple[str, Any, Any, Any]] = [
    ("entrypoint", ["env"], ["env", "LANG=C"], ["env"]),
    ("tty", False, True, False),
    ("interactive", False, True, False),
    ("env", {"COLOUR": "red"}, {"COLOUR": "blue"}, {"COLOUR": "red"}),
    ("labels", {"example.two": "3"}, {"example.two": "2"}, {"example.two": "3"}),
    ("user", "0", "1000:1000", "0"),
    ("working_dir", "/", "/tmp", "/"),  # noqa: S108
    ("hostname", "other", "boxer", "other"),
    ("init", False, True, False),
    ("memory", "128m", 64 * 1024**2, 128 * 1024**2),
    ("cpus", 0.75, 0.5, 0.75),
    ("capabilities", ["NET_ADMIN"], ["NET_ADMIN", "SYS_TIME"], ["NET_ADMIN"]),
    ("cap_drop", [], ["MKNOD"], []),
    ("restart_policy", "always", "on-failure", "always"),
    ("restart_retries", 4, 3, 4),
    ("volumes", ["data:/data"], ["/srv/here:/here", "data:/data:ro"], ["data:/data"]),
    ("published_ports", ["443"], ["127.0.0.1:8053:53/udp", "443/tcp", "8080:80/tcp"], ["443/tcp"]),
    (
        "mounts",
        [{"target": "/more", "source": "less"}],
        [
            {"type": "bind", "source": "/tmp", "target": "/bound", "read_only": True},  # noqa: S108
            {"type": "volume", "source": "more", "target": "/more", "read_only": False},
            {"type": "tmpfs", "source": "", "target": "/scratch", "read_only": False, "tmpfs_size": 8 * 1024**2},
        ],
        [{"type": "volume", "source": "less", "target": "/more", "read_only": False}],
    ),
    ("networks", [{"name": "back"}], {"back": {}, "front": {}}, {"back": {}}),
    ("networks", [], {"back": {}, "front": {}}, {}),
]


@pytest.fixture
def networks(busybox: docker.DockerClient) -> Iterator[None]:
    """The networks front and back; the tests' volumes are removed with them."""
    pool = docker.types.IPAMPool(subnet="10.77.0.0/24")
    made = [
        busybox.networks.create("back"),
        busybox.networks.create("front", ipam=docker.types.IPAMConfig(pool_configs=[pool])),
    ]
    yield
    for container in busybox.containers.list(all=True):
        container.remove(force=True, v=True)
    for network in made:
        network.remove()
    for volume in busybox.volumes.list():
        volume.remove()


def test_every_option_holds_and_none_differs_by_itself(
    module: Module, busybox: docker.DockerClient, networks: None
) -> None:
    done = module.converges(**MANY)
    made = busybox.containers.get("box").attrs
    assert done["diff"]["after"]["box"].keys() == {*MANY, "status"} - {"name", "stop_timeout"}
    config, host = made["Config"], made["HostConfig"]
    assert (config["User"], config["WorkingDir"], config["Hostname"]) == ("1000:1000", "/tmp", "boxer")  # noqa: S108
    assert (host["Init"], host["Memory"], host["NanoCpus"]) == (True, 64 * 1024**2, 500_000_000)
    assert config["Entrypoint"] == ["env", "LANG=C"] and config["Cmd"] == UP
    assert {mount["Destination"] for mount in made["Mounts"]} >= {"/here", "/data", "/anonymous", "/bound", "/more"}
    assert made["NetworkSettings"]["Networks"]["front"]["IPAddress"] == "10.77.0.7"
    assert {"db", "store"} <= set(made["NetworkSettings"]["Networks"]["back"]["Aliases"])
    assert made["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"] == "8080"
    busybox.containers.get("box").stop(timeout=0)
    module.unchanged(**{**MANY, "state": "stopped"})
    first = state(busybox)
    module.ok(**MANY)
    assert state(busybox) == (first[0], "running")
    for option, value, before, after in OTHERWISE:
        asked = {
            **MANY,
            option: value,
            "restart_retries": None if option == "restart_policy" else MANY["restart_retries"],
        }
        foreseen = module.ok(
            check=True, **{**asked, **({"restart_retries": value} if option == "restart_retries" else {})}
        )
        assert foreseen["actions"] == [f"Replaced container box, as it differed in {option}"], option
        assert changes(foreseen) == {option: (before, after)}
    assert state(busybox) == (first[0], "running")


def test_a_shorter_list_takes_away_what_it_lacks(module: Module, busybox: docker.DockerClient, networks: None) -> None:
    module.ok(**MANY)
    fewer = {name: value for name, value in {**MANY, "cap_drop": []}.items() if name != "restart_retries"}
    changed = {"networks": [], "volumes": ["data:/data"], "published_ports": [], "restart_policy": "no", "mounts": []}
    module.converges(**{**fewer, **changed})
    made = busybox.containers.get("box").attrs
    assert set(made["NetworkSettings"]["Networks"]) <= {"none"}
    assert [mount["Destination"] for mount in made["Mounts"]] == ["/data"]
    module.converges(**{**fewer, **changed, "networks": [{"name": "front"}, {"name": "bridge"}]})
    assert set(busybox.containers.get("box").attrs["NetworkSettings"]["Networks"]) == {"front", "bridge"}


def test_what_is_not_asked_for_is_not_compared(module: Module, busybox: docker.DockerClient) -> None:
    made = busybox.containers.run(
        "busybox", UP, name="box", detach=True, environment={"SECRET": "x"}, labels={"a": "b"}, user="0", hostname="h"
    )
    module.unchanged(name="box", image="busybox")
    assert state(busybox) == (made.id, "running")


def test_replaces_when_the_tag_has_moved(module: Module, busybox: docker.DockerClient) -> None:
    module.ok(**WANTED)
    old = busybox.images.get("busybox").id
    new = another_image(busybox)
    busybox.api.tag(new, "busybox", "latest", force=True)
    done = module.converges(**WANTED)
    assert done["actions"] == ["Replaced container box, as it differed in image"]
    assert changes(done) == {"image": (old, new)}
    assert busybox.containers.get("box").attrs["Image"] == new


def another_image(client: docker.DockerClient) -> str:
    container = client.containers.create("busybox", ["sh"])
    identifier = container.commit("another", "1", changes=["LABEL another=1"]).id
    container.remove()
    assert identifier
    return str(identifier)


def test_keeps_one_whose_image_was_removed(module: Module, busybox: docker.DockerClient) -> None:
    module.ok(**WANTED)
    old = state(busybox)
    busybox.api.remove_image("busybox", force=True)
    module.unchanged(**WANTED)
    for check in (True, False):
        message = module.fails(check=check, **{**WANTED, "tty": True, "pull": "never"})
        assert "busybox:latest" in message and "image_pull" in message
    assert state(busybox) == old
    done = module.converges(**{**WANTED, "tty": True})
    assert done["actions"] == ["Pulled image busybox:latest", "Replaced container box, as it differed in tty"]


def test_keeps_one_whose_image_has_an_index(module: Module, busybox: docker.DockerClient, engine: Engine) -> None:
    if engine.store == "classic":
        pytest.skip("a classic store keeps no indexes")
    load_with_index(busybox, "indexed:1")
    done = module.converges(**{**WANTED, "image": "indexed:1"})
    assert done["diff"]["after"]["box"]["image"] == busybox.images.get("indexed:1").id
    module.unchanged(**{**WANTED, "image": busybox.images.get("indexed:1").id})


def load_with_index(client: docker.DockerClient, name: str) -> None:
    """Let the engine have busybox as public registries have it: an index that names the image for each platform."""
    image = client.images.get("busybox")
    with tarfile.open(fileobj=io.BytesIO(b"".join(image.save(named=True)))) as archive:
        parts = {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}  # type: ignore[union-attr]
    (manifest,) = json.loads(parts.pop("index.json"))["manifests"]
    entry = {key: manifest[key] for key in ("mediaType", "digest", "size")}
    platform = {"os": image.attrs["Os"], "architecture": image.attrs["Architecture"]}
    manifests = [{**entry, "platform": platform}]
    index = archives.encoded({"schemaVersion": 2, "mediaType": archives.OCI_INDEX, "manifests": manifests})
    del parts["manifest.json"]
    top = archives.layout(archives.named(archives.descriptor(index, archives.OCI_INDEX), [name]))
    client.images.load(archives.tar({**parts, archives.blob(index): index, **top}))
    assert client.images.get(name).id == archives.digest(index)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["/no/such/program"], ["start the container box", "/no/such/program"]),
        (["/etc"], ["start the container box", "/etc"]),
    ],
)
@pytest.mark.parametrize("running", [True, False])
def test_a_replacement_that_fails_leaves_the_old_one(
    module: Module, busybox: docker.DockerClient, command: list[str], words: list[str], running: bool
) -> None:
    module.ok(**WANTED)
    if not running:
        busybox.containers.get("box").stop(timeout=0)
    old = state(busybox)
    result = module(**{**WANTED, "command": command})
    assert result["failed"] and not result["changed"]
    assert all(word in result["msg"] for word in words), result["msg"]
    assert state(busybox) == old
    assert names(busybox) == {"box"}
    module.ok(**WANTED)
    assert state(busybox) == (old[0], "running")


def test_a_first_run_that_fails_leaves_nothing(module: Module, busybox: docker.DockerClient) -> None:
    assert "/no/such/program" in module.fails(**{**WANTED, "command": ["/no/such/program"]})
    assert names(busybox) == set()


def test_what_a_cut_off_replacement_left_is_not_trampled_on(module: Module, busybox: docker.DockerClient) -> None:
    busybox.containers.run("busybox", UP, name="box.gantry-former", detach=True)
    for check in (True, False):
        message = module.fails(check=check, **WANTED)
        assert "box.gantry-former" in message and "docker rm" in message
    busybox.containers.run("busybox", UP, name="box", detach=True)
    module.unchanged(**WANTED)
    old = state(busybox)
    assert "box.gantry-former" in module.fails(**{**WANTED, "tty": True})
    assert state(busybox) == old
    assert names(busybox) == {"box", "box.gantry-former"}


@pytest.mark.parametrize("running", [True, False])
def test_present_makes_a_container_and_leaves_it_as_it_is(
    module: Module, busybox: docker.DockerClient, running: bool
) -> None:
    done = module.converges(**WANTED, state="present")
    assert done["actions"] == ["Made container box from busybox:latest"]
    assert done["diff"]["after"]["box"]["status"] == "created" == state(busybox)[1]
    if running:
        busybox.containers.get("box").start()
    first = state(busybox)
    module.unchanged(**WANTED, state="present")
    module.unchanged(name="box", state="present")
    done = module.converges(**{**WANTED, "state": "present", "tty": True})
    assert state(busybox)[1] == done["diff"]["after"]["box"]["status"] == ("running" if running else "created")
    assert state(busybox)[0] != first[0]


def test_stopped_makes_or_stops_a_container(module: Module, busybox: docker.DockerClient) -> None:
    module.converges(**WANTED, state="stopped")
    assert state(busybox)[1] == "created"
    busybox.containers.get("box").start()
    first = state(busybox)
    done = module.converges(**WANTED, state="stopped")
    assert done["actions"] == ["Stopped container box"]
    assert changes(done) == {"status": ("running", "exited")}
    assert state(busybox) == (first[0], "exited")
    module.unchanged(name="box", state="stopped")
    module.converges(name="box", state="started")
    assert state(busybox) == (first[0], "running")
    module.converges(name="box", state="stopped", stop_timeout=0)


def test_a_missing_image_is_pulled_unless_it_must_be_here(module: Module, clean: docker.DockerClient) -> None:
    for check in (True, False):
        assert "pull: missing" in module.fails(check=check, **WANTED, pull="never")
    done = module.converges(**WANTED)
    assert done["actions"] == ["Pulled image busybox:latest", "Started container box from busybox:latest"]
    module.unchanged(**WANTED, pull="never")
    for check in (True, False):
        message = module.fails(check=check, **{**WANTED, "image": "none/such:1", "pull": "missing"})
        assert "none/such:1" in message
        assert "There is no image none/such:1 on this engine, so it has to be pulled." in message
    assert state(clean)[1] == "running"


def test_a_missing_image_is_pulled_only_to_make_a_container(
    module: Module, engine: Engine, busybox: docker.DockerClient
) -> None:
    with front(engine, 5120, "127.0.0.1:5000") as registry:
        wanted = {**WANTED, "image": f"{registry.address}/library/busybox"}
        module.converges(**wanted)
        registry.asked.clear()
        module.unchanged(**wanted)
        busybox.api.remove_image(wanted["image"], force=True)
        module.unchanged(**wanted)
        module.unchanged(**wanted, state="present")
        module.converges(**wanted, state="stopped")
        module.converges(name="box", state="absent")
        assert registry.asked == []


def test_a_pull_is_patient_and_shows_its_login(
    module: Module, engine: Engine, clean: docker.DockerClient, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text("{}")
    with front(engine, 5121, "127.0.0.1:5000") as registry:
        registry.wants = True
        registry.troubles = [Trouble(status=503, times=8)]
        login = {"registry": registry.address, "username": "one", "password": "first"}
        asked = {**WANTED, "image": f"{registry.address}/library/busybox", "config_path": str(config)}
        module.converges(**asked, credentials=[login])
        assert registry.troubles[0].times == 0
        assert {request.authorization for request in registry.asked} - {None}
        registry.troubles = [Trouble(status=503, times=1000)]
        message = module.fails(
            **{**asked, "credentials": [login], "image": f"{registry.address}/other", "retry_for": 1}
        )
        assert "It was tried 2 times in 1 seconds." in message


def test_always_follows_the_registry(module: Module, engine: Engine, busybox: docker.DockerClient) -> None:
    repository = "127.0.0.1:5001/followed"
    name = f"{repository}:1"
    Registry(engine, "127.0.0.1:5001").empty()
    wanted = {**WANTED, "image": name, "pull": "always"}
    for check in (True, False):
        assert name in module.fails(check=check, **wanted)
    busybox.api.tag("busybox", repository, "1")
    assert "error" not in busybox.images.push(name)
    assert module.converges(**wanted)["actions"] == [f"Started container box from {name}"]
    first = state(busybox)
    newest = another_image(busybox)
    busybox.api.tag(newest, repository, "1")
    assert "error" not in busybox.images.push(name)
    busybox.api.tag("busybox", repository, "1", force=True)
    busybox.api.remove_image("another:1", force=True)
    module.unchanged(**{**wanted, "pull": "missing"})
    done = module.converges(**wanted)
    assert done["actions"] == [f"Pulled image {name}", "Replaced container box, as it differed in image"]
    assert changes(done)["image"][1] == name
    assert state(busybox)[0] != first[0]
    assert busybox.containers.get("box").attrs["Config"]["Labels"] == {"another": "1"}
    busybox.api.remove_image(name, force=True)
    done = module.ok(**wanted)
    assert done["actions"][0] == f"Pulled image {name}"
    module.unchanged(**wanted)


def test_always_asks_no_registry_for_what_cannot_move(
    module: Module, engine: Engine, busybox: docker.DockerClient
) -> None:
    with front(engine, 5122, "127.0.0.1:5000") as registry:
        name = f"{registry.address}/library/busybox"
        image = busybox.images.pull(name)
        digest = next(found for found in image.attrs["RepoDigests"] if name in found)
        registry.asked.clear()
        module.converges(**{**WANTED, "image": digest, "pull": "always"})
        module.ok(**{**WANTED, "image": image.id, "pull": "always"})
        module.unchanged(**{**WANTED, "image": str(image.id).partition(":")[2][:12], "pull": "always"})
        assert registry.asked == []


def test_the_beginning_of_an_id_names_an_image(module: Module, busybox: docker.DockerClient) -> None:
    short = str(busybox.images.get("busybox").id).partition(":")[2][:12]
    module.converges(**{**WANTED, "image": short})
    box = busybox.containers.get("box")
    assert box.attrs["Image"] == busybox.images.get("busybox").id
    busybox.api.remove_image("busybox", force=True)
    module.unchanged(**{**WANTED, "image": short})


def test_an_entrypoint_can_be_cleared(module: Module, busybox: docker.DockerClient) -> None:
    container = busybox.containers.create("busybox", ["sh"])
    container.commit("entered", "1", changes=['ENTRYPOINT ["echo", "entered"]', 'CMD ["by itself"]'])
    container.remove()
    wanted: dict[str, Any] = {"name": "box", "image": "entered:1", "stop_timeout": 0}
    module.ok(**wanted)
    first = state(busybox)
    for written in ("", [], [""]):
        for check in (True, False):
            message = module.fails(check=check, **wanted, entrypoint=written)
            assert "entrypoint" in message and "name a command" in message
    assert state(busybox)[0] == first[0]
    done = module.converges(**wanted, entrypoint="", command=UP)
    assert changes(done)["entrypoint"] == (["echo", "entered"], [])
    config = busybox.containers.get("box").attrs["Config"]
    assert (config["Entrypoint"] or [], config["Cmd"]) == ([], UP)
    module.unchanged(**wanted, entrypoint=[], command=UP)
    module.unchanged(**wanted, entrypoint=[""])
    done = module.converges(**wanted, entrypoint=["tail"], command=UP[1:])
    assert changes(done)["entrypoint"] == ([], ["tail"])


def test_an_image_that_does_not_say_what_to_run_is_refused(module: Module, busybox: docker.DockerClient) -> None:
    silent = archives.Image((archives.layer("silent"),), tags=("silent:1",), settings={"Env": ["A=1"]})
    busybox.images.load(archives.tar(archives.both(silent)))
    for check in (True, False):
        message = module.fails(check=check, name="box", image="silent:1")
        assert "silent:1 doesn't say what to run" in message
    assert names(busybox) == set()


def with_health_check(client: docker.DockerClient, check: str) -> str:
    """Commit an image of busybox with a health check; return its name."""
    container = client.containers.create("busybox", UP)
    instruction = f"HEALTHCHECK --interval=200ms --timeout=5s --retries=1 CMD {check}"
    container.commit("checked", "1", changes=[instruction])
    container.remove()
    return "checked:1"


def test_healthy_waits_for_the_health_check(module: Module, busybox: docker.DockerClient) -> None:
    image = with_health_check(busybox, "echo looking; test -e /well")
    ill: dict[str, Any] = {**WANTED, "image": image, "state": "healthy"}
    message = module.fails(**ill)
    assert "box is unhealthy" in message and "looking" in message
    assert names(busybox) == set()
    command = "test -e /once || { sleep 0.4; touch /well /once; }; exec tail -f /dev/null"
    well = {**ill, "command": ["sh", "-c", command]}
    image = with_health_check(busybox, "echo looking; sleep 1; test -e /well")
    module.converges(**well)
    assert busybox.containers.get("box").attrs["State"]["Health"]["Status"] == "healthy"
    first = state(busybox)
    assert "unhealthy" in module.fails(**{**ill, "tty": True})
    assert (state(busybox), names(busybox)) == ((first[0], "running"), {"box"})
    busybox.containers.get("box").exec_run(["rm", "/well"])
    assert wait_for(lambda: busybox.containers.get("box").attrs["State"]["Health"]["Status"] == "unhealthy")
    assert "unhealthy" in module.fails(**well)
    assert module.ok(check=True, **well)["changed"] is False
    assert "in 0 seconds" in module.fails(**{**ill, "tty": True, "healthy_wait_timeout": 0})


def test_healthy_needs_a_check_and_a_container_that_stays(module: Module, busybox: docker.DockerClient) -> None:
    message = module.fails(**WANTED, state="healthy")
    assert "no health check" in message and "state: started" in message
    ending = {"image": with_health_check(busybox, "false"), "command": ["sh", "-c", "exit 3"]}
    message = module.fails(**{**WANTED, "state": "healthy", **ending})
    assert "ended with exit code 3" in message
    assert names(busybox) == set()


@pytest.mark.parametrize("status", ["running", "exited", "paused", "created"])
def test_absent_removes_a_container_whatever_it_does(module: Module, busybox: docker.DockerClient, status: str) -> None:
    have(busybox, status)
    done = module.converges(name="box", state="absent", stop_timeout=0)
    assert done["actions"] == ["Removed container box"]
    assert done["diff"] == {"before": {"box": {"status": status}}, "after": {"box": None}}
    assert done["container"] is None
    assert names(busybox) == set()


def have(client: docker.DockerClient, status: str) -> None:
    box = client.containers.create("busybox", UP, name="box")
    if status != "created":
        box.start()
    if status == "paused":
        box.pause()
    if status == "exited":
        box.stop(timeout=0)


def test_absent_takes_anonymous_volumes_along_and_leaves_named_ones(
    module: Module, busybox: docker.DockerClient
) -> None:
    mounts = [docker.types.Mount("/a", None), docker.types.Mount("/b", "kept")]
    busybox.containers.run("busybox", UP, name="box", detach=True, mounts=mounts)
    assert len(busybox.volumes.list()) == 2
    module.ok(name="box", state="absent", stop_timeout=0)
    assert [volume.name for volume in busybox.volumes.list()] == ["kept"]
    busybox.volumes.get("kept").remove()


def test_a_paused_one_is_left_to_who_paused_it(module: Module, busybox: docker.DockerClient) -> None:
    have(busybox, "paused")
    old = state(busybox)
    for check in (True, False):
        for asked in (WANTED, {**WANTED, "tty": True}):
            message = module.fails(check=check, **asked)
            assert "box is paused" in message and "docker unpause box" in message
    assert state(busybox) == old


@pytest.mark.parametrize("length", [2, 5])
def test_a_name_that_begins_anothers_id_is_a_name(module: Module, busybox: docker.DockerClient, length: int) -> None:
    """The engine takes the beginning of an Id for a container: "db" may be anybody's."""
    other = busybox.containers.run("busybox", UP, name="other", detach=True)
    name = str(other.id)[:length]
    module.unchanged(name=name, state="absent")
    module.converges(**{**WANTED, "name": name})
    module.converges(name=name, state="absent", stop_timeout=0)
    assert state(busybox, "other") == (other.id, "running")


@pytest.mark.parametrize("length", [12, 64])
def test_an_id_is_no_name(module: Module, busybox: docker.DockerClient, length: int) -> None:
    other = busybox.containers.run("busybox", UP, name="other", detach=True)
    for existing in ("replace", "keep"):
        message = module.fails(name=str(other.id)[:length], image="busybox", existing=existing)
        assert "is the Id of the container other" in message
    assert names(busybox) == {"other"}


@pytest.mark.parametrize("length", [12, 64])
def test_removes_by_id_no_other_of_the_name(module: Module, busybox: docker.DockerClient, length: int) -> None:
    first = busybox.containers.run("busybox", UP, name="box", detach=True)
    identifier = str(first.id)[:length]
    module.converges(name=identifier, state="absent", stop_timeout=0)
    second = busybox.containers.run("busybox", UP, name="box", detach=True)
    module.unchanged(name=identifier, state="absent")
    assert state(busybox) == (second.id, "running")


def test_keeps_what_is_there(module: Module, busybox: docker.DockerClient) -> None:
    done = module.converges(**WANTED, existing="keep", labels={"holder": "one"})
    first = state(busybox)
    kept = module.unchanged(**WANTED, existing="keep", labels={"holder": "two"}, env={"COLOUR": "red"})
    assert kept["container"]["Id"] == done["container"]["Id"]
    busybox.containers.get("box").kill()
    module.unchanged(**WANTED, existing="keep", labels={"holder": "two"})
    assert state(busybox) == (first[0], "exited")


@pytest.mark.parametrize("existing", ["keep", "replace"])
def test_one_that_is_made_at_the_same_moment_stays(between: Relay, busybox: docker.DockerClient, existing: str) -> None:
    between.before(
        "POST /containers/create",
        lambda: busybox.containers.run("busybox", UP, name="box", labels={"holder": "other"}, detach=True),
    )
    asked = {**WANTED, "existing": existing, "labels": {"holder": "me"}}
    run = Module("container_run", between.docker_host)
    if existing == "replace":
        assert "409" in run.fails(**asked)
    else:
        done = run.ok(**asked)
        assert (done["changed"], done["actions"]) == (False, [])
        assert done["spared"] == ["box stays, as it was made meanwhile"]
        assert done["container"]["Config"]["Labels"]["holder"] == "other"
    assert busybox.containers.get("box").labels["holder"] == "other"


def test_one_whose_name_is_taken_is_waited_for(between: Relay, busybox: docker.DockerClient) -> None:
    """An engine reserves a name first, and refuses it at once."""

    def take_the_name() -> None:
        busybox.containers.create("busybox", UP, name="box")
        between.refuse("GET /containers/box/json", 404, "No such container: box", times=3)

    between.before("POST /containers/create", take_the_name)
    done = Module("container_run", between.docker_host).ok(**WANTED, existing="keep")
    assert not done["changed"] and done["container"]["Name"] == "/box"


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"name": "-box"}, ["'-box'", "no valid name"]),
        ({"name": "x"}, ["'x'", "two or more"]),
        ({"name": ""}, ["''", "no valid name"]),
        ({"image": "none/such:1", "pull": "never"}, ["none/such:1", "image_pull"]),
        ({"image": f"sha256:{'1' * 64}"}, ["1" * 64, "can't be pulled"]),
        ({"pull": "sometimes"}, ["pull", "sometimes", "always"]),
        ({"retry_for": -1}, ["retry_for", "-1"]),
        ({"image": "Busybox"}, ["'Busybox'", "lower case"]),
        ({"image": "busybox@sha256:12"}, ["digest"]),
        ({"image": None}, ["no container bad-input", "image"]),
        ({"entrypoint": "'open"}, ["'open", "split"]),
        ({"working_dir": "tmp"}, ["working_dir", "'tmp'", "slash"]),
        ({"labels": {"on": True}}, ["labels", "quotes"]),
        ({"memory": "much"}, ["memory", "'much'", "512M"]),
        ({"cpus": 0}, ["cpus", "0"]),
        ({"capabilities": ["NET ADMIN"]}, ["NET ADMIN", "NET_ADMIN"]),
        ({"restart_policy": "sometimes"}, ["restart_policy", "sometimes"]),
        ({"restart_retries": 3}, ["restart_retries", "on-failure"]),
        ({"restart_retries": -1, "restart_policy": "on-failure"}, ["restart_retries", "-1"]),
        ({"volumes": ["./here:/there"]}, ["./here", "slash"]),
        ({"volumes": ["here:there"]}, ["'there'", "slash"]),
        ({"volumes": ["/a:/b:ro:z"]}, ["/a:/b:ro:z", "OPTIONS"]),
        ({"mounts": [{"target": "b"}]}, ["mounts", "'b'"]),
        ({"mounts": [{"target": "/b", "type": "bind"}]}, ["/b", "source"]),
        ({"mounts": [{"target": "/b", "type": "tmpfs", "source": "x"}]}, ["/b", "tmpfs"]),
        ({"mounts": [{"target": "/b", "tmpfs_size": "1M"}]}, ["/b", "tmpfs_size"]),
        ({"published_ports": ["8000-8010:80"]}, ["8000-8010:80", "ranges"]),
        ({"published_ports": ["99999:80"]}, ["99999:80", "65535"]),
        ({"networks": [{"name": "none-such"}]}, ["none-such", "docker network create"]),
        ({"healthy_wait_timeout": -1}, ["healthy_wait_timeout", "-1"]),
        ({"command": "sh -c 'open"}, ["sh -c 'open", "split"]),
        ({"command": []}, ["empty"]),
        ({"command": ""}, ["empty"]),
        ({"command": True}, ["command", "bool", "quotes"]),
        ({"command": ["echo", 1.10]}, ["command", "float", "quotes"]),
        ({"command": {"sh": "-c"}}, ["command", "dict"]),
        ({"env": {"A=B": "c"}}, ["A=B"]),
        ({"env": {"DEBUG": True}}, ["DEBUG", "bool", "quotes"]),
        ({"env": {"VERSION": 1.10}}, ["VERSION", "float", "quotes"]),
        ({"env": {"NOTHING": None}}, ["NOTHING", "quotes"]),
        ({"stop_timeout": -1}, ["stop_timeout", "-1"]),
        ({"state": "gone"}, ["gone", "absent"]),
        ({"state": "absent", "existing": "keep"}, ["existing: keep", "absent"]),
    ],
)
def test_bad_input_changes_nothing(
    module: Module, client: docker.DockerClient, asked: dict[str, Any], words: list[str], check: bool
) -> None:
    message = module.fails(check=check, **{**WANTED, "name": "bad-input", **asked})
    assert all(word in message for word in words), message
    assert "bad-input" not in names(client)


def test_results_name_the_container(modules: Callable[[str], Module], busybox: docker.DockerClient) -> None:
    done = modules("container_run").ok(**WANTED)
    assert done["container"]["Name"] == "/box"
    assert modules("container_run").ok(check=True, name="none", state="absent")["container"] is None


def test_an_image_for_another_platform_alone_gives_a_warning(
    module: Module, modules: Callable[[str], Module], engine: Engine, busybox: docker.DockerClient
) -> None:
    """No engine reports whether the host emulates a platform, so the task warns, also in check mode."""
    name = multi_platform(engine, busybox, "127.0.0.1:5001")
    own, other = ("amd64", "arm64") if busybox.info()["Architecture"] == "x86_64" else ("arm64", "amd64")
    modules("image_pull").ok(name=name, platform=other)
    wanted: dict[str, Any] = {"name": "box", "image": name, "command": UP}
    if engine.store == "containerd" and engine.release < (28,):
        # It makes containers of an index only if it has the image for its own platform.
        assert "pull it for its other platforms too" in module.fails(**wanted)
        return
    for check in (True, False):
        (warning,) = module.ok(check, **wanted)["warnings"]
        assert f"here for linux/{other}, and the engine's host is linux/{own}" in warning
    assert "warnings" not in module.unchanged(**wanted)
    modules("image_commit").converges(container="box", names=["committed:1"])
    busybox.containers.get("box").remove(force=True)
    modules("image_pull").ok(name=name, platform=own)
    assert "warnings" not in module.ok(**wanted)
    busybox.containers.get("box").remove(force=True)
