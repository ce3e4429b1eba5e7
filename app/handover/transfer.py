"""A case passes from hand to hand, comes back, or stays where it was after all. The caller commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases.models import Case, CaseStatus
from app.handover.models import Handover, HandoverReason, HandoverState
from app.kernel.declare import N_
from app.kernel.writing import Refused, Wrong, save
from app.territory.models import Staff

TO_HIMSELF = N_("This is who leads the case already: choose another.")
LEFT = N_("This member of staff does not work here any more: choose another.")
MOVED_ON = N_("The case has passed to somebody else meanwhile: look at it again.")
READ_ALREADY = N_("Who received the case has read of it: hand it over anew instead.")
UNTIL_PAST = N_("The hand-over ends before it begins.")


@dataclass(frozen=True)
class Terms:
    """How cases are handed over: why, from what day, for a time or for good."""

    reason: HandoverReason
    day: dt.date
    temporary: bool = False
    until: dt.date | None = None
    note: str | None = None


def open_cases(session: Session, curator_id: int | None) -> Sequence[Case]:
    """The cases of a curator (or of nobody) that are not closed, within reach."""
    led = Case.curator_id == curator_id if curator_id else Case.curator_id.is_(None)
    return session.scalars(select(Case).where(led, Case.status != CaseStatus.CLOSED).order_by(Case.number)).all()


def pass_on(session: Session, pairs: Iterable[tuple[Case, Staff]], terms: Terms, done_by: str) -> list[Handover]:
    """Hand each case over to the one beside it, all or none. :class:`Refused` tells which case objects."""
    found: list[Handover] = []
    wrong: list[Wrong] = []
    if terms.until and terms.until < terms.day:
        raise Refused(Wrong("until", UNTIL_PAST))
    for case, receiver in pairs:
        if receiver.id == case.curator_id:
            wrong.append(Wrong("receiver", TO_HIMSELF, case))
        if not receiver.works:
            wrong.append(Wrong("receiver", LEFT, case))
        made = Handover(
            case=case, giver=case.curator, receiver=receiver, reason=terms.reason, day=terms.day,
            temporary=terms.temporary, until=terms.until if terms.temporary else None, note=terms.note, done_by=done_by,
        )  # fmt: skip
        found.append(made)
    if wrong:
        raise Refused(*wrong)
    for made in found:
        made.case.curator = made.receiver
        save(session, made.case, made)
    return found


def give_back(session: Session, handovers: Iterable[Handover], today: dt.date, done_by: str) -> list[Handover]:
    """Bring cases that were handed over for a time back to who led them: a hand-over the other way."""
    back = []
    for one in handovers:
        _still_there(one)
        if not one.temporary or one.giver is None:
            raise Refused(Wrong("", MOVED_ON, one.case))
        one.state = HandoverState.RETURNED
        save(session, one)
        terms = Terms(HandoverReason.RETURN, today)
        back.extend(pass_on(session, [(one.case, one.giver)], terms, done_by))
    return back


def undo(session: Session, handovers: Iterable[Handover]) -> None:
    """The cases stay with who led them, as if nothing had been done: only while the receiver has not read of it."""
    for one in handovers:
        _still_there(one)
        if one.read_on is not None:
            raise Refused(Wrong("", READ_ALREADY, one.case))
        one.state, one.case.curator = HandoverState.UNDONE, one.giver
        save(session, one.case, one)


def _still_there(one: Handover) -> None:
    if one.state is not HandoverState.IN_FORCE or one.case.curator_id != one.receiver_id:
        raise Refused(Wrong("", MOVED_ON, one.case))
