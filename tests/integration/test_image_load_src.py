# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""image_load with src: an archive on the controller, of which each host gets what it lacks, and no byte more."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import stat
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest
from ansible.plugins.connection import local

from ansible_collections.gantry.docker.tests.engines import engine as engines
from ansible_collections.gantry.docker.tests.engines.images import content
from ansible_collections.gantry.docker.tests.integration.conftest import wipe
from ansible_collections.gantry.docker.tests.integration.scenes import id_of, small_disk
from ansible_collections.gantry.docker.tests.integration.test_image_load import TWO_READINGS
from ansible_collections.gantry.docker.tests.support import archives, playbooks
from ansible_collections.gantry.docker.tests.support.programs import write_program

pytestmark = pytest.mark.timeout(600)

KIB = 1024
# A change on a base: the base is what hosts have.
BASE = archives.Image((archives.tar({"base": os.urandom(3000 * KIB)}),), tags=("base:1",))
CHANGE = archives.tar({"change": os.urandom(300 * KIB), "text": b"much that is the same " * (20 * KIB)})
APP = archives.Image((*BASE.layers, CHANGE), tags=("app:1",))
DOCUMENTS = 16 * KIB
SLACK = 64 * KIB

# Ansible's own connection to this machine, which notes the files that it is given. A host may vanish meanwhile.
COUNTING = """
from ansible.errors import AnsibleConnectionFailure

_put_file = Connection.put_file


def _counted(self, in_path, out_path):
    import json
    host = self._play_context.remote_addr
    status = os.stat(in_path)
    row = {"host": host, "from": in_path, "file": status.st_ino, "size": status.st_size, "to": out_path}
    row["stored"] = sum(entry.stat().st_size for entry in os.scandir(os.path.dirname(in_path)))
    with open(os.environ["GANTRY_COUNTED"], "a") as counted:
        counted.write(json.dumps(row) + "\\n")
    _put_file(self, in_path, out_path)
    if host == "vanishing" and status.st_size > 100_000:
        os.truncate(out_path, status.st_size // 2)
        raise AnsibleConnectionFailure("the host is gone")


Connection.put_file = _counted
"""


