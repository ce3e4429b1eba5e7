"""Undoing, by real clicks: a deletion, a row removed in a form, and two families merged and parted again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.families.models import Family, Income, Member
from app.roles import SUPERVISOR
from tests.browser.test_main_job import choose
from tests.running import Person, working

pytestmark = pytest.mark.browser


@pytest.fixture
def person(make_user: Callable[..., Person]) -> Person:
    return make_user(SUPERVISOR, organisation="Тёплый дом", municipality="Озёрск", name="Лугова Вера")


@pytest.fixture
def families(app: Flask, person: Person) -> tuple[int, int]:
    with working(app) as session:
        one = Family(name="Ёлкины", organisation_id=person.organisation_id, address="Лесная, 1")
        one.members = [Member(name="Ёлкин Пётр")]
        two = Family(name="Елкины", organisation_id=person.organisation_id, phone="+7 900 000-00-00")
        two.members = [Member(name="Елкин Петр"), Member(name="Ёлкина Анна")]
        two.incomes = [Income(source="Пенсия", amount=9000)]
        session.add_all([one, two])
        session.commit()
        return one.id, two.id


def test_a_deleted_record_is_back_by_one_click(
    person: Person, families: tuple[int, int], page_of: Callable[[Person], Any]
) -> None:
    page = page_of(person)
    page.goto(f"/family/{families[1]}")
    page.get_by_role("button", name="Ещё").click()
    page.get_by_role("link", name="Удалить").click()
    assert page.get_by_text("Запись попадёт в корзину, оттуда её можно вернуть.").is_visible()
    page.get_by_role("button", name="Удалить").click()
    page.wait_for_url("**/family/")
    told = page.get_by_role("status")
    assert told.get_by_text("Удалено: «Елкины».").is_visible()
    assert page.locator(".list tbody tr").count() == 1
    told.get_by_role("button", name="Вернуть").press("Enter")
    page.wait_for_url(f"**/family/{families[1]}")
    assert page.get_by_text("Возвращено: «Елкины».").is_visible()
    assert page.get_by_role("link", name="Ёлкина Анна").is_visible() and page.get_by_text("Пенсия").is_visible()


def test_a_row_removed_in_a_form_is_back_on_the_page_it_was_missed_on(
    person: Person, families: tuple[int, int], page_of: Callable[[Person], Any]
) -> None:
    page = page_of(person)
    page.goto(f"/family/{families[1]}/edit")
    page.locator("[data-rows=members] [data-remove-row]").last.click()
    page.get_by_role("button", name="Сохранить").click()
    page.wait_for_url(f"**/family/{families[1]}")
    assert page.get_by_text("Удалена 1 строка.").is_visible()
    assert page.get_by_role("link", name="Ёлкина Анна").count() == 0
    page.get_by_role("button", name="Вернуть").click()
    page.get_by_role("link", name="Ёлкина Анна").wait_for()
    assert page.url.endswith(f"/family/{families[1]}")


def test_two_families_are_merged_and_parted_again(
    person: Person, families: tuple[int, int], page_of: Callable[[Person], Any]
) -> None:
    page = page_of(person)
    page.goto(f"/family/{families[0]}")
    page.get_by_role("button", name="Ещё").click()
    page.get_by_role("link", name="Объединить с другой…").click()
    choose(page, "Вторая запись", "Елкины")
    page.get_by_role("button", name="Посмотреть обе").click()
    page.get_by_text("Члены семьи: 2").wait_for()
    assert page.get_by_text("Доходы: 1").is_visible()
    assert page.get_by_text("Член семьи: Елкин Петр").is_visible(), "somebody stands in both"
    phone = page.get_by_role("group", name="Телефон")
    assert phone.get_by_label("+7 900 000-00-00").is_checked()
    phone.get_by_label("—").check()
    phone.get_by_label("+7 900 000-00-00").check()
    page.get_by_role("button", name="Объединить").click()
    page.wait_for_url(f"**/family/{families[0]}")
    assert page.get_by_text("+7 900 000-00-00").first.is_visible()
    assert page.get_by_role("link", name="Ёлкина Анна").is_visible()
    page.get_by_role("button", name="Вернуть").click()
    page.wait_for_url(f"**/family/{families[1]}")
    assert page.get_by_role("link", name="Ёлкина Анна").is_visible()
    page.goto(f"/family/{families[0]}")
    assert page.get_by_role("link", name="Ёлкина Анна").count() == 0
    assert page.get_by_text("+7 900 000-00-00").count() == 0
