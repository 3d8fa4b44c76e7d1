# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_commit against a real engine: an image for every change, none without, and nothing left behind."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.support import archives

UP = ["tail", "-f", "/dev/null"]
WANTED: dict[str, Any] = {"container": "box", "name": "made:1"}
# The changes before the first commit of a container, so that layers of several depths have files.
BEFORE = "mkdir -p /d && echo one > /d/kept && echo two > /d/gone && echo 12345 > /d/edited && rm /bin/yes"


@pytest.fixture
def box(busybox: docker.DockerClient) -> Container:
    """A container that stays up, with some files in it."""
    box = busybox.containers.run("busybox", UP, name="box", detach=True)
    inside(box, BEFORE)
    return box


def inside(box: Container, script: str) -> str:
    """Run a script in the container, and return its output."""
    code, output = box.exec_run(["sh", "-c", script])
    assert code == 0, output
    assert isinstance(output, bytes)
    return output.decode()


def images(client: docker.DockerClient) -> set[str]:
    """Return the Ids of all images, also of those without a name."""
    return {row["Id"] for row in client.api.images(all=True)}


def within(client: docker.DockerClient, image: str, script: str) -> str:
    """Run a script in a new container of an image; return its output."""
    return str(client.containers.run(image, ["sh", "-c", script], remove=True).decode())


def keeps_no_trial(module: Module, client: docker.DockerClient, **asked: Any) -> None:
    """Assert that a repeated commit, for real and in check mode, leaves the engine's images unchanged."""
    before = images(client)
    module.unchanged(**asked)
    assert images(client) == before


def test_a_changed_container_makes_an_image(module: Module, busybox: docker.DockerClient) -> None:
    box = busybox.containers.run("busybox", UP, name="box", detach=True)
    inside(box, "echo hello > /hello")
    before = images(busybox)
    for _time in (1, 2):
        foreseen = module.ok(check=True, **WANTED, comment="With a greeting", author="me")
        assert foreseen["changed"] and foreseen["images"] == [] and "image" not in foreseen
        assert images(busybox) == before
    done = module.converges(**WANTED, comment="With a greeting", author="me")
    assert done["actions"] == ["Committed container box as made:1"]
    made = busybox.images.get("made:1")
    assert images(busybox) == {*before, made.id}
    assert within(busybox, "made:1", "cat /hello") == "hello\n"
    assert done["image"]["Id"] == made.id and done["images"] == [done["image"]]
    assert (made.attrs["Author"], made.attrs["Comment"]) == ("me", "With a greeting")
    assert done["layer_size"] == foreseen["layer_size"] > 0
    assert done["layer_paths"] == foreseen["layer_paths"] == {"added": 1, "changed": 0, "deleted": 0}
    assert module.unchanged(**WANTED)["layer_size"] == done["layer_size"]
    assert done["diff"]["before"] == {"made:1": None}
    assert done["diff"]["after"]["made:1"]["layers"] == made.attrs["RootFS"]["Layers"]
    assert done["diff"]["after"]["made:1"]["config"]["Cmd"] == UP
    keeps_no_trial(module, busybox, **WANTED)


def test_an_unchanged_container_has_no_new_layer(module: Module, busybox: docker.DockerClient) -> None:
    busybox.containers.create("busybox", ["sh"], name="box")
    module.converges(**WANTED)
    assert len(busybox.images.get("made:1").attrs["RootFS"]["Layers"]) == 1
    assert module.unchanged(**WANTED)["layer_size"] == 0
    keeps_no_trial(module, busybox, **WANTED)
    busybox.images.get("busybox")


@pytest.mark.parametrize("then", ["stop", "pause", "restart", "kill"])
def test_stopping_or_pausing_a_container_changes_no_image(
    module: Module, busybox: docker.DockerClient, then: str
) -> None:
    box = busybox.containers.run("busybox", UP, name="box", detach=True)
    inside(box, "echo hello > /hello")
    module.ok(**WANTED)
    getattr(box, then)(**({"timeout": 0} if then in ("stop", "restart") else {}))
    box.reload()
    status = box.status
    keeps_no_trial(module, busybox, **WANTED)
    keeps_no_trial(module, busybox, **WANTED, pause=False)
    box.reload()
    assert box.status == status


