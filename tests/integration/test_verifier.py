# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verifiers before pulls, loads and containers: shell scripts, and the real cosign with a real registry."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration.conftest import Module, says
from ansible_collections.gantry.docker.tests.integration.cosign import cosign
from ansible_collections.gantry.docker.tests.integration.registries import Registry, multi_platform
from ansible_collections.gantry.docker.tests.integration.scenes import child, id_of, save, state
from ansible_collections.gantry.docker.tests.support import archives, playbooks
from ansible_collections.gantry.docker.tests.support.programs import write_program
from ansible_collections.gantry.docker.tests.support.waiting import wait_for

REGISTRY = "127.0.0.1:5001"
BUSYBOX = "docker.io/library/busybox:latest"
Modules = Callable[[str], Module]


class Script:
    """A verifier that is a shell script, and notes what it is asked. $1 is the name, $2 the digest."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.options: dict[str, Any] = {"verifier": [str(place / "verifier"), "{name}", "{digest}"]}
        self.decide("exit 0")

    def decide(self, script: str) -> None:
        """Let it decide by a script, and forget what it was asked."""
        (self._place / "asked").write_text("")
        write_program(self._place / "verifier", f'echo "$1 $2" >> {self._place}/asked\n{script}')

    @property
    def asked(self) -> list[tuple[str, ...]]:
        """The names and digests that it was asked about."""
        return [tuple(line.split(" ")) for line in (self._place / "asked").read_text().splitlines()]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """A verifier that accepts everything."""
    return Script(tmp_path)


def digest_of(client: docker.DockerClient, name: str) -> str:
    """Return the digest by which a registry knows an image of the engine."""
    return str(client.images.get(name).attrs["RepoDigests"][0].partition("@")[2])


def tags(client: docker.DockerClient) -> set[str]:
    """Return the tags of all images. An engine may list a digest by which an image was pulled beside these."""
    return {tag for image in client.images.list() for tag in image.tags if "@" not in tag}


def pushed(client: docker.DockerClient, name: str) -> str:
    """Push a new image that the engine doesn't keep; return its digest."""
    child(client, "busybox", name)
    assert "error" not in client.images.push(name)
    digest = digest_of(client, name)
    client.api.remove_image(name)
    return digest


def test_an_accepted_image_is_as_one_that_was_pulled_without_a_verifier(
    modules: Modules, busybox: docker.DockerClient, script: Script
) -> None:
    digest, before = digest_of(busybox, "busybox"), state(busybox)
    busybox.api.remove_image("busybox")
    done = modules("image_pull").converges(name="busybox", **script.options)
    assert script.asked == [(BUSYBOX, digest)] * 3, "it is asked in check mode too, and not about what is here"
    assert done["accepted"] == [{"name": BUSYBOX, "digest": digest}]
    assert done["pulled"] == [{"name": "busybox:latest", "before": None, "after": digest}]
    assert state(busybox) == before
    busybox.api.remove_image("busybox")
    assert busybox.images.list(all=True) == []


@pytest.mark.parametrize("check", [True, False])
def test_a_refused_image_is_not_pulled_and_the_others_are(
    modules: Modules, clean: docker.DockerClient, script: Script, check: bool
) -> None:
    script.decide("case $1 in *busybox*) echo 'no signature \033[2J' >&2; exit 10;; esac")
    result = modules("image_pull")(check=check, names=["busybox", "debian:12"], **script.options)
    assert result["failed"]
    digest = next(digest for name, digest in script.asked if name == BUSYBOX)
    says(result["msg"], f"refuses {BUSYBOX}@{digest}", "exit code 10", "no signature \\x1b[2J")
    assert result["actions"] == ["Pulled image debian:12"]
    assert [image["name"] for image in result["accepted"]] == ["docker.io/library/debian:12"]
    assert tags(clean) == (set() if check else {"debian:12"})


