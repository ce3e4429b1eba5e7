"""The life of a plan through every door: its steps, what an approved plan refuses, and its next version."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.plans.life import REVISED_ALREADY
from app.plans.models import FROZEN_FAULT, Activity, Goal, Plan, PlanStatus
from app.plans.papers import plan_paper
from app.roles import ADMINISTRATOR, CURATOR
from tests.plans.plan import Draft, advance, cell, goal_of, make_draft, ordered, row_of, state
from tests.running import Person, login, working

MakeUser = Callable[..., Person]
HOME = {"organisation": "Искорка", "municipality": "Пермь"}
LOCKED = ("APPROVED", "IN_FORCE", "FULFILLED", "REVISED", "CANCELLED")


@pytest.fixture
def curator(make_user: MakeUser) -> Person:
    return make_user(CURATOR, name="Лугова Вера", **HOME)


@pytest.fixture
def draft(app: Flask, curator: Person) -> Draft:
    return make_draft(app, curator)


@pytest.fixture
def vera(app: Flask, curator: Person, draft: Draft) -> FlaskClient:
    return login(app.test_client(), curator)


@pytest.fixture
def root(app: Flask, make_user: MakeUser, draft: Draft) -> FlaskClient:
    """Somebody who has every permission there is."""
    return login(app.test_client(), make_user(ADMINISTRATOR, **HOME))


def plan_now(app: Flask, id_: int) -> dict[str, Any]:
    """Every stored value of the plan, its goals and its rows."""
    with working(app) as session:
        plan = session.get_one(Plan, id_)
        records = [plan, *plan.goals, *(row for goal in plan.goals for row in goal.activities)]
        return {
            f"{record.__tablename__} {record.id}": {
                column.key: getattr(record, column.key)
                for column in record.__table__.columns
                if column.key not in ("version", "changed_at", "changed_by_id")
            }
            for record in records
        }


def value(app: Flask, draft: Draft, name: str) -> Any:
    with working(app) as session:
        found = getattr(session.get_one(Plan, draft.id), name)
        return found.name if isinstance(found, PlanStatus) else found


def step(client: FlaskClient, app: Flask, draft: Draft, to: str, **facts: str) -> Any:
    data = {"version": str(value(app, draft, "version")), **facts}
    return client.post(f"/plan/{draft.id}/move/{to}", data=data)


# --- Steps ------------------------------------------------------------------------------------------------


def test_a_plan_goes_from_draft_to_fulfilled(app: Flask, vera: FlaskClient, curator: Person, draft: Draft) -> None:
    took = [
        step(vera, app, draft, "AGREED", agreed_on="2026-03-05"),
        step(vera, app, draft, "ON_AGENDA"),
        step(vera, app, draft, "APPROVED", approved_on="10.03.2026", protocol=" 7 ", approver=str(curator.staff_id)),
        step(vera, app, draft, "IN_FORCE"),
        step(vera, app, draft, "FULFILLED"),
    ]
    assert [(answer.status_code, answer.location) for answer in took] == [(302, draft.path)] * 5
    facts = ("status", "agreed_on", "approved_on", "protocol", "approver_id")
    assert [value(app, draft, name) for name in facts] == [
        "FULFILLED", dt.date(2026, 3, 5), dt.date(2026, 3, 10), "7", curator.staff_id,
    ]  # fmt: skip


def test_a_step_is_asked_about_before_it_is_taken(app: Flask, vera: FlaskClient, draft: Draft) -> None:
    page = vera.get(f"/plan/{draft.id}/move/AGREED")
    assert page.status_code == 200
    assert f'value="{dt.date.today().isoformat()}"' in page.text
    assert value(app, draft, "status") == "DRAFT"


@pytest.mark.parametrize(("to", "was", "facts"), [
    ("AGREED", "DRAFT", {}),
    ("AGREED", "DRAFT", {"agreed_on": "31.02.2026"}),
    ("APPROVED", "AGREED", {"protocol": "7"}),
    ("APPROVED", "AGREED", {"approved_on": "2026-03-10", "protocol": "7" * 201}),
])  # fmt: skip
def test_a_step_without_what_it_asks_for_is_not_taken(
    app: Flask, vera: FlaskClient, draft: Draft, to: str, was: str, facts: dict[str, str]
) -> None:
    advance(app, draft, was)
    answer = step(vera, app, draft, to, **facts)
    assert answer.status_code == 422
    assert "invalid-feedback" in answer.text
    assert value(app, draft, "status") == was


@pytest.mark.parametrize(("was", "to"), [
    ("DRAFT", "APPROVED"), ("DRAFT", "IN_FORCE"), ("APPROVED", "DRAFT"), ("IN_FORCE", "AGREED"),
    ("IN_FORCE", "REVISED"), ("FULFILLED", "IN_FORCE"), ("CANCELLED", "DRAFT"), ("REVISED", "IN_FORCE"),
])  # fmt: skip
def test_a_step_that_does_not_follow_is_not_taken(
    app: Flask, vera: FlaskClient, draft: Draft, was: str, to: str
) -> None:
    advance(app, draft, was)
    facts = {"agreed_on": "2026-03-05", "approved_on": "2026-03-05"}
    assert step(vera, app, draft, to, **facts).location == draft.path
    assert vera.get(f"/plan/{draft.id}/move/{to}").location == draft.path
    assert value(app, draft, "status") == was


@pytest.mark.parametrize("to", ["NOTHING", "approved", "None"])
def test_a_step_that_there_is_not(vera: FlaskClient, draft: Draft, to: str) -> None:
    assert vera.post(f"/plan/{draft.id}/move/{to}").status_code == 404


def test_back_to_draft_takes_the_agreement_back(app: Flask, vera: FlaskClient, draft: Draft) -> None:
    advance(app, draft, "AGREED")
    step(vera, app, draft, "DRAFT")
    assert (value(app, draft, "status"), value(app, draft, "agreed_on")) == ("DRAFT", None)


def test_what_is_approved_is_what_was_seen(app: Flask, vera: FlaskClient, draft: Draft) -> None:
    advance(app, draft, "AGREED")
    seen = value(app, draft, "version")
    vera.post(draft.path, json={"set": [cell(draft.rows[0], "term", "май", "до 15.04.2026")]})
    path = f"/plan/{draft.id}/move/APPROVED"
    assert vera.get(f"{path}?version={seen}").location == draft.path
    assert vera.post(path, data={"version": seen, "approved_on": "2026-03-10"}).location == draft.path
    assert vera.post(path, data={"approved_on": "2026-03-10"}).location == draft.path
    assert value(app, draft, "status") == "AGREED"
    assert "Someone else has changed the plan" in vera.get(draft.path).text


@pytest.mark.parametrize("body", [
    {"status": "APPROVED"}, {"approved_on": "2026-03-10"}, {"agreed_on": "2026-03-10"}, {"protocol": "7"},
    {"edition": 9}, {"number": "И-1"}, {"revision_reason": "так"},
])  # fmt: skip
def test_status_and_approval_have_no_other_door(
    app: Flask, root: FlaskClient, draft: Draft, body: dict[str, Any]
) -> None:
    before, version = plan_now(app, draft.id), value(app, draft, "version")
    assert root.put(f"/api/v1/plan/{draft.id}", json={**body, "version": version}).status_code == 422
    form = {
        "version": str(version), "case": str(draft.case_id), "kind": "FAMILY",
        "made_on": "2026-03-02", "nature": "Мама одна", "main_goal": "Аня лечится",
    }  # fmt: skip
    assert root.post(f"/plan/{draft.id}/edit", data={**form, **body}).status_code == 302
    assert plan_now(app, draft.id) == before


# --- An approved plan ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", LOCKED)
def test_an_approved_plan_refuses_every_change_on_its_table(
    app: Flask, root: FlaskClient, draft: Draft, status: str
) -> None:
    stored = state(root, draft)
    (one, two), (a, b, c) = draft.goals, draft.rows
    advance(app, draft, status)
    before = plan_now(app, draft.id)
    for change in (
        {"set": [cell("plan", "nature", "Другое", "Мама одна")]},
        {"set": [cell("plan", "main_goal", "", "Аня лечится")]},
        {"set": [cell(one, "text", "Другое", "Семья ездит на лечение")]},
        {"set": [cell(one, "heading", "Другое")]},
        *({"set": [cell(a, name, text, row_of(stored, a)[name])]} for name, text in (
            ("parents_action", "Другое"), ("specialists_action", "Другое"), ("term", "май"),
            ("due_on", "2026-05-01"), ("responsible", "Мама"),
        )),
        {"add": [{"key": uuid4().hex, "goal": None, "values": {"text": "Новая"}}]},
        {"add": [{"key": uuid4().hex, "goal": one, "values": {"parents_action": "Новое"}}]},
        {"order": ordered((two, [c]), (one, [a, b]))},
        {"order": ordered((one, [b, a]), (two, [c]))},
        {"order": ordered((one, [b]), (two, [c, a]))},
        {"remove": {c: row_of(stored, c)["version"]}},
        {"remove": {key: (goal_of if key == two else row_of)(stored, key)["version"] for key in (two, c)}},
    ):  # fmt: skip
        answer = root.post(draft.path, json=change)
        assert answer.status_code == 422, change
        assert {item["message"] for item in answer.json["wrong"]} == {FROZEN_FAULT}
        assert plan_now(app, draft.id) == before
    page = root.get(draft.path).text
    assert "Написать заявление" in page
    assert not any(control in page for control in ("data-add-row", "data-menu-of", 'data-field="text"'))


@pytest.mark.parametrize("status", LOCKED)
def test_an_approved_plan_refuses_forms_and_the_api(
    app: Flask, root: FlaskClient, draft: Draft, make_user: MakeUser, curator: Person, status: str
) -> None:
    other = make_draft(app, curator)  # a draft, where goals and rows of the approved plan might go
    with working(app) as session:
        goal = session.scalars(select(Goal).where(Goal.uid == draft.goals[0])).one()
        row = goal.activities[0]
        elsewhere = session.scalars(select(Goal).where(Goal.uid == other.goals[0])).one()
        ids = {"goal": goal.id, "activity": row.id, "elsewhere": elsewhere.id}
        case_id = other.case_id
    advance(app, draft, status)
    before, beside = plan_now(app, draft.id), plan_now(app, other.id)
    plan = {"case": draft.case_id, "kind": "FAMILY", "made_on": "2026-03-02", "nature": "Мама одна",
            "main_goal": "Аня лечится", "until": ""}  # fmt: skip
    goal_words = {"plan": draft.id, "number": 1, "text": "Семья ездит на лечение", "heading": ""}
    row_words = {"goal": ids["goal"], "parents_action": "Написать заявление", "term": "до 15.04.2026",
                 "due_on": "", "responsible": "Родители"}  # fmt: skip
    doors: list[tuple[str, str, dict[str, Any]]] = [
        *(("plan", f"{draft.id}", {**plan, **one}) for one in (
            {"nature": "Другое"}, {"main_goal": ""}, {"kind": "COMPLEX"}, {"made_on": "2026-03-03"},
            {"until": "2027-01-01"}, {"case": case_id},
        )),
        *(("goal", f"{ids['goal']}", {**goal_words, **one}) for one in (
            {"text": "Другое"}, {"number": 9}, {"heading": "Другое"}, {"plan": other.id},
        )),
        *(("activity", f"{ids['activity']}", {**row_words, **one}) for one in (
            {"parents_action": "Другое"}, {"specialists_action": "Другое"}, {"term": "май"},
            {"due_on": "2026-05-01"}, {"responsible": "Мама"}, {"goal": ids["elsewhere"]},
        )),
        ("goal", "", {"plan": draft.id, "number": 3, "text": "Новая"}),
        ("activity", "", {"goal": ids["goal"], "parents_action": "Новое"}),
    ]  # fmt: skip
    for slug, number, words in doors:
        path = f"/{slug}/{number}/edit" if number else f"/{slug}/add"
        version = _version(app, slug, number)
        assert root.post(path, data={**words, "version": version}).status_code == 422, (slug, words)
        send = root.put if number else root.post
        json = {name: text if text != "" else None for name, text in words.items()}
        json |= {"version": int(version)} if number else {}
        assert send(f"/api/v1/{slug}/{number}", json=json).status_code == 422, (slug, words)
        assert (plan_now(app, draft.id), plan_now(app, other.id)) == (before, beside), (slug, words)
    for path in (f"plan/{draft.id}", f"goal/{ids['goal']}", f"activity/{ids['activity']}"):
        assert root.post(f"/{path}/delete").location == f"/{path}"
        assert root.delete(f"/api/v1/{path}").status_code == 409
    assert plan_now(app, draft.id) == before


def _version(app: Flask, slug: str, number: str) -> str:
    entity = {"plan": Plan, "goal": Goal, "activity": Activity}[slug]
    with working(app) as session:
        return str(session.get_one(entity, int(number)).version) if number else "0"


def test_nothing_of_another_plan_moves_into_an_approved_one(
    app: Flask, root: FlaskClient, draft: Draft, curator: Person
) -> None:
    other = make_draft(app, curator)
    advance(app, other, "APPROVED")
    before = plan_now(app, other.id)
    with working(app) as session:
        row = session.scalars(select(Activity).where(Activity.uid == draft.rows[0])).one().id
        goal = session.scalars(select(Goal).where(Goal.uid == draft.goals[0])).one().id
        target = session.scalars(select(Goal).where(Goal.uid == other.goals[0])).one().id
    assert (
        root.put(
            f"/api/v1/activity/{row}", json={"goal": target, "version": int(_version(app, "activity", str(row)))}
        ).status_code
        == 422
    )
    assert (
        root.put(
            f"/api/v1/goal/{goal}", json={"plan": other.id, "version": int(_version(app, "goal", str(goal)))}
        ).status_code
        == 422
    )
    assert plan_now(app, other.id) == before


def test_marks_are_written_by_the_form_of_a_row_too(app: Flask, root: FlaskClient, draft: Draft) -> None:
    with working(app) as session:
        row = session.scalars(select(Activity).where(Activity.uid == draft.rows[0])).one().id
    for status, answer in (("IN_FORCE", 200), ("REVISED", 422)):
        advance(app, draft, status)
        words = {"done_on": "2026-04-01", "result": f"Подано {status}"}
        version = int(_version(app, "activity", str(row)))
        got = root.put(f"/api/v1/activity/{row}", json={**words, "version": version})
        assert got.status_code == answer
    assert row_of(state(root, draft), draft.rows[0])["result"] == "Подано IN_FORCE"


def test_a_draft_is_deleted_by_whoever_may(app: Flask, root: FlaskClient, draft: Draft) -> None:
    assert root.delete(f"/api/v1/plan/{draft.id}").status_code == 204


# --- The next version ---------------------------------------------------------------------------------------


def revise(client: FlaskClient, draft: Draft, reason: str = "Семья переехала") -> Any:
    return client.post(f"/plan/{draft.id}/revise", data={"reason": reason})


def newest(app: Flask, draft: Draft) -> Draft:
    with working(app) as session:
        plan = session.scalars(select(Plan).where(Plan.case_id == draft.case_id).order_by(Plan.edition.desc())).first()
        assert plan is not None
        rows = tuple(row.uid for goal in plan.goals for row in goal.activities)
        return Draft(plan.id, plan.case_id, tuple(goal.uid for goal in plan.goals), rows)


def paper(app: Flask, draft: Draft) -> Any:
    with working(app) as session:
        return plan_paper(session.get_one(Plan, draft.id))


def test_a_new_version_copies_all_and_leaves_the_old_one_as_it_was(app: Flask, vera: FlaskClient, draft: Draft) -> None:
    vera.post(draft.path, json={"set": [
        cell(draft.goals[0], "heading", "Лечение"),
        cell(draft.rows[0], "done_on", "2026-03-03"), cell(draft.rows[0], "result", "Подано"),
    ]})  # fmt: skip
    advance(app, draft, "IN_FORCE")
    before, printed = plan_now(app, draft.id), paper(app, draft)
    answer = revise(vera, draft)
    copy = newest(app, draft)
    assert answer.location == copy.path

    assert (plan_now(app, draft.id), paper(app, draft)) == (before, printed)
    with working(app) as session:
        plan = session.get_one(Plan, copy.id)
        assert (plan.edition, plan.status, plan.made_on) == (2, PlanStatus.DRAFT, dt.date.today())
        assert plan.number.endswith("-П2") and plan.revision_reason == "Семья переехала"
        assert (plan.agreed_on, plan.approved_on, plan.protocol, plan.approver) == (None, None, None, None)
    old, new = state(vera, draft), state(vera, copy)
    assert new["plan"] == old["plan"]
    assert _words(new) == _words(old)
    assert not {*copy.goals, *copy.rows} & {*draft.goals, *draft.rows}
    assert paper(app, copy)["sections"] == printed["sections"]
    for each in (draft, copy):
        assert "Семья переехала" in vera.get(copy.path).text
        assert vera.get(f"/plan/{each.id}/print/plan.docx").status_code == 200

    # The new one is worked on; the old one still prints as it was signed.
    vera.post(copy.path, json={"set": [cell(copy.rows[1], "specialists_action", "Найти машину", "Найти такси")]})
    assert paper(app, draft) == printed


def _words(stored: dict[str, Any]) -> Any:
    def bare(item: dict[str, Any]) -> dict[str, Any]:
        return {name: text for name, text in item.items() if name not in ("key", "version", "rows")}

    return [(bare(goal), [bare(row) for row in goal["rows"]]) for goal in stored["goals"]]


def test_the_old_version_ends_when_the_new_one_comes_into_force(app: Flask, vera: FlaskClient, draft: Draft) -> None:
    advance(app, draft, "IN_FORCE")
    revise(vera, draft)
    copy = newest(app, draft)
    step(vera, app, copy, "AGREED", agreed_on="2026-06-01")
    step(vera, app, copy, "APPROVED", approved_on="2026-06-02")
    assert value(app, draft, "status") == "IN_FORCE"  # the family is never without a plan
    assert value(app, draft, "number") in vera.get(f"/plan/{copy.id}/move/IN_FORCE").text
    printed = paper(app, draft)
    step(vera, app, copy, "IN_FORCE")
    assert (value(app, draft, "status"), value(app, copy, "status")) == ("REVISED", "IN_FORCE")
    assert paper(app, draft) == printed


@pytest.mark.parametrize("status", ["DRAFT", "AGREED", "ON_AGENDA", "FULFILLED", "REVISED", "CANCELLED"])
def test_only_an_approved_plan_is_revised(app: Flask, vera: FlaskClient, draft: Draft, status: str) -> None:
    advance(app, draft, status)
    assert f"/plan/{draft.id}/revise" not in vera.get(draft.path).text
    assert revise(vera, draft).location == draft.path
    assert newest(app, draft).id == draft.id


def test_a_new_version_needs_its_reason(app: Flask, vera: FlaskClient, draft: Draft) -> None:
    advance(app, draft, "APPROVED")
    assert vera.get(f"/plan/{draft.id}/revise").status_code == 200
    assert revise(vera, draft, "  ").status_code == 422
    assert newest(app, draft).id == draft.id


def test_a_version_is_revised_once_unless_the_next_was_given_up(app: Flask, vera: FlaskClient, draft: Draft) -> None:
    advance(app, draft, "APPROVED")
    revise(vera, draft)
    copy = newest(app, draft)
    assert revise(vera, draft).location == draft.path
    assert REVISED_ALREADY in vera.get(draft.path).text
    assert newest(app, draft).id == copy.id
    step(vera, app, copy, "CANCELLED")
    assert revise(vera, draft).status_code == 302
    assert value(app, newest(app, draft), "edition") == 3
