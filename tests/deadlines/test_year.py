"""A year of 300 cases under the six procedures, day by day: the overdue list equals the oracle's on every day.

The oracle knows nothing of the engine: it keeps its own notes of what happened in each case, and counts on a wall
calendar, crossing off one day after another (tests/terms/test_term_rules.py).
"""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from sqlalchemy import insert, select, update

from app.cases.models import Case, CaseEvent, CaseStatus, EventKind, StageEntry, Suspension
from app.deadlines.engine import settle
from app.deadlines.models import Deadline, Mark, MarkKind
from app.families.models import Family
from app.journal.models import Contact, ContactKind, Monitoring
from app.kernel.orm import now
from app.plans.models import Plan, PlanStatus
from app.presets import load_presets
from app.procedures.kinds import Fact, Placement, Time, Unit
from app.procedures.models import ProcedureVersion, Requirement
from app.risks.models import FactorSet, RiskAssessment, RiskLevel
from app.terms.calendars import shipped
from app.terms.rules import Span, Term, add_months
from app.terms.rules import Unit as RuleUnit
from tests.records import Maker
from tests.running import working
from tests.terms.test_term_rules import oracle

CASES, DAYS = 300, 365
START = dt.date(2025, 1, 9)
ONE = dt.timedelta(days=1)
LEVELS = (RiskLevel.LOW, RiskLevel.MEDIUM, RiskLevel.HIGH)


@dataclass
class Notes:
    """What happened in a case, as somebody who keeps no database would note it."""

    opened: dt.date
    applied: dt.date | None
    placement: Placement | None
    facts: dict[Fact, list[dt.date]] = field(default_factory=lambda: defaultdict(list))
    marks: dict[int, list[dt.date]] = field(default_factory=lambda: defaultdict(list))
    levels: list[tuple[dt.date, RiskLevel]] = field(default_factory=list)
    stood: list[Span] = field(default_factory=list)
    stages: dict[int, dt.date] = field(default_factory=dict)
    closed: dt.date | None = None
    follow_up: int | None = None


def later(event: dt.date, count: int, unit: Unit, country: str, stood: list[Span]) -> dt.date:
    return oracle(event, Term(count, RuleUnit[unit.name]), shipped(country), stood)


def risk_of(notes: Notes) -> tuple[RiskLevel | None, dt.date | None, list[dt.date]]:
    """The level, since when it is that, and when it rose."""
    level, since, rises = None, None, []
    for day, found in notes.levels:
        if level is not None and LEVELS.index(found) > LEVELS.index(level):
            rises.append(day)
        if found is not level:
            level, since = found, day
    return level, since, rises


def waited_for(rule: Any, notes: Notes, country: str) -> Iterator[tuple[int, dt.date, int, dt.date]]:
    """Rule, event, which time and last day of what is not done yet."""
    if rule.event is None or rule.count is None or rule.unit is Unit.HOUR or rule.optional:
        return
    after = rule.time is Time.AFTER
    if after != (notes.closed is not None) or (after and not notes.follow_up):
        return
    level, since, rises = risk_of(notes)
    if rule.placement not in (None, notes.placement) or rule.risk not in (None, level):
        return
    happened = {**notes.facts, Fact.OPENED: [notes.opened], Fact.RISK_RAISED: rises,
                Fact.APPLICATION: [notes.applied] if notes.applied else [],
                Fact.CLOSED: [notes.closed] if notes.closed else []}  # fmt: skip
    if rule.event is Fact.STAGE:
        events = [notes.stages[rule.stage_id]] if rule.stage_id in notes.stages else []
    else:
        events = sorted(set(happened.get(rule.event, [])))
    each = rule.event in (Fact.FAMILY_CHANGED, Fact.ORDER, Fact.RISK_RAISED)
    proofs = (
        sorted({*happened.get(rule.proof, []), *notes.marks[rule.id]}) if rule.proof else sorted(notes.marks[rule.id])
    )
    if after:
        proofs = [day for day in proofs if day > (notes.closed or day)]
    if not rule.repeats:
        for event in events if each else events[:1]:
            if not any(day >= event for day in proofs) if each else not proofs:
                yield rule.id, event, 1, later(event, rule.count, rule.unit, country, notes.stood)
        return
    for event in events[-1:] if rule.event is Fact.RISK_RAISED else events[:1]:
        begin = max([event, *([notes.opened] if rule.placement else []), *([since] if rule.risk and since else [])])
        last = max((day for day in proofs if day > begin), default=None)
        before = begin
        for number, day in enumerate(rounds(rule, begin, notes, country), 1):
            if last is None or last <= before:
                yield rule.id, begin, number, day
                return
            before = day


