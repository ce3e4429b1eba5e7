"""The steps of a plan's life, and its next version. Which step may follow which is in ``rules.MOVES``.

A new version does its work before the old one stops: the old one is revised when the new one comes into force, not
when it is approved, so that the family is never without a plan in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from app.kernel import clock
from app.kernel.declare import N_
from app.kernel.writing import Refused, Wrong, save
from app.plans import rules
from app.plans.models import Activity, Goal, Plan, PlanStatus

NOT_NOW = N_("The plan has gone on meanwhile: this step is not possible any more.")
NOT_REVISABLE = N_("A new version is made of an approved plan. This one is changed as it is.")
REVISED_ALREADY = N_("A newer version has been made already.")

_GOAL = ("number", "text", "heading")
_ROW = (
    "position",
    "parents_action",
    "specialists_action",
    "term",
    "due_on",
    "responsible",
    "done_on",
    "result",
)


def versions(plan: Plan) -> list[Plan]:
    """Every version of this plan, the first one first: plans of one kind in one case."""
    session = object_session(plan)
    assert session is not None
    same = select(Plan).where(Plan.case_id == plan.case_id, Plan.kind == plan.kind).order_by(Plan.edition)
    return list(session.scalars(same))


def newer(plan: Plan) -> Plan | None:
    """The next version, unless it was given up."""
    later = (other for other in versions(plan) if other.edition > plan.edition)
    return next((other for other in later if other.status is not PlanStatus.CANCELLED), None)


def replaced(plan: Plan) -> list[Plan]:
    """Earlier versions that end when this one comes into force."""
    return [other for other in versions(plan) if other.edition < plan.edition and rules.revisable(other.status.name)]


def move(session: Session, plan: Plan, to: PlanStatus, facts: Mapping[str, Any]) -> None:
    """Take a step that a person has decided on, with what he was asked for. Committing is the caller's.

    :raises Refused: when the step does not follow from where the plan stands.
    """
    if not rules.may_move(plan.status.name, to.name):
        raise Refused(Wrong("status", NOT_NOW))
    plan.status = to
    for name, value in facts.items():
        setattr(plan, name, value)
    if to is PlanStatus.DRAFT:
        plan.agreed_on = None  # what is written now has to be agreed anew
    ended = replaced(plan) if to is PlanStatus.IN_FORCE else []
    for other in ended:
        other.status = PlanStatus.REVISED
    save(session, plan, *ended)


def revise(session: Session, plan: Plan, reason: str) -> Plan:
    """The next version as a draft: the same words, goals and rows with their marks. Committing is the caller's.

    :raises Refused: when the plan is not approved, or has been revised already.
    """
    if not rules.revisable(plan.status.name):
        raise Refused(Wrong("reason", NOT_REVISABLE))
    if newer(plan) is not None:
        raise Refused(Wrong("reason", REVISED_ALREADY))
    with session.no_autoflush:
        copy = Plan(
            case=plan.case,
            kind=plan.kind,
            status=PlanStatus.DRAFT,
            made_on=clock.today(),
            until=plan.until,
            nature=plan.nature,
            main_goal=plan.main_goal,
            revision_reason=reason,
            goals=[],
        )
        goals, rows = [], []
        for goal in plan.goals:
            goals.append(new := Goal(plan=copy, activities=[], **{name: getattr(goal, name) for name in _GOAL}))
            for row in goal.activities:
                rows.append(Activity(goal=new, **{name: getattr(row, name) for name in _ROW}))
        save(session, copy, *goals, *rows)
    return copy