class Site:
    """A controller, and hosts that are this machine with an engine of their own each."""

    def __init__(self, place: Path, engine: engines.Engine) -> None:
        self.place = place
        self._counted = place / "counted"
        self.hosts: dict[str, dict[str, Any]] = {"one": self.host(engine)}
        (place / "connection_plugins").mkdir()
        (place / "connection_plugins" / "counting.py").write_text(Path(local.__file__).read_text() + COUNTING)
        self.settings: dict[str, str] = {}
        self.rows: list[dict[str, Any]] = []

    def host(self, engine: engines.Engine, **variables: Any) -> dict[str, Any]:
        """Return the variables of a host."""
        return {
            "ansible_connection": "counting",
            "ansible_python_interpreter": sys.executable,
            "ansible_remote_tmp": str(self.place / "remote"),
            "engine": engine.docker_host,
            **variables,
        }

    def run(self, *more: str, **args: Any) -> dict[str, dict[str, Any]]:
        """Run a task on all hosts, and return the results by host. Nothing temporary is left."""
        task = {
            "gantry.docker.image_load": {"docker_host": "{{ engine }}", **args},
            "register": "answer",
            "diff": True,
            "ignore_errors": True,
        }
        keep = {
            "ansible.builtin.copy": {
                "content": "{{ answer | to_json }}",
                "dest": f"{self.place}/result-{{{{ inventory_hostname }}}}.json",
            },
            "vars": {"ansible_connection": "local", "ansible_become": False},
            "delegate_to": "localhost",
            "check_mode": False,
        }
        play = {"hosts": "all", "gather_facts": False, "tasks": [task, keep]}
        playbooks.write(self.place, [play], self.hosts)
        for name in self.hosts:
            (self.place / f"result-{name}.json").unlink(missing_ok=True)
        self._counted.write_text("")
        environment = {
            "ANSIBLE_CONNECTION_PLUGINS": str(self.place / "connection_plugins"),
            "ANSIBLE_HOME": str(self.place / "controller"),
            "ANSIBLE_PIPELINING": "true",
            "GANTRY_COUNTED": str(self._counted),
            **self.settings,
        }
        done = playbooks.run(self.place, *more, timeout=500, **environment)
        found = {name: self.place / f"result-{name}.json" for name in self.hosts}
        results = {name: json.loads(path.read_text()) for name, path in found.items() if path.exists()}
        assert results, done.stdout + done.stderr
        assert "Traceback" not in json.dumps(results), results
        rows = [json.loads(line) for line in self._counted.read_text().splitlines()]
        self.rows = [row for row in rows if "gantry-docker-" in row["to"]]
        left = [path for path in self.place.rglob("*gantry-docker-*") if "controller" in path.parts]
        assert not left, left
        assert not [row for row in self.rows if os.path.exists(row["to"])]
        return results

    def ok(self, *more: str, **args: Any) -> dict[str, Any]:
        """Run a task on the host one, and expect that it succeeds."""
        result = self.run(*more, **args)["one"]
        assert not result.get("failed"), result["msg"]
        assert result["bytes_transferred"] == self.sent("one")
        assert "delivery" not in result
        return result

    def fails(self, *more: str, **args: Any) -> str:
        """Run a task on the host one, and expect one clear message; return it."""
        result = self.run(*more, **args)["one"]
        assert result.get("failed"), result
        assert "delivery" not in result
        return str(result["msg"])

    def sent(self, host: str) -> int:
        """Return the bytes that the connection to a host was given by the last run."""
        return sum(row["size"] for row in self.rows if row["host"] == host)

    def converges(self, **args: Any) -> dict[str, Any]:
        """Run in check mode, for real, and again; return the result of the real run."""
        foreseen = self.run("--check", **args)["one"]
        assert foreseen["changed"] and self.sent("one") <= DOCUMENTS
        done = self.ok(**args)
        assert done["changed"]
        for same in ("actions", "diff", "loaded", "bytes_transferred"):
            assert foreseen[same] == done[same]
        self.unchanged(**args)
        return done

    def unchanged(self, **args: Any) -> None:
        """Run again, and expect that a host that has all gets the documents, and nothing else."""
        again = self.ok(**args)
        assert not again["changed"] and again["actions"] == []
        assert self.sent("one") <= DOCUMENTS and len(self.rows) == 1


@pytest.fixture
def site(tmp_path: Path, engine: engines.Engine, clean: docker.DockerClient) -> Site:
    """A controller with the host one, whose engine has nothing."""
    return Site(tmp_path, engine)


@pytest.fixture
def archive(tmp_path: Path) -> str:
    """An archive of the image and its base on the controller."""
    return write(tmp_path / "files" / "images.tar", archives.both(BASE, APP))


def write(path: Path, entries: dict[str, archives.Content]) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(archives.tar(entries))
    return str(path)


def layers(image: archives.Image) -> list[str]:
    return list(image.diff_ids)


def test_a_host_that_lacks_everything(site: Site, clean: docker.DockerClient, archive: str) -> None:
    done = site.converges(src=archive)
    assert done["actions"] == [f"Loaded base:1, app:1 from {archive}"]
    assert done["bytes_transferred"] <= 1.02 * sum(len(gzip.compress(layer)) for layer in APP.layers) + SLACK
    assert clean.images.get("app:1").attrs["RootFS"]["Layers"] == layers(APP)
    assert {tag for image in clean.images.list() for tag in image.tags} == {"base:1", "app:1"}


@pytest.mark.parametrize("compression", ["auto", "gzip", "zstd"])
def test_a_host_that_lacks_a_part(site: Site, clean: docker.DockerClient, archive: str, compression: str) -> None:
    site.ok(src=archive, name="base:1")
    done = site.converges(src=archive, transfer_compression=compression)
    assert done["bytes_transferred"] <= 1.02 * len(gzip.compress(CHANGE)) + SLACK
    assert done["bytes_skipped"] == len(BASE.layers[0])
    assert done["bytes_sent"] < len(CHANGE) + SLACK
    assert clean.images.get("app:1").attrs["RootFS"]["Layers"] == layers(APP)


