"""Row 15: a refusal is told in plain words beside the field; what was typed stays; nothing half-written remains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app.cases.models import Case, Problem
from app.families.models import Category, Family, Income, Member
from app.kernel.history import Change
from app.roles import ADMINISTRATOR
from tests.records import Maker
from tests.running import working
from tests.security.conftest import Keeper

SQL = ("INSERT", "SELECT", "UPDATE ", "sqlite", "psycopg", "IntegrityError", "Traceback", "constraint", "sqlalche.me")


def speaks_plainly(text: str) -> bool:
    return not [word for word in SQL if word in text]


@pytest.fixture
def admin(signed_in: Callable[..., FlaskClient]) -> FlaskClient:
    return signed_in(ADMINISTRATOR, organisation="Искорка")


def count(app: Flask, entity: Any) -> int:
    with working(app) as session:
        return session.scalar(select(func.count()).select_from(entity)) or 0


def test_a_taken_name_is_told_at_its_field_and_the_typing_stays(app: Flask, admin: FlaskClient) -> None:
    form = {
        "name": "Искорка",
        "full_name": "Длинное имя, набранное с трудом",
        "phone": "8 (342) 000-00-00",
        "kind": "NGO",
    }
    answer = admin.post("/organisation/add", data=form)
    assert answer.status_code == 422 and speaks_plainly(answer.text)
    assert "This value is taken by another record." in answer.text
    assert form["full_name"] in answer.text and form["phone"] in answer.text
    told = admin.post("/api/v1/organisation/", json=form)
    assert told.status_code == 422 and list(told.json["fields"]) == ["name"] and speaks_plainly(told.text)


def test_a_pair_that_is_there_already_is_told(app: Flask, admin: FlaskClient) -> None:
    with working(app) as session:
        problem = Maker(session).one(Problem)
        case, number = problem.case_id, problem.number
        session.commit()
    answer = admin.post("/problem/add", data={"case": str(case), "number": str(number), "text": "Вторая такая же"})
    assert answer.status_code == 422 and speaks_plainly(answer.text)
    assert "There is such a record already." in answer.text and "Вторая такая же" in answer.text


def test_what_others_point_to_is_not_deleted_and_this_is_said(app: Flask, admin: FlaskClient) -> None:
    with working(app) as session:
        made = Maker(session).every()
        category, procedure, family = (made[name].id for name in ("Category", "Procedure", "Family"))
        session.commit()
    for path in (f"category/{category}", f"procedure/{procedure}", f"family/{family}"):
        answer = admin.post(f"/{path}/delete", follow_redirects=True)
        assert (
            answer.status_code == 200 and "delete or change them first" in answer.text and speaks_plainly(answer.text)
        )
        told = admin.delete(f"/api/v1/{path}")
        assert (
            told.status_code == 409
            and "delete or change them first" in told.json["error"]
            and speaks_plainly(told.text)
        )
    assert count(app, Category) == 1 and count(app, Family) == 1


def test_a_row_that_others_point_to_is_not_removed_in_its_parents_form(app: Flask, admin: FlaskClient) -> None:
    with working(app) as session:
        made: dict[str, Any] = Maker(session).every()
        case, problem = made["Case"], made["Problem"]
        form = {"number": case.number, "family": str(case.family_id), "procedure": str(case.procedure_id),
                "status": "CLOSED", "opened_on": "2025-03-01", "closed_on": "2026-02-01", "reason": "набрано",
                "closing_ground": str(case.closing_ground_id), "version": str(case.version),
                "problems-0-id": str(problem.id), "problems-0-deleted": "1",
                "problems-0-version": str(problem.version)}  # fmt: skip
        path = f"/case/{case.id}/edit"
        session.commit()
    answer = admin.post(path, data=form)
    assert answer.status_code == 422 and speaks_plainly(answer.text)
    assert "Other records point to this one" in answer.text and "набрано" in answer.text
    assert count(app, Problem) == 1


def test_spaces_alone_are_nothing(app: Flask, admin: FlaskClient) -> None:
    for value in ("", "   ", "\t\n", "\x00", "\u00a0"):
        answer = admin.post("/category/add", data={"name": value})
        assert answer.status_code == 422 and "Fill in this field." in answer.text, repr(value)
    assert count(app, Category) == 0


def test_every_mistake_is_told_at_once_and_each_at_its_place(app: Flask, admin: FlaskClient) -> None:
    form = {"name": "", "organisation": "", "phone": "1" * 201, "categories": "99",
            "address": "улица, набранная с трудом", "members-0-id": "", "members-0-name": "",
            "members-0-role": "CHILD", "members-0-born_on": "31.02.2020", "incomes-0-id": "",
            "incomes-0-source": "пособие", "incomes-0-amount": "много"}  # fmt: skip
    answer = admin.post("/family/add", data=form)
    assert answer.status_code == 422
    assert answer.text.count("Fill in this field.") == 6, "three, each at its field and in the summary"
    typed = (form["address"], "много", "31.02.2020", "пособие")
    for words in ("at most 200 characters", "A date is expected", "A number is expected", *typed):
        assert words in answer.text, words


def test_a_fault_of_a_row_stands_at_the_row(app: Flask, keepers: tuple[Keeper, Keeper]) -> None:
    mine = keepers[0]
    form = {"version": "1", "name": "Ёлкины", "organisation": str(mine.organisation), "members-0-id": "",
            "members-0-name": "Из будущего", "members-0-role": "CHILD", "members-0-born_on": "2199-01-01"}  # fmt: skip
    page = mine.client.post(f"/family/{mine.family}/edit", data=form).text
    row = page[page.index("Из будущего") :]
    assert "lies in the future" in row[: row.index("data-remove-row")]


# --- One transaction ---------------------------------------------------------------------------------------


def test_what_a_record_prepares_goes_with_it_when_it_is_refused(
    app: Flask, admin: FlaskClient, monkeypatch: Any
) -> None:
    """``prepare`` and ``faults`` run inside the transaction: what they wrote before the refusal is undone."""

    def prepare(self: Family, session: Any) -> None:
        session.add(Category(name=f"заготовка {self.name}"))
        session.flush()

    def faults(self: Family) -> Iterator[tuple[str, str]]:
        yield "name", "Not this one."

    monkeypatch.setattr(Family, "prepare", prepare)
    monkeypatch.setattr(Family, "faults", faults)
    before = count(app, Change)
    with working(app) as session:
        organisation = session.scalar(select(func.min(Family.organisation_id))) or 1
    form = {"name": "Ёлкины", "organisation": str(organisation), "address": "улица"}
    answer = admin.post("/family/add", data=form)
    assert answer.status_code == 422 and "Not this one." in answer.text and "улица" in answer.text
    assert admin.post("/api/v1/family/", json=form).json["fields"] == {"name": ["Not this one."]}
    assert (count(app, Category), count(app, Family), count(app, Change)) == (0, 0, before)


def test_a_failure_in_the_middle_writes_nothing_and_tells_no_inside(
    app: Flask, admin: FlaskClient, monkeypatch: Any
) -> None:
    def break_off(self: Income, session: Any) -> None:
        raise OperationalError("INSERT INTO income VALUES ('тайна')", {}, Exception("disk full"))

    monkeypatch.setattr(Income, "prepare", break_off)
    form = {"name": "Ёлкины", "organisation": "1", "members-0-id": "", "members-0-name": "Ёлкина",
            "members-0-role": "CHILD", "incomes-0-id": "", "incomes-0-source": "пособие",
            "incomes-0-amount": "1"}  # fmt: skip
    answer = admin.post("/family/add", data=form)
    assert answer.status_code == 500 and speaks_plainly(answer.text)
    for word in ("тайна", "disk full", "Ёлкин"):
        assert word not in answer.text
    told = admin.post("/api/v1/income/", json={"family": 1, "source": "x", "amount": 1})
    assert told.status_code in (422, 500) and speaks_plainly(told.text)
    assert (count(app, Family), count(app, Member)) == (0, 0)
    assert admin.get("/family/").status_code == 200, "and the next request works"


def test_the_history_is_written_in_the_same_transaction(app: Flask, admin: FlaskClient, monkeypatch: Any) -> None:
    before = count(app, Change)
    monkeypatch.setattr("app.kernel.history.as_text", lambda value: 1 / 0)
    assert admin.post("/category/add", data={"name": "Многодетная"}).status_code == 500
    monkeypatch.undo()
    assert count(app, Category) == 0 and count(app, Change) == before


def test_a_case_takes_its_number_when_it_is_saved_and_not_before(app: Flask, admin: FlaskClient) -> None:
    with working(app) as session:
        made = Maker(session)
        family, procedure = made.one(Family).id, made.one(Case).procedure_id
        session.commit()
    wrong = {
        "family": str(family),
        "procedure": str(procedure),
        "opened_on": "2026-05-01",
        "status": "CLOSED",
        "number": "",
    }
    assert admin.post("/case/add", data=wrong).status_code == 422
    assert admin.post("/case/add", data=wrong | {"status": "OPEN"}).status_code == 302
    with working(app) as session:
        assert {case.number for case in session.scalars(select(Case))} >= {"2026/02"}
