# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""container_exec against a real engine: a command runs once, and only when it should."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.support.waiting import wait_for


@pytest.fixture
def box(busybox: docker.DockerClient) -> Container:
    """A container that stays up."""
    return busybox.containers.run("busybox", ["tail", "-f", "/dev/null"], name="box", detach=True)


def inside(box: Container, *argv: str) -> str:
    """Run a command in the container; return its output."""
    code, output = box.exec_run(list(argv))
    assert code == 0, output
    assert isinstance(output, bytes)
    return output.decode()


def test_runs_a_command_each_time(module: Module, box: Container) -> None:
    asked: dict[str, Any] = {"container": "box", "argv": ["sh", "-c", "echo line >> /log; echo out; echo err >&2"]}
    foreseen = module.ok(check=True, **asked)
    assert foreseen["changed"] and not {"rc", "stdout", "stderr"} & set(foreseen)
    for times in (1, 2):
        done = module.ok(**asked)
        assert done["changed"] and done["actions"] == foreseen["actions"]
        assert (done["rc"], done["stdout"], done["stderr"]) == (0, "out", "err")
        assert inside(box, "cat", "/log") == "line\n" * times


def test_check_mode_never_runs_it(module: Module, box: Container) -> None:
    for detach in (True, False):
        done = module.ok(check=True, container="box", argv=["touch", "/touched"], detach=detach)
        assert done["changed"] and done["actions"]
    assert "touched" not in inside(box, "ls", "/")


def test_a_string_is_split_and_no_shell_reads_it(module: Module, box: Container) -> None:
    done = module.ok(container="box", command="echo 'two words' $HOME '*'")
    assert done["stdout"] == "two words $HOME *"
    assert done["actions"] == ["Ran echo 'two words' '$HOME' '*' in container box"]


def test_containers_are_found_by_id(module: Module, box: Container) -> None:
    for name in (str(box.id), str(box.id)[:12]):
        assert module.ok(container=name, argv=["hostname"])["stdout"] == str(box.id)[:12]


@pytest.mark.parametrize("code", [1, 126, 127, 137])
def test_an_exit_code_other_than_0_is_a_failure(module: Module, box: Container, code: int) -> None:
    result = module(container="box", argv=["sh", "-c", f"echo out; echo err >&2; exit {code}"])
    assert result["failed"] and result["changed"]
    assert (result["rc"], result["stdout"], result["stderr"]) == (code, "out", "err")
    assert str(code) in result["msg"]


def test_the_exit_code_of_a_command_that_ends_after_its_output_is_true(module: Module, box: Container) -> None:
    """The exit code isn't known yet at the end of the output, and must not be taken for 0."""
    result = module(container="box", argv=["sh", "-c", "exec >&- 2>&-; sleep 0.5; exit 3"])
    assert result["failed"] and result["rc"] == 3


def test_a_silent_command_may_take_longer_than_the_timeout(module: Module, box: Container) -> None:
    assert module.ok(container="box", argv=["sh", "-c", "sleep 2.2; echo done"], timeout=1)["stdout"] == "done"


def test_much_output_and_odd_bytes_arrive(module: Module, box: Container) -> None:
    done = module.ok(container="box", argv=["sh", "-c", "seq 1 50000; printf 'a\\377z\\n\\n'"])
    lines = done["stdout"].split("\n")
    assert lines[:50000] == [str(number) for number in range(1, 50001)]
    assert lines[50000:] == ["a\ufffdz"]


def test_environment_directory_and_user_are_as_asked(module: Module, box: Container) -> None:
    done = module.ok(
        container="box",
        argv=["sh", "-c", 'echo "$ONE|$TWO|$PWD|$(id -u):$(id -g)"'],
        env={"ONE": "1 = 'x'", "TWO": 2},
        chdir="/tmp",  # noqa: S108
        user="1234:56",
    )
    assert done["stdout"] == "1 = 'x'|2|/tmp|1234:56"


