"""The engine in a real database: terms follow every change of a case, within its transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.cases.models import Case, CaseEvent, CaseStatus, EventKind, Suspension
from app.deadlines.engine import settle_all
from app.deadlines.models import DayOff, Deadline, Delay, Mark, MarkKind
from app.journal.models import Contact, ContactKind
from app.kernel.writing import Refused, remove, save
from app.procedures import exchange
from app.procedures.kinds import Country, Placement
from app.procedures.models import ClosingGround, Requirement, VersionStatus
from app.risks.models import RiskAssessment, RiskLevel
from app.territory.models import Staff
from tests.records import Maker
from tests.running import working

PROCEDURE = """
code: probe
name: Пробная методика
version:
  follow_up_from: 3
  follow_up_to: 6
  stages:
  - {number: 1, name: Договор}
  - {number: 2, name: Работа}
  requirements:
  - {stage: 1, kind: PAPER, name: Акт, event: APPLICATION, count: 10, unit: WORKING_DAY, source: ANG-T2}
  - {stage: 2, kind: PAPER, name: План, event: STAGE, count: 6, unit: WEEK, proof: PLAN}
  - {kind: CONTACT, name: Визит, proof: HOME_VISIT, event: OPENED, count: 1, unit: WEEK, repeats: true,
     during: 1, during_unit: MONTH, then_count: 1, then_unit: MONTH, placement: PARENTS, source: KZ-T3}
  - {kind: CONTACT, name: Чаще, proof: HOME_VISIT, event: RISK_RAISED, count: 3, unit: DAY, repeats: true, risk: HIGH}
  - {kind: ACTION, name: Уведомить, event: FAMILY_CHANGED, count: 7, unit: WORKING_DAY, source: ANG-T8}
  - {kind: CONTACT, name: После, proof: CONTACT, event: CLOSED, count: 1, unit: MONTH, repeats: true, time: AFTER}
