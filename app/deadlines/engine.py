"""The deadline engine: keeps the table of terms equal to what procedures and records say.

It follows every change of a case within the transaction of that change (:func:`follow`), and can work out all cases
anew (:func:`settle_all`). It reads whole tables by a few statements for many cases at once, so one case and a hundred
thousand go the same way.
"""

from __future__ import annotations

import datetime as dt
import gc
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast
from zoneinfo import ZoneInfo

from flask import flash, has_request_context
from flask_babel import ngettext
from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Select,
    String,
    Table,
    bindparam,
    delete,
    event,
    extract,
    func,
    insert,
    inspect,
    literal,
    null,
    or_,
    select,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy import case as sql_case
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.cases.models import Case, CaseEvent, CaseStatus, EventKind, Problem, StageEntry, Suspension
from app.deadlines.models import DayOff, Deadline, Delay, Mark, MarkKind, Unsettled
from app.deadlines.rules import Key, Rule, Standing, asked_for, expected
from app.families.models import Family
from app.journal.models import Contact, ContactKind, Monitoring
from app.kernel import clock
from app.kernel.access import identity
from app.kernel.orm import Moment, Record, changed
from app.meetings.models import AgendaItem, Meeting
from app.plans.models import Plan, PlanStatus
from app.procedures.kinds import Country, Fact, Time, Unit
from app.procedures.models import Procedure, ProcedureVersion, Requirement
from app.risks.models import RiskAssessment, RiskLevel
from app.signals.models import Signal
from app.terms.calendars import shipped
from app.terms.rules import Calendar, Phase, Span, Term
from app.territory.kinds import Zone, zone_of
from app.territory.models import Organisation

CHUNK = 2_000  # cases at a time: what they have in their records is held in memory
_ORDER = Fact.ORDER.name
_CONTACTS = {
    ContactKind.HOME.name: Fact.HOME_VISIT.name,
    ContactKind.PHONE.name: Fact.PHONE_CALL.name,
    ContactKind.INTERAGENCY.name: Fact.INTERAGENCY.name,
}
_EVENTS = {kind.name: kind.fact.name if kind.fact else None for kind in EventKind}
_LEVELS = [RiskLevel.LOW, RiskLevel.MEDIUM, RiskLevel.HIGH]
_AT_WORK = (PlanStatus.IN_FORCE, PlanStatus.FULFILLED, PlanStatus.REVISED)

Of = Callable[[Any], Any]  # which cases: a column that holds a case's number becomes a criterion


def _table(entity: type[Any]) -> Table:
    return cast(Table, entity.__table__)


# --- Rules and calendars ----------------------------------------------------------------------------------


def _term(count: int | None, unit: Unit | None) -> Term | None:
    return Term(count, unit.rule) if count and unit else None


def rule_of(row: Any) -> Rule | None:
    """A requirement as a rule; None when nobody can be late with it.

    That is one without a term, and one in hours, which is the signal's and not the case's.
    """
    first = _term(row.count, row.unit)
    if first is None or row.event is None or row.unit is Unit.HOUR:
        return None
    phases: tuple[Phase, ...] = ()
    if row.repeats:
        then = _term(row.then_count, row.then_unit)
        phases = (Phase(first, _term(row.during, row.during_unit)), *([Phase(then)] if then else []))
    return Rule(
        id=row.id,
        event=row.event.name,
        term=None if row.repeats else first,
        phases=phases,
        proof=row.proof.name if row.proof else "",
        stage=row.stage_id or 0,
        after=row.time is Time.AFTER,
        placement=row.placement.name if row.placement else "",
        risk=row.risk.name if row.risk else "",
        optional=row.optional,
    )


def rules_of(connection: Connection, editions: Collection[int]) -> dict[int, list[Rule]]:
    """The rules of these versions of procedures."""
    table = _table(Requirement)
    found: dict[int, list[Rule]] = {edition: [] for edition in editions}
    for row in connection.execute(select(table).where(table.c.edition_id.in_(found)).order_by(table.c.id)):
        if (rule := rule_of(row)) is not None:
            found[row.edition_id].append(rule)
    return found


