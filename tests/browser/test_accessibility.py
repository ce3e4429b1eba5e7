"""WCAG 2.2 AA: axe-core finds nothing on any page of any role, in light and in dark; the keyboard is enough."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from flask import Flask

from app.demo import LOGINS
from tests.browser.touring import SIZE, Parts, Tour, missed, sign_in

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
CONTRAST = {"type": "rule", "values": ["color-contrast"]}  # all that another theme may change
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
JUDGE = """async ([without, only]) => (await axe.run(
  { exclude: without }, { resultTypes: ["violations"], runOnly: only }
)).violations.flatMap(
  ({ id, nodes }) => nodes.slice(0, 3).map((node) => `${id}: ${node.html.slice(0, 200)}`))"""


def dress(page: Any, theme: str) -> None:
    page.evaluate(
        """(theme) => {
          document.documentElement.dataset.bsTheme = theme;
          document.getAnimations().forEach((one) => one.finish());  // colours change in steps
        }""",
        theme,
    )


def faults(page: Any, *without: str) -> list[str]:
    """What axe finds on the page as it is, in light and in dark. Of many rows the first few stand for the rest."""
    page.evaluate("document.querySelectorAll('tr:nth-child(n + 6)').forEach((row) => row.remove())")
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(f"{AXE};0")
    dress(page, "light")
    found = [f"light {fault}" for fault in page.evaluate(JUDGE, [without, {"type": "tag", "values": TAGS}])]
    dress(page, "dark")
    found += [f"dark {fault}" for fault in page.evaluate(JUDGE, [without, CONTRAST])]
    return found


def open_page(chromium: Any, address: str, **options: Any) -> Any:
    context = chromium.new_context(
        **{"viewport": SIZE, "locale": "ru-RU", "base_url": address, "reduced_motion": "reduce", **options}
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    return page


def fetch(page: Any, path: str) -> tuple[int, str, bytes]:
    answer = page.request.get(path)
    return answer.status, answer.headers["content-type"], answer.body()


def test_axe_finds_nothing_on_any_page(chromium: Any, demonstration: tuple[Flask, str]) -> None:
    app, address = demonstration
    found: list[str] = []
    seen: set[str] = set()
    judged: set[str] = set()
    tall = {"width": 1366, "height": 3000}  # nothing that sticks to an edge stands over another thing
    page = open_page(chromium, address, viewport=tall)
    page.goto("/login/")
    found += [f"/login/ {fault}" for fault in faults(page)]
    seen.add("Login.login")
    page.goto("/nothing/there")
    found += [f"404 {fault}" for fault in faults(page)]
    page.context.close()
    for login in LOGINS:
        page = open_page(chromium, address, viewport=tall)
        sign_in(page, login)
        tour = Tour(app, partial(fetch, page))
        for path, text in tour.pages():
            parts = Parts(text).found
            if path == "/" or not parts <= judged:  # a page with nothing new on it was judged with the others
                judged |= parts
                page.goto(path)
                head = [] if path == "/" else ["header"]  # the same on every page of a role
                found += [f"{login} {path} {fault}" for fault in faults(page, *head)]
        seen |= tour.seen
        page.context.close()
    page = open_page(chromium, address, viewport=tall)
    sign_in(page, next(iter(LOGINS)))
    for path in missed(app, seen):
        page.goto(path)
        found += [f"{path} {fault}" for fault in faults(page, "header")]
    page.context.close()
    assert not found, "\n".join(found)


@pytest.fixture
def curator(chromium: Any, demonstration: tuple[Flask, str]) -> Any:
    page = open_page(chromium, demonstration[1])
    sign_in(page, "kurator")
    yield page
    page.context.close()


def test_what_opens_on_a_page_is_judged_too(curator: Any) -> None:
    found = []
    curator.goto("/family/")
    curator.locator(".me button").first.click()
    found += faults(curator, "main")  # a part of it is under the menu
    curator.keyboard.press("Escape")
    curator.goto("/signal/add")
    curator.fill("[name=content]", "")
    curator.locator("form.record-form button.btn-primary").last.click()
    curator.locator(".is-invalid").first.wait_for()
    found += faults(curator)
    assert not found, "\n".join(found)


def test_a_telephone_is_judged_too(chromium: Any, demonstration: tuple[Flask, str]) -> None:
    page = open_page(chromium, demonstration[1], viewport={"width": 390, "height": 844}, has_touch=True)
    sign_in(page, "kurator")
    found = [f"/ {fault}" for fault in faults(page)]
    page.locator(".navbar-toggler").click()
    page.locator("#menu.show").wait_for()
    found += [f"drawer {fault}" for fault in faults(page)]
    page.goto("/family/")
    found += [f"list {fault}" for fault in faults(page)]
    first = page.get_attribute(".list tbody tr a", "href")
    for path in (first, f"{first}/edit", page.get_attribute("a[href^='/help']", "href")):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, f"{path} is wider than the telephone"
        found += [f"{path} {fault}" for fault in faults(page)]
    page.context.close()
    assert not found, "\n".join(found)


# --- The keyboard -----------------------------------------------------------------------------------------


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id"))


def test_the_first_tab_skips_to_the_content(curator: Any) -> None:
    curator.goto("/family/")
    curator.keyboard.press("Tab")
    skip = curator.locator(".skip")
    assert skip.evaluate("(one) => one === document.activeElement && one.getBoundingClientRect().top >= 0")
    curator.keyboard.press("Enter")
    assert focused(curator) != "" and curator.evaluate("document.activeElement.id") == "content"


def test_the_menu_opens_walks_and_closes_by_keys(curator: Any) -> None:
    curator.goto("/")
    toggle = curator.get_by_role("button", name="Случаи")
    toggle.focus()
    curator.keyboard.press("Enter")
    assert toggle.get_attribute("aria-expanded") == "true"
    curator.keyboard.press("ArrowDown")
    assert focused(curator) == "Случаи" and curator.evaluate("document.activeElement.localName") == "a"
    curator.keyboard.press("ArrowDown")
    curator.keyboard.press("Escape")
    assert toggle.get_attribute("aria-expanded") == "false"
    assert toggle.evaluate("(one) => one === document.activeElement"), "the focus did not come back"


def test_the_drawer_gives_the_focus_back(chromium: Any, demonstration: tuple[Flask, str]) -> None:
    page = open_page(chromium, demonstration[1], viewport={"width": 390, "height": 844})
    sign_in(page, "kurator")
    toggle = page.locator(".navbar-toggler")
    toggle.focus()
    page.keyboard.press("Enter")
    page.locator("#menu.show").wait_for()
    for _ in range(12):  # the focus stays inside
        page.keyboard.press("Tab")
        assert page.evaluate("document.getElementById('menu').contains(document.activeElement)")
    page.keyboard.press("Escape")
    page.locator("#menu.show").wait_for(state="hidden")
    page.wait_for_function("document.activeElement.classList.contains('navbar-toggler')")
    page.context.close()


def test_another_record_is_chosen_by_keys(curator: Any) -> None:
    curator.goto("/risk-assessment/add")
    chooser = curator.locator("#family-ts-control")
    chooser.focus()
    curator.locator(".ts-dropdown .option").first.wait_for()
    curator.keyboard.press("ArrowDown")
    curator.keyboard.press("Enter")
    curator.wait_for_function("document.getElementById('family').value !== ''")


def test_the_focus_is_seen(curator: Any) -> None:
    """Every stop of the Tab key on a list and on a form shows where it is."""
    for path in ("/family/", "/signal/add"):
        curator.goto(path)
        for _ in range(25):
            curator.keyboard.press("Tab")
            shown = curator.evaluate("""() => {
              const here = document.activeElement;
              const style = getComputedStyle(here);
              const holder = getComputedStyle(here.closest(".ts-wrapper, .input-icon") || document.body);
              return style.outlineStyle !== "none" || style.boxShadow !== "none" || holder.boxShadow !== "none";
            }""")
            what = curator.evaluate("document.activeElement.outerHTML.slice(0, 120)")
            assert shown or "<body" in what, f"{path}: {what}"


def test_the_theme_is_kept_and_follows_the_system(curator: Any) -> None:
    theme = "document.documentElement.dataset.bsTheme"
    curator.evaluate("localStorage.clear()")
    curator.emulate_media(color_scheme="dark")
    curator.goto("/")
    assert curator.evaluate(theme) == "dark"
    curator.locator(".me button").first.click()
    curator.get_by_role("button", name="Светлая").click()
    curator.reload()
    assert curator.evaluate(theme) == "light"
    curator.locator(".me button").first.click()
    curator.get_by_role("button", name="Как в системе").click()
    assert curator.evaluate(theme) == "dark"
