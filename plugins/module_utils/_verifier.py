# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The verifier: a command of the user that decides by name and digest whether an image may come to an engine.

It is run as containerd runs its image verifiers (containerd, docs/image-verification.md): exit code 0 accepts the
image, and everything else refuses it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import Reference

_NAME, _DIGEST = "{name}", "{digest}"
# The end of the output that a message has: bytes that are read, and characters that are shown.
_LAST_BYTES, _LAST_WORDS = 4096, 500


class Subject(NamedTuple):
    """An image that the verifier decides about.

    name: with registry and tag; "" for an image without a name. digest: it determines the content of the image.
    """

    name: str
    digest: str

    def __str__(self) -> str:
        return f"{self.name}@{self.digest}" if self.name else self.digest


def subject_of(reference: Reference, digest: str) -> Subject:
    """Return the image of a reference that has a digest."""
    return Subject(reference.complete, digest)


class Verifier(NamedTuple):
    """The user's command.

    command: its words, with marks for the name and the digest of an image. patience: the seconds that it may take for
    an image. place: where it runs, for messages.
    """

    command: tuple[str, ...]
    patience: int
    place: str

    def verdicts(self, subjects: Iterable[Subject], at_once: int = 1) -> Mapping[Subject, str]:
        """Ask about images, and return the verdicts: the reason why an image is refused, as sentences; "" if it isn't.

        at_once: the most programs at a time. None of them runs any longer when this returns or raises.
        Raise GantryError if the command can't be run.
        """
        # All programs are started by this thread, so that a signal to the task ends them.
        verdicts, waiting = {}, list(dict.fromkeys(subjects))
        while waiting:
            asked, waiting = waiting[:at_once], waiting[at_once:]
            with ExitStack() as running:
                runs = [running.enter_context(self._run(subject)) for subject in asked]
                verdicts.update({subject: self._verdict(subject, run) for subject, run in zip(asked, runs)})
        return verdicts

    @contextmanager
    def _run(self, subject: Subject) -> Iterator[_Run]:
        """Start the command for an image; kill it and the programs that it has started if it runs at the end."""
        words = [word.replace(_NAME, subject.name).replace(_DIGEST, subject.digest) for word in self.command]
        with tempfile.TemporaryFile() as output:
            try:
                # Not run_command: it belongs to AnsibleModule, which this room doesn't know.
                program = subprocess.Popen(  # pylint: disable=ansible-bad-function
                    words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
                )
            except OSError as error:
                raise GantryError(
                    f"The verifier {words[0]} can't be run on {self.place}: {error.strerror}. So no image may come. "
                    "Install it where the PATH of the user finds it, or correct the option verifier."
                ) from error
            try:
                yield _Run(program, output, time.monotonic() + self.patience)
            finally:
                if program.poll() is None:
                    with suppress(ProcessLookupError):
                        os.killpg(program.pid, signal.SIGKILL)
                    program.wait()

    def _verdict(self, subject: Subject, run: _Run) -> str:
        """Wait for the end of a command, and return the verdict."""
        try:
            code = run.program.wait(max(0, run.end - time.monotonic()))
        except subprocess.TimeoutExpired:
            why = f"took longer than {self.patience} seconds"
        else:
            if not code:
                return ""
            why = f"ended with exit code {code}" if code > 0 else f"was ended by {_signal(-code)}"
        return (
            f"The verifier {self.command[0]} refuses {subject}: it {why} and {run.said}. Sign the image, or do what "
            "else the verifier asks for; or correct the option verifier."
        )


class _Run(NamedTuple):
    """A command that was started for an image. end: the time by which it must have ended, of time.monotonic."""

    program: subprocess.Popen[bytes]
    output: IO[bytes]
    end: float

    @property
    def said(self) -> str:
        """The last words of its output, as the end of a sentence."""
        # pread, because the program shares the position of this file: it must stay at the end.
        file = self.output.fileno()
        end = os.pread(file, _LAST_BYTES, max(0, os.fstat(file).st_size - _LAST_BYTES))
        words = " ".join(end.decode("utf-8", "replace").split())
        if not words:
            return "said nothing"
        shown = words if len(words) <= _LAST_WORDS else f"… {words[-_LAST_WORDS:]}"
        return f"said: {shown.rstrip('.')}"


def accepted(verdicts: Mapping[Subject, str]) -> list[dict[str, str]]:
    """Return the images that a verifier accepts, as results."""
    return [subject._asdict() for subject, refusal in verdicts.items() if not refusal]


def parse_verifier(params: Mapping[str, Any], place: str = "this host") -> Verifier | None:
    """Return the verifier that the options name; None for none. Raise InvalidInput. place: as in Verifier."""
    command, patience = params["verifier"], params["verifier_timeout"]
    if command is None:
        return None
    if not command or not command[0] or any("\0" in word for word in command):
        raise InvalidInput(
            "verifier has no command. Give its program and its arguments as a list of words, or leave it out."
        )
    if not any(_DIGEST in word for word in command[1:]):
        raise InvalidInput(
            f"verifier is {command}, and none of its arguments contains {_DIGEST}. Without the digest, it can't decide "
            f"about the image that comes. Write, for example, '{_NAME}@{_DIGEST}' as one of the words."
        )
    if patience < 1:
        raise InvalidInput(f"verifier_timeout is {patience}, and must be 1 or more seconds.")
    return Verifier(tuple(command), patience, place)


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"the signal {number}"