@lru_cache(maxsize=8)
def _corrected(country: str, off: frozenset[dt.date], worked: frozenset[dt.date]) -> Calendar:
    """One calendar for the same corrections, however often it is asked for."""
    base = shipped(country)
    return replace(
        base,
        off=(base.off - worked) | off,
        worked=(base.worked - off) | worked,
        years=base.years | {day.year for day in off | worked},
    )


def calendars(connection: Connection) -> Callable[[str], Calendar]:
    """The production calendar of a country, with the days that the administrator has written down."""
    off: dict[str, set[dt.date]] = defaultdict(set)
    worked: dict[str, set[dt.date]] = defaultdict(set)
    for row in connection.execute(select(_table(DayOff))):
        (worked if row.worked else off)[row.country.name].add(row.day)
    found = {country.name: (frozenset(off[country.name]), frozenset(worked[country.name])) for country in Country}
    return lambda country: _corrected(country, *found[country])


def estimated(connection: Connection) -> dict[tuple[str, int], int]:
    """By country and year: waiting terms in working days that fall into a year whose days off are not known yet."""
    d, r, v, p = (_table(one).c for one in (Deadline, Requirement, ProcedureVersion, Procedure))
    calendar_of = calendars(connection)
    known_years = {country: calendar_of(country.name).years for country in Country}
    last, year = min(max(years) for years in known_years.values()), extract("year", d.due_on)
    ahead = (
        select(p.country, year, func.count())
        .join(_table(Requirement), r.id == d.requirement_id)
        .join(_table(ProcedureVersion), v.id == r.edition_id)
        .join(_table(Procedure), p.id == v.procedure_id)
        .where(d.due_on > dt.date(last, 12, 31), d.done_on.is_(None), d.ended_on.is_(None), _in_working_days())
        .group_by(p.country, year)
    )
    found = [(country, int(when), count) for country, when, count in connection.execute(ahead)]
    return {(country.name, when): count for country, when, count in found if when not in known_years[country]}


def _in_working_days() -> ColumnElement[bool]:
    r = _table(Requirement).c
    return or_(r.unit == Unit.WORKING_DAY, r.during_unit == Unit.WORKING_DAY, r.then_unit == Unit.WORKING_DAY)


# --- What stands in the records ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """A case with its procedure, and where it stands."""

    edition: int | None
    stage: int | None
    country: str
    zone: Zone | None  # by which days begin and end there; None: that of the installation
    standing: Standing

    @property
    def today(self) -> dt.date:
        return clock.day_in(zone_of(self.zone))


class _Facts:
    """The dated facts of many cases."""

    def __init__(self) -> None:
        self.days: dict[int, dict[str, set[dt.date]]] = defaultdict(lambda: defaultdict(set))
        self.withdrawn: dict[int, dict[str, set[tuple[dt.date, dt.date]]]] = defaultdict(lambda: defaultdict(set))

    def add(self, case: int, fact: str, day: dt.date | None) -> None:
        if day is not None:
            self.days[case][fact].add(day)

    def of(self, case: int) -> Mapping[str, Sequence[dt.date]]:
        return {name: sorted(days) for name, days in self.days[case].items()} if case in self.days else {}

    def taken_back(self, case: int) -> Mapping[str, Sequence[Span]]:
        if case not in self.withdrawn:
            return {}
        return {name: [Span(*one) for one in sorted(spans)] for name, spans in self.withdrawn[case].items()}


