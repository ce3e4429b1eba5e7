"""Terms of cases: what is due when, worked out from the procedure and the records. Source: domain.md, section 3.

``Deadline`` rows are written by the engine (engine.py) and by nobody else; what people say about them, that a thing is
done, put off, or why it was missed, are records of their own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Enum, UniqueConstraint, case, literal
from sqlalchemy.orm import Mapped, mapped_column

from app import scopes
from app.cases.models import Case
from app.deadlines import rules
from app.kernel import clock
from app.kernel.declare import (
    N_,
    Admin,
    Choice,
    May,
    Page,
    Tab,
    Viewer,
    column,
    computed,
    derived,
    parent,
    reached,
    reference,
)
from app.kernel.orm import LONG, SHORT, Model, Record, Row
from app.procedures.kinds import Country
from app.procedures.models import Requirement
from app.roles import ADMINISTRATOR, CASEWORK, COMMISSIONER, CURATOR, DICTIONARY, SECRETARY, SPECIALIST, SUPERVISOR
from app.territory.kinds import Zone, zone_of
from app.territory.models import Staff


class DeadlineState(Choice):
    """How a term stands today."""

    OVERDUE = N_("Overdue")
    TODAY = N_("Due today")
    WEEK = N_("Due this week")
    AHEAD = N_("Later")
    STANDS = N_("Stands still")
    DONE = N_("Done in time")
    LATE = N_("Done late")
    DROPPED = N_("Missed and no longer expected")

    @property
    def colour(self) -> str:
        return {"OVERDUE": "red", "TODAY": "orange", "WEEK": "yellow", "DONE": "green", "LATE": "purple"}.get(
            self.name, "secondary"
        )


_STATE = Enum(DeadlineState, native_enum=False, create_constraint=False, length=30)


def state(c: Any, viewer: Viewer) -> ColumnElement[DeadlineState]:
    """The state of a term on this day, which is the day of the place where its case is led."""
    days: dict[dt.date, list[Zone]] = {}
    for zone in Zone:
        days.setdefault(clock.day_in(zone_of(zone)), []).append(zone)
    usual = clock.day_in(zone_of(None))
    elsewhere = [(zones, day) for day, zones in days.items() if day != usual]
    waiting = (
        case(*((c.zone.in_(zones), _waiting(c, day)) for zones, day in elsewhere), else_=_waiting(c, usual))
        if elsewhere
        else _waiting(c, usual)
    )
    return case(
        (c.done_on.is_not(None) & (c.due_on.is_(None) | (c.done_on <= c.due_on)), literal(DeadlineState.DONE, _STATE)),
        (c.done_on.is_not(None), literal(DeadlineState.LATE, _STATE)),
        (c.ended_on.is_not(None), literal(DeadlineState.DROPPED, _STATE)),
        (c.due_on.is_(None), literal(DeadlineState.STANDS, _STATE)),
        else_=waiting,
    )


def _waiting(c: Any, today: dt.date) -> ColumnElement[DeadlineState]:
    """The state of a term that is waited for."""
    return case(
        (c.due_on < today, literal(DeadlineState.OVERDUE, _STATE)),
        (c.due_on == today, literal(DeadlineState.TODAY, _STATE)),
        (c.due_on <= rules.end_of_week(today), literal(DeadlineState.WEEK, _STATE)),
        else_=literal(DeadlineState.AHEAD, _STATE),
    )


def days_late(
    due_on: dt.date | None, done_on: dt.date | None, ended_on: dt.date | None, zone: Zone | None
) -> int | None:
    """By how many days it was or is late, by the day of the place where the case is led."""
    return rules.days_late(due_on, done_on, ended_on, clock.day_in(zone_of(zone)))


class Deadline(Row):
    """One thing that is due in a case once: a requirement, its event, and the last day in time.

    ``occasion`` counts the rounds of what repeats, from 1. ``due_on`` is empty while the case stands still without an
    end. ``ended_on``: it was missed and is expected no more (the case was closed, the child moved).
    """

    __tablename__ = "deadline"
    __table_args__ = (
        UniqueConstraint("case_id", "requirement_id", "event_on", "occasion", name="uq_deadline_occasion"),
    )

    case_id: Mapped[int] = reference("case.id", owned=True)
    case: Mapped[Case] = parent(N_("Case"), panel=True)
    requirement_id: Mapped[int] = reference("requirement.id")
    requirement: Mapped[Requirement] = parent(N_("What is due"))
    event_on: Mapped[dt.date] = column(N_("Counted from"))
    occasion: Mapped[int] = column(N_("Which time"), default=1)
    due_on: Mapped[dt.date | None] = column(N_("Due"))
    done_on: Mapped[dt.date | None] = column(N_("Done"))
    ended_on: Mapped[dt.date | None] = column(N_("Expected no longer since"))
    # By whose days it is overdue: that of the case's organisation, written down by the engine.
    zone: Mapped[Zone | None] = column(N_("Time zone"))
    state = computed(N_("State"), state)
    family = reached(N_("Family"), "case.family")
    curator = reached(N_("Curator"), "case.curator")
    organisation = reached(N_("Organisation"), "case.family.organisation")
    late = derived(N_("Days late"), days_late, ("due_on", "done_on", "ended_on", "zone"))

    __admin__ = Admin(
        one=N_("Term"),
        title=N_("Terms"),
        name=("due_on",),
        list=("due_on", "state", "late", "requirement", "family", "case", "curator", "done_on"),
        form={},
        show=(
            "requirement", "case", "family", "curator", "organisation", "event_on", "occasion", "due_on", "done_on",
            "ended_on", "state", "late",
        ),
        filters=("state", "due_on", "curator", "organisation", "requirement", "case", "family", "done_on", "ended_on"),
        order=("due_on", "asc"),
        tabs=(
            Tab("all", N_("All"), {}),
            Tab("overdue", N_("Overdue"), {"state": "OVERDUE"}),
            Tab("today", N_("Due today"), {"state": "TODAY"}),
            Tab("week", N_("Due this week"), {"state": "WEEK"}),
            Tab("ahead", N_("Later"), {"state": "AHEAD"}),
            Tab("done", N_("Done"), {"done_on.empty": "0"}),
        ),
        page=Page("deadlines/deadline.html", "app.deadlines.why:deadline"),
        scope=scopes.BY_CASE,
        may={ADMINISTRATOR: May.READ | May.EXPORT | May.API, SUPERVISOR: May.READ | May.EXPORT | May.API,
             CURATOR: May.READ | May.EXPORT | May.API, SPECIALIST: May.READ, SECRETARY: May.READ | May.EXPORT,
             COMMISSIONER: May.READ},
        help=N_("What is due in the cases and when, by their procedures. Worked out by itself."),
        icon="calendar-event",
    )  # fmt: skip


class MarkKind(Choice):
    """What somebody says of a requirement in a case. Whether it applies is what was said last."""

    DONE = N_("Done")
    NEEDED = N_("Needed here")
    WAIVED = N_("Not needed here")


class Unsettled(Model):
    """A case whose terms are to be worked out anew: something has changed for too many of them to do it at once."""

    __tablename__ = "unsettled"
    __table_args__ = {"extend_existing": False}

    case_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Mark(Record):
    """That something a procedure asks for is done, where no other record proves it; or whether it applies at all."""

    __tablename__ = "mark"

    case_id: Mapped[int] = reference("case.id", owned=True)
    case: Mapped[Case] = parent(N_("Case"), panel=True)
    requirement_id: Mapped[int] = reference("requirement.id")
    requirement: Mapped[Requirement] = parent(N_("Requirement"), narrow=("case.edition", "edition"))
    kind: Mapped[MarkKind] = column(N_("What is said of it"), default=MarkKind.DONE)
    done_on: Mapped[dt.date] = column(N_("Date"), default=clock.today, happened=True)
    note: Mapped[str | None] = column(N_("Note"), LONG, help=N_("Number of the paper; why it is not needed."))

    __admin__ = Admin(
        one=N_("Mark of completion"),
        title=N_("Marks of completion"),
        name=("done_on",),
        list=("case", "requirement", "kind", "done_on", "note"),
        form={N_("Mark of completion"): ("case", "requirement", "kind", "done_on", "note")},
        search=("note", "case"),
        filters=("case", "requirement", "kind", "done_on"),
        order=("done_on", "desc"),
        scans=True,
        scope=scopes.BY_CASE,
        may=CASEWORK | {CURATOR: May.ALL, SPECIALIST: May.WRITE | May.PRINT},
        help=N_("Papers and actions that a procedure asks for and that are done."),
        icon="circle-check",
    )

    def faults(self) -> Iterator[tuple[str, str]]:
        optional = self.requirement is not None and self.requirement.optional
        if self.kind is MarkKind.WAIVED and not self.note and not optional:
            yield "note", N_("Say why it is not needed.")


class Delay(Record):
    """A term put off with a reason by somebody who may; or, without a new day, why it was missed."""

    __tablename__ = "delay"

    case_id: Mapped[int] = reference("case.id", owned=True)
    case: Mapped[Case] = parent(N_("Case"), panel=True)
    deadline_id: Mapped[int] = reference("deadline.id", owned=True)
    deadline: Mapped[Deadline] = parent(N_("Term"), panel=True, narrow=("case", "case"))
    decided_on: Mapped[dt.date] = column(N_("Decided"), default=clock.today)
    until: Mapped[dt.date | None] = column(N_("Put off until"), help=N_("Empty: only the reason is written down."))
    reason: Mapped[str] = column(N_("Reason"), LONG)
    approved_by_id: Mapped[int | None] = reference("staff.id")
    approved_by: Mapped[Staff | None] = parent(N_("Approved by"))

    __admin__ = Admin(
        one=N_("Delay"),
        title=N_("Delays"),
        name=("decided_on",),
        list=("case", "deadline", "until", "reason", "approved_by", "decided_on"),
        form={N_("Delay"): ("case", "deadline", "until", "reason", "approved_by", "decided_on")},
        search=("reason", "case"),
        filters=("case", "until", "approved_by", "decided_on"),
        order=("decided_on", "desc"),
        scope=scopes.BY_CASE,
        may=CASEWORK,
        help=N_("Terms put off, and why terms were missed."),
        icon="calendar-event",
    )

    def faults(self) -> Iterator[tuple[str, str]]:
        if self.until and not (self.approved_by or self.approved_by_id):
            yield "approved_by", N_("A term is put off by somebody: say who approved it.")
        if self.until and self.deadline is not None and self.until < self.deadline.event_on:
            yield "until", N_("A term cannot be put off to before its event.")


class DayOff(Record):
    """A day by which the production calendar differs from the shipped one: a holiday, or a Saturday that is worked."""

    __tablename__ = "day_off"
    __table_args__ = (UniqueConstraint("country", "day"),)

    country: Mapped[Country] = column(N_("Country"), default=Country.RU)
    day: Mapped[dt.date] = column(N_("Date"), active_history=True)
    worked: Mapped[bool] = column(N_("A working day"), default=False, help=N_("Not ticked: a day off."))
    name: Mapped[str | None] = column(N_("Why"), SHORT, help=N_("The holiday, or the decree that moves the day."))

    __admin__ = Admin(
        one=N_("Day of the calendar"),
        title=N_("Production calendar"),
        name=("day",),
        list=("country", "day", "worked", "name"),
        form={N_("Day of the calendar"): ("country", "day", "worked", "name")},
        search=("name",),
        filters=("country", "day", "worked"),
        order=("day", "desc"),
        scope=scopes.everyone,
        may=DICTIONARY,
        help=N_("Days by which the calendar differs from the one that comes with the program."),
        icon="calendar",
    )
