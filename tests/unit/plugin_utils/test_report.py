# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of the role images, made from the results of its modules."""

from __future__ import annotations

from typing import Any

from ansible_collections.gantry.docker.plugins.plugin_utils._images.report import report

ID, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
SKIPPED = {"changed": False, "skipped": True, "results": []}


def result(actions: list[str], before: dict[str, Any], after: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the result of a module."""
    return {"changed": bool(actions), "actions": actions, "diff": {"before": before, "after": after}, **more}


def test_nothing_was_done() -> None:
    told = report({"removed": {}, "pulled": SKIPPED, "tagged": {"results": [result([], {}, {})]}})
    assert not told["changed"]
    assert told["lines"] == told["failed"] == []


def test_every_image_has_a_line() -> None:
    pruned = {"Id": ID, "RepoTags": [], "RepoDigests": [], "Reason": "dangling", "SpaceReclaimed": 3 * 1024 * 1024}
    told = report(
        {
            "removed": result(
                ["…", "…"], {ID: ["old:1", "old:2"], OTHER: ["old:3", "new:3"]}, {ID: None, OTHER: ["new:3"]}
            ),
            "pulled": {
                "results": [
                    result(
                        ["…", "…"],
                        {},
                        {},
                        pulled=[
                            {"name": "app:1", "before": ID, "after": OTHER},
                            {"name": "app:2", "before": None, "after": ID},
                        ],
                    )
                ]
            },
            "loaded": {
                "results": [
                    result(["…"], {}, {}, loaded=[{"name": "b:1", "before": None}], item={"path": "/b.tar"}),
                    SKIPPED,
                ]
            },
            "tagged": {"results": [result(["…"], {"c:1": OTHER}, {"c:1": ID}, item={"name": f"app@{ID}"})]},
            "foreseen": [{"name": "b:1", "repository": ["a:1", "d:1"]}],
            "targets": {"images": [{"Id": ID, "RepoTags": ["d:1"]}]},
            "pruned": result(["…"], {ID: []}, {ID: None}, images=[pruned], space_reclaimed=3 * 1024 * 1024),
        }
    )
    assert told["changed"]
    assert told["lines"] == [
        "remove  old:1, old:2 (sha256:aaaaaaaaaaaa)",
        "remove  old:3 (the image has other names)",
        "pull    app:1, which was sha256:aaaaaaaaaaaa",
        "pull    app:2",
        "load    b:1 from /b.tar",
        "tag     a:1 on b:1",
        "tag     c:1 on app@sha256:aaaaaaaaaaaa, which was sha256:bbbbbbbbbbbb",
        "tag     d:1 on b:1, which was sha256:aaaaaaaaaaaa",
        "prune   sha256:aaaaaaaaaaaa: dangling, 3.0 MB",
        "free    3.0 MB (3145728 bytes)",
    ]


def test_what_failed_is_told_beside_what_was_done() -> None:
    """A module that fails halfway returns its actions, but no diff."""
    pulled = [{"name": "app:1", "before": None, "after": ID}]
    failed = {"failed": True, "changed": True, "actions": ["…"], "msg": "No app:2.", "pulled": pulled}
    told = report({"pulled": {"results": [failed]}, "removed": {"failed": True, "changed": False, "msg": "No."}})
    assert told["pulled"] == pulled
    assert told["lines"] == ["pull    app:1", "FAILED  No.", "FAILED  No app:2."]


def test_lines_are_printable() -> None:
    pulled = result(["…"], {}, {}, pulled=[{"name": "evil:1", "before": "\x1b[31m\u202e", "after": ID}])
    archive = {"path": "/\x1b]0;owned\x07.tar"}
    told = report(
        {"pulled": pulled, "loaded": result(["…"], {}, {}, loaded=[{"name": "b:1", "before": None}], item=archive)}
    )
    assert told["lines"] == [
        r"pull    evil:1, which was \x1b[31m\u202e",
        r"load    b:1 from /\x1b]0;owned\x07.tar",
    ]