def known(connection: Connection, of: Of) -> dict[int, Known]:
    """Everything that terms follow from, of the cases that ``of`` names."""
    facts = _Facts()
    c, version, procedure = (_table(one).c for one in (Case, ProcedureVersion, Procedure))
    family, organisation = (_table(one).c for one in (Family, Organisation))
    cases = connection.execute(
        select(c.id, c.edition_id, c.stage_id, c.opened_on, c.applied_on, c.consent_on, c.curator_id, c.placement,
               c.placed_on, c.status, c.closed_on, c.follow_up_months, procedure.country, organisation.zone)
        .outerjoin(_table(ProcedureVersion), version.id == c.edition_id)
        .join(_table(Procedure), procedure.id == c.procedure_id)
        .join(_table(Family), family.id == c.family_id)
        .join(_table(Organisation), organisation.id == family.organisation_id)
        .where(of(c.id))
    ).all()  # fmt: skip
    for row in cases:
        facts.add(row.id, "OPENED", row.opened_on)
        facts.add(row.id, "APPLICATION", row.applied_on)
        facts.add(row.id, "CONSENT", row.consent_on)
        facts.add(row.id, "CLOSED", row.closed_on)
        if row.curator_id is not None:
            facts.add(row.id, "CURATOR", row.opened_on)
    _work(connection, of, facts, {row.id: zone_of(row.zone) for row in cases})
    risks = _risks(connection, of, facts)
    marks, said, delays = _said(connection, of)
    stages, stood = _stood(connection, of)
    return {
        row.id: Known(
            row.edition_id,
            row.stage_id,
            row.country.name,
            row.zone,
            Standing(
                facts=facts.of(row.id),
                stages=stages.get(row.id, {}),
                marks=marks.get(row.id, {}),
                waived=_ids(said.get(row.id, {}), MarkKind.WAIVED),
                needed=_ids(said.get(row.id, {}), MarkKind.NEEDED),
                delays=delays.get(row.id, {}),
                stood=tuple(stood.get(row.id, ())),
                placement=row.placement.name if row.placement else "",
                placed_on=row.placed_on,
                risk=risks[row.id][0].name if row.id in risks else "",
                risk_since=risks[row.id][1] if row.id in risks else None,
                closed_on=row.closed_on if row.status is CaseStatus.CLOSED else None,
                follow_up=_term(row.follow_up_months, Unit.MONTH),
                withdrawn=facts.taken_back(row.id),
            ),
        )
        for row in cases
    }


def _work(connection: Connection, of: Of, facts: _Facts, zones: Mapping[int, ZoneInfo]) -> None:
    """What the records of the work say, in one statement: signals, contacts, monitorings, decisions, plans.

    What is kept with its moment happened on a day of the place where the case is led.
    """
    contact, monitoring, signal, happened, item, problem, plan = (
        _table(one).c for one in (Contact, Monitoring, Signal, CaseEvent, AgendaItem, Problem, Plan)
    )
    meeting = _table(Meeting)
    nothing, never, no_moment = null().cast(String), null().cast(Date), null().cast(Moment())

    def told(fact: Fact, case: Any, day: Any, more: Any = nothing, until: Any = never) -> Select[Any]:
        return select(literal(fact.name).label("fact"), case, day, more, until, no_moment).where(of(case))

    def first(fact: Fact, case: Any, moment: Any) -> Select[Any]:
        chosen = select(literal(fact.name).label("fact"), case, never, nothing, never, func.min(moment, type_=Moment()))
        return chosen.where(of(case)).group_by(case)

    def planned(fact: Fact, day: Any) -> Select[Any]:
        """A plan that was cancelled tells until when it stood."""
        given_up = plan.status == PlanStatus.CANCELLED
        return told(fact, plan.case_id, day, nothing, sql_case((given_up, plan.cancelled_on))).where(
            ~given_up | plan.cancelled_on.is_not(None)
        )

    kind = type_coerce(contact.kind, String)
    parts = (
        told(Fact.CONTACT, contact.case_id, contact.held_on, kind).distinct(),
        told(Fact.MONITORING, monitoring.case_id, monitoring.held_on),
        told(Fact.ORDER, happened.case_id, happened.happened_on, type_coerce(happened.kind, String)),
        told(Fact.DECISION, item.case_id, meeting.c.held_on)
        .join(meeting, meeting.c.id == item.meeting_id)
        .where(item.decision.is_not(None)),
        planned(Fact.PLAN, plan.made_on),
        planned(Fact.PLAN_AGREED, plan.agreed_on),
        planned(Fact.PLAN_APPROVED, plan.approved_on),
        told(Fact.PLAN_IN_FORCE, plan.case_id, func.coalesce(plan.approved_on, plan.made_on)).where(
            plan.status.in_(_AT_WORK)
        ),
        # Whether it had come into force is not kept: what was approved had.
        planned(Fact.PLAN_IN_FORCE, plan.approved_on).where(plan.status == PlanStatus.CANCELLED),
        first(Fact.SIGNAL, signal.case_id, signal.received_at),
        first(Fact.SIGNAL_HIGH, signal.case_id, signal.triaged_at).where(signal.risk == RiskLevel.HIGH),
        first(Fact.URGENT_AGREED, signal.case_id, signal.agreed_at),
        first(Fact.PROBLEMS, problem.case_id, problem.created_at),
    )
    for name, case, day, more, until, moment in connection.execute(union_all(*parts)):
        if name == _ORDER:
            if (fact := _EVENTS[more]) is not None:
                facts.add(case, fact, day)
            continue
        if until is not None:
            if day is not None:
                facts.withdrawn[case][name].add((day, until))
            continue
        facts.add(case, name, moment.astimezone(zones[case]).date() if moment else day)
        if more in _CONTACTS:
            facts.add(case, _CONTACTS[more], day)