def test_a_command_gets_a_terminal_if_asked(module: Module, box: Container) -> None:
    argv = ["sh", "-c", "tty; echo err >&2"]
    assert module.ok(container="box", argv=argv, tty=True)["stdout"].splitlines() == ["/dev/pts/0", "err"]
    result = module(container="box", argv=argv)
    assert result["stdout"] == "not a tty" and result["stderr"] == "err"


def test_a_command_gets_its_input(module: Module, box: Container) -> None:
    assert module.ok(container="box", argv=["cat"], stdin="one\ntwo")["stdout"] == "one\ntwo"
    assert module.ok(container="box", argv=["wc", "-c"], stdin="grün")["stdout"] == "6"
    assert module.ok(container="box", argv=["wc", "-c"], stdin="four", stdin_add_newline=False)["stdout"] == "4"
    assert module.ok(container="box", argv=["cat"])["stdout"] == ""
    done = module(
        container="box",
        argv=["sh", "-c", 'cat >&2; echo "$ONE $PWD $(id -u)"; exit 3'],
        stdin="in",
        env={"ONE": "1"},
        chdir="/bin",
        user="12",
    )
    assert (done["rc"], done["stdout"], done["stderr"]) == (3, "1 /bin 12", "in")
    much = "x" * 3_000_000
    assert module.ok(container="box", argv=["cat"], stdin=much)["stdout"] == much
    assert module.ok(container="box", argv=["true"], stdin=much)["rc"] == 0
    message = module.fails(container="box", argv=["/no/such/program"], stdin="x")
    assert "/no/such/program" in message and "box" in message


def test_empty_ends_of_output_are_stripped_unless_told_otherwise(module: Module, box: Container) -> None:
    argv = ["printf", "\\n a \\r\\n\\n"]
    assert module.ok(container="box", argv=argv)["stdout"] == "\n a "
    assert module.ok(container="box", argv=argv, strip_empty_ends=False)["stdout"] == "\n a \r\n\n"


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/made", True),
        ("/directory", True),
        ("/directory/", True),
        ("/link", True),
        ("/linked/made", True),
        ("/none", False),
        ("/dangling", False),
        ("/loop", False),
        ("/made/below", False),
    ],
)
def test_creates_and_removes_decide_whether_it_runs(module: Module, box: Container, path: str, there: bool) -> None:
    box.exec_run(["sh", "-c", "touch /made; mkdir /directory; ln -s / /linked; ln -s made /link"])
    box.exec_run(["sh", "-c", "ln -s /nowhere /dangling; ln -s loop /loop"])
    argv = ["sh", "-c", "echo ran >>/log"]
    for option, runs in (("creates", not there), ("removes", there)):
        before = log_of(box)
        for check in (True, False):
            done = module.ok(check=check, container="box", argv=argv, **{option: path})
            assert (done["changed"], bool(done["actions"])) == (runs, runs)
            assert runs or (done["rc"] == 0 and path in done["msg"])
        assert log_of(box) == before + ("ran\n" if runs else "")


def log_of(box: Container) -> str:
    """Return the content of /log, or nothing. It is copied, because a command's output may be lost with 20.10."""
    try:
        pieces, _status = box.get_archive("/log")
    except docker.errors.NotFound:
        return ""
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
        file = tar.extractfile("log")
        assert file
        return file.read().decode()


def test_what_is_needless_needs_no_running_container(module: Module, box: Container) -> None:
    box.stop(timeout=0)
    assert module.ok(container="box", argv=["true"], creates="/bin")["changed"] is False
    assert "exited" in module.fails(container="box", argv=["true"], removes="/bin")


def test_detached_it_goes_on(module: Module, box: Container) -> None:
    done = module.ok(container="box", argv=["sleep", "600"], detach=True)
    assert done["changed"] and not {"rc", "stdout", "stderr"} & set(done)
    assert box.client and box.client.api.exec_inspect(done["exec_id"])["ContainerID"] == box.id
    assert done["actions"] == ["Started sleep 600 in container box"]
    assert wait_for(lambda: "sleep 600" in inside(box, "ps"))


