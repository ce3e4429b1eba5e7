"""The plan's table through the browser's door: cells, goals and rows, several hands, and who may do what."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from app.kernel.history import Change, ChangeKind
from app.plans import table
from app.plans.models import CLOSED_FAULT, FROZEN_FAULT, IN_JOURNAL_FAULT, Activity, Goal, Plan
from app.roles import ADMINISTRATOR, ANALYST, CURATOR, SECRETARY, SPECIALIST, SUPERVISOR
from tests.plans.plan import Draft, advance, cell, goal_of, make_draft, order_of, ordered, row_of, state
from tests.running import Person, login, statements, working

MakeUser = Callable[..., Person]
HOME = {"organisation": "Искорка", "municipality": "Пермь"}


@pytest.fixture
def curator(make_user: MakeUser) -> Person:
    return make_user(CURATOR, name="Лугова Вера", **HOME)


@pytest.fixture
def specialist(make_user: MakeUser) -> Person:
    return make_user(SPECIALIST, name="Психолог Ольга", **HOME)


@pytest.fixture
def draft(app: Flask, curator: Person, specialist: Person) -> Draft:
    return make_draft(app, curator, specialist)


@pytest.fixture
def vera(app: Flask, curator: Person, draft: Draft) -> FlaskClient:
    """The browser of the curator whose plan it is."""
    return login(app.test_client(), curator)


@pytest.fixture
def anna(app: Flask, make_user: MakeUser, draft: Draft) -> FlaskClient:
    """The browser of her supervisor, who has the same plan open."""
    return login(app.test_client(), make_user(SUPERVISOR, name="Ясная Анна", **HOME))


def post(client: FlaskClient, draft: Draft, **change: Any) -> Any:
    return client.post(draft.path, json=change)


def new_key() -> str:
    return uuid4().hex


def added(goal: str | None, key: str, **values: str) -> dict[str, Any]:
    return {"key": key, "goal": goal, "values": values}


# --- The page ---------------------------------------------------------------------------------------------


def test_the_page_shows_the_plan_as_its_form_does(vera: FlaskClient, draft: Draft) -> None:
    page = vera.get(draft.path)
    assert page.status_code == 200
    for words in ("Ёлкина Аня", "Мама одна", "Аня лечится", "1.", "Семья ездит на лечение", "Написать заявление",
                  "до 15.04.2026", "Записать на комиссию", "Школа", "Лугова Вера"):  # fmt: skip
        assert words in page.text
    assert 'name="csrf-token"' in page.text
    assert f"/plan/{draft.id}/print/plan.pdf" in page.text and f"/plan/{draft.id}/print/plan.docx" in page.text


def test_names_offered_are_the_parents_the_case_and_those_named_before(vera: FlaskClient, draft: Draft) -> None:
    offered = re.findall(r'<option value="([^"]*)">', vera.get(draft.path).text)
    assert offered == ["Parents", "Лугова Вера", "Психолог Ольга", "Родители", "Школа"]


def test_the_page_costs_the_same_for_a_longer_plan(app: Flask, vera: FlaskClient, draft: Draft) -> None:
    vera.get(draft.path)
    with statements(app) as few:
        vera.get(draft.path)
    rows = [added(draft.goals[0], new_key(), parents_action=f"Шаг {n}", responsible=f"Имя {n}") for n in range(40)]
    assert post(vera, draft, add=rows).status_code == 200
    with statements(app) as many:
        vera.get(draft.path)
    assert len(many) == len(few)


@pytest.mark.parametrize("path", ["/plan/{}/table", "/plan/{}/move/AGREED", "/plan/{}/revise"])
def test_a_plan_out_of_reach_is_not_there(app: Flask, make_user: MakeUser, draft: Draft, path: str) -> None:
    other = login(app.test_client(), make_user(CURATOR, organisation="Другая", municipality="Орёл"))
    for number in (draft.id, 999_999, 2**40):
        assert other.get(path.format(number)).status_code == 404
        assert other.post(path.format(number), json={}).status_code == 404


def test_a_stranger_is_sent_to_sign_in(client: FlaskClient, draft: Draft) -> None:
    assert client.get(draft.path).status_code == 302
    assert client.post(draft.path, json={}).status_code == 302


# Who: opens the page, writes words, writes marks, takes steps, makes the next version
RIGHTS = {
    ADMINISTRATOR: (200, 200, 200, 302, 302),
    SUPERVISOR: (200, 200, 200, 302, 302),
    CURATOR: (200, 200, 200, 302, 302),
    SPECIALIST: (200, 403, 200, 403, 403),
    SECRETARY: (200, 403, 403, 403, 403),
    ANALYST: (403, 403, 403, 403, 403),
}


@pytest.mark.parametrize("role", RIGHTS)
def test_who_may_do_what(
    app: Flask, make_user: MakeUser, curator: Person, specialist: Person, draft: Draft, role: str
) -> None:
    known = {CURATOR: curator, SPECIALIST: specialist}
    client = login(app.test_client(), known.get(role) or make_user(role, **HOME))
    word, mark = cell(draft.rows[0], "term", "май", "до 15.04.2026"), cell(draft.rows[0], "result", "Сделано")
    answers = (
        client.get(draft.path),
        post(client, draft, set=[word]),
        post(client, draft, set=[mark]),
        client.post(f"/plan/{draft.id}/move/CANCELLED", data={"version": _version(app, draft)}),
        client.post(f"/plan/{draft.id}/revise", data={"reason": "надо"}),  # refused by the rules, and said so
    )
    assert tuple(answer.status_code for answer in answers) == RIGHTS[role]


@pytest.mark.parametrize("change", [
    {"add": [{"key": "0" * 32, "goal": None, "values": {"text": "Цель"}}]},
    {"order": [{"key": "0" * 32, "rows": []}]},
    {"remove": {"0" * 32: 1}},
    {"set": [cell("plan", "nature", "Другое", "Мама одна")]},
])  # fmt: skip
def test_a_specialist_writes_marks_alone(app: Flask, specialist: Person, draft: Draft, change: dict[str, Any]) -> None:
    client = login(app.test_client(), specialist)
    assert post(client, draft, **change).status_code == 403
    assert "data-add-row" not in client.get(draft.path).text


def test_reading_the_rows_takes_the_permission_to_read_them(app: Flask, vera: FlaskClient, draft: Draft) -> None:
    _take_away(app, "can_show", "Activity")
    assert vera.get(draft.path).status_code == 403


def _take_away(app: Flask, permission: str, resource: str) -> None:
    with working(app) as session:
        session.execute(text(
            "DELETE FROM ab_permission_view_role WHERE permission_view_id IN (SELECT pv.id FROM ab_permission_view pv "
            "JOIN ab_permission p ON p.id = pv.permission_id JOIN ab_view_menu m ON m.id = pv.view_menu_id "
            "WHERE p.name = :permission AND m.name = :resource)"
        ), {"permission": permission, "resource": resource})  # fmt: skip
        session.commit()


def _version(app: Flask, draft: Draft) -> int:
    with working(app) as session:
        return int(session.get_one(Plan, draft.id).version)


# --- Cells ------------------------------------------------------------------------------------------------


def test_cells_of_the_plan_a_goal_and_a_row_are_written(vera: FlaskClient, draft: Draft) -> None:
    answer = post(vera, draft, set=[
        cell("plan", "nature", " Мама осталась одна ", "Мама одна"),
        cell(draft.goals[1], "text", "Аня учится читать", "Аня учится"),
        cell(draft.goals[1], "heading", "Учёба"),
        cell(draft.rows[0], "specialists_action", "Помочь с заявлением"),
        cell(draft.rows[0], "done_on", "2026-04-01"),
    ])  # fmt: skip
    assert answer.status_code == 200
    for stored in (answer.json["state"], state(vera, draft)):
        assert stored["plan"]["nature"] == "Мама осталась одна"
        assert goal_of(stored, draft.goals[1])["text"] == "Аня учится читать"
        assert goal_of(stored, draft.goals[1])["heading"] == "Учёба"
        row = row_of(stored, draft.rows[0])
        assert (row["specialists_action"], row["done_on"]) == ("Помочь с заявлением", "2026-04-01")
        assert row["parents_action"] == "Написать заявление"


def test_what_was_written_stands_in_the_history_under_a_name(app: Flask, vera: FlaskClient, draft: Draft) -> None:
    post(vera, draft, set=[cell(draft.rows[0], "term", "май", "до 15.04.2026")])
    with working(app) as session:
        lines = session.scalars(select(Change).where(Change.entity == "activity", Change.kind == ChangeKind.CHANGED))
        found = {(line.field, line.old, line.new, line.user) for line in lines}
    assert ("term", "до 15.04.2026", "май", "Лугова Вера") in found
    assert ("due_on", None, "2026-05-31", "Лугова Вера") in found
    assert {field for field, *_ in found} == {"term", "due_on"}


@pytest.mark.parametrize(("first", "typed", "then", "expected"), [
    ("до 15.04.2026", "", "до 20.04.2026", "2026-04-20"),  # the day follows the words
    ("до 15.04.2026", "", "по мере необходимости", ""),
    ("до 15.04.2026", "2026-04-10", "до 20.04.2026", "2026-04-10"),  # a day that somebody chose stays
])  # fmt: skip
def test_the_due_date_follows_the_words(
    vera: FlaskClient, draft: Draft, first: str, typed: str, then: str, expected: str
) -> None:
    row = draft.rows[1]
    post(vera, draft, set=[cell(row, "term", first, "по мере необходимости")])
    assert row_of(state(vera, draft), row)["due_on"] == "2026-04-15"
    if typed:
        post(vera, draft, set=[cell(row, "due_on", typed, "2026-04-15")])
    post(vera, draft, set=[cell(row, "term", then, first)])
    assert row_of(state(vera, draft), row)["due_on"] == expected


def test_term_and_day_typed_together_are_both_kept(vera: FlaskClient, draft: Draft) -> None:
    row = draft.rows[1]
    cells = [cell(row, "term", "до 15.04.2026", "по мере необходимости"), cell(row, "due_on", "2026-04-01")]
    assert post(vera, draft, set=cells).status_code == 200
    assert row_of(state(vera, draft), row)["due_on"] == "2026-04-01"


@pytest.mark.parametrize(("key", "name", "value", "was", "message"), [
    ("row", "specialists_action", "", "Найти такси", "Say what the parents or the specialists do."),
    ("row", "term", "долго " * 40, "по мере необходимости", "Too long: at most 200 characters."),
    ("row", "due_on", "2026-02-31", "", "A date is expected, such as 31.12.2026."),
    ("row", "done_on", "3026-01-01", "", "A date is expected, such as 31.12.2026."),
    ("goal", "text", " ", "Аня учится", "Fill in this field."),
])  # fmt: skip
def test_a_wrong_cell_is_refused_with_the_remedy_and_nothing_of_its_batch_is_written(
    vera: FlaskClient, draft: Draft, key: str, name: str, value: str, was: str, message: str
) -> None:
    key = draft.rows[1] if key == "row" else draft.goals[1]
    before = state(vera, draft)
    answer = post(vera, draft, set=[cell("plan", "nature", "Другое", "Мама одна"), cell(key, name, value, was)])
    assert answer.status_code == 422
    assert answer.json["wrong"] == [{"key": key, "field": name, "message": message}]
    assert answer.json["state"] == before == state(vera, draft)


@pytest.mark.parametrize("body", [
    None, [], "text", 7, {"set": {}}, {"set": [1]}, {"set": [{"key": "plan"}]},
    {"set": [cell("plan", "status", "APPROVED", "DRAFT")]},
    {"set": [cell("plan", "case_id", "2", "1")]},
    {"set": [{**cell("plan", "nature", "x"), "value": None}]},
    {"set": [cell("1; DROP", "nature", "x")]},
    {"add": [{"key": "short", "goal": None, "values": {}}]},
    {"add": [{"key": "0" * 32, "goal": None, "values": {"number": "3"}}]},
    {"add": [{"key": "0" * 32, "goal": None}]}, {"add": [{"key": "plan", "goal": None, "values": {"text": "x"}}]},
    {"order": [{"key": "0" * 32}]}, {"order": {"a": 1}}, {"remove": [1]}, {"remove": {"x": 1}},
    {"remove": {"0" * 32: "1"}}, {"set": [cell("plan", "nature", "x")] * 3000},
])  # fmt: skip
def test_what_no_page_of_ours_sends_is_refused(vera: FlaskClient, draft: Draft, body: Any) -> None:
    before = state(vera, draft)
    assert vera.post(draft.path, json=body).status_code == 400
    assert state(vera, draft) == before


def test_without_the_page_s_token_nothing_is_written(
    vera: FlaskClient, draft: Draft, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("csrf_app")  # on from here: she has signed in already
    words = [cell("plan", "nature", "Другое", "Мама одна")]
    assert post(vera, draft, set=words).status_code == 400
    found = re.search('name="csrf-token" content="([^"]*)"', vera.get(draft.path).text)
    assert found is not None
    answer = vera.post(draft.path, json={"set": words}, headers={"X-CSRFToken": found[1]})
    assert answer.status_code == 200


def test_a_goal_is_not_added_under_the_name_of_a_row(vera: FlaskClient, draft: Draft) -> None:
    assert post(vera, draft, add=[added(None, draft.rows[0], text="Цель")]).status_code == 400
    assert post(vera, draft, add=[added(draft.goals[0], draft.goals[1], term="май")]).status_code == 400


# --- Goals and rows ---------------------------------------------------------------------------------------


def test_goals_and_rows_are_added_where_the_page_has_them(vera: FlaskClient, draft: Draft) -> None:
    (one, two), (a, b, c), goal, row, under = draft.goals, draft.rows, new_key(), new_key(), new_key()
    answer = post(
        vera,
        draft,
        add=[
            added(None, goal, text="Мама отдыхает", heading=""),
            added(goal, under, parents_action="Найти время", term="до 15.04.2026"),
            added(one, row, specialists_action="Позвонить", responsible="Школа"),
        ],
        order=ordered((one, [a, row, b]), (goal, [under]), (two, [c])),
    )
    assert answer.status_code == 200
    stored = answer.json["state"]
    assert order_of(stored) == [(one, [a, row, b]), (goal, [under]), (two, [c])] == order_of(state(vera, draft))
    assert [each["number"] for each in stored["goals"]] == [1, 2, 3]
    assert row_of(stored, under)["due_on"] == "2026-04-15"


def test_a_batch_whose_answer_was_lost_is_sent_again_and_adds_nothing_twice(
    app: Flask, vera: FlaskClient, draft: Draft
) -> None:
    goal, row = new_key(), new_key()
    change: dict[str, Any] = {
        "add": [added(None, goal, text="Цель"), added(goal, row, parents_action="Шаг")],
        "set": [cell(draft.rows[0], "term", "май", "до 15.04.2026")],
        "remove": {draft.rows[1]: row_of(state(vera, draft), draft.rows[1])["version"]},
    }
    first = post(vera, draft, **change)
    again = post(vera, draft, **change)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json["state"] == first.json["state"]
    # What was typed on between the two goes in with the second.
    change["add"][1]["values"]["parents_action"] = "Шаг вперёд"
    assert post(vera, draft, **change).status_code == 200
    assert row_of(state(vera, draft), row)["parents_action"] == "Шаг вперёд"


def test_a_row_moves_and_goals_change_places(vera: FlaskClient, draft: Draft) -> None:
    (one, two), (a, b, c) = draft.goals, draft.rows
    assert post(vera, draft, order=ordered((two, [c, a]), (one, [b]))).status_code == 200
    stored = state(vera, draft)
    assert order_of(stored) == [(two, [c, a]), (one, [b])]
    assert [goal["number"] for goal in stored["goals"]] == [1, 2]


def test_what_an_order_does_not_know_of_stays_under_its_goal(
    vera: FlaskClient, anna: FlaskClient, draft: Draft
) -> None:
    (one, two), (a, b, c), hers, goal = draft.goals, draft.rows, new_key(), new_key()
    post(anna, draft, add=[added(one, hers, parents_action="Шаг"), added(None, goal, text="Цель")])
    assert post(vera, draft, order=ordered((two, [c]), (one, [b, a]))).status_code == 200
    assert order_of(state(vera, draft)) == [(two, [c]), (one, [b, a, hers]), (goal, [])]


def test_a_row_and_a_goal_are_removed_each_with_its_line_in_the_history(
    app: Flask, vera: FlaskClient, draft: Draft
) -> None:
    stored = state(vera, draft)
    versions = {draft.goals[0]: goal_of(stored, draft.goals[0])["version"]}
    versions |= {key: row_of(stored, key)["version"] for key in draft.rows[:2]}
    answer = post(vera, draft, remove=versions)
    assert answer.status_code == 200
    assert order_of(answer.json["state"]) == [(draft.goals[1], [draft.rows[2]])]
    assert answer.json["state"]["goals"][0]["number"] == 1
    with working(app) as session:
        deleted = session.scalars(select(Change).where(Change.kind == ChangeKind.DELETED)).all()
        assert {line.old for line in deleted if line.field in ("text", "parents_action", "specialists_action")} >= {
            "Семья ездит на лечение", "Написать заявление", "Найти такси",
        }  # fmt: skip
        assert session.query(Goal).count() == 1 and session.query(Activity).count() == 1


def test_taking_a_deletion_back_brings_goal_and_rows_under_their_names(vera: FlaskClient, draft: Draft) -> None:
    before = state(vera, draft)
    goal = goal_of(before, draft.goals[0])
    post(vera, draft, remove={each["key"]: each["version"] for each in (goal, *goal["rows"])})
    words = ("parents_action", "specialists_action", "term", "due_on", "responsible", "done_on", "result")
    answer = post(
        vera,
        draft,
        add=[
            added(None, goal["key"], text=goal["text"], heading=goal["heading"]),
            *(added(goal["key"], row["key"], **{name: row[name] for name in words}) for row in goal["rows"]),
        ],
        order=ordered(*order_of(before)),
    )
    assert answer.status_code == 200

    def bare(stored: dict[str, Any]) -> Any:
        return [
            {name: [{key: row[key] for key in words} for row in value] if name == "rows" else value
             for name, value in each.items() if name != "version"}
            for each in stored["goals"]
        ]  # fmt: skip

    assert bare(answer.json["state"]) == bare(before)


def test_a_row_moved_away_is_not_deleted_with_its_old_goal(vera: FlaskClient, draft: Draft) -> None:
    (one, two), (a, b, c) = draft.goals, draft.rows
    stored = state(vera, draft)
    answer = post(
        vera,
        draft,
        order=ordered((two, [c, a, b])),
        remove={one: goal_of(stored, one)["version"]},
    )
    assert answer.status_code == 200
    assert order_of(answer.json["state"]) == [(two, [c, a, b])]


def test_a_goal_under_which_work_is_recorded_stays(app: Flask, vera: FlaskClient, draft: Draft) -> None:
    from app.journal.models import Contact

    with working(app) as session:
        goal = session.scalars(select(Goal).where(Goal.uid == draft.goals[1])).one()
        session.add(Contact(case_id=draft.case_id, event="Звонок", goals=[goal]))
        session.commit()
        number = goal.id
    stored = state(vera, draft)
    versions = {key: row_of(stored, key)["version"] for key in draft.rows[2:]}
    answer = post(vera, draft, remove={draft.goals[1]: goal_of(stored, draft.goals[1])["version"], **versions})
    assert answer.status_code == 422
    assert answer.json["wrong"] == [{"key": draft.goals[1], "field": "", "message": IN_JOURNAL_FAULT}]
    assert vera.post(f"/goal/{number}/delete").status_code == 302
    assert vera.delete(f"/api/v1/goal/{number}").status_code == 409
    assert order_of(state(vera, draft)) == order_of(stored)


# --- Several hands ----------------------------------------------------------------------------------------


def test_two_people_in_one_cell_see_both_texts(vera: FlaskClient, anna: FlaskClient, draft: Draft) -> None:
    key = draft.rows[0]
    assert post(anna, draft, set=[cell(key, "term", "май", "до 15.04.2026")]).status_code == 200
    answer = post(vera, draft, set=[
        cell("plan", "main_goal", "Аня здорова", "Аня лечится"),
        cell(key, "term", "июнь", "до 15.04.2026"),
    ])  # fmt: skip
    assert answer.status_code == 409
    assert answer.json["cells"] == [{"key": key, "field": "term", "stored": "май"}]
    stored = state(vera, draft)
    assert row_of(stored, key)["term"] == "май"
    assert stored["plan"]["main_goal"] == "Аня лечится"  # all of a batch, or nothing
    # Having seen both, she keeps hers.
    assert post(vera, draft, set=[cell(key, "term", "июнь", "май")]).status_code == 200
    assert row_of(state(vera, draft), key)["term"] == "июнь"


def test_two_people_in_two_cells_of_a_row_do_not_hinder_each_other(
    vera: FlaskClient, anna: FlaskClient, draft: Draft
) -> None:
    key = draft.rows[0]
    post(anna, draft, set=[cell(key, "responsible", "Школа", "Родители")])
    assert post(vera, draft, set=[cell(key, "specialists_action", "Помочь")]).status_code == 200
    row = row_of(state(vera, draft), key)
    assert (row["responsible"], row["specialists_action"]) == ("Школа", "Помочь")


def test_the_same_words_are_no_conflict(vera: FlaskClient, anna: FlaskClient, draft: Draft) -> None:
    for client in (anna, vera):
        words = [cell(draft.rows[1], "specialists_action", "Найти машину", "Найти такси")]
        assert post(client, draft, set=words).status_code == 200


def test_what_another_deleted_is_told_to_be_gone(vera: FlaskClient, anna: FlaskClient, draft: Draft) -> None:
    stored = state(anna, draft)
    versions = {draft.goals[1]: goal_of(stored, draft.goals[1])["version"]}
    post(anna, draft, remove=versions | {draft.rows[2]: row_of(stored, draft.rows[2])["version"]})
    typed = post(vera, draft, set=[cell(draft.rows[2], "specialists_action", "Иначе", "Записать на комиссию")])
    assert (typed.status_code, typed.json["gone"]) == (409, [draft.rows[2]])
    under = post(vera, draft, add=[added(draft.goals[1], new_key(), parents_action="Шаг")])
    assert (under.status_code, under.json["gone"]) == (409, [draft.goals[1]])


def test_what_another_has_just_changed_is_not_deleted(vera: FlaskClient, anna: FlaskClient, draft: Draft) -> None:
    stored = state(vera, draft)
    post(anna, draft, set=[cell(draft.rows[0], "result", "Написали")])
    answer = post(vera, draft, remove={draft.rows[0]: row_of(stored, draft.rows[0])["version"]})
    assert (answer.status_code, answer.json["changed"]) == (409, [draft.rows[0]])
    assert row_of(state(vera, draft), draft.rows[0])["result"] == "Написали"


def test_a_goal_is_not_deleted_over_a_row_that_another_has_put_there(
    vera: FlaskClient, anna: FlaskClient, draft: Draft
) -> None:
    stored, hers = state(vera, draft), new_key()
    post(anna, draft, add=[added(draft.goals[1], hers, parents_action="Шаг")])
    goal = goal_of(stored, draft.goals[1])
    answer = post(vera, draft, remove={each["key"]: each["version"] for each in (goal, *goal["rows"])})
    assert (answer.status_code, answer.json["changed"]) == (409, [draft.goals[1]])
    assert row_of(state(vera, draft), hers)["parents_action"] == "Шаг"


def test_nothing_slips_into_a_plan_that_is_approved_at_the_same_moment(
    app: Flask, vera: FlaskClient, draft: Draft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan is approved between the reading and the writing of a batch: the batch begins anew, and is refused."""
    from app.preparation import engine_of

    real, tries = table.save, []

    def overtaken(session: Any, *records: Any) -> None:
        tries.append(1)
        if len(tries) == 1:
            plan = Plan.__table__
            with engine_of(app).begin() as connection:
                connection.execute(update(plan).where(plan.c.id == draft.id).values(
                    status="APPROVED", approved_on=dt.date(2026, 3, 3), version=plan.c.version + 1,
                ))  # fmt: skip
        real(session, *records)

    monkeypatch.setattr(table, "save", overtaken)
    answer = post(vera, draft, set=[cell(draft.rows[0], "term", "май", "до 15.04.2026")])
    assert len(tries) == 2
    assert answer.status_code == 422
    assert answer.json["wrong"][0]["message"] == FROZEN_FAULT
    assert answer.json["state"]["status"] == "APPROVED"
    assert row_of(answer.json["state"], draft.rows[0])["term"] == "до 15.04.2026"