def test_a_host_that_lacks_only_a_name(site: Site, clean: docker.DockerClient, archive: str) -> None:
    site.ok(src=archive)
    clean.api.tag("app:1", "keeps", "1")
    clean.api.remove_image("app:1")
    assert site.converges(src=archive)["bytes_transferred"] <= 2 * DOCUMENTS
    assert id_of(clean, "app:1") == id_of(clean, "keeps:1")


def test_everything_at_once_where_that_is_wanted(site: Site, clean: docker.DockerClient, archive: str) -> None:
    site.ok(src=archive, name="base:1")
    done = site.converges(src=archive, transfer="full", transfer_compression="none")
    assert done["bytes_transferred"] > sum(len(layer) for layer in APP.layers)
    assert done["bytes_skipped"] == 0


@pytest.mark.parametrize("kind", ["legacy", "oci", "compressed"])
def test_archives_of_every_kind(site: Site, clean: docker.DockerClient, tmp_path: Path, kind: str) -> None:
    entries = {
        "legacy": archives.legacy(BASE, APP),
        "oci": archives.oci(BASE, APP),
        "compressed": archives.both(BASE, APP, compression="gzip"),
    }
    src = write(tmp_path / "images.tar", entries[kind])
    if kind == "oci":
        Path(src).write_bytes(gzip.compress(Path(src).read_bytes()))
    done = site.converges(src=src)
    assert done["bytes_transferred"] <= 1.02 * sum(len(gzip.compress(layer)) for layer in APP.layers) + SLACK
    assert clean.images.get("app:1").attrs["RootFS"]["Layers"] == layers(APP)


def test_an_engine_that_needs_layers_that_it_seems_to_have(
    site: Site, engine: engines.Engine, clean: docker.DockerClient, tmp_path: Path
) -> None:
    """A containerd store has compressed blobs of these layers, and looks for plain ones."""
    site.ok(src=write(tmp_path / "packed.tar", archives.both(BASE, compression="gzip")))
    done = site.ok(src=write(tmp_path / "plain.tar", archives.both(APP)))
    assert clean.images.get("app:1").attrs["RootFS"]["Layers"] == layers(APP)
    assert len(site.rows) == (3 if engine.store == "containerd" else 2)
    assert done["bytes_skipped"] == (0 if engine.store == "containerd" else len(BASE.layers[0]))


def test_images_of_an_engine_of_the_controller(
    site: Site, engine: engines.Engine, clean: docker.DockerClient, archive: str
) -> None:
    """The engine of the test is the controller's. Only an old one has its whole archive stored."""
    clean.images.load(Path(archive).read_bytes())
    args = {"src_images": ["app:1", "base:1"], "src_docker_host": engine.docker_host}
    with engines.running("sid-classic", None) as other, closing(other.client()) as theirs:
        site.hosts["one"] = site.host(other)
        theirs.images.load(archives.tar(archives.both(BASE)))
        foreseen, done = site.run("--check", **args)["one"], site.ok(**args)
        assert foreseen["actions"] == done["actions"] == ["Loaded app:1 from the controller's engine"]
        site.unchanged(**args)
        assert done["bytes_transferred"] <= 1.02 * len(gzip.compress(CHANGE)) + SLACK
        assert theirs.images.get("app:1").attrs["RootFS"]["Layers"] == layers(APP)
        wipe(theirs)
        site.ok(**args, verify=True)
        assert theirs.images.get("app:1").attrs["RootFS"]["Layers"] == layers(APP)
        theirs.images.remove("app:1")
        site.ok(**args)
        stored = max(row["stored"] for row in site.rows)
        assert (stored > len(BASE.layers[0])) == (engine.release < (25,))


@pytest.mark.one_engine
def test_an_image_that_the_engine_of_the_controller_lacks(
    site: Site, engine: engines.Engine, clean: docker.DockerClient
) -> None:
    message = site.fails(src_images="app:1", src_docker_host=engine.docker_host)
    assert "has no app:1" in message and engine.docker_host in message
    message = site.fails(src_images="app:1", src_docker_host="unix:///none.sock")
    assert "no such socket" in message and "src_images" in message
    assert site.rows == [] and clean.images.list(all=True) == []


