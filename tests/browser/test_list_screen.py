"""Lists in a real browser: filters, saved filters, columns, ticked rows, and the way back to the same place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask

from tests.running import Person, working

pytestmark = pytest.mark.browser

SUPERVISOR = "Руководитель"
FAMILIES = 60


@pytest.fixture
def page(app: Flask, make_user: Callable[..., Person], page_of: Callable[[Person], Any]) -> Any:
    """The supervisor of an organisation with many families and as many cases."""
    from models import Case, Family, Procedure

    person = make_user(SUPERVISOR, organisation="Искорка", name="Лугова Вера")
    with working(app) as session:
        procedure = Procedure(name="Сопровождение", code="С")
        for n in range(1, FAMILIES + 1):
            family = Family(name=f"Семья {n:02}", organisation_id=person.organisation_id)
            session.add(Case(number=f"И-{n:02}", family=family, procedure=procedure, opened_on=dt.date(2026, 1, 1)))
        session.commit()
    return page_of(person)


def rows(page: Any) -> list[str]:
    return [one.strip() for one in page.locator(".list tbody tr td:first-child").all_inner_texts()]


def test_no_typed_word_leaves_by_an_address(page: Any) -> None:
    sent: list[str] = []
    page.on("request", lambda one: sent.extend((unquote(one.url), unquote(one.headers.get("referer", "")))))
    page.goto("/family/")
    page.fill("#content [name=q]", "семья 07")
    page.press("#content [name=q]", "Enter")
    page.get_by_text("«семья 07»").wait_for()
    assert rows(page) == ["Семья 07"]
    page.goto("/case/")
    page.get_by_role("button", name="Фильтры").click()
    page.locator("#filter-family-ts-control").click()
    page.keyboard.type("Семья 08")
    page.locator(".ts-dropdown .option", has_text="Семья 08").click()
    page.get_by_role("button", name="Применить").click()
    assert rows(page) == ["И-08"]
    assert page.locator("button.chip").inner_text().startswith("Семья: Семья 08")
    page.reload()
    assert rows(page) == ["И-08"]
    assert sent and not [one for one in sent if "емья" in one]


def test_a_chip_is_taken_away_by_mouse_and_by_keyboard(page: Any) -> None:
    page.goto("/case/?status=OPEN&consent_on.empty=1&opened_on.from=2026-01-01")
    chips = page.locator("button.chip > span:first-child")
    assert chips.all_inner_texts() == ["Статус: Открыт", "Согласие подписано: не указано", "Открыт: с 01.01.2026"]
    page.locator("button.chip").first.click()
    page.wait_for_url(lambda url: "status" not in url)
    page.locator("button.chip").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "consent_on" not in url)
    page.get_by_role("link", name="Сбросить всё").last.click()
    page.wait_for_url("**/case/")
    assert page.locator("button.chip").count() == 0


def test_a_filter_is_saved_and_opened_from_the_menu(page: Any) -> None:
    page.goto("/case/?status=OPEN")
    page.fill("#content [name=q]", "И-05")
    page.press("#content [name=q]", "Enter")
    page.get_by_text("«И-05»").wait_for()
    page.get_by_role("button", name="Сохранённые").click()
    page.get_by_role("button", name="Сохранить как…").click()
    page.get_by_label("Название").fill("Пятое дело")
    page.locator("dialog").get_by_role("button", name="Сохранить", exact=True).click()
    page.get_by_text("Фильтр «Пятое дело» сохранён.").wait_for()
    page.goto("/case/")
    page.get_by_role("button", name="Сохранённые").click()
    page.get_by_role("button", name="Пятое дело").click()
    page.get_by_text("«И-05»").wait_for()
    assert rows(page) == ["И-05"]
    # The same name again: it is said that the old one will go.
    page.get_by_role("button", name="Сохранённые").click()
    page.get_by_role("button", name="Сохранить как…").click()
    page.get_by_label("Название").fill("Пятое дело")
    assert page.get_by_text("он будет заменён").is_visible()


def test_columns_are_chosen_and_put_back(page: Any) -> None:
    page.goto("/family/")
    before = page.locator(".list thead th").count()
    page.get_by_role("button", name="Столбцы").click()
    page.get_by_label("Поликлиника", exact=False).or_(page.get_by_label("Участок", exact=True)).first.check()
    page.get_by_role("button", name="Показать", exact=True).click()
    page.wait_for_load_state()
    assert page.locator(".list thead th").count() == before + 1
    page.get_by_role("button", name="Столбцы").click()
    page.get_by_role("button", name="Как было").click()
    page.wait_for_load_state()
    assert page.locator(".list thead th").count() == before


def test_several_ticked_records_get_one_curator(page: Any) -> None:
    page.goto("/case/?sort=number")
    page.locator("thead [data-tick-all]").check()
    assert page.locator("[data-ticked-count]").inner_text() == "25"
    page.locator("[data-tick-none]").click()
    assert page.locator("[data-ticked]").is_hidden()
    for n in (0, 1, 2):
        page.locator("td .tick").nth(n).check()
    page.get_by_role("button", name="Куратор…").click()
    page.get_by_text("Будет указано в 3 записях:").wait_for()
    page.locator("#curator-ts-control").click()
    page.keyboard.type("Лугова")
    page.locator(".ts-dropdown .option", has_text="Лугова").click()
    page.get_by_role("button", name="Указать в 3 записях").click()
    page.get_by_text("Изменены 3 записи.").wait_for()
    assert page.url.endswith("/case/?sort=number&page=1")
    assert page.locator(".list tbody tr", has_text="Лугова Вера").count() == 3


def test_each_tab_goes_back_to_its_own_place(page: Any) -> None:
    page.goto("/case/?sort=number&page=2")
    other = page.context.new_page()
    other.goto("/case/?sort=-number")
    # A record opened beside the list, in a tab of its own, knows the list that it was opened from.
    with page.context.expect_page() as opened:
        page.locator(".list tbody a", has_text="И-30").click(modifiers=["Control"])
    third = opened.value
    for tab, number in ((page, "И-40"), (other, "И-50")):
        tab.locator(".list tbody a", has_text=number).click()
        tab.locator("h1", has_text=number).wait_for()
    for tab, number, address in (
        (page, "И-40", "/case/?sort=number&page=2"),
        (other, "И-50", "/case/?sort=-number"),
        (third, "И-30", "/case/?sort=number&page=2"),
    ):
        tab.locator("a[data-back]").first.click()
        tab.wait_for_url(f"**{address}")
        assert tab.locator("tr.seen").inner_text().startswith(number)
        assert tab.locator("tr.seen").evaluate("row => row.getBoundingClientRect().top < innerHeight")


def test_the_way_back_holds_after_saving_cancelling_and_deleting(page: Any) -> None:
    address = "/case/?status=OPEN&sort=number&page=2"
    page.goto(address)
    page.locator(".list tbody a", has_text="И-33").click()
    page.get_by_role("link", name="Изменить").click()
    page.fill("[name=reason]", "Мама болеет")
    page.get_by_role("button", name="Сохранить").click()
    page.get_by_text("Сохранено").first.wait_for()
    page.get_by_role("link", name="Изменить").click()
    page.locator("[data-cancel]").click()
    page.locator("a[data-back]").first.click()
    page.wait_for_url(f"**{address}")
    page.locator(".list tbody a", has_text="И-34").click()
    page.go_back()
    page.wait_for_url(f"**{address}")
    page.get_by_role("link", name="Добавить", exact=True).click()
    page.locator("[data-cancel]").click()
    page.wait_for_url(f"**{address}")
    page.locator(".list tbody a", has_text="И-35").click()
    page.get_by_role("button", name="Ещё").click()
    page.get_by_role("link", name="Удалить").click()
    page.get_by_role("button", name="Удалить").click()
    page.wait_for_url(f"**{address}")
    assert not page.locator(".list tbody a", has_text="И-35").count()


def test_pages_and_their_length(page: Any) -> None:
    page.goto("/family/")
    assert page.get_by_text("1–25 из 60").is_visible()
    page.get_by_role("link", name="Страница 3").click()
    page.get_by_text("51–60 из 60").wait_for()
    page.get_by_role("button", name="По 25 на странице").click()
    page.get_by_role("button", name="По 50 на странице").click()
    page.get_by_text("1–50 из 60").wait_for()


def test_a_list_on_a_telephone_is_cards_without_empty_lines(page: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/family/")
    card = page.locator(".list tbody tr").first
    assert card.inner_text().startswith("Семья 01")
    shown = [cell for cell in card.locator("td").all() if cell.is_visible()]
    assert 1 < len(shown) <= 6
    assert all(cell.inner_text().strip() != "—" for cell in shown)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    card.locator(".tick").check()
    assert page.locator("[data-ticked]").is_visible()
