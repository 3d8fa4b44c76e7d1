# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deliver an archive from the controller: ask the host what it lacks, and send no more than that."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.common.validation import check_type_list
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput

# Not later: here the process that starts those for the hosts imports it, once for all.
from ansible_collections.gantry.docker.plugins.plugin_utils._delivery.delivery import Delivery, Source, compression_for
from ansible_collections.gantry.docker.plugins.plugin_utils._delivery.file import ArchiveFile

_MODULE = "gantry.docker.image_load"
# The default of the option verifier_timeout.
_PATIENCE = 60


class ActionModule(ActionBase):
    """The part of the module image_load that runs on the controller."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task, and return its result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            result.update(self._run(task_vars))
        except GantryError as error:
            result.update(failed=True, msg=error.message)
        return result

    def _run(self, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Return the result of the task; raise GantryError."""
        given = [name for name in ("path", "src", "src_images") if self._task.args.get(name) is not None]
        if len(given) != 1:
            raise InvalidInput(
                "Exactly one of the options path, src and src_images must be given: path for an archive on the host, "
                "src for one on the controller, src_images for images of the controller's engine."
            )
        if given == ["path"]:
            wrap_async = bool(self._task.async_val) and not self._connection.has_native_async
            result = self._module({}, task_vars, wrap_async)
            result.pop("delivery", None)
            return result
        if self._task.async_val:
            raise InvalidInput(f"With {given[0]}, image_load can't run in the background. Leave async out.")
        directory: str = constants.DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]
        with self._source(directory) as (source, shown):
            return self._deliver(Delivery(source, directory), shown, task_vars)

    @contextmanager
    def _source(self, directory: str) -> Iterator[tuple[Source, str]]:
        """Give the source of the images, and the words for it in results; raise GantryError."""
        args = self._task.args
        verify = boolean(args.get("verify", False), strict=False)
        if args.get("src") is not None:
            path = self._found(str(args["src"]))
            yield ArchiveFile(path, lambda: self._content(path), verify), path
            return
        from ansible_collections.gantry.docker.plugins.plugin_utils._delivery.images import images_of_engine

        names = list(map(str, check_type_list(args["src_images"])))
        with images_of_engine(args.get("src_docker_host"), names, verify, directory) as source:
            yield source, "the controller's engine"

    def _deliver(self, delivery: Delivery, shown: str, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Send the documents, and then the layers that the host lacks; raise GantryError.

        shown: the words for the source of the images.
        """
        sent = [delivery.documents()]
        # There is nothing else to verify in the documents.
        answer = self._foreseen({"src": shown, "path": self._send(sent[0]), "verify": False}, task_vars)
        told = answer.pop("delivery", None)
        subjects = told["subjects"] if told else []
        accepted = {} if answer.get("failed") else self._accepted(delivery, shown, subjects)
        if told and not answer.get("failed"):
            full = self._task.args.get("transfer") == "full"
            sent.append(self._thin(delivery, shown, told, full))
            if not self._task.check_mode:
                answer = self._load(shown, sent[-1], task_vars)
                if answer.pop("delivery", {}).get("again") and not full:
                    full = True
                    left = {**told, "free": told["free"] - os.path.getsize(sent[-1])}
                    sent.append(self._thin(delivery, shown, left, full))
                    answer = self._load(shown, sent[-1], task_vars)
                    answer.pop("delivery", None)
                if "bytes_skipped" in answer:
                    held = delivery.held()
                    answer["bytes_skipped"] = 0 if full else sum(held.get(name, 0) for name in told["there"])
        return {**answer, **accepted, "bytes_transferred": sum(map(os.path.getsize, sent))}

    def _found(self, src: str) -> str:
        """Return the path of the archive on the controller; raise GantryError if there is none."""
        try:
            path: str = self._find_needle("files", os.path.expanduser(src))  # type: ignore[no-untyped-call]
        except AnsibleError as error:
            raise GantryError(
                f"There is no file {src} on the controller. It is searched for as ansible.builtin.copy does it: in the "
                "directories files of the role and the playbook, and beside these. Correct src, or give path for an "
                "archive on the host."
            ) from error
        return path

    def _accepted(self, delivery: Delivery, shown: str, told: Sequence[Sequence[str]]) -> dict[str, Any]:
        """Ask the verifier, if there is one, about the images to load, and return the accepted ones as a result.

        It runs where the images are. shown: as in _deliver. told: the subjects as the module says it, see
        _transfer/delivery.py; a command gets no words from a host. Raise GantryError if the verifier refuses an image.
        """
        command = self._task.args.get("verifier")
        if command is None:
            return {}
        from ansible_collections.gantry.docker.plugins.module_utils._verifier import Subject, accepted, parse_verifier

        words = [str(word) for word in check_type_list(command)]
        patience = int(self._task.args.get("verifier_timeout", _PATIENCE))
        verifier = parse_verifier({"verifier": words, "verifier_timeout": patience}, "the controller")
        subjects = [Subject(*one) for one in delivery.subjects() if list(one) in told]
        verdicts = verifier.verdicts(subjects) if verifier else {}
        refusals = [refusal for refusal in verdicts.values() if refusal]
        if refusals:
            raise GantryError(f"Nothing is loaded from {shown}. {' '.join(refusals)}")
        return {"accepted": accepted(verdicts)}

    def _thin(self, delivery: Delivery, shown: str, told: Mapping[str, Any], full: bool) -> str:
        """Return the path of an archive with the layers for the host; raise GantryError if it has no space for it.

        told: as the module says it (_transfer/delivery.py). full: whether the layers that the engine has come too.
        """
        there = delivery.held().keys() & set(told["there"])
        kind = compression_for(self._task.args.get("transfer_compression", "auto"), told["zstd"])
        thin = delivery.thin({*told["lacking"], *(there if full else ())}, kind)
        size = os.path.getsize(thin)
        if size > told["free"]:
            raise GantryError(
                f"Can't send what this host lacks of {shown}: it takes {size} bytes, and the space left in "
                f"{self._connection._shell.tmpdir} is {told['free']}. Free some there, or choose another directory "
                "with Ansible's setting remote_tmp."
            )
        return thin

    def _load(self, shown: str, thin: str, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Send an archive, and return the result of the module that loads it."""
        return self._module({"src": shown, "path": self._send(thin)}, task_vars)

    def _foreseen(self, args: Mapping[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Run the module in check mode, and return its result."""
        check_mode = self._task.check_mode
        self._task.check_mode = True
        try:
            return self._module(args, task_vars)
        finally:
            self._task.check_mode = check_mode

    def _module(
        self, args: Mapping[str, Any], task_vars: dict[str, Any] | None, wrap_async: bool = False
    ) -> dict[str, Any]:
        """Run the module with the arguments of the task and further ones, and return its result."""
        answer: dict[str, Any] = self._execute_module(
            module_name=_MODULE,
            module_args={**self._task.args, **args},
            task_vars=task_vars,
            wrap_async=wrap_async,
        )
        return answer

    def _send(self, archive: str) -> str:
        """Send an archive to the temporary directory of the host, which goes after the task; return its path there."""
        shell = self._connection._shell
        if shell.tmpdir is None:
            self._make_tmp_path()
        there: str = shell.join_path(shell.tmpdir, os.path.basename(archive))
        self._transfer_file(archive, there)  # type: ignore[no-untyped-call]
        self._fixup_perms2((shell.tmpdir, there), execute=False)  # type: ignore[no-untyped-call]
        return there

    @contextmanager
    def _content(self, path: str) -> Iterator[str]:
        """Give the path of a file's content, decrypted if Ansible Vault has encrypted it."""
        try:
            content = self._loader.get_real_file(path)
        except AnsibleError as error:
            raise GantryError(f"The archive {path} can't be read: {error}") from error
        try:
            yield content
        finally:
            self._loader.cleanup_tmp_file(content)
