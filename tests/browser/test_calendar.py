"""The calendar in a browser: dragging to another day, the same by the keyboard, and days one by one on a telephone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from flask import Flask

from app.plans.models import Activity
from tests.calendar.conftest import SOON, World, world  # noqa: F401
from tests.running import Person, working

LATER = SOON + dt.timedelta(days=1 if SOON.weekday() < 6 else -1)  # in the same week


def due(app: Flask, id_: int) -> dt.date | None:
    with working(app) as session:
        return session.get_one(Activity, id_).due_on


def test_a_row_is_dragged_and_put_back(app: Flask, world: World, page_of: Callable[[Person], Any]) -> None:  # noqa: F811
    page = page_of(world.curator)
    page.goto(f"/calendar/?view=week&on={SOON}")
    page.drag_and_drop("[data-move] .cal-what", f'[data-day="{LATER}"] .cal-date')
    page.locator(".alert", has_text="перенесен").wait_for()
    assert due(app, world.draft) == LATER
    assert page.locator(f'[data-day="{LATER}"] a[href="/activity/{world.draft}"]').count() == 1
    page.get_by_role("button", name="Вернуть").click()
    page.locator(".alert", has_text=f"{SOON:%d.%m.%Y}").wait_for()
    assert due(app, world.draft) == SOON


def test_the_same_by_the_keyboard(app: Flask, world: World, page_of: Callable[[Person], Any]) -> None:  # noqa: F811
    page = page_of(world.curator)
    page.goto(f"/calendar/?view=week&on={SOON}")
    tool = page.locator(".cal-move summary")
    assert tool.count() == 1, "of all that stands there, only the row of the draft may be moved"
    tool.press("Enter")
    day = page.get_by_label("Новая дата")
    assert day.evaluate("input => input === document.activeElement")
    page.keyboard.press("Escape")
    assert not day.is_visible() and tool.evaluate("summary => summary === document.activeElement")
    tool.press("Enter")
    day.fill(f"{LATER}")
    day.press("Enter")
    page.locator(".alert", has_text="перенесен").wait_for()
    assert due(app, world.draft) == LATER


def test_on_a_telephone_days_stand_one_below_the_other(world: World, page_of: Callable[[Person], Any]) -> None:  # noqa: F811
    page = page_of(world.curator)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"/calendar/?on={SOON}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shown = page.locator("[data-day]:visible")
    assert shown.evaluate_all("cells => cells.length > 0 && cells.every(cell => cell.offsetWidth > 300)")
    assert shown.evaluate_all("cells => cells.length") <= 2, "today, and the day that has something"
