"""The main job of a curator, by real clicks: signal → case → risk → plan → journal → print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.running import Person, working

pytestmark = pytest.mark.browser

CURATOR = "Куратор"


@pytest.fixture
def presets(app: Flask) -> None:
    from app.presets import load_presets

    with working(app) as session:
        load_presets(session)
        session.commit()


def choose(page: Any, label: str, typed: str) -> None:
    """Choose another record by typing a part of its name."""
    field = page.get_by_label(label, exact=False).locator("visible=true").first
    field.click()
    page.keyboard.type(typed)
    page.locator(".ts-dropdown .option", has_text=typed).first.click()


def test_from_a_signal_to_a_printed_plan(
    app: Flask, presets: None, make_user: Callable[..., Person], page_of: Callable[[Person], Any]
) -> None:
    page = page_of(make_user(CURATOR, organisation="Тёплый дом", municipality="Озёрск", name="Лугова Вера"))

    page.get_by_role("link", name="Сигналы").first.click()
    page.get_by_role("link", name="Добавить", exact=False).first.click()
    page.fill("[name=content]", "Мама одна с больным сыном, не успевает на лечение.")
    page.fill("[name=reporter]", "Участковый врач")
    page.select_option("[name=risk]", "HIGH")
    page.get_by_role("button", name="Сохранить").click()
    page.get_by_role("link", name="Открыть случай").click()

    page.fill("[name=family_name]", "Ёлкины")
    page.fill("[name=child_name]", "Ёлкин Тимур")
    choose(page, "Методика", "тяжелобольным")
    page.get_by_role("button", name="Открыть случай").click()
    page.wait_for_url("**/case/*")
    case = page.url
    assert page.get_by_role("link", name="Ёлкины", exact=True).first.is_visible()
    assert page.get_by_role("link", name="Лугова Вера", exact=True).first.is_visible()

    page.get_by_role("button", name="Ещё").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Оценить риск").focus()
    page.keyboard.press("Enter")
    choose(page, "Набор факторов риска", "Искорка")
    page.get_by_label("Сельская местность", exact=False).check()
    page.get_by_label("Социально активные родители", exact=False).check()
    page.get_by_role("button", name="Сохранить").click()
    page.wait_for_url(case)
    assert page.get_by_text("Высокий").first.is_visible()

    page.get_by_role("link", name="Составить план").click()
    page.fill("[name=nature]", "Мама осталась без помощи близких.")
    page.fill("[name=main_goal]", "Мальчик лечится вовремя.")
    page.get_by_role("button", name="Сохранить").click()
    page.wait_for_url(case)
    page.get_by_role("link", name="Открыть план").click()
    plan = page.url
    page.get_by_role("link", name="Таблица плана").click()
    page.wait_for_url("**/table")

    page.locator("[data-add-goal]").click()
    page.keyboard.type("Семья обеспечена поездками на лечение")
    page.locator("[data-add-row]").first.click()
    page.locator("[data-of=row] [data-field=specialists_action]").first.fill("Договориться о социальном такси")
    page.locator("[data-of=row] [data-field=term]").first.fill("В течение недели")
    page.get_by_text("Всё сохранено").wait_for()

    page.goto(case)
    page.fill("[name=event]", "Позвонили маме, договорились о встрече")
    page.get_by_label("поездками", exact=False).check()
    page.get_by_role("button", name="Записать").click()
    page.locator(".timeline-list", has_text="договорились о встрече").wait_for()

    page.goto(plan)
    paper = page.request.get(f"{plan}/print/plan.pdf")
    assert paper.ok and paper.body().startswith(b"%PDF")
    journal = page.request.get(f"{case}/print/journal.pdf")
    assert journal.ok and journal.body().startswith(b"%PDF")