def _risks(connection: Connection, of: Of, facts: _Facts) -> dict[int, tuple[RiskLevel, dt.date]]:
    """The level of each case's family and the day since which it is that; how it was raised becomes a fact.

    What was assessed before the case was opened tells the level, and is no work of this case.
    """
    c, case = _table(RiskAssessment).c, _table(Case)
    told = (
        select(case.c.id, case.c.opened_on, c.assessed_on, c.level)
        .join(case, case.c.family_id == c.family_id)
        .where(of(case.c.id), c.level.is_not(None))
        .order_by(case.c.id, c.assessed_on, c.id)
    )
    levels: dict[int, tuple[RiskLevel, dt.date]] = {}
    for id_, opened, day, level in connection.execute(told):
        before = levels.get(id_)
        if before is None or before[0] is not level:
            levels[id_] = (level, day)
        if before is not None and _LEVELS.index(level) > _LEVELS.index(before[0]) and day >= opened:
            facts.add(id_, "RISK_RAISED", day)
        if day >= opened:
            facts.add(id_, "RISK", day)
    return levels


def _ids(said: Mapping[int, MarkKind], kind: MarkKind) -> frozenset[int]:
    return frozenset(id_ for id_, one in said.items() if one is kind)


def _said(
    connection: Connection, of: Of
) -> tuple[dict[int, dict[int, list[dt.date]]], dict[int, dict[int, MarkKind]], dict[int, dict[Key, dt.date]]]:
    """What was marked as done, what was said last of whether it applies, and what was put off, by case."""
    marks: dict[int, dict[int, list[dt.date]]] = defaultdict(lambda: defaultdict(list))
    said: dict[int, dict[int, MarkKind]] = defaultdict(dict)
    delays: dict[int, dict[Key, dt.date]] = defaultdict(dict)
    c = _table(Mark).c
    told = select(c.case_id, c.requirement_id, c.done_on, c.kind).where(of(c.case_id)).order_by(c.id)
    for row in connection.execute(told):
        if row.kind is MarkKind.DONE:
            marks[row.case_id][row.requirement_id].append(row.done_on)
        else:
            said[row.case_id][row.requirement_id] = row.kind
    c, d = _table(Delay).c, _table(Deadline).c
    put_off = (
        select(c.case_id, c.until, d.requirement_id, d.event_on, d.occasion)
        .join(_table(Deadline), d.id == c.deadline_id)
        .where(of(c.case_id), c.until.is_not(None))
        .order_by(c.decided_on, c.id)
    )
    for row in connection.execute(put_off):
        delays[row.case_id][row.requirement_id, row.event_on, row.occasion] = row.until
    return marks, said, delays