def rounds(rule: Any, begin: dt.date, notes: Notes, country: str) -> Iterator[dt.date]:
    """The days of a rhythm: first so often for so long, then otherwise or no more."""
    during, unit = rule.during, rule.during_unit
    if rule.time is Time.AFTER and not during:
        during, unit = notes.follow_up, Unit.MONTH
    ends = later(begin, during, unit, country, notes.stood) if during else None
    n = 1
    while True:
        day = later(begin, rule.count * n, rule.unit, country, notes.stood)
        if ends is not None and day > ends:
            break
        yield day
        n += 1
    n = 1
    while rule.then_count and ends is not None:
        yield later(ends, rule.then_count * n, rule.then_unit, country, notes.stood)
        n += 1


class Year:
    """The year as it goes: what happens is noted and written, and both are asked in the evening."""

    def __init__(self, session: Any) -> None:
        self.session, self.connection, self.dice = session, session.connection(), random.Random(4)
        load_presets(session)
        session.flush()
        self.versions = session.scalars(select(ProcedureVersion).order_by(ProcedureVersion.id)).all()
        assert len(self.versions) == 6
        self.rules = {
            version.id: self.connection.execute(
                select(*Requirement.__table__.c).where(Requirement.__table__.c.edition_id == version.id)
            ).all()
            for version in self.versions
        }
        self.country = {version.id: version.procedure.country.name for version in self.versions}
        self.grounds = {version.id: version.grounds[0].id for version in self.versions}
        self.notes: dict[int, Notes] = {}
        self.edition: dict[int, int] = {}
        self.families: dict[int, int] = {}
        self.waits: dict[int, list[tuple[int, dt.date, int, dt.date]]] = {}
        self.family = Maker(session).new(Family)
        self.factors = session.scalars(select(FactorSet.id).limit(1)).one()

    def add(self, entity: Any, **values: Any) -> int:
        stamp = {"created_at": now(), "changed_at": now(), "version": 1, "folded": ""}
        row = insert(entity.__table__).values(**stamp, **values)
        return int(self.connection.execute(row).inserted_primary_key[0])

    def open(self, day: dt.date, n: int) -> int:
        version = self.versions[n % 6]
        family = self.add(Family, name=f"Семья {n}", organisation_id=self.family.organisation_id)
        applied = day - self.dice.randrange(3) * ONE if self.dice.random() < 0.8 else None
        placement = self.dice.choice([*Placement, None])
        stage = version.stages[0]
        case = self.add(
            Case, number=f"Г/{n}", family_id=family, procedure_id=version.procedure_id, edition_id=version.id,
            stage_id=stage.id, status=CaseStatus.OPEN, opened_on=day, applied_on=applied, placement=placement,
            placed_on=day if placement else None,
        )  # fmt: skip
        self.notes[case] = Notes(day, applied, placement)
        self.edition[case], self.families[case] = version.id, family
        self.enter(case, stage.id, day)
        return case

    def enter(self, case: int, stage: int, day: dt.date) -> None:
        self.add(StageEntry, case_id=case, stage_id=stage, since=day)
        self.notes[case].stages.setdefault(stage, day)

    def happen(self, case: int, day: dt.date) -> None:
        """One thing that may happen on a day."""
        notes, dice = self.notes[case], self.dice
        what = dice.choices(
            ["contact", "monitoring", "mark", "plan", "risk", "event", "stage", "stand", "close"],
            [30, 4, 10, 3, 4, 2, 3, 1, 1],
        )[0]
        if notes.closed and what != "contact":
            return
        if what == "contact":
            kind = dice.choice([ContactKind.HOME, ContactKind.PHONE, ContactKind.INTERAGENCY, ContactKind.LETTER])
            self.add(Contact, case_id=case, held_on=day, kind=kind, event="Работа")
            own = {"HOME": Fact.HOME_VISIT, "PHONE": Fact.PHONE_CALL, "INTERAGENCY": Fact.INTERAGENCY}.get(kind.name)
            for fact in (Fact.CONTACT, *([own] if own else [])):
                notes.facts[fact].append(day)
        elif what == "monitoring":
            self.add(Monitoring, case_id=case, held_on=day)
            notes.facts[Fact.MONITORING].append(day)
        elif what == "mark":
            rule = dice.choice(self.rules[self.edition[case]])
            self.add(Mark, case_id=case, requirement_id=rule.id, done_on=day, kind=MarkKind.DONE)
            notes.marks[rule.id].append(day)
        elif what == "plan" and not notes.facts[Fact.PLAN]:
            number = f"П/{case}"
            self.add(Plan, case_id=case, edition=1, number=number, kind="FAMILY", status=PlanStatus.IN_FORCE,
                     made_on=day, agreed_on=day, approved_on=day)  # fmt: skip
            for fact in (Fact.PLAN, Fact.PLAN_AGREED, Fact.PLAN_APPROVED, Fact.PLAN_IN_FORCE):
                notes.facts[fact].append(day)
        elif what == "risk" and not (notes.levels and notes.levels[-1][0] == day):
            level = dice.choice(LEVELS)
            self.add(RiskAssessment, family_id=self.families[case], assessed_on=day, factor_set_id=self.factors,
                     level=level)  # fmt: skip
            notes.levels.append((day, level))
            notes.facts[Fact.RISK].append(day)
        elif what == "event":
            kind = dice.choice([EventKind.FAMILY_CHANGED, EventKind.ORDER])
            self.add(CaseEvent, case_id=case, kind=kind, happened_on=day)
            notes.facts[Fact[kind.name]].append(day)
        elif what == "stage":
            version = next(one for one in self.versions if one.id == self.edition[case])
            self.enter(case, dice.choice(version.stages).id, day)
        elif what == "stand":
            until = day + dice.randrange(15) * ONE
            self.add(Suspension, case_id=case, since=day, until=until)
            notes.stood.append(Span(day, until))
        elif what == "close" and day > add_months(notes.opened, 2):
            notes.closed, notes.follow_up = day, 3 if self.country[self.edition[case]] == "KZ" else None
            c = Case.__table__.c
            values = {"status": CaseStatus.CLOSED, "closed_on": day, "follow_up_months": notes.follow_up}
            values["closing_ground_id"] = self.grounds[self.edition[case]]
            self.connection.execute(update(Case.__table__).where(c.id == case).values(**values))

    def evening(self, day: dt.date, touched: set[int]) -> None:
        settle(self.connection, touched, today=day)
        for case in touched:
            edition = self.edition[case]
            found = (waited_for(rule, self.notes[case], self.country[edition]) for rule in self.rules[edition])
            self.waits[case] = [one for some in found for one in some]
        d = Deadline.__table__.c
        late = select(d.case_id, d.requirement_id, d.event_on, d.occasion, d.due_on).where(
            d.done_on.is_(None), d.ended_on.is_(None), d.due_on < day
        )
        told = {tuple(row) for row in self.connection.execute(late)}
        ours = {(case, *one) for case, all_ in self.waits.items() for one in all_ if one[3] < day}
        assert told == ours, (day, sorted(told ^ ours)[:5])


def test_a_year_of_cases_is_overdue_exactly_when_the_oracle_says(app: Flask) -> None:
    with working(app) as session, session.no_autoflush:
        year, opened, late = Year(session), 0, 0
        for n in range(DAYS):
            day, touched = START + n * ONE, set()
            while opened < min(CASES, n + 1 + CASES // 5):
                touched.add(year.open(day, opened))
                opened += 1
            for case in year.dice.sample(sorted(year.notes), min(20, len(year.notes))):
                year.happen(case, day)
                touched.add(case)
            year.evening(day, touched)
            late = max(late, sum(one[3] < day for all_ in year.waits.values() for one in all_))
        assert opened == CASES and late > 300, "the year was to be a busy one"
        session.rollback()
