# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verifiers, which are real programs here."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gantry.docker.plugins.module_utils import _verifier
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import parse_reference
from ansible_collections.gantry.docker.plugins.module_utils._verifier import Subject, Verifier, accepted, subject_of
from ansible_collections.gantry.docker.tests.support.programs import write_program
from ansible_collections.gantry.docker.tests.support.waiting import wait_for

DIGEST = f"sha256:{'1' * 64}"
APP = Subject("registry.example/app:1", DIGEST)
OTHER = Subject("docker.io/library/other:2", f"sha256:{'2' * 64}")


def parsed(command: Any, patience: int = 60) -> Verifier | None:
    """Return the verifier that the options name."""
    return _verifier.parse_verifier({"verifier": command, "verifier_timeout": patience})


def verifier(place: Path, script: str, patience: int = 60) -> Verifier:
    """Return a verifier that is a shell script, which gets the name and the digest."""
    write_program(place / "verifier", script)
    found = parsed([str(place / "verifier"), "{name}", "{digest}"], patience)
    assert found
    return found


def refusal(place: Path, script: str, patience: int = 60) -> str:
    """Return the reason of a verifier that refuses an image."""
    (reason,) = tuple(verifier(place, script, patience).verdicts([APP]).values())
    assert reason.startswith(f"The verifier {place}/verifier refuses {APP.name}@{DIGEST}: it ")
    return reason


def test_there_may_be_none() -> None:
    assert parsed(None) is None


@pytest.mark.parametrize(
    ("command", "patience", "words"),
    [
        ([], 60, "no command"),
        ([""], 60, "no command"),
        (["cosign", "{digest}\0"], 60, "no command"),
        (["cosign"], 60, "{digest}"),
        (["cosign", "verify", "{name}"], 60, "{digest}"),
        (["cosign verify {name}@{digest}"], 60, "{digest}"),
        (["cosign", "{digest}"], 0, "verifier_timeout is 0"),
    ],
)
def test_bad_options_are_refused(command: list[str], patience: int, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parsed(command, patience)
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("busybox", "docker.io/library/busybox:latest"),
        ("registry.example:5000/a/b:1", "registry.example:5000/a/b:1"),
        (f"user/app@{DIGEST}", "docker.io/user/app"),
    ],
)
def test_it_gets_complete_names(text: str, name: str) -> None:
    assert subject_of(parse_reference(text), DIGEST) == Subject(name, DIGEST)


def test_it_gets_the_name_and_the_digest_and_accepts_by_exit_code_0(tmp_path: Path) -> None:
    found = verifier(tmp_path, f'printf "%s|" "$#" "$1" "$2" >> {tmp_path}/asked; echo said >&2')
    verdicts = found.verdicts([APP, OTHER, APP])
    assert verdicts == {APP: "", OTHER: ""}
    assert accepted(verdicts) == [APP._asdict(), OTHER._asdict()]
    assert (tmp_path / "asked").read_text() == f"2|{APP.name}|{DIGEST}|2|{OTHER.name}|{OTHER.digest}|"


def test_no_shell_reads_its_words(tmp_path: Path) -> None:
    found = parsed(["/usr/bin/test", "$(touch made); {name}@{digest}", "=", f"$(touch made); {APP.name}@{DIGEST}"])
    assert found and found.verdicts([APP]) == {APP: ""}


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo no signature >&2; exit 10", "ended with exit code 10 and said: no signature. Sign"),
        ("echo first; echo second. >&2; exit 1", "ended with exit code 1 and said: first second. Sign"),
        ("exit 3", "ended with exit code 3 and said nothing. Sign"),
        ("kill -KILL $$", "was ended by SIGKILL and said nothing"),
        ("printf '\\377'; exit 1", "said: \ufffd."),
    ],
)
def test_everything_else_refuses(tmp_path: Path, script: str, words: str) -> None:
    assert words in refusal(tmp_path, script)


def test_it_gets_no_input(tmp_path: Path) -> None:
    assert "said nothing" in refusal(tmp_path, "cat; exit 1")


def test_only_the_end_of_much_output_is_shown(tmp_path: Path) -> None:
    reason = refusal(tmp_path, "yes before | head -n 1000000; echo the end; exit 1")
    assert "said: … " in reason and "before the end. Sign" in reason
    assert len(reason) < 1000


def test_it_is_killed_with_its_programs_if_it_takes_too_long(tmp_path: Path) -> None:
    script = f"sleep 600 & echo $! > {tmp_path}/child; echo waiting; wait"
    assert "took longer than 1 seconds and said: waiting" in refusal(tmp_path, script, patience=1)
    assert wait_for(lambda: is_gone((tmp_path / "child").read_text()))


def is_gone(number: str) -> bool:
    """Return whether no process has this number, except one that has ended."""
    try:
        return Path(f"/proc/{number.strip()}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_one_refusal_does_not_decide_about_others(tmp_path: Path) -> None:
    verdicts = verifier(tmp_path, "case $1 in *app*) exit 1;; esac").verdicts([APP, OTHER])
    assert verdicts[APP] and not verdicts[OTHER]
    assert accepted(verdicts) == [OTHER._asdict()]


def test_as_many_run_at_the_same_time_as_may(tmp_path: Path) -> None:
    # Each waits until a second one runs, and fails if there is a third one.
    script = f"""
        touch {tmp_path}/run.$$
        n=0; while [ $(ls {tmp_path}/run.* | wc -l) -lt 2 ] && [ $n -lt 200 ]; do sleep 0.05; n=$((n + 1)); done
        count=$(ls {tmp_path}/run.* | wc -l); sleep 0.5; rm {tmp_path}/run.$$; [ $count = 2 ]"""
    subjects = [Subject(f"registry.example/app:{number}", DIGEST) for number in range(4)]
    assert accepted(verifier(tmp_path, script).verdicts(subjects, 2)) == [subject._asdict() for subject in subjects]


@pytest.mark.parametrize("kind", ["missing", "forbidden"])
def test_a_command_that_cannot_be_run_is_no_verdict(tmp_path: Path, kind: str) -> None:
    program = tmp_path / "none"
    if kind == "forbidden":
        program.write_text("#!/bin/sh\n")
    found = parsed([str(program), "{digest}"])
    with pytest.raises(GantryError) as failed:
        assert found
        found.verdicts([APP])
    assert f"The verifier {program} can't be run on this host: " in failed.value.message


class Ended(BaseException):
    """A signal that ends a task."""


@contextmanager
def ended_when(reached: Callable[[], bool]) -> Iterator[None]:
    """End the code inside when a condition is reached, as a signal ends a task."""

    def end(_number: int, _frame: Any) -> None:
        raise Ended

    def send() -> None:
        wait_for(reached)
        os.kill(os.getpid(), signal.SIGUSR1)

    former = signal.signal(signal.SIGUSR1, end)
    sender = threading.Thread(target=send)
    sender.start()
    try:
        with pytest.raises(Ended):
            yield
    finally:
        sender.join()
        signal.signal(signal.SIGUSR1, former)


def test_a_signal_ends_all_that_run(tmp_path: Path) -> None:
    found = verifier(tmp_path, f"touch {tmp_path}/run.$$; exec sleep 600")
    with ended_when(lambda: len(list(tmp_path.glob("run.*"))) == 2):
        found.verdicts([APP, OTHER], 2)
    assert all(is_gone(file.suffix[1:]) for file in tmp_path.glob("run.*"))
