"""The plan's table under the hands of people: typing, moving, deleting, two at once, without a connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.roles import CURATOR, SPECIALIST, SUPERVISOR
from tests.plans.plan import Draft, advance, make_draft
from tests.running import Person

pytestmark = pytest.mark.browser

HOME = {"organisation": "Искорка", "municipality": "Пермь"}
SAVED = "Всё сохранено"
Open = Callable[[Person], Any]


@pytest.fixture
def curator(make_user: Callable[..., Person]) -> Person:
    return make_user(CURATOR, name="Лугова Вера", **HOME)


@pytest.fixture
def draft(app: Flask, curator: Person) -> Draft:
    return make_draft(app, curator)


@pytest.fixture
def page(page_of: Open, curator: Person, draft: Draft) -> Any:
    page = page_of(curator)
    page.goto(draft.path)
    return page


def cell(page: Any, key: str, field: str) -> Any:
    return page.locator(f'[data-record="{key}"] [data-field="{field}"]').first


def row(page: Any, key: str) -> Any:
    return page.locator(f'[data-record="{key}"]')


def saved(page: Any) -> None:
    page.locator("[data-status]", has_text=SAVED).wait_for()


def order(page: Any) -> list[str]:
    """Goals and rows as they stand on the page, by their first words."""
    return page.evaluate(  # type: ignore[no-any-return]
        """() => [...document.querySelectorAll("tbody [data-field=text], [data-of=row]")].map((one) =>
             one.value ?? ([...one.querySelectorAll("textarea")].find((cell) => cell.value)?.value || ""))"""
    )


def kept(page: Any) -> str | None:
    return page.evaluate("Object.entries(localStorage).find(([key]) => key.startsWith('plan:'))?.[1]")  # type: ignore[no-any-return]


def menu(page: Any, key: str, choice: str) -> None:
    """Choose from the menu of a goal or a row, by keys alone."""
    row(page, key).locator("[data-menu-of]").first.focus()
    page.keyboard.press("Enter")
    for _ in range(12):
        if page.evaluate("document.activeElement.textContent").startswith(choice):
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")


# --- Typing -----------------------------------------------------------------------------------------------


def test_what_is_typed_is_there_after_a_reload(page: Any, draft: Draft) -> None:
    cell(page, "plan", "nature").fill("Мама осталась одна с больной дочкой")
    cell(page, draft.goals[1], "text").fill("Аня учится читать")
    cell(page, draft.rows[1], "parents_action").fill("Позвонить диспетчеру\nи договориться")
    cell(page, draft.rows[1], "term").fill("до 15.04.2026")
    page.keyboard.press("Tab")
    saved(page)
    page.reload()
    assert cell(page, "plan", "nature").input_value() == "Мама осталась одна с больной дочкой"
    assert cell(page, draft.goals[1], "text").input_value() == "Аня учится читать"
    assert cell(page, draft.rows[1], "parents_action").input_value() == "Позвонить диспетчеру\nи договориться"
    assert cell(page, draft.rows[1], "due_on").input_value() == "2026-04-15"  # proposed from the words
    assert kept(page) is None


def test_names_are_taken_one_by_one(page: Any, draft: Draft) -> None:
    people = cell(page, draft.rows[0], "responsible")
    people.locator("input").focus()
    page.keyboard.type("Школа;Опека")
    page.keyboard.press("Enter")
    page.keyboard.type("Врач")
    page.keyboard.press("Tab")
    saved(page)
    page.reload()
    assert people.locator("[data-name]").all_inner_texts() == ["Родители", "Школа", "Опека", "Врач"]
    people.locator("input").focus()
    page.keyboard.press("Backspace")  # the last name comes back to be typed over
    assert people.locator("input").input_value() == "Врач"
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    people.locator("[data-forget]").first.click()
    saved(page)
    page.reload()
    assert people.locator("[data-name]").all_inner_texts() == ["Школа", "Опека"]


def test_a_cell_is_saved_while_it_is_still_being_typed_in(page: Any, draft: Draft) -> None:
    cell(page, draft.rows[0], "term").fill("май")
    assert page.locator("[data-status]").inner_text() != SAVED
    saved(page)
    assert page.evaluate("document.activeElement.dataset.field") == "term"


def test_a_wrong_cell_keeps_its_words_and_says_what_to_do(page: Any, draft: Draft) -> None:
    action = cell(page, draft.rows[1], "specialists_action")
    action.fill("")
    cell(page, "plan", "nature").fill("Другое")  # what is right beside it is saved all the same
    page.keyboard.press("Tab")
    note = row(page, draft.rows[1]).get_by_role("alert")
    note.wait_for()
    assert action.get_attribute("aria-describedby") == note.get_attribute("id")
    page.get_by_text("посмотрите на отмеченные места").wait_for()
    page.get_by_role("button", name="Показать").click()
    assert page.evaluate("document.activeElement.dataset.field") == "specialists_action"
    action.fill("Найти машину")
    page.keyboard.press("Tab")
    saved(page)
    assert note.count() == 0
    page.reload()
    assert cell(page, "plan", "nature").input_value() == "Другое"
    assert action.input_value() == "Найти машину"


# --- Goals and rows, by keys alone ------------------------------------------------------------------------


def test_goals_and_rows_are_added_moved_and_put_in_order_by_keys(page: Any, draft: Draft) -> None:
    page.locator("[data-add-goal]").press("Enter")
    page.keyboard.type("Мама отдыхает")
    page.keyboard.press("Control+Enter")
    page.keyboard.type("Найти время")
    saved(page)
    assert order(page) == [
        "Семья ездит на лечение", "Написать заявление", "Найти такси",
        "Аня учится", "Записать на комиссию", "Мама отдыхает", "Найти время",
    ]  # fmt: skip

    cell(page, draft.rows[0], "term").focus()
    page.keyboard.press("Alt+ArrowDown")
    assert page.evaluate("document.activeElement.dataset.field") == "term"  # the keyboard stays where it was
    page.keyboard.press("Alt+ArrowDown")  # into the next goal
    menu(page, draft.goals[1], "Переместить выше")
    menu(page, draft.rows[1], "К цели 3")
    saved(page)
    expected = [
        "Аня учится", "Написать заявление", "Записать на комиссию",
        "Семья ездит на лечение", "Мама отдыхает", "Найти время", "Найти такси",
    ]  # fmt: skip
    assert order(page) == expected
    assert page.locator("[data-number]").all_inner_texts() == ["1.", "2.", "3."]
    page.reload()
    assert order(page) == expected


def test_a_row_without_an_action_waits_and_says_so(page: Any, draft: Draft) -> None:
    page.locator("[data-add-row]").first.click()
    fresh = page.locator("tbody").first.locator("[data-of=row]").last
    fresh.locator("[data-field=term]").fill("до 20.04.2026")
    cell(page, "plan", "nature").focus()
    fresh.get_by_role("alert").wait_for()
    assert "до 20.04.2026" in (kept(page) or "")
    page.reload()  # it has not been lost with the page
    fresh.locator("[data-field=parents_action]").fill("Собрать справки")
    page.keyboard.press("Tab")
    saved(page)
    page.reload()
    assert fresh.locator("[data-field=parents_action]").input_value() == "Собрать справки"
    assert fresh.locator("[data-field=due_on]").input_value() == "2026-04-20"


@pytest.mark.parametrize("what", ["row", "goal"])
def test_what_was_deleted_is_taken_back(page: Any, draft: Draft, what: str) -> None:
    before = order(page)
    key, choice = {"row": (draft.rows[0], "Удалить строку"), "goal": (draft.goals[0], "Удалить цель")}[what]
    menu(page, key, choice)
    saved(page)
    assert row(page, key).count() == 0
    assert len(order(page)) == len(before) - (1 if what == "row" else 3)
    assert page.evaluate("document.activeElement.hasAttribute('data-undo')")
    page.keyboard.press("Enter")
    saved(page)
    assert order(page) == before
    page.reload()
    assert order(page) == before

    menu(page, key, choice)
    page.keyboard.press("Tab")  # not taken back
    saved(page)
    page.reload()
    assert row(page, key).count() == 0


# --- Several hands ----------------------------------------------------------------------------------------


def test_two_editors_of_one_cell_see_both_texts(
    page: Any, page_of: Open, make_user: Callable[..., Person], draft: Draft
) -> None:
    other = page_of(make_user(SUPERVISOR, name="Ясная Анна", **HOME))
    other.goto(draft.path)
    for mine, (field, keep) in {"май": ("term", True), "Дойти пешком": ("specialists_action", False)}.items():
        cell(other, draft.rows[1], field).fill(f"{mine}, по-другому")
        other.keyboard.press("Tab")
        saved(other)
        cell(page, draft.rows[1], field).fill(mine)
        page.keyboard.press("Tab")
        clash = page.locator(".clash")
        clash.wait_for()
        assert clash.locator("[data-mine]").inner_text() == mine
        assert clash.locator("[data-theirs]").inner_text() == f"{mine}, по-другому"
        assert cell(page, draft.rows[1], field).input_value() == mine
        clash.get_by_role("button", name="Оставить мой" if keep else "Взять другой").press("Enter")
        saved(page)
        assert clash.count() == 0
    page.reload()
    assert cell(page, draft.rows[1], "term").input_value() == "май"
    assert cell(page, draft.rows[1], "specialists_action").input_value() == "Дойти пешком, по-другому"


def test_the_changes_of_another_come_in_with_one_s_own(
    page: Any, page_of: Open, make_user: Callable[..., Person], draft: Draft
) -> None:
    other = page_of(make_user(SUPERVISOR, name="Ясная Анна", **HOME))
    other.goto(draft.path)
    cell(other, draft.rows[0], "result").fill("Заявление подано")
    menu(other, draft.rows[2], "К цели 1")
    other.locator("[data-add-goal]").press("Enter")
    other.keyboard.type("Мама отдыхает")
    other.keyboard.press("Tab")
    saved(other)
    cell(page, draft.rows[0], "term").fill("май")
    page.keyboard.press("Tab")
    saved(page)
    assert cell(page, draft.rows[0], "result").input_value() == "Заявление подано"
    assert order(page) == order(other)
    assert "Мама отдыхает" in order(page)


def test_what_another_deleted_meanwhile_is_put_back_or_let_go(
    page: Any, page_of: Open, make_user: Callable[..., Person], draft: Draft
) -> None:
    other = page_of(make_user(SUPERVISOR, name="Ясная Анна", **HOME))
    other.goto(draft.path)
    for key in draft.rows[:2]:
        menu(other, key, "Удалить строку")
    saved(other)
    for key in draft.rows[:2]:
        cell(page, key, "term").fill("май")
    page.keyboard.press("Tab")
    page.locator(".clash").nth(1).wait_for()
    page.get_by_role("button", name="Вернуть").first.click()
    page.locator(".clash [data-take]").click()
    saved(page)
    page.reload()
    assert cell(page, draft.rows[0], "term").input_value() == "май"
    assert row(page, draft.rows[1]).count() == 0


# --- Without a connection, and signed out -----------------------------------------------------------------


def test_what_is_typed_without_a_connection_is_saved_when_it_is_back(page: Any, draft: Draft) -> None:
    page.context.set_offline(True)
    cell(page, draft.rows[0], "term").fill("май")
    page.keyboard.press("Tab")
    page.get_by_text("нет связи").wait_for()
    page.locator("[data-add-row]").last.click()
    page.keyboard.type("Собрать справки")
    menu(page, draft.rows[1], "Удалить строку")
    menu(page, draft.goals[1], "Переместить выше")
    stored = kept(page) or ""
    assert "май" in stored and "Собрать справки" in stored
    page.context.set_offline(False)
    saved(page)
    assert kept(page) is None
    page.reload()
    assert cell(page, draft.rows[0], "term").input_value() == "май"
    assert order(page) == [
        "Аня учится", "Записать на комиссию", "Собрать справки",
        "Семья ездит на лечение", "Написать заявление",
    ]  # fmt: skip


def test_what_is_typed_survives_the_page_itself(page: Any, draft: Draft) -> None:
    page.context.set_offline(True)
    cell(page, draft.rows[0], "term").fill("май")
    page.keyboard.press("Tab")
    page.locator("[data-add-goal]").press("Enter")
    page.keyboard.type("Мама отдыхает")
    page.get_by_text("нет связи").wait_for()
    context, asked = page.context, []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    with page.expect_event("close"):
        page.close(run_before_unload=True)  # the browser asks first
    fresh = context.new_page()
    context.set_offline(False)
    fresh.goto(draft.path)
    saved(fresh)
    assert asked == ["beforeunload"]
    assert cell(fresh, draft.rows[0], "term").input_value() == "май"
    fresh.reload()
    assert cell(fresh, draft.rows[0], "term").input_value() == "май"
    assert order(fresh)[-1] == "Мама отдыхает"


def test_signed_out_one_signs_in_elsewhere_and_all_is_saved(page: Any, curator: Person, draft: Draft) -> None:
    page.context.clear_cookies()
    cell(page, draft.rows[0], "term").fill("май")
    page.keyboard.press("Tab")
    page.locator("[data-status] button").wait_for()
    assert "Не сохранено" in page.locator("[data-status]").inner_text()
    again = page.context.new_page()
    again.goto("/login/")
    again.fill("[name=login]", curator.login)
    again.fill("[name=password]", curator.password)
    again.press("[name=password]", "Enter")
    again.wait_for_url("**/")
    page.locator("[data-status] button").last.evaluate("() => window.dispatchEvent(new Event('focus'))")
    saved(page)
    again.goto(draft.path)
    assert cell(again, draft.rows[0], "term").input_value() == "май"


# --- The life of the plan ---------------------------------------------------------------------------------


def test_a_step_waits_for_what_is_being_typed(page: Any, draft: Draft) -> None:
    cell(page, draft.rows[0], "term").fill("май")
    page.get_by_role("link", name="Согласован с семьёй").click()
    page.get_by_role("button", name="Согласован с семьёй").click()
    page.wait_for_url(f"**{draft.path}")
    assert cell(page, draft.rows[0], "term").input_value() == "май"
    page.get_by_role("button", name="Ещё").click()
    assert page.get_by_role("link", name="Отменить план").is_visible()


def test_marks_of_an_approved_plan_and_nothing_else(
    app: Flask, page_of: Open, make_user: Callable[..., Person], draft: Draft
) -> None:
    advance(app, draft, "IN_FORCE")
    page = page_of(make_user(SUPERVISOR, **HOME))
    page.goto(draft.path)
    assert page.locator("textarea").count() == len(draft.rows)
    cell(page, draft.rows[0], "result").fill("Заявление подано")
    cell(page, draft.rows[0], "done_on").fill("2026-04-01")
    page.keyboard.press("Tab")
    saved(page)
    page.reload()
    assert cell(page, draft.rows[0], "result").input_value() == "Заявление подано"
    assert cell(page, draft.rows[0], "done_on").input_value() == "2026-04-01"


def test_approved_meanwhile_the_page_says_so_and_keeps_the_words(app: Flask, page: Any, draft: Draft) -> None:
    advance(app, draft, "APPROVED")
    cell(page, draft.rows[0], "term").fill("май")
    page.keyboard.press("Tab")
    page.get_by_text("Статус плана изменился").wait_for()
    assert cell(page, draft.rows[0], "term").input_value() == "май"
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.locator(".clash", has_text="май").wait_for()  # no place for it in the plan, and not thrown away


def test_a_specialist_finds_only_the_marks_to_write(
    app: Flask, page_of: Open, make_user: Callable[..., Person], curator: Person
) -> None:
    specialist = make_user(SPECIALIST, name="Психолог Ольга", **HOME)
    draft = make_draft(app, curator, specialist)
    page = page_of(specialist)
    page.goto(draft.path)
    assert page.locator("textarea").count() == len(draft.rows)
    cell(page, draft.rows[2], "result").fill("Записаны на 5 мая")
    page.keyboard.press("Tab")
    saved(page)


@pytest.mark.parametrize("width", [390, 1366])
def test_the_page_fits_a_telephone_and_a_desk(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_row_is_dragged_to_another_goal(page: Any, draft: Draft) -> None:
    row(page, draft.rows[0]).hover()
    row(page, draft.rows[0]).locator("[data-grip]").drag_to(row(page, draft.rows[2]), target_position={"x": 60, "y": 3})
    saved(page)
    page.reload()
    assert order(page) == [
        "Семья ездит на лечение", "Найти такси", "Аня учится", "Написать заявление", "Записать на комиссию",
    ]  # fmt: skip


def test_a_specialist_s_mark_for_a_row_deleted_meanwhile_is_not_lost(
    app: Flask, page_of: Open, make_user: Callable[..., Person], curator: Person
) -> None:
    specialist = make_user(SPECIALIST, name="Психолог Ольга", **HOME)
    draft = make_draft(app, curator, specialist)
    page, other = page_of(specialist), page_of(curator)
    for each in (page, other):
        each.goto(draft.path)
    menu(other, draft.rows[0], "Переместить ниже")
    menu(other, draft.rows[2], "Удалить строку")
    saved(other)
    cell(page, draft.rows[2], "result").fill("Записаны на 5 мая")
    page.keyboard.press("Tab")
    page.locator("[data-leftovers]", has_text="Записаны на 5 мая").wait_for()
    assert "Записаны на 5 мая" in (kept(page) or "")
    assert page.locator("[data-of=row]").evaluate_all("rows => rows.map((row) => row.dataset.record)") == [
        draft.rows[1], draft.rows[0],
    ]  # fmt: skip
    page.locator("[data-take]").click()
    saved(page)
    assert kept(page) is None


def test_a_row_deleted_before_it_was_saved_stays_deleted(page: Any, draft: Draft) -> None:
    page.route("**/table", lambda route: (page.wait_for_timeout(400), route.continue_()))
    page.locator("[data-add-row]").first.click()
    page.keyboard.type("Собрать справки")
    page.keyboard.press("Tab")  # on its way
    fresh = page.locator("tbody").first.locator("[data-of=row]").last
    menu(page, fresh.get_attribute("data-record"), "Удалить строку")
    page.keyboard.press("Tab")
    saved(page)
    page.unroute("**/table")
    page.reload()
    assert "Собрать справки" not in order(page)
