# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: container
short_description: Run tasks inside a Docker container
description:
  - Runs tasks in a running container, as if it were a host.
  - Connects to the engine directly. The controller needs neither the Docker CLI nor the Docker SDK for Python.
  - Every module can run in a container that has Python. Without Python, C(ansible.builtin.raw) can run. The container
    needs a shell, and C(cat) for file transfers.
version_added: 0.1.0
author:
  - gantry.docker authors (@gantry-docker)
notes:
  - "Select the user with O(remote_user): that requires nothing in the container. With C(become), the image must contain
    the program of the become method, such as V(su) or V(sudo)."
options:
  remote_addr:
    description:
      - The name or the Id of the container. It must be running.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
      - name: ansible_docker_host
  remote_user:
    description:
      - The user in the container who runs the tasks, as a name or a number, optionally with C(:group).
      - If not given, it is the user that the container runs as.
    type: str
    vars:
      - name: ansible_user
      - name: ansible_docker_user
    env:
      - name: ANSIBLE_REMOTE_USER
    ini:
      - section: defaults
        key: remote_user
    cli:
      - name: user
    keyword:
      - name: remote_user
  pipelining:
    description:
      - Send a module to Python's standard input where possible, instead of copying it to the container first. This
        takes half the time.
      - Unlike in other connection plugins, it is on by default, because nothing in a container prevents it.
    type: bool
    default: true
    vars:
      - name: ansible_pipelining
      - name: ansible_docker_pipelining
    env:
      - name: ANSIBLE_PIPELINING
    ini:
      - section: defaults
        key: pipelining
      - section: connection
        key: pipelining
  docker_host:
    description:
      - The address of the engine, as a URL with C(unix://), C(tcp://) or C(ssh://).
      - With C(ssh://), the programs C(ssh) on the controller and C(docker) on the engine's host are used. Each command
        takes two connections. Set C(ControlMaster) and C(ControlPersist) in the configuration of ssh to let them share
        one.
      - C(tcp://) without a port uses port 2375, or 2376 with TLS.
      - If not given, the engine of a Docker context is used, as with the Docker CLI. The environment variable
        E(DOCKER_CONTEXT) names the context, or else the Docker configuration on the controller (C(currentContext)). The
        context's TLS files are used too. Without a context, or with V(default), V(unix:///var/run/docker.sock) is used.
      - The Docker configuration is the file C(config.json) in the directory that the environment variable
        E(DOCKER_CONFIG) names, or else in C(~/.docker).
    type: str
    vars:
      - name: ansible_docker_docker_host
    env:
      - name: DOCKER_HOST
    ini:
      - section: docker_connection
        key: docker_host
  tls:
    description:
      - Connect to the engine with TLS, without a check of its certificate.
      - If not given, the environment variable E(DOCKER_TLS) is used, unless the engine comes from a Docker context.
    type: bool
    vars:
      - name: ansible_docker_tls
    ini:
      - section: docker_connection
        key: tls
  validate_certs:
    description:
      - Connect to the engine with TLS, and check its certificate against O(ca_path).
      - If not given, the environment variable E(DOCKER_TLS_VERIFY) is used, unless the engine comes from a Docker
        context.
    type: bool
    vars:
      - name: ansible_docker_validate_certs
    ini:
      - section: docker_connection
        key: validate_certs
  tls_hostname:
    description:
      - The host name that the engine's certificate must contain, if it differs from the one in O(docker_host).
      - If not given, the environment variable E(DOCKER_TLS_HOSTNAME) is used, unless the engine comes from a Docker
        context.
    type: str
    vars:
      - name: ansible_docker_tls_hostname
    ini:
      - section: docker_connection
        key: tls_hostname
  ca_path:
    description:
      - The file with the certificate of the CA, on the controller.
      - If not given, the file of the Docker context is used or, without a context, C(ca.pem) in the directory that the
        environment variable E(DOCKER_CERT_PATH) names.
    type: path
    vars:
      - name: ansible_docker_ca_path
      - name: ansible_docker_ca_cert
    ini:
      - section: docker_connection
        key: ca_path
  client_cert:
    description:
      - The file with the client's certificate, on the controller. It requires O(client_key).
      - If not given, the file of the Docker context is used or, without a context, C(cert.pem) in the directory that
        the environment variable E(DOCKER_CERT_PATH) names.
    type: path
    vars:
      - name: ansible_docker_client_cert
    ini:
      - section: docker_connection
        key: client_cert
  client_key:
    description:
      - The file with the client's key, on the controller. It requires O(client_cert).
      - If not given, the file of the Docker context is used or, without a context, C(key.pem) in the directory that the
        environment variable E(DOCKER_CERT_PATH) names.
    type: path
    vars:
      - name: ansible_docker_client_key
    ini:
      - section: docker_connection
        key: client_key
  api_version:
    description:
      - The version of the engine's API to use. V(auto) selects the newest version that both the engine and this
        collection know.
      - If not given, it is V(auto).
    type: str
    vars:
      - name: ansible_docker_api_version
    env:
      - name: DOCKER_API_VERSION
    ini:
      - section: docker_connection
        key: api_version
  timeout:
    description:
      - The number of seconds to wait for the engine while it sends nothing.
      - It doesn't limit the duration of a command or a transfer. Every other answer must be complete within twice this
        time.
      - If not given, it is V(60).
    type: int
    vars:
      - name: ansible_docker_timeout
    env:
      - name: DOCKER_TIMEOUT
    ini:
      - section: docker_connection
        key: timeout
"""

EXAMPLES = r"""
- name: Have a container, and make it a host of this play
  hosts: localhost
  tasks:
    - name: Start it
      gantry.docker.container_run:
        name: workshop
        image: debian:12
        command: sleep infinity

    - name: Add it to the inventory
      ansible.builtin.add_host:
        name: workshop
        ansible_connection: gantry.docker.container

- name: Work inside
  hosts: workshop
  gather_facts: false
  tasks:
    - name: Say who is there
      ansible.builtin.raw: id
      changed_when: false
"""

import os
import posixpath
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any, Callable

from ansible.errors import AnsibleAuthenticationFailure, AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.module_utils.common.text.converters import to_bytes
from ansible.plugins.become import BecomeBase
from ansible.plugins.connection import ConnectionBase

from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, printable
from ansible_collections.gantry.docker.plugins.module_utils._transport.address import CONNECTION_SPEC, resolve
from ansible_collections.gantry.docker.plugins.module_utils._transport.exec import PIECE, RunningCommand, Wire


class Connection(ConnectionBase):
    """A connection to a running container."""

    transport = "gantry.docker.container"
    has_pipelining = True
    has_tty = False

    _wire: Wire | None = None

    def _connect(self) -> Connection:
        with _told():
            self._engine()
        return self

    def _engine(self) -> Wire:
        if self._wire is None:
            known = {name: self._option(name) for name in CONNECTION_SPEC if name != "use_ssh_client"}
            options = resolve(known, os.environ)
            for doubt in options["doubts"]:
                self._display.warning(doubt)
            self._wire = Wire(options)
            self._connected = True
        return self._wire

    def _option(self, name: str) -> Any:
        return self.get_option(name)  # type: ignore[no-untyped-call]

    @property
    def _container(self) -> str:
        return str(self._option("remote_addr"))

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command with the container's shell; return its exit code, standard output and standard error."""
        out, err = bytearray(), bytearray()
        command = self._start("-c", cmd)
        if sudoable and self.become and self.become.expect_prompt():
            self._escalate(self.become, command, out, err)
        code = self._finish(command, [in_data] if in_data else [], out.extend, err.extend)
        return code, bytes(out), bytes(err)

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file from the controller to the container, as the remote user."""
        if not os.path.exists(in_path):
            raise AnsibleFileNotFound(f"There is no file {in_path} on the controller to copy into {self._container}.")
        said = bytearray()
        with open(in_path, "rb") as file:
            code = self._finish(
                self._start("-c", 'cat >"$0"', _absolute(out_path)), _pieces(file), said.extend, said.extend
            )
        if code:
            where = printable(f"{in_path} to {out_path}")
            raise AnsibleError(f"Can't copy {where} in the container {self._container}: {_text(said)}")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file from the container to the controller."""
        said = bytearray()
        with open(out_path, "wb") as file:
            code = self._finish(self._start("-c", 'cat "$0"', _absolute(in_path)), (), file.write, said.extend)
        if code:
            os.unlink(out_path)
            where = printable(in_path)
            raise AnsibleError(f"Can't copy {where} from the container {self._container}: {_text(said)}")

    @property
    def _shell_program(self) -> str:
        return str(self._play_context.executable or "/bin/sh")

    def _start(self, *words: str) -> RunningCommand:
        """Start the container's shell with these words as arguments."""
        argv = [self._shell_program, *words]
        self._display.vvv(f"EXEC {argv}", host=self._container)
        with _told():
            return self._engine().start(self._container, argv, User=self._option("remote_user") or "")

    def _finish(
        self,
        command: RunningCommand,
        source: Iterable[bytes],
        out: Callable[[bytes], object],
        err: Callable[[bytes], object],
    ) -> int:
        """Send the command its input and wait for its end; return its exit code.

        Raise AnsibleConnectionFailure if the command never began.
        """
        first = bytearray()

        def noted(piece: bytes) -> None:
            first.extend(piece[: max(0, 1000 - len(first))])
            out(piece)

        with _told():
            end = command.finish(source, noted, err)
        if not end.ran:
            user = self._option("remote_user")
            raise AnsibleConnectionFailure(
                f"The container {self._container} couldn't run its shell: {_text(first) or 'no reason was given'}. "
                f"The container must have {self._shell_program} (or set ansible_shell_executable)"
                + (f" and the user {user} (or set ansible_user)." if user else ".")
            )
        return end.rc

    def _escalate(self, become: BecomeBase, command: RunningCommand, out: bytearray, err: bytearray) -> None:
        """Send the password when the become method asks for it, and wait until the method reports success.

        out, err: receive the output after that. If the method ends earlier, its exit code and output show why.
        Raise AnsibleAuthenticationFailure if it takes too long, or the password is wrong.
        """

        def through() -> bool:
            return bool(become.check_success(bytes(out)))

        def asks() -> bool:
            return any(become.check_password_prompt(bytes(said)) for said in (out, err))

        giving_up = threading.Timer(self._play_context.timeout, command.abandon)
        giving_up.start()
        if _until(lambda: through() or asks(), command, out, err) and not through():
            password = become.get_option("become_pass", playcontext=self._play_context)
            out.clear()
            err.clear()
            with _told():
                command.write(to_bytes(password) + b"\n")
            _until(lambda: through() or asks(), command, out, err)
        in_time = giving_up.is_alive()
        giving_up.cancel()
        if through():
            del out[: out.index(to_bytes(become.success))]
        elif not in_time:
            raise AnsibleAuthenticationFailure(
                f"{become.name} in the container {self._container} showed neither a known password prompt nor "
                f"success within {self._play_context.timeout} seconds: {_text(out + err)}"
            )
        elif asks() or become.check_incorrect_password(bytes(out + err)):
            command.abandon()
            raise AnsibleAuthenticationFailure(
                f"The password for {become.name} in the container {self._container} is wrong."
            )

    def reset(self) -> None:
        """Close the connection; nothing is kept from one task to the next."""
        self.close()

    def close(self) -> None:
        """Close the connection to the engine."""
        if self._wire is not None:
            self._wire.close()
        self._wire, self._connected = None, False


@contextmanager
def _told() -> Iterator[None]:
    """Turn each GantryError into an error that Ansible reports."""
    try:
        yield
    except GantryError as error:
        raise AnsibleConnectionFailure(error.message) from None  # Ansible would also report the cause's message


def _until(condition: Callable[[], bool], command: RunningCommand, out: bytearray, err: bytearray) -> bool:
    """Read a command's output until a condition holds; return False if the command ends before."""
    while not condition():
        with _told():
            is_error, piece = next(command.output, (False, b""))
        if not piece:
            return False
        (err if is_error else out).extend(piece)
    return True


def _absolute(path: str) -> str:
    """Return an absolute path in the container, because the working directory there is not known."""
    return posixpath.normpath(posixpath.join("/", path))


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


def _text(output: bytes | bytearray) -> str:
    return printable(" ".join(output.decode("utf-8", "replace").split()))
