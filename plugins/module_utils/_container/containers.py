# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Containers of an engine: what is there, and the calls that change it."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
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
    parse_image_name,
)
from ansible_collections.gantry.docker.plugins.module_utils._image.times import parse_time
from ansible_collections.gantry.docker.plugins.module_utils._transport.answers import Unexpected, lines, parsed
from ansible_collections.gantry.docker.plugins.module_utils._transport.http import NotFound, Refused, target
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

# The engine takes any beginning of an Id for a container, and many names look like one: db, cafe.
_SHORTEST_ID = 12
# As many links one after the other as Linux follows (path_resolution(7)).
_LINKS = 40


class Container(NamedTuple):
    """A container as the engine describes it.

    inspected: the engine's own description, for results.
    """

    inspected: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Its Id."""
        return str(self.inspected["Id"])

    @property
    def name(self) -> str:
        """Its name, without the engine's leading slash."""
        return str(self.inspected["Name"]).lstrip("/")

    @property
    def image_id(self) -> str:
        """The Id of the image that it was made from."""
        return str(self.inspected["Image"])

    @property
    def status(self) -> str:
        """created, running, paused, restarting, removing, exited or dead."""
        return str(self.inspected["State"]["Status"])

    @property
    def running(self) -> bool:
        """Whether its main process lives (a paused one's does)."""
        return bool(self.inspected["State"]["Running"])

    @property
    def read_only(self) -> bool:
        """Whether neither its processes nor copies into it can write its files, but for those in volumes.

        Processes with the right to mount could make them writable.
        """
        host: Mapping[str, Any] = self.inspected.get("HostConfig") or {}
        added = {str(name).upper().replace("CAP_", "") for name in host.get("CapAdd") or ()}
        return bool(host.get("ReadonlyRootfs")) and not host.get("Privileged") and not added & {"ALL", "SYS_ADMIN"}

    @property
    def config(self) -> Mapping[str, Any]:
        """What it was made from: the image's config and what was asked for on top."""
        config: Mapping[str, Any] = self.inspected["Config"]
        return config

    def was_made_from(self, name: ImageName) -> bool:
        """Return whether it was made from an image by this name, or from the one whose Id begins so."""
        if begins_id(name, self.image_id):
            return True
        try:
            return parse_image_name(str(self.config.get("Image") or "")) == name
        except InvalidInput:
            return False


class ContainerSummary(NamedTuple):
    """A row of the engine's list of containers.

    image: the image as the container's maker named it. state: as Container.status. mounts: the images that are mounted
    into it, as its maker named them.
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
        """The Ids of those of all images that are mounted into it: an engine names them as its maker did."""
        found = []
        for mount in self.mounts:
            name = listed_name(mount)
            named = [image.id for image in images if name in (image.id, *image.tags, *image.digests)]
            found += named or [image.id for image in images if image.id.startswith(f"sha256:{mount}")]
        return found

    @property
    def running(self) -> bool:
        """Whether its main process lives, or soon does again."""
        return self.state in ("running", "paused", "restarting")


class ChangedPaths(NamedTuple):
    """The paths in which a container's files differ from its image's, each in order."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    deleted: tuple[str, ...]


class Event(NamedTuple):
    """What happened to a container. image_id: of a commit the image that it made; else ""."""

    action: str
    image_id: str


