"""The hour for urgent measures as people see it: ticked facts, the level at once, minutes that run by themselves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.kernel.orm import now
from app.risks.models import FactorSet, RiskFactor, RiskLevel
from app.roles import CURATOR, SUPERVISOR
from app.signals.models import Signal
from tests.running import Person, working
from tests.signals.hours import with_an_hour

pytestmark = pytest.mark.browser


def test_from_ticked_facts_to_the_agreed_measures(
    app: Flask, make_user: Callable[..., Person], page_of: Callable[[Person], Any]
) -> None:
    me = make_user(CURATOR, organisation="Тёплый дом", name="Лугова Вера")
    chief = make_user(SUPERVISOR, organisation="Тёплый дом", name="Старова Нина")
    with working(app) as session:
        with_an_hour(session, "kz")
        lists = FactorSet(name="Критерии")
        lists.factors = [
            RiskFactor(number="1", position=1, group="Г", name="Ребёнок найден без присмотра", level=RiskLevel.HIGH),
            RiskFactor(number="2", position=2, group="Г", name="Нет документов", level=RiskLevel.MEDIUM),
        ]
        signal = Signal(number="С-2026/014", content="Плачет за дверью", organisation_id=me.organisation_id)
        session.add_all([lists, signal])
        session.commit()
        id_ = signal.id

    page = page_of(me)
    page.goto(f"/signal/{id_}")
    page.get_by_role("link", name="Определить степень риска").click()
    page.get_by_label("Нет документов").check()
    assert page.locator("[data-proposed]").inner_text() == "Предложенный уровень: Средний"
    page.get_by_label("Ребёнок найден без присмотра").check()
    assert page.locator("[data-proposed]").inner_text() == "Предложенный уровень: Высокий"
    page.get_by_role("button", name="Сохранить").click()
    strip = page.locator(".urgent-strip")
    strip.wait_for()
    assert "Сигнал С-2026/014: согласовать срочные меры — осталось" in strip.inner_text()

    # Minutes pass without a word to the server, and then the hour is over.
    with working(app) as session:
        session.get_one(Signal, id_).urgent_due_at = now() + dt.timedelta(minutes=9, seconds=55)
        session.commit()
    page.clock.install()
    page.goto("/family/")
    asked: list[str] = []
    page.on("request", lambda request: "/static/" in request.url or asked.append(request.url))
    assert "осталось 10 мин" in strip.inner_text()
    page.clock.fast_forward("01:00")
    page.locator(".urgent-strip", has_text="осталось 9 мин").wait_for()
    page.clock.fast_forward("09:00")
    page.locator(".urgent-strip .is-late", has_text="просрочено на 1 мин").wait_for()
    assert asked == []

    head = page_of(chief)
    head.locator(".urgent-strip a").click()
    head.get_by_role("link", name="Согласовать срочные меры", exact=True).click()
    head.fill("[name=urgent_measures]", "Ребёнок у бабушки, участковый предупреждён")
    head.get_by_role("button", name="Согласовано").click()
    head.get_by_text("Срочные меры согласованы.").wait_for()
    assert head.locator(".urgent-strip").count() == 0
