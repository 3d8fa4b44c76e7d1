# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Changes to one container: the steps, and how they are taken. A step that fails leaves the state before it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple, Union

from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Containers
from ansible_collections.gantry.docker.plugins.module_utils._container.options import body_of, endpoint
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.errors import EngineError
from ansible_collections.gantry.docker.plugins.module_utils._plan import Skipped

# The ending of a container's name while its successor gets that name.
FORMER = ".gantry-former"


class Make(NamedTuple):
    """Make the container, and start it if it is to run.

    image: its name or Id. patience: seconds to wait for the container to become healthy; None not to wait. keep:
    whether a container that was made under this name meanwhile stays.
    """

    name: str
    image: str
    options: Mapping[str, Any]
    start: bool
    patience: int | None
    keep: bool

    @property
    def sentence(self) -> str:
        """The step as a sentence."""
        return f"{'Started' if self.start else 'Made'} container {self.name} from {self.image}"


class Start(NamedTuple):
    """Start the container, which is as wanted but doesn't run."""

    name: str
    patience: int | None

    @property
    def sentence(self) -> str:
        """The step as a sentence."""
        return f"Started container {self.name}, which was there"


class Await(NamedTuple):
    """Wait for the container, which runs, to become healthy. That changes nothing."""

    name: str
    patience: int


class Stop(NamedTuple):
    """Stop the container."""

    name: str
    stop_timeout: int | None

    @property
    def sentence(self) -> str:
        """The step as a sentence."""
        return f"Stopped container {self.name}"


class Replace(NamedTuple):
    """Replace the container by a new one, as it differs in some options.

    make: the step for the new one. image_id: the image of the old one. differing: the names of the options.
    """

    make: Make
    image_id: str
    differing: tuple[str, ...]
    was_running: bool
    stop_timeout: int | None

    @property
    def sentence(self) -> str:
        """The step as a sentence."""
        return f"Replaced container {self.make.name}, as it differed in {', '.join(self.differing)}"


class Remove(NamedTuple):
    """Stop the container if it runs, and remove it."""

    name: str
    running: bool
    stop_timeout: int | None

    @property
    def sentence(self) -> str:
        """The step as a sentence."""
        return f"Removed container {self.name}"


Change = Union[Make, Start, Await, Stop, Replace, Remove]


def carry_out(engine: Engine, step: Change) -> None:
    """Take one step; if it fails, restore the state before it."""
    containers = Containers(engine)
    if isinstance(step, Make):
        _make(containers, step)
    elif isinstance(step, Start):
        containers.start(step.name)
        _await(containers, step)
    elif isinstance(step, Await):
        _await(containers, step)
    elif isinstance(step, Stop):
        containers.stop(step.name, step.stop_timeout)
    elif isinstance(step, Replace):
        _replace(engine, step)
    else:
        if step.running:
            containers.stop(step.name, step.stop_timeout)
        containers.remove(step.name)


def _make(containers: Containers, step: Make) -> None:
    """Make a container; raise Skipped if one was made under its name meanwhile, and stays."""
    networks = step.options.get("networks", {})
    try:
        containers.create(step.name, {"Image": step.image, **body_of(step.options)})
    except EngineError as error:
        if step.keep and error.status == HTTPStatus.CONFLICT:
            _appears(containers, step.name)
            raise Skipped(f"{step.name} stays, as it was made meanwhile") from error
        raise
    try:
        for network in list(networks)[1:]:
            containers.connect(step.name, network, endpoint(networks[network]))
        if step.start:
            containers.start(step.name)
            _await(containers, step)
    except BaseException:  # a signal too
        containers.remove(step.name)
        raise


def _appears(containers: Containers, name: str) -> None:
    """Wait a moment until a container that another task is making can be found.

    An engine reserves a name before the container can be found by it (daemon/create.go).
    """
    for _attempt in range(20):
        if containers.find(name):
            return
        time.sleep(0.1)


def _await(containers: Containers, step: Make | Start | Await) -> None:
    """Wait for a container to become healthy, if the step asks for that."""
    if step.patience is not None:
        containers.wait_until_healthy(step.name, step.patience)


def _replace(engine: Engine, step: Replace) -> None:
    """Replace a container by a new one; raise Skipped if it is made from the right image already."""
    containers = Containers(engine)
    name, former = step.make.name, step.make.name + FORMER
    if step.differing == ("image",):
        # A pull may have brought the image that was here already.
        image = engine.images.find(step.make.image)
        if image and image.id == step.image_id:
            raise Skipped(f"{name} stays, as it is made from {step.make.image} already")
    containers.rename(name, former)
    try:
        if step.was_running:
            containers.stop(former, step.stop_timeout)
        _make(containers, step.make)
    except BaseException:  # a signal too
        containers.rename(former, name)
        if step.was_running:
            containers.start(name)
        raise
    containers.remove(former)
