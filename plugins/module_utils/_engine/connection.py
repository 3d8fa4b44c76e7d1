# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The engine that the connection options name, reached through the SDK."""

from __future__ import annotations

import os
import queue
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from copy import copy
from functools import cached_property
from typing import Any, Callable, TypeVar, cast

from ansible_collections.gantry.docker.plugins.module_utils._engine import threads
from ansible_collections.gantry.docker.plugins.module_utils._engine.client import Client
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError, causes, trying_to
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image, Images, ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils._engine.local import LocalClient
from ansible_collections.gantry.docker.plugins.module_utils._engine.sdk import (
    docker,
    requests,
    require_sdk,
    sdk_config,
    urllib3,
)
from ansible_collections.gantry.docker.plugins.module_utils._errors import GantryError, InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.platform import Platform, platform_of
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import ImageName
from ansible_collections.gantry.docker.plugins.module_utils._transport.address import (
    TlsFailed,
    place,
    read_headers,
    resolve,
    wants_tls,
    way_out,
)
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import Unexpected, api_version
from ansible_collections.gantry.docker.plugins.module_utils._transport.shapes import INFO

Item = TypeVar("Item")
Result = TypeVar("Result")

# Connections to ask on at the same time. Over ssh each costs a login, and a server refuses some when ten come at once
# (sshd_config, MaxStartups): there are few, and one for so many questions.
_AT_A_TIME = 16
_SSH_AT_A_TIME, _WORTH_A_LOGIN = 4, 16


