# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role report on a real engine: it says what is there and what a prune does, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker

from ansible_collections.gantry.docker.tests.engines.engine import Engine
from ansible_collections.gantry.docker.tests.integration.conftest import Module
from ansible_collections.gantry.docker.tests.integration.scenes import grown, state, used
from ansible_collections.gantry.docker.tests.support import playbooks
from ansible_collections.gantry.docker.tests.support.fleet import HOSTILE

MOVED = "127.0.0.1:5001/report/moving:1"


def report(engine: Engine, place: Path, **variables: Any) -> dict[str, Any]:
    """Run the role's playbook for two hosts that have the same engine; return the content of its file."""
    hosts = {name: {**playbooks.LOCAL, **variables} for name in ("one", "two")}
    playbooks.write(place, [{"import_playbook": "gantry.docker.report"}], hosts)
    done = playbooks.run(place, timeout=300, PWD=str(place), **engine.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=0" in done.stdout.split("two ")[-1], "the host was changed"
    found: dict[str, Any] = json.loads((place / "report" / "fleet.json").read_text())
    return found


def test_report_says_what_is_there(
    engine: Engine, busybox: docker.DockerClient, modules: Callable[[str], Module], tmp_path: Path
) -> None:
    """The forecast of the prune is that of a real one, and one engine doesn't drift from itself."""
    grown(busybox, "busybox", "app:1", 300_000)
    grown(busybox, "app:1", "app:2", 50_000)
    hostile = busybox.containers.create("busybox", ["true"], labels={"note": HOSTILE})
    hostile.commit("hostile", "1")
    hostile.remove()
    user = used(busybox, "app:1")
    busybox.api.tag("app:2", MOVED.rpartition(":")[0], "1")
    assert '"error"' not in busybox.api.push(MOVED)
    busybox.api.tag("busybox", MOVED.rpartition(":")[0], "1", force=True)
    rules = {"dangling": False, "keep": ["busybox", "hostile"]}
    before = state(busybox)
    found = report(engine, tmp_path, **{f"report_prune_{name}": value for name, value in rules.items()})
    assert state(busybox) == before
    assert found["drift"] == []
    one, two = found["hosts"]["one"], found["hosts"]["two"]
    assert one["images"] == two["images"]
    images = {name: image for image in one["images"] for name in image["names"]}
    assert set(images) == {name for names in before.values() for name in names if "@" not in name}
    assert images["hostile:1"]["labels"]["note"] == HOSTILE
    assert images["app:1"]["containers"] == [f"{user} (created)"]
    assert [row["name"] for row in one["stale"]] == [MOVED]
    assert [name for name, image in images.items() if image["goes"]] == ["app:2"]
    done = modules("image_prune").converges(**rules)
    assert one["pruned"] == {"images": len(done["images"]), "bytes": done["space_reclaimed"]}
    page = (tmp_path / "report" / "fleet.html").read_text()
    assert "plotly.js v" in page and HOSTILE not in page and "http-equiv" in page


def test_report_of_a_host_alone_has_a_page_of_its_own(
    engine: Engine, busybox: docker.DockerClient, tmp_path: Path
) -> None:
    hosts = {name: {**playbooks.LOCAL, "report_per_host": True, "report_stale": False} for name in ("one", "two")}
    playbooks.write(tmp_path, [{"import_playbook": "gantry.docker.report"}], hosts)
    done = playbooks.run(tmp_path, "-e", f"report_directory={tmp_path}/pages", timeout=300, **engine.environment)
    assert done.returncode == 0, done.stdout + done.stderr
    names = sorted(path.name for path in (tmp_path / "pages").iterdir())
    assert names == ["one.html", "one.json", "two.html", "two.json"]
    assert list(json.loads((tmp_path / "pages" / "two.json").read_text())["hosts"]) == ["two"]