def test_a_second_process_can_be_killed_and_the_container_lives_on(module: Module, box: Container) -> None:
    """Start a second process, list it, kill it: the container lives on."""
    module.ok(container="box", argv=["sleep", "601"], detach=True)
    assert wait_for(lambda: "sleep 601" in module.ok(container="box", command="ps")["stdout"])
    module.ok(container="box", argv=["sh", "-c", "kill $(pidof sleep)"])
    assert wait_for(lambda: "sleep 601" not in module.ok(container="box", command="ps")["stdout"])
    box.reload()
    assert box.status == "running"


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"argv": ["/no/such/program"]}, "/no/such/program"),
        ({"argv": ["/etc"]}, "/etc"),
        ({"argv": ["pwd"], "chdir": "/no/such/place"}, "/no/such/place"),
        ({"argv": ["id"], "user": "nobody-such"}, "user"),
    ],
)
@pytest.mark.parametrize("tty", [True, False])
def test_a_command_that_cannot_start_changes_nothing(
    module: Module, box: Container, asked: dict[str, Any], word: str, tty: bool
) -> None:
    result = module(container="box", tty=tty, **asked)
    assert result["failed"] and not result["changed"] and result["actions"] == []
    assert word in result["msg"] and "box" in result["msg"] and "\n" not in result["msg"]
    assert asked["argv"][0] in result["msg"]


def test_a_detached_command_that_cannot_start_is_named(module: Module, box: Container) -> None:
    message = module.fails(container="box", argv=["/no/such/program"], detach=True)
    assert "/no/such/program" in message and "box" in message


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("status", "way_out"), [("exited", "container_run"), ("created", "container_run"), ("paused", "docker unpause box")]
)
def test_a_container_that_does_not_run_is_refused(
    module: Module, busybox: docker.DockerClient, status: str, way_out: str, check: bool
) -> None:
    made = busybox.containers.create("busybox", ["tail", "-f", "/dev/null"], name="box")
    if status != "created":
        made.start()
    if status == "paused":
        made.pause()
    if status == "exited":
        made.stop(timeout=0)
    message = module.fails(check=check, container="box", argv=["true"])
    assert f"box is {status}" in message and way_out in message
    made.reload()
    assert made.status == status


@pytest.mark.parametrize("check", [True, False])
def test_a_missing_container_is_refused(module: Module, box: Container, check: bool) -> None:
    for name in ("none-such", str(box.id)[:4]):
        message = module.fails(check=check, container=name, argv=["touch", "/touched"])
        assert f"no container {name}" in message and "container_run" in message
    assert "touched" not in inside(box, "ls", "/")


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"container": "/box", "argv": ["true"]}, ["'/box'", "no valid name"]),
        ({"container": "box"}, ["argv", "command"]),
        ({"container": "box", "argv": ["true"], "command": "true"}, ["argv", "command"]),
        ({"container": "box", "argv": []}, ["empty"]),
        ({"container": "box", "argv": [""]}, ["empty"]),
        ({"container": "box", "command": "  "}, ["empty"]),
        ({"container": "box", "command": "echo 'open"}, ["echo 'open", "split"]),
        ({"container": "box", "argv": ["true"], "env": {"A=B": "c"}}, ["A=B"]),
        ({"container": "box", "argv": ["true"], "env": {"DEBUG": False}}, ["DEBUG", "quotes"]),
        ({"container": "box", "argv": ["true"], "creates": "made"}, ["creates", "'made'", "slash"]),
        ({"container": "box", "argv": ["true"], "removes": "./made"}, ["removes", "'./made'", "slash"]),
        ({"container": "box", "argv": ["true"], "stdin": "x", "tty": True}, ["stdin", "tty"]),
        ({"container": "box", "argv": ["true"], "stdin": "x", "detach": True}, ["stdin", "detach"]),
    ],
)
def test_bad_input_is_refused(module: Module, asked: dict[str, Any], words: list[str], check: bool) -> None:
    message = module.fails(check=check, **asked)
    assert all(word in message for word in words), message
