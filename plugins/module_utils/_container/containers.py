# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""The containers of an engine: their descriptions, and the calls that change them."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from functools import cached_property
from http import HTTPStatus
from typing import Any, NamedTuple

from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError, trying_to
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import ImageSummary
from ansible_collections.gantry.docker.plugins.module_utils._errors import InvalidInput
from ansible_collections.gantry.docker.plugins.module_utils._image.reference import (
    ImageName,
    Reference,
    begins_id,
    listed_name,
    may_mean_id,
    parse_image_name,
)
from ansible_collections.gantry.docker.plugins.module_utils._image.times import parse_time
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import Unexpected, lines, parsed
from ansible_collections.gantry.docker.plugins.module_utils._transport.client import NotFound, Refused, target
from ansible_collections.gantry.docker.plugins.module_utils._transport.shapes import (
    CHANGES,
    CONTAINER,
    CONTAINERS,
    EVENT,
    INFO,
    MADE,
    NETWORKS,
    PATH,
    PROCESSES,
)

# The engine finds a container by any beginning of its Id, and many names look like one: db, cafe.
_SHORTEST_ID = 12
# The number of links, one after the other, that Linux follows (path_resolution(7)).
_LINKS = 40


class _ContainerFields(NamedTuple):
    """The field of a container."""

    inspected: Mapping[str, Any]


class Container(_ContainerFields):
    """A container as the engine describes it. Each part of the description is parsed once.

    inspected: the engine's own description, for results.
    """

    @property
    def id(self) -> str:
        """The container's Id."""
        return str(self.inspected["Id"])

    @property
    def name(self) -> str:
        """The container's name, without the engine's leading slash."""
        return str(self.inspected["Name"]).lstrip("/")

    @property
    def image_id(self) -> str:
        """The Id of the image that the container was made from."""
        return str(self.inspected["Image"])

    @property
    def status(self) -> str:
        """The status: created, running, paused, restarting, removing, exited or dead."""
        return str(self.inspected["State"]["Status"])

    @property
    def running(self) -> bool:
        """Whether the main process lives (it does in a paused container)."""
        return bool(self.inspected["State"]["Running"])

    @property
    def read_only(self) -> bool:
        """Whether neither processes in the container nor copies into it can write its files, except in volumes.

        False if its processes have the right to mount, as they could make the files writable.
        """
        host: Mapping[str, Any] = self.inspected.get("HostConfig") or {}
        added = {str(name).upper().replace("CAP_", "") for name in host.get("CapAdd") or ()}
        return bool(host.get("ReadonlyRootfs")) and not host.get("Privileged") and not added & {"ALL", "SYS_ADMIN"}

    @property
    def config(self) -> Mapping[str, Any]:
        """The container's config: that of its image, with the container's own options on top."""
        config: Mapping[str, Any] = self.inspected["Config"]
        return config

    @property
    def image(self) -> str:
        """The text by which its image was named when it was made."""
        return str(self.config.get("Image") or "")

    @cached_property
    def image_name(self) -> ImageName | None:
        """The name or the Id by which its image was named when it was made; None for any other text."""
        try:
            return parse_image_name(self.image)
        except InvalidInput:
            return None

    def was_made_from(self, name: ImageName) -> bool:
        """Return whether the container was made from an image by this name, or from one whose Id begins with it."""
        return begins_id(name, self.image_id) or self.image_name == name


class ContainerSummary(NamedTuple):
    """A row of the engine's list of containers.

    image: the name of the image that was given when the container was made. state: as Container.status. mounts: the
    names of the mounted images that were given then.
    """

    id: str
    name: str
    image_id: str
    image: str
    state: str
    mounts: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"

    def mounted(self, images: Sequence[ImageSummary]) -> list[str]:
        """Return the Ids of the images that are mounted into the container.

        images: all that there are. The engine lists a mounted image by the name that was given for it.
        """
        found = []
        for mount in self.mounts:
            name = listed_name(mount)
            named = [image.id for image in images if name in (image.id, *image.tags, *image.digests)]
            found += named or [image.id for image in images if may_mean_id(mount, image.id)]
        return found

    @property
    def running(self) -> bool:
        """Whether the main process lives, or will soon live again."""
        return self.state in ("running", "paused", "restarting")