@pytest.mark.one_engine
def test_two_hosts_get_one_archive(site: Site, engine: engines.Engine, archive: str) -> None:
    with engines.running(engine.name, content()) as other, closing(other.client()) as theirs:
        site.hosts["two"] = site.host(other)
        results = site.run(src=archive)
        assert all(result["changed"] for result in results.values())
        assert theirs.images.get("app:1").attrs["RootFS"]["Layers"] == layers(APP)
        made = {(row["from"], row["file"]) for row in site.rows}
        assert len(site.rows) == 4 and len(made) == 2, "of the documents and of the layers one archive each"
        wipe(theirs)
        results = site.run(src=archive)
        assert [results[host]["changed"] for host in ("one", "two")] == [False, True]
        assert site.sent("one") <= DOCUMENTS < site.sent("two")


@pytest.mark.one_engine
def test_a_host_that_vanishes_leaves_the_others_alone(site: Site, engine: engines.Engine, archive: str) -> None:
    site.hosts["vanishing"] = site.host(engine, ansible_remote_tmp=str(site.place / "gone"))
    del site.hosts["one"]
    site.hosts["one"] = site.host(engine)
    results = site.run(src=archive)
    assert results["one"]["changed"]
    assert "vanishing" not in results
    assert not site.run(src=archive)["one"]["changed"]


@pytest.mark.one_engine
@pytest.mark.parametrize("check", [(), ("--check",)])
def test_a_full_disk_is_told_before_anything_is_sent(
    site: Site, engine: engines.Engine, clean: docker.DockerClient, archive: str, check: tuple[str, ...]
) -> None:
    with small_disk(site.place / "small", "1m") as disk:
        site.hosts["one"] = site.host(engine, ansible_remote_tmp=str(disk / "remote"))
        message = site.fails(*check, src=archive)
        assert archive in message and "space left in" in message and "remote_tmp" in message
        assert site.sent("one") <= DOCUMENTS
    assert clean.images.list(all=True) == []


@pytest.mark.one_engine
def test_a_damaged_layer_is_not_sent(site: Site, clean: docker.DockerClient, tmp_path: Path) -> None:
    entries = archives.both(APP)
    entries[archives.blob(CHANGE)] = CHANGE.replace(b"much", b"MUCH", 1)
    src = write(tmp_path / "images.tar", entries)
    for wanted, sent in (({}, 1), ({"verify": True}, 0)):
        message = site.fails(src=src, **wanted)
        assert src in message and archives.blob(CHANGE) in message and "is damaged" in message
        assert len(site.rows) == sent and site.sent("one") <= DOCUMENTS
    assert clean.images.list(all=True) == []


@pytest.mark.one_engine
def test_what_is_no_archive_reaches_no_host(site: Site, archive: str) -> None:
    os.truncate(archive, 100 * KIB)
    assert archive in site.fails(src=archive)
    assert site.rows == []
    assert "none.tar" in site.fails(src="none.tar")
    assert "Exactly one" in site.fails(src=archive, path=archive)
    assert "Exactly one" in site.fails()


@pytest.mark.one_engine
@pytest.mark.parametrize("name", TWO_READINGS)
def test_a_hostile_archive_moves_no_tag_that_was_not_foreseen(
    name: str, site: Site, busybox: docker.DockerClient, tmp_path: Path
) -> None:
    busybox.api.tag("busybox", "prod", "latest")
    before = id_of(busybox, "prod:latest")
    src = tmp_path / "images.tar"
    src.write_bytes(TWO_READINGS[name]())
    foreseen, done = site.run("--check", src=str(src))["one"], site.run(src=str(src))["one"]
    assert bool(foreseen.get("failed")) <= bool(done.get("failed"))
    assert id_of(busybox, "prod:latest") == before
    tags = {tag for image in busybox.images.list() for tag in image.tags} - {"busybox:latest", "prod:latest"}
    assert tags == (set() if done.get("failed") else set(foreseen["diff"]["after"]))


@pytest.mark.one_engine
def test_an_archive_in_a_vault(site: Site, clean: docker.DockerClient, archive: str) -> None:
    """It is found as copy finds its src, in files; and no part of it is left in the clear."""
    password = site.place / "password"
    password.write_text("secret")
    vault = Path(sys.executable).with_name("ansible-vault")
    subprocess.run([vault, "encrypt", "--vault-password-file", password, archive], check=True, capture_output=True)
    assert "vault" in site.fails(src="images.tar").lower()
    site.settings["ANSIBLE_VAULT_PASSWORD_FILE"] = str(password)
    site.converges(src="images.tar")
    assert clean.images.get("app:1").attrs["RootFS"]["Layers"] == layers(APP)
    assert not [path for path in (site.place / "controller").rglob("*") if path.is_file()]