def test_a_deleted_file_of_the_base_is_committed_once(
    module: Module, engine: Engine, box: Container, busybox: docker.DockerClient
) -> None:
    # There the layer's DiffID has the second of the commit in it, which no check mode can know.
    done = (module.ok if engine.name == "trixie-containerd" else module.converges)(**WANTED)
    assert done["layer_paths"] == {"added": 4, "changed": 1, "deleted": 1}
    assert done["diff"]["after"]["made:1"]["paths"] == [
        "/bin (changed)",
        "/bin/yes (deleted)",
        "/d (added)",
        "/d/edited (added)",
        "/d/gone (added)",
        "/d/kept (added)",
    ]
    time.sleep(1.1)
    assert within(busybox, "made:1", "cat /d/kept; ls /bin/yes 2>&1 || true").startswith("one\n")
    keeps_no_trial(module, busybox, **WANTED)


@pytest.mark.parametrize(
    ("script", "question", "answer"),
    [
        ("echo new > /d/new", "cat /d/new", "new\n"),
        ("echo 54321 > /d/edited", "cat /d/edited", "54321\n"),
        ("rm /d/gone", "ls /d", "edited\nkept\n"),
        ("mv /d/gone /d/moved", "ls /d", "edited\nkept\nmoved\n"),
        ("chmod 600 /d/kept", "stat -c %a /d/kept", "600\n"),
        ("chown 12:34 /d/kept", "stat -c %u:%g /d/kept", "12:34\n"),
        ("ln -s kept /d/link", "readlink /d/link", "kept\n"),
        ("touch -d '2001-02-03 04:05:06' /d/kept", "stat -c %Y /d/kept", "981173106\n"),
        ("mkdir /d/empty", "ls -d /d/empty", "/d/empty\n"),
    ],
)
def test_every_change_makes_a_new_image(
    module: Module, busybox: docker.DockerClient, script: str, question: str, answer: str
) -> None:
    base = busybox.containers.run("busybox", UP, name="base", detach=True)
    inside(base, BEFORE.rpartition(" && ")[0])
    base.commit("base", "1")
    box = busybox.containers.run("base:1", UP, name="box", detach=True)
    inside(box, "echo 0 > /first && sed -i s/12345/99999/ /d/edited")
    module.ok(**WANTED)
    old = busybox.images.get("made:1")
    inside(box, script)
    before = images(busybox)
    foreseen = module.ok(check=True, **WANTED)
    assert foreseen["changed"] and images(busybox) == before
    done = module.ok(**WANTED)
    assert done["actions"] == foreseen["actions"] == [f"Committed container box as made:1, which named {old.id}"]
    assert done["diff"]["before"]["made:1"]["layers"] == old.attrs["RootFS"]["Layers"]
    assert done["diff"]["after"]["made:1"]["layers"] != old.attrs["RootFS"]["Layers"]
    assert done["diff"]["after"]["made:1"]["config"] == done["diff"]["before"]["made:1"]["config"]
    assert images(busybox) == {*before, busybox.images.get("made:1").id}
    assert within(busybox, "made:1", question) == answer


@pytest.mark.parametrize("script", ["rm /d/gone", "mv /d/gone /d/moved", "chmod 600 /d/kept", "echo 9 > /d/kept"])
def test_each_of_these_twice_is_unchanged(module: Module, busybox: docker.DockerClient, script: str) -> None:
    base = busybox.containers.run("busybox", UP, name="base", detach=True)
    inside(base, BEFORE.rpartition(" && ")[0])
    base.commit("base", "1")
    box = busybox.containers.run("base:1", UP, name="box", detach=True)
    inside(box, script)
    module.ok(**WANTED)
    time.sleep(1.1)  # a date that is the time of the commit differs now
    keeps_no_trial(module, busybox, **WANTED)
    box.stop(timeout=0)
    keeps_no_trial(module, busybox, **WANTED)


def test_changes_beside_a_deletion_are_seen(module: Module, box: Container, busybox: docker.DockerClient) -> None:
    """Layers with deletions differ at every commit. Other changes must be seen all the same."""
    inside(box, "rm /etc/passwd && touch /bin/no")
    module.ok(**WANTED)
    time.sleep(1.1)
    keeps_no_trial(module, busybox, **WANTED)
    for script in ("echo 9 > /d/kept", "chmod 7 /d/kept", "touch /d/new", "rm /bin/no", "mkdir /bin/yes"):
        inside(box, script)
        foreseen, done = module.ok(check=True, **WANTED), module.ok(**WANTED)
        assert foreseen["changed"] and done["changed"], script
        assert done["actions"] == foreseen["actions"]
    keeps_no_trial(module, busybox, **WANTED)


