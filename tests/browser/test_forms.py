"""Forms in a real browser: nothing typed is lost, faults stand at their fields, a new record is made in passing."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select

from app.families.models import Family, Income, Member, MemberRole
from app.kernel.access import SignIn
from app.roles import SPECIALIST, SUPERVISOR
from app.territory.models import Staff
from tests.running import PASSWORD, Person, working

pytestmark = pytest.mark.browser


@pytest.fixture
def editor(make_user: Callable[..., Person]) -> Person:
    return make_user(SUPERVISOR, organisation="Тёплый дом", municipality="Озёрск", name="Лугова Вера")


@pytest.fixture
def family(app: Flask, editor: Person) -> int:
    with working(app) as session:
        family = Family(name="Ёлкины", organisation_id=editor.organisation_id, phone="спросить у соседки")
        family.members = [Member(name="Ёлкина Анна", role=MemberRole.PARENT)]
        family.incomes = [Income(source="Пенсия", amount=100)]
        session.add(family)
        session.commit()
        return family.id


@pytest.fixture
def page(page_of: Callable[[Person], Any], editor: Person) -> Any:
    return page_of(editor)


def stored(app: Flask, id_: int) -> Family:
    with working(app) as session:
        found = session.get_one(Family, id_)
        assert len(found.members) >= 0 and len(found.incomes) >= 0
        session.expunge_all()
        return found


def save(page: Any) -> None:
    page.locator("form.record-form button.btn-primary").last.click()


def sign_everybody_out(app: Flask) -> None:
    """As after half an hour of silence."""
    with working(app) as session:
        session.execute(delete(SignIn.__table__))
        session.commit()


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.name || document.activeElement.id"))


# --- Faults ---------------------------------------------------------------------------------------------------


def test_faults_stand_at_their_fields_and_above_and_the_first_has_the_focus(page: Any, family: int) -> None:
    page.goto(f"/family/{family}/edit")
    page.fill("[name=phone]", "8 900 000-01")
    page.fill("[name=address]", "улица, набранная с трудом")
    page.fill("[name=members-0-snils]", "112-233-445 94")
    page.fill("[name=incomes-0-amount]", "много")
    save(page)
    summary = page.locator("form [role=alert]", has_text="Пока не сохранено.")
    summary.wait_for()
    assert focused(page) == "phone"
    assert summary.locator("li").all_inner_texts() == [
        "Телефон — В телефоне 11 цифр вместе с кодом города или оператора, например +7 900 000-01-03.",
        "Члены семьи, 1: СНИЛС — Последние две цифры СНИЛС не сходятся с остальными: в номере опечатка.",
        "Доходы, 1: Сумма в месяц — Нужно число, например 6800 или 6800,50.",
    ]
    assert page.input_value("[name=phone]") == "8 900 000-01"
    assert page.input_value("[name=incomes-0-amount]") == "много"
    assert page.input_value("[name=address]") == "улица, набранная с трудом"
    assert page.get_attribute("[name=phone]", "aria-invalid") == "true"
    summary.get_by_role("link", name="СНИЛС").press("Enter")
    assert focused(page) == "members-0-snils"


def test_numbers_are_kept_in_one_form_and_old_ones_left_alone(app: Flask, page: Any, family: int) -> None:
    page.goto(f"/family/{family}/edit")
    page.fill("[name=members-0-phone]", "8(900)0000103")
    page.fill("[name=members-0-snils]", "112 233 445  95")
    page.fill("[name=members-0-iin]", "990101-300013")
    save(page)
    page.wait_for_url(f"**/family/{family}")
    found = stored(app, family)
    (member,) = found.members
    assert (member.phone, member.snils, member.iin) == ("+7 900 000-01-03", "112-233-445 95", "990101300013")
    assert found.phone == "спросить у соседки", "it was there before the rule, and nobody has touched it"


# --- Choices --------------------------------------------------------------------------------------------------


def test_nothing_is_chosen_for_the_person(page: Any) -> None:
    page.goto("/income/add")
    assert page.locator("[name=family] option:checked").get_attribute("value") == ""
    page.goto("/signal/add")
    assert page.locator("[name=risk]").input_value() == ""


def test_a_new_record_is_made_in_the_middle_of_a_form(app: Flask, page: Any) -> None:
    """By keyboard alone: nothing fits, Enter opens the form of the other, its mistakes stand at its fields."""
    page.goto("/income/add")
    page.fill("[name=source]", "Пенсия")
    page.fill("[name=amount]", "15000")
    page.locator("#family-ts-control").focus()
    page.keyboard.type("Берёзкины")
    page.locator(".ts-dropdown .create", has_text="Создать «Берёзкины»").wait_for()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog[open]")
    dialog.wait_for()
    assert focused(page) == "name" and dialog.locator("[name=name]").input_value() == "Берёзкины"
    dialog.locator("[name=phone]").fill("12")
    page.keyboard.press("Control+s")
    dialog.get_by_text("В телефоне 11 цифр").first.wait_for()
    assert focused(page) == "phone"
    dialog.locator("[name=phone]").fill("89000000103")
    page.keyboard.press("Enter")
    dialog.wait_for(state="detached")
    assert page.locator("#content .ts-wrapper .item").first.inner_text().startswith("Берёзкины")
    assert page.input_value("[name=source]") == "Пенсия" and page.input_value("[name=amount]") == "15000"
    save(page)
    page.wait_for_url(re.compile(r"/income/\d+$"))
    with working(app) as session:
        income = session.scalars(select(Income)).one()
        assert (income.family.name, income.family.phone) == ("Берёзкины", "+7 900 000-01-03")


def test_closing_the_dialog_asks_before_words_are_lost(page: Any) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss())[1])
    page.goto("/income/add")
    page.locator("#family-ts-control").focus()
    page.keyboard.type("Берёзкины")
    page.locator(".ts-dropdown .create").click()
    page.locator("dialog[open] [name=address]").fill("улица")
    page.locator("dialog[open] [data-leave-it]").click()
    assert asked == ["Набранное не сохранено. Всё равно закрыть?"]
    assert page.locator("dialog[open] [name=address]").input_value() == "улица"


def test_without_the_right_to_add_nothing_is_offered(
    app: Flask, family: int, make_user: Callable[..., Person], page_of: Callable[[Person], Any]
) -> None:
    page = page_of(make_user(SPECIALIST, organisation="Тёплый дом"))
    page.goto("/signal/add")
    page.locator("#family-ts-control").focus()
    page.keyboard.type("Совсем другие")
    page.get_by_text("Ничего не найдено").locator("visible=true").wait_for()
    assert not page.locator(".ts-dropdown .create, [data-create]").count()


# --- Child rows -----------------------------------------------------------------------------------------------


def test_a_removed_row_can_be_brought_back(app: Flask, page: Any, family: int) -> None:
    page.goto(f"/family/{family}/edit")
    members = page.locator("[data-rows=members]")
    members.locator("[data-remove-row]").click()
    assert members.get_by_text("будет убрана при сохранении").is_visible()
    assert not members.locator("[name=members-0-name]").is_visible()
    members.get_by_role("button", name="Вернуть строку").click()
    assert members.locator("[name=members-0-name]").is_visible()
    members.locator("[data-add-row]").last.click()
    members.locator("[name=members-1-name]").fill("Ёлкин Тимур")
    members.locator("[data-add-row]").first.click()
    assert members.locator("[data-row]").count() == 3
    members.locator("[data-remove-row]").last.click()
    assert members.locator("[data-row]").count() == 2, "an empty new row simply goes"
    page.locator("[data-rows=incomes] [data-remove-row]").click()
    save(page)
    page.wait_for_url(f"**/family/{family}")
    found = stored(app, family)
    assert [member.name for member in found.members] == ["Ёлкина Анна", "Ёлкин Тимур"] and not found.incomes


# --- Drafts ---------------------------------------------------------------------------------------------------


def kept(page: Any) -> list[str]:
    return list(page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft:'))"))


def crash(page: Any) -> Any:
    """The tab is gone without a word; another one of the same browser opens."""
    page.wait_for_function("Object.keys(localStorage).some((key) => key.startsWith('draft:'))")
    context = page.context
    page.close(run_before_unload=False)
    again = context.new_page()
    again.set_default_timeout(10_000)
    return again


def test_a_draft_survives_a_crash_with_its_rows_and_choices(app: Flask, page: Any, family: int) -> None:
    path = f"/family/{family}/edit"
    page.goto(path)
    page.fill("[name=notes]", "долгий рассказ")
    page.locator("[data-rows=members] [data-add-row]").first.click()
    page.fill("[name=members-1-name]", "Ёлкин Тимур")
    page.select_option("[name=members-1-role]", "RELATIVE")
    page.locator("[data-rows=incomes] [data-remove-row]").click()
    page.wait_for_timeout(500)
    page = crash(page)
    page.goto(path)
    offer = page.get_by_text("Есть несохранённый черновик от")
    assert re.search(r"от \d\d:\d\d\.$", offer.inner_text())
    assert page.input_value("[name=notes]") == ""
    page.get_by_role("button", name="Восстановить").click()
    assert page.input_value("[name=notes]") == "долгий рассказ"
    assert page.input_value("[name=members-1-name]") == "Ёлкин Тимур"
    assert page.input_value("[name=members-1-role]") == "RELATIVE"
    assert page.get_by_text("будет убрана при сохранении").locator("visible=true").count() == 1
    save(page)
    page.wait_for_url(f"**/family/{family}")
    assert kept(page) == []
    found = stored(app, family)
    assert found.notes == "долгий рассказ" and len(found.members) == 2 and not found.incomes


def test_a_draft_is_of_one_form_and_can_be_deleted(page: Any, family: int) -> None:
    page.goto("/signal/add")
    page.fill("[name=content]", "звонила соседка")
    page.wait_for_timeout(500)
    page = crash(page)
    page.goto(f"/family/{family}/edit")
    assert not page.get_by_text("несохранённый черновик").count()
    page.goto("/signal/add")
    page.locator("[data-drop]").click()
    assert kept(page) == [] and page.input_value("[name=content]") == ""


def test_old_drafts_go_by_themselves(page: Any) -> None:
    page.goto("/")
    user = page.locator("template[data-signing]").get_attribute("data-user")
    days = "Date.now() - 24 * 60 * 60 * 1000 *"
    for age in (2, 4):
        page.evaluate(f"localStorage.setItem('draft:{user}:/x:{age}', JSON.stringify({{at: {days} {age}, state: []}}))")
    page.goto("/")
    assert kept(page) == [f"draft:{user}:/x:2"]


def test_signing_out_leaves_no_draft_behind(page: Any) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept())[1])
    page.goto("/signal/add")
    page.fill("[name=content]", "звонила соседка")
    page.wait_for_timeout(500)
    assert kept(page)
    page.locator("form[data-sign-out] button").dispatch_event("click")
    page.wait_for_url("**/login/")
    assert asked == ["В этом браузере есть несохранённые черновики: 1. При выходе они удалятся. Выйти?"]
    assert kept(page) == []


def test_leaving_with_unsaved_words_is_asked_about(page: Any, family: int) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss())[1])
    page.goto(f"/family/{family}/edit")
    page.fill("[name=notes]", "рассказ")
    page.locator("[data-cancel]").click()
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"] and page.input_value("[name=notes]") == "рассказ"
    page.fill("[name=notes]", "")
    page.locator("[data-cancel]").click()
    page.wait_for_url(f"**/family/{family}")
    assert asked == ["beforeunload"], "what was put back is no change"


# --- The session has ended ------------------------------------------------------------------------------------


def test_saving_after_the_session_has_ended_asks_for_the_password_and_goes_on(
    app: Flask, page: Any, family: int
) -> None:
    page.goto(f"/family/{family}/edit")
    page.fill("[name=notes]", "рассказ на полчаса")
    sign_everybody_out(app)
    page.keyboard.press("Control+s")
    dialog = page.locator("[data-sign-in-again]")
    dialog.wait_for()
    assert focused(page) == "password"
    page.keyboard.type("не тот пароль")
    page.keyboard.press("Enter")
    dialog.get_by_text("Неверное имя или пароль").or_(dialog.get_by_text("Неверный")).first.wait_for()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/family/{family}")
    assert stored(app, family).notes == "рассказ на полчаса"


def test_not_signing_in_keeps_the_words(app: Flask, page: Any, family: int) -> None:
    page.goto(f"/family/{family}/edit")
    page.fill("[name=notes]", "рассказ")
    sign_everybody_out(app)
    save(page)
    page.get_by_role("button", name="Не сейчас").click()
    page.get_by_text("Не сохранено: вы не вошли.").wait_for()
    assert page.input_value("[name=notes]") == "рассказ" and kept(page)


def test_a_form_is_never_sent_under_another_name(
    app: Flask, page: Any, family: int, make_user: Callable[..., Person]
) -> None:
    other = make_user(SUPERVISOR, organisation="Тёплый дом", name="Смирнов Пётр")
    page.goto(f"/family/{family}/edit")
    page.fill("[name=notes]", "от Веры")
    tab = page.context.new_page()
    tab.on("dialog", lambda dialog: dialog.accept())
    tab.goto("/")
    tab.locator("form[data-sign-out] button").dispatch_event("click")
    tab.fill("[name=login]", other.login)
    tab.fill("[name=password]", PASSWORD)
    tab.press("[name=password]", "Enter")
    tab.wait_for_url("**/")
    page.bring_to_front()
    save(page)
    page.get_by_text("В этом браузере тем временем вошёл другой человек: Смирнов Пётр.").wait_for()
    assert stored(app, family).notes is None
    page.locator("[data-sign-in-again] [name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/family/{family}")
    with working(app) as session:
        from app.kernel.history import Change

        assert session.scalars(select(Change.user).where(Change.field == "notes")).all() == ["Лугова Вера"]


def test_without_a_connection_nothing_is_lost(page: Any, family: int) -> None:
    page.goto(f"/family/{family}/edit")
    page.fill("[name=notes]", "рассказ")
    page.context.set_offline(True)
    save(page)
    page.get_by_text("Нет связи с сервером.").wait_for()
    page.context.set_offline(False)
    save(page)
    page.wait_for_url(f"**/family/{family}")


def test_without_scripts_a_form_works_as_ever(
    app: Flask, chromium: Any, site: str, editor: Person, family: int
) -> None:
    context = chromium.new_context(java_script_enabled=False, base_url=site, locale="ru-RU")
    page = context.new_page()
    page.goto("/login/")
    page.fill("[name=login]", editor.login)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.goto(f"/family/{family}/edit")
    page.fill("[name=notes]", "без сценариев")
    page.fill("[name=phone]", "12")
    save(page)
    assert page.get_by_text("В телефоне 11 цифр").count() == 2
    page.fill("[name=phone]", "")
    save(page)
    page.wait_for_url(f"**/family/{family}")
    context.close()
    assert stored(app, family).notes == "без сценариев"


# --- Two editors ----------------------------------------------------------------------------------------------


def test_two_editors_see_both_texts_side_by_side_and_take_what_they_need(
    app: Flask, page: Any, family: int, make_user: Callable[..., Person], page_of: Callable[[Person], Any]
) -> None:
    with working(app) as session:
        place = session.scalars(select(Staff.municipality_id).where(Staff.name == "Лугова Вера")).one()
    other = page_of(make_user(SUPERVISOR, organisation="Тёплый дом", municipality="Озёрск", name="Смирнов Пётр"))
    page.goto(f"/family/{family}/edit")
    other.goto(f"/family/{family}/edit")
    other.fill("[name=address]", "улица Петра")
    other.fill("[name=notes]", "заметка Петра")
    other.locator("#municipality-ts-control").focus()
    other.keyboard.type("Озёрск")
    other.locator(".ts-dropdown .option", has_text="Озёрск").first.click()
    other.fill("[name=members-0-born_on]", "1990-05-09")
    save(other)
    other.wait_for_url(f"**/family/{family}")

    page.fill("[name=address]", "улица Веры")
    page.fill("[name=members-0-kinship]", "мама")
    save(page)
    page.get_by_text("Сохранённое стоит рядом с вашим текстом").wait_for()
    boxes = page.locator(".both")
    assert boxes.locator("text=/Сохранено: Смирнов Пётр, \\d\\d/").count() == boxes.count() >= 4
    mine, theirs = (
        page.locator(".both", has=page.locator("[name=address]")).locator(place)
        for place in (":scope > :nth-child(1)", ":scope > :nth-child(2)")
    )
    assert abs(mine.bounding_box()["y"] - theirs.bounding_box()["y"]) < 5, "side by side"
    for name in ("notes", "municipality", "members-0-born_on"):
        page.locator(f"[data-take={name}]").click()
    assert page.input_value("[name=notes]") == "заметка Петра"
    save(page)
    page.wait_for_url(f"**/family/{family}")
    found = stored(app, family)
    assert (found.address, found.notes, found.municipality_id) == ("улица Веры", "заметка Петра", place)
    (member,) = found.members
    assert (member.kinship, member.born_on) == ("мама", dt.date(1990, 5, 9))


# --- How it looks ---------------------------------------------------------------------------------------------


def test_a_browser_of_another_country_shows_days_as_here_too(
    app: Flask, chromium: Any, site: str, editor: Person, family: int
) -> None:
    context = chromium.new_context(base_url=site, locale="en-US")
    page = context.new_page()
    page.goto("/login/")
    page.fill("[name=login]", editor.login)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.goto(f"/family/{family}/edit")
    page.fill("[name=members-0-born_on]", "1990-05-09")
    assert page.get_by_text("09.05.1990").is_visible()
    context.close()


def test_no_such_hint_where_days_are_written_as_here(page: Any, family: int) -> None:
    page.goto(f"/family/{family}/edit")
    page.fill("[name=members-0-born_on]", "1990-05-09")
    assert not page.get_by_text("09.05.1990").count()


def test_inputs_of_a_row_are_of_one_height(page: Any) -> None:
    page.goto("/signal/add")
    heights = {
        page.locator(selector).first.bounding_box()["height"]
        for selector in ("[name=number]", "[name=source]", ".ts-wrapper.form-select", "[name=received_at]")
    }
    assert max(heights) - min(heights) <= 1, heights


@pytest.mark.parametrize("path", ["/family/{}/edit", "/signal/add", "/case/add"])
def test_on_a_telephone_a_form_is_one_column_and_nothing_sticks_out(page: Any, family: int, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(path.format(family))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    lefts = {
        round(box["x"])
        for box in (one.bounding_box() for one in page.locator(".record-form .card-body .form-control:visible").all())
    }
    assert len(lefts) == 1, lefts


def test_the_bar_with_the_button_does_not_cover_the_field_that_has_the_focus(page: Any, family: int) -> None:
    page.emulate_media(reduced_motion="reduce")  # no gliding: where the page stands is where it stays
    page.goto(f"/family/{family}/edit")
    inputs = page.locator(".record-form :is(input, textarea, select):not([type=hidden]):visible").count()
    page.locator("[name=name]").focus()
    for _ in range(inputs):
        page.keyboard.press("Tab")
        covered = page.evaluate("""() => {
            const bar = document.querySelector('.sticky-actions');
            const field = document.activeElement;
            if (!field.matches('input, textarea, select') || bar.contains(field)) return '';
            const one = field.getBoundingClientRect(), other = bar.getBoundingClientRect();
            return one.bottom > other.top + 1 ? field.name || field.id : '';
        }""")
        assert not covered, covered