class ChangedPaths(NamedTuple):
    """The paths of the files in which a container differs from its image, each kind in order."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    deleted: tuple[str, ...]


class Event(NamedTuple):
    """An event of a container. image_id: for a commit, the Id of the image that it made; else ""."""

    action: str
    image_id: str


class Commit(NamedTuple):
    """The options of a commit.

    changes: instructions of a Dockerfile, as docker commit --change takes them; they come after the labels.
    pause: whether the container's processes are paused meanwhile.
    """

    author: str
    comment: str
    changes: tuple[str, ...]
    labels: Mapping[str, str]
    pause: bool


class Containers:
    """The engine's containers."""

    def __init__(self, engine: Engine) -> None:
        self._api = engine.api

    def find(self, name: str) -> Container | None:
        """Return the container of a name, an Id, or twelve or more first digits of an Id; None if there is none."""
        with trying_to(f"inspect the container {name}"):
            try:
                found = Container(self._inspect(name))
            except NotFound:
                return None
        is_id = len(name) >= _SHORTEST_ID and found.id.startswith(name)
        return found if name == found.name or is_id else None

    def _inspect(self, name: str) -> Mapping[str, Any]:
        described: Mapping[str, Any] = CONTAINER(self._api.get("/containers/{}/json", name))
        return described

    def all(self) -> tuple[ContainerSummary, ...]:
        """Return all containers, including those that don't run."""
        return self._listed({})

    def of_image(self, image_id: str) -> tuple[ContainerSummary, ...]:
        """Return the containers that were made from an image, including those that don't run."""
        # The engine's filter also finds the containers of images that were made from this one.
        return tuple(one for one in self._listed({"ancestor": [image_id]}) if one.image_id == image_id)

    def with_wanted_image(self, container: ContainerSummary) -> ContainerSummary:
        """Return the container with the name of its image that was given when the container was made.

        The list shows an Id in its place as soon as the name refers to another image (daemon/list.go).
        """
        if container.image != container.image_id:
            return container
        found = self.find(container.id)
        return container._replace(image=found.image) if found else container

    def starts(self, now: str) -> tuple[tuple[str, float], ...]:
        """Return the starts of containers that the engine remembers: the image's name, and seconds since 1970.

        The name is the one that was given when the container was made. now: the engine's time. The engine remembers the
        last 256 events of all kinds (daemon/events/events.go), and none from before its own start. So it remembers
        containers that are gone for a while.
        """
        filters = {"type": ["container"], "event": ["start"]}
        with trying_to("read the events"):
            return tuple(
                (event["Actor"]["Attributes"].get("image", ""), event["timeNano"] / 1e9)
                for event in self._events_until(now, filters)
            )

    def _events_until(self, now: str | None, filters: Mapping[str, Sequence[str]]) -> list[Mapping[str, Any]]:
        """Return the events that the engine remembers, as it describes them.

        now: the engine's time. Without an end the engine would wait for further events.
        """
        seconds, nanoseconds = parse_time(now) or (0, 0)
        until = f"{seconds}.{nanoseconds:09d}"
        answer = self._api.ask("GET", target("/events", since=1, until=until, filters=json.dumps(filters)))
        return [EVENT(event) for event in lines([answer.body])]

    def _listed(self, filters: Mapping[str, Sequence[str]]) -> tuple[ContainerSummary, ...]:
        with trying_to("list the containers"):
            rows = CONTAINERS(self._api.get("/containers/json", all=1, filters=json.dumps(filters)))
        return tuple(
            ContainerSummary(
                id=row["Id"],
                name=_own_name(row.get("Names") or ()) or row["Id"][:12],
                image_id=row["ImageID"],
                image=row["Image"],
                state=row["State"],
                mounts=_mounted(row.get("Mounts") or ()),
            )
            for row in rows
        )

    def create(self, name: str, config: Mapping[str, Any]) -> str:
        """Make a container; return its Id. config: the body of the API's call, POST /containers/create."""
        with trying_to(f"create the container {name}"):
            return str(MADE(self._api.ask("POST", target("/containers/create", name=name), config).value)["Id"])

    def networks(self) -> frozenset[str]:
        """Return the names of the networks that containers can be connected to."""
        with trying_to("list the networks"):
            return frozenset(str(row["Name"]) for row in NETWORKS(self._api.get("/networks")))

    def connect(self, name: str, network: str, how: Mapping[str, Any]) -> None:
        """Connect a container to a network. how: as the API takes it (EndpointSettings)."""
        task = f"connect the container {name} to the network {network}"
        with trying_to(task):
            body = {"Container": name, "EndpointConfig": how}
            self._api.ask("POST", target("/networks/{}/connect", network), body)

    def wait_until_healthy(self, name: str, seconds: int) -> None:
        """Wait until a container is healthy, as its health check reports.

        Raise EngineError if it is unhealthy, has no health check, ends, or takes more than these seconds.
        """
        deadline = time.monotonic() + seconds
        while (problem := self._ill(name)) is not None:
            if problem or time.monotonic() > deadline:
                raise EngineError(problem or f"The container {name} did not become healthy in {seconds} seconds.")
            time.sleep(0.1)

    def _ill(self, name: str) -> str | None:
        """Return the problem with a container's health; "" while it isn't known, None if the container is healthy."""
        with trying_to(f"inspect the container {name}"):
            state = self._inspect(name)["State"]
        health = state.get("Health") or {"Status": "none"}
        if not state["Running"]:
            return f"The container {name} ended with exit code {state.get('ExitCode')} before it became healthy."
        if health["Status"] == "none":
            return (
                f"The container {name} has no health check to wait for. Use state: started, or an image that has one."
            )
        if health["Status"] == "unhealthy":
            said = " ".join(str(health["Log"][-1].get("Output")).split())[:1000] if health.get("Log") else ""
            return f"The container {name} is unhealthy: its check says '{said}'. Read its log ('docker logs {name}')."
        return None if health["Status"] == "healthy" else ""

    def start(self, name: str) -> None:
        """Start a container."""
        with trying_to(f"start the container {name}"):
            self._api.ask("POST", target("/containers/{}/start", name))

    def stop(self, name: str, grace: int | None) -> None:
        """Stop a container by its stop signal, and by force after grace seconds (None: the container's, else 10)."""
        with trying_to(f"stop the container {name}"):
            # The engine sends nothing until the container has stopped.
            self._api.ask("POST", target("/containers/{}/stop", name, t=grace), patient=True)

    def rename(self, name: str, new_name: str) -> None:
        """Give a container another name."""
        with trying_to(f"rename the container {name} to {new_name}"):
            self._api.ask("POST", target("/containers/{}/rename", name, name=new_name))

    def remove(self, name: str) -> None:
        """Remove a container, running or not, and its anonymous volumes."""
        with trying_to(f"remove the container {name}"):
            self._api.ask("DELETE", target("/containers/{}", name, force=1, v=1))

    def remove_stopped(self, name: str) -> None:
        """Remove a container, but not its volumes, unless it is gone already. The engine refuses if it runs (409)."""
        with trying_to(f"remove the container {name}"), suppress(NotFound):
            self._api.ask("DELETE", target("/containers/{}", name))

    def changed_paths(self, container: Container) -> ChangedPaths:
        """Return the files that a container has added, changed and deleted (docker diff).

        The engine misses some changes, such as a file that was changed again without a change of its size. So what it
        lists has changed, but an empty list doesn't prove that nothing has.
        """
        with trying_to(f"list the changed files of the container {container.name}"):
            # A containerd store compares all files of the image, and sends nothing meanwhile.
            answer = self._api.ask("GET", target("/containers/{}/changes", container.id), patient=True)
            rows: Sequence[Mapping[str, Any]] = CHANGES(answer.value) or ()
        # api/types/container, ChangeType
        changed, added, deleted = (
            tuple(sorted(row["Path"] for row in rows if row["Kind"] == kind)) for kind in range(3)
        )
        return ChangedPaths(added, changed, deleted)

    def events(self, container: Container) -> tuple[Event, ...]:
        """Return the events of a container, the oldest first, as far as the engine remembers.

        It keeps the last 256 events of all objects since its own start (daemon/events/events.go): there is no gap
        between the oldest returned event and now.
        """
        with trying_to(f"read the events of the container {container.name}"):
            rows = self._events_until(INFO(self._api.get("/info")).get("SystemTime"), {"container": [container.id]})
        return tuple(Event(row["Action"], row["Actor"]["Attributes"].get("imageID") or "") for row in rows)

    def commit(self, container: Container, how: Commit, name: Reference) -> str:
        """Make an image from a container; return its Id. The image has the name as soon as it is there."""
        # api/server/router/container/container_routes.go, postCommit: one parameter for each change.
        path = target(
            "/commit",
            container=container.id,
            author=how.author,
            comment=how.comment,
            repo=name.name,
            tag=name.tag,
            pause=int(how.pause),
            changes=how.changes,
        )
        with trying_to(f"commit the container {container.name}"):
            # The labels go into the config, where they need no quotes. In an instruction they would.
            answer = self._api.ask("POST", path, {"Labels": how.labels}, patient=True)
            return str(MADE(answer.value)["Id"])

    def processes(self, name: str) -> list[dict[str, str]]:
        """Return a container's processes (docker top), each by the columns of ps -ef; none if it doesn't run."""
        with trying_to(f"list the processes of the container {name}"):
            try:
                table = PROCESSES(self._api.get("/containers/{}/top", name))
            except Refused as error:
                # The container may have ended since it was looked up, or may be waiting for a restart.
                if error.status != HTTPStatus.CONFLICT and self._runs(name):
                    raise
                return []
        return [dict(zip(table["Titles"], row)) for row in table.get("Processes") or ()]

    def _runs(self, name: str) -> bool:
        return bool(self._inspect(name)["State"]["Running"])

    def has_path(self, container: Container, path: str) -> bool:
        """Return whether there is an entry at a path in a container, running or not. This runs nothing in it.

        Mounts that were made inside the container, such as a tmpfs, can't be seen.
        """
        target: str | None = path
        with trying_to(f"look for {path} in the container {container.name}"):
            try:
                for _link in range(_LINKS):
                    target = self._link_target(container.id, str(target))
                    if not target:
                        return target is not None
            except Refused as error:
                # An entry on the way is not a directory, or a link that leads to itself.
                if not any(reason in error.message for reason in ("not a directory", "too many")):
                    raise
        return False

    def _link_target(self, container_id: str, path: str) -> str | None:
        """Return the target of the link at a path in a container; "" for any other entry, None if there is none."""
        where = target("/containers/{}/archive", container_id, path=path)
        try:
            headers = self._api.ask("HEAD", where).headers
        except NotFound:
            return None
        except Refused:
            # Only an answer that may have a body has the reason in it.
            with closing(self._api.stream("GET", where)) as answer:
                headers = answer.headers
        return str(PATH(_told(headers.get("x-docker-container-path-stat")))["linkTarget"])


def _told(header: str | None) -> Any:
    """Return the description of a path in a header: JSON as base64; raise Unexpected if it can't be read."""
    try:
        return parsed(base64.b64decode(header or ""))
    except binascii.Error as error:
        raise Unexpected("tells nothing of a path") from error


def _mounted(mounts: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the names of the images among a container's mounts, as they were given when it was made."""
    return tuple(str(mount["Name"]) for mount in mounts if mount.get("Type") == "image" and mount.get("Name"))


def _own_name(names: Sequence[str]) -> str:
    """Return the container's own name. Links give it further names, of the form /other/alias."""
    return next((name[1:] for name in names if name.count("/") == 1), "")
