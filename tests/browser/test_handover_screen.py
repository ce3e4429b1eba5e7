"""A curator is away: the cases pass by keyboard, on a wide screen and a narrow one; who receives them reads of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.cases.models import Case
from app.families.models import Family
from app.handover.models import Absence
from app.procedures.models import Procedure
from app.roles import CURATOR, SUPERVISOR
from tests.running import Person, working

pytestmark = pytest.mark.browser


@pytest.fixture
def people(app: Flask, make_user: Callable[..., Person]) -> tuple[Person, Person, Person]:
    """A supervisor, a curator who is away with two cases, and one who is here."""
    at = {"organisation": "Тёплый дом", "municipality": "Пермь"}
    head = make_user(SUPERVISOR, name="Главная Анна", **at)
    away, here = make_user(CURATOR, name="Ушла Вера", **at), make_user(CURATOR, name="Здесь Мария", **at)
    with working(app) as session:
        own = Procedure(name="Своя", code="own")
        for number in (1, 2):
            family = Family(name=f"Ёлкины{number}", organisation_id=head.organisation_id)
            session.add(Case(number=f"2026/0{number}", family=family, procedure=own, curator_id=away.staff_id))
        session.add(Absence(staff_id=away.staff_id, since=dt.date.today(), until=dt.date.today() + dt.timedelta(7)))
        session.commit()
    return head, away, here


def tab_to(page: Any, words: str) -> None:
    """Go on with Tab until the focus is on what says these words."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText || ''").strip().startswith(words):
            return
    raise AssertionError(f"Tab does not reach “{words}”")


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (390, 844)])
def test_by_keyboard(
    width: int, height: int, people: tuple[Person, Person, Person], page_of: Callable[[Person], Any]
) -> None:
    head, away, here = people
    page = page_of(head)
    page.set_viewport_size({"width": width, "height": height})
    page.goto("/workload/")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    line = page.locator("tr", has_text="Ушла Вера")
    assert "по " in line.inner_text(), "the absence is told in the list"
    line.get_by_role("link", name="Передать").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/workload/{away.staff_id}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("tbody .tick:checked").count() == 2, "all are ticked"
    assert page.locator("td", has_text="Здесь Мария").count() == 2, "each with whom to give it to, and why"
    assert page.is_checked("[name=temporary]"), "an absence is for a time"
    if width > 1000:  # a narrow page shows no heads
        for count in (0, 2):
            page.locator("[data-tick-all]").focus()
            page.keyboard.press("Space")
            assert page.locator("tbody .tick:checked").count() == count, "the tick in the head stands for all"
    page.locator("tbody .tick").first.focus()
    page.keyboard.press("Space")
    tab_to(page, "Дальше")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="1 случай перейдёт к другому куратору").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    tab_to(page, "Передать")
    page.keyboard.press("Enter")
    page.get_by_text("Передан 1 случай.").wait_for()
    handed = page.locator("form", has=page.get_by_role("button", name="Отменить передачу отмеченных"))
    assert "2026/02" in handed.inner_text() and "2026/01" not in handed.inner_text()

    other = page_of(here)
    other.get_by_role("link", name="2026/02").first.click()
    other.get_by_role("button", name="Прочитано").click()
    other.get_by_text("Отмечено, что вы прочитали.").wait_for()
    assert "Ушла Вера → Здесь Мария" in other.locator("section", has_text="Передачи случаев").inner_text()

    page.reload()
    page.locator("form .tick[name=ticked]").last.check()
    page.get_by_role("button", name="Вернуть отмеченные").click()
    page.get_by_text("Возвращён 1 случай.").wait_for()


def test_the_suggestion_is_taken_by_one_button(
    people: tuple[Person, Person, Person], page_of: Callable[[Person], Any]
) -> None:
    page = page_of(people[0])
    page.goto("/case/")
    page.get_by_role("link", name="2026/01").click()
    page.get_by_role("link", name="Изменить").first.click()
    hint = page.locator(".hint")
    assert "Здесь Мария" in hint.inner_text() and "наименьшая нагрузка" in hint.inner_text()
    hint.get_by_role("button", name="Выбрать").click()
    page.get_by_role("button", name="Сохранить").click()
    page.get_by_text("Сохранено.").wait_for()
    assert "Ушла Вера → Здесь Мария" in page.locator("section", has_text="Передачи случаев").inner_text()