def test_a_tag_that_moves_meanwhile_brings_the_accepted_image(
    modules: Modules, engine: Engine, busybox: docker.DockerClient, script: Script, tmp_path: Path
) -> None:
    name, registry = f"{REGISTRY}/moving:1", Registry(engine, REGISTRY)
    accepted, other = pushed(busybox, name), pushed(busybox, f"{REGISTRY}/moving:2")
    assert accepted != other

    def move() -> None:
        wait_for((tmp_path / "asked").read_text)
        registry.put("moving", "1", registry.manifest("moving", "2"))
        (tmp_path / "moved").touch()

    script.decide(f"while [ ! -e {tmp_path}/moved ]; do sleep 0.1; done")
    mover = threading.Thread(target=move)
    mover.start()
    done = modules("image_pull").ok(name=name, **script.options)
    mover.join()
    assert registry.digest("moving", "1") != accepted
    assert done["pulled"][0]["after"] == digest_of(busybox, name) == accepted
    assert tags(busybox) == {"busybox:latest", name}


def test_a_tag_that_has_moved_is_asked_about(
    modules: Modules, engine: Engine, busybox: docker.DockerClient, script: Script
) -> None:
    name, registry, pull = f"{REGISTRY}/moving:1", Registry(engine, REGISTRY), modules("image_pull")
    former = pushed(busybox, name)
    pull.converges(name=name, **script.options)
    former_id = id_of(busybox, name)
    pushed(busybox, f"{REGISTRY}/moving:2")
    moved = registry.put("moving", "1", registry.manifest("moving", "2"))
    script.decide("exit 1")
    pull.unchanged(name=name, **script.options)
    assert script.asked == []
    says(pull.fails(name=name, policy="newer", **script.options), f"{name}@{moved}")
    assert id_of(busybox, name) == former_id
    script.decide("exit 0")
    done = pull.converges(name=name, policy="newer", **script.options)
    assert done["diff"] == {"before": {name: former}, "after": {name: moved}}
    # An image that was pulled by its digest keeps this name, in either store.
    assert state(busybox)[former_id] == [f"{REGISTRY}/moving@{former}"]
    modules("image_remove").converges(name=name)
    assert id_of(busybox, f"{REGISTRY}/moving@{former}") == former_id


def test_what_is_pulled_always_is_asked_about_always(
    modules: Modules, busybox: docker.DockerClient, script: Script
) -> None:
    pull = modules("image_pull")
    assert not pull.ok(name="busybox", policy="always", **script.options)["changed"]
    script.decide("exit 1")
    says(pull.fails(name="busybox", policy="always", **script.options), BUSYBOX)
    pull.unchanged(name="busybox", policy="newer", **script.options)


def test_an_image_that_is_named_by_its_digest_is_asked_about_by_that(
    modules: Modules, busybox: docker.DockerClient, script: Script
) -> None:
    digest = digest_of(busybox, "busybox")
    busybox.api.remove_image("busybox")
    modules("image_pull").converges(names=[f"busybox@{digest}", f"busybox:1@{digest}"], **script.options)
    assert set(script.asked) == {("docker.io/library/busybox", digest), ("docker.io/library/busybox:1", digest)}


def test_each_platform_of_an_accepted_index_can_be_pulled(
    modules: Modules, engine: Engine, busybox: docker.DockerClient, script: Script
) -> None:
    name, pull = multi_platform(engine, busybox, REGISTRY), modules("image_pull")
    digest = Registry(engine, REGISTRY).digest("multi", "1")
    for platform in ("arm64", "amd64"):
        if engine.store == "classic" and platform == "amd64":
            for check in (True, False):
                message = pull.fails(check=check, name=name, platform=platform, policy="newer", **script.options)
                says(message, name, str(digest), "has this one for linux/arm64", "Remove")
            modules("image_remove").ok(name=name)
        done = pull.converges(name=name, platform=platform, policy="newer", **script.options)
        assert done["image"]["Architecture"] == platform
    assert set(script.asked) == {(name, digest)}


@pytest.mark.parametrize("check", [True, False])
def test_without_its_verifier_nothing_comes(modules: Modules, clean: docker.DockerClient, check: bool) -> None:
    options = {"verifier": ["no-such-verifier", "{digest}"]}
    message = modules("image_pull").fails(check=check, names=["busybox", "debian:12"], **options)
    says(message, "no-such-verifier", "can't be run on this host")
    assert clean.images.list(all=True) == []


