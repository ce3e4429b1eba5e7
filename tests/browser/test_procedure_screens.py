"""A procedure from the administrator's draft to a case that goes along its line, as people see it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.cases.models import Case
from app.families.models import Family
from app.kernel.writing import save
from app.procedures import exchange
from app.procedures.models import ProcedureVersion
from app.roles import ADMINISTRATOR, CURATOR, SUPERVISOR
from app.territory.models import Staff
from tests.running import Person, working

pytestmark = pytest.mark.browser

FILE = """
code: probe
name: Наш порядок
version:
  stages:
  - {number: 1, name: Знакомство}
  - {number: 3, name: Итоги}
  plan_rules:
  - {kind: SERVICES, months_to: 6}
  requirements:
  - {stage: 1, kind: PAPER, name: Акт, event: OPENED, count: 10, unit: DAY}
  - {stage: 3, kind: ENTRY, name: Цели достигнуты}
  - {stage: 1, kind: PAPER, name: Карта подсудимого, optional: true, event: OPENED, count: 10, unit: DAY}
"""


def test_a_draft_is_edited_and_published_and_a_case_goes_along_its_line(
    app: Flask, make_user: Callable[..., Person], page_of: Callable[[Person], Any]
) -> None:
    admin = make_user(ADMINISTRATOR)
    curator = make_user(CURATOR, organisation="Тёплый дом", name="Лугова Вера")
    chief = make_user(SUPERVISOR, organisation="Тёплый дом", name="Старова Нина")
    with working(app) as session:
        version = exchange.load(session, exchange.parse(FILE))
        rows = [row for name in exchange.CHILDREN for row in getattr(version, name)]
        save(session, version.procedure, version, *rows)
        session.commit()
        draft = version.id

    # The administrator adds a stage in the form of the draft, and publishes it.
    page = page_of(admin)
    page.goto(f"/procedure-version/{draft}")
    assert page.locator("h1").inner_text().endswith("Наш порядок, № 1")
    page.get_by_role("link", name="Изменить").click()
    stages = page.locator("[data-rows=stages]")
    stages.get_by_role("button", name="Добавить").last.click()
    stages.locator("[data-row]").nth(2).locator("[name$=-number]").fill("2")
    stages.locator("[data-row]").nth(2).locator("[name$=-name]").fill("Работа с семьёй")
    page.get_by_role("button", name="Сохранить").click()
    page.get_by_role("link", name="Опубликовать").click()
    page.locator("main, #content").get_by_text("3 этапа").wait_for()
    page.get_by_role("button", name="Опубликовать").click()
    page.get_by_text("Опубликовано. Новые случаи ведутся по этой версии").wait_for()
    assert page.get_by_role("link", name="Опубликовать").count() == 0, "it is published"

    with working(app) as session:
        version = session.get_one(ProcedureVersion, draft)
        family = Family(name="Ёлкины", organisation_id=curator.organisation_id)
        case = Case(family=family, procedure=version.procedure, number="2026/07")
        case.curator, case.opened_on = session.get_one(Staff, curator.staff_id), dt.date.today() - dt.timedelta(30)
        save(session, family, case)
        session.commit()
        id_ = case.id

    # The curator says that the card is needed: its term runs, and the line tells of it.
    page = page_of(curator)
    page.goto(f"/case/{id_}")
    line = page.locator("section[aria-labelledby=story-flow]")
    assert "1 пункт просрочен" in line.inner_text()
    page.get_by_role("button", name=re.compile("Нужно.*Карта подсудимого")).click()
    page.get_by_text("Нужно: Карта подсудимого.").wait_for()
    assert page.get_by_text("Решите, нужно ли это").count() == 0
    line.get_by_role("link").click()
    lacking = page.locator(".alert-warning:visible")
    assert "Карта подсудимого" in lacking.inner_text() and "Руководитель может разрешить" in lacking.inner_text()
    assert "Цели достигнуты" not in lacking.inner_text()
    page.get_by_label("Этап", exact=True).select_option(label="3. Итоги — не хватает 3 пунктов")
    assert "Цели достигнуты" in lacking.inner_text(), "what is lacking is told of the stage that is chosen"

    # A plan of the case: only the kind of this procedure, with its end; one that lasts longer is told at once.
    page.goto(f"/plan/add?case={id_}")
    assert page.locator("[name=kind] option").all_inner_texts() == [
        "Индивидуальная программа предоставления социальных услуг"
    ]
    assert page.locator("[name=until]").input_value() > f"{dt.date.today() + dt.timedelta(days=178)}"
    page.fill("[name=until]", f"{dt.date.today() + dt.timedelta(days=400)}")
    page.locator("[data-hint=until] .late", has_text="Дольше, чем предусматривает методика").wait_for()
    page.evaluate("window.onbeforeunload = null")

    # The supervisor lets the case go on, with a reason, and the line says so.
    head = page_of(chief)
    head.goto(f"/case/{id_}/flow")
    head.get_by_role("button", name="Перейти дальше").click()
    head.locator(".alert-danger", has_text="напишите, почему").wait_for()
    head.get_by_label("Почему переходит дальше").fill("Семья уехала, акт составят позже")
    head.get_by_role("button", name="Перейти дальше").click()
    head.get_by_text("Случай перешёл на этап «Работа с семьёй»").wait_for()
    here = head.locator(".flow-here")
    assert "2. Работа с семьёй" in here.inner_text()
    assert "Семья уехала, акт составят позже" in here.inner_text()