def test_a_diff_is_bounded(module: Module, busybox: docker.DockerClient) -> None:
    box = busybox.containers.run("busybox", UP, name="box", detach=True)
    inside(box, "mkdir /many && cd /many && touch $(seq 1000 1249)")
    done = module.converges(**WANTED)
    paths = done["diff"]["after"]["made:1"]["paths"]
    assert (len(paths), paths[0], paths[-1]) == (101, "/many (added)", "and 151 more")
    assert done["layer_paths"] == {"added": 251, "changed": 0, "deleted": 0}


def test_labels_are_set_as_given(module: Module, busybox: docker.DockerClient) -> None:
    labels = {"a.b": 'quo"ted $HOME \\ back', "number": 12, "of the box": "new", "empty": ""}
    busybox.containers.create("busybox", ["sh"], name="box", labels={"of the box": "old", "kept": "yes"})
    module.ok(**WANTED)
    done = module.converges(**WANTED, labels=labels, changes=["LABEL last=word"])
    expected = {**labels, "number": "12", "kept": "yes", "last": "word"}
    assert busybox.images.get("made:1").labels == expected
    assert done["diff"]["after"]["made:1"]["config"]["Labels"] == expected
    keeps_no_trial(module, busybox, **WANTED, labels=labels, changes=["LABEL last=word"])
    module.converges(**WANTED, labels={**labels, "last": "first"}, changes=["LABEL last=other"])
    assert busybox.images.get("made:1").labels["last"] == "other"


@pytest.mark.parametrize(
    ("change", "key", "value"),
    [
        ('CMD ["cat", "/etc/motd"]', "Cmd", ["cat", "/etc/motd"]),
        ('ENTRYPOINT ["sh", "-c"]', "Entrypoint", ["sh", "-c"]),
        ("LABEL a.b=c d='e f'", "Labels", {"a.b": "c", "d": "e f"}),
        ("EXPOSE 80/tcp", "ExposedPorts", {"80/tcp": {}}),
        ("HEALTHCHECK --interval=5m CMD true", "Healthcheck", None),
        ("ONBUILD RUN true", "OnBuild", ["RUN true"]),
        ("STOPSIGNAL SIGINT", "StopSignal", "SIGINT"),
        ("user 12:34", "User", "12:34"),
        ("VOLUME /data", "Volumes", {"/data": {}}),
        ("WORKDIR /srv", "WorkingDir", "/srv"),
        ("ENV NAME=value", "Env", None),
    ],
)
def test_a_change_of_the_config_alone_makes_an_image(
    module: Module, busybox: docker.DockerClient, engine: Engine, change: str, key: str, value: Any
) -> None:
    busybox.containers.create("busybox", ["sh"], name="box")
    module.ok(**WANTED)
    if key == "StopSignal" and engine.version.startswith("20."):
        before = images(busybox)
        message = module.fails(**WANTED, changes=[change])
        assert "place 1" in message and "stopsignal" in message and "This engine can't set that in a commit" in message
        assert images(busybox) == before
        return
    done = module.converges(**WANTED, changes=[change])
    config = busybox.images.get("made:1").attrs["Config"]
    assert config[key] == value if value else config[key]
    before, after = done["diff"]["before"]["made:1"], done["diff"]["after"]["made:1"]
    assert before["layers"] == after["layers"]
    assert {name for name in after["config"] if before["config"].get(name) != after["config"][name]} == {key}
    keeps_no_trial(module, busybox, **WANTED, changes=[change])


def test_author_and_message_alone_make_no_difference(module: Module, busybox: docker.DockerClient) -> None:
    busybox.containers.create("busybox", ["sh"], name="box")
    module.ok(**WANTED)
    keeps_no_trial(module, busybox, **WANTED, author="somebody", comment="something")