def test_a_container_is_made_only_from_an_accepted_image(
    modules: Modules, clean: docker.DockerClient, script: Script
) -> None:
    wanted: dict[str, Any] = {
        "name": "box",
        "image": "busybox",
        "command": ["tail", "-f", "/dev/null"],
        "stop_timeout": 0,
    }
    run = modules("container_run")
    script.decide("exit 1")
    for check in (True, False):
        says(run.fails(check=check, **wanted, **script.options), BUSYBOX, "exit code 1")
    assert clean.images.list(all=True) == []
    script.decide("exit 0")
    done = run.converges(**wanted, **script.options)
    digest = digest_of(clean, "busybox")
    assert done["accepted"] == [{"name": BUSYBOX, "digest": digest}]
    assert done["actions"] == ["Pulled image busybox:latest", "Started container box from busybox:latest"]
    script.decide("exit 1")
    run.unchanged(**wanted, **script.options)
    assert script.asked == []
    message = run.fails(**wanted, hostname="other", **script.options)
    says(message, f"{BUSYBOX}@{digest}")
    assert clean.containers.get("box").attrs["Config"]["Hostname"] != "other"


def test_an_image_that_never_came_from_a_registry_is_asked_about_by_its_id(
    modules: Modules, busybox: docker.DockerClient, script: Script
) -> None:
    made = child(busybox, "busybox", "made:1")
    for image, name in (("made:1", "docker.io/library/made:1"), (made, "")):
        script.decide("exit 0")
        modules("container_run").converges(name=f"box{len(name)}", image=image, state="present", **script.options)
        assert set(script.asked) == {(name, made)}


@pytest.mark.parametrize("form", ["legacy", "oci", "both"])
def test_nothing_of_an_archive_is_loaded_if_one_image_is_refused(
    modules: Modules, busybox: docker.DockerClient, script: Script, tmp_path: Path, form: str
) -> None:
    one, other = (
        archives.Image((archives.layer(name),), tags=(f"{name}:1",), architecture=_architecture(busybox))
        for name in ("one", "other")
    )
    entries = {"legacy": archives.legacy, "oci": archives.oci, "both": archives.both}[form](one, other)
    path = tmp_path / "images.tar"
    path.write_bytes(archives.tar(entries))
    before = state(busybox)
    load = modules("image_load")
    script.decide("case $1 in *other*) echo no >&2; exit 1;; esac")
    for check in (True, False):
        message = load.fails(check=check, path=str(path), **script.options)
        says(message, f"Nothing is loaded from {path}", "docker.io/library/other:1@sha256:", "said: no.")
        assert "one:1" not in message
    assert state(busybox) == before
    done = load.converges(path=str(path), name="one:1", **script.options)
    digest = one.config_digest if form == "legacy" else archives.digest(archives.manifest(one))
    assert done["accepted"] == [{"name": "docker.io/library/one:1", "digest": digest}]
    script.decide("exit 1")
    load.unchanged(path=str(path), name="one:1", **script.options)
    assert script.asked == []


def _architecture(client: docker.DockerClient) -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}[client.info()["Architecture"]]


def test_the_role_images_passes_it_on(
    modules: Modules, engine: Engine, busybox: docker.DockerClient, script: Script, tmp_path: Path
) -> None:
    archive = save(busybox, tmp_path / "busybox.tar", "busybox:latest")
    busybox.api.remove_image("busybox")
    declared = {
        "images_present": [{"names": ["debian:12"]}],
        "images_archives": [{"path": str(archive)}, {"path": str(archive), "from": "controller"}],
        "images_verifier": script.options["verifier"],
    }
    role = {"ansible.builtin.include_role": {"name": "gantry.docker.images"}, "vars": declared}
    playbooks.write(tmp_path, [{"hosts": "all", "gather_facts": False, "tasks": [role]}], {"here": playbooks.LOCAL})
    script.decide("exit 1")
    for options in (["--check"], []):
        done = playbooks.run(tmp_path, *options, DOCKER_HOST=engine.docker_host)
        assert done.returncode and "refuses docker.io/library/debian:12@sha256:" in done.stdout, done.stdout
        assert "refuses docker.io/library/busybox:latest@sha256:" in done.stdout
    assert len(script.asked) == 6
    assert busybox.images.list(all=True) == []
    script.decide("exit 0")
    done = playbooks.run(tmp_path, DOCKER_HOST=engine.docker_host)
    assert not done.returncode, done.stdout
    assert tags(busybox) == {"busybox:latest", "debian:12"}


