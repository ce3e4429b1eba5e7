"""The protocol of a meeting on paper. Source: domain.md, section 7 (PRM, ANG, NOV, KZ)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, TypedDict

from sqlalchemy import select
from sqlalchemy.orm import object_session

from app.families.papers import named, surname_of
from app.kernel.printing import Paper, Signature
from app.kernel.scope import table

if TYPE_CHECKING:
    from app.meetings.models import AgendaItem, Commission, Meeting


class Question(TypedDict):
    """A question of the agenda: what it is, what was heard and discussed, what was decided."""

    number: int
    question: str
    case: str
    heard: str
    discussed: str
    decided: str


class ProtocolPaper(Paper):
    commission: str
    held_on: dt.date
    place: str
    participants: list[str]
    questions: list[Question]
    next_on: dt.date | None
    signatures: list[Signature]


def protocol_paper(meeting: Meeting) -> ProtocolPaper:
    """A protocol. Who may not see a case does not get its question, and what he prints says that it is an extract."""
    commission, numbers = meeting.commission, _numbers(meeting)
    whole = len(meeting.items) == len(numbers)
    return {
        "title": "Протокол заседания" if whole else "Выписка из протокола заседания",
        "number": f"№ {meeting.number}",
        "organisation": named(commission.organisation),
        "commission": commission.name,
        "held_on": meeting.held_on,
        "place": meeting.place or "",
        "participants": [name.strip() for name in (meeting.participants or "").splitlines() if name.strip()],
        "questions": [_question(numbers[item.id], item) for item in meeting.items],
        "next_on": meeting.next_on,
        "signatures": [
            _signed_by(commission, meeting.held_on, "CHAIR", "Председатель"),
            _signed_by(commission, meeting.held_on, "SECRETARY", "Секретарь"),
        ],
    }


def _numbers(meeting: Meeting) -> dict[int, int]:
    """The number of each question on the whole agenda, whoever may read it."""
    item, session = table("agenda_item").c, object_session(meeting)
    assert session is not None
    ids = session.connection().execute(
        select(item.id).where(item.meeting_id == meeting.id).order_by(item.position, item.id)
    )
    return {id_: number for number, id_ in enumerate(ids.scalars(), 1)}


def _question(number: int, item: AgendaItem) -> Question:
    return {
        "number": number,
        "question": item.question,
        "case": f"семья {surname_of(item.case.family)}, дело № {item.case.number}",
        "heard": item.heard or "",
        "discussed": "",
        "decided": item.decision or "",
    }


def _signed_by(commission: Commission, day: dt.date, role: str, title: str) -> Signature:
    """Who held this office on the day of the meeting."""
    names = (
        member.staff.name if member.staff else member.title
        for member in commission.members
        if member.role.name == role
        and (member.since is None or member.since <= day)
        and (member.until is None or member.until >= day)
    )
    return {"role": title, "name": next(names, ""), "signed_on": None}