"""
TODAY = dt.date.today()


def day(ago: int) -> dt.date:
    return TODAY - dt.timedelta(days=ago)


class Desk:
    """A case under the procedure of this file, and its terms by the names of requirements."""

    def __init__(self, session: Any) -> None:
        self.session = session
        version = exchange.load(session, exchange.parse(PROCEDURE))
        save(session, version.procedure, version, *version.stages, *version.requirements)
        version.status, version.published_on = VersionStatus.PUBLISHED, TODAY
        save(session, version)
        self.maker, self.version = Maker(session, Procedure=version.procedure), version
        empty = ("placed_on", "applied_on", "placement", "previous", "closing_ground", "closed_on", "follow_up_months")
        plain = dict.fromkeys((*empty, "consent_on"))
        given = plain | {"status": CaseStatus.OPEN, "opened_on": day(10)}
        self.case: Case = self.maker.new(Case, **given)
        session.commit()

    def save(self, *records: Any) -> None:
        save(self.session, *records)
        self.session.commit()

    def terms(self, name: str) -> list[Deadline]:
        wanted = select(Deadline).join(Requirement).where(Requirement.name == name, Deadline.case_id == self.case.id)
        return list(self.session.scalars(wanted.order_by(Deadline.event_on, Deadline.occasion)))

    def requirement(self, name: str) -> Requirement:
        return next(one for one in self.version.requirements if one.name == name)

    def visit(self, on: dt.date, kind: ContactKind = ContactKind.HOME) -> Contact:
        self.save(contact := Contact(case=self.case, held_on=on, kind=kind, event="Визит"))
        return contact


@pytest.fixture
def desk(app: Flask) -> Iterator[Desk]:
    with working(app) as session:
        yield Desk(session)


def test_a_new_case_takes_the_published_version_and_its_first_stage(desk: Desk) -> None:
    assert desk.case.edition is desk.version
    assert desk.case.stage is not None and desk.case.stage.number == 1
    assert [entry.since for entry in desk.case.passed] == [desk.case.opened_on]


def test_a_term_begins_with_its_event_and_ends_with_its_mark(desk: Desk) -> None:
    assert desk.terms("Акт") == []
    desk.case.applied_on = day(30)
    desk.save(desk.case)
    (term,) = desk.terms("Акт")
    assert term.done_on is None and term.due_on is not None and term.due_on < TODAY
    desk.save(mark := Mark(case=desk.case, requirement=desk.requirement("Акт"), done_on=day(1)))
    assert [one.done_on for one in desk.terms("Акт")] == [day(1)]
    remove(desk.session, mark)
    desk.session.commit()
    assert [one.done_on for one in desk.terms("Акт")] == [None]
    desk.case.applied_on = day(40)  # a slip of the pen is mended: nothing of it is left
    desk.save(desk.case)
    assert [one.event_on for one in desk.terms("Акт")] == [day(40)]
    desk.save(
        Mark(case=desk.case, requirement=desk.requirement("Акт"), done_on=TODAY, kind=MarkKind.WAIVED, note="есть акт")
    )
    assert desk.terms("Акт") == []


def test_a_rhythm_follows_placement_and_contacts(desk: Desk) -> None:
    assert desk.terms("Визит") == []
    desk.case.placement = Placement.PARENTS
    desk.case.placed_on = day(10)
    desk.save(desk.case)
    assert [(one.occasion, one.due_on, one.done_on) for one in desk.terms("Визит")] == [(1, day(3), None)]
    desk.visit(day(5), ContactKind.PHONE)
    assert desk.terms("Визит")[0].done_on is None
    late = desk.visit(day(1))
    assert [(one.due_on, one.done_on) for one in desk.terms("Визит")] == [
        (day(3), day(1)), (day(-4), day(1)), (day(-11), None),
    ]  # fmt: skip
    late.held_on = day(4)
    desk.save(late)
    assert [(one.due_on, one.done_on) for one in desk.terms("Визит")] == [(day(3), day(4)), (day(-4), None)]


def test_raised_risk_tightens_at_once_and_fallen_lets_go(desk: Desk) -> None:
    def assess(level: RiskLevel, on: dt.date) -> None:
        desk.save(desk.maker.new(RiskAssessment, family=desk.case.family, assessed_on=on, level=level))

    assess(RiskLevel.LOW, day(9))
    assert desk.terms("Чаще") == []
    assess(RiskLevel.HIGH, day(5))
    assert [(one.event_on, one.due_on) for one in desk.terms("Чаще")] == [(day(5), day(2))]
    assess(RiskLevel.MEDIUM, day(0))
    (missed,) = desk.terms("Чаще")
    assert missed.ended_on == TODAY, "what was missed is kept and expected no more"


def test_each_change_in_the_family_has_a_term_of_its_own(desk: Desk) -> None:
    for ago in (9, 3):
        desk.save(CaseEvent(case=desk.case, kind=EventKind.FAMILY_CHANGED, happened_on=day(ago)))
    desk.save(Mark(case=desk.case, requirement=desk.requirement("Уведомить"), done_on=day(2)))
    desk.save(CaseEvent(case=desk.case, kind=EventKind.FAMILY_CHANGED, happened_on=day(1)))
    assert [(one.event_on, one.done_on) for one in desk.terms("Уведомить")] == [
        (day(9), day(2)), (day(3), day(2)), (day(1), None),
    ]  # fmt: skip


def test_a_case_that_stands_still_is_not_late(desk: Desk) -> None:
    desk.case.applied_on = day(1)
    desk.save(desk.case)
    (term,) = desk.terms("Акт")
    before = term.due_on
    desk.save(standing := Suspension(case=desk.case, since=TODAY, reason="Семья уехала"))
    assert desk.case.status is CaseStatus.SUSPENDED
    assert [one.due_on for one in desk.terms("Акт")] == [None]
    standing.until = TODAY + dt.timedelta(days=13)
    desk.save(standing)
    assert desk.case.status is CaseStatus.OPEN
    (term,) = desk.terms("Акт")
    assert before is not None and term.due_on is not None and term.due_on > before


def test_a_term_is_put_off_with_a_reason_and_by_somebody(desk: Desk) -> None:
    desk.case.applied_on = day(30)
    desk.save(desk.case)
    (term,) = desk.terms("Акт")
    with pytest.raises(Refused):
        desk.save(Delay(case=desk.case, deadline=term, until=day(-5), reason="Семья болела"))
    desk.session.rollback()
    boss = desk.maker.one(Staff)
    desk.save(Delay(case=desk.case, deadline=desk.terms("Акт")[0], until=day(-5), reason="Болели", approved_by=boss))
    assert [one.due_on for one in desk.terms("Акт")] == [day(-5)]


def test_a_day_off_of_the_administrator_moves_running_terms(desk: Desk) -> None:
    desk.case.applied_on = TODAY
    desk.save(desk.case)
    before = desk.terms("Акт")[0].due_on
    assert before is not None
    desk.save(DayOff(country=Country.RU, day=before, name="Указ"))
    after = desk.terms("Акт")[0].due_on
    assert after is not None and after > before


def test_after_closing_only_the_follow_up_is_expected(desk: Desk) -> None:
    desk.case.applied_on = day(30)
    desk.case.placement = Placement.PARENTS
    desk.save(desk.case)
    desk.case.status, desk.case.closed_on, desk.case.follow_up_months = CaseStatus.CLOSED, TODAY, 3
    desk.case.closing_ground = desk.maker.one(ClosingGround)
    desk.save(desk.case)
    assert [one.ended_on for one in desk.terms("Акт")] == [TODAY]
    assert [one.occasion for one in desk.terms("После")] == [1]
    desk.case.follow_up_months = 7
    with pytest.raises(Refused):
        desk.save(desk.case)


def test_all_anew_is_what_was_followed(desk: Desk) -> None:
    desk.case.applied_on, desk.case.placement = day(30), Placement.PARENTS
    desk.save(desk.case)
    desk.visit(day(5))
    assert settle_all(desk.session.connection()) == 0
    desk.session.execute(Deadline.__table__.delete())  # type: ignore[attr-defined]
    assert settle_all(desk.session.connection()) == len(desk.terms("Акт")) + len(desk.terms("Визит"))