@pytest.mark.one_engine
def test_it_runs_on_the_controller_if_the_task_is_delegated(
    engine: Engine, clean: docker.DockerClient, script: Script, tmp_path: Path
) -> None:
    wanted = {"name": "busybox", "docker_host": "{{ engine }}", **script.options}
    task = {"gantry.docker.image_pull": wanted, "delegate_to": "localhost", "vars": playbooks.LOCAL}
    far = {"far": {"engine": engine.docker_host, "ansible_host": "192.0.2.1"}}
    playbooks.write(tmp_path, [{"hosts": "all", "gather_facts": False, "tasks": [task]}], far)
    done = playbooks.run(tmp_path)
    assert not done.returncode, done.stdout
    assert script.asked == [(BUSYBOX, digest_of(clean, "busybox"))]


class Signed:
    """A repository of a registry, with keys and the tool that signs."""

    def __init__(self, engine: Engine, place: Path) -> None:
        self._place = place
        self._program = cosign(engine, place)
        for name in ("ours", "theirs"):
            self("generate-key-pair", "--output-key-prefix", name)

    def __call__(self, *words: str) -> None:
        """Run cosign, which must succeed."""
        done = subprocess.run([self._program, *words], cwd=self._place, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr

    def sign(self, name: str, key: str = "ours") -> None:
        """Sign the image that a registry has of a name."""
        offline = ["--yes", "--use-signing-config=false", "--tlog-upload=false"]
        self("sign", "--key", f"{key}.key", *offline, name)

    @property
    def options(self) -> dict[str, Any]:
        """The options of a task that wants our signature."""
        ours = ["--key", f"{self._place}/ours.pub", "--insecure-ignore-tlog=true"]
        return {"verifier": [self._program, "verify", *ours, "{name}@{digest}"]}


@pytest.fixture
def signed(engine: Engine, busybox: docker.DockerClient, tmp_path: Path) -> Signed:
    """The tool that signs."""
    Registry(engine, REGISTRY).empty()
    return Signed(engine, tmp_path)


def test_cosign_decides(modules: Modules, engine: Engine, busybox: docker.DockerClient, signed: Signed) -> None:
    names = [f"{REGISTRY}/shop:{tag}" for tag in ("ours", "theirs", "unsigned")]
    ours, theirs, unsigned = (f"{name}@{pushed(busybox, name)}" for name in names)
    signed.sign(ours)
    signed.sign(theirs, "theirs")
    pull = modules("image_pull")
    foreseen, done = pull(check=True, names=names, **signed.options), pull(names=names, **signed.options)
    assert foreseen["msg"] == done["msg"]
    says(done["msg"], f"refuses {theirs}", "could not verify", f"refuses {unsigned}", "no signatures found")
    assert ours not in done["msg"] and done["actions"] == foreseen["actions"] == [f"Pulled image {names[0]}"]
    assert tags(busybox) == {"busybox:latest", names[0]}
    # A signed tag that is moved to another image means that one, which isn't signed.
    registry = Registry(engine, REGISTRY)
    registry.put("shop", "ours", registry.manifest("shop", "unsigned"))
    before = id_of(busybox, names[0])
    says(pull.fails(name=names[0], policy="newer", **signed.options), "refuses", names[0])
    assert id_of(busybox, names[0]) == before
    pull.unchanged(name=names[0], **signed.options)


def test_cosign_knows_an_archive_of_a_containerd_store(
    modules: Modules, engine: Engine, busybox: docker.DockerClient, signed: Signed, tmp_path: Path
) -> None:
    if engine.store == "classic":
        pytest.skip("an archive of a classic store has a manifest of its own")
    name = f"{REGISTRY}/shop:archived"
    digest = pushed(busybox, name)
    busybox.images.pull(name)
    path = save(busybox, tmp_path / "archived.tar", name)
    busybox.api.remove_image(name)
    load = modules("image_load")
    says(load.fails(path=str(path), **signed.options), f"refuses {name}@{digest}", "no signatures found")
    signed.sign(f"{name}@{digest}")
    done = load.converges(path=str(path), **signed.options)
    assert done["accepted"] == [{"name": name, "digest": digest}]
