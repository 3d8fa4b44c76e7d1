# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chromium without a network, and the page of the role report in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

from ansible_collections.gantry.docker.plugins.filter.report_page import report_page
from ansible_collections.gantry.docker.plugins.plugin_utils._report.model import model
from ansible_collections.gantry.docker.tests.support.fleet import fleet

# It must run as root, and report nothing to anybody.
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,1600",
)


def _programs() -> tuple[str, str]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert chromium and driver, "run ./dev test browser, which installs both"
    return chromium, driver


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the page of a fleet with hostile text."""
    file = tmp_path_factory.mktemp("report") / "fleet.html"
    file.write_text(report_page(model(fleet(), "2026-03-01 12:00 UTC")), encoding="utf-8")
    return file.as_uri()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """The browser, which has no network."""
    binary, driver = _programs()
    options = ChromeOptions()
    options.binary_location = binary
    for flag in (*_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    running = Chrome(options=options, service=ChromeService(executable_path=driver))
    running.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    running.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    yield running
    running.quit()


@pytest.fixture
def browser(chromium: Chrome, address: str) -> Chrome:
    """The browser with the page open, as it is at first."""
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    chromium.set_window_size(1280, 1600)
    for kind in ("browser", "performance"):
        chromium.get_log(kind)
    chromium.get(address)
    return chromium


def requested(browser: Chrome) -> list[str]:
    """Return the addresses that the browser has asked for since the page was opened."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"]
