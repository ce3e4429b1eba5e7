"""A plan to be worked on in tests: two goals, three rows, and what its page would send."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from tests.running import Person, working

TODAY = dt.date(2026, 3, 2)


@dataclass(frozen=True)
class Draft:
    """A plan that is kept: its number, its case's, and the names of its goals and rows on the table."""

    id: int
    case_id: int
    goals: tuple[str, ...]
    rows: tuple[str, ...]  # two of the first goal, one of the second

    @property
    def path(self) -> str:
        return f"/plan/{self.id}/table"


def make_draft(app: Flask, curator: Person, specialist: Person | None = None) -> Draft:
    """The plan of a family of the curator's organisation."""
    from app.cases.models import Case
    from app.families.models import Family, Member
    from app.kernel.writing import save
    from app.plans.models import Activity, Goal, Plan
    from app.procedures.models import Procedure
    from app.territory.models import Staff

    with working(app) as session:
        staff = session.get_one(Staff, curator.staff_id)
        helpers = [session.get_one(Staff, specialist.staff_id)] if specialist else []
        procedure = session.query(Procedure).first() or Procedure(name="Методика", code="any")
        place = {"organisation_id": curator.organisation_id, "municipality_id": curator.municipality_id}
        family = Family(name="Ёлкины", members=[Member(name="Ёлкина Аня")], **place)
        case = Case(family=family, procedure=procedure, curator=staff, specialists=helpers, number="")
        save(session, procedure, family, case)
        plan = Plan(case=case, made_on=TODAY, nature="Мама одна", main_goal="Аня лечится", goals=[])
        first = Goal(plan=plan, number=1, text="Семья ездит на лечение", activities=[])
        second = Goal(plan=plan, number=2, text="Аня учится", activities=[])
        rows = [
            Activity(goal=first, parents_action="Написать заявление", term="до 15.04.2026", responsible="Родители"),
            Activity(goal=first, specialists_action="Найти такси", term="по мере необходимости"),
            Activity(goal=second, specialists_action="Записать на комиссию", responsible="Родители; Школа"),
        ]
        save(session, plan, first, second, *rows)
        session.commit()
        return Draft(plan.id, case.id, (first.uid, second.uid), tuple(row.uid for row in rows))


def state(client: FlaskClient, draft: Draft) -> dict[str, Any]:
    """What is stored, as the page has it: an empty batch is answered with it."""
    answer = client.post(draft.path, json={})
    assert answer.status_code == 200, answer.text
    return answer.json["state"]  # type: ignore[no-any-return]


def row_of(stored: dict[str, Any], key: str) -> dict[str, Any]:
    return next(row for goal in stored["goals"] for row in goal["rows"] if row["key"] == key)


def goal_of(stored: dict[str, Any], key: str) -> dict[str, Any]:
    return next(goal for goal in stored["goals"] if goal["key"] == key)


def cell(key: str, field: str, value: str, was: str = "") -> dict[str, str]:
    return {"key": key, "field": field, "value": value, "was": was}


def order_of(stored: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [(goal["key"], [row["key"] for row in goal["rows"]]) for goal in stored["goals"]]


def ordered(*goals: tuple[str, list[str]]) -> list[dict[str, Any]]:
    return [{"key": key, "rows": rows} for key, rows in goals]


def advance(app: Flask, draft: Draft, status: str) -> None:
    """Put the plan where its life has brought it."""
    from app.plans.models import Plan, PlanStatus

    with working(app) as session:
        plan = session.get_one(Plan, draft.id)
        plan.agreed_on = TODAY
        plan.approved_on = TODAY if status not in ("DRAFT", "AGREED", "ON_AGENDA") else None
        plan.status = PlanStatus[status]
        session.commit()
