"""What a list page weighs on the way to the browser: the first time with an empty cache, and after."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.browser.touring import SIZE, sign_in

pytestmark = pytest.mark.browser

FIRST, AFTER = 200 * 1024, 25 * 1024  # bytes, headers and all


@pytest.mark.parametrize("language", ["ru", "kk"])
def test_a_list_page_is_light(chromium: Any, demonstration: tuple[Flask, str], language: str) -> None:
    context = chromium.new_context(viewport=SIZE, base_url=demonstration[1])
    page = context.new_page()
    sign_in(page, "admin")
    page.locator(".me button").first.click()
    page.locator(f".me button[value={language}]").click()
    page.wait_for_load_state()
    page.locator(f"html[lang={language}]").wait_for()
    watch = context.new_cdp_session(page)
    watch.send("Network.enable")
    came: list[int] = []
    watch.on("Network.loadingFinished", lambda event: came.append(int(event["encodedDataLength"])))

    def weigh() -> int:
        page.goto("about:blank")
        came.clear()
        page.goto("/family/")
        page.wait_for_load_state("networkidle")
        return sum(came)

    watch.send("Network.clearBrowserCache")
    first, after = weigh(), weigh()
    context.close()
    assert 20 * 1024 < first <= FIRST, f"{first} bytes with an empty cache"
    assert 0 < after <= AFTER, f"{after} bytes after"