class Engine:
    """One engine: its images, and what it is.

    api: the SDK's client, and options: what it was made by; both for the engine's room alone.
    """

    def __init__(self, api: Any, again: Callable[[], Engine], options: Mapping[str, Any]) -> None:
        self.api, self.options, self._again = api, options, again
        self.images = Images(api)

    @cached_property
    def info(self) -> Mapping[str, Any]:
        """What the engine says of itself (docker info)."""
        with trying_to("ask the engine what it is"):
            info: Mapping[str, Any] = INFO(self.api.info())
            return info

    @property
    def version(self) -> tuple[int, ...]:
        """The engine's version as numbers; (28, 5, 2)."""
        digits = str(self.info.get("ServerVersion", "")).split("+", maxsplit=1)[0].split("-", maxsplit=1)[0].split(".")
        return tuple(int(part) for part in digits if part.isdigit())

    @property
    def platform(self) -> Platform:
        """What it runs, and pulls unless told otherwise."""
        return platform_of({"Os": self.info.get("OSType"), "Architecture": self.info.get("Architecture")})

    @property
    def containerd_store(self) -> bool:
        """Whether images lie in containerd's store, where Ids are digests of manifests."""
        # daemon/containerd/service.go, LayerStoreStatus
        return ["driver-type", "io.containerd.snapshotter.v1"] in (self.info.get("DriverStatus") or [])

    def each(
        self, work: Callable[[Engine, Item], Result], items: Sequence[Item], at_once: int
    ) -> list[Result | GantryError]:
        """Do the same work for each item, so many at a time; the results in the items' order.

        work: gets a connection to this engine that nobody else uses meanwhile (the SDK's clients aren't made for
        several threads), and the item. A GantryError that it raises is that item's result, and the others go on.
        """
        workers = min(at_once, len(items))
        idle: queue.SimpleQueue[Engine] = queue.SimpleQueue()
        # Those that are still at it when a signal ends the task keep their connection, and this engine gets a new one.
        idle.put(copy(self) if workers > 1 else self)

        def one(item: Item) -> Result | GantryError:
            engine = idle.get()
            try:
                return work(engine, item)
            except GantryError as error:
                return error
            finally:
                idle.put(engine)

        if workers <= 1:
            return [one(item) for item in items]
        with ExitStack() as open_ones:
            for _further in range(workers - 1):
                idle.put(open_ones.enter_context(closing(self._again())))
            try:
                return _on_threads(one, items, workers)
            except BaseException:
                with suppress(GantryError):
                    fresh = self._again()
                    self.api, self.images = fresh.api, fresh.images
                raise

    def ask_all(self, ask: Callable[[Engine, Item], Result], items: Iterable[Item]) -> dict[Item, Result]:
        """What the engine is asked for each item, by it; each item once. Raises the first item's error.

        Several are asked for at a time: containerd stores take up to 20 ms for each.
        """
        wanted = tuple(dict.fromkeys(items))
        at_once = _AT_A_TIME
        if str(self.options["docker_host"]).startswith("ssh:"):
            at_once = min(_SSH_AT_A_TIME, 1 + len(wanted) // _WORTH_A_LOGIN)
        return dict(zip(wanted, _without_errors(self.each(ask, wanted, at_once))))

    def both(self, one: Callable[[Engine], Item], other: Callable[[Engine], Result]) -> tuple[Item, Result]:
        """Do two pieces of work at the same time, and wait for both. Raises the first one's error.

        They get connections as each() gives them, which are for the time of this work only.
        """
        works: Sequence[Callable[[Engine], Any]] = (one, other)
        first, second = _without_errors(self.each(lambda engine, work: work(engine), works, 2))
        return first, second

    def find_all(self, names: Iterable[str]) -> dict[str, Image]:
        """The images of references or Ids, by these; those that name none are left out."""
        return _there(self.ask_all(lambda engine, name: engine.images.find(name), names))

    def find_listed(self, rows: Iterable[ImageSummary]) -> dict[str, Image]:
        """The images of rows of the list, by their Ids; those that are gone are left out."""
        listed = {row.id: row for row in rows}
        return _there(self.ask_all(lambda engine, image_id: engine.images.find_listed(listed[image_id]), listed))

    def meant_all(self, names: Iterable[ImageName]) -> dict[ImageName, Image]:
        """The images that the user means by names, as Images.meant() has it, by these; not those that mean none."""
        return _there(self.ask_all(lambda engine, name: engine.images.meant(name), names))

    @property
    def doubts(self) -> tuple[str, ...]:
        """What the user should know of how the engine was found, as sentences."""
        doubts: tuple[str, ...] = self.options["doubts"]
        return doubts

    @property
    def now(self) -> str:
        """The time by the engine's clock when it was asked what it is, as RFC 3339."""
        return str(self.info.get("SystemTime") or "")

    def close(self) -> None:
        """Let go of the connections."""
        self.api.close()


def _on_threads(work: Callable[[Item], Result], items: Sequence[Item], workers: int) -> list[Result]:
    """The results of work for each item, in the items' order, by so many threads at a time.

    These are daemons, unlike those of concurrent.futures, and their end isn't waited for when a signal ends the task:
    they may wait for answers that never come. Raises the first item's error, once all are done.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    outcomes: queue.SimpleQueue[tuple[int, Result | None, BaseException | None]] = queue.SimpleQueue()

    def serve() -> None:
        while not waiting.empty():
            with suppress(queue.Empty):
                number = waiting.get_nowait()
                try:
                    outcomes.put((number, work(items[number]), None))
                except BaseException as error:  # pylint: disable=broad-exception-caught
                    outcomes.put((number, None, error))

    for number in range(len(items)):
        waiting.put(number)
    for _worker in range(workers):
        threads.start(serve)
    ended = sorted((outcomes.get() for _item in items), key=lambda outcome: outcome[0])
    for _number, _result, error in ended:
        if error is not None:
            raise error
    return [cast("Result", result) for _number, result, _error in ended]


def _without_errors(results: Iterable[Result | GantryError]) -> Iterator[Result]:
    """The results; raises the first one that is an error."""
    for result in results:
        if isinstance(result, GantryError):
            raise result
        yield result


def _there(found: Mapping[Item, Image | None]) -> dict[Item, Image]:
    return {name: image for name, image in found.items() if image}


def connect(params: Mapping[str, Any]) -> Engine:
    """Connect to the engine that the connection options or the environment name.

    Raises InvalidInput for options that can't be, EngineError if no engine answers.
    """
    require_sdk()
    return _open(resolve(params, os.environ))


def _open(options: Mapping[str, Any]) -> Engine:
    version = options["api_version"]
    known = docker.constants.MINIMUM_DOCKER_API_VERSION if version == "auto" else version
    try:
        with ExitStack() as undo:
            with _headers_alone():
                api = _client(options, known)
            undo.callback(api.close)
            if version == "auto":
                _negotiate(api)
            undo.pop_all()
    except Unexpected as error:
        raise EngineError(
            f"Can't reach a Docker engine at {place(options)}. What answers there is no Docker engine, or something is "
            f"between: the answer {error}. Correct docker_host."
        ) from error
    except docker.errors.TLSParameterError as error:
        raise InvalidInput(f"The options for TLS don't fit: {error}") from error
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError, ValueError) as error:
        raise _unreachable(options, error) from error
    # The version is known by now, and needn't be asked again.
    settled = {**options, "api_version": api.api_version}
    return Engine(api, lambda: _open(settled), settled)


@contextmanager
def _headers_alone() -> Iterator[None]:
    """Let the SDK know no more of the CLI's configuration than the headers for engines.

    It would read the logins for registries too, and refuses to work for one that it can't read: the room registry reads
    those that a task needs (_registry/credentials.py).
    """
    config: Any = sdk_config
    load, headers = config.load_general_config, read_headers(os.environ)
    # Nothing at all would make it read the file again.
    config.load_general_config = lambda: {"auths": {}, **({"HttpHeaders": headers} if headers else {})}
    try:
        yield
    finally:
        config.load_general_config = load


def _client(options: Mapping[str, Any], version: str) -> Any:
    """The SDK's client, as the way to the engine needs it. version: of the API."""
    host = options["docker_host"]
    if host.startswith("ssh:"):
        from ansible_collections.gantry.docker.plugins.module_utils._engine.ssh_client import SshClient

        return SshClient(options, version)
    make: Callable[..., Any] = LocalClient if host.startswith("unix:") else Client
    return make(base_url=host, version=version, timeout=options["timeout"], tls=_tls(options) or False)


def _negotiate(api: Any) -> None:
    """Let a client speak the newest version that the engine knows.

    The SDK asks for all of the engine's versions, which engines take some milliseconds to gather.
    """
    answer = api._get(api._url("/_ping", versioned_api=False))
    api._raise_for_status(answer)
    api._version = api_version(answer.headers.get("Api-Version"))


def _tls(options: Mapping[str, Any]) -> Any | None:
    if not wants_tls(options):
        return None
    config = docker.tls.TLSConfig(
        client_cert=(options["client_cert"], options["client_key"]) if options["client_cert"] else None,
        ca_cert=options["ca_path"],
        verify=options["validate_certs"],
    )
    return _held_to(config, options["tls_hostname"])


def _held_to(config: Any, hostname: str | None) -> Any:
    """The TLS config, made to do two things that the SDK does not.

    The name that is expected in the engine's certificate may be another one than in its address; and what was
    asked for holds where REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE is set, which requests would follow instead.
    """
    configure = config.configure_client

    def configure_client(client: Any) -> None:
        configure(client)
        merge = client.merge_environment_settings

        def merge_settings(url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
            return merge(url, proxies, stream, client.verify if verify is None else verify, cert)

        client.merge_environment_settings = merge_settings
        if hostname:
            adapter = requests.adapters.HTTPAdapter()
            size = requests.adapters.DEFAULT_POOLSIZE
            adapter.init_poolmanager(size, size, assert_hostname=hostname)
            client.mount("https://", adapter)

    config.configure_client = configure_client
    return config


def _unreachable(options: Mapping[str, Any], error: BaseException) -> EngineError:
    """The error for an engine that doesn't answer, with the way out for the usual reasons."""
    host = place(options)
    ways = (way_out(_plainly(cause), host, options["timeout"]) for cause in causes(error))
    said = f"It failed: {str(error).strip().rstrip('.')}. Check docker_host and api_version."
    advice = next((way for way in ways if way), said)
    return EngineError(" ".join([f"Can't reach a Docker engine at {host}.", advice, *options["doubts"]]))


def _plainly(cause: BaseException) -> BaseException:
    """A library's own error as Python's error of the same meaning."""
    if isinstance(cause, (ssl.SSLError, urllib3.exceptions.SSLError)):
        return TlsFailed(str(cause))
    return socket.timeout() if isinstance(cause, requests.exceptions.Timeout) else cause
