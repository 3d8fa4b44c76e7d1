# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change with any release, so nothing outside may import it.

"""Whether a commit gives an image that is there already: by comparing both images, or by a proof without a commit."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.gantry.docker.plugins.module_utils._archive.layer_content import content_digests, newest_layers
from ansible_collections.gantry.docker.plugins.module_utils._container.containers import Commit, Container, Containers
from ansible_collections.gantry.docker.plugins.module_utils._engine.connection import Engine
from ansible_collections.gantry.docker.plugins.module_utils._engine.images import Image
from ansible_collections.gantry.docker.plugins.module_utils._errors import Unreadable
from ansible_collections.gantry.docker.plugins.module_utils._image.identity import effective_config
from ansible_collections.gantry.docker.plugins.module_utils._transfer.engine_archives import Transfers

_ENDED = ("created", "exited")
_HARMLESS = ("archive-path", "commit", "export", "rename")


def is_provable(container: Container, how: Commit) -> bool:
    """Return whether the result of a commit may be provable without it: see repeats()."""
    return container.read_only and container.status in _ENDED and not how.changes


def repeats(engine: Engine, container: Container, how: Commit, image: Image) -> bool:
    """Return whether it is proved that a commit would only give the image again.

    There is no proof for a container whose files can be written: docker diff and sizes miss a file that was edited
    again at the same size, and neither a container's times nor the engine's events show a copy into it that failed
    halfway. With a read-only root such a copy fails at once (daemon/archive_unix.go, containerExtractToDir), and
    processes can't write, unless somebody gives them more rights by docker exec --privileged. So it is proved if
    nothing has run in the container since the commit that made the image, as far as the engine remembers without a
    gap. There is no proof with instructions either: only the engine knows how they change the config.
    """
    config = effective_config(container.config)
    labels = {**(config.get("Labels") or {}), **how.labels}
    if effective_config({**config, "Labels": labels}) != effective_config(image.config):
        return False
    happened = Containers(engine).events(container)
    made = [number for number, event in enumerate(happened) if event.image_id == image.id and event.action == "commit"]
    return bool(made) and all(event.action in _HARMLESS for event in happened[made[-1] :])


def same(image: Image, other: Image) -> bool:
    """Return whether two images have the same content. Their times of creation and authors don't count."""
    return image.diff_ids == other.diff_ids and _same_but_newest_layer(image, other)


def alike(engine: Engine, trial: Image, others: Sequence[Image | None]) -> frozenset[str]:
    """Return the Ids of the images that differ from a trial only in the times of the newest layer's deletions.

    Only a containerd store has such images, and only if there are deletions (_archive/layer_content.py).
    """
    candidates = {image.id: image for image in others if image and _same_but_newest_layer(image, trial)}
    if not candidates or not engine.containerd_store:
        return frozenset()
    return frozenset(image_id for image_id in candidates if _same_content(engine, image_id, trial.id))


def _same_but_newest_layer(image: Image, other: Image) -> bool:
    """Return whether two images are the same except for the content of their newest layers."""
    return (
        len(image.diff_ids) == len(other.diff_ids)
        and image.diff_ids[:-1] == other.diff_ids[:-1]
        and image.platform == other.platform
        and effective_config(image.config) == effective_config(other.config)
    )


def _same_content(engine: Engine, image_id: str, other_id: str) -> bool:
    """Return whether the newest layers of two images have the same content; False if they can't be read."""
    try:
        layers = newest_layers(Transfers(engine).save((image_id, other_id)))
        digests = content_digests(Transfers(engine).save((image_id, other_id)), layers)
    except Unreadable:
        return False
    return len(digests) == len(layers) and len(set(digests.values())) == 1