def commits(client: docker.DockerClient, box: Container) -> int:
    """Return how often the container was committed, as far as the engine remembers."""
    now = client.api.info()["SystemTime"][:19]
    end = int(datetime.strptime(now, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp()) + 1
    return len(list(client.api.events(since=1, until=end, filters={"container": [box.id], "event": ["commit"]})))


def read_only(client: docker.DockerClient, **how: Any) -> Container:
    """Run a container to its end, in which nobody can have written."""
    box = client.containers.run("busybox", ["true"], name="box", detach=True, read_only=True, **how)
    box.wait()
    return box


def test_no_commit_where_it_is_proved_what_it_gives(module: Module, busybox: docker.DockerClient) -> None:
    box = read_only(busybox, volumes=["/made/by/start"])
    wanted = {**WANTED, "labels": {"a": "b"}}
    module.ok(**wanted)
    assert commits(busybox, box) == 1
    with pytest.raises(docker.errors.APIError):
        box.put_archive("/", bytes(1024))
    result = module.unchanged(**wanted)
    module.unchanged(**{**wanted, "names": ["made:1"]})
    assert commits(busybox, box) == 1
    assert result["image"]["Id"] == busybox.images.get("made:1").id
    assert "layer_paths" not in result
    assert module.ok(**{**wanted, "name": "made:2"})["actions"] == ["Committed container box as made:2"]


@pytest.mark.parametrize(
    ("since", "asked", "changed"),
    [
        (None, {"labels": {"a": "b"}}, True),
        (None, {"changes": ["LABEL a=b"]}, True),
        (None, {"changes": ["CMD true"]}, True),
        ("start", {}, False),
        ("forget", {}, False),
    ],
)
def test_a_commit_is_made_where_it_is_not_proved(
    module: Module, busybox: docker.DockerClient, since: str | None, asked: dict[str, Any], changed: bool
) -> None:
    box = read_only(busybox)
    module.ok(**WANTED)
    if since == "start":
        box.start()
        box.wait()
    elif since == "forget":
        for _time in range(256):
            busybox.api.tag("busybox", "noise", "1", force=True)
    made = commits(busybox, box)
    assert module.ok(check=True, **WANTED, **asked)["changed"] == changed
    assert commits(busybox, box) == made + 1


def test_nothing_is_proved_of_a_container_that_can_be_written(module: Module, busybox: docker.DockerClient) -> None:
    """A copy that fails halfway has written files, and isn't in the engine's events."""
    box = busybox.containers.run("busybox", ["true"], name="box", detach=True)
    box.wait()
    module.ok(**WANTED)
    with pytest.raises(docker.errors.APIError):
        box.put_archive("/", archives.tar({"copied": bytes(2000)})[:700])
    module.converges(**WANTED)
    assert within(busybox, "made:1", "ls /copied") == "/copied\n"


def test_several_names_get_one_image(module: Module, busybox: docker.DockerClient) -> None:
    box = busybox.containers.run("busybox", UP, name="box", detach=True)
    inside(box, "echo hello > /hello")
    done = module.converges(container="box", names=["made:1", "made", "127.0.0.1:5001/made:1", "made:latest"])
    assert [action.rpartition(" ")[2] for action in done["actions"]] == [
        "made:1",
        "made:latest",
        "127.0.0.1:5001/made:1",
    ]
    made = busybox.images.get("made:1")
    assert sorted(made.tags) == ["127.0.0.1:5001/made:1", "made:1", "made:latest"]
    busybox.api.remove_image("made:latest")
    before = images(busybox)
    done = module.converges(container="box", names=["made:latest", "made:1"])
    assert done["actions"] == ["Committed container box as made:latest"]
    assert busybox.images.get("made:latest").id == made.id
    assert images(busybox) == before


def test_one_of_several_names_has_another_image(module: Module, busybox: docker.DockerClient) -> None:
    box = busybox.containers.run("busybox", UP, name="box", detach=True)
    inside(box, "echo hello > /hello")
    module.ok(**WANTED)
    made, base = busybox.images.get("made:1").id, busybox.images.get("busybox").id
    busybox.api.tag("busybox", "made", "2")
    done = module.converges(container="box", names=["made:1", "made:2"])
    assert done["actions"] == [f"Committed container box as made:2, which named {base}"]
    assert busybox.images.get("made:2").id == busybox.images.get("made:1").id == made


def test_names_of_two_equal_images_stay(module: Module, busybox: docker.DockerClient) -> None:
    box = busybox.containers.create("busybox", ["sh"], name="box")
    ids = [box.commit("made", tag).id for tag in ("1", "2")]
    assert ids[0] != ids[1]
    keeps_no_trial(module, busybox, container="box", names=["made:1", "made:2"])


def test_an_image_can_take_the_name_of_its_own_base(module: Module, busybox: docker.DockerClient) -> None:
    box = busybox.containers.run("busybox", UP, name="box", detach=True)
    inside(box, "echo hello > /hello")
    base = busybox.images.get("busybox").id
    done = module.converges(container="box", name="busybox")
    assert done["actions"] == [f"Committed container box as busybox:latest, which named {base}"]
    keeps_no_trial(module, busybox, container="box", name="busybox")


def test_the_bases_tag_has_moved(module: Module, busybox: docker.DockerClient) -> None:
    box = busybox.containers.run("busybox", UP, name="box", detach=True)
    inside(box, "echo hello > /hello")
    module.ok(**WANTED)
    busybox.api.tag("made:1", "busybox", "latest", force=True)
    keeps_no_trial(module, busybox, **WANTED)
    inside(box, "echo again > /hello")
    module.converges(**WANTED)
    assert within(busybox, "made:1", "cat /hello") == "again\n"


def test_a_removed_base_is_named_if_it_is_needed(module: Module, busybox: docker.DockerClient) -> None:
    """Stores keep different parts of the image: the commit works, or the error has the reason."""
    box = busybox.containers.run("busybox", UP, name="box", detach=True)
    base = busybox.images.get("busybox").id
    box.stop(timeout=0)
    busybox.api.remove_image("busybox", force=True)
    if base in images(busybox):
        module.converges(**WANTED)
        return
    for check in (True, False):
        message = module.fails(check=check, **WANTED)
        assert "box" in message and str(base) in message and "was removed" in message and "image_pull" in message
    assert images(busybox) == set()


@contextmanager
def dead(engine: Engine, box: Container) -> Iterator[None]:
    """Let the engine fail to remove a container halfway, as it does where something holds a file of it."""
    held = engine.files.parent / "docker" / "containers" / str(box.id) / "hostconfig.json"
    if subprocess.run(["chattr", "+i", str(held)], check=False).returncode:
        pytest.skip("no file can be made immutable here")
    try:
        with pytest.raises(docker.errors.APIError):
            box.remove(force=True)
        yield
    finally:
        subprocess.run(["chattr", "-i", str(held)], check=True)
        box.remove(force=True)


@pytest.mark.parametrize("check", [True, False])
def test_a_dead_container_is_refused(module: Module, engine: Engine, busybox: docker.DockerClient, check: bool) -> None:
    box = busybox.containers.create("busybox", ["true"], name="box")
    before = images(busybox)
    with dead(engine, box):
        message = module.fails(check=check, **WANTED)
        assert "The container box is dead" in message and "run a new one" in message
    assert images(busybox) == before


@pytest.mark.parametrize("check", [True, False])
def test_a_failing_change_leaves_nothing(module: Module, busybox: docker.DockerClient, check: bool) -> None:
    box = busybox.containers.run("busybox", UP, name="box", detach=True)
    inside(box, "touch /new")
    before = images(busybox)
    for change in ("ENV", "EXPOSE none", "LABEL", "HEALTHCHECK sometimes", "VOLUME", "ONBUILD FROM busybox"):
        message = module.fails(check=check, **WANTED, changes=["USER 7", change, "CMD x"])
        assert f"'{change}' in place 2" in message and "engine refuses" in message
    assert images(busybox) == before


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"container": "none-such"}, ["none-such", "container_run"]),
        ({"container": "/box"}, ["'/box'", "no valid name"]),
        ({"name": "Made"}, ["'Made'", "lower case"]),
        ({"name": "made:"}, ["'made:'", "tag"]),
        ({"name": "made@sha256:" + 64 * "0"}, ["digest"]),
        ({"name": 64 * "a"}, ["image Id"]),
        ({"name": None, "names": []}, ["names"]),
        ({"changes": ["RUN true"]}, ["'RUN true'", "ENTRYPOINT"]),
        ({"changes": ["LABEL a=b", ""]}, ["''", "place 2"]),
        ({"changes": ["LABEL a=b\nRUN true"]}, ["RUN"]),
        ({"labels": {"a": True}}, ["label a", "quotes"]),
        ({"labels": {"a": 1.1}}, ["label a", "quotes"]),
        ({"labels": {"": "b"}}, ["labels", "empty name"]),
    ],
)
def test_bad_input_changes_nothing(
    module: Module, busybox: docker.DockerClient, asked: dict[str, Any], words: list[str], check: bool
) -> None:
    busybox.containers.create("busybox", ["sh"], name="box")
    before = images(busybox)
    arguments = {key: value for key, value in {**WANTED, **asked}.items() if value is not None}
    message = module.fails(check=check, **arguments)
    assert all(word in message for word in words), message
    assert images(busybox) == before
