"""A curator with a term, a meeting and rows of plans in the days ahead, and a colleague with none of his."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import select

from app.cases.models import Case
from app.deadlines.models import Deadline
from app.families.models import Family
from app.meetings.models import AgendaItem, Commission, CommissionMember, Meeting
from app.plans.models import Activity, Goal, Plan, PlanStatus
from app.procedures.kinds import Fact, Unit
from app.procedures.models import Procedure, ProcedureVersion, Requirement
from app.roles import COMMISSIONER, CURATOR, SECRETARY, SUPERVISOR
from app.territory.models import Organisation, Staff
from tests.running import Person, working

TODAY = dt.date.today()
SOON, OPENED = TODAY + dt.timedelta(days=2), TODAY - dt.timedelta(days=40)
MARK = "Тайнослов"  # stands in every name and text; no file for other programs may hold it


def ask(version: ProcedureVersion, day: int) -> Requirement:
    """What the procedure asks for so many days from now."""
    asked = Requirement(edition=version, name=f"Акт {MARK} {day}", event=Fact.OPENED, unit=Unit.DAY)
    asked.count = (TODAY - OPENED).days + day
    return asked


@dataclass(frozen=True)
class World:
    """People, and the numbers of what stands on the calendar."""

    curator: Person
    colleague: Person
    supervisor: Person
    secretary: Person
    member: Person
    case: int
    deadline: int
    meeting: int
    draft: int  # a row of a plan that may still change
    firm: int  # a row of a plan in force


@pytest.fixture
def world(app: Flask, make_user: Callable[..., Person]) -> World:
    place = {"organisation": "Искорка", "municipality": "Пермь"}
    curator, colleague = (make_user(CURATOR, **place) for _ in range(2))
    supervisor, secretary = make_user(SUPERVISOR, **place), make_user(SECRETARY, **place)
    member = make_user(COMMISSIONER, **place)
    with working(app) as session:
        organisation = session.get_one(Organisation, curator.organisation_id)
        leads = session.get_one(Staff, curator.staff_id)
        family = Family(name=f"{MARK}ы", organisation=organisation, municipality_id=curator.municipality_id)
        procedure = Procedure(name=f"Методика {MARK}", code="probe")
        version = ProcedureVersion(procedure=procedure, number=1)
        ask(version, 2)
        case = Case(family=family, procedure=procedure, number="2026/77", curator=leads, opened_on=OPENED)
        case.edition = version
        session.add_all([family, version, case])
        session.flush()
        commission = Commission(name=f"Совет {MARK}", municipality_id=curator.municipality_id)
        commission.members = [CommissionMember(staff_id=member.staff_id)]
        meeting = Meeting(commission=commission, number="5", held_on=SOON, place=MARK)
        meeting.items = [AgendaItem(case=case, question=MARK)]
        rows = []
        for edition, status in ((1, PlanStatus.IN_FORCE), (2, PlanStatus.DRAFT)):
            plan = Plan(case=case, edition=edition, number=f"П{edition}", status=status, made_on=TODAY)
            goal = Goal(plan=plan, number=1, text=MARK)
            rows.append(Activity(goal=goal, specialists_action=MARK, title=f"Помочь {MARK}", due_on=SOON))
        session.add_all([meeting, *rows])
        session.commit()
        term = session.scalars(select(Deadline)).one()
        assert term.due_on == SOON
        firm, draft = rows
        return World(curator, colleague, supervisor, secretary, member, case.id, term.id, meeting.id, draft.id, firm.id)