class Commit(NamedTuple):
    """How to make an image from a container.

    changes: instructions of a Dockerfile, as docker commit --change takes them; they come after the labels.
    pause: whether the container's processes stand still meanwhile.
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
        """The container of a name, or of an Id, or of at least its first twelve digits; None if there is none."""
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
        """All containers, those that don't run included."""
        return self._listed({})

    def of_image(self, image_id: str) -> tuple[ContainerSummary, ...]:
        """The containers that were made of an image, those that don't run included."""
        # The engine's filter finds those of images made from it too.
        return tuple(one for one in self._listed({"ancestor": [image_id]}) if one.image_id == image_id)

    def with_wanted_image(self, container: ContainerSummary) -> ContainerSummary:
        """The container, with the image as its maker named it also where the list shows an Id in place of that.

        It does so as soon as the name means another image (daemon/list.go).
        """
        if container.image != container.image_id:
            return container
        found = self.find(container.id)
        return container._replace(image=str(found.config.get("Image") or "")) if found else container

    def starts(self, now: str) -> tuple[tuple[str, float], ...]:
        """The starts of containers that the engine remembers: the image as the maker named it, and when.

        now: the engine's time. It remembers the last 256 events of all kinds (daemon/events/events.go), and none
        from before it was started itself; so containers that are gone are remembered for a while.
        """
        filters = {"type": ["container"], "event": ["start"]}
        with trying_to("read the events"):
            return tuple(
                (event["Actor"]["Attributes"].get("image", ""), event["timeNano"] / 1e9)
                for event in self._events_until(now, filters)
            )

    def _events_until(self, now: str | None, filters: Mapping[str, Sequence[str]]) -> list[Mapping[str, Any]]:
        """The events that the engine remembers, as it tells them. now: its time, as it would wait for one to come."""
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
        """Make a container; its Id. config: the body of the API's call, POST /containers/create."""
        with trying_to(f"create the container {name}"):
            return str(MADE(self._api.ask("POST", target("/containers/create", name=name), config).value)["Id"])

    def networks(self) -> frozenset[str]:
        """The names of the networks that containers can be connected to."""
        with trying_to("list the networks"):
            return frozenset(str(row["Name"]) for row in NETWORKS(self._api.get("/networks")))

    def connect(self, name: str, network: str, how: Mapping[str, Any]) -> None:
        """Connect a container to a network. how: as the API takes it (EndpointSettings)."""
        task = f"connect the container {name} to the network {network}"
        with trying_to(task):
            body = {"Container": name, "EndpointConfig": how}
            self._api.ask("POST", target("/networks/{}/connect", network), body)

    def wait_until_healthy(self, name: str, seconds: int) -> None:
        """Wait until a container's health check says that it is well.

        Raises EngineError if it is not, has none, ends, or takes longer than so many seconds.
        """
        deadline = time.monotonic() + seconds
        while (problem := self._ill(name)) is not None:
            if problem or time.monotonic() > deadline:
                raise EngineError(problem or f"The container {name} did not become healthy in {seconds} seconds.")
            time.sleep(0.1)

    def _ill(self, name: str) -> str | None:
        """What is wrong with a container's health; nothing ("") as long as that is open, None if it is well."""
        with trying_to(f"inspect the container {name}"):
            state = self._inspect(name)["State"]
        health = state.get("Health") or {"Status": "none"}
        if not state["Running"]:
            return f"The container {name} ended with code {state.get('ExitCode')} before it became healthy."
        if health["Status"] == "none":
            return (
                f"The container {name} has no health check to wait for. Use state: started, or an image that has one."
            )
        if health["Status"] == "unhealthy":
            said = " ".join(str(health["Log"][-1].get("Output")).split())[:1000] if health.get("Log") else ""
            return (
                f"The container {name} is unhealthy: its check says '{said}'. Look into its log ('docker logs {name}')."
            )
        return None if health["Status"] == "healthy" else ""

    def start(self, name: str) -> None:
        """Start a container."""
        with trying_to(f"start the container {name}"):
            self._api.ask("POST", target("/containers/{}/start", name))

    def stop(self, name: str, grace: int | None) -> None:
        """Stop a container: by its stop signal, and by force after the seconds of grace (None: its own, else 10)."""
        with trying_to(f"stop the container {name}"):
            # Until it has stopped nothing is said.
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
        """Remove a container, but not its volumes; the engine refuses if it runs (409). One that is gone is fine."""
        with trying_to(f"remove the container {name}"), suppress(NotFound):
            self._api.ask("DELETE", target("/containers/{}", name))

    def changed_paths(self, container: Container) -> ChangedPaths:
        """What a container has made of its image's files (docker diff).

        It misses a file that was changed again without a change of its size, among others: it says
        what has changed, and never that nothing has.
        """
        with trying_to(f"list the changed files of the container {container.name}"):
            # A containerd store compares all files of the image, and says nothing meanwhile.
            answer = self._api.ask("GET", target("/containers/{}/changes", container.id), patient=True)
            rows: Sequence[Mapping[str, Any]] = CHANGES(answer.value) or ()
        # api/types/container, ChangeType
        changed, added, deleted = (
            tuple(sorted(row["Path"] for row in rows if row["Kind"] == kind)) for kind in range(3)
        )
        return ChangedPaths(added, changed, deleted)

    def events(self, container: Container) -> tuple[Event, ...]:
        """What happened to a container, the oldest first, as far as the engine remembers.

        It keeps the last 256 events of all objects since its own start (daemon/events/events.go): what is
        told reaches back without a gap.
        """
        with trying_to(f"read the events of the container {container.name}"):
            rows = self._events_until(INFO(self._api.get("/info")).get("SystemTime"), {"container": [container.id]})
        return tuple(Event(row["Action"], row["Actor"]["Attributes"].get("imageID") or "") for row in rows)

    def commit(self, container: Container, how: Commit, name: Reference) -> str:
        """Make an image from a container, which has the name as soon as it is there; its Id."""
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
            # The labels go in the config, where nothing in them has to be quoted as it would in an instruction.
            answer = self._api.ask("POST", path, {"Labels": how.labels}, patient=True)
            return str(MADE(answer.value)["Id"])

    def processes(self, name: str) -> list[dict[str, str]]:
        """The processes of a container (docker top), each by the columns of ps -ef; none if it doesn't run."""
        with trying_to(f"list the processes of the container {name}"):
            try:
                table = PROCESSES(self._api.get("/containers/{}/top", name))
            except Refused as error:
                # It may have ended since it was looked up, or wait to be restarted.
                if error.status != HTTPStatus.CONFLICT and self._runs(name):
                    raise
                return []
        return [dict(zip(table["Titles"], row)) for row in table.get("Processes") or ()]

    def _runs(self, name: str) -> bool:
        return bool(self._inspect(name)["State"]["Running"])

    def has_path(self, container: Container, path: str) -> bool:
        """Whether there is something at a path in a container, running or not. Nothing is run in it for that.

        What is mounted from inside, such as a tmpfs, can't be seen.
        """
        target: str | None = path
        with trying_to(f"look for {path} in the container {container.name}"):
            try:
                for _link in range(_LINKS):
                    target = self._link_target(container.id, str(target))
                    if not target:
                        return target is not None
            except Refused as error:
                # Something on the way is no directory, or a link that leads to itself.
                if not any(reason in error.message for reason in ("not a directory", "too many")):
                    raise
        return False

    def _link_target(self, container_id: str, path: str) -> str | None:
        """Where the link at a path in a container leads; nothing ("") if it is no link, None if nothing is there."""
        where = target("/containers/{}/archive", container_id, path=path)
        try:
            headers = self._api.ask("HEAD", where).headers
        except NotFound:
            return None
        except Refused:
            # Only an answer that may have a body says why.
            with closing(self._api.stream("GET", where)) as answer:
                headers = answer.headers
        return str(PATH(_told(headers.get("x-docker-container-path-stat")))["linkTarget"])


def _told(header: str | None) -> Any:
    """What a header tells of a path, as the API has it: JSON as base64."""
    try:
        return parsed(base64.b64decode(header or ""))
    except binascii.Error as error:
        raise Unexpected("tells nothing of a path") from error


def _mounted(mounts: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The images among what is mounted into a container, as its maker named them."""
    return tuple(str(mount["Name"]) for mount in mounts if mount.get("Type") == "image" and mount.get("Name"))


def _own_name(names: Sequence[str]) -> str:
    """The container's own name: links give it further ones, of the form /other/alias."""
    return next((name[1:] for name in names if name.count("/") == 1), "")
