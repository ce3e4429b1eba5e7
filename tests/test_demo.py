"""The demonstration: every step of a case's life is in it, it never ages, and everything in it may stand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import demo, roles
from app.cases.models import Case, CaseStatus
from app.deadlines.engine import settle_all
from app.deadlines.flow import line
from app.deadlines.models import DayOff, Deadline, Delay, Mark, MarkKind
from app.demo import LOGINS, PASSWORD, NotEmpty, load_demo
from app.families.models import Family, Income, Member, MemberRole
from app.journal.models import Contact, Monitoring, MonitoringDecision, MonitoringResult
from app.kernel.declare import Reach, Viewer
from app.kernel.orm import Record, acting_as
from app.meetings.models import AgendaItem, Commission, CommissionMember, Meeting
from app.plans.models import Activity, Goal, Plan, PlanStatus
from app.presets import PROCEDURES, load_presets, preset
from app.procedures.kinds import Outcome
from app.procedures.models import Procedure, ProcedureVersion, VersionStatus
from app.risks.models import FactorSet, RiskAssessment, RiskLevel
from app.signals.models import Signal, SignalStatus
from app.territory.models import Municipality, Organisation, Region, Staff
from models import ENTITIES, Letter
from tests import plain

TODAY = dt.date.today()


def load(session: Session, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[tuple[Any, ...]]:
    """The demonstration with accounts that are only written down: real ones need the web application."""
    made: list[tuple[Any, ...]] = []

    def create(session: Session, login: str, password: str, names: list[str], staff: Staff) -> None:
        made.append((login, password, names, staff.name))

    monkeypatch.setattr("app.kernel.users.create_user", create)
    with TemporaryDirectory() as folder:
        logins = load_demo(session, Path(folder), **options)
    assert [(login, password, [role]) for role, login, password in logins] == [row[:3] for row in made]
    session.commit()
    return made


@pytest.fixture(scope="module")
def db() -> Iterator[Session]:
    with plain.database() as session, pytest.MonkeyPatch.context() as monkeypatch:
        load(session, monkeypatch)
        yield session


@pytest.mark.postgres
def test_it_loads_on_postgres_too(monkeypatch):
    with plain.database("postgres") as session:
        load(session, monkeypatch)
        assert session.scalar(select(func.count(Family.id))) >= 14


def test_one_login_for_every_role():
    assert set(LOGINS.values()) == {role.name for role in roles.SHIPPED}
    assert len(PASSWORD) >= 12


def test_the_logins_belong_to_staff_who_fit_them(db):
    with plain.database() as session, pytest.MonkeyPatch.context() as monkeypatch:
        made = load(session, monkeypatch)
    names = {login: name for login, _, _, name in made}
    staff = {name: db.scalars(select(Staff).where(Staff.name == name)).one() for name in names.values()}
    curator, secretary, member = (staff[names[login]] for login in ("kurator", "sekretar", "komissiya"))
    assert db.scalar(select(func.count(Case.id)).where(Case.curator_id == curator.id)) >= 3
    assert db.scalar(select(func.count(Case.id)).where(Case.specialists.any(Staff.name == names["specialist"]))) >= 3
    sits = select(CommissionMember.staff_id)
    assert {secretary.id, member.id} <= set(db.scalars(sits))


def test_a_second_time_is_refused(db, tmp_path):
    with pytest.raises(NotEmpty):
        load_demo(db, tmp_path)


def test_every_record_may_stand(db):
    for entity in ENTITIES:
        if issubclass(entity, Record):
            for record in db.scalars(select(entity)):
                record.prepare(db)
                assert list(record.faults()) == [], f"{entity.__name__} {record}"
    assert not any(map(db.is_modified, db.dirty))


def test_nothing_is_empty(db):
    # No post goes out there; the calendars need no corrections.
    for entity in set(ENTITIES) - {Letter, DayOff}:
        assert db.scalar(select(func.count(entity.id))) > 0, entity.__name__


def test_places_and_families(db):
    organisations = db.scalars(select(Organisation)).all()
    assert len(organisations) == 3
    assert len({organisation.municipality_id for organisation in organisations}) == 2
    families = db.scalars(select(Family)).all()
    assert len(families) >= 14
    assert len({family.name for family in families}) == len(families)
    for family in families:
        assert family.members
        assert family.incomes
        assert family.categories
        assert any(member.role is MemberRole.CHILD for member in family.members)
    names = " ".join([*db.scalars(select(Member.name)), *db.scalars(select(Staff.name))]).lower()
    assert set("әғқөұүһі") <= set(names)


@pytest.mark.parametrize("status", list(SignalStatus))
def test_a_signal_of_every_kind(db, status):
    assert db.scalars(select(Signal).where(Signal.status == status)).first()


@pytest.mark.parametrize("status", list(PlanStatus))
def test_a_plan_at_every_step(db, status):
    assert db.scalars(select(Plan).where(Plan.status == status)).first()


@pytest.mark.parametrize("status", list(CaseStatus))
def test_a_case_of_every_status(db, status):
    assert db.scalars(select(Case).where(Case.status == status)).first()


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_case_closed_with_every_outcome(db, outcome):
    closed = db.scalars(select(Case).where(Case.status == CaseStatus.CLOSED))
    assert outcome in {case.closing_ground.outcome for case in closed}


def test_a_case_without_a_plan_and_a_family_with_two_cases(db):
    planned = select(Plan.case_id)
    assert db.scalars(select(Case).where(Case.id.not_in(planned), Case.status == CaseStatus.OPEN)).first()
    twice = select(Case.family_id).group_by(Case.family_id).having(func.count() > 1)
    assert db.scalars(twice).first()
    assert db.scalars(select(Case).where(Case.consent_on.is_(None), Case.status == CaseStatus.OPEN)).first()


def test_a_plan_revised_by_the_next_version(db):
    (revised,) = db.scalars(select(Plan).where(Plan.status == PlanStatus.REVISED))
    editions = db.scalars(select(Plan).where(Plan.case_id == revised.case_id).order_by(Plan.edition)).all()
    assert [(plan.edition, plan.status) for plan in editions] == [(1, PlanStatus.REVISED), (2, PlanStatus.IN_FORCE)]
    assert editions[1].revision_reason
    assert editions[0].goals
    assert editions[1].goals


def test_terms_kept_and_missed_and_near(db):
    in_force = select(Activity).join(Goal).join(Plan).where(Plan.status == PlanStatus.IN_FORCE)
    assert db.scalars(in_force.where(Activity.done_on.is_not(None))).first()
    assert db.scalars(in_force.where(Activity.done_on.is_(None), Activity.due_on < TODAY)).first()
    assert db.scalars(in_force.where(Activity.due_on.is_(None), Activity.done_on.is_(None))).first()
    ahead = select(Activity).where(Activity.due_on >= TODAY, Activity.done_on.is_(None))
    assert db.scalars(ahead).first()
    for activity in db.scalars(select(Activity)):
        assert activity.done_on is None or activity.done_on <= TODAY


def test_risk_falls_over_the_months(db):
    order = list(RiskLevel)  # the highest first
    falling = 0
    for family in db.scalars(select(Family)):
        dated = select(RiskAssessment).where(RiskAssessment.family_id == family.id)
        levels = [order.index(each.level) for each in db.scalars(dated.order_by(RiskAssessment.assessed_on))]
        falling += len(levels) >= 2 and levels == sorted(levels) and levels[0] < levels[-1]
    assert falling >= 5


def test_the_journal_and_the_monitorings(db):
    assert db.scalar(select(func.count(Contact.id))) > 150
    many = [contact for contact in db.scalars(select(Contact)) if len(contact.goals) > 1]
    assert many
    for contact in db.scalars(select(Contact)):
        assert contact.held_on <= TODAY
        assert contact.held_on >= contact.case.opened_on
        assert all(goal.plan.case_id == contact.case_id for goal in contact.goals)
    assert set(MonitoringDecision) == {each.decision for each in db.scalars(select(Monitoring))}
    for result in db.scalars(select(MonitoringResult)):
        assert result.problem.case_id == result.monitoring.case_id


def test_meetings_behind_and_ahead(db):
    assert db.scalar(select(func.count(Commission.id))) == 3
    held = set(db.scalars(select(Meeting.held_on)))
    assert min(held) < TODAY < max(held)
    for meeting in db.scalars(select(Meeting)):
        assert meeting.items, meeting.number
        for item in meeting.items:
            assert bool(item.decision) is (meeting.held_on <= TODAY)
            assert item.case.opened_on <= meeting.held_on
    for plan in db.scalars(select(Plan)):
        assert plan.approved_on is None or plan.made_on <= plan.approved_on <= TODAY
        assert plan.agreed_on is None or plan.made_on <= plan.agreed_on <= TODAY
    waiting = select(AgendaItem).join(Meeting).where(Meeting.held_on > TODAY)
    assert db.scalars(waiting).first()


def test_no_day_lies_outside_its_story(db):
    for case in db.scalars(select(Case)):
        assert case.opened_on <= TODAY
        end = case.closed_on or TODAY
        for contact in db.scalars(select(Contact).where(Contact.case_id == case.id)):
            assert contact.held_on <= end
        for monitoring in db.scalars(select(Monitoring).where(Monitoring.case_id == case.id)):
            assert case.opened_on <= monitoring.held_on <= end
        for plan in db.scalars(select(Plan).where(Plan.case_id == case.id)):
            assert case.opened_on <= plan.made_on <= end


def test_cases_stand_where_their_records_say(db):
    for case in db.scalars(select(Case)):
        assert case.edition.status is VersionStatus.PUBLISHED
        assert case.closing_ground is None or case.closing_ground in case.edition.grounds
        here = next(step for step in line(db.connection(), case.id) if step.here)
        assert here.id == case.stage_id
        days = [entry.since for entry in case.passed]
        assert days == sorted(days)
        assert [entry.stage.number for entry in case.passed] == list(range(1, case.stage.number + 1))
        assert case.opened_on <= days[0] <= days[-1] <= (case.closed_on or TODAY)
    (again,) = db.scalars(select(Case).where(Case.previous_id.is_not(None)))
    assert again.previous.closed_on < again.opened_on


def test_terms_look_like_those_of_people_who_work(db):
    """Most are kept, a few are near, a few are missed, none is forgotten for months."""
    terms = db.scalars(select(Deadline)).all()
    waiting = [term for term in terms if term.done_on is None and term.ended_on is None]
    overdue = [term for term in waiting if term.due_on < TODAY]
    near = [term for term in waiting if TODAY <= term.due_on <= TODAY + dt.timedelta(days=7)]
    kept = [term for term in terms if term.done_on and term.done_on <= term.due_on]
    assert len(kept) > 0.7 * len(terms)
    assert 2 <= len(overdue) <= 6
    assert near
    assert max((TODAY - term.due_on).days for term in overdue) <= 21
    assert {mark.kind for mark in db.scalars(select(Mark))} >= {MarkKind.DONE, MarkKind.WAIVED}
    assert {delay.until is None for delay in db.scalars(select(Delay))} == {True, False}
    assert all(mark.done_on <= TODAY for mark in db.scalars(select(Mark)))


def test_the_terms_are_those_that_the_engine_finds(db):
    settle_all(db.connection())
    assert not db.scalars(select(Deadline).where(Deadline.due_on < Deadline.event_on)).all()
    assert settle_all(db.connection()) == 0


def test_each_role_sees_its_part(db):
    def families(*reaches: Reach, **place: int | None) -> int:
        viewer = Viewer(user_id=-1, reaches=frozenset(reaches), **place)
        db.expire_all()
        with acting_as(db, viewer):
            return len(db.scalars(select(Family)).all())

    krug = db.scalars(select(Organisation).where(Organisation.name.contains("круг"))).one()
    place, everything = krug.municipality_id, db.scalar(select(func.count(Family.id)))
    curator = db.scalars(select(Case).where(Case.status == CaseStatus.OPEN)).first().curator_id
    member = db.scalars(select(CommissionMember)).first().staff_id
    own, organisation = families(Reach.OWN, staff_id=curator), families(Reach.ORGANISATION, organisation_id=krug.id)
    municipality = families(Reach.MUNICIPALITY, municipality_id=place)
    assert 0 < own < organisation < municipality < everything
    assert 0 < families(Reach.AGENDA, staff_id=member) < everything
    assert families(Reach.NOTHING) == 0


def _told(session: Session) -> list[tuple[Any, ...]]:
    columns = (
        (Family.name, Family.phone), (Member.name, Member.born_on), (Case.number, Case.opened_on, Case.closed_on),
        (Plan.number, Plan.status, Plan.approved_on), (Activity.title, Activity.due_on, Activity.done_on),
        (Contact.held_on, Contact.event), (Meeting.number, Meeting.held_on), (Signal.number, Signal.content),
    )  # fmt: skip
    return [row for each in columns for row in session.execute(select(*each).order_by(each[0].class_.id))]


def test_the_same_day_tells_the_same_story(db, monkeypatch):
    with plain.database() as session:
        load(session, monkeypatch, today=TODAY)
        assert _told(session) == _told(db)


@pytest.mark.parametrize("today", ["2026-01-01", "2028-02-29", "2030-12-31"])
def test_it_does_not_age(monkeypatch, today):
    day = dt.date.fromisoformat(today)
    with time_machine.travel(dt.datetime(day.year, day.month, day.day, 8, tzinfo=dt.UTC)), plain.database() as session:
        load(session, monkeypatch)
        assert session.scalars(select(Activity).where(Activity.due_on < day, Activity.done_on.is_(None))).first()
        assert max(session.scalars(select(Contact.held_on))) > day - dt.timedelta(days=7)
        newest = max(session.scalars(select(Signal.received_at)))
        assert day - dt.timedelta(days=1) <= newest.date() <= day
        ages = [member.age for member in session.scalars(select(Member).where(Member.role == MemberRole.CHILD))]
        assert min(ages) >= 0
        assert max(ages) < 18
        waiting = select(Deadline.due_on).where(Deadline.done_on.is_(None), Deadline.ended_on.is_(None))
        late = [(day - due_on).days for due_on in session.scalars(waiting.where(Deadline.due_on < day))]
        assert late
        assert max(late) <= 28


def test_no_word_of_an_official_of_the_sources():
    """Names of real officials stand in the sources; the demonstration is invented."""
    words = str(demo._story())
    assert not [name for name in ("Макуров", "Кушнарев", "Вязников", "Майоров", "Искорка Фонд") if name in words]


# --- The dictionaries ---


def test_presets_are_added_once_and_what_was_changed_stays():
    with plain.database() as session:
        added = load_presets(session)
        assert added > 60
        assert load_presets(session) == 0
        procedure = session.scalars(select(Procedure).where(Procedure.code == "perm")).one()
        procedure.name, procedure.active = "Наша методика", False
        factor = session.scalars(select(FactorSet)).first().factors[0]
        factor.level, factor.name = RiskLevel.LOW, "Иначе"
        session.delete(session.scalars(select(Municipality).where(Municipality.name == "Темиртау")).one())
        session.commit()
        assert load_presets(session) == 1
        assert (procedure.name, procedure.active) == ("Наша методика", False)
        assert (factor.level, factor.name) == (RiskLevel.LOW, "Иначе")


def test_the_risk_factors_are_the_rows_of_the_form():
    with plain.database() as session:
        load_presets(session)
        rows = session.scalars(select(FactorSet).where(FactorSet.name.contains("Искорка"))).one().factors
        levels = {factor.number: factor.level.name for factor in rows}
        assert levels == {
            "1": "HIGH", "2": "MEDIUM", "3.1": "HIGH", "3.2": "MEDIUM", "3.3": "LOW", "4.1": "MEDIUM", "4.2": "LOW",
            "5.1": "HIGH", "5.2": "HIGH", "5.3": "MEDIUM", "6.1": "LOW", "6.2": "HIGH", "6.3": "HIGH",
            "6.4": "MEDIUM", "7": "HIGH", "8": "HIGH",
        }  # fmt: skip
        assert [factor.number for factor in rows] == list(levels)


def test_the_procedures_are_those_of_the_five_practices():
    with plain.database() as session:
        load_presets(session)
        versions = session.scalars(select(ProcedureVersion).order_by(ProcedureVersion.id)).all()
        assert [version.procedure.code for version in versions] == list(PROCEDURES)
        for version in versions:
            assert (version.number, version.status) == (1, VersionStatus.PUBLISHED)
            assert version.published_on == TODAY
    assert {each["outcome"] for each in preset("procedures", "closing_grounds")} == {each.name for each in Outcome}


def test_a_procedure_without_a_version_gets_one_and_one_with_a_version_is_left_alone():
    with plain.database() as session:
        own = Procedure(code="our-perm", name="Сопровождение семей, признанных нуждающимися", note="Наша")
        other = Procedure(code="KZ-PHC", name="Поликлиника")
        worked = Procedure(code="novgorod", name="Область")
        session.add_all([own, other, ProcedureVersion(procedure=worked)])
        session.commit()
        load_presets(session)
        assert session.scalar(select(func.count(Procedure.id))) == len(PROCEDURES)
        assert (own.code, own.note, other.name) == ("our-perm", "Наша", "Поликлиника")
        stages = {version.procedure.code: version.stages for version in session.scalars(select(ProcedureVersion))}
        assert [len(stages[code]) for code in ("our-perm", "KZ-PHC", "novgorod")] == [5, 4, 0]
        assert load_presets(session) == 0


def test_the_regions_hold_their_municipalities():
    with plain.database() as session:
        load_presets(session)
        city = session.scalars(select(Municipality).where(Municipality.name == "Челябинский городской округ")).one()
        assert city.region.name == "Челябинская область"
        assert session.scalar(select(func.count(Region.id))) >= 5
        assert session.scalar(select(func.count(Income.id))) == 0