def test_names_of_another_plan_are_nobody_s_here(
    app: Flask, make_user: MakeUser, vera: FlaskClient, draft: Draft
) -> None:
    other = make_draft(app, make_user(CURATOR, organisation="Другая", municipality="Орёл"))
    before = state(vera, draft)
    assert post(vera, draft, set=[cell(other.rows[0], "term", "май", "до 15.04.2026")]).status_code == 409
    assert post(vera, draft, add=[added(other.goals[0], new_key(), parents_action="Шаг")]).status_code == 409
    assert post(vera, draft, add=[added(None, other.goals[0], text="Чужая")]).status_code == 422
    assert post(vera, draft, remove={other.rows[0]: 1}).status_code == 200  # not here, so removed already
    moved = post(vera, draft, order=ordered((draft.goals[0], [other.rows[0]]), (draft.goals[1], [])))
    assert moved.status_code == 200
    assert dict(order_of(state(vera, draft))) == dict(order_of(before))
    with working(app) as session:
        assert session.query(Activity).count() == 6


# --- Marks of completion -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "answer"), [
    ("DRAFT", 200), ("AGREED", 200), ("APPROVED", 200), ("IN_FORCE", 200),
    ("FULFILLED", 422), ("REVISED", 422), ("CANCELLED", 422),
])  # fmt: skip
def test_marks_are_written_while_the_plan_is_in_work(
    app: Flask, specialist: Person, draft: Draft, status: str, answer: int
) -> None:
    advance(app, draft, status)
    client = login(app.test_client(), specialist)
    key = draft.rows[0]
    got = post(client, draft, set=[cell(key, "done_on", "2026-04-01"), cell(key, "result", "Подано")])
    assert got.status_code == answer
    row = row_of(got.json["state"], key)
    assert (row["done_on"], row["result"]) == (("2026-04-01", "Подано") if answer == 200 else ("", ""))
    if answer == 422:
        assert got.json["wrong"] == [{"key": key, "field": "done_on", "message": CLOSED_FAULT}]
    writable = 'data-field="result"' in client.get(draft.path).text
    assert writable is (answer == 200)