def _stood(connection: Connection, of: Of) -> tuple[dict[int, dict[int, dt.date]], dict[int, list[Span]]]:
    """Since when a case stood at each stage for the first time, and when it stood still."""
    stages: dict[int, dict[int, dt.date]] = defaultdict(dict)
    stood: dict[int, list[Span]] = defaultdict(list)
    c = _table(StageEntry).c
    first = select(c.case_id, c.stage_id, func.min(c.since)).where(of(c.case_id)).group_by(c.case_id, c.stage_id)
    for case, stage, since in connection.execute(first):
        stages[case][stage] = since
    c = _table(Suspension).c
    for case, since, until in connection.execute(select(c.case_id, c.since, c.until).where(of(c.case_id))):
        stood[case].append(Span(since, until))
    return stages, stood


# --- Settling ---------------------------------------------------------------------------------------------


def settle(connection: Connection, cases: Iterable[int], today: dt.date | None = None) -> int:
    """Bring the terms of these cases up to date; returns how many rows were written."""
    ids, written = sorted(cases), 0
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        written += _settle(connection, lambda column, part=part: column.in_(part), today)  # type: ignore[misc]
    return written


def settle_all(connection: Connection, today: dt.date | None = None) -> int:
    """Bring the terms of every case up to date; returns how many rows were written."""
    written = 0
    last = connection.execute(select(func.max(_table(Case).c.id))).scalar() or 0
    for start in range(1, last + 1, CHUNK):
        span = (start, start + CHUNK - 1)
        written += _settle(connection, lambda column, span=span: column.between(*span), today)  # type: ignore[misc]
    return written


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Without the search for cycles: nothing here makes any, and to look through so many objects takes a third more."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@_nothing_collected()
def _settle(connection: Connection, of: Of, today: dt.date | None) -> int:
    # Before anything is read: what is marked from now on is settled once more, and not forgotten.
    connection.execute(delete(_table(Unsettled)).where(of(_table(Unsettled).c.case_id)))
    calendar_of = calendars(connection)
    cases = known(connection, of)
    rules = rules_of(connection, {one.edition for one in cases.values() if one.edition is not None})
    stored: dict[int, dict[Key, Any]] = defaultdict(dict)
    d = _table(Deadline).c
    for row in connection.execute(select(*d).where(of(d.case_id))):
        stored[row.case_id][row.requirement_id, row.event_on, row.occasion] = row
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    gone: list[int] = []
    for id_, case in cases.items():
        own = rules.get(case.edition or 0, [])
        calendar = calendar_of(case.country)
        wanted = {one.key: one for rule in own for one in expected(rule, case.standing, calendar)}
        there = stored.get(id_, {})
        for key, one in wanted.items():
            values = {"due_on": one.due_on, "done_on": one.done_on, "ended_on": one.ended_on, "zone": case.zone}
            row = there.get(key)
            if row is None:
                new.append({"case_id": id_, "requirement_id": one.rule, "event_on": one.event_on,
                            "occasion": one.occasion, **values})  # fmt: skip
            elif (row.due_on, row.done_on, row.ended_on, row.zone) != (*values.values(),):
                changed.append({"row": row.id, **values})
        if there.keys() <= wanted.keys():
            continue
        ended = _Ended(case.standing, {rule.id: rule for rule in own}, today or case.today)
        for key, row in there.items():
            if key not in wanted:
                match ended.of(row):
                    case _Ended.GONE:
                        gone.append(row.id)
                    case day if day != row.ended_on:
                        values = {"due_on": row.due_on, "done_on": row.done_on, "ended_on": day, "zone": case.zone}
                        changed.append({"row": row.id, **values})
    return _write(connection, new, changed, gone)


