"""The search of the header and the offers under a name, by a real keyboard."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.families.models import Family, Member
from app.territory.models import Organisation
from tests.running import Person, working

pytestmark = pytest.mark.browser

SUPERVISOR = "Руководитель"
BOX = "[data-search] [name=q]"


@pytest.fixture
def page(app: Flask, make_user: Callable[..., Person], page_of: Callable[[Person], Any]) -> Any:
    person = make_user(SUPERVISOR, organisation="Тёплый круг", name="Лугова Вера")
    with working(app) as session:
        here = session.query(Organisation).filter_by(name="Тёплый круг").one()
        there = Organisation(name="Берег", phone="+7 900 000-20-00")
        birch = Family(name="Берёзкины", organisation=here, address="ул. Мельничная, 8", phone="+7 900 123-45-67")
        birch.members = [Member(name="Берёзкина Анна Григорьевна", born_on=dt.date(1996, 12, 18))]
        hidden = Family(name="Смирновы", organisation=there)
        hidden.members = [Member(name="Смирнова Полина Сергеевна", born_on=dt.date(2015, 5, 9))]
        session.add_all([birch, hidden])
        session.commit()
    return page_of(person)


def test_by_the_keyboard_from_anywhere_to_the_record(page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("Control+k")
    box = page.locator(BOX)
    assert box.evaluate("box => box === document.activeElement")
    assert page.get_by_text("Фамилия, часть имени, номер, телефон или адрес.").is_visible()
    page.keyboard.type("беерзк")  # a typing error, and е for ё
    options = page.locator("#search-found [role=option]")
    options.first.wait_for()
    assert options.locator(".found-name").all_inner_texts() == ["Берёзкины", "Берёзкина Анна Григорьевна"]
    assert box.get_attribute("aria-expanded") == "true"
    assert page.locator("[data-said]").inner_text() == "Найдено: 2. Выберите стрелками."
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#search-found [aria-selected=true]")
    assert "18.12.1996" in chosen.inner_text()
    assert box.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/family/*")
    assert page.get_by_role("heading", name="Берёзкины").is_visible()
    assert not [url for url in asked if "%D0" in url or "?q" in url], "no name in any address"


def test_slash_opens_escape_closes_and_what_is_not_there_is_said(page: Any) -> None:
    page.keyboard.press("/")
    page.keyboard.type("щёголев")
    page.get_by_text("Ничего не найдено. Попробуйте часть фамилии").wait_for()
    assert page.locator("[data-said]").inner_text() == "Ничего не найдено."
    page.keyboard.press("Escape")
    assert page.locator(".search-found").is_hidden()
    assert page.locator(BOX).input_value() == "щёголев"
    page.keyboard.press("Escape")
    assert not page.locator(BOX).evaluate("box => box === document.activeElement")
    # In a field a slash is a slash.
    page.goto("/family/add")
    page.locator("[name=name]").focus()
    page.keyboard.type("а/б")
    assert page.input_value("[name=name]") == "а/б"


def test_a_late_answer_to_an_earlier_question_is_dropped(page: Any) -> None:
    held: list[Any] = []

    def hold(route: Any) -> None:
        if not held:
            held.append(route)
        else:
            route.continue_()

    page.route("**/search/offers", hold)
    page.keyboard.press("Control+k")
    page.keyboard.type("щёголев")
    page.wait_for_timeout(500)
    page.keyboard.press("Control+a")
    page.keyboard.type("анна")
    page.locator("#search-found [role=option]").first.wait_for()
    held[0].continue_()
    page.wait_for_timeout(400)
    assert page.locator("#search-found [role=option]").count() == 2, "she and her family"


def test_enter_without_a_choice_opens_the_page_of_answers(page: Any) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("мельничная")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/")
    assert page.input_value("#search-words") == "мельничная"
    page.get_by_role("link", name="Берёзкины").first.click()
    page.wait_for_url("**/family/*")


def test_on_a_phone_the_search_is_a_page(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.locator(BOX).is_hidden()
    page.get_by_role("link", name="Поиск").click()
    page.wait_for_url("**/search/")
    page.wait_for_function("() => document.activeElement.id === 'search-words'")
    page.keyboard.type("8 900 123 45 67")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Берёзкины").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_those_who_are_there_are_offered_while_one_types(page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/family/add")
    page.locator("[name=name]").focus()
    page.keyboard.type("Березкины", delay=20)
    offer = page.locator("[data-alike-offers]").first
    offer.get_by_role("link", name="Берёзкины").wait_for()
    assert "ул. Мельничная, 8" in offer.inner_text()
    assert offer.get_by_role("link").get_attribute("target") == "_blank", "what is typed stays"
    page.locator("[data-rows=members] [data-add-row]").first.click()
    page.fill("[name=members-0-name]", "Смирнова Полина Сергеевна")
    page.fill("[name=members-0-born_on]", "2015-05-09")
    row = page.locator("[data-rows=members] [data-alike-offers]")
    row.get_by_text("Обратитесь туда: Берег, телефон +7 900 000-20-00.").wait_for()
    page.fill("[name=members-0-born_on]", "2015-05-10")
    page.wait_for_function("() => document.querySelector('[data-rows=members] [data-alike-offers]').innerText === ''")
    assert not [url for url in asked if "%D0" in url], "no name in any address"