@pytest.mark.one_engine
def test_without_pipelining(site: Site, archive: str) -> None:
    site.settings["ANSIBLE_PIPELINING"] = "false"
    site.converges(src=archive)


@pytest.mark.one_engine
def test_as_another_user_with_another_python(
    site: Site, engine: engines.Engine, clean: docker.DockerClient, archive: str
) -> None:
    """The user may not read what root has put there, unless that is seen to; its Python reads no zstd."""
    remote = Path("/var/tmp/gantry-become")  # noqa: S108
    become = {
        "ansible_become": True,
        "ansible_become_user": "nobody",
        "ansible_become_method": "ansible.builtin.su",
        "ansible_become_flags": "-s /bin/sh",
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_remote_tmp": str(remote),
    }
    site.hosts["one"] = site.host(engine, **become)
    mode = stat.S_IMODE(engine.socket.stat().st_mode)
    engine.socket.chmod(0o666)
    try:
        message = site.fails(src=archive, transfer_compression="zstd")
        assert "zstandard is needed on this host" in message
        site.converges(src=archive)
    finally:
        engine.socket.chmod(mode)
        shutil.rmtree(remote, ignore_errors=True)
    assert clean.images.get("app:1").attrs["RootFS"]["Layers"] == layers(APP)


def test_names_and_platforms(site: Site, clean: docker.DockerClient, tmp_path: Path, archive: str) -> None:
    assert "none/such:1" in (message := site.fails(src=archive, names=["none/such:1"])) and archive in message
    arm = replace(APP, architecture="arm64", layers=(*BASE.layers, archives.tar({"arm": os.urandom(100 * KIB)})))
    index = archives.index_of(APP, arm)
    src = write(tmp_path / "both.tar", archives.multi_platform(index, ["app:1"], APP, arm))
    done = site.converges(src=src, platforms=["amd64"])
    assert done["bytes_transferred"] <= 1.02 * sum(len(gzip.compress(layer)) for layer in APP.layers) + SLACK


@pytest.mark.one_engine
def test_the_verifier_runs_on_the_controller_before_a_layer_is_sent(
    site: Site, clean: docker.DockerClient, archive: str
) -> None:
    """A host has another environment: there the command would fail."""
    asked, program = site.place / "asked", site.place / "verifier"
    digests = {image.tags[0]: archives.digest(archives.manifest(image)) for image in (BASE, APP)}
    subjects = [{"name": f"docker.io/library/{tag}", "digest": digest} for tag, digest in digests.items()]
    write_program(program, f'[ "$ON_CONTROLLER" ] && echo "$1 $2" >> {asked} && [ "$1" != "$REFUSED" ]')
    options = {"src": archive, "verifier": [str(program), "{name}", "{digest}"]}
    write_program(site.place / "python", f'exec env -u ON_CONTROLLER {sys.executable} "$@"')
    site.hosts["one"]["ansible_python_interpreter"] = str(site.place / "python")
    for check in ((), ("--check",)):
        site.settings = {"ON_CONTROLLER": "yes", "REFUSED": "docker.io/library/app:1"}
        message = site.fails(*check, **options)
        assert f"Nothing is loaded from {archive}" in message and f"app:1@{digests['app:1']}" in message
        assert "base:1" not in message and site.sent("one") <= DOCUMENTS
    assert clean.images.list(all=True) == []
    site.settings["REFUSED"] = "nothing"
    assert site.converges(**options)["accepted"] == subjects
    asked.unlink()
    clean.api.remove_image("app:1")
    assert site.converges(**options, name="app:1")["accepted"] == subjects[1:]
    assert set(asked.read_text().splitlines()) == {f"docker.io/library/app:1 {digests['app:1']}"}
    program.unlink()
    clean.api.remove_image("app:1")
    assert "can't be run on the controller" in site.fails(**options)
