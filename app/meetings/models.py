"""Commissions and their sittings, as plain registers. Source: domain.md, section 7 (PRM, ANG, NOV, KZ)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Date, and_, case, exists, func, literal, or_, select
from sqlalchemy.orm import Mapped, Session, object_session

from app import scopes
from app.cases.models import Case
from app.kernel import clock
from app.kernel.declare import (
    N_,
    Admin,
    Choice,
    Print,
    Viewer,
    children,
    column,
    computed,
    counted,
    parent,
    reached,
    reference,
)
from app.kernel.functions import days_between
from app.kernel.orm import LONG, SHORT, Record
from app.kernel.scope import table
from app.procedures.kinds import CommissionKind, CommissionLevel
from app.procedures.models import SITS_IN, VersionStatus
from app.roles import COMMISSION_WORK
from app.territory.models import Municipality, Organisation, Precinct, Staff


def last_met(c: Any, viewer: Viewer) -> ColumnElement[dt.date]:
    """The day of the last meeting that has been held."""
    meeting = table("meeting").alias()
    held = select(func.max(meeting.c.held_on)).where(meeting.c.commission_id == c.id)
    return held.where(meeting.c.held_on <= clock.today()).correlate_except(meeting).scalar_subquery()


def next_met(c: Any, viewer: Viewer) -> ColumnElement[dt.date]:
    """The day of the next one: a meeting that is prepared, or the day that a protocol names."""
    meeting, today = table("meeting").alias(), clock.today()
    ahead = case(
        (meeting.c.held_on > today, meeting.c.held_on), (meeting.c.next_on >= today, meeting.c.next_on), else_=None
    )
    named = select(func.min(ahead)).where(meeting.c.commission_id == c.id)
    return named.correlate_except(meeting).scalar_subquery()


def is_unscheduled(c: Any, viewer: Viewer) -> ColumnElement[bool]:
    """Whether the next meeting is not appointed, or later than procedures in use ask of such a commission (PRM-T2)."""
    step, version, procedure = (table(name).alias() for name in ("commission_step", "procedure_version", "procedure"))
    days = case(*((step.c.sits_unit == unit, length) for unit, length in SITS_IN.items()))
    rhythm = (
        select(func.min(step.c.sits_every * days))
        .join(version, version.c.id == step.c.edition_id)
        .join(procedure, procedure.c.id == version.c.procedure_id)
        .where(step.c.kind == c.kind, step.c.level == c.level, step.c.sits_every.is_not(None))
        .where(version.c.status == VersionStatus.PUBLISHED, procedure.c.active.is_(True))
        .correlate_except(step, version, procedure)
        .scalar_subquery()
    )
    since = func.coalesce(last_met(c, viewer), literal(clock.today(), Date))
    ahead = next_met(c, viewer)
    return and_(rhythm.is_not(None), or_(ahead.is_(None), days_between(since, ahead) > rhythm))


class Commission(Record):
    """A body that meets about cases, with its territory and members."""

    __tablename__ = "commission"

    name: Mapped[str] = column(N_("Name"), SHORT, unique=True)
    kind: Mapped[CommissionKind] = column(N_("Kind"), default=CommissionKind.COUNCIL)
    level: Mapped[CommissionLevel] = column(N_("Level"), default=CommissionLevel.MUNICIPAL)
    organisation_id: Mapped[int | None] = reference("organisation.id")
    organisation: Mapped[Organisation | None] = parent(N_("Organisation"))
    municipality_id: Mapped[int | None] = reference("municipality.id")
    municipality: Mapped[Municipality | None] = parent(N_("Municipality"))
    precinct_id: Mapped[int | None] = reference("precinct.id")
    precinct: Mapped[Precinct | None] = parent(N_("Precinct"))
    schedule: Mapped[str | None] = column(N_("When it sits"), SHORT)
    prefix: Mapped[str | None] = column(N_("Protocol prefix"), SHORT, help=N_("Stands before protocol numbers."))
    members: Mapped[list[CommissionMember]] = children(
        N_("Members of the commission"), order_by="CommissionMember.id", back="commission"
    )
    member_count = counted(N_("Members"), "members")
    last_met = computed(N_("Last meeting"), last_met)
    next_met = computed(N_("Next meeting"), next_met)
    unscheduled = computed(
        N_("Next meeting is to be appointed"),
        is_unscheduled,
        N_("There is none ahead, or it is later than the procedure asks."),
    )

    __admin__ = Admin(
        one=N_("Commission"),
        title=N_("Commissions"),
        name=("name",),
        list=("name", "kind", "level", "municipality", "precinct", "schedule", "next_met", "member_count"),
        form={
            N_("Commission"): ("name", "kind", "level", "schedule", "prefix"),
            N_("Territory"): ("organisation", "municipality", "precinct"),
        },
        show=("last_met", "next_met", "unscheduled"),
        search=("name",),
        filters=("kind", "level", "municipality", "precinct", "unscheduled"),
        order=("name", "asc"),
        inline=("members",),
        scope=scopes.COMMISSION,
        may=COMMISSION_WORK,
        help=N_("Bodies that approve plans and discuss cases."),
        icon="gavel",
    )


class CommissionRole(Choice):
    """What a person is in a commission."""

    CHAIR = N_("Chair")
    DEPUTY = N_("Deputy chair")
    SECRETARY = N_("Secretary")
    MEMBER = N_("Member")


class CommissionMember(Record):
    """Membership from a date to a date; outside it nothing of the commission is seen."""

    __tablename__ = "commission_member"

    commission_id: Mapped[int] = reference("commission.id", owned=True)
    commission: Mapped[Commission] = parent(N_("Commission"), back_populates="members")
    staff_id: Mapped[int] = reference("staff.id")
    staff: Mapped[Staff] = parent(N_("Member of staff"))
    role: Mapped[CommissionRole] = column(N_("Role"), default=CommissionRole.MEMBER)
    since: Mapped[dt.date | None] = column(N_("Since"))
    until: Mapped[dt.date | None] = column(N_("Until"))
    title: Mapped[str] = column(N_("Member"), SHORT, default="", auto=True)

    __admin__ = Admin(
        one=N_("Member of the commission"),
        title=N_("Members of commissions"),
        name=("title",),
        list=("commission", "staff", "role", "since", "until"),
        form={N_("Member of the commission"): ("commission", "staff", "role", "since", "until")},
        search=("staff", "commission"),
        filters=("commission", "staff", "role"),
        scope=scopes.BY_COMMISSION,
        may=COMMISSION_WORK,
        help=N_("Who sits in which commission and since when."),
        icon="users",
    )

    def prepare(self, session: Session) -> None:
        staff = self.staff or (session.get(Staff, self.staff_id) if self.staff_id else None)
        self.title = staff.name if staff else ""

    def faults(self) -> Iterator[tuple[str, str]]:
        if self.since and self.until and self.until < self.since:
            yield "until", N_("The last day stands before the first.")


def has_undecided(c: Any, viewer: Viewer) -> ColumnElement[bool]:
    """Whether a question of the meeting waits for its decision, among those that the viewer may meet."""
    item = table("agenda_item").alias()
    waiting = exists().where(item.c.meeting_id == c.id, item.c.decision.is_(None))
    scope = scopes.AGENDA_ITEM(item.c, viewer)
    return (waiting if scope is None else waiting.where(scope)).correlate_except(item)


def day_of_meeting(c: Any, viewer: Viewer) -> ColumnElement[dt.date]:
    meeting = table("meeting").alias()
    return select(meeting.c.held_on).where(meeting.c.id == c.meeting_id).correlate_except(meeting).scalar_subquery()


class Meeting(Record):
    """A sitting of a commission; it prints as a protocol."""

    __tablename__ = "meeting"

    commission_id: Mapped[int] = reference("commission.id")
    commission: Mapped[Commission] = parent(N_("Commission"), panel=True)
    number: Mapped[str] = column(N_("Protocol number"), SHORT)
    held_on: Mapped[dt.date] = column(N_("Date"), default=clock.today)
    place: Mapped[str | None] = column(N_("Place"), SHORT)
    participants: Mapped[str | None] = column(N_("Present"), LONG, help=N_("One on a line: name, position."))
    next_on: Mapped[dt.date | None] = column(N_("Next meeting"))
    items: Mapped[list[AgendaItem]] = children(
        N_("Agenda"), order_by="AgendaItem.position, AgendaItem.id", back="meeting"
    )
    item_count = counted(N_("Questions"), "items")
    undecided = computed(N_("Decisions are missing"), has_undecided)

    __admin__ = Admin(
        one=N_("Meeting"),
        title=N_("Meetings"),
        name=("number", "held_on"),
        list=("number", "held_on", "commission", "item_count", "next_on"),
        form={
            N_("Meeting"): ("commission", "number", "held_on", "place", "next_on"),
            N_("Participants"): ("participants",),
        },
        search=("number", "commission"),
        filters=("commission", "held_on", "undecided"),
        order=("held_on", "desc"),
        inline=("items",),
        scope=scopes.BY_COMMISSION,
        prints={"protocol": Print(N_("Protocol"), "print/protocol", "app.meetings.papers:protocol_paper")},
        may=COMMISSION_WORK,
        help=N_("Sittings of commissions with their agenda and decisions."),
        icon="calendar-event",
    )

    def faults(self) -> Iterator[tuple[str, str]]:
        commission = self.commission.id if self.commission else self.commission_id
        if commission is None or not self.held_on:
            return
        year = dt.date(self.held_on.year, 1, 1), dt.date(self.held_on.year, 12, 31)
        same = select(Meeting.id).where(
            Meeting.commission_id == commission, Meeting.number == self.number, Meeting.held_on.between(*year)
        )
        session = object_session(self)
        if session and any(id_ != self.id for id_ in session.scalars(same)):
            yield "number", N_("The commission has a protocol of this number in this year already.")


class QuestionKind(Choice):
    """Types of questions (PRM-1)."""

    PUT_ON = N_("Put on accompaniment")
    TAKE_OFF = N_("Take off accompaniment")
    CORRECT = N_("Correct or prolong the programme")
    APPROVE = N_("Approve the plan")
    DECLARATION = N_("Extra check of a declaration")
    URGENT = N_("Urgent help")
    STATE_HELP = N_("State social help")
    OTHER = N_("Other")


class AgendaItem(Record):
    """A question about a case: heard, decided. Seen only by whoever sees the family it is about."""

    __tablename__ = "agenda_item"

    meeting_id: Mapped[int] = reference("meeting.id", owned=True)
    meeting: Mapped[Meeting] = parent(N_("Meeting"), back_populates="items")
    position: Mapped[int] = column(N_("No."), default=1)
    case_id: Mapped[int] = reference("case.id")
    case: Mapped[Case] = parent(N_("Case"), panel=True)
    kind: Mapped[QuestionKind] = column(N_("Type of question"), default=QuestionKind.APPROVE)
    question: Mapped[str] = column(N_("Question"), LONG)
    heard: Mapped[str | None] = column(N_("Heard"), LONG)
    decision: Mapped[str | None] = column(N_("Decided"), LONG)
    family = reached(N_("Family"), "case.family")
    commission = reached(N_("Commission"), "meeting.commission")
    held_on = computed(N_("Date of the meeting"), day_of_meeting)
    undecided = computed(N_("Decision is missing"), lambda c, viewer: c.decision.is_(None))

    __admin__ = Admin(
        one=N_("Question of the agenda"),
        title=N_("Questions of agendas"),
        name=("question",),
        list=("meeting", "position", "case", "family", "kind", "question", "decision"),
        form={
            N_("Question of the agenda"): ("meeting", "position", "case", "kind", "question"),
            N_("Decision"): ("heard", "decision"),
        },
        search=("question", "decision", "case"),
        filters=("meeting", "held_on", "case", "kind", "undecided"),
        order=("position", "asc"),
        scope=scopes.AGENDA_ITEM,
        may=COMMISSION_WORK,
        help=N_("Questions that commissions consider, each about one case."),
        icon="gavel",
    )