class _Ended:
    """What becomes of a term that is expected no more.

    What was done is kept, and what was missed: the case was closed, the child moved, the version changed. What had time
    yet goes, and so does what should never have been: its event was corrected, the rule does not apply.
    """

    GONE = "gone"

    def __init__(self, case: Standing, rules: Mapping[int, Rule], today: dt.date) -> None:
        self.case, self.rules, self.today = case, rules, today

    def _may_have_ended(self, rule: Rule) -> bool:
        return bool(rule.placement or rule.risk or self.case.closed_on)

    def of(self, row: Any) -> Any:
        """The day since which it is expected no longer (None for what was done), or ``GONE``."""
        rule = self.rules.get(row.requirement_id)
        if rule is not None and not (asked_for(rule, self.case) and self._may_have_ended(rule)):
            return self.GONE
        if row.done_on is not None:
            return None
        if row.due_on is not None and row.due_on < self.today:
            return row.ended_on or self.case.closed_on or self.today
        return self.GONE


def _write(connection: Connection, new: list[Any], changed: list[Any], gone: list[int]) -> int:
    table = _table(Deadline)
    for start in range(0, len(gone), CHUNK):
        connection.execute(delete(table).where(table.c.id.in_(gone[start : start + CHUNK])))
    if changed:
        connection.execute(update(table).where(table.c.id == bindparam("row")), changed)
    if new:
        connection.execute(insert(table), new)
    return len(gone) + len(changed) + len(new)


# --- What waits to be settled -----------------------------------------------------------------------------


def waiting(connection: Connection) -> int:
    """How many cases are marked, and may have other terms than are told."""
    return connection.execute(select(func.count()).select_from(_table(Unsettled))).scalar_one()


def settle_marked(connection: Connection, most: int = CHUNK) -> int:
    """Settle so many of the marked cases; returns how many there were, none when all is settled."""
    c = _table(Unsettled).c
    ids = connection.execute(select(c.case_id).order_by(c.case_id).limit(most)).scalars().all()
    if ids:
        settle(connection, ids)
    return len(ids)


def catch_up(session: Session, cases: Collection[int]) -> bool:
    """Settle those of these cases that are marked, for whoever looks at them now; whether any was."""
    c, connection = _table(Unsettled).c, session.connection()
    ids = connection.execute(select(c.case_id).where(c.case_id.in_(cases))).scalars().all() if cases else []
    if not ids:
        return False
    try:
        settle(connection, ids)
        session.commit()
    except OperationalError:  # a long import holds the database: no reason to refuse a reader
        session.rollback()
        return False
    return True


