"""The work journal and the monitoring on paper.

Source: ISK-J, form «План социально-реабилитационной работы с семьей»; ISK-M, form «Мониторинг».
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypedDict

from sqlalchemy import select
from sqlalchemy.orm import object_session, selectinload

from app.families import papers as families
from app.journal.models import Contact
from app.kernel.printing import Paper, Signature, by_lines, day
from app.plans.models import Plan, PlanStatus

if TYPE_CHECKING:
    from app.cases.models import Case
    from app.journal.models import Monitoring

DECISIONS = {
    "CONTINUE": "Продолжение работы по плану",
    "ADJUST": "Корректировка плана и продолжение работы",
    "CLOSE": "Закрытие случая",
    "HAND_OVER": "Передача в компетентные органы",
}


class JournalRow(TypedDict):
    event: str
    responsible: str
    result: str


class JournalSection(TypedDict):
    """A goal and what was done for it. An event that serves several goals stands under each of them."""

    heading: str
    rows: list[JournalRow]


class WorkJournalPaper(Paper):
    child: str
    main_goal: str
    sections: list[JournalSection]
    signatures: list[Signature]


def work_journal_paper(case: Case) -> WorkJournalPaper:
    """The journal of a case by the goals of its plans; work that serves no goal stands at the end."""
    session = object_session(case)
    assert session is not None
    made = select(Plan).where(Plan.case_id == case.id, Plan.status != PlanStatus.CANCELLED)
    held = select(Contact).where(Contact.case_id == case.id)
    plans = list(session.scalars(made.order_by(Plan.edition).options(selectinload(Plan.goals))))
    contacts = list(session.scalars(held.order_by(Contact.held_on, Contact.id).options(selectinload(Contact.goals))))
    child = families.child(case.family)
    return {
        "title": "План социально-реабилитационной работы с семьей",
        "number": f"(дело № {case.number})",
        "organisation": families.issuer(case.family),
        "child": child.name if child else "",
        "main_goal": (plans[-1].main_goal or "") if plans else "",
        "sections": _sections(plans, contacts),
        "signatures": [_curator(case)],
    }


def _sections(plans: Sequence[Plan], contacts: Sequence[Contact]) -> list[JournalSection]:
    """Goals of the version in force, and those of earlier versions for which something was done.

    A goal that passed unchanged from one version to the next is one goal.
    """
    goals: dict[tuple[int, str], set[int]] = {}
    headings: dict[tuple[int, str], str] = {}
    for plan in plans:
        for goal in plan.goals:
            key = (goal.number, goal.text)
            goals.setdefault(key, set()).add(goal.id)
            headings[key] = f"Промежуточная цель № {goal.number} ({goal.heading or goal.text.rstrip('.')})"
    current = {goal.id for goal in plans[-1].goals} if plans else set()
    sections: list[JournalSection] = []
    for key in sorted(goals, key=lambda key: (key[0], min(goals[key]))):
        rows = _rows(contact for contact in contacts if any(goal.id in goals[key] for goal in contact.goals))
        if rows or goals[key] & current:
            sections.append({"heading": headings[key], "rows": rows})
    known = {goal_id for ids in goals.values() for goal_id in ids}
    other = _rows(contact for contact in contacts if not any(goal.id in known for goal in contact.goals))
    if other:
        sections.append({"heading": "Другие мероприятия", "rows": other})
    return sections


def _rows(contacts: Iterable[Contact]) -> list[JournalRow]:
    return [
        {
            "event": f"{day(contact.held_on)} г. – {contact.event}",
            "responsible": by_lines(contact.responsible),
            "result": contact.result or "",
        }
        for contact in contacts
    ]


def _curator(case: Case) -> Signature:
    return {"role": "Куратор", "name": case.curator.name if case.curator else "", "signed_on": None}


class ProblemResult(TypedDict):
    """What was achieved for one problem."""

    number: int
    problem: str
    result: str


class MonitoringPaper(Paper):
    family: str
    held_on: dt.date
    results: list[ProblemResult]
    decision: str
    conclusion: str
    signatures: list[Signature]


def monitoring_paper(monitoring: Monitoring) -> MonitoringPaper:
    case = monitoring.case
    results = sorted(monitoring.results, key=lambda result: result.problem.number)
    return {
        "title": f"Мониторинг {day(monitoring.held_on)} г.",
        "number": f"(дело № {case.number})",
        "organisation": families.issuer(case.family),
        "family": case.family.name,
        "held_on": monitoring.held_on,
        "results": [
            {"number": result.problem.number, "problem": result.problem.text, "result": result.result}
            for result in results
        ],
        "decision": DECISIONS[monitoring.decision.name] if monitoring.decision else "",
        "conclusion": monitoring.conclusion or "",
        "signatures": [_curator(case)],
    }
