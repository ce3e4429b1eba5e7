"""Who is away, and from whom to whom a case has passed. Source: domain.md, 1 («Curator»): a case is never nobody's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from sqlalchemy import CheckConstraint, event, inspect
from sqlalchemy.orm import Mapped, Session

from app import scopes
from app.cases.models import Case
from app.kernel import clock
from app.kernel.declare import N_, Admin, Choice, May, Page, column, parent, reached, reference
from app.kernel.orm import LONG, SHORT, Record, changed
from app.roles import ADMINISTRATOR, CASEWORK, COMMISSIONER, CURATOR, SECRETARY, SPECIALIST, SUPERVISOR
from app.territory.models import Staff


class AbsenceReason(Choice):
    """Why somebody is away."""

    LEAVE = N_("Leave")
    ILLNESS = N_("Illness")
    TRIP = N_("Business trip")
    STUDY = N_("Study")
    CHILD = N_("Parental leave")
    OTHER = N_("Other reason")


class Absence(Record):
    """A time in which a member of staff does not work. It is nobody's business but the supervisor's why."""

    __tablename__ = "absence"

    staff_id: Mapped[int] = reference("staff.id", owned=True)
    staff: Mapped[Staff] = parent(N_("Who is away"), panel=True, foreign_keys="Absence.staff_id")
    since: Mapped[dt.date] = column(N_("Away from"), default=clock.today)
    until: Mapped[dt.date | None] = column(N_("Away until"), help=N_("The last day; empty while it is not known."))
    reason: Mapped[AbsenceReason] = column(N_("Reason of the absence"), default=AbsenceReason.LEAVE)
    stand_in_id: Mapped[int | None] = reference("staff.id")
    stand_in: Mapped[Staff | None] = parent(
        N_("Who stands in"), help=N_("Is proposed when cases are handed over."), foreign_keys="Absence.stand_in_id"
    )
    note: Mapped[str | None] = column(N_("Note"), LONG)

    __admin__ = Admin(
        one=N_("Absence"),
        title=N_("Absences"),
        name=("since", "until"),
        list=("staff", "since", "until", "reason", "stand_in"),
        form={N_("Absence"): ("staff", "since", "until", "reason", "stand_in", "note")},
        search=("staff", "note"),
        filters=("staff", "since", "until", "reason", "stand_in"),
        order=("since", "desc"),
        scope=scopes.through("staff_id", "staff", scopes.STAFF),
        may={ADMINISTRATOR: May.ALL, SUPERVISOR: May.ALL},
        help=N_("Who is away and who stands in: their cases are handed over for the time."),
        icon="calendar",
    )

    def faults(self) -> Iterator[tuple[str, str]]:
        if self.until and self.since and self.until < self.since:
            yield "until", N_("The absence ends before it begins.")
        if self.stand_in is not None and self.stand_in is self.staff:
            yield "stand_in", N_("Nobody stands in for himself: choose a colleague.")


class HandoverReason(Choice):
    """Why a case passes from one curator to another."""

    ABSENCE = N_("Absence of the curator")
    DISMISSAL = N_("Dismissal of the curator")
    LOAD = N_("Too much work")
    RETURN = N_("The curator is back")
    OTHER = N_("Another reason")


class HandoverState(Choice):
    """What became of a hand-over."""

    IN_FORCE = N_("In force (hand-over)")
    RETURNED = N_("Returned")
    UNDONE = N_("Undone")

    @property
    def colour(self) -> str:
        return {"IN_FORCE": "blue", "RETURNED": "green", "UNDONE": "secondary"}[self.name]


class Handover(Record):
    """A case has passed from one curator to another. It is only added to: a return is a hand-over the other way.

    Every change of the curator of a case leaves one (:func:`keep_handovers`), whichever door it came through.
    """

    __tablename__ = "handover"
    __table_args__ = (CheckConstraint("giver_id <> receiver_id", name="ck_handover_two"),)

    case_id: Mapped[int] = reference("case.id", owned=True)
    case: Mapped[Case] = parent(N_("Case"), panel=True)
    giver_id: Mapped[int | None] = reference("staff.id")
    giver: Mapped[Staff | None] = parent(N_("From whom"), foreign_keys="Handover.giver_id")
    receiver_id: Mapped[int] = reference("staff.id")
    receiver: Mapped[Staff] = parent(N_("To whom"), foreign_keys="Handover.receiver_id")
    day: Mapped[dt.date] = column(N_("Handed over on"), default=clock.today)
    reason: Mapped[HandoverReason] = column(N_("Reason of the hand-over"), default=HandoverReason.OTHER)
    temporary: Mapped[bool] = column(N_("For a time"), default=False)
    until: Mapped[dt.date | None] = column(N_("Until"))
    note: Mapped[str | None] = column(N_("Note"), LONG)
    state: Mapped[HandoverState] = column(N_("State of the hand-over"), default=HandoverState.IN_FORCE, index=True)
    read_on: Mapped[dt.date | None] = column(N_("Read on"))
    done_by: Mapped[str] = column(N_("Who handed over"), SHORT, default="")
    family = reached(N_("Family"), "case.family")

    __admin__ = Admin(
        one=N_("Hand-over"),
        title=N_("Hand-overs"),
        name=("day",),
        list=("day", "case", "family", "giver", "receiver", "temporary", "until", "state", "read_on"),
        form={},
        show=(
            "case", "family", "giver", "receiver", "day", "reason", "temporary", "until", "note", "state", "read_on",
            "done_by",
        ),
        filters=("case", "family", "giver", "receiver", "day", "reason", "temporary", "until", "state", "read_on"),
        order=("day", "desc"),
        scope=scopes.BY_CASE,
        page=Page("handover/handover.html", "app.handover.pages:handover"),
        may={role: may & (May.READ | May.EXPORT | May.API) for role, may in CASEWORK.items()}
        | dict.fromkeys((CURATOR, SPECIALIST, SECRETARY), May.READ) | {COMMISSIONER: May.NOTHING},
        help=N_("Every case that has passed from one curator to another."),
        icon="users",
    )  # fmt: skip


def _leave_record(session: Session, context: Any, instances: Any) -> None:
    """Give each case whose curator a flush is about to change its hand-over, unless somebody has told more of it."""
    records = [*session.new, *session.dirty]
    told = {one.case for one in records if isinstance(one, Handover)}  # handed over, or taken back, knowingly
    for case in [one for one in session.dirty if isinstance(one, Case) and one not in told]:
        # The foreign key follows the chosen curator only in the flush itself.
        before = inspect(case).committed_state.get("curator_id", case.curator_id)
        now = case.curator.id if changed(case, "curator") and case.curator is not None else case.curator_id
        if now is not None and now != before:
            done_by = session.info.get("user_name") or ""
            session.add(Handover(case=case, giver_id=before, receiver_id=now, done_by=done_by))


def keep_handovers(session: Any) -> None:
    """Leave a record of every change of a curator that goes through this session (or factory)."""
    event.listen(session, "before_flush", _leave_record)
