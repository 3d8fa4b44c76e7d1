# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker contexts, made by an engine's own CLI; and engines at the ports where they are if none is named."""

from __future__ import annotations

import os
import secrets
import select
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ansible_collections.gantry.docker.tests.engines.engine import Engine


@contextmanager
def configuration(engine: Engine) -> Iterator[Path]:
    """A directory for the CLI's configuration, which the engine's CLI sees too."""
    engine.files.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(dir=engine.files))
    yield place
    shutil.rmtree(place)


def create(engine: Engine, place: Path, name: str, **endpoint: str) -> None:
    """Create a context. endpoint: as docker context create --docker takes it; the CLI gets copies of files."""
    for key in {"ca", "cert", "key"} & set(endpoint):
        endpoint[key] = str(shutil.copy(endpoint[key], str(place / f"given-{key}.pem")))
    described = ",".join(f"{key}={value}" for key, value in endpoint.items())
    cli(engine, place, "context", "create", name, "--docker", described)


def cli(engine: Engine, place: Path, *words: str) -> str:
    """Run the engine's CLI with a directory for its configuration and without DOCKER_HOST; its output."""
    environment = {**os.environ, **engine.environment, "DOCKER_CONFIG": str(place)}
    del environment["DOCKER_HOST"]
    done = subprocess.run(["docker", *words], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def listening(port: int, serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Have that port of a loopback address that nobody else uses served; the address, without the port."""
    one, two = (secrets.randbelow(254) + 1 for _part in range(2))
    address = f"127.77.{one}.{two}"
    with socket.create_server((address, port)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()
        yield address
        server.shutdown(socket.SHUT_RDWR)


def relay(engine: Engine, certificate: tuple[Path, Path] | None = None) -> Callable[[socket.socket], None]:
    """What serves a port with the engine: a connection to its socket for each. certificate: and its key, for TLS."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)

    def serve(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _address = server.accept()
                threading.Thread(target=_join, args=(client, context, engine.socket), daemon=True).start()

    return serve


def _join(connection: socket.socket, context: ssl.SSLContext | None, path: Path) -> None:
    """Pass on what either side sends, and the end of what the client sends, until the engine has said all."""
    with suppress(OSError), connection, socket.socket(socket.AF_UNIX) as engine:
        engine.connect(str(path))
        client = context.wrap_socket(connection, server_side=True) if context else connection
        watched: list[socket.socket] = [client, engine]
        while True:
            waiting = isinstance(client, ssl.SSLSocket) and client.pending()
            ready = [client] if waiting else select.select(watched, [], [])[0]
            if client in ready:
                data = client.recv(65536)
                if data:
                    engine.sendall(data)
                else:
                    engine.shutdown(socket.SHUT_WR)
                    watched.remove(client)
            if engine in ready:
                if not (data := engine.recv(65536)):
                    break
                client.sendall(data)
        if isinstance(client, ssl.SSLSocket):
            client.unwrap()