def mark(connection: Connection, cases: Select[Any]) -> None:
    """Mark the cases that a statement finds: too many, maybe, to be settled in the request that changed something."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(_table(Unsettled)).from_select(["case_id"], cases).on_conflict_do_nothing())


def _mark(session: Session, cases: Select[Any]) -> None:
    mark(session.connection(), cases)
    session.info[_MARKED] = True


# --- Following --------------------------------------------------------------------------------------------

_PENDING, _MARKED = "cases_to_settle", "cases_marked"
PORTION = 1_000  # of the cases that a correction for many has marked, settled at once
_WATCHED = (
    Case,
    CaseEvent,
    StageEntry,
    Suspension,
    Problem,
    Signal,
    Plan,
    Contact,
    Monitoring,
    AgendaItem,
    Mark,
    Delay,
)
_TABLES = {entity.__tablename__ for entity in _WATCHED}


def follow(session: Any) -> None:
    """Settle the cases that a transaction has touched before it is committed."""
    event.listen(session, "after_flush", _gather)
    event.listen(session, "do_orm_execute", _gather_inserted)
    event.listen(session, "before_commit", _settle_touched)
    event.listen(session, "after_soft_rollback", _forget)


def _forget(session: Session, previous: Any) -> None:
    session.info.pop(_PENDING, None)
    session.info.pop(_MARKED, None)


def _gather(session: Session, context: Any) -> None:
    touched: set[int] = session.info.setdefault(_PENDING, set())
    for record in (*session.new, *session.dirty, *session.deleted):
        if isinstance(record, Record):
            touched.update(_cases_of(session, record))
            if (many := _many_of(record)) is not None:
                _mark(session, many)


def _cases_of(session: Session, record: Record) -> Iterator[int]:
    """The cases whose terms may follow from a record, also those it belonged to before."""
    connection = session.connection()
    c = _table(Case).c
    match record:
        case Case():
            yield record.id
        case _ if isinstance(record, _WATCHED):
            history = inspect(record).attrs["case_id"].history
            yield from (id_ for id_ in (*history.added, *(history.unchanged or ()), *(history.deleted or ())) if id_)
        case RiskAssessment() | Family():
            family = record.family_id if isinstance(record, RiskAssessment) else record.id
            yield from connection.execute(select(c.id).where(c.family_id == family)).scalars()
        case Meeting():
            item = _table(AgendaItem).c
            yield from connection.execute(select(item.case_id).where(item.meeting_id == record.id)).scalars()


def _many_of(record: Record) -> Select[Any] | None:
    """The cases whose terms follow from a record that is everybody's: a day of the calendar, where a place lies."""
    c, family = _table(Case).c, _table(Family).c
    match record:
        case DayOff():
            days = inspect(record).attrs.day.history  # the day that it was until now counts too
            return counted_over(min(*days.added, *(days.unchanged or ()), *(days.deleted or ()), dt.date.max))
        case Organisation() if changed(record, "zone"):
            ours = select(family.id).where(family.organisation_id == record.id)
            return select(c.id).where(c.family_id.in_(ours))
        case Procedure() if changed(record, "country"):
            return select(c.id).where(c.procedure_id == record.id)
    return None


def counted_over(day: dt.date) -> Select[Any]:
    """Cases with a term in working days that the day lies in, or could come to lie in."""
    d, r = _table(Deadline).c, _table(Requirement).c
    return (
        select(d.case_id)
        .join(_table(Requirement), r.id == d.requirement_id)
        .where(_in_working_days(), d.event_on <= day, r.repeats | d.due_on.is_(None) | (d.due_on >= day))
        .distinct()
    )


def _gather_inserted(state: Any) -> None:
    """Rows put back out of the bin come as plain inserts."""
    table = getattr(state.statement, "table", None)
    if not state.is_insert or table is None or table.name not in _TABLES | {"risk_assessment", "day_off"}:
        return
    params = state.statement.compile().params
    touched = state.session.info.setdefault(_PENDING, set())
    if table.name == "day_off":
        _mark(state.session, counted_over(params["day"]))
    elif (id_ := params.get("id" if table.name == "case" else "case_id")) is not None:
        touched.add(id_)
    elif (family := params.get("family_id")) is not None:
        c = _table(Case).c
        touched.update(state.session.connection().execute(select(c.id).where(c.family_id == family)).scalars())


def _settle_touched(session: Session) -> None:
    session.flush()
    touched = session.info.pop(_PENDING, None)
    if touched:
        settle(session.connection(), touched)
    if session.info.pop(_MARKED, False):
        settle_marked(session.connection(), PORTION)
        _tell(waiting(session.connection()))


def _tell(left: int) -> None:
    """Say to whoever has changed something for many that it does not show everywhere yet."""
    found = identity() if has_request_context() else None
    if left and found is not None and not found.by_token:
        flash(
            ngettext(
                "The terms of %(num)d more case are counted anew when it is opened, or at night.",
                "The terms of %(num)d more cases are counted anew when they are opened, or at night.",
                left,
            ),
            "info",
        )
