"""A contact written down on the family's page, by real keys: the page is not left, nothing typed is lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.cases.models import Case
from app.families.models import Family
from app.plans.models import Goal, Plan, PlanStatus
from app.procedures.models import Procedure
from app.roles import CURATOR
from tests.running import PASSWORD, Person, working

pytestmark = pytest.mark.browser


@pytest.fixture
def curator(make_user: Callable[..., Person]) -> Person:
    return make_user(CURATOR, organisation="Тёплый дом", name="Лугова Вера")


@pytest.fixture
def family(app: Flask, curator: Person) -> int:
    with working(app) as session:
        family = Family(name="Ёлкины", organisation_id=curator.organisation_id, phone="+7 900 000-00-01")
        own = Procedure(name="Своя", code="own")
        case = Case(number="1", family=family, procedure=own, curator_id=curator.staff_id)
        plan = Plan(case=case, number="1-П1", status=PlanStatus.IN_FORCE, approved_on=dt.date.today())
        session.add_all([family, case, plan, Goal(plan=plan, number=1, text="Поездки на лечение")])
        session.commit()
        return family.id


def test_a_contact_appears_in_the_timeline_and_the_form_stays_ready(
    family: int, curator: Person, page_of: Callable[[Person], Any]
) -> None:
    page = page_of(curator)
    page.goto(f"/family/{family}")
    page.evaluate("window.stayed = true")
    page.get_by_role("link", name="Новый контакт").click()
    assert page.evaluate("document.activeElement.name") == "event"
    page.keyboard.type("Мама звонила сама")
    page.get_by_label("1. Поездки на лечение").check()
    page.fill("[name=result]", "Договорились о поездке")
    page.get_by_role("button", name="Записать").click()
    entry = page.locator(".timeline-list li", has_text="Мама звонила сама")
    entry.wait_for()
    assert "Поездки на лечение" in entry.inner_text() and "Договорились о поездке" in entry.inner_text()
    assert page.evaluate("window.stayed"), "the page was left"
    assert page.get_by_role("status").filter(has_text="Добавлено").count()
    assert page.input_value("[name=event]") == "" and page.input_value("[name=held_on]") == f"{dt.date.today()}"

    page.fill("[name=event]", "Отвезли документы")
    page.get_by_role("button", name="Записать").click()
    page.locator(".timeline-list li", has_text="Отвезли документы").wait_for()
    assert page.locator(".timeline-list li").count() == 2


def test_an_error_stands_at_its_field_and_nothing_typed_is_lost(
    family: int, curator: Person, page_of: Callable[[Person], Any]
) -> None:
    page = page_of(curator)
    page.goto(f"/family/{family}")
    page.fill("[name=result]", "Придут в среду")
    page.get_by_role("button", name="Записать").click()
    page.locator("#event-note .invalid-feedback").wait_for()
    assert page.evaluate("document.activeElement.name") == "event"
    assert page.input_value("[name=result]") == "Придут в среду"
    page.keyboard.type("Заходили в школу")
    page.get_by_role("button", name="Записать").click()
    page.locator(".timeline-list li", has_text="Заходили в школу").wait_for()
    assert page.locator("#new-contact .invalid-feedback").count() == 0


def test_signed_out_meanwhile_the_password_is_asked_in_place_and_the_entry_is_written_once(
    family: int, curator: Person, page_of: Callable[[Person], Any]
) -> None:
    page = page_of(curator)
    page.goto(f"/family/{family}")
    page.fill("[name=event]", "Долгий рассказ о встрече")
    page.context.clear_cookies()
    page.get_by_role("button", name="Записать").click()
    page.fill("dialog[open] [name=password]", PASSWORD)
    assert page.input_value("[name=event]") == "Долгий рассказ о встрече"
    page.press("dialog[open] [name=password]", "Enter")
    page.locator(".timeline-list li", has_text="Долгий рассказ о встрече").wait_for()
    page.reload()
    assert page.locator(".timeline-list li").count() == 1


def test_on_a_telephone_the_story_stands_in_one_column_children_first(
    family: int, curator: Person, page_of: Callable[[Person], Any]
) -> None:
    page = page_of(curator)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/family/{family}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tops = [page.locator(f"#story-{name}").bounding_box()["y"] for name in ("children", "where", "contacts")]
    assert tops == sorted(tops)


def test_the_buttons_of_the_head_stand_in_one_line_and_the_rest_is_reached_by_keys(
    family: int, curator: Person, page_of: Callable[[Person], Any]
) -> None:
    page = page_of(curator)
    page.goto(f"/family/{family}")
    buttons = page.locator(".head-buttons")
    assert [one.strip() for one in buttons.locator("> a, > .dropdown > button").all_inner_texts()] == [
        "Новый контакт", "План", "Печать", "Изменить", "Ещё",
    ]  # fmt: skip
    head = page.locator("h1").bounding_box(), buttons.bounding_box()
    assert buttons.bounding_box()["height"] < 50 and abs(head[0]["y"] - head[1]["y"]) < 30

    page.get_by_role("button", name="Ещё").focus()
    page.keyboard.press("Enter")
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.innerText.trim()") == "Мониторинг"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.innerText.trim()") == "Ещё"
