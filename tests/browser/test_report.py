# Copyright: (c) 2026, the gantry.docker authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the role report in a real browser: it opens, sorts, filters and prints, and hostile text stays text."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

from ansible_collections.gantry.docker.tests.browser.conftest import requested
from ansible_collections.gantry.docker.tests.support.fleet import HOSTILE, STACKS
from ansible_collections.gantry.docker.tests.support.waiting import wait_for

TABLES = ("images", "prune", "stale", "drift")


def all_of(browser: Chrome, selector: str) -> list[WebElement]:
    """Return the elements of a CSS selector."""
    return browser.find_elements(By.CSS_SELECTOR, selector)


def one_of(browser: Chrome, selector: str) -> WebElement:
    """Return the only element of a CSS selector."""
    (found,) = all_of(browser, selector)
    return found


def column(browser: Chrome, table: str, title: str) -> list[str]:
    """Return the texts of a column of a table, from the top."""
    titles = [str(head.get_property("textContent")) for head in all_of(browser, f"#{table} th")]
    cells = all_of(browser, f"#{table} td:nth-child({titles.index(title) + 1})")
    return [str(cell.get_property("textContent")) for cell in cells]


def sort(browser: Chrome, table: str, title: str) -> str:
    """Click on the title of a column; return how it is sorted now."""
    titles = [str(head.get_property("textContent")) for head in all_of(browser, f"#{table} th")]
    all_of(browser, f"#{table} th button")[titles.index(title)].click()
    return str(all_of(browser, f"#{table} th")[titles.index(title)].get_attribute("aria-sort"))


def media(browser: Chrome, medium: str = "", **features: str) -> None:
    """Emulate a medium, or what the user prefers."""
    told = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": medium, "features": told})


def colour(browser: Chrome, selector: str, name: str) -> str:
    """Return a colour of an element, as it is shown."""
    script = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
    return str(browser.execute_script(script, selector, name))


def test_it_opens_without_an_error_and_asks_for_nothing(browser: Chrome, address: str) -> None:
    assert browser.title == "Docker images"
    assert wait_for(lambda: all_of(browser, "#scatter .point"), 20)
    assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    # Chromium's own pages of before are in this log too.
    within = (address, "data:", "blob:", "chrome:")
    assert [url for url in requested(browser) if not url.startswith(within)] == []


def test_it_draws_each_stack_of_layers_and_each_image(browser: Chrome) -> None:
    Select(one_of(browser, "#host")).select_by_value("one")
    assert wait_for(lambda: len(all_of(browser, "#treemap .slice")) == 6, 20), "the host, and five stacks"
    assert len(all_of(browser, "#scatter .point")) == len(STACKS)


def test_it_says_what_a_prune_frees(browser: Chrome) -> None:
    Select(one_of(browser, "#host")).select_by_value("one")
    assert "1 image goes, which frees 40.0 KiB" in one_of(browser, "#freed").text
    reasons = dict(zip(column(browser, "prune", "Image"), column(browser, "prune", "Reason"), strict=True))
    assert reasons["app:2"] == "unused" and reasons["tools:1"] == "has a name"
    assert column(browser, "prune", "Verdict").count("goes") == 1


def test_it_shows_stale_names_and_drift(browser: Chrome) -> None:
    assert column(browser, "stale", "Name") == ["base:1"]
    assert column(browser, "stale", "In the registry") == ["sha256:new"]
    assert "The registry doesn't answer for tools:1." in one_of(browser, "#problems").text
    rows = zip(*(column(browser, "drift", title) for title in ("Name", "Host", "Image")), strict=True)
    assert ("alone:1", "two", "none") in set(rows)


@pytest.mark.parametrize("table", TABLES)
def test_every_column_sorts_both_ways(browser: Chrome, table: str) -> None:
    titles = [str(head.get_property("textContent")) for head in all_of(browser, f"#{table} th")]
    for title in titles:
        orders = {}
        for _click in range(2):
            direction = sort(browser, table, title)
            orders[direction] = column(browser, table, title)
        assert set(orders) == {"ascending", "descending"}, title
        assert orders["descending"] == orders["ascending"][::-1], title


def test_sizes_sort_by_number(browser: Chrome) -> None:
    Select(one_of(browser, "#host")).select_by_value("one")
    assert sort(browser, "images", "Size") == "ascending"
    assert column(browser, "images", "Size") == ["40.0 KiB", "2.0 MiB", "2.0 MiB", "2.4 MiB", "2.5 MiB"]


def test_a_filter_leaves_the_rows_that_have_the_text(browser: Chrome) -> None:
    field = one_of(browser, "#filter")
    field.send_keys("TOOLS")
    assert set(column(browser, "images", "Image")) == {"tools:1"}
    assert "2 of 11" in one_of(browser, "#images .count").text
    field.clear()
    field.send_keys("x")
    field.send_keys("\b")
    assert len(column(browser, "images", "Image")) == 11


def test_one_host_can_be_chosen(browser: Chrome) -> None:
    Select(one_of(browser, "#host")).select_by_value("two")
    assert set(column(browser, "images", "Host")) == {"two"}
    assert one_of(browser, "#sums div:first-of-type dd").text == "1"


def test_hostile_text_stays_text(browser: Chrome) -> None:
    Select(one_of(browser, "#host")).select_by_value("three")
    assert HOSTILE in column(browser, "images", "Image")
    assert f"note={HOSTILE}" in column(browser, "images", "Labels")
    assert HOSTILE in one_of(browser, "#problems").text
    assert wait_for(lambda: all_of(browser, "#treemap .slice"), 20)
    assert any("<img" in str(found.get_property("textContent")) for found in all_of(browser, "#treemap text"))
    assert all_of(browser, "img, main script, #treemap a, #scatter a") == []
    assert browser.title == "Docker images"


@pytest.mark.parametrize("width", [380, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_any_width_in_light_and_dark(browser: Chrome, width: int, scheme: str) -> None:
    media(browser, prefers_color_scheme=scheme)
    metrics: dict[str, Any] = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        charts = "[...document.querySelectorAll('.main-svg')].map((one) => one.getBoundingClientRect().right)"
        widest = f"return Math.max(document.documentElement.scrollWidth, ...{charts})"
        assert wait_for(lambda: browser.execute_script(widest) <= width, 20)
        assert all_of(browser, "#scatter .point")
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_it_follows_the_colours_of_the_system(browser: Chrome) -> None:
    shown = set()
    for scheme in ("light", "dark"):
        media(browser, prefers_color_scheme=scheme)
        assert wait_for(lambda: all_of(browser, "#scatter .legendtext"), 20)
        text = colour(browser, "body", "color")
        assert wait_for(lambda expected=text: colour(browser, "#scatter .legendtext", "fill") == expected, 20)  # type: ignore[misc]
        shown.add((text, colour(browser, "body", "backgroundColor")))
    assert len({text for text, _ground in shown}) == len({ground for _text, ground in shown}) == 2


def test_it_prints_without_its_controls(browser: Chrome) -> None:
    printed = base64.b64decode(browser.print_page())
    assert printed.startswith(b"%PDF") and printed.count(b"/Type /Page") > 1
    media(browser, "print", prefers_color_scheme="dark")
    assert not one_of(browser, ".controls").is_displayed()
    assert colour(browser, "body", "backgroundColor") == "rgb(255, 255, 255)"
    assert colour(browser, ".wide", "maxHeight") == "none", "rows would be cut off"
